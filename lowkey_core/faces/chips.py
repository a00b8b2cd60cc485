"""Templates of faces that detectors and recognisers share."""

from __future__ import annotations

from lowkey_core.types import Template

DLIB = Template("dlib", 150, ((1.52058, -0.01632, -8.877), (0.01632, 1.52058, -34.484)))
"""The 150x150 chip that dlib aligns faces to: a least-squares fit of its own chips, on LFW."""
