// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! What a guest does for itself, done in its name; save, migrate, restore.

use crate::abi::*;
use crate::endpoint::{size, Endpoint};
use std::io;

impl Endpoint {
    fn do_call(&self, nr: u32, args: [u64; 4]) -> io::Result<()> {
        // SAFETY: none of the calls below takes an address that anybody follows.
        unsafe { self.call(nr, args) }.map(|_| ())
    }

    /// Say which MSI a virtual GSI is, as the guest's driver would write it; address 0 is none.
    pub fn set_msi(&self, gsi: u32, address: u64, data: u32) -> io::Result<()> {
        self.do_call(KVM_HC_PVI_SET_MSI, [gsi.into(), address, data.into(), 0])
    }

    /// Who handles a GSI is ready: deliver again what may have been overlooked.
    pub fn arm(&self, gsi: u32) -> io::Result<()> {
        self.do_call(KVM_HC_PVI_ARM, [gsi.into(), 0, 0, 0])
    }

    /// The guest starts anew: undo what it has made.
    pub fn reset(&self) -> io::Result<()> {
        self.do_call(KVM_HC_PVI_RESET, [0; 4])
    }

    /// Have a GSI of its own rung when there are events, or none with `KVM_PVI_GSI_ANY`.
    pub fn set_config(&self, gsi: u32) -> io::Result<()> {
        self.do_call(KVM_HC_PVI_SET_CONFIG, [gsi.into(), 0, 0, 0])
    }

    /// One number about this endpoint: `KVM_PVI_Q_*`.
    pub fn query(&self, kind: u32, index: u32, field: u32) -> io::Result<u32> {
        // SAFETY: the call takes no address.
        unsafe { self.call(KVM_HC_PVI_QUERY, [kind.into(), index.into(), field.into(), 0]) }.map(|ret| ret.0 as u32)
    }

    /// What the guest has made; with `freeze` rings to it answer EAGAIN from then on.
    pub fn state(&self, freeze: bool) -> io::Result<Vec<u8>> {
        let flags = if freeze { KVM_PVI_STATE_FREEZE } else { 0 };
        let mut blob = vec![0; 4096];

        loop {
            let mut arg = kvm_pvi_state {
                size: size::<kvm_pvi_state>(),
                flags,
                address: blob.as_mut_ptr() as u64,
                length: blob.len() as u32,
                ..Default::default()
            };
            // SAFETY: as many bytes as it says are there.
            unsafe { self.ioctl(KVM_PVI_GET_STATE, &mut arg)? };
            let fits = arg.length as usize <= blob.len();
            blob.resize(arg.length as usize, 0);
            if fits {
                return Ok(blob);
            }
        }
    }

    /// Restore what the guest had made, into an endpoint whose guest has made nothing yet.
    pub fn set_state(&self, blob: &[u8]) -> io::Result<()> {
        let mut arg = kvm_pvi_state {
            size: size::<kvm_pvi_state>(),
            address: blob.as_ptr() as u64,
            length: u32::try_from(blob.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
            ..Default::default()
        };
        // SAFETY: as many bytes as it says are there, and they are only read.
        unsafe { self.ioctl(KVM_PVI_SET_STATE, &mut arg) }
    }

    /// Take rings again, and deliver what is owed.
    pub fn thaw(&self) -> io::Result<()> {
        let mut arg = kvm_pvi_thaw { size: size::<kvm_pvi_thaw>(), flags: 0 };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_THAW, &mut arg) }
    }
}
