// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! On a host with kvm_pvi, as root: each function does what its ioctl or hypercall does.

use kvm_pvi::abi::*;
use kvm_pvi::{Allow, Bind, EdgeKind, Endpoint, EventKind, Eventfd, Kind, Port, Rate, Uuid, Verdict};
use std::fs::{read_dir, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::raw::{c_int, c_ulong};
use std::os::unix::io::{AsFd, AsRawFd, FromRawFd, OwnedFd};

extern "C" {
    fn ioctl(fd: c_int, request: c_ulong, ...) -> c_int;
    fn geteuid() -> u32;
}

const RX: Uuid = [0xf0, 0, 0, 0, 0, 0, 0x80, 0, 0x80, 0, 0, 0, 0, 0, 0, 1];
const TX: Uuid = [0xf0, 0, 0, 0, 0, 0, 0x80, 0, 0x80, 0, 0, 0, 0, 0, 0, 2];
const GSI: u32 = 7;
const EBUSY: i32 = 16;
const EINVAL: i32 = 22;
const EOPNOTSUPP: i32 = 95;
const ENOTCONN: i32 = 107;

fn errno<T>(result: io::Result<T>) -> i32 {
    result.err().and_then(|error| error.raw_os_error()).expect("it did not fail")
}

fn kind<T>(result: io::Result<T>) -> ErrorKind {
    result.err().expect("it did not fail").kind()
}

fn count_fds() -> usize {
    read_dir("/proc/self/fd").unwrap().count()
}

/// A VM made by raw ioctls, with an interrupt controller and without a vCPU.
fn make_vm() -> OwnedFd {
    const KVM_CREATE_VM: c_ulong = 0xae01;
    const KVM_CREATE_IRQCHIP: c_ulong = 0xae60;
    let kvm = OpenOptions::new().read(true).write(true).open("/dev/kvm").unwrap();

    // SAFETY: neither takes a pointer, and the descriptor is new.
    unsafe {
        let fd = ioctl(kvm.as_raw_fd(), KVM_CREATE_VM, 0);
        assert!(fd >= 0);
        let vm = OwnedFd::from_raw_fd(fd);
        assert_eq!(ioctl(vm.as_raw_fd(), KVM_CREATE_IRQCHIP), 0);
        vm
    }
}

fn pair() -> (Endpoint, Endpoint) {
    (Endpoint::enrol(None, RX).unwrap(), Endpoint::enrol(None, TX).unwrap())
}

#[test]
fn vm() {
    let (vm, before) = (make_vm(), count_fds());
    let tx = Endpoint::enrol(None, TX).unwrap();
    let rx = Endpoint::enrol(Some(vm.as_fd()), RX).unwrap();

    assert_eq!(kind(Endpoint::enrol(Some(vm.as_fd()), [3; 16])), ErrorKind::AlreadyExists);
    assert_eq!(errno(Endpoint::enrol(Some(File::open("/dev/null").unwrap().as_fd()), [3; 16])), EINVAL);
    rx.expose(20, Kind::Direct, None).unwrap();
    rx.expose(KVM_PVI_GSI_VIRTUAL, Kind::Msi, None).unwrap();
    rx.allow(TX, KVM_PVI_GSI_ANY, Allow::default()).unwrap();
    // There is no vCPU that could take it.
    assert_eq!(tx.ring(RX, 20).unwrap(), Verdict::Latched);
    rx.set_msi(KVM_PVI_GSI_VIRTUAL, 0xfee0_0000, 0x40).unwrap();
    assert_eq!(errno(rx.set_msi(KVM_PVI_GSI_VIRTUAL, 0xfee0_0000, 0)), EINVAL);
    rx.arm(20).unwrap();

    let blob = rx.state(true).unwrap();
    assert_eq!(kind(tx.ring(RX, 20)), ErrorKind::WouldBlock);
    assert_eq!(errno(rx.set_state(&blob)), EBUSY);
    rx.reset().unwrap();
    assert_eq!(errno(rx.set_state(&blob[1..])), EINVAL);
    rx.set_state(&blob).unwrap();
    rx.thaw().unwrap();
    assert_eq!(rx.state(false).unwrap(), blob);

    let listed = tx.list_endpoints().unwrap().into_iter().find(|one| one.uuid == RX).unwrap();
    assert_eq!((listed.gsis, listed.senders), (2, 1));
    let gsis = tx.list_gsis(listed.number).unwrap();
    assert_eq!((gsis[0].gsi, gsis[0].kind), (20, Kind::Direct as u32));
    assert_eq!(gsis[0].state & KVM_PVI_GSI_LATCHED, KVM_PVI_GSI_LATCHED);
    assert_eq!(tx.list_edges(listed.number).unwrap()[0].uuid, TX);
    assert!(tx.list_ports(listed.number).unwrap().is_empty());
    drop((rx, tx));
    assert_eq!(count_fds(), before);
}

#[test]
fn processes() {
    let before = count_fds();
    let rx = Endpoint::open().unwrap();

    assert_eq!(rx.info().unwrap().abi_major, KVM_PVI_ABI_MAJOR);
    assert_eq!(errno(rx.expose(GSI, Kind::Eventfd, None)), ENOTCONN);
    assert_ne!(rx.bind(None, RX, Bind::Owner(1000), false).unwrap(), 0);
    assert_eq!(errno(rx.bind(None, RX, Bind::Opener, false)), EBUSY);
    drop(rx);

    let (rx, tx) = pair();
    assert_eq!(errno(rx.expose(GSI, Kind::Direct, None)), EOPNOTSUPP);
    rx.expose(GSI, Kind::Eventfd, Some(Rate { rate: 1, burst: 2 })).unwrap();
    assert_eq!(kind(tx.ring(RX, GSI)), ErrorKind::PermissionDenied);
    // SAFETY: it takes nothing.
    let uid = unsafe { geteuid() };
    rx.allow(TX, GSI, Allow { owner: Some(uid + 1), rate: None }).unwrap();
    assert_eq!(kind(tx.connect(Port::ANY, RX, GSI, None)), ErrorKind::PermissionDenied);
    rx.allow(TX, GSI, Allow { owner: Some(uid), rate: None }).unwrap();
    assert_eq!(kind(tx.connect(Port::ANY, RX, GSI, Some(uid + 1))), ErrorKind::PermissionDenied);
    let port = tx.connect(Port(5), RX, GSI, Some(uid)).unwrap();
    assert_eq!(port, Port(5));
    assert_eq!(tx.notify(port).unwrap(), Verdict::Latched);
    let eventfd = Eventfd::new().unwrap();
    rx.wire(GSI, &eventfd).unwrap();
    assert_eq!((eventfd.take().unwrap(), eventfd.take().unwrap()), (1, 0));
    assert_eq!(tx.notify_many(Port(4), 2).unwrap(), 2);
    assert_eq!(kind(tx.notify(port)), ErrorKind::WouldBlock);
    assert_eq!(tx.peers(0).unwrap()[0].uuid, RX);
    assert!(tx.peers(1 << 20).unwrap().is_empty());
    assert!(tx.events().unwrap().iter().any(|event| event.kind == EventKind::PeerUp && event.uuid == RX));
    assert_eq!(tx.query(KVM_PVI_Q_PORT, port.0, 0).unwrap(), KVM_PVI_PORT_LIVE);
    assert_eq!(tx.stats().unwrap().sent.raised, 1);
    let edges = rx.edges().unwrap();
    assert_eq!((edges.len(), edges[0].kind, edges[0].counts.raised), (1, EdgeKind::Gsi, 1));
    rx.kick(GSI).unwrap();
    rx.unwire(GSI).unwrap();
    rx.unexpose(GSI).unwrap();
    rx.revoke(TX, GSI).unwrap();
    assert_eq!(kind(rx.revoke_all(TX)), ErrorKind::NotFound);
    tx.close_port(port).unwrap();
    // SAFETY: the call takes no address.
    assert_eq!(errno(unsafe { tx.call(KVM_HC_PVI_QUERY + 1, [0; 4]) }), EOPNOTSUPP);
    drop((rx, tx, eventfd));
    assert_eq!(count_fds(), before);
}

#[test]
fn kinds() {
    let before = count_fds();
    let (rx, tx) = (Endpoint::open().unwrap(), Endpoint::enrol(None, TX).unwrap());

    rx.bind(None, RX, Bind::Opener, true).unwrap();
    rx.expose(GSI, Kind::Eventfd, None).unwrap();
    rx.expose(GSI + 1, Kind::Eventfd, None).unwrap();
    let grant = rx.grant(GSI, 1, None).unwrap();
    assert_eq!(errno(tx.connect_grant(Port::ANY, rx.as_fd())), EINVAL);
    let port = tx.connect_grant(Port::ANY, grant.as_fd()).unwrap();
    assert_eq!(kind(tx.connect_grant(Port::ANY, grant.as_fd())), ErrorKind::PermissionDenied);
    assert_eq!(tx.notify(port).unwrap(), Verdict::Latched);
    rx.ungrant(grant.id).unwrap();
    assert_eq!(kind(tx.notify(port)), ErrorKind::PermissionDenied);

    rx.make_bell(3, GSI + 1).unwrap();
    drop(grant);
    let grant = rx.grant_bell(3, 5, 1, None).unwrap();
    let port = tx.connect_grant(Port::ANY, grant.as_fd()).unwrap();
    assert_eq!(kind(tx.bell_send(port, 2)), ErrorKind::PermissionDenied);
    assert_eq!(tx.bell_send(port, 1).unwrap(), (Verdict::Latched, 0));
    assert_eq!(tx.bell_send(port, 4).unwrap().1, 1);
    assert_eq!(rx.bell_receive(3, !0).unwrap(), 5);
    rx.bell_mask(3, 1, 0).unwrap();
    rx.bell_reset(3).unwrap();
    rx.allow_bell(TX, 3, 1 << 63, Allow::default()).unwrap();
    rx.revoke_bell(TX, 3).unwrap();

    let (sink, source) = (Eventfd::new().unwrap(), Eventfd::new().unwrap());
    tx.set_port(Port(40), &sink).unwrap();
    tx.wire_source(Port(40), &source).unwrap();
    source.signal().unwrap();
    while sink.take().unwrap() == 0 {}
    tx.unwire_source(Port(40), &source).unwrap();
    assert_eq!(kind(tx.unwire_source(Port(40), &source)), ErrorKind::NotFound);
    assert_eq!(kind(rx.unstatus(GSI)), ErrorKind::NotFound);
    drop((rx, tx, grant, sink, source));
    assert_eq!(count_fds(), before);
}

#[test]
fn names() {
    let pvi = Endpoint::open().unwrap();

    pvi.reserve(RX, 12345).unwrap();
    assert_eq!(kind(Endpoint::enrol(None, RX)), ErrorKind::PermissionDenied);
    pvi.unreserve(RX).unwrap();
    assert_eq!(kind(pvi.unreserve(RX)), ErrorKind::NotFound);
    assert_eq!(errno(Endpoint::enrol(None, [0; 16])), EINVAL);
}
