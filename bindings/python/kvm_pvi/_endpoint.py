# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Endpoints of /dev/kvm_pvi."""

import ctypes
import mmap
import os
from ctypes import byref
from types import TracebackType
from typing import Any, Dict, Iterator, List, Optional, Tuple, Type, TypeVar
from uuid import UUID

from . import _abi
from ._abi import KVM_PVI_GSI_ANY, KVM_PVI_PORT_ANY, fitting
from ._lib import FileDescriptorLike, check, fd_of, lib
from ._records import (Edge, Event, Features, Info, Kind, ListedEdge, ListedEndpoint, ListedGsi, ListedPort, Peer,
                       Rate, Stats, Verdict, record)

T = TypeVar("T", bound="Descriptor")


class Descriptor:
    """A descriptor, which belongs to this object: it is closed with it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        if self._fd < 0:
            raise ValueError("it is closed")
        return self._fd

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def detach(self) -> int:
        """The descriptor, which is the caller's to close from now on."""
        fd, self._fd = self.fileno(), -1
        return fd

    def __enter__(self: T) -> T:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            self.close()


class Eventfd(Descriptor):
    """An eventfd that does not block."""

    @classmethod
    def new(cls) -> "Eventfd":
        return cls(os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK))

    def take(self) -> int:
        """How often it was signalled since the last time."""
        try:
            return os.eventfd_read(self.fileno())
        except BlockingIOError:
            return 0

    def signal(self) -> None:
        os.eventfd_write(self.fileno(), 1)


class Grant(Descriptor):
    """The permission to ring one GSI, or to set flags of a bell; number is the receiver's name for it."""

    def __init__(self, fd: int, number: int = 0) -> None:
        super().__init__(fd)
        self.number = number


def _rate(rate: Optional[Rate]) -> Any:
    return None if rate is None else byref(_abi.pvi_rate(*rate))


class Endpoint(Descriptor):
    """One open of /dev/kvm_pvi, a VM or this process. What is set up through it goes when it is closed.

    Without a descriptor, which it takes over, it opens one. What fails raises OSError, with the errno of the
    ioctl or the hypercall as <linux/kvm_pvi.h> has it: PermissionError for EPERM, BlockingIOError for EAGAIN."""

    def __init__(self, fd: Optional[int] = None) -> None:
        super().__init__(-1)
        self._grants: Dict[int, Descriptor] = {}
        self._fd = check(lib.pvi_open()) if fd is None else fd

    def _close_grants(self) -> None:
        while self._grants:
            self._grants.popitem()[1].close()

    def close(self) -> None:
        super().close()
        self._close_grants()

    def detach(self) -> int:
        """The descriptor, which is the caller's to close from now on.

        Ports of grants ring as long as the caller has those open, as with pvi_connect_grant(3)."""
        fd = super().detach()
        self._close_grants()
        return fd

    @classmethod
    def enrol(cls, uuid: UUID, vm: Optional[FileDescriptorLike] = None) -> "Endpoint":
        """Open and bind: the VM of that descriptor, or this process."""
        return cls(check(lib.pvi_enrol(-1 if vm is None else fd_of(vm), uuid.bytes)))

    def bind(self, uuid: UUID, vm: Optional[FileDescriptorLike] = None, *, owner: Optional[int] = None,
             vmm: Optional[int] = None, grants_only: bool = False) -> int:
        """Give it a VM, or this process, and a name: its epoch.

        owner is the uid that owner pins compare with, vmm the process that has the VM."""
        flags = _abi.KVM_PVI_BIND_GRANTS_ONLY if grants_only else 0
        if owner is not None and vmm is not None:
            raise ValueError("an owner, or a process that has one")
        if owner is not None:
            flags |= _abi.KVM_PVI_BIND_OWNER
        if vmm is not None:
            flags |= _abi.KVM_PVI_BIND_VMM
        epoch = ctypes.c_uint64()
        check(lib.pvi_bind(self.fileno(), -1 if vm is None else fd_of(vm), uuid.bytes, flags, owner or vmm or 0,
                           byref(epoch)))
        return epoch.value

    def info(self) -> Info:
        """What this host serves."""
        info = _abi.kvm_pvi_info(size=ctypes.sizeof(_abi.kvm_pvi_info))
        check(lib.pvi_get_info(self.fileno(), byref(info)))
        result: Info = record(Info, info)
        return result

    def reserve(self, uuid: UUID, uid: int) -> None:
        """Keep a name for a user; needs CAP_SYS_ADMIN."""
        check(lib.pvi_reserve(self.fileno(), uuid.bytes, uid))

    def unreserve(self, uuid: UUID) -> None:
        check(lib.pvi_unreserve(self.fileno(), uuid.bytes))

    # What it receives on: pvi_gsi(3), pvi_status(3)

    def expose(self, gsi: int, kind: Kind, rate: Optional[Rate] = None) -> None:
        """Make a GSI ringable."""
        check(lib.pvi_expose(self.fileno(), gsi, kind, _rate(rate)))

    def unexpose(self, gsi: int) -> None:
        check(lib.pvi_unexpose(self.fileno(), gsi))

    def wire(self, gsi: int, eventfd: Optional[FileDescriptorLike] = None) -> Eventfd:
        """Signal an eventfd, a new one or a copy of that, for the rings of a GSI."""
        efd = Eventfd.new() if eventfd is None else Eventfd(os.dup(fd_of(eventfd)))
        check(lib.pvi_wire(self.fileno(), gsi, efd.fileno()))
        return efd

    def wire_irqfd(self, vm: FileDescriptorLike, gsi: int, eventfd: Optional[FileDescriptorLike] = None) -> Eventfd:
        """The same, and the eventfd injects that GSI into the VM."""
        efd = Eventfd.new() if eventfd is None else Eventfd(os.dup(fd_of(eventfd)))
        check(lib.pvi_wire_irqfd(self.fileno(), fd_of(vm), gsi, efd.fileno()))
        return efd

    def unwire(self, gsi: int) -> None:
        check(lib.pvi_unwire(self.fileno(), gsi))

    def unwire_irqfd(self, vm: FileDescriptorLike, gsi: int, eventfd: FileDescriptorLike) -> None:
        check(lib.pvi_unwire_irqfd(self.fileno(), fd_of(vm), gsi, fd_of(eventfd)))

    def kick(self, gsi: int) -> None:
        """Deliver what is latched."""
        check(lib.pvi_kick(self.fileno(), gsi))

    def set_status(self, gsi: int, memfd: FileDescriptorLike, memory: mmap.mmap, offset: int = 0,
                   unsealed: bool = False) -> None:
        """Give a GSI a status word, in memory that is mapped whole and sealed."""
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory)) + offset
        check(lib.pvi_set_status(self.fileno(), gsi, fd_of(memfd), offset, address,
                                 _abi.KVM_PVI_STATUS_UNSEALED if unsealed else 0))

    def unstatus(self, gsi: int) -> None:
        check(lib.pvi_unstatus(self.fileno(), gsi))

    # Who may ring it: pvi_allow(3), pvi_grant(3)

    def allow(self, sender: UUID, gsi: int = KVM_PVI_GSI_ANY, *, owner: Optional[int] = None,
              rate: Optional[Rate] = None) -> None:
        """Let a sender ring a GSI, or any; with owner only if its endpoint belongs to that uid."""
        if owner is None:
            check(lib.pvi_allow(self.fileno(), sender.bytes, gsi, _rate(rate)))
        else:
            check(lib.pvi_allow_owner(self.fileno(), sender.bytes, gsi, owner, _rate(rate)))

    def revoke(self, sender: UUID, gsi: int = KVM_PVI_GSI_ANY) -> None:
        """Take back what was allowed for gsi."""
        check(lib.pvi_revoke(self.fileno(), sender.bytes, gsi))

    def revoke_all(self, sender: UUID) -> None:
        check(lib.pvi_revoke_all(self.fileno(), sender.bytes))

    def grant(self, gsi: int, uses: int = 1, rate: Optional[Rate] = None) -> Grant:
        """A descriptor that stands for "may ring this GSI"."""
        number = ctypes.c_uint64()
        fd = check(lib.pvi_grant(self.fileno(), gsi, uses, _rate(rate), byref(number)))
        return Grant(fd, number.value)

    def grant_bell(self, bell: int, bits: int, uses: int = 1, rate: Optional[Rate] = None) -> Grant:
        """The same for flags of a bell."""
        number = ctypes.c_uint64()
        fd = check(lib.pvi_grant_bell(self.fileno(), bell, bits, uses, _rate(rate), byref(number)))
        return Grant(fd, number.value)

    def ungrant(self, number: int) -> None:
        """Take a grant back, whoever holds it."""
        check(lib.pvi_ungrant(self.fileno(), number))

    # What it rings: pvi_port(3), pvi_call(3)

    def set_port(self, eventfd: FileDescriptorLike, port: int = KVM_PVI_PORT_ANY) -> int:
        """A port that signals an eventfd."""
        return check(lib.pvi_set_port(self.fileno(), port, fd_of(eventfd)))

    def connect(self, receiver: UUID, gsi: int, port: int = KVM_PVI_PORT_ANY, *,
                owner: Optional[int] = None) -> int:
        """A port that rings a peer; with owner only if its endpoint belongs to that uid."""
        if owner is None:
            return check(lib.pvi_connect(self.fileno(), port, receiver.bytes, gsi))
        return check(lib.pvi_connect_owner(self.fileno(), port, receiver.bytes, gsi, owner))

    def connect_grant(self, grant: FileDescriptorLike, port: int = KVM_PVI_PORT_ANY) -> int:
        """A port of a grant, which lasts as long as somebody has that open.

        This object has, a copy, until close_port(), close() or detach()."""
        copy = Descriptor(os.dup(fd_of(grant)))
        number = check(lib.pvi_connect_grant(self.fileno(), port, copy.fileno()))
        self._grants[number] = copy
        return number

    def close_port(self, port: int) -> None:
        # Before that: another thread may have a port of this number as soon as it is closed.
        grant = self._grants.pop(port, None)
        try:
            check(lib.pvi_close_port(self.fileno(), port))
        except BaseException:
            if grant is not None:
                self._grants.setdefault(port, grant)
            raise
        if grant is not None:
            grant.close()

    def wire_source(self, port: int, eventfd: Optional[FileDescriptorLike] = None) -> Eventfd:
        """Have an eventfd, a new one or a copy of that, ring a port."""
        efd = Eventfd.new() if eventfd is None else Eventfd(os.dup(fd_of(eventfd)))
        check(lib.pvi_wire_source(self.fileno(), port, efd.fileno()))
        return efd

    def unwire_source(self, port: int, eventfd: FileDescriptorLike) -> None:
        check(lib.pvi_unwire_source(self.fileno(), port, fd_of(eventfd)))

    def ring(self, receiver: UUID, gsi: int) -> Verdict:
        return Verdict(check(lib.pvi_ring(self.fileno(), receiver.bytes, gsi)))

    def notify(self, port: int) -> Verdict:
        """Ring a port."""
        return Verdict(check(lib.pvi_notify(self.fileno(), port)))

    def notify_many(self, first: int, mask: int) -> int:
        """Ring the ports first + n for every bit n of mask: the mask of those that accepted."""
        accepted = ctypes.c_uint64()
        check(lib.pvi_notify_many(self.fileno(), first, mask, byref(accepted)))
        return accepted.value

    def broadcast(self, gsi: int) -> int:
        """Ring every peer that allows it on that GSI: how many accepted."""
        return check(lib.pvi_broadcast_all(self.fileno(), gsi))

    def call(self, number: int, *args: int) -> Tuple[int, int]:
        """Any hypercall, what it returns in RAX and in RBX; addresses are of this process."""
        rbx, values = ctypes.c_uint64(), (ctypes.c_uint64 * 4)(*(fitting(ctypes.c_uint64, arg) for arg in args))
        rax = lib.pvi_call(self.fileno(), number, byref(values), byref(rbx))
        return rax, rbx.value

    def features(self) -> Features:
        return Features(check(lib.pvi_features(self.fileno())))

    def query(self, kind: int, index: int = 0, field: int = 0, *, wide: bool = False) -> int:
        """One number about this endpoint, put together of pieces if it is wide."""
        value = ctypes.c_uint64()
        function = lib.pvi_query_wide if wide else lib.pvi_query
        check(function(self.fileno(), kind, index, field, byref(value)))
        return value.value

    def uuid(self) -> UUID:
        """Its name."""
        name = _abi.Uuid()
        check(lib.pvi_query_uuid(self.fileno(), byref(name)))
        return UUID(bytes=bytes(name))

    # Bells: pvi_bell(3)

    def make_bell(self, bell: int, gsi: int) -> None:
        """A bell over a GSI, which then takes no plain rings."""
        check(lib.pvi_bell_create(self.fileno(), bell, gsi))

    def allow_bell(self, sender: UUID, bell: int, bits: int, *, owner: Optional[int] = None,
                   rate: Optional[Rate] = None) -> None:
        """Let a sender set flags of a bell."""
        if owner is None:
            check(lib.pvi_allow_bell(self.fileno(), sender.bytes, bell, bits, _rate(rate)))
        else:
            check(lib.pvi_allow_bell_owner(self.fileno(), sender.bytes, bell, bits, owner, _rate(rate)))

    def revoke_bell(self, sender: UUID, bell: int) -> None:
        check(lib.pvi_revoke_bell(self.fileno(), sender.bytes, bell))

    def bell_send(self, port: int, flags: int) -> Tuple[Verdict, int]:
        """Set flags of a peer's bell: the verdict, and those before of which this one may set."""
        old = ctypes.c_uint64()
        verdict = check(lib.pvi_bell_send(self.fileno(), port, flags, byref(old)))
        return Verdict(verdict), old.value

    def bell_receive(self, bell: int, clear: int) -> int:
        """Clear flags of a bell of its own: all flags before."""
        old = ctypes.c_uint64()
        check(lib.pvi_bell_receive(self.fileno(), bell, clear, byref(old)))
        return old.value

    def bell_mask(self, bell: int, enable: int, ack: int) -> None:
        """Which flags raise the GSI, and which clear by themselves then."""
        check(lib.pvi_bell_mask(self.fileno(), bell, enable, ack))

    def bell_reset(self, bell: int) -> None:
        check(lib.pvi_bell_reset(self.fileno(), bell))

    # What it is told of others: pvi_event(3)

    def events(self, most: int = _abi.KVM_PVI_EVENTS_KEPT) -> List[Event]:
        """What has happened since the last time; none: the endpoint is dead. Waits, unless it does not block."""
        events = (_abi.kvm_pvi_event * most)()
        while True:
            try:
                nr = check(lib.pvi_read_events(self.fileno(), byref(events), most))
                break
            except InterruptedError:
                pass  # its handler has run, and raised nothing
        return [record(Event, event) for event in events[:nr]]

    def peers(self) -> Iterator[Peer]:
        """Who is alive and may be rung."""
        peers = (_abi.kvm_pvi_peer * _abi.KVM_PVI_PEERS_MAX)()
        first = 0
        while nr := check(lib.pvi_peers(self.fileno(), byref(peers), len(peers), first)):
            first = peers[nr - 1].position + 1
            yield from [record(Peer, peer) for peer in peers[:nr]]

    def set_config(self, gsi: int = KVM_PVI_GSI_ANY) -> None:
        """Have a GSI of its own rung when there are events, or none."""
        check(lib.pvi_set_config(self.fileno(), gsi))

    # What a guest does for itself, in its name: pvi_reset(3)

    def call_connect(self, receiver: UUID, gsi: int) -> int:
        """A port that counts as the guest's own."""
        return check(lib.pvi_call_connect(self.fileno(), receiver.bytes, gsi))

    def call_disconnect(self, port: int) -> None:
        check(lib.pvi_call_disconnect(self.fileno(), port))

    def set_msi(self, gsi: int, address: int, data: int) -> None:
        check(lib.pvi_set_msi(self.fileno(), gsi, address, data))

    def arm(self, gsi: int) -> None:
        """Who handles a GSI is ready."""
        check(lib.pvi_arm(self.fileno(), gsi))

    def reset(self) -> None:
        """The guest starts anew: undo what it has made."""
        check(lib.pvi_reset(self.fileno()))

    # Save, migrate, restore: pvi_state(3)

    def get_state(self, freeze: bool = False) -> bytes:
        """What the guest has made; frozen, rings to it answer EAGAIN from then on."""
        flags = _abi.KVM_PVI_STATE_FREEZE if freeze else 0
        size = 4096
        while True:
            blob = ctypes.create_string_buffer(size)
            length = check(lib.pvi_get_state(self.fileno(), flags, byref(blob), size))
            if length <= size:
                return blob.raw[:length]
            size = length

    def set_state(self, state: bytes) -> None:
        """Restore what the guest had made."""
        check(lib.pvi_set_state(self.fileno(), state, len(state)))

    def thaw(self) -> None:
        """Take rings again, and deliver what is owed."""
        check(lib.pvi_thaw(self.fileno()))

    # Counters: pvi_stats(3)

    def stats(self) -> Stats:
        """Its counters; of a dead one too."""
        stats = _abi.kvm_pvi_stats(size=ctypes.sizeof(_abi.kvm_pvi_stats))
        check(lib.pvi_get_stats(self.fileno(), byref(stats)))
        result: Stats = record(Stats, stats)
        return result

    def edges(self) -> Iterator[Edge]:
        """The rows of its table, and its grants."""
        edge = _abi.kvm_pvi_edge(size=ctypes.sizeof(_abi.kvm_pvi_edge))
        while check(lib.pvi_next_edge(self.fileno(), byref(edge))):
            yield record(Edge, edge)

    def _list(self, kind: int, endpoint: int, struct: Type[ctypes.Structure], to: type) -> Iterator[object]:
        records = (struct * 64)()
        cursor = ctypes.c_uint64()
        while nr := check(lib.pvi_list(self.fileno(), kind, endpoint, byref(cursor),
                                       byref(records), ctypes.sizeof(struct), len(records))):
            yield from [record(to, one) for one in records[:nr]]

    def list_endpoints(self) -> Iterator[ListedEndpoint]:
        """All endpoints of the host; this and the next three need CAP_SYS_ADMIN."""
        yield from self._list(  # type: ignore[misc]
            _abi.KVM_PVI_LIST_ENDPOINTS, 0, _abi.kvm_pvi_list_endpoint, ListedEndpoint)

    def list_edges(self, number: int) -> Iterator[ListedEdge]:
        """Of the endpoint of that number."""
        yield from self._list(  # type: ignore[misc]
            _abi.KVM_PVI_LIST_EDGES, number, _abi.kvm_pvi_list_edge, ListedEdge)

    def list_gsis(self, number: int) -> Iterator[ListedGsi]:
        yield from self._list(  # type: ignore[misc]
            _abi.KVM_PVI_LIST_GSIS, number, _abi.kvm_pvi_list_gsi, ListedGsi)

    def list_ports(self, number: int) -> Iterator[ListedPort]:
        yield from self._list(  # type: ignore[misc]
            _abi.KVM_PVI_LIST_PORTS, number, _abi.kvm_pvi_list_port, ListedPort)
