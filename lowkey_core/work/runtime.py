"""Process-wide settings that make the same arithmetic faster on a CPU."""

from __future__ import annotations

import contextlib
import ctypes

import torch

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # <malloc.h>


def tune() -> None:
    """Keep freed memory in the process, and treat denormal floats as zero.

    glibc gives large tensors back to the kernel at every step of a cloak, and half the time
    then goes to page faults. Called once by the command line; harmless elsewhere.
    """
    with contextlib.suppress(OSError, AttributeError):  # not glibc: nothing to tune
        libc = ctypes.CDLL("libc.so.6")
        for parameter in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            libc.mallopt(parameter, 2**31 - 1)
        libc.mallopt(_M_TOP_PAD, 64 * 2**20)
    torch.set_flush_denormal(True)
