//! The links under a trial: when one of them is gone, the trial is over, whatever the engines notice.
//!
//! An engine may not notice: a redirect to a device without carrier is dropped by the kernel without
//! a word, and the receiving interface is none of a sender's business.

use crate::error::{Error, Result};
use crate::receive::ReceiveSpec;
use crate::sys::device::Device;
use crate::sys::netns::Netns;

use super::send::SendPort;

/// An interface that the trial needs until its end.
#[derive(Debug)]
struct Link {
    /// What the trial does there: `send on`.
    purpose: &'static str,
    interface: String,
    device: Device,
}

/// The interfaces of a trial that had a carrier when it began.
#[derive(Debug)]
pub struct Links(Vec<Link>);

impl Links {
    /// Finds the interfaces of a trial.
    ///
    /// # Errors
    /// One that is not there.
    pub fn find(senders: &[SendPort], receivers: &[(usize, ReceiveSpec)]) -> Result<Self> {
        let send = senders.iter().map(|port| ("send on", &port.netns, &port.interface));
        let receive =
            receivers.iter().map(|(_, spec)| ("receive on", &spec.netns, &spec.interface));
        let mut links = Vec::new();
        for (purpose, netns, interface) in send.chain(receive) {
            let device = find(netns, interface)
                .map_err(|cause| Error::new(purpose, interface.as_str(), cause))?;
            // One that tells no carrier from the start has none to lose.
            if device.has_carrier().unwrap_or(false) {
                links.push(Link { purpose, interface: interface.clone(), device });
            }
        }
        Ok(Self(links))
    }

    /// The first that has gone down or away since.
    pub fn lost(&self) -> Option<Error> {
        self.0.iter().find_map(|link| {
            let (cause, remedy) = match link.device.has_carrier() {
                Ok(true) => return None,
                Ok(false) => ("the link went down", "it and its peer must stay up"),
                Err(_) => ("the interface was removed", "keep it"),
            };
            let error = Error::new(link.purpose, link.interface.as_str(), cause);
            Some(error.remedy(format!("{remedy} until the run is over")))
        })
    }
}

fn find(netns: &Netns, interface: &str) -> std::io::Result<Device> {
    netns.run(|| Device::find(interface))?
}
