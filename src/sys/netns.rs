//! Network namespaces without names: held by a descriptor, gone with the last one, SIGKILL or not.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::thread;

/// A network namespace, kept alive by a descriptor.
#[derive(Clone, Debug)]
pub struct Netns {
    fd: Arc<OwnedFd>,
}

impl Netns {
    /// The namespace of the calling thread.
    ///
    /// # Errors
    /// When /proc is not mounted.
    pub fn current() -> io::Result<Self> {
        let file = File::open("/proc/thread-self/ns/net")?;
        Ok(Self { fd: Arc::new(file.into()) })
    }

    /// A new namespace with nothing but a loopback device that is down.
    ///
    /// # Errors
    /// `EPERM` without CAP_SYS_ADMIN.
    pub fn new_anonymous() -> io::Result<Self> {
        on_own_thread(|| {
            // SAFETY: unshare changes only the calling thread, which ends with this closure.
            if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
                return Err(io::Error::last_os_error());
            }
            Self::current()
        })?
    }

    /// Moves the calling thread into the namespace for the rest of its life (a worker's first act).
    /// Needs no privilege where the thread is in it already.
    ///
    /// # Errors
    /// `EPERM` without CAP_SYS_ADMIN.
    pub fn enter(&self) -> io::Result<()> {
        if self.is_same_as(&Self::current()?)? {
            return Ok(());
        }
        // SAFETY: the descriptor is a network namespace's and open as long as `self`.
        if unsafe { libc::setns(self.fd.as_raw_fd(), libc::CLONE_NEWNET) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Whether both descriptors hold the same namespace.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn is_same_as(&self, other: &Self) -> io::Result<bool> {
        let identity = |netns: &Self| -> io::Result<(u64, u64)> {
            let metadata = File::from(netns.fd.try_clone()?).metadata()?;
            Ok((metadata.dev(), metadata.ino()))
        };
        Ok(identity(self)? == identity(other)?)
    }

    /// Runs `work` inside the namespace, on a thread of its own, and returns what it returned.
    /// Sockets that it opens and processes that it starts belong to the namespace for good.
    ///
    /// # Errors
    /// As [`Netns::enter`].
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        on_own_thread(|| self.enter().map(|()| work()))?
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn on_own_thread<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let handle = thread::Builder::new().spawn_scoped(scope, work)?;
        match handle.join() {
            Ok(value) => Ok(value),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
