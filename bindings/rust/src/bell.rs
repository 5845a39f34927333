// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Doorbells with 64 flags, and status words.

use crate::abi::*;
use crate::endpoint::{size, Endpoint};
use crate::types::*;
use std::io;
use std::os::unix::io::{AsFd, AsRawFd};

impl Endpoint {
    /// Make a bell over an exposed GSI, which then takes no plain rings.
    pub fn make_bell(&self, bell: u32, gsi: u32) -> io::Result<()> {
        let mut arg = kvm_pvi_bell { size: size::<kvm_pvi_bell>(), flags: 0, bell, gsi };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_BELL, &mut arg) }
    }

    /// Let a sender set flags of a bell.
    pub fn allow_bell(&self, sender: Uuid, bell: u32, bits: u64, allow: Allow) -> io::Result<()> {
        self.do_allow(sender, bell, Some(bits), allow)
    }

    /// Take that back.
    pub fn revoke_bell(&self, sender: Uuid, bell: u32) -> io::Result<()> {
        self.do_revoke(sender, bell, KVM_PVI_REVOKE_BELL)
    }

    /// A descriptor that stands for "may set these flags of this bell".
    pub fn grant_bell(&self, bell: u32, bits: u64, uses: u32, rate: Option<Rate>) -> io::Result<Grant> {
        self.do_grant(bell, Some(bits), uses, rate)
    }

    /// Set flags of a peer's bell: the verdict, and the flags before, of those this sender may set.
    pub fn bell_send(&self, port: Port, flags: u64) -> io::Result<(Verdict, u64)> {
        // SAFETY: the call takes no address.
        let (verdict, old) = unsafe { self.call(KVM_HC_BELL_SEND, [port.0.into(), flags, 0, 0])? };
        Ok((Verdict::new(verdict)?, old))
    }

    /// Clear flags of a bell of its own: all flags before.
    pub fn bell_receive(&self, bell: u32, clear: u64) -> io::Result<u64> {
        // SAFETY: the call takes no address.
        Ok(unsafe { self.call(KVM_HC_BELL_RECEIVE, [bell.into(), clear, 0, 0])? }.1)
    }

    /// Say which flags raise the GSI, and which clear by themselves then.
    pub fn bell_mask(&self, bell: u32, enable: u64, ack: u64) -> io::Result<()> {
        // SAFETY: the call takes no address.
        unsafe { self.call(KVM_HC_BELL_MASK, [bell.into(), enable, ack, 0]) }.map(|_| ())
    }

    /// Clear all flags, enable all, clear none by themselves.
    pub fn bell_reset(&self, bell: u32) -> io::Result<()> {
        // SAFETY: the call takes no address.
        unsafe { self.call(KVM_HC_BELL_RESET, [bell.into(), 0, 0, 0]) }.map(|_| ())
    }

    /// Give a GSI a status word at `offset` of sealed memory; with `unsealed` of any.
    ///
    /// # Safety
    ///
    /// At `address` the word is mapped, writable and shared. The host writes to it at any time until
    /// [`Endpoint::unstatus`], so it must not be accessed but by atomic operations.
    pub unsafe fn set_status(
        &self,
        gsi: u32,
        memfd: impl AsFd,
        offset: u64,
        address: *mut u8,
        unsealed: bool,
    ) -> io::Result<()> {
        let mut arg = kvm_pvi_set_status {
            size: size::<kvm_pvi_set_status>(),
            flags: if unsealed { KVM_PVI_STATUS_UNSEALED } else { 0 },
            gsi,
            memfd: memfd.as_fd().as_raw_fd(),
            offset,
            address: address as u64,
        };
        self.ioctl(KVM_PVI_STATUS, &mut arg)
    }

    /// Take the status word away; senders that skip come back.
    pub fn unstatus(&self, gsi: u32) -> io::Result<()> {
        self.gsi(KVM_PVI_UNSTATUS, gsi)
    }
}
