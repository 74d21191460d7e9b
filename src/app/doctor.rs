//! `wirestorm doctor`: what stands in the way of a true measurement.

use std::fmt::Write;

use super::print;
use crate::cli::doctor::Doctor;
use crate::cli::exit::Status;
use crate::engine::{af_xdp, packet_mmap, raw, xdp_live};
use crate::error::{Error, Result};
use crate::host::doctor::{self, Severity};
use crate::host::link;
use crate::sys::netns::Netns;

/// Prints every finding with its remedy, and which engines work on the interface.
///
/// # Errors
/// When the machine does not say where it is.
pub fn execute(doctor: &Doctor) -> Result<Status> {
    let netns = Netns::current()
        .map_err(|error| Error::new("find the network namespace of", "this process", error))?;
    let mut text = String::new();
    let findings = doctor::examine(&netns, doctor.interface.as_deref());
    for finding in &findings {
        let _ = writeln!(text, "{finding}");
    }
    match &doctor.interface {
        // One that is missing is a finding already.
        Some(interface) if link::facts(&netns, interface).is_err() => {}
        Some(interface) => engines(&mut text, &netns, interface),
        None => {
            let names = link::names(&netns)?;
            let _ = writeln!(text, "\ninterfaces: {} (wirestorm doctor IFACE)", names.join(", "));
        }
    }
    print(text.as_bytes())?;
    let problem = findings.iter().any(|finding| finding.severity == Severity::Problem);
    Ok(if problem { Status::CouldNotRun } else { Status::Passed })
}

/// Opens every engine on the interface, sends nothing, and says what `auto` would take.
fn engines(text: &mut String, netns: &Netns, interface: &str) {
    let probes = [
        ("xdp-live", xdp_live::probe(netns, interface)),
        ("af-xdp", af_xdp::probe(netns, interface)),
        ("packet-mmap", packet_mmap::probe(netns, interface)),
        ("raw", raw::probe(netns, interface)),
    ];
    let _ = writeln!(text, "\nengines on {interface}:");
    for (name, probe) in &probes {
        match probe {
            Ok(detail) => {
                let _ = writeln!(text, "  {name:12} works: {detail}");
            }
            Err(error) => {
                let _ = writeln!(text, "  {name:12} {error}");
            }
        }
    }
    match probes.iter().find(|(_, probe)| probe.is_ok()) {
        Some((name, _)) => {
            let _ = writeln!(text, "  auto takes {name}, the first that works");
        }
        None => {
            let _ = writeln!(text, "  auto finds none");
        }
    }
}
