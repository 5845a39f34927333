// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Interrupts between virtual machines on KVM, for VMMs and processes of the host.
//!
//! An [`Endpoint`] is one open of `/dev/kvm_pvi`: a VM or a host process, which has a name, may be rung, and
//! rings. All that is set up through it goes when it is dropped. This crate is the ioctls in safe types; what they
//! do stands in `<linux/kvm_pvi.h>` and in `Documentation/virt/kvm/pvi/api.rst`. It needs neither libpvi nor any
//! other crate.
//!
//! ```no_run
//! use kvm_pvi::{Endpoint, Kind};
//! use std::os::unix::io::{AsFd, BorrowedFd};
//!
//! fn enrol(vm: BorrowedFd, uuid: [u8; 16], sender: [u8; 16]) -> std::io::Result<Endpoint> {
//!     let pvi = Endpoint::enrol(Some(vm), uuid)?;
//!     pvi.expose(0x10000, Kind::Msi, None)?;
//!     pvi.allow(sender, 0x10000, Default::default())?;
//!     Ok(pvi)
//! }
//! ```
//!
//! A name is 16 bytes as RFC 9562 prints them: `Uuid::as_bytes()` of the uuid crate has that order,
//! `to_bytes_le()` has not. What fails is an [`std::io::Error`] with the errno of the ioctl or of the hypercall.
#![warn(missing_docs)]

macro_rules! constants {
    ($($name:ident = $value:expr;)*) => {
        $(pub const $name: u32 = $value;)*
    };
}

macro_rules! structs {
    ($(pub struct $name:ident { $(pub $field:ident: $type:ty,)* })*) => {
        $(
            #[repr(C)]
            #[derive(Clone, Copy, Debug, Default)]
            pub struct $name {
                $(pub $field: $type,)*
            }
        )*
    };
}

pub mod abi;
mod bell;
mod endpoint;
mod eventfd;
mod list;
mod state;
mod types;

pub use endpoint::Endpoint;
pub use eventfd::Eventfd;
pub use types::{Allow, Bind, Edge, EdgeKind, Event, EventKind, Grant, Info, Kind, Peer, Port, Rate, Uuid, Verdict};
