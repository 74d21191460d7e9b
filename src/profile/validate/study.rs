//! Fragmentation studies.

use super::Rule;
use crate::profile::model::{PassCriteria, Profile, TestKind};
use crate::profile::path;
use crate::profile::problem::Problem;
use crate::profile::study::{Protocol, Receiver, Study};
use crate::study::compose;
use crate::study::plan::Plan;
use crate::units::Nanos;

pub(super) const RULES: [Rule; 5] =
    [packets_can_be_made, receivers_answer, studies_end, times_are_sane, criteria_have_a_meaning];

/// Datagrams of a study at most: each is remembered until the end.
const MAX_DATAGRAMS: u64 = 4_000_000;
const HOUR: Nanos = Nanos(3_600_000_000_000);

fn study(profile: &Profile) -> Option<&Study> {
    match &profile.test {
        TestKind::Study(study) => Some(study),
        TestKind::Traffic | TestKind::Benchmark(_) => None,
    }
}

/// The path of a cell, where it was spelled out.
fn cell_path(study: &Study, cell: usize) -> String {
    match study.design {
        crate::profile::study::Design::Cells => path::index("test.cells", cell),
        _ => "test".to_owned(),
    }
}

fn packets_can_be_made(profile: &Profile, problems: &mut Vec<Problem>) {
    let Some(study) = study(profile) else { return };
    if let Err((cell, why)) = Plan::new(study) {
        let at = cell_path(study, cell);
        let expected = "cells whose packets can be made";
        let found = format!("{}: {why}", study.cells[cell].name);
        problems.push(profile.origin.problem(at, found, expected));
    }
    for (number, cell) in study.cells.iter().enumerate() {
        let data = cell.len.saturating_sub(cell.tcp_header);
        if cell.protocol == Protocol::Tcp && data > compose::MAX_TCP_DATA {
            let found = format!("{}: {data} bytes of TCP data", cell.name);
            let expected =
                format!("at most {}: answers tell tries apart by it", compose::MAX_TCP_DATA);
            problems.push(profile.origin.problem(cell_path(study, number), found, expected));
        }
    }
    let name = study.target.name.as_deref().unwrap_or("example.com");
    for (number, cell) in study.cells.iter().enumerate() {
        let least = compose::dns_least(name);
        if cell.protocol == Protocol::Dns && cell.len < least {
            let found = format!("{}: a DNS query of {} bytes", cell.name, cell.len);
            let expected = format!("at least {least}");
            problems.push(profile.origin.problem(cell_path(study, number), found, expected));
        }
    }
}

fn receivers_answer(profile: &Profile, problems: &mut Vec<Problem>) {
    let Some(study) = study(profile) else { return };
    let has = |protocol| study.cells.iter().any(|cell| cell.protocol == protocol);
    let mut refuse = |found: &str, expected: &str| {
        problems.push(profile.origin.problem("test.receiver", found, expected));
    };
    match study.receiver {
        Receiver::Host if has(Protocol::Udp) => refuse(
            "udp to a host",
            "a sink, for a host does not answer UDP; or protocols icmp, tcp or dns",
        ),
        Receiver::Sink if has(Protocol::Dns) => {
            refuse("dns to a sink", "receiver: host, a DNS server: a sink does not answer queries");
        }
        _ => {}
    }
}

fn studies_end(profile: &Profile, problems: &mut Vec<Problem>) {
    let Some(study) = study(profile) else { return };
    let Ok(plan) = Plan::new(study) else { return };
    let datagrams = plan.datagrams(study.tries.max(study.attribution));
    if datagrams > MAX_DATAGRAMS {
        let found = format!("{datagrams} datagrams");
        let expected = format!("at most {MAX_DATAGRAMS}: fewer cells, arms or tries");
        problems.push(profile.origin.problem("test.tries", found, expected));
    }
}

fn times_are_sane(profile: &Profile, problems: &mut Vec<Problem>) {
    let Some(study) = study(profile) else { return };
    let times = [("spacing", study.spacing, 1), ("wait", study.wait, 0)];
    for (key, time, least) in times {
        if time.0 < least || time > HOUR {
            let found = format!("{time}");
            let expected = "a time above 0 and at most 1h";
            problems.push(profile.origin.problem(format!("test.{key}"), found, expected));
        }
    }
    if study.reassembly_time.iter().any(|time| *time > HOUR) {
        let expected = "at most 1h";
        problems.push(profile.origin.problem("test.reassembly_time", "more", expected));
    }
}

fn criteria_have_a_meaning(profile: &Profile, problems: &mut Vec<Problem>) {
    let pass = &profile.pass;
    let Some(study) = study(profile) else {
        if !pass.arms.is_empty() {
            let expected = "it in a fragmentation study alone: test: fragments";
            problems.push(profile.origin.problem("pass.arms", "what arms are held to", expected));
        }
        return;
    };
    let other = PassCriteria { arms: Vec::new(), ..pass.clone() };
    if other != PassCriteria::default() {
        let expected = "pass.arms alone: a study has arms, and no streams";
        problems.push(profile.origin.problem("pass", "criteria of a run of streams", expected));
    }
    for (number, criterion) in pass.arms.iter().enumerate() {
        let at = path::index("pass.arms", number);
        if let Some(name) = &criterion.cell
            && study.cells.iter().all(|cell| cell.name != *name)
        {
            let found = format!("\"{name}\"");
            let known: Vec<&str> =
                study.cells.iter().take(8).map(|cell| cell.name.as_str()).collect();
            let expected = format!("the name of a cell: {}", known.join(", "));
            problems.push(profile.origin.problem(path::key(&at, "cell"), found, expected));
        }
        let attributed = criterion.stage.is_some() || !criterion.counters.is_empty();
        if attributed && study.attribution == 0 {
            let found = "a stage or counters, and no attribution";
            let expected = "test.attribution above 0";
            problems.push(profile.origin.problem(at, found, expected));
        }
    }
}
