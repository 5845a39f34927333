// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Counters, and what there is on the host.

use crate::abi::*;
use crate::endpoint::{size, Endpoint};
use crate::types::Edge;
use std::io;

impl Endpoint {
    /// Its counters; of a dead one too.
    pub fn stats(&self) -> io::Result<kvm_pvi_stats> {
        let mut arg = kvm_pvi_stats { size: size::<kvm_pvi_stats>(), ..Default::default() };
        // SAFETY: the argument holds no address.
        unsafe { self.ioctl(KVM_PVI_GET_STATS, &mut arg)? };
        Ok(arg)
    }

    /// The rows of its table, and its grants.
    pub fn edges(&self) -> io::Result<Vec<Edge>> {
        const ENOENT: i32 = 2;
        let mut arg = kvm_pvi_edge { size: size::<kvm_pvi_edge>(), ..Default::default() };
        let mut edges = Vec::new();

        loop {
            // SAFETY: the argument holds no address.
            match unsafe { self.ioctl(KVM_PVI_GET_EDGE, &mut arg) } {
                Ok(()) => edges.push(Edge::from(arg)),
                Err(error) if error.raw_os_error() == Some(ENOENT) => return Ok(edges),
                Err(error) => return Err(error),
            }
            arg = kvm_pvi_edge { size: arg.size, cursor: arg.cursor, ..Default::default() };
        }
    }

    /// # Safety
    ///
    /// T is the structure of that kind.
    unsafe fn list<T: Copy + Default>(&self, kind: u32, endpoint: u64) -> io::Result<Vec<T>> {
        let mut records = [T::default(); 64];
        let (mut all, mut cursor) = (Vec::new(), 0);

        loop {
            let mut arg = kvm_pvi_list {
                size: size::<kvm_pvi_list>(),
                kind,
                record: size::<T>(),
                endpoint,
                cursor,
                address: records.as_mut_ptr() as u64,
                nr: records.len() as u32,
                ..Default::default()
            };
            self.ioctl(KVM_PVI_LIST, &mut arg)?;
            if arg.nr == 0 {
                return Ok(all);
            }
            all.extend_from_slice(&records[..arg.nr as usize]);
            cursor = arg.cursor;
        }
    }

    /// All endpoints of the host; this and the next three need CAP_SYS_ADMIN.
    pub fn list_endpoints(&self) -> io::Result<Vec<kvm_pvi_list_endpoint>> {
        // SAFETY: it is that structure.
        unsafe { self.list(KVM_PVI_LIST_ENDPOINTS, 0) }
    }

    /// The rows and grants of the endpoint of that number.
    pub fn list_edges(&self, number: u64) -> io::Result<Vec<kvm_pvi_list_edge>> {
        // SAFETY: it is that structure.
        unsafe { self.list(KVM_PVI_LIST_EDGES, number) }
    }

    /// What it exposes.
    pub fn list_gsis(&self, number: u64) -> io::Result<Vec<kvm_pvi_list_gsi>> {
        // SAFETY: it is that structure.
        unsafe { self.list(KVM_PVI_LIST_GSIS, number) }
    }

    /// What it rings.
    pub fn list_ports(&self, number: u64) -> io::Result<Vec<kvm_pvi_list_port>> {
        // SAFETY: it is that structure.
        unsafe { self.list(KVM_PVI_LIST_PORTS, number) }
    }
}
