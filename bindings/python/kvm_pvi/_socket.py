# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What needs no endpoint: descriptors over sockets, memory for status words, the library's version."""

import mmap
import os

from typing import Tuple

from ._endpoint import Descriptor
from ._lib import FileDescriptorLike, check, fd_of, lib


def version() -> Tuple[int, int]:
    """Of the library."""
    number = lib.pvi_version()
    return number >> 16, number & 0xFFFF


def send_fd(socket: FileDescriptorLike, fd: FileDescriptorLike) -> None:
    """Send a descriptor, which stays open."""
    check(lib.pvi_send_fd(fd_of(socket), fd_of(fd)))


def recv_fd(socket: FileDescriptorLike) -> Descriptor:
    """Receive one that send_fd() sent."""
    return Descriptor(check(lib.pvi_recv_fd(fd_of(socket))))


def status_memory(size: int) -> Tuple[Descriptor, mmap.mmap]:
    """Memory that status words may lie in, mapped writable; to be sealed before others get its descriptor."""
    fd = Descriptor(os.memfd_create("pvi-status", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))
    os.ftruncate(fd.fileno(), size)
    return fd, mmap.mmap(fd.fileno(), size)


def status_seal(memfd: FileDescriptorLike) -> None:
    """Let nobody map it writable who has not done so yet."""
    check(lib.pvi_status_seal(fd_of(memfd)))
