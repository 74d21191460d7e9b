use super::*;
use crate::frontend::trace::path::Path;
use crate::frontend::trace::plan;
use crate::frontend::trace::probe::Arm;
use proptest::prelude::*;
use std::collections::VecDeque;

const MS: u64 = 1_000_000;
const PACE: Pace = Pace { in_flight: 16, hop_interval: 10 * MS, wait: 1_000 * MS };

fn router(hop: u8) -> IpAddr {
    [198, 18, hop, 1].into()
}

fn answer(probe: &Probe, from: IpAddr, at: u64, answer: Answer) -> Matched {
    Matched { token: Some(probe.token), later: false, from, at, answer }
}

/// Runs a tracer over a network that answers a probe after 5 ms as `network` says. How often each
/// hop was sent to at once, and the most that were in flight.
fn run(tracer: &mut Tracer, network: impl Fn(&Probe) -> Option<(IpAddr, Answer)>) -> usize {
    let (mut now, mut most) = (0, 0);
    let mut under_way: VecDeque<(u64, Matched)> = VecDeque::new();
    let mut waiting: Vec<u64> = Vec::new();
    let mut hop_sent = [None::<u64>; 256];
    for _ in 0..100_000 {
        match tracer.step(now) {
            Step::Done => return most,
            Step::Send(probe) => {
                let last = &mut hop_sent[usize::from(probe.hop)];
                assert!(
                    last.is_none_or(|last| now >= last + tracer.pace.hop_interval)
                        || !tracer.limits.is_empty(),
                    "hop {} is sent to too often",
                    probe.hop
                );
                *last = Some(now);
                tracer.sent(&probe, now, None);
                match network(&probe) {
                    Some((from, says)) => {
                        under_way
                            .push_back((now + 5 * MS, answer(&probe, from, now + 5 * MS, says)));
                    }
                    None => waiting.push(now + tracer.pace.wait),
                }
                waiting.retain(|until| *until > now);
                most = most.max(under_way.len() + waiting.len());
            }
            Step::Wait(until) => {
                assert!(until > now, "a wait that does not end");
                match under_way.front().copied() {
                    Some((at, matched)) if at <= until => {
                        under_way.pop_front();
                        now = at;
                        tracer.hear(&matched);
                    }
                    _ => now = until,
                }
            }
        }
    }
    panic!("it does not end");
}

fn path_of(length: u8) -> impl Fn(&Probe) -> Option<(IpAddr, Answer)> {
    move |probe| match probe.hop {
        hop if hop >= length => Some((router(length), Answer::Destination)),
        hop => Some((router(hop), Answer::HopLimit)),
    }
}

#[test]
fn it_ends_at_the_destination() {
    let mut tracer = Tracer::new(plan::plain(1..=30, 3, 60), PACE, Until::Destination, 68);
    run(&mut tracer, path_of(6));
    assert_eq!(tracer.last_hop(), Some(6));
    let path = Path::of(&tracer);
    assert!(path.reached);
    let rows: Vec<(u8, u32, u32)> =
        path.rows.iter().map(|row| (row.hop, row.sent, row.answered)).collect();
    assert_eq!(rows, (1..=6).map(|hop| (hop, 3, 3)).collect::<Vec<_>>());
    assert!(path.rows.iter().all(|row| row.responders[0].from == router(row.hop)));
}

#[test]
fn silent_hops_are_told_from_none() {
    let mut tracer = Tracer::new(plan::plain(1..=30, 3, 60), PACE, Until::Destination, 68);
    let most =
        run(&mut tracer, |probe| path_of(9)(probe).filter(|_| probe.hop != 4 && probe.hop < 8));
    assert!(most <= PACE.in_flight, "{most}");
    let path = Path::of(&tracer);
    assert!(!path.reached && tracer.last_hop().is_none());
    assert_eq!(path.rows.len(), 7, "up to the last that answers");
    assert_eq!((path.rows[3].sent, path.rows[3].answered), (3, 0));
}

#[test]
fn too_big_probes_are_sent_again_smaller() {
    let mut tracer = Tracer::new(plan::plain(1..=30, 3, 1500), PACE, Until::Destination, 68);
    run(&mut tracer, |probe| match (probe.hop, probe.size) {
        (3.., 1401..) => Some((router(2), Answer::TooBig(1400))),
        (5.., 1281..) => Some((router(4), Answer::TooBig(1280))),
        _ => path_of(6)(probe),
    });
    let path = Path::of(&tracer);
    assert!(path.reached);
    let mtus: Vec<_> = path.mtus.iter().map(|mtu| (mtu.from, mtu.hop, mtu.mtu)).collect();
    assert_eq!(mtus, [(router(2), Some(2), 1400), (router(4), Some(4), 1280)]);
    assert_eq!(path.arrived_size, Some(1280));
    assert_eq!(path.rows.len(), 6);
    for row in &path.rows {
        assert_eq!((row.sent, row.answered), (3, 3), "hop {}", row.hop);
    }
}

#[test]
fn a_lie_about_the_mtu_is_not_followed_for_ever() {
    for mtu in [0, 68, 1500, u32::MAX] {
        let mut tracer = Tracer::new(plan::plain(1..=30, 3, 1500), PACE, Until::Destination, 1280);
        run(&mut tracer, |_| Some((router(1), Answer::TooBig(mtu))));
        assert!(tracer.records().iter().all(|record| record.probe.size >= 1280));
    }
}

#[test]
fn answers_that_cannot_be_told_apart_are_counted() {
    let mut tracer = Tracer::new(plan::plain(1..=1, 1, 60), PACE, Until::Destination, 68);
    let Step::Send(probe) = tracer.step(0) else { panic!("nothing to send") };
    tracer.hear(&answer(&probe, router(1), 1, Answer::HopLimit));
    assert_eq!(tracer.records()[0].answered, None, "before it was sent");
    tracer.sent(&probe, 5, None);
    let unknown = Matched { token: None, ..answer(&probe, router(1), 9, Answer::HopLimit) };
    tracer.hear(&unknown);
    tracer.hear(&Matched { token: Some(999), ..unknown });
    assert_eq!((tracer.unattributed(), tracer.records()[0].answered), (1, None));
    // Late, but before all is over: it counts.
    assert_eq!(tracer.step(5 + PACE.wait), Step::Done);
    tracer.hear(&answer(&probe, router(1), 5 + 2 * PACE.wait, Answer::HopLimit));
    assert_eq!(tracer.records()[0].answered.map(|answered| answered.rtt), Some(2 * PACE.wait));
}

#[test]
fn a_later_fragment_answers_for_itself_alone() {
    let probes = plan::blocks(1..=1, &[Arm::Fragments], 1, 1000, 1, 1);
    let mut tracer = Tracer::new(probes, PACE, Until::AllSent, 68);
    let Step::Send(probe) = tracer.step(0) else { panic!("nothing to send") };
    tracer.sent(&probe, 0, None);
    tracer.hear(&Matched { later: true, ..answer(&probe, router(1), 3, Answer::HopLimit) });
    assert!(tracer.records()[0].later && tracer.records()[0].answered.is_none());
}

proptest! {
    /// Whatever is answered, it ends, every probe is sent once at most, and never more are under
    /// way than allowed.
    #[test]
    fn it_always_ends(
        length in 1u8..20, silent in prop::collection::hash_set(1u8..20, 0..20),
        in_flight in 1usize..20, tries in 1u16..6,
    ) {
        let pace = Pace { in_flight, ..PACE };
        let mut tracer = Tracer::new(plan::plain(1..=24, tries, 60), pace, Until::Destination, 68);
        let most = run(&mut tracer, |probe| path_of(length)(probe).filter(|_| !silent.contains(&probe.hop)));
        prop_assert!(most <= in_flight);
        let answering = (length..=24).find(|hop| !silent.contains(hop));
        prop_assert_eq!(tracer.last_hop(), answering);
        for row in &Path::of(&tracer).rows {
            prop_assert_eq!(row.answered, if silent.contains(&row.hop) { 0 } else { u32::from(tries) });
        }
    }
}
