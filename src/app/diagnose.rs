//! What the reader must know that no rule of the verdict says: above all, the cause of a zero.

use crate::host::facts::LinkCounters;
use crate::report::model::{Reason, RunResult};

/// A port's interface and what it counted during the run.
pub struct LinkWitness<'a> {
    /// Its interface.
    pub interface: &'a str,
    /// What it counted.
    pub counters: Option<LinkCounters>,
}

/// The cause of a zero at the receiver, as far as the interfaces' own counters tell it.
pub fn nothing_received(
    result: &RunResult,
    senders: &[LinkWitness],
    receivers: &[LinkWitness],
) -> Option<Reason> {
    let totals = &result.totals;
    if totals.sent == 0 || totals.unique != Some(0) {
        return None;
    }
    let cause = if let Some(link) =
        senders.iter().find(|link| counted(link, |c| c.tx_packets) == Some(0))
    {
        format!(
            "{} counted no frame sent: the driver dropped them; see tx_dropped and wirestorm doctor {}",
            link.interface, link.interface
        )
    } else if let Some(link) =
        receivers.iter().find(|link| counted(link, |c| c.rx_packets) == Some(0))
    {
        format!(
            "{} counted no frame received: the device under test forwards nothing; check its \
             routes, its neighbours, and that the next hop's MAC is right",
            link.interface
        )
    } else {
        let frames: u64 = receivers.iter().filter_map(|link| counted(link, |c| c.rx_packets)).sum();
        format!(
            "the receiving interfaces counted {frames} frames, none of them a probe of this run: \
             the device changes or answers the packets instead of forwarding them"
        )
    };
    Some(Reason {
        code: "nothing_received".into(),
        message: format!("none of {} packets sent arrived: {cause}", totals.sent),
    })
}

fn counted(link: &LinkWitness, of: fn(&LinkCounters) -> u64) -> Option<u64> {
    link.counters.as_ref().map(of)
}

/// Streams that are sent and cannot be measured.
pub fn unmeasured(result: &RunResult) -> Vec<Reason> {
    let message = |name: &str| {
        format!(
            "stream {name} is not measured: its frames have no room for the 18-byte probe tag, or \
             it has no receiving port"
        )
    };
    let of = |name: &str| Reason { code: "not_measured".into(), message: message(name) };
    result.streams.iter().filter(|s| s.counts.received.is_none()).map(|s| of(&s.name)).collect()
}

/// The hypervisor took the CPU away.
pub fn steal(share: f64) -> Option<Reason> {
    const WORTH_SAYING: f64 = 0.01;
    (share > WORTH_SAYING).then(|| Reason {
        code: "cpu_steal".into(),
        message: format!(
            "the hypervisor took {:.1} % of the CPU time during the run: latencies above the \
             median may be this machine's",
            share * 100.0
        ),
    })
}
