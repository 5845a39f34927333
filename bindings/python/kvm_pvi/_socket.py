# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What needs no endpoint: descriptors over sockets, memory for status words, the library's version."""

import array
import errno
import mmap
import os
import socket as sockets

from typing import Tuple

from ._endpoint import Descriptor
from ._lib import FileDescriptorLike, check, fd_of, lib


def version() -> Tuple[int, int]:
    """Of the library."""
    number = lib.pvi_version()
    return number >> 16, number & 0xFFFF


# With SO_PASSPIDFD it comes by itself
_SCM_PIDFD = 4


def _open(socket: FileDescriptorLike) -> sockets.socket:
    """The same one for Python's calls: where they wait handlers of signals run, and may raise, as in no call of
    libpvi."""
    waits, copy = os.get_blocking(fd_of(socket)), os.dup(fd_of(socket))
    try:
        sock = sockets.socket(fileno=copy)
    except BaseException:
        os.close(copy)
        raise
    # Whatever socket.setdefaulttimeout() says
    sock.setblocking(waits)
    return sock


def send_fd(socket: FileDescriptorLike, fd: FileDescriptorLike) -> None:
    """Send a descriptor, which stays open."""
    control = (sockets.SOL_SOCKET, sockets.SCM_RIGHTS, array.array("i", [fd_of(fd)]))
    with _open(socket) as sock:
        sock.sendmsg([b"\0"], [control], sockets.MSG_NOSIGNAL)


def recv_fd(socket: FileDescriptorLike) -> Descriptor:
    """Receive one that send_fd() sent."""
    fds = array.array("i")
    # No room for two
    with _open(socket) as sock:
        data, control, flags, _ = sock.recvmsg(1, sockets.CMSG_LEN(fds.itemsize), sockets.MSG_CMSG_CLOEXEC)
    if not data:
        raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
    for level, kind, value in control:
        if level == sockets.SOL_SOCKET and kind in (sockets.SCM_RIGHTS, _SCM_PIDFD):
            fds.frombytes(value[:len(value) // fds.itemsize * fds.itemsize])
    if len(fds) == 1 and kind == sockets.SCM_RIGHTS and not flags & sockets.MSG_CTRUNC:
        return Descriptor(fds[0])
    for fd in fds:
        if fd >= 0:
            os.close(fd)
    raise OSError(errno.EBADMSG, os.strerror(errno.EBADMSG))


def status_memory(size: int) -> Tuple[Descriptor, mmap.mmap]:
    """Memory that status words may lie in, mapped writable; to be sealed before others get its descriptor."""
    fd = Descriptor(os.memfd_create("pvi-status", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))
    os.ftruncate(fd.fileno(), size)
    return fd, mmap.mmap(fd.fileno(), size)


def status_seal(memfd: FileDescriptorLike) -> None:
    """Let nobody map it writable who has not done so yet."""
    check(lib.pvi_status_seal(fd_of(memfd)))
