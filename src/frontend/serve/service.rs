//! What makes a program a service: it ends when it is told to, opens its log anew, and says to the
//! service manager when it is ready. It stays in the foreground.

use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::SystemTime;

use signal_hook::consts::SIGHUP;

use crate::error::{Error, Result};

/// The signals of a service, and its service manager.
#[derive(Clone, Debug)]
pub struct Service {
    stop: Arc<AtomicBool>,
    reopen: Arc<AtomicBool>,
}

impl Service {
    /// A service that ends when `stop` is set (SIGINT, SIGTERM: whoever calls has seen to it), and
    /// takes SIGHUP as the wish to have its log opened anew. Signals interrupt a wait for events.
    ///
    /// # Errors
    /// When the kernel refuses the handler.
    pub fn new(stop: Arc<AtomicBool>) -> Result<Self> {
        let reopen = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGHUP, reopen.clone())
            .map_err(|error| Error::new("catch", "SIGHUP", error))?;
        Ok(Self { stop, reopen })
    }

    /// Whether it is to end.
    pub fn stopped(&self) -> bool {
        self.stop.load(Relaxed)
    }

    /// Whether the log is to be opened anew; once for each wish.
    pub fn reopen_wished(&self) -> bool {
        self.reopen.swap(false, Relaxed)
    }

    /// Tells the service manager that the service is ready (sd_notify(3)), where there is one.
    pub fn ready(&self) {
        notify("READY=1");
    }

    /// Tells the service manager that the service is ending.
    pub fn stopping(&self) {
        notify("STOPPING=1");
    }
}

/// Sends a state to the socket that NOTIFY_SOCKET names. Nobody waits for it: no manager, no error.
fn notify(state: &str) {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::SocketAddr;
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match name.as_bytes().split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(&name),
    };
    if let (Ok(socket), Ok(address)) = (UnixDatagram::unbound(), address) {
        let _ = socket.send_to_addr(state.as_bytes(), &address);
    }
}

/// The time of day as RFC 3339 has it, in UTC, to the millisecond.
pub fn time_of_day() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}
