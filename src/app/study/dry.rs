//! What a study would send, without sending it.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{SOURCE_PORTS, effect, planned};
use crate::error::{Error, Result};
use crate::lab::layout::Layout;
use crate::packet::random;
use crate::profile::model::{Attachment, Profile, Topology};
use crate::profile::study::Study;
use crate::report;
use crate::study::compose::{self, Common, Ends};

/// What a study would do: for `wirestorm check`.
///
/// # Errors
/// Packets that cannot be made.
pub fn describe(profile: &Profile, study: &Study) -> Result<String> {
    let plan = planned(study)?;
    let frames = plan.frames(study.tries);
    let mut text = format!(
        "fragmentation study ({}): {} cells, {} tries of each of {} arms, every {}: {} frames, about {}\n",
        study.design.name(),
        study.cells.len(),
        report::format::count(study.tries),
        plan.arms.len(),
        study.spacing,
        report::format::count(frames),
        report::format::seconds(
            study.tries as f64 * plan.arms.len() as f64 * study.spacing.as_secs_f64()
        ),
    );
    if let Some(effect) = effect(study) {
        text.push_str(&format!(
            "{} tries of each arm tell a loss of {} from {} with a power of {}\n",
            report::format::count(effect.tries),
            report::format::percent_of(effect.to),
            report::format::percent_of(effect.from),
            report::format::percent_of(effect.power),
        ));
    }
    for (cell, arms) in study.cells.iter().zip(&plan.cells) {
        let names: Vec<&str> = arms.iter().map(|&arm| plan.arms[arm].kind.name()).collect();
        text.push_str(&format!("  {}: {}\n", cell.name, names.join(", ")));
    }
    for why in &study.left_out {
        text.push_str(&format!("  left out: {why}\n"));
    }
    let _ = dry(profile, study, 1_000)?;
    Ok(text)
}

/// The frames of the first blocks of a study, at most `count`, as the lab's addresses make them: for
/// dry runs. The number of the study follows from the seed alone.
///
/// # Errors
/// Packets that cannot be made.
pub fn dry(profile: &Profile, study: &Study, count: u64) -> Result<Vec<Vec<u8>>> {
    let plan = planned(study)?;
    let topology = profile.lab.as_ref().map_or(Topology::Router, |lab| lab.topology);
    let layout = Layout::new(topology, 1500);
    let end = |device: &str| layout.ends().find(|end| end.device == device);
    let (Some(tx), Some(rx)) = (end("tx"), end("rx")) else {
        return Err(Error::new("make the packets of", &profile.name, "the lab has no ends"));
    };
    let settings = &profile.ports[0];
    let in_lab = matches!(settings.attachment, Attachment::Lab(_));
    let own4: Ipv4Addr = settings.ipv4.unwrap_or(tx.ipv4.0);
    let own6: Ipv6Addr = settings.ipv6.unwrap_or(tx.ipv6.0);
    let hop = layout.peer("tx").map_or([0; 6], |peer| peer.mac);
    let mac = settings.next_hop.mac.unwrap_or(if in_lab { hop } else { [0; 6] });
    let number = random::mix(profile.seed) as u32;
    let common = Common {
        study: number,
        ends: Ends {
            src_mac: if in_lab { tx.mac } else { [0; 6] },
            dst_mac: [mac; 2],
            ipv4: Some((own4, study.target.ipv4.unwrap_or(rx.ipv4.0))),
            ipv6: Some((own6, study.target.ipv6.unwrap_or(rx.ipv6.0))),
            src_port: SOURCE_PORTS + (number % 16_000) as u16,
            dst_port: study.port,
            name: study.target.name.clone().unwrap_or_else(|| "example.com".into()),
        },
    };
    let mut frames = Vec::new();
    let mut seq = 0;
    for round in 0..study.tries {
        for one in plan.round(profile.seed, round as u32) {
            let arm = &plan.arms[one.arm];
            let cell = &study.cells[arm.cell];
            for _ in 0..arm.datagrams {
                let made = compose::frames(&common, cell, arm.kind, seq)
                    .map_err(|why| Error::new("make the packets of", &cell.name, why))?;
                seq += 1;
                for frame in made {
                    if frames.len() as u64 >= count {
                        return Ok(frames);
                    }
                    frames.push(frame.bytes);
                }
            }
        }
    }
    Ok(frames)
}
