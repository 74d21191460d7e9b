//! The terminal: raw mode and the other screen, taken, and given back however the program ends. It is
//! drawn on standard error, so that standard output is the report's alone.

use std::io::{self, IsTerminal, Stderr, stderr, stdin};
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::AtomicBool;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::{execute, terminal};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::error::{Error, Result};
use crate::sys::tty;

/// Whether there is a terminal to draw on and to read keys from.
pub fn is_there() -> bool {
    stderr().is_terminal() && stdin().is_terminal()
}

/// The terminal, taken. Dropped, it is given back.
#[derive(Debug)]
pub struct Screen {
    /// To draw on.
    pub terminal: Terminal<CrosstermBackend<Stderr>>,
}

impl Screen {
    /// Takes the terminal. It is given back at a panic too, and at the second signal, which ends the
    /// program: that comes when `stop` is set.
    ///
    /// # Errors
    /// When there is none, or it refuses.
    pub fn take(stop: &Arc<AtomicBool>) -> Result<Self> {
        let refused = |cause: io::Error| {
            Error::new("show the live view on", "this terminal", cause).remedy("leave --tui out")
        };
        for signal in [SIGINT, SIGTERM] {
            tty::restore_before_the_end(signal, stop.clone()).map_err(refused)?;
        }
        restore_at_panics();
        tty::remember().map_err(refused)?;
        let taken = terminal::enable_raw_mode()
            .and_then(|()| execute!(stderr(), terminal::EnterAlternateScreen))
            .and_then(|()| Terminal::new(CrosstermBackend::new(stderr())));
        match taken {
            Ok(terminal) => Ok(Self { terminal }),
            Err(cause) => {
                tty::restore();
                Err(refused(cause))
            }
        }
    }

    /// Whether it is still ours: a panic or a signal may have given it back.
    pub fn is_taken(&self) -> bool {
        tty::is_changed()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        tty::restore();
    }
}

/// What a panic says has to be legible, whichever thread it is.
fn restore_at_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            tty::restore();
            before(panic);
        }));
    });
}
