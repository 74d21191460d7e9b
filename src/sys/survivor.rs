//! A process that does what is left to do when this one has ended, however it ended: SIGKILL leaves
//! nobody else who could put back what was changed on the machine.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The other process. Dropping this tells it that nothing is left to do.
#[derive(Debug)]
pub struct Survivor {
    pipe: Option<OwnedFd>,
    pid: libc::pid_t,
}

impl Survivor {
    /// Begins a process that runs `work` when this one has ended and this value was not dropped. It
    /// has a session of its own and ignores the signals that end services. To be called while this
    /// process has one thread, as only that thread goes on in the other.
    ///
    /// # Errors
    /// `EAGAIN`, `ENOMEM`, `EMFILE`.
    pub fn new(work: impl FnOnce()) -> io::Result<Self> {
        let mut ends = [0; 2];
        // SAFETY: `ends` has room for two descriptors.
        if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just opened both, and nobody else owns them.
        let [read, write] = ends.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
        // SAFETY: fork has no memory preconditions. The child has a copy of this thread and of all
        // memory; no other thread holds a lock there, as the caller promises.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                outlive(&read);
                if nobody_is_left(&read) {
                    work();
                }
                // SAFETY: ends the child without running what the parent's exit is to run.
                unsafe { libc::_exit(0) }
            }
            pid => Ok(Self { pipe: Some(write), pid }),
        }
    }
}

impl Drop for Survivor {
    fn drop(&mut self) {
        if let Some(pipe) = self.pipe.take() {
            // SAFETY: one readable byte. A child that is gone has nothing to be told: SIGPIPE is
            // ignored in every Rust program.
            unsafe { libc::write(pipe.as_raw_fd(), [1u8].as_ptr().cast(), 1) };
        }
        // SAFETY: the child is ours, and no status is asked for.
        unsafe { libc::waitpid(self.pid, std::ptr::null_mut(), 0) };
    }
}

/// Lets go of everything of the parent but the pipe.
fn outlive(pipe: &OwnedFd) {
    let keep = pipe.as_raw_fd() as libc::c_uint;
    // SAFETY: none of these calls follows a pointer but open, which is given a string that ends.
    // Descriptors of the parent are closed in the child alone; nothing of the child uses them.
    unsafe {
        libc::setsid();
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGPIPE] {
            libc::signal(signal, libc::SIG_IGN);
        }
        let nothing = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        for standard in 0..3 {
            libc::dup2(nothing, standard);
        }
        if keep > 3 {
            libc::close_range(3, keep - 1, 0);
        }
        libc::close_range(keep + 1, libc::c_uint::MAX, 0);
    }
}

/// Waits for the parent's word, or its end.
fn nobody_is_left(pipe: &OwnedFd) -> bool {
    let mut byte = 0u8;
    loop {
        // SAFETY: one writable byte.
        let got = unsafe { libc::read(pipe.as_raw_fd(), (&raw mut byte).cast(), 1) };
        match got {
            0 => return true,
            1 => return false,
            _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            // Without a way to know, better too early than never.
            _ => return true,
        }
    }
}
