//! Tables and sentences for people.

use std::fmt::Write;
use std::net::IpAddr;

use super::arms::{Arms, Cell, Class};
use super::path::{LinkMtu, Path, Row};
use super::probe::{Arm, Flow, Protocol};
use super::verdict::{self, Outcome};
use crate::report::format::NOT_MEASURED;

/// What is said before anything is sent.
pub fn heading(host: &str, flow: &Flow, socket: &str, size: usize, hops: u8) -> String {
    let probe = match flow.protocol {
        Protocol::Udp => format!("UDP to port {}", flow.dst_port),
        Protocol::Tcp => format!("TCP SYN to port {}", flow.dst_port),
        Protocol::Icmp => "echo requests".to_owned(),
    };
    let size = match flow.protocol {
        Protocol::Tcp => String::new(),
        _ => format!(", {size} bytes"),
    };
    format!("trace to {host} ({}): {probe}{size}, {hops} hops at most; {socket}", flow.dst)
}

/// The table of a plain trace.
pub fn path(path: &Path, first_hop: u8, max_hops: u8) -> String {
    let mut rows = vec![strings(["hop", "address", "loss", "best", "avg", "worst", "ms"])];
    for row in &path.rows {
        let notes = notes(row, path);
        if row.responders.is_empty() {
            rows.push(vec![row.hop.to_string(), "*".into(), loss(row)]);
        }
        for (n, responder) in row.responders.iter().enumerate() {
            let first = n == 0;
            let millis = |nanos: Option<f64>| {
                nanos.map_or(NOT_MEASURED.to_owned(), |nanos| format!("{:.3}", nanos / 1e6))
            };
            rows.push(vec![
                if first { row.hop.to_string() } else { String::new() },
                responder.from.to_string(),
                if first { loss(row) } else { String::new() },
                millis(responder.rtt.min().map(|nanos| nanos as f64)),
                millis(responder.rtt.mean()),
                millis(responder.rtt.max().map(|nanos| nanos as f64)),
                if first { notes.clone() } else { String::new() },
            ]);
        }
    }
    let mut text = columns(&rows, &[true, false, true, true, true, true, false]);
    for mtu in path.mtus.iter().filter(|mtu| mtu.hop.is_none()) {
        let _ = writeln!(
            text,
            "{} (nearer than hop {}): the next link's {}",
            mtu.from,
            mtu.below,
            mtu_words(mtu)
        );
    }
    if !path.reached {
        let last = path.rows.last().map_or(first_hop.saturating_sub(1), |row| row.hop);
        if path.rows.last().is_some_and(|row| !row.refused.is_empty()) {
            let _ = writeln!(text, "The destination was not reached: refused at hop {last}.");
        } else if last < max_hops {
            let _ = writeln!(
                text,
                "The destination was not reached: hops {} to {max_hops} do not answer.",
                last + 1
            );
        } else {
            let _ = writeln!(text, "The destination was not reached in {max_hops} hops.");
        }
    }
    text
}

fn notes(row: &Row, path: &Path) -> String {
    let mut notes = Vec::new();
    if row.destination {
        notes.push("destination".to_owned());
    }
    notes.extend(row.refused.iter().map(|(from, error)| format!("{from}: {error}")));
    for mtu in path.mtus.iter().filter(|mtu| mtu.hop == Some(row.hop)) {
        notes.push(format!("next link's {}", mtu_words(mtu)));
    }
    notes.join("; ")
}

fn mtu_words(mtu: &LinkMtu) -> String {
    match mtu.mtu {
        0 => "MTU is too small (not said how small)".to_owned(),
        mtu => format!("MTU {mtu}"),
    }
}

fn loss(row: &Row) -> String {
    crate::report::format::percent(u64::from(row.sent - row.answered), u64::from(row.sent))
}

/// The table of `--fragments`: how often every hop answered every arm.
pub fn arms(arms: &Arms) -> String {
    let titles = ["hop".to_owned(), "address".to_owned()];
    let mut rows =
        vec![titles.into_iter().chain(arms.arms.iter().map(Arm::to_string)).collect::<Vec<_>>()];
    for hop in &arms.hops {
        let mut row = vec![hop.hop.to_string()];
        let from = responders(arms, hop.hop);
        if hop.cells.iter().all(|cell| cell.answered == 0) {
            let word = "silent: answers nothing";
            row.extend(["*".to_owned(), word.to_owned()]);
        } else {
            let end = if arms.destination == Some(hop.hop) { " (destination)" } else { "" };
            row.push(format!("{}{end}", addresses(&from)));
            row.extend(hop.cells.iter().map(cell));
        }
        rows.push(row);
    }
    columns(&rows, &[true, false])
}

fn cell(cell: &Cell) -> String {
    match cell.class() {
        None => NOT_MEASURED.to_owned(),
        Some(Class::Always) => "always".to_owned(),
        Some(Class::Sometimes) => format!("sometimes {}/{}", cell.answered, cell.sent),
        Some(Class::Never) => "never".to_owned(),
    }
}

/// What follows for every arm, in a sentence or two.
pub fn verdicts(arms: &Arms) -> Vec<String> {
    verdict::outcomes(arms)
        .into_iter()
        .zip(1..)
        .map(|((arm, outcome), at)| {
            let sentence = sentence(arms, at, arm, outcome);
            format!("{}: {sentence}{}", name(arm), refusals(arms, at))
        })
        .collect()
}

/// An arm in words.
pub fn name(arm: Arm) -> String {
    match arm {
        Arm::Whole => "whole packets".to_owned(),
        Arm::Fragments => "fragments".to_owned(),
        Arm::Atomic => "atomic fragments".to_owned(),
        Arm::HopByHop(len) => format!("hop-by-hop options of {len} bytes"),
        Arm::DestinationOptions(len) => format!("destination options of {len} bytes"),
    }
}

fn sentence(arms: &Arms, at: usize, arm: Arm, outcome: Outcome) -> String {
    let last = arms.hops.last().map_or(0, |hop| hop.hop);
    let tally = |hop: u8, at: usize| {
        let cell = arms.hops.iter().find(|found| found.hop == hop).map(|found| &found.cells[at]);
        cell.map_or(NOT_MEASURED.to_owned(), |cell| format!("{}/{}", cell.answered, cell.sent))
    };
    let place = |hop: u8| place(arms, hop);
    match outcome {
        Outcome::Arrives => {
            let end = arms.destination.unwrap_or(last);
            let cell = arms.hops.iter().find(|hop| hop.hop == end).map(|hop| &hop.cells[at]);
            let always = cell.is_some_and(|cell| cell.destination == cell.sent);
            format!(
                "arrive{}; the destination answers {}, whole packets {}",
                if always { "" } else { ", but not every time" },
                tally(end, at),
                tally(end, 0)
            )
        }
        Outcome::AsFar { hop } => format!(
            "go as far as whole packets do, to {}; the destination answers neither",
            place(hop)
        ),
        Outcome::Sometimes => {
            let compared = verdict::compare(arms, at, 1..=last);
            format!(
                "are answered less often than whole packets ({}/{} against {}/{} at the hops that \
                 answer those); they do not all stop at one hop, and none is named",
                compared.arm.answered,
                compared.arm.sent,
                compared.whole.answered,
                compared.whole.sent
            )
        }
        Outcome::Stops { after, before } => stops(arms, at, after, before),
        Outcome::Incomplete { first, later } => {
            let rest = match later {
                0 => {
                    "routers answer first fragments alone, so where the others stop cannot be seen"
                        .to_owned()
                }
                hop => format!("later fragments were seen to come to {}", place(hop)),
            };
            let first = match first {
                0 => "no router answers first fragments".to_owned(),
                hop => format!("first fragments come to {}", place(hop)),
            };
            format!(
                "do not arrive whole: {first}, and the destination, which has to have all of them, \
                 answers whole packets ({}) and never these ({}); {rest}: any hop, or the \
                 destination, may drop them",
                tally(last, 0),
                tally(last, at)
            )
        }
        Outcome::Elsewhere { after } => format!(
            "take another path than whole packets: the last answer is from {}; nothing can be said \
             of the hops behind",
            elsewhere(arms, at, after)
        ),
        Outcome::Unknown { after } => {
            let compared = verdict::compare(arms, at, after + 1..=last);
            match (compared.whole.answered, after) {
                (0, 0) => "too little evidence: no hop answers whole packets".to_owned(),
                (0, after) => {
                    format!("too little evidence: no hop behind {after} answers whole packets")
                }
                (whole, after) => format!(
                    "too little evidence: behind {}, whole packets are answered {whole}/{} and \
                     these {}/{}, which may be chance; more --tries would tell",
                    if after == 0 { "this host".to_owned() } else { place(after) },
                    compared.whole.sent,
                    compared.arm.answered,
                    compared.arm.sent
                ),
            }
        }
        Outcome::NotSent => {
            let why = arms.hops.iter().find_map(|hop| hop.cells[at].unsent.clone());
            format!("this host did not send them ({})", why.unwrap_or_else(|| arm.to_string()))
        }
    }
}

fn stops(arms: &Arms, at: usize, after: u8, before: u8) -> String {
    let tally = |hop: u8, at: usize| {
        let cell = arms.hops.iter().find(|found| found.hop == hop).map(|found| &found.cells[at]);
        cell.map_or(NOT_MEASURED.to_owned(), |cell| format!("{}/{}", cell.answered, cell.sent))
    };
    let destination = arms.destination == Some(before);
    let next = if destination {
        format!("the destination, {},", place(arms, before))
    } else {
        place(arms, before)
    };
    let evidence = format!(
        "{next} answers whole packets ({}) and never these ({})",
        tally(before, 0),
        tally(before, at)
    );
    let way_in = match (destination, before - after) {
        (true, _) => "on the way to the destination or by it".to_owned(),
        (false, 1) => format!("on the way into hop {before}"),
        (false, _) => format!("further on, before hop {before} counts the hop"),
    };
    let mut text = if after == 0 {
        format!("stop before hop {before}: {evidence}; they are dropped {way_in}, or by this host")
    } else {
        format!(
            "stop after {}: it answers them ({}), while {evidence}; hop {after} drops them in \
             forwarding, or they are dropped {way_in}",
            place(arms, after),
            tally(after, at)
        )
    };
    let alone =
        arms.hops.iter().filter(|hop| hop.hop > after && hop.cells[0].answered > 0).count() == 1;
    if alone && !destination {
        let _ = write!(
            text,
            "; as no other hop behind answers whole packets, it may also be that hop {before} \
             forwards them and only does not answer them"
        );
    }
    text
}

/// What this arm alone is refused with.
fn refusals(arms: &Arms, at: usize) -> String {
    let mut text = String::new();
    let mut told = Vec::new();
    for hop in &arms.hops {
        for refusal in &hop.cells[at].refused {
            let whole = arms.hops.iter().any(|hop| hop.cells[0].refused.contains(refusal));
            if !whole && !told.contains(refusal) {
                told.push(*refusal);
                let _ = write!(text, "; {} says: {}", refusal.0, refusal.1);
            }
        }
    }
    text
}

/// Who answered at a hop, whole packets first.
fn responders(arms: &Arms, hop: u8) -> Vec<IpAddr> {
    let mut all = Vec::new();
    for cell in arms.hops.iter().filter(|found| found.hop == hop).flat_map(|found| &found.cells) {
        for from in &cell.from {
            if !all.contains(from) {
                all.push(*from);
            }
        }
    }
    all
}

fn place(arms: &Arms, hop: u8) -> String {
    format!("hop {hop} ({})", addresses(&responders(arms, hop)))
}

fn elsewhere(arms: &Arms, at: usize, hop: u8) -> String {
    let cell = arms.hops.iter().find(|found| found.hop == hop).map(|found| &found.cells[at]);
    format!("{} at hop {hop}", addresses(cell.map_or(&[], |cell| &cell.from)))
}

fn addresses(addresses: &[IpAddr]) -> String {
    addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ")
}

fn strings<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// Rows in columns two spaces apart; `right` says which columns are numbers. A row may end early,
/// and its last cell be longer than its column.
fn columns(rows: &[Vec<String>], right: &[bool]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|at| {
            let cells = rows.iter().filter(|row| row.len() > at + 1 || row.len() == count);
            cells.filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            let width = widths[at];
            let _ = match right.get(at) {
                Some(true) => write!(line, "{cell:>width$}  "),
                _ => write!(line, "{cell:<width$}  "),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
