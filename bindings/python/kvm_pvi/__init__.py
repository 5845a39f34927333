# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Interrupts between virtual machines on KVM, for VMMs and processes of the host.

    import uuid
    from kvm_pvi import Endpoint, Kind

    with Endpoint.enrol(uuid.uuid4()) as pvi:
        pvi.expose(0, Kind.EVENTFD)
        pvi.allow(sender)
        eventfd = pvi.wire(0)

It is libpvi(3), whose manual pages say what each function does; UUIDs are uuid.UUID, descriptors are
objects that close them, and what fails is an OSError, and a number that
does not fit into the type it has in C an OverflowError. All may be called from any thread. A call that waits, as
Endpoint.events(), lets other threads run."""

from ._abi import (KVM_HC_PVI_BASE, KVM_PVI_ABI_MAJOR, KVM_PVI_ENOSYS, KVM_PVI_GSI_ANY, KVM_PVI_GSI_MAX,
                   KVM_PVI_GSI_VIRTUAL, KVM_PVI_GSI_VIRTUAL_END, KVM_PVI_PORT_ANY, KVM_PVI_Q_ABI, KVM_PVI_Q_GSI,
                   KVM_PVI_Q_LIMIT, KVM_PVI_Q_PORT, KVM_PVI_Q_SELF, PVI_SETUP_FEATURE, PVI_SETUP_GET, PVI_SETUP_SET)
from ._endpoint import Descriptor, Endpoint, Eventfd, Grant
from ._lib import FileDescriptorLike
from ._records import (Counts, Edge, EdgeKind, Event, EventType, Features, GsiState, Info, Kind, ListedEdge,
                       ListedEndpoint, ListedGsi, ListedPort, Peer, PortState, Rate, Stats, Verdict)
from ._setup import Setup, SetupMessage, setup_decode, setup_encode, setup_get, setup_set
from ._socket import recv_fd, send_fd, status_memory, status_seal, version

__all__ = [name for name in dir() if not name.startswith("_")]
