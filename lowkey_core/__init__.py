"""Photographs, faces, recognisers, cloaks. Knows no adversary.

Imported before torch, it sets how long torch's threads spin before they sleep. By default they
spin so long that a training step takes many times as long beside other busy processes
(benchmarks/README.md, "Threads"). What a user has set stays.
"""

import os

if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
