# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The functions of libpvi, with the types of their arguments."""

import ctypes
import os
from types import SimpleNamespace
from typing import Any, Callable, List, Protocol, Union

from ._abi import fitting

# A letter an argument, behind that of the result; i int, u uint32_t, U uint64_t, I int64_t, z size_t, p any
# pointer, v nothing. selftests/rig/install.sh compares them with libpvi.h.
SIGNATURES = """
pvi_allow            i ipup
pvi_allow_bell       i ipuUp
pvi_allow_bell_owner i ipuUup
pvi_allow_owner      i ipuup
pvi_arm              i iu
pvi_bell_create      i iuu
pvi_bell_mask        i iuUU
pvi_bell_receive     i iuUp
pvi_bell_reset       i iu
pvi_bell_send        i iuUp
pvi_bind             i iipuup
pvi_broadcast        i iuu
pvi_broadcast_all    i iu
pvi_call             I iupp
pvi_call_connect     i ipu
pvi_call_disconnect  i iu
pvi_close_port       i iu
pvi_connect          i iupu
pvi_connect_grant    i iui
pvi_connect_owner    i iupuu
pvi_enrol            i ip
pvi_expose           i iuup
pvi_features         i i
pvi_get_info         i ip
pvi_get_state        i iupz
pvi_get_stats        i ip
pvi_grant            i iuupp
pvi_grant_bell       i iuUupp
pvi_kick             i iu
pvi_list             i iuUppzu
pvi_next_edge        i ip
pvi_notify           i iu
pvi_notify_many      i iuUp
pvi_open             i
pvi_peers            i ipzu
pvi_query            i iuuup
pvi_query_uuid       i ip
pvi_query_wide       i iuuup
pvi_read_events      i ipz
pvi_reserve          i ipu
pvi_reserve_from     i ipuu
pvi_reset            i i
pvi_revoke           i ipu
pvi_revoke_all       i ip
pvi_revoke_bell      i ipu
pvi_ring             i ipu
pvi_set_config       i iu
pvi_set_msi          i iuUu
pvi_set_port         i iui
pvi_set_state        i ipz
pvi_set_status       i iuiUpu
pvi_setup_decode     i ppzpz
pvi_setup_encode     i ppz
pvi_setup_forget     v p
pvi_setup_receive    i ipp
pvi_setup_send       i ip
pvi_status_seal      i i
pvi_thaw             i i
pvi_unexpose         i iu
pvi_ungrant          i iU
pvi_unreserve        i ip
pvi_unreserve_from   i ipu
pvi_unstatus         i iu
pvi_unwire           i iu
pvi_unwire_irqfd     i iiui
pvi_unwire_source    i iui
pvi_version          u
pvi_wire             i iui
pvi_wire_irqfd       i iiui
pvi_wire_source      i iui
"""

TYPES = {
    "i": ctypes.c_int,
    "u": ctypes.c_uint32,
    "U": ctypes.c_uint64,
    "I": ctypes.c_int64,
    "z": ctypes.c_size_t,
    "p": ctypes.c_void_p,
    "v": None,
}


def _checked(function: Any, kinds: List[Any]) -> Callable[..., int]:
    """That function, but a number that does not fit into its argument raises OverflowError."""
    function.argtypes = kinds

    def call(*args: Any) -> int:
        result: int = function(*(arg if kind is ctypes.c_void_p else fitting(kind, arg)
                                 for kind, arg in zip(kinds, args, strict=True)))
        return result
    return call


lib = SimpleNamespace()
_library = ctypes.CDLL("libpvi.so.0")

for _line in SIGNATURES.split("\n")[1:-1]:
    _name, _result, *_arguments = _line.split()
    _function = getattr(_library, _name)
    _function.restype = TYPES[_result]
    setattr(lib, _name, _checked(_function, [TYPES[_letter] for _letter in "".join(_arguments)]))


class HasFileno(Protocol):
    """What has a descriptor, a socket or a file for instance."""

    def fileno(self) -> int: ...


FileDescriptorLike = Union[int, HasFileno]


def fd_of(file: FileDescriptorLike) -> int:
    """Its descriptor."""
    return file if isinstance(file, int) else file.fileno()


def check(result: int) -> int:
    """The result of a function of libpvi; OSError if that is a negative errno."""
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result
