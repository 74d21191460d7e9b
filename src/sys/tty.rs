//! The terminal as it was: given back by a signal handler too, which ends the program at once.

#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Leaves the alternate screen, and shows the cursor.
const LEAVE: &[u8] = b"\x1b[?1049l\x1b[?25h";

/// The modes of standard input before they were changed.
static BEFORE: OnceLock<libc::termios> = OnceLock::new();
/// They are changed.
static CHANGED: AtomicBool = AtomicBool::new(false);

/// Remembers the modes of standard input. From now on until [`restore`] they count as changed.
///
/// # Errors
/// `ENOTTY` where standard input is no terminal.
pub fn remember() -> io::Result<()> {
    let mut modes = MaybeUninit::<libc::termios>::uninit();
    // SAFETY: `modes` is a termios to write to, and the descriptor is only read.
    if unsafe { libc::tcgetattr(libc::STDIN_FILENO, modes.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above has succeeded, so it has written all of it.
    BEFORE.get_or_init(|| unsafe { modes.assume_init() });
    CHANGED.store(true, SeqCst);
    Ok(())
}

/// Whether the modes are changed.
pub fn is_changed() -> bool {
    CHANGED.load(SeqCst)
}

/// Gives the terminal back as it was, once: from wherever it is called, a signal handler or a panic.
pub fn restore() {
    let Some(before) = BEFORE.get().filter(|_| CHANGED.swap(false, SeqCst)) else { return };
    // SAFETY: both calls are safe in signal handlers (POSIX.1-2017 §2.4.3); the modes are a termios
    // that the kernel gave, and the bytes are those of a constant. What fails cannot be helped.
    unsafe {
        libc::write(libc::STDERR_FILENO, LEAVE.as_ptr().cast(), LEAVE.len());
        libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, before);
    }
}

/// At a signal that comes when `stop` is set already, and so ends the program, the terminal is given
/// back first. What ends it has to be registered later.
///
/// # Errors
/// When the kernel refuses the handler.
pub fn restore_before_the_end(signal: i32, stop: Arc<AtomicBool>) -> io::Result<()> {
    let action = move || {
        if stop.load(SeqCst) {
            restore();
        }
    };
    // SAFETY: the action reads atomics and calls `restore`, which is safe in a signal handler: it
    // allocates nothing, locks nothing, and cannot panic.
    unsafe { signal_hook::low_level::register(signal, action) }.map(drop)
}
