"""Photographs, faces, recognisers, cloaks. Knows no adversary.

Imported before torch, it sets how torch's threads wait. By default they spin, and beside other
busy processes a training step then takes many times as long; passive ones sleep
(benchmarks/README.md, "Threads"). A value that the user has set stays.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
