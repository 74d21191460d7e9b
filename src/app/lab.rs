//! `wirestorm lab`: a lab to look at and to play in.

use std::fmt::Write;

use super::print;
use crate::cli::exit::Status;
use crate::cli::lab::{Lab, Which};
use crate::error::{Error, Result};
use crate::lab::named::{NamedLab, Registry};
use crate::profile;

/// Builds, takes down or lists labs that stay.
///
/// # Errors
/// Without privilege; a name that is taken, or that no lab has.
pub fn execute(lab: &Lab) -> Result<Status> {
    let registry = Registry::default();
    match lab {
        Lab::Up { topology, name, queues } => {
            let spec = profile::plain_lab(topology).ok_or_else(|| {
                Error::new("build", format!("a lab {topology}"), "there is no such topology")
            })?;
            let up = registry.up(name, &spec, queues.map_or(1, Into::into))?;
            print(describe(&up).as_bytes())?;
        }
        Lab::List => {
            let labs = registry.list()?;
            let text: String = labs.iter().map(describe).collect();
            print(if labs.is_empty() { b"no lab is up\n" } else { text.as_bytes() })?;
        }
        Lab::Down(which) => {
            let names = match which {
                Which::Named(names) => names.clone(),
                Which::All => registry.list()?.into_iter().map(|lab| lab.name).collect(),
            };
            for name in names {
                for foreign in registry.down(&name)? {
                    let path = foreign.display();
                    eprintln!(
                        "wirestorm: {path} is no longer the namespace that was made: left alone"
                    );
                }
            }
        }
    }
    Ok(Status::Passed)
}

fn describe(lab: &NamedLab) -> String {
    let mut text = format!("{} ({})\n", lab.name, lab.topology);
    for space in &lab.namespaces {
        let name = space.path.file_name().unwrap_or_default().to_string_lossy();
        let _ = writeln!(text, "  {:6} ip netns exec {name} COMMAND", space.role);
    }
    text
}
