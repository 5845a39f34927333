# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Numbers and structures of <linux/kvm_pvi.h> and <libpvi.h>, by the names they have there.

selftests/rig/install.sh compares all of them with the headers."""

import ctypes
from ctypes import c_int32, c_uint8, c_uint16, c_uint32, c_uint64
from typing import Any

KVM_PVI_RAISED = 0
KVM_PVI_COALESCED = 1
KVM_PVI_LATCHED = 2

KVM_PVI_ENOSYS = 1000

KVM_HC_PVI_BASE = 0x50564900

KVM_PVI_FEAT_PRESENT = 1 << 0
KVM_PVI_FEAT_RING = 1 << 1
KVM_PVI_FEAT_MANY = 1 << 2
KVM_PVI_FEAT_MSI = 1 << 3
KVM_PVI_FEAT_BELL = 1 << 4
KVM_PVI_FEAT_STATUS = 1 << 5
KVM_PVI_FEAT_PEERS = 1 << 6
KVM_PVI_FEAT_RBX = 1 << 7

KVM_PVI_ABI_MAJOR = 1

KVM_PVI_GSI_MAX = 4096
KVM_PVI_GSI_VIRTUAL = 0x10000
KVM_PVI_GSI_VIRTUAL_END = 0x20000
KVM_PVI_GSI_ANY = 0xFFFFFFFF
KVM_PVI_PORT_ANY = 0xFFFFFFFF

KVM_PVI_UUID_SIZE = 16
KVM_PVI_PEERS_MAX = 64
KVM_PVI_EVENTS_KEPT = 64
KVM_PVI_LIST_MAX = 1024

KVM_PVI_GSI_DIRECT = 0
KVM_PVI_GSI_EVENTFD = 1
KVM_PVI_GSI_MSI = 2

KVM_PVI_GSI_WIRED = 1 << 0
KVM_PVI_GSI_LATCHED = 1 << 1
KVM_PVI_GSI_STATUS = 1 << 2

KVM_PVI_PORT_EVENTFD = 0
KVM_PVI_PORT_LIVE = 1
KVM_PVI_PORT_DEAD = 2
KVM_PVI_PORT_REVOKED = 3

KVM_PVI_Q_ABI = 0
KVM_PVI_Q_SELF = 1
KVM_PVI_Q_GSI = 2
KVM_PVI_Q_PORT = 3
KVM_PVI_Q_LIMIT = 4

KVM_PVI_BIND_OWNER = 1 << 1
KVM_PVI_BIND_GRANTS_ONLY = 1 << 2
KVM_PVI_BIND_VMM = 1 << 3

KVM_PVI_STATUS_UNSEALED = 1 << 0
KVM_PVI_STATE_FREEZE = 1 << 0

KVM_PVI_EDGE_GSI = 0
KVM_PVI_EDGE_BELL = 1
KVM_PVI_EDGE_GRANT = 2

KVM_PVI_EVENT_PEER_UP = 1
KVM_PVI_EVENT_PEER_DOWN = 2
KVM_PVI_EVENT_PEER_REVOKED = 3
KVM_PVI_EVENT_SENDER_UP = 4
KVM_PVI_EVENT_SENDER_DOWN = 5

KVM_PVI_LIST_ENDPOINTS = 0
KVM_PVI_LIST_EDGES = 1
KVM_PVI_LIST_GSIS = 2
KVM_PVI_LIST_PORTS = 3

PVI_SETUP_FEATURE = 56
PVI_SETUP_GET = 0x50564901
PVI_SETUP_SET = 0x50564902
PVI_SETUP_REPLY = 1 << 2
PVI_SETUP_NEED_REPLY = 1 << 3
PVI_SETUP_HEADER = 12
PVI_SETUP_MAX = 76
PVI_SETUP_GSI = 1 << 0
PVI_SETUP_BELL = 1 << 1
PVI_SETUP_GRANT = 1 << 2

Uuid = c_uint8 * KVM_PVI_UUID_SIZE


def fitting(kind: Any, value: Any) -> Any:
    """A number of that type of C. ctypes takes the low bits of one that has more, which is another number."""
    result = kind(value)
    if result.value != value:
        raise OverflowError(f"{value} is no {kind.__name__}")
    return result


class Struct(ctypes.Structure):
    """A structure that Python fills in."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, int):
            value = fitting(dict(self._fields_)[name], value).value
        super().__setattr__(name, value)


class kvm_pvi_info(ctypes.Structure):
    _fields_ = [(name, c_uint32) for name in (
        "size", "flags", "abi_major", "abi_minor", "features", "hook", "max_vms", "max_senders", "max_gsis",
        "max_ports", "max_bells", "max_grants", "max_sources", "__reserved")]


class kvm_pvi_counts(ctypes.Structure):
    _fields_ = [(name, c_uint64) for name in ("raised", "coalesced", "latched", "denied", "throttled")]


class kvm_pvi_stats(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("sent", kvm_pvi_counts), ("received", kvm_pvi_counts),
                ("retries", c_uint64), ("dropped", c_uint64)]


class kvm_pvi_edge(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("cursor", c_uint64), ("uuid", Uuid), ("gsi", c_uint32),
                ("kind", c_uint32), ("counts", kvm_pvi_counts)]


class kvm_pvi_peer(ctypes.Structure):
    _fields_ = [("epoch", c_uint64), ("uuid", Uuid), ("position", c_uint32), ("gsis", c_uint16),
                ("__reserved", c_uint16)]


class kvm_pvi_event(ctypes.Structure):
    _fields_ = [("type", c_uint32), ("lost", c_uint32), ("epoch", c_uint64), ("uuid", Uuid)]


class kvm_pvi_list_endpoint(ctypes.Structure):
    _fields_ = [("number", c_uint64), ("epoch", c_uint64), ("uuid", Uuid),
                *((name, c_uint32) for name in ("flags", "owner", "opener", "vmm", "senders", "grants", "gsis",
                                                "bells")),
                ("sent", kvm_pvi_counts), ("received", kvm_pvi_counts), ("retries", c_uint64),
                ("dropped", c_uint64)]


class kvm_pvi_list_edge(ctypes.Structure):
    _fields_ = [("id", c_uint64), ("uuid", Uuid), ("gsi", c_uint32), ("kind", c_uint32), ("flags", c_uint32),
                ("owner", c_uint32), ("bits", c_uint64), ("rate", c_uint32), ("burst", c_uint32),
                ("counts", kvm_pvi_counts)]


class kvm_pvi_list_gsi(ctypes.Structure):
    _fields_ = [*((name, c_uint32) for name in ("gsi", "kind", "state", "bell", "rate", "burst")),
                ("rings", c_uint64)]


class kvm_pvi_list_port(ctypes.Structure):
    _fields_ = [*((name, c_uint32) for name in ("port", "state", "gsi", "flags")), ("uuid", Uuid)]


class pvi_rate(Struct):
    _fields_ = [("rate", c_uint32), ("burst", c_uint32)]


class pvi_setup(Struct):
    _fields_ = [("flags", c_uint32), ("gsi", c_uint32), ("bits", c_uint64), ("uuid", Uuid),
                ("reserved", c_uint64 * 4)]


class pvi_setup_msg(Struct):
    _fields_ = [("request", c_uint32), ("flags", c_uint32), ("result", c_uint64), ("grant", c_int32),
                ("reserved", c_uint32 * 9), ("setup", pvi_setup)]


class pvi_setup_reader(ctypes.Structure):
    _fields_ = [("length", c_uint32), ("fds", c_uint32), ("fd", c_int32), ("bytes", c_uint8 * 256)]
