// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! What calls take and give.

use crate::abi::*;
use std::io;
use std::os::unix::io::{AsFd, BorrowedFd, OwnedFd};

/// A name: 16 bytes as RFC 9562 prints them.
pub type Uuid = [u8; 16];

/// How a GSI is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// The host injects along the VM's routes.
    Direct = KVM_PVI_GSI_DIRECT,
    /// The host signals an eventfd.
    Eventfd = KVM_PVI_GSI_EVENTFD,
    /// The guest names an MSI.
    Msi = KVM_PVI_GSI_MSI,
}

/// What became of a ring that was accepted: at least one interrupt sees what was written before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Verdict {
    /// This call raised an interrupt, or signalled an eventfd.
    Raised = KVM_PVI_RAISED,
    /// An earlier ring is still owed.
    Coalesced = KVM_PVI_COALESCED,
    /// Recorded, and delivered as soon as it can be.
    Latched = KVM_PVI_LATCHED,
}

impl Verdict {
    pub(crate) fn new(value: u64) -> io::Result<Self> {
        match value as u32 {
            KVM_PVI_RAISED => Ok(Verdict::Raised),
            KVM_PVI_COALESCED => Ok(Verdict::Coalesced),
            KVM_PVI_LATCHED => Ok(Verdict::Latched),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// A port of an endpoint, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Port(pub u32);

impl Port {
    /// In the place of a number: the lowest free one.
    pub const ANY: Port = Port(KVM_PVI_PORT_ANY);
}

/// How often something may be rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Rings a second.
    pub rate: u32,
    /// Rings that may come at once, at least 1.
    pub burst: u32,
}

/// `(rate, burst)` as the ioctls have them; 0 and 0 is no limit.
pub(crate) fn limit(rate: Option<Rate>) -> (u32, u32) {
    rate.map_or((0, 0), |limit| (limit.rate, limit.burst))
}

/// How an endpoint is bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bind {
    /// Who opened it is its owner.
    #[default]
    Opener,
    /// That uid is; needs CAP_SETUID.
    Owner(u32),
    /// The user of that process, which has the VM, is; needs CAP_SETUID.
    Vmm(u32),
}

/// With what restrictions a sender may ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// Its endpoint has to belong to that uid.
    pub owner: Option<u32>,
    /// No more often than that.
    pub rate: Option<Rate>,
}

/// The permission to ring one GSI, or to set flags of one bell: a descriptor, which cannot be forged.
#[derive(Debug)]
pub struct Grant {
    pub(crate) fd: OwnedFd,
    /// What its receiver calls it.
    pub id: u64,
}

impl AsFd for Grant {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<Grant> for OwnedFd {
    fn from(grant: Grant) -> Self {
        grant.fd
    }
}

/// What this host serves.
pub type Info = kvm_pvi_info;

/// Who may be rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Which life of that name it is.
    pub epoch: u64,
    /// Its name.
    pub uuid: Uuid,
    /// The caller's own number of it.
    pub position: u32,
    /// How many GSIs of it the caller may ring.
    pub gsis: u16,
}

/// What has happened to another endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It may be rung from now on.
    PeerUp,
    /// It could be rung, and has died.
    PeerDown,
    /// It lives, and may not be rung any more.
    PeerRevoked,
    /// It has rung this endpoint, or connected to it.
    SenderUp,
    /// It had, and has died.
    SenderDown,
    /// What a later host tells.
    Other(u32),
}

/// An event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What has happened.
    pub kind: EventKind,
    /// How many events found no room before it.
    pub lost: u32,
    /// To which life of that name.
    pub epoch: u64,
    /// To whom.
    pub uuid: Uuid,
}

impl From<kvm_pvi_event> for Event {
    fn from(event: kvm_pvi_event) -> Self {
        let kind = match event.r#type {
            KVM_PVI_EVENT_PEER_UP => EventKind::PeerUp,
            KVM_PVI_EVENT_PEER_DOWN => EventKind::PeerDown,
            KVM_PVI_EVENT_PEER_REVOKED => EventKind::PeerRevoked,
            KVM_PVI_EVENT_SENDER_UP => EventKind::SenderUp,
            KVM_PVI_EVENT_SENDER_DOWN => EventKind::SenderDown,
            other => EventKind::Other(other),
        };
        Event { kind, lost: event.lost, epoch: event.epoch, uuid: event.uuid }
    }
}

/// What an edge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeKind {
    /// A row of the table.
    Gsi,
    /// A row for flags of a bell.
    Bell,
    /// A grant.
    Grant,
    /// What a later host has.
    Other(u32),
}

/// Counters of a row of the table, or of a grant, whose id `cursor` is.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Its number.
    pub cursor: u64,
    /// The sender; zeroes of a grant.
    pub uuid: Uuid,
    /// As it was allowed or granted.
    pub gsi: u32,
    /// What it is.
    pub kind: EdgeKind,
    /// Rings by it.
    pub counts: kvm_pvi_counts,
}

impl From<kvm_pvi_edge> for Edge {
    fn from(edge: kvm_pvi_edge) -> Self {
        let kind = match edge.kind {
            KVM_PVI_EDGE_GSI => EdgeKind::Gsi,
            KVM_PVI_EDGE_BELL => EdgeKind::Bell,
            KVM_PVI_EDGE_GRANT => EdgeKind::Grant,
            other => EdgeKind::Other(other),
        };
        Edge { cursor: edge.cursor, uuid: edge.uuid, gsi: edge.gsi, kind, counts: edge.counts }
    }
}
