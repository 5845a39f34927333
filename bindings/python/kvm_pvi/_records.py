# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What the host tells of endpoints, as Python has it."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any, Callable, Dict, NamedTuple, Type, Union
from uuid import UUID

from . import _abi


class Kind(IntEnum):
    """How a GSI is delivered."""

    DIRECT = _abi.KVM_PVI_GSI_DIRECT
    EVENTFD = _abi.KVM_PVI_GSI_EVENTFD
    MSI = _abi.KVM_PVI_GSI_MSI


class Verdict(IntEnum):
    """What became of a ring that was accepted."""

    RAISED = _abi.KVM_PVI_RAISED
    COALESCED = _abi.KVM_PVI_COALESCED
    LATCHED = _abi.KVM_PVI_LATCHED


class EventType(IntEnum):
    """What an endpoint is told of another one."""

    PEER_UP = _abi.KVM_PVI_EVENT_PEER_UP
    PEER_DOWN = _abi.KVM_PVI_EVENT_PEER_DOWN
    PEER_REVOKED = _abi.KVM_PVI_EVENT_PEER_REVOKED
    SENDER_UP = _abi.KVM_PVI_EVENT_SENDER_UP
    SENDER_DOWN = _abi.KVM_PVI_EVENT_SENDER_DOWN


class EdgeKind(IntEnum):
    """What an edge is."""

    GSI = _abi.KVM_PVI_EDGE_GSI
    BELL = _abi.KVM_PVI_EDGE_BELL
    GRANT = _abi.KVM_PVI_EDGE_GRANT


class PortState(IntEnum):
    """What a port rings."""

    EVENTFD = _abi.KVM_PVI_PORT_EVENTFD
    LIVE = _abi.KVM_PVI_PORT_LIVE
    DEAD = _abi.KVM_PVI_PORT_DEAD
    REVOKED = _abi.KVM_PVI_PORT_REVOKED


class GsiState(IntFlag):
    """What is the matter with a GSI."""

    WIRED = _abi.KVM_PVI_GSI_WIRED
    LATCHED = _abi.KVM_PVI_GSI_LATCHED
    STATUS = _abi.KVM_PVI_GSI_STATUS


class Features(IntFlag):
    """What the host serves; the bits above are the interface's major number."""

    PRESENT = _abi.KVM_PVI_FEAT_PRESENT
    RING = _abi.KVM_PVI_FEAT_RING
    MANY = _abi.KVM_PVI_FEAT_MANY
    MSI = _abi.KVM_PVI_FEAT_MSI
    BELL = _abi.KVM_PVI_FEAT_BELL
    STATUS = _abi.KVM_PVI_FEAT_STATUS
    PEERS = _abi.KVM_PVI_FEAT_PEERS
    RBX = _abi.KVM_PVI_FEAT_RBX


class Rate(NamedTuple):
    """How often something may be rung: so many a second, and so many at once."""

    rate: int
    burst: int


@dataclass(frozen=True)
class Info:
    """struct kvm_pvi_info."""

    abi_major: int
    abi_minor: int
    features: Features
    hook: int
    max_vms: int
    max_senders: int
    max_gsis: int
    max_ports: int
    max_bells: int
    max_grants: int
    max_sources: int


@dataclass(frozen=True)
class Counts:
    """struct kvm_pvi_counts: what happened to rings."""

    raised: int
    coalesced: int
    latched: int
    denied: int
    throttled: int


@dataclass(frozen=True)
class Stats:
    """struct kvm_pvi_stats: counters of an endpoint."""

    sent: Counts
    received: Counts
    retries: int
    dropped: int


@dataclass(frozen=True)
class Edge:
    """struct kvm_pvi_edge: counters of a row of the table, or of a grant, whose number cursor is."""

    cursor: int
    uuid: UUID
    gsi: int
    kind: Union[EdgeKind, int]
    counts: Counts


@dataclass(frozen=True)
class Peer:
    """struct kvm_pvi_peer: who may be rung."""

    epoch: int
    uuid: UUID
    position: int
    gsis: int


@dataclass(frozen=True)
class Event:
    """struct kvm_pvi_event."""

    type: Union[EventType, int]
    lost: int
    epoch: int
    uuid: UUID


@dataclass(frozen=True)
class ListedEndpoint:
    """struct kvm_pvi_list_endpoint."""

    number: int
    epoch: int
    uuid: UUID
    flags: int
    owner: int
    opener: int
    vmm: int
    senders: int
    grants: int
    gsis: int
    bells: int
    sent: Counts
    received: Counts
    retries: int
    dropped: int


@dataclass(frozen=True)
class ListedEdge:
    """struct kvm_pvi_list_edge."""

    id: int
    uuid: UUID
    gsi: int
    kind: Union[EdgeKind, int]
    flags: int
    owner: int
    bits: int
    rate: int
    burst: int
    counts: Counts


@dataclass(frozen=True)
class ListedGsi:
    """struct kvm_pvi_list_gsi."""

    gsi: int
    kind: Union[Kind, int]
    state: GsiState
    bell: int
    rate: int
    burst: int
    rings: int


@dataclass(frozen=True)
class ListedPort:
    """struct kvm_pvi_list_port."""

    port: int
    state: Union[PortState, int]
    gsi: int
    flags: int
    uuid: UUID


def _known(enum: Type[IntEnum]) -> Callable[[int], int]:
    """A later host may have values that this module has no name for."""
    values = frozenset(int(value) for value in enum)
    return lambda value: enum(value) if value in values else value


_FIELDS: Dict[str, Callable[[Any], Any]] = {
    "uuid": lambda value: UUID(bytes=bytes(value)),
    "features": Features,
    "counts": lambda value: record(Counts, value),
    "sent": lambda value: record(Counts, value),
    "received": lambda value: record(Counts, value),
    "type": _known(EventType),
}
_OWN_FIELDS: Dict[type, Dict[str, Callable[[Any], Any]]] = {
    Edge: {"kind": _known(EdgeKind)},
    ListedEdge: {"kind": _known(EdgeKind)},
    ListedGsi: {"kind": _known(Kind), "state": GsiState},
    ListedPort: {"state": _known(PortState)},
}


def record(to: Any, struct: Any) -> Any:
    """A dataclass of what a structure of that name has."""
    fields = {**_FIELDS, **_OWN_FIELDS.get(to, {})}
    return to(**{name: fields[name](getattr(struct, name)) if name in fields else getattr(struct, name)
                 for name in to.__dataclass_fields__})
