//! Names and ports.

use super::streams;
use crate::profile::model::{Attachment, Profile, TestKind};
use crate::profile::path;
use crate::profile::problem::Problem;

pub(super) fn stream_names_are_unique(profile: &Profile, problems: &mut Vec<Problem>) {
    let mut seen = std::collections::HashMap::new();
    for (at, stream) in streams(profile) {
        if let Some(first) = seen.insert(stream.name.as_str(), at.clone()) {
            let found = format!("\"{}\"", stream.name);
            let expected = format!("a name of its own: {first} has it");
            problems.push(profile.origin.problem(path::key(&at, "name"), found, expected));
        }
    }
}

pub(super) fn streams_exist(profile: &Profile, problems: &mut Vec<Problem>) {
    if profile.streams.is_empty() && !matches!(profile.test, TestKind::Study(_)) {
        problems.push(profile.origin.problem("streams", "no stream", "at least one"));
    }
}

pub(super) fn cores_match_queues(profile: &Profile, problems: &mut Vec<Problem>) {
    for port in &profile.ports {
        let workers = port.queues.len().max(1);
        if !port.cores.is_empty() && port.cores.len() != workers {
            let at = path::key(&path::key("ports", &port.name), "cores");
            let found = format!("{} cores", port.cores.len());
            let expected = format!("{workers}: one a queue, since each queue has its worker");
            problems.push(profile.origin.problem(at, found, expected));
        }
    }
}

pub(super) fn devices_are_different(profile: &Profile, problems: &mut Vec<Problem>) {
    for (n, port) in profile.ports.iter().enumerate() {
        let same = profile.ports[..n].iter().find(|other| other.attachment == port.attachment);
        if let Some(other) = same {
            let (key, device) = match &port.attachment {
                Attachment::Interface(name) => ("interface", name),
                Attachment::Lab(role) => ("lab", role),
            };
            let at = path::key(&path::key("ports", &port.name), key);
            let found = format!("\"{device}\"");
            let expected = format!("a device of its own: the port {} has it", other.name);
            problems.push(profile.origin.problem(at, found, expected));
        }
    }
}
