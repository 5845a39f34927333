// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Endpoints: bind, expose, allow, connect, ring.

use crate::abi::*;
use crate::types::*;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::mem::{size_of, size_of_val};
use std::os::raw::{c_int, c_ulong};
use std::os::unix::io::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::slice;

extern "C" {
    fn ioctl(fd: c_int, request: c_ulong, ...) -> c_int;
}

/// One open of `/dev/kvm_pvi`. It may be used by any thread at any time.
#[derive(Debug)]
pub struct Endpoint(File);

/// `size` of an argument of an ioctl.
pub(crate) const fn size<T>() -> u32 {
    size_of::<T>() as u32
}

fn raw(fd: Option<BorrowedFd<'_>>) -> i32 {
    fd.map_or(-1, |fd| fd.as_raw_fd())
}

impl Endpoint {
    /// Open the device; the endpoint is not bound yet.
    pub fn open() -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).open("/dev/kvm_pvi").map(Endpoint)
    }

    /// Open and bind: a VM, or with `None` this process. Fails with EPROTO if the host speaks another
    /// version of the interface.
    pub fn enrol(vm: Option<BorrowedFd<'_>>, uuid: Uuid) -> io::Result<Self> {
        const EPROTO: i32 = 71;
        let pvi = Self::open()?;

        if pvi.info()?.abi_major != KVM_PVI_ABI_MAJOR {
            return Err(io::Error::from_raw_os_error(EPROTO));
        }
        pvi.bind(vm, uuid, Bind::Opener, false)?;
        Ok(pvi)
    }

    /// Take over one that somebody else opened.
    ///
    /// # Safety
    ///
    /// It is an open of `/dev/kvm_pvi`: another device may take the same requests for something else.
    pub unsafe fn from_fd(fd: OwnedFd) -> Self {
        Endpoint(fd.into())
    }

    /// An ioctl of this interface.
    ///
    /// # Safety
    ///
    /// `arg` is the argument of `request`, begins with its own size, and all addresses in it may be used as the
    /// header says.
    pub(crate) unsafe fn ioctl<T>(&self, request: u32, arg: &mut T) -> io::Result<()> {
        if ioctl(self.0.as_raw_fd(), request.into(), arg as *mut T) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// What this host serves.
    pub fn info(&self) -> io::Result<Info> {
        let mut arg = kvm_pvi_info { size: size::<kvm_pvi_info>(), ..Default::default() };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_GET_INFO, &mut arg)? };
        Ok(arg)
    }

    /// Give it a VM, or with `None` this process, and a name: the number of the binding. With `grants_only`
    /// nobody may ring it whom only its table allows to.
    pub fn bind(&self, vm: Option<BorrowedFd<'_>>, uuid: Uuid, bind: Bind, grants_only: bool) -> io::Result<u64> {
        let (mut flags, owner) = match bind {
            Bind::Opener => (0, 0),
            Bind::Owner(uid) => (KVM_PVI_BIND_OWNER, uid),
            Bind::Vmm(pid) => (KVM_PVI_BIND_VMM, pid),
        };
        if vm.is_none() {
            flags |= KVM_PVI_BIND_HOST;
        }
        if grants_only {
            flags |= KVM_PVI_BIND_GRANTS_ONLY;
        }
        let mut arg = kvm_pvi_bind { size: size::<kvm_pvi_bind>(), flags, vm_fd: raw(vm), owner, uuid, epoch: 0 };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_BIND, &mut arg)? };
        Ok(arg.epoch)
    }

    /// Keep a name for a user; needs CAP_SYS_ADMIN.
    pub fn reserve(&self, uuid: Uuid, uid: u32) -> io::Result<()> {
        let mut arg = kvm_pvi_reserve { size: size::<kvm_pvi_reserve>(), uuid, uid, ..Default::default() };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_RESERVE, &mut arg) }
    }

    /// Leave the name to anybody again; needs CAP_SYS_ADMIN.
    pub fn unreserve(&self, uuid: Uuid) -> io::Result<()> {
        let mut arg = kvm_pvi_reserve { size: size::<kvm_pvi_reserve>(), uuid, ..Default::default() };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_UNRESERVE, &mut arg) }
    }

    /// Make a GSI ringable; the rate is of all senders together.
    pub fn expose(&self, gsi: u32, kind: Kind, rate: Option<Rate>) -> io::Result<()> {
        let (rate, burst) = limit(rate);
        let mut arg =
            kvm_pvi_expose { size: size::<kvm_pvi_expose>(), flags: 0, gsi, kind: kind as u32, rate, burst };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_EXPOSE, &mut arg) }
    }

    pub(crate) fn gsi(&self, request: u32, gsi: u32) -> io::Result<()> {
        let mut arg = kvm_pvi_gsi { size: size::<kvm_pvi_gsi>(), gsi, ..Default::default() };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(request, &mut arg) }
    }

    /// No more rings of a GSI.
    pub fn unexpose(&self, gsi: u32) -> io::Result<()> {
        self.gsi(KVM_PVI_UNEXPOSE, gsi)
    }

    /// Signal an eventfd for the rings of a GSI; the kernel keeps what it needs of it.
    pub fn wire(&self, gsi: u32, eventfd: impl AsFd) -> io::Result<()> {
        let fd = eventfd.as_fd().as_raw_fd();
        let mut arg = kvm_pvi_wire { size: size::<kvm_pvi_wire>(), flags: 0, gsi, fd };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_WIRE, &mut arg) }
    }

    /// Signal none any more.
    pub fn unwire(&self, gsi: u32) -> io::Result<()> {
        self.gsi(KVM_PVI_UNWIRE, gsi)
    }

    /// Deliver what is latched.
    pub fn kick(&self, gsi: u32) -> io::Result<()> {
        self.gsi(KVM_PVI_KICK, gsi)
    }

    /// Let a sender ring a GSI, or `KVM_PVI_GSI_ANY`.
    pub fn allow(&self, sender: Uuid, gsi: u32, allow: Allow) -> io::Result<()> {
        self.do_allow(sender, gsi, None, allow)
    }

    pub(crate) fn do_allow(&self, uuid: Uuid, gsi: u32, bits: Option<u64>, allow: Allow) -> io::Result<()> {
        let (rate, burst) = limit(allow.rate);
        let mut arg = kvm_pvi_allow {
            size: size::<kvm_pvi_allow>(),
            flags: allow.owner.map_or(0, |_| KVM_PVI_ALLOW_OWNER) | bits.map_or(0, |_| KVM_PVI_ALLOW_BELL),
            uuid,
            gsi,
            owner: allow.owner.unwrap_or(0),
            bits: bits.unwrap_or(0),
            rate,
            burst,
        };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_ALLOW, &mut arg) }
    }

    /// Take back what was allowed for a GSI.
    pub fn revoke(&self, sender: Uuid, gsi: u32) -> io::Result<()> {
        self.do_revoke(sender, gsi, 0)
    }

    /// Take back all that a sender was allowed.
    pub fn revoke_all(&self, sender: Uuid) -> io::Result<()> {
        self.do_revoke(sender, 0, KVM_PVI_REVOKE_ALL)
    }

    pub(crate) fn do_revoke(&self, uuid: Uuid, gsi: u32, flags: u32) -> io::Result<()> {
        let mut arg = kvm_pvi_revoke { size: size::<kvm_pvi_revoke>(), flags, uuid, gsi, ..Default::default() };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_REVOKE, &mut arg) }
    }

    /// A descriptor that stands for "may ring this GSI", of which so many ports may be made.
    pub fn grant(&self, gsi: u32, uses: u32, rate: Option<Rate>) -> io::Result<Grant> {
        self.do_grant(gsi, None, uses, rate)
    }

    pub(crate) fn do_grant(&self, gsi: u32, bits: Option<u64>, uses: u32, rate: Option<Rate>) -> io::Result<Grant> {
        let (rate, burst) = limit(rate);
        let mut arg = kvm_pvi_grant {
            size: size::<kvm_pvi_grant>(),
            flags: bits.map_or(0, |_| KVM_PVI_GRANT_BELL),
            gsi,
            uses,
            bits: bits.unwrap_or(0),
            rate,
            burst,
            ..Default::default()
        };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_GRANT, &mut arg)? };
        // SAFETY: the descriptor is new, and nobody else has it.
        Ok(Grant { fd: unsafe { OwnedFd::from_raw_fd(arg.fd) }, id: arg.id })
    }

    /// Take a grant back, whoever holds it.
    pub fn ungrant(&self, id: u64) -> io::Result<()> {
        let mut arg = kvm_pvi_ungrant { size: size::<kvm_pvi_ungrant>(), flags: 0, id };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_UNGRANT, &mut arg) }
    }

    /// A port that signals an eventfd.
    pub fn set_port(&self, port: Port, eventfd: impl AsFd) -> io::Result<Port> {
        let fd = eventfd.as_fd().as_raw_fd();
        let mut arg = kvm_pvi_port { size: size::<kvm_pvi_port>(), flags: 0, port: port.0, fd };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_SET_PORT, &mut arg)? };
        Ok(Port(arg.port))
    }

    /// A port that rings a peer; with an owner only if its endpoint belongs to that uid.
    pub fn connect(&self, port: Port, receiver: Uuid, gsi: u32, owner: Option<u32>) -> io::Result<Port> {
        self.do_connect(kvm_pvi_connect {
            flags: owner.map_or(0, |_| KVM_PVI_CONNECT_OWNER),
            uuid: receiver,
            gsi,
            port: port.0,
            owner: owner.unwrap_or(0),
            ..Default::default()
        })
    }

    /// A port of a grant, which lasts as long as somebody has that open: keep it until the port is closed.
    pub fn connect_grant(&self, port: Port, grant: BorrowedFd<'_>) -> io::Result<Port> {
        self.do_connect(kvm_pvi_connect {
            flags: KVM_PVI_CONNECT_GRANT,
            port: port.0,
            grant_fd: grant.as_raw_fd(),
            ..Default::default()
        })
    }

    fn do_connect(&self, mut arg: kvm_pvi_connect) -> io::Result<Port> {
        arg.size = size::<kvm_pvi_connect>();
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_CONNECT, &mut arg)? };
        Ok(Port(arg.port))
    }

    /// Close a port.
    pub fn close_port(&self, port: Port) -> io::Result<()> {
        let mut arg = kvm_pvi_port { size: size::<kvm_pvi_port>(), port: port.0, ..Default::default() };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_CLOSE_PORT, &mut arg) }
    }

    fn source(&self, request: u32, port: Port, eventfd: impl AsFd) -> io::Result<()> {
        let fd = eventfd.as_fd().as_raw_fd();
        let mut arg = kvm_pvi_source { size: size::<kvm_pvi_source>(), flags: 0, fd, port: port.0 };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(request, &mut arg) }
    }

    /// Have an eventfd, for instance of a KVM_IOEVENTFD, ring a port.
    pub fn wire_source(&self, port: Port, eventfd: impl AsFd) -> io::Result<()> {
        self.source(KVM_PVI_WIRE_SOURCE, port, eventfd)
    }

    /// Undo that.
    pub fn unwire_source(&self, port: Port, eventfd: impl AsFd) -> io::Result<()> {
        self.source(KVM_PVI_UNWIRE_SOURCE, port, eventfd)
    }

    /// Any hypercall: what it returns in RAX, if that is no error, and in RBX.
    ///
    /// # Safety
    ///
    /// Addresses among the arguments are of this process, and may be read or written as the call does.
    pub unsafe fn call(&self, nr: u32, args: [u64; 4]) -> io::Result<(u64, u64)> {
        const EOPNOTSUPP: i32 = 95;
        let mut arg = kvm_pvi_call { size: size::<kvm_pvi_call>(), nr, args, ..Default::default() };

        self.ioctl(KVM_PVI_CALL, &mut arg)?;
        if arg.ret == -i64::from(KVM_PVI_ENOSYS) {
            return Err(io::Error::from_raw_os_error(EOPNOTSUPP));
        }
        u64::try_from(arg.ret).map(|ret| (ret, arg.ret2)).map_err(|_| io::Error::from_raw_os_error(-arg.ret as i32))
    }

    /// Ring a peer's GSI.
    pub fn ring(&self, receiver: Uuid, gsi: u32) -> io::Result<Verdict> {
        // The host wants an address that is a multiple of 16.
        #[repr(align(16))]
        struct Aligned(Uuid);
        let name = Aligned(receiver);

        // SAFETY: the call reads the 16 bytes of the name.
        Verdict::new(unsafe { self.call(KVM_HC_PVI, [name.0.as_ptr() as u64, gsi.into(), 0, 0])? }.0)
    }

    /// Ring a port.
    pub fn notify(&self, port: Port) -> io::Result<Verdict> {
        // SAFETY: the call takes no address.
        Verdict::new(unsafe { self.call(KVM_HC_NOTIFY, [port.0.into(), 0, 0, 0])? }.0)
    }

    /// Ring the ports `first` + n for every bit n of `mask`: those that accepted.
    pub fn notify_many(&self, first: Port, mask: u64) -> io::Result<u64> {
        // SAFETY: the call takes no address.
        Ok(unsafe { self.call(KVM_HC_NOTIFY_MANY, [first.0.into(), mask, 0, 0])? }.1)
    }

    /// The peers alive that may be rung, from that position on, at most `KVM_PVI_PEERS_MAX`. Go on behind the
    /// last one's position until there are none.
    pub fn peers(&self, first: u32) -> io::Result<Vec<Peer>> {
        let mut peers = [kvm_pvi_peer::default(); KVM_PVI_PEERS_MAX as usize];
        let bytes = size_of::<kvm_pvi_peer>() * peers.len();

        // SAFETY: the call writes as many bytes as the array has.
        let nr =
            unsafe { self.call(KVM_HC_PVI_PEERS, [peers.as_mut_ptr() as u64, bytes as u64, first.into(), 0])? }.0;
        let peer = |p: &kvm_pvi_peer| Peer { epoch: p.epoch, uuid: p.uuid, position: p.position, gsis: p.gsis };
        Ok(peers[..nr as usize].iter().map(peer).collect())
    }

    /// What has happened to others since the last time; waits for something, unless the descriptor does not block.
    /// None: the endpoint is dead.
    pub fn events(&self) -> io::Result<Vec<Event>> {
        let mut events = [kvm_pvi_event::default(); KVM_PVI_EVENTS_KEPT as usize];
        // SAFETY: all bytes of the array are there, and any bytes make events.
        let bytes = unsafe { slice::from_raw_parts_mut(events.as_mut_ptr().cast::<u8>(), size_of_val(&events)) };
        let nr = (&self.0).read(bytes)? / size_of::<kvm_pvi_event>();
        Ok(events[..nr].iter().map(|event| Event::from(*event)).collect())
    }
}

impl AsFd for Endpoint {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<Endpoint> for OwnedFd {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.0.into()
    }
}
