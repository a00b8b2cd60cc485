"""Whether an ONNX file is all there is: a tensor of it may name another file, which nobody hashed.

Read field by field, as a pattern over the bytes can be dodged: protocol buffers have many ways of
writing one message. Numbers are onnx.proto's.
"""

from __future__ import annotations

from collections.abc import Iterator

_INSIDE = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""The fields of each message that lead to tensors, and the messages that they hold."""
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14


def names_other_files(content: bytes) -> bool:
    """Whether any tensor's data lie elsewhere. Raises: ValueError, of what is no ONNX file."""
    waiting = [("model", memoryview(content))]
    while waiting:
        kind, message = waiting.pop()
        for field, value in _fields(message):
            elsewhere = field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value)
            if kind == "tensor" and elsewhere:
                return True
            if field in _INSIDE[kind]:
                if not isinstance(value, memoryview):
                    raise ValueError(f"field {field} of a {kind} is no message")
                waiting.append((_INSIDE[kind][field], value))
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Number and value of each field; a number's value is an int, all else is bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag >= 2**32:  # which others might cut to 32 bits
            raise ValueError(f"a tag of {tag}")
        match tag & 7:
            case 0:
                value, at = _varint(message, at)
                yield tag >> 3, value
                continue
            case 1:
                size = 8
            case 2:
                size, at = _varint(message, at)
            case 5:
                size = 4
            case other:
                raise ValueError(f"wire type {other}")
        if at + size > len(message):
            raise ValueError(f"field {tag >> 3} of {size} bytes at byte {at} of {len(message)}")
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number at `at`, and where the next thing starts."""
    value = 0
    for shift in range(0, 70, 7):
        if at == len(message):
            raise ValueError("a number without an end")
        value |= (message[at] & 0x7F) << shift
        at += 1
        if message[at - 1] < 0x80:
            return value, at
    raise ValueError("a number of more than ten bytes")
