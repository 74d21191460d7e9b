//! The ledger: every packet is accounted for, stage by stage, and it closes to zero.
//!
//! Each stage's `lost_here` is the previous measured count minus its own, so that all `lost_here`
//! and the last count add up to the first. A negative one is a gain: a duplicate in the network, or
//! a frame that is not ours on a shared device.

use crate::report::model::Stage;

/// Counts to be entered, in the order of the packet's way. Of frames, all ports together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// Packets that the schedule asked for.
    pub intended: u64,
    /// Of those, passed over as too late, or left when the run ended.
    pub unsent: u64,
    /// Frames built.
    pub built: u64,
    /// Frames that the ring accepted.
    pub accepted: u64,
    /// Frames that the kernel gave back as sent.
    pub completed: u64,
    /// Frames that the sending devices counted; more than `completed` where others send too.
    pub device: Option<u64>,
    /// Of the frames sent, the ones that are not measured: without a tag, or to no port.
    pub unmeasured: u64,
    /// Arrivals that the receiving programs knew as probes of this trial.
    pub arrived: Option<u64>,
    /// Distinct packets that arrived.
    pub unique: Option<u64>,
}

/// The stages of a run.
pub fn stages(entries: &Entries) -> Vec<Stage> {
    let mut ledger = Ledger { stages: Vec::new(), last: None };
    ledger.enter("intended", "frames that the schedule asked for", Some(entries.intended));
    ledger.enter(
        "due",
        "still in time when their turn came; the others are unsent",
        Some(entries.intended - entries.unsent.min(entries.intended)),
    );
    ledger.enter("built", "frames filled", Some(entries.built));
    ledger.enter(
        "accepted",
        "frames that the ring or the kernel call took",
        Some(entries.accepted),
    );
    ledger.enter("completed", "frames that the kernel gave back as sent", Some(entries.completed));
    // A device that others use too counts their frames with ours: it has seen at least ours.
    let device = entries.device.map(|count| count.min(entries.completed));
    ledger.enter("device", "counted by the sending device, ours at most", device);
    if entries.unmeasured > 0 {
        let measured = ledger.last.map(|last| last.saturating_sub(entries.unmeasured));
        ledger.enter("measured", "carry a probe tag and have a receiving port", measured);
    }
    ledger.enter(
        "arrived",
        "probes that the receiving program saw, duplicates too",
        entries.arrived,
    );
    ledger.enter("unique", "distinct packets among them", entries.unique);
    ledger.stages
}

struct Ledger {
    stages: Vec<Stage>,
    last: Option<u64>,
}

impl Ledger {
    fn enter(&mut self, stage: &str, meaning: &str, count: Option<u64>) {
        let lost_here = match (self.last, count) {
            (Some(last), Some(count)) => last as i64 - count as i64,
            _ => 0,
        };
        self.last = count.or(self.last);
        self.stages.push(Stage { stage: stage.into(), meaning: meaning.into(), count, lost_here });
    }
}

/// What remains when every stage's loss and the last count are taken from the first count. 0 in a
/// ledger that is whole.
pub fn balance(stages: &[Stage]) -> i64 {
    let measured = |stage: &Stage| stage.count.map(|count| count as i64);
    let first = stages.iter().find_map(measured).unwrap_or(0);
    let last = stages.iter().rev().find_map(measured).unwrap_or(0);
    first - last - stages.iter().map(|stage| stage.lost_here).sum::<i64>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_loss_stands_at_its_stage() {
        let stages = stages(&Entries {
            intended: 100,
            unsent: 10,
            built: 90,
            accepted: 90,
            completed: 88,
            device: Some(500),
            arrived: Some(80),
            unique: Some(79),
            ..Entries::default()
        });
        let lost: Vec<_> = stages.iter().map(|s| (s.stage.as_str(), s.lost_here)).collect();
        let wanted = [
            ("intended", 0),
            ("due", 10),
            ("built", 0),
            ("accepted", 0),
            ("completed", 2),
            ("device", 0),
            ("arrived", 8),
            ("unique", 1),
        ];
        assert_eq!(lost, wanted);
    }

    proptest! {
        #[test]
        fn closes_to_zero(
            counts: [u32; 6], device: Option<u32>, arrived: Option<u32>, unique: Option<u32>,
        ) {
            let [intended, unsent, built, accepted, completed, unmeasured] = counts.map(u64::from);
            let entries = Entries {
                intended, unsent, built, accepted, completed, unmeasured,
                device: device.map(u64::from),
                arrived: arrived.map(u64::from),
                unique: unique.map(u64::from),
            };
            prop_assert_eq!(balance(&stages(&entries)), 0);
        }
    }
}
