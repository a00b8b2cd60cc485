"""Where arithmetic runs, and process-wide settings that make it faster on a CPU."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import torch
from torch import nn

from lowkey_core.errors import OptionError, setting

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # <malloc.h>


def tune() -> None:
    """Keep freed memory in the process, treat denormal floats as zero, and open torchvision
    without torch's compiler.

    glibc gives large tensors back to the kernel at every step of a cloak, and half the time
    then goes to page faults. Called once by the command line; harmless elsewhere.
    """
    with contextlib.suppress(OSError, AttributeError):  # not glibc: nothing to tune
        libc = ctypes.CDLL("libc.so.6")
        for parameter in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            libc.mallopt(parameter, 2**31 - 1)
        libc.mallopt(_M_TOP_PAD, 64 * 2**20)
    torch.set_flush_denormal(True)
    if "torchvision" not in sys.modules:
        _open_torchvision()


def _open_torchvision() -> None:
    """As torchvision does, but for one function that `torchvision.ops` takes from torch's compiler:
    the compiler takes longer to open than all of torchvision, and is opened when that is called.
    """
    name = "torch._dynamo.utils"
    if name in sys.modules:
        return
    later: Any = ModuleType(name)
    later.is_compile_supported = lambda device: importlib.import_module(name).is_compile_supported(
        device
    )
    sys.modules[name] = later
    try:
        importlib.import_module("torchvision")
    except ImportError:  # another torchvision takes more from there
        pass
    finally:
        del sys.modules[name]


def give_back(every: float = 5.0) -> None:
    """Returns freed memory to the system if the process grows. Looked at every so many seconds.

    Small things that stay come to lie where big ones were freed, and the next big one does not fit
    there any more: without this, each face that is found leaves a hole of its size. While nothing
    grows the memory is kept: for a large photo, to get it anew takes longer than to decode it.
    """
    now = time.monotonic()
    if now - _given.looked < every:
        return
    _given.looked = now
    held = resident()
    if held and not _given.usual:
        _given.usual = held
    elif not held or held > _GROWN * _given.usual:
        trim()
        _given.usual = 0


_GROWN = 1.1
"""Times what it held before: from then on a process has grown."""


@dataclass
class _Given:
    """When the process was looked at last, and the bytes that it held when it was looked at first
    after memory was given back; 0: not yet."""

    looked: float = 0.0
    usual: int = 0


_given = _Given()


def resident() -> int:
    """Bytes of memory that the process holds; 0 where that is not known."""
    with contextlib.suppress(OSError):  # not Linux
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def trim() -> None:
    """Returns all freed memory to the system."""
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL("libc.so.6").malloc_trim(0)


Device = Literal["auto", "cpu", "cuda", "mps"]
"""Where networks run; `auto` is the fastest that is there."""


def chosen(device: Device) -> torch.device:
    """Where networks run. Single precision, wherever that is. Raises: OptionError if it is not
    there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return torch.device(next((name for name, is_there in there.items() if is_there), "cpu"))
    if not there.get(device, True):
        raise OptionError(
            f"{setting('device')} is {device}, which torch cannot use here",
            expected="one of: "
            + ", ".join(["cpu", *(n for n, is_there in there.items() if is_there)]),
            remedy=f"use {setting('device', 'auto')}, or install a torch for that device",
        )
    return torch.device(device)


def device_of(network: object) -> torch.device:
    """Where a network's weights are; the CPU for what has none."""
    if isinstance(network, nn.Module):
        return next((p.device for p in network.parameters()), torch.device("cpu"))
    inner = getattr(network, "network", None)
    return torch.device("cpu") if inner is None else device_of(inner)
