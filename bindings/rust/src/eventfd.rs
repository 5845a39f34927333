// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Eventfds, by which host processes are rung.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::raw::c_int;
use std::os::unix::io::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

const EFD_CLOEXEC: c_int = 0o2000000;
const EFD_NONBLOCK: c_int = 0o4000;

extern "C" {
    fn eventfd(count: u32, flags: c_int) -> c_int;
}

/// An eventfd that does not block.
#[derive(Debug)]
pub struct Eventfd(File);

impl Eventfd {
    /// A new one, which is close-on-exec.
    pub fn new() -> io::Result<Self> {
        // SAFETY: it takes no pointer, and the descriptor is ours.
        let fd = unsafe { eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: nobody else has it.
        Ok(Eventfd(unsafe { File::from_raw_fd(fd) }))
    }

    /// How often it was signalled since the last time.
    pub fn take(&self) -> io::Result<u64> {
        let mut count = [0; 8];

        match (&self.0).read(&mut count) {
            Ok(_) => Ok(u64::from_ne_bytes(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Signal it.
    pub fn signal(&self) -> io::Result<()> {
        (&self.0).write_all(&1u64.to_ne_bytes())
    }
}

impl AsFd for Eventfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<Eventfd> for OwnedFd {
    fn from(eventfd: Eventfd) -> Self {
        eventfd.0.into()
    }
}
