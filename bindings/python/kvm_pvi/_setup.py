# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The set-up phase between two VMMs: pvi_setup(3), /usr/share/doc/kvm-pvi/setup.rst."""

import ctypes
import errno
import os
import select
import time
from contextlib import suppress
from ctypes import byref
from dataclasses import dataclass
from typing import Optional, Sequence, Tuple, Union
from uuid import UUID

from . import _abi
from ._abi import fitting
from ._endpoint import Grant
from ._lib import FileDescriptorLike, check, fd_of, lib

Buffer = Union[bytes, bytearray, memoryview]


@dataclass(frozen=True)
class Setup:
    """What a VMM tells another of itself: its name, and what of it may be rung, of a bell the flags."""

    uuid: UUID
    gsi: Optional[int] = None
    bits: int = 0


@dataclass(frozen=True)
class SetupMessage:
    """A message; result is that of a reply, 0 or why not."""

    request: int
    reply: bool = False
    need_reply: bool = False
    result: int = 0
    setup: Optional[Setup] = None
    grant: Optional[Grant] = None


def _to_struct(setup: Optional[Setup], granted: bool) -> _abi.pvi_setup:
    if setup is None:
        return _abi.pvi_setup()
    flags = _abi.PVI_SETUP_GRANT if granted else 0
    flags |= _abi.PVI_SETUP_GSI if setup.gsi is not None else 0
    flags |= _abi.PVI_SETUP_BELL if setup.bits else 0
    return _abi.pvi_setup(flags, setup.gsi or 0, setup.bits, _abi.Uuid(*setup.uuid.bytes))


def _from_struct(struct: _abi.pvi_setup) -> Optional[Setup]:
    uuid = UUID(bytes=bytes(struct.uuid))
    if not uuid.int:
        return None
    return Setup(uuid, struct.gsi if struct.flags & _abi.PVI_SETUP_GSI else None, struct.bits)


def setup_encode(message: SetupMessage) -> bytes:
    """The bytes of a message; its grant goes with the first of them."""
    flags = (_abi.PVI_SETUP_REPLY if message.reply else 0) | (_abi.PVI_SETUP_NEED_REPLY if message.need_reply else 0)
    msg = _abi.pvi_setup_msg(message.request, flags, message.result,
                             -1 if message.grant is None else message.grant.fileno(), (),
                             _to_struct(message.setup, message.grant is not None))
    buffer = ctypes.create_string_buffer(_abi.PVI_SETUP_MAX)
    length = check(lib.pvi_setup_encode(byref(msg), buffer, len(buffer)))
    return buffer.raw[:length]


def _from_message(msg: _abi.pvi_setup_msg) -> SetupMessage:
    return SetupMessage(msg.request, bool(msg.flags & _abi.PVI_SETUP_REPLY),
                        bool(msg.flags & _abi.PVI_SETUP_NEED_REPLY), msg.result, _from_struct(msg.setup),
                        None if msg.grant < 0 else Grant(msg.grant))


def setup_decode(data: Buffer, fds: Sequence[int] = ()) -> SetupMessage:
    """A message, and its grant of the descriptors that have come with it, all of which it takes over."""
    msg = _abi.pvi_setup_msg()
    try:
        data, array = bytes(data), (ctypes.c_int * len(fds))(*(fitting(ctypes.c_int, fd) for fd in fds))
    except BaseException:
        for fd in fds:
            with suppress(OSError, OverflowError, TypeError):
                os.close(fd)
        raise
    check(lib.pvi_setup_decode(byref(msg), data, len(data), array, len(fds)))
    return _from_message(msg)


def _poll(socket: FileDescriptorLike, events: int, end: float) -> None:
    """Wait, but not beyond the end. Handlers of signals run, and may raise."""
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    poll = select.poll()
    poll.register(fd_of(socket), events)
    # An hour at a time: poll() takes no number of milliseconds that has more than 31 bits.
    poll.poll(min(left, 3600) * 1000)


def _ask(socket: FileDescriptorLike, msg: _abi.pvi_setup_msg, timeout: float) -> SetupMessage:
    """Send a request, and wait for the answer."""
    end = time.monotonic() + timeout
    reader, answer = _abi.pvi_setup_reader(), _abi.pvi_setup_msg()
    while (result := lib.pvi_setup_send(fd_of(socket), byref(msg))) == -errno.EAGAIN:
        _poll(socket, select.POLLOUT, end)
    check(result)
    try:
        while (result := lib.pvi_setup_receive(fd_of(socket), byref(reader), byref(answer))) == -errno.EAGAIN:
            _poll(socket, select.POLLIN, end)
    finally:
        lib.pvi_setup_forget(byref(reader))
    check(result)
    message = _from_message(answer)
    if message.request != msg.request or not message.reply:
        raise OSError(errno.EBADMSG, os.strerror(errno.EBADMSG))
    if message.result:
        raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
    return message


def setup_get(socket: FileDescriptorLike, timeout: float) -> Tuple[Setup, Optional[Grant]]:
    """Ask who the back-end is, and wait for the answer, so many seconds."""
    message = _ask(socket, _abi.pvi_setup_msg(request=_abi.PVI_SETUP_GET, grant=-1), timeout)
    assert message.setup is not None
    return message.setup, message.grant


def setup_set(socket: FileDescriptorLike, setup: Setup, grant: Optional[FileDescriptorLike],
              timeout: float) -> None:
    """Say who the front-end is, and wait until the back-end has done what it does about it.

    The grant stays open."""
    _ask(socket, _abi.pvi_setup_msg(_abi.PVI_SETUP_SET, _abi.PVI_SETUP_NEED_REPLY, 0,
                                    -1 if grant is None else fd_of(grant), (),
                                    _to_struct(setup, grant is not None)), timeout)
