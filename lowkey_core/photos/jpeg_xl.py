"""The size of a JPEG XL picture, before its decoder, which Pillow's plugin starts at once, runs."""

from __future__ import annotations

_CODESTREAM = b"\xff\x0a"
_RATIOS = ((1, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height, by the ratio's number; 0 says that the width is written out."""


def size_of(content: bytes) -> tuple[int, int]:
    """Width and height (ISO/IEC 18181-1, D.2). Raises: ValueError."""
    stream = content if content.startswith(_CODESTREAM) else _codestream(content)
    if not stream.startswith(_CODESTREAM):
        raise ValueError("no JPEG XL codestream")
    bits = _Bits(stream[len(_CODESTREAM) : 32])
    small = bits.take(1)
    height = bits.side(small)
    ratio = bits.take(3)
    across, down = _RATIOS[ratio]
    return (height * across // down if ratio else bits.side(small)), height


class _Bits:
    """Bits of bytes, the lowest of each first."""

    def __init__(self, content: bytes) -> None:
        self.left = int.from_bytes(content, "little")

    def take(self, count: int) -> int:
        value = self.left & ((1 << count) - 1)
        self.left >>= count
        return value

    def side(self, small: int) -> int:
        """In eights if the picture is small."""
        return 8 * (self.take(5) + 1) if small else self.take((9, 13, 18, 30)[self.take(2)]) + 1


def _codestream(content: bytes) -> bytes:
    """The start of the codestream in a container of boxes."""
    position = 0
    while len(header := content[position : position + 16]) >= 8:
        size, kind, body = int.from_bytes(header[:4]), header[4:8], 8
        if size == 1:
            size, body = int.from_bytes(header[8:16]), 16
        start = position + body
        if kind == b"jxlc":
            return content[start : start + 32]
        if kind == b"jxlp":  # in parts, each behind its number
            return content[start + 4 : start + 36]
        if size < body:  # 0: up to the end
            break
        position += size
    return b""
