//! Which lab a profile runs in.

use super::decode::{TOPOLOGIES, plain_lab};
use super::model::{Attachment, LabSpec, Profile};
use super::problem::{Place, Problem, ProfileErrors, nearest, shorten};
use super::validate;

/// The lab of that name (`router`, `b2b`) with nothing changed about it. None: there is no such lab.
pub fn plain(name: &str) -> Option<LabSpec> {
    let (_, topology) = TOPOLOGIES.iter().find(|(known, _)| *known == name)?;
    Some(plain_lab(*topology))
}

impl Profile {
    /// Whether any port is the lab's.
    pub fn stands_in_lab(&self) -> bool {
        self.ports.iter().any(|port| matches!(port.attachment, Attachment::Lab(_)))
    }

    /// Whether some port stands in a lab and the profile names none: `--lab` must.
    pub fn needs_lab(&self) -> bool {
        self.lab.is_none() && self.stands_in_lab()
    }

    /// Runs the profile in the lab `name` (`--lab`): replaces the topology, and leaves what the
    /// profile says of the lab otherwise.
    ///
    /// # Errors
    /// When there is no such lab, when the profile's ports are interfaces of the machine, or when
    /// what the profile says of its lab does not go with the topology. The profile is not to be run
    /// then.
    pub fn set_lab(&mut self, name: &str) -> Result<(), ProfileErrors> {
        let Some((_, topology)) = TOPOLOGIES.iter().find(|(known, _)| *known == name) else {
            let names = TOPOLOGIES.map(|(name, _)| name);
            let found = format!("\"{}\"", shorten(name));
            let problem = Problem::found(Place::File, "--lab", found, names.join(" or "));
            return Err(self.origin.errors(vec![problem.hint(nearest(name, names))]));
        };
        match &mut self.lab {
            Some(lab) => lab.topology = *topology,
            None => self.lab = Some(plain_lab(*topology)),
        }
        let mut problems = Vec::new();
        for rule in validate::LAB_RULES {
            rule(self, &mut problems);
        }
        if problems.is_empty() { Ok(()) } else { Err(self.origin.errors(problems)) }
    }
}
