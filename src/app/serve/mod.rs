//! `wirestorm serve`: one file a service.

mod sink;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::signals;
use crate::cli::exit::Status;
use crate::cli::serve::Serve;
use crate::error::Result;

/// Serves until a signal ends it.
///
/// # Errors
/// When it cannot begin.
pub fn execute(serve: &Serve) -> Result<Status> {
    let stop = Arc::new(AtomicBool::new(false));
    signals::stop_on_interrupt(&stop)?;
    match serve {
        Serve::Sink(sink) => sink::execute(sink, &stop),
    }
}
