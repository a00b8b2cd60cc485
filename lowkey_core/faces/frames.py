"""Where a face is in its photo, and from there to any network's template."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lowkey_core.faces.alignment import similarity
from lowkey_core.types import Template


@dataclass(frozen=True, slots=True)
class Frame:
    """One face in one photo. Small: a gallery holds one for each picture, perhaps a million."""

    size: tuple[int, int]
    """Height and width of the photo, upright."""
    numbers: bytes
    """Of `landmarks` and `box`: 14 float32."""

    @classmethod
    def at(cls, size: tuple[int, int], landmarks: Tensor, box: Tensor) -> Frame:
        """size, landmarks, box: as the frame will have them."""
        return cls(size, torch.cat([landmarks.flatten(), box]).float().numpy().tobytes())

    @property
    def landmarks(self) -> Tensor:
        """(5, 2) float32, photo pixels (x, y): eyes, nose, mouth corners."""
        return self._numbers[:10].reshape(5, 2)

    @property
    def box(self) -> Tensor:
        """(4,) float32, photo pixels: left, top, right, bottom, as the detector has them."""
        return self._numbers[10:]

    @property
    def _numbers(self) -> Tensor:
        return torch.frombuffer(bytearray(self.numbers), dtype=torch.float32)

    def to(self, template: Template) -> Tensor:
        """(2, 3) float32, photo pixels to template pixels."""
        if template.margin is None:
            return composed(
                torch.tensor(template.chip, dtype=torch.float32), similarity(self.landmarks)
            )
        return self._by_box(template.size, template.margin)

    def _by_box(self, size: int, margin: int) -> Tensor:
        """The box with its margin, within the photo, stretched to the square (facenet-pytorch,
        `extract_face`)."""
        left, top, right, bottom = self.box.tolist()
        wider, higher = (margin * side / (size - margin) for side in (right - left, bottom - top))
        height, width = self.size
        x0, y0 = int(max(left - wider / 2, 0)), int(max(top - higher / 2, 0))
        x1, y1 = int(min(right + wider / 2, width)), int(min(bottom + higher / 2, height))
        across, down = size / max(1, x1 - x0), size / max(1, y1 - y0)
        # A pixel's centre c of the photo lies at (c - x0 + .5) * across - .5 of the square.
        return torch.tensor(
            [
                [across, 0.0, (0.5 - x0) * across - 0.5],
                [0.0, down, (0.5 - y0) * down - 0.5],
            ]
        )

    def turned_back(self, quarters: int) -> Frame:
        """The same face in the photo that was turned counterclockwise by so many right angles to
        become this one."""
        frame = self
        for _ in range(quarters):
            height, width = frame.size
            left, top, right, bottom = frame.box
            x, y = frame.landmarks.unbind(1)
            frame = Frame.at(
                (width, height),
                torch.stack([height - 1 - y, x], 1),  # centres of pixels
                torch.stack([height - bottom, left, height - top, right]),  # edges
            )
        return frame

    def overlap(self, other: Frame) -> float:
        """Intersection over union of the two boxes."""
        low = torch.maximum(self.box[:2], other.box[:2])
        high = torch.minimum(self.box[2:], other.box[2:])
        both = float((high - low).clamp(min=0).prod())
        areas = [float((b[2:] - b[:2]).clamp(min=0).prod()) for b in (self.box, other.box)]
        return both / (sum(areas) - both) if both else 0.0


def composed(outer: Tensor, inner: Tensor) -> Tensor:
    """(2, 3): first `inner`, (2, 3), then `outer`, (2, 3)."""
    return torch.cat([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2:] + outer[:, 2:]], 1)
