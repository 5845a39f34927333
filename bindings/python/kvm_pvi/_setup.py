# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The set-up phase between two VMMs: pvi_setup(3), Documentation/virt/kvm/pvi/setup.rst."""

import ctypes
from ctypes import byref
from dataclasses import dataclass
from typing import Optional, Sequence, Tuple
from uuid import UUID

from . import _abi
from ._endpoint import Grant
from ._lib import FileDescriptorLike, check, fd_of, lib


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


def setup_decode(data: bytes, fds: Sequence[int] = ()) -> SetupMessage:
    """A message, and its grant of the descriptors that have come with it, all of which it takes over."""
    msg = _abi.pvi_setup_msg()
    check(lib.pvi_setup_decode(byref(msg), data, len(data), (ctypes.c_int * len(fds))(*fds), len(fds)))
    return SetupMessage(msg.request, bool(msg.flags & _abi.PVI_SETUP_REPLY),
                        bool(msg.flags & _abi.PVI_SETUP_NEED_REPLY), msg.result, _from_struct(msg.setup),
                        None if msg.grant < 0 else Grant(msg.grant))


def _milliseconds(seconds: float) -> int:
    return max(0, min(int(seconds * 1000), 0xFFFFFFFF))


def setup_get(socket: FileDescriptorLike, timeout: float) -> Tuple[Setup, Optional[Grant]]:
    """Ask who the back-end is, and wait for the answer, so many seconds."""
    struct, grant = _abi.pvi_setup(), ctypes.c_int(-1)
    check(lib.pvi_setup_get(fd_of(socket), byref(struct), byref(grant), _milliseconds(timeout)))
    setup = _from_struct(struct)
    assert setup is not None
    return setup, None if grant.value < 0 else Grant(grant.value)


def setup_set(socket: FileDescriptorLike, setup: Setup, grant: Optional[FileDescriptorLike],
              timeout: float) -> None:
    """Say who the front-end is, and wait until the back-end has done what it does about it."""
    struct = _to_struct(setup, grant is not None)
    check(lib.pvi_setup_set(fd_of(socket), byref(struct), -1 if grant is None else fd_of(grant),
                            _milliseconds(timeout)))
