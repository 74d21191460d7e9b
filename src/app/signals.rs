//! SIGINT and SIGTERM end a run early, with a report; a second one ends the program at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::error::{Error, Result};

/// Exit status after a second signal: 128 + SIGINT, as shells say it.
const KILLED: i32 = 130;

/// Sets `stop` at the first signal and exits at the second.
///
/// # Errors
/// When the kernel refuses the handlers.
pub fn stop_on_interrupt(stop: &Arc<AtomicBool>) -> Result<()> {
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, KILLED, stop.clone())
            .and_then(|_| signal_hook::flag::register(signal, stop.clone()))
            .map_err(|error| Error::new("catch", format!("signal {signal}"), error))?;
    }
    Ok(())
}
