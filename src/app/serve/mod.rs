//! `wirestorm serve`: one file a service.

mod dns;
mod sink;
mod tcp;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::signals;
use crate::cli::exit::Status;
use crate::cli::serve::Serve;
use crate::error::Result;
use crate::frontend::serve::service::Service;

/// Serves until a signal ends it.
///
/// # Errors
/// When it cannot begin.
pub fn execute(serve: &Serve) -> Result<Status> {
    let stop = Arc::new(AtomicBool::new(false));
    signals::stop_on_interrupt(&stop)?;
    let service = Service::new(stop)?;
    match serve {
        Serve::Sink(sink) => sink::execute(sink, &service),
        Serve::Dns(dns) => dns::execute(dns, &service),
        Serve::Tcp(tcp) => tcp::execute(tcp, &service),
    }
}
