//! A Poisson process: packets at random, independent of one another.
//!
//! RFC 2330 §11.1.1 gives it as the sampling that is unbiased and that nothing can fall into step
//! with; RFC 2679 §5 measures one-way delay by it.

use super::super::period::Period;
use crate::packet::random;

/// Parts of a nanosecond in which gaps are added up: sums of whole numbers, so that slot n is the
/// same whoever adds, and a gap's rounding is far below what anything resolves.
const FRACTION: u32 = 20;

/// Gaps with an exponential distribution, drawn by [`random`] of (key, number of the draw). The
/// first slot is due after the first gap, so that the slots of any span have the rate's mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poisson {
    nanos: u64,
    packets: u64,
    key: u64,
    rounds: Rounds,
    /// Nothing is due from then on.
    until: u64,
    /// Slots in all.
    most: u64,
}

/// How long a process runs, and how often it begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounds {
    /// Nanoseconds after which nothing is due in a round.
    pub span: u64,
    /// Packets of a round at most.
    pub count: u64,
    /// Nanoseconds from the start of one round to that of the next.
    pub every: u64,
    /// How many.
    pub rounds: u64,
}

impl Rounds {
    /// A process that goes on without end.
    pub const ENDLESS: Self = Self { span: u64::MAX, count: u64::MAX, every: u64::MAX, rounds: 1 };
}

impl Poisson {
    /// A process whose mean gap is `period`. `key`: of [`random::key`]. None for an unlimited rate.
    pub fn new(period: Period, key: u64, rounds: Rounds) -> Option<Self> {
        let (nanos, packets) = period.fraction();
        (!period.is_unlimited()).then_some(Self {
            nanos,
            packets,
            key,
            rounds,
            until: u64::MAX,
            most: u64::MAX,
        })
    }

    /// The same process, ended and repeated otherwise.
    pub fn with_rounds(self, rounds: Rounds) -> Self {
        Self { rounds, ..self }
    }

    /// The same process up to `until` nanoseconds after its start, and of `most` slots at most.
    pub(in crate::pace) fn ended(self, until: u64, most: u64) -> Self {
        Self { until: self.until.min(until), most: self.most.min(most), ..self }
    }

    /// How it ends and repeats.
    pub fn rounds(&self) -> Rounds {
        self.rounds
    }

    /// Mean packets per second.
    pub fn pps(&self) -> f64 {
        self.packets as f64 * 1e9 / self.nanos as f64
    }

    /// Gap number `draw`, in parts of a nanosecond.
    #[inline]
    fn gap(&self, draw: u64) -> u128 {
        // Uniform over (0, 1] in steps of 2^-53, all of which are numbers of 53 bits.
        let uniform = ((random::bits(self.key, draw) >> 11) + 1) as f64 / (1u64 << 53) as f64;
        let mean = self.nanos as f64 / self.packets as f64 * f64::from(1u32 << FRACTION);
        // libm's logarithm is the same on every machine.
        (mean * -libm::log(uniform)).round() as u128
    }

    pub(super) fn due(&self, n: u64) -> u64 {
        let mut at = State::first(self);
        while at.slot < n && !at.over {
            at.advance(self);
        }
        at.due(self)
    }

    pub(super) fn slots_in(&self, span: u64) -> u64 {
        State::first(self).slots_before(self, span)
    }
}

/// A slot of the process.
#[derive(Clone, Copy, Debug)]
struct State {
    /// Its number; once the process is over, how many there were.
    slot: u64,
    /// Gaps drawn.
    draws: u64,
    round: u64,
    in_round: u64,
    /// Time since the round began, in parts of a nanosecond.
    sum: u128,
    over: bool,
}

impl State {
    fn first(process: &Poisson) -> Self {
        let sum = process.gap(0);
        let mut state = Self { slot: 0, draws: 1, round: 0, in_round: 0, sum, over: false };
        state.settle(process);
        state
    }

    /// Goes on to the next slot.
    #[inline]
    fn advance(&mut self, process: &Poisson) {
        self.slot += 1;
        self.in_round += 1;
        self.sum += process.gap(self.draws);
        self.draws += 1;
        self.settle(process);
    }

    /// Begins the next round where this one has come to its end.
    #[inline]
    fn settle(&mut self, process: &Poisson) {
        let rounds = &process.rounds;
        while self.in_round >= rounds.count || self.sum >> FRACTION >= u128::from(rounds.span) {
            if self.round + 1 >= rounds.rounds {
                self.over = true;
                return;
            }
            self.round += 1;
            self.in_round = 0;
            self.sum = process.gap(self.draws);
            self.draws += 1;
        }
        self.over = self.slot >= process.most || self.due(process) >= process.until;
    }

    fn due(&self, process: &Poisson) -> u64 {
        if self.over {
            return u64::MAX;
        }
        let begun = u128::from(self.round) * u128::from(process.rounds.every);
        u64::try_from(begun + (self.sum >> FRACTION)).unwrap_or(u64::MAX)
    }

    /// Slots before `span`, of which this one is the first that may not be.
    fn slots_before(mut self, process: &Poisson, span: u64) -> u64 {
        while self.due(process) < span {
            self.advance(process);
        }
        self.slot
    }
}

/// How many slots behind itself a walk remembers at least.
const MARK_EVERY: u64 = 1 << 16;

/// Goes through a process slot by slot.
#[derive(Clone, Debug)]
pub(in crate::pace) struct PoissonWalk {
    process: Poisson,
    at: State,
    /// Earlier places, the later one first: slots that were handed out may lie behind the question
    /// how many there have been.
    marks: [State; 2],
}

impl PoissonWalk {
    pub fn new(process: Poisson) -> Self {
        let first = State::first(&process);
        Self { process, at: first, marks: [first; 2] }
    }

    /// When slot `n` is due, which is not before the last one asked for; None: it is never.
    #[inline]
    pub fn go_to(&mut self, n: u64) -> Option<u64> {
        while self.at.slot < n && !self.at.over {
            self.at.advance(&self.process);
        }
        if self.at.slot - self.marks[0].slot >= MARK_EVERY {
            self.marks = [self.at, self.marks[0]];
        }
        (!self.at.over).then(|| self.at.due(&self.process))
    }

    /// Nothing is due from `until` on; the walk has not come to its end yet.
    pub fn end_at(&mut self, until: u64) {
        self.process.until = until;
        self.at.over |= self.at.due(&self.process) >= until;
    }

    /// Slots before `span`.
    pub fn slots_in(&self, span: u64) -> u64 {
        let process = &self.process;
        let behind = |state: &State| state.due(process) < span;
        let known = std::iter::once(self.at).chain(self.marks).find(behind);
        known.unwrap_or_else(|| State::first(process)).slots_before(process, span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::PacketRate;

    fn process(seed: u64) -> Poisson {
        let period = Period::of(PacketRate { packets: 1, nanos: 10_000 });
        Poisson::new(period, random::key(seed, 3, 0), Rounds::ENDLESS).expect("has a rate")
    }

    /// One-sample Kolmogorov-Smirnov test (D. E. Knuth, TAOCP 3.3.1 B) of 10^5 gaps against the
    /// exponential distribution: K+ and K- stay below the value that chance exceeds in one of a
    /// thousand, sqrt(ln(1000) / 2).
    #[test]
    fn gaps_have_an_exponential_distribution() {
        const GAPS: usize = 100_000;
        for seed in 1..=5 {
            let process = process(seed);
            let mut gaps: Vec<f64> = (0..GAPS)
                .map(|n| process.gap(n as u64) as f64 / 2f64.powi(20) / 10_000.0)
                .collect();
            let mean = gaps.iter().sum::<f64>() / GAPS as f64;
            // The mean of 10^5 gaps has a standard deviation of 0.32 %.
            assert!((mean - 1.0).abs() < 0.0125, "seed {seed}: mean gap {mean}");
            // Neighbours are independent: their correlation has a standard deviation of 0.32 % too.
            let product = |pair: &[f64]| (pair[0] - mean) * (pair[1] - mean);
            let correlation = gaps.windows(2).map(product).sum::<f64>() / GAPS as f64;
            assert!(correlation.abs() < 0.0125, "seed {seed}: correlation {correlation}");
            gaps.sort_by(f64::total_cmp);
            let (mut above, mut below) = (0.0f64, 0.0f64);
            for (n, gap) in gaps.iter().enumerate() {
                let share = 1.0 - (-gap).exp();
                above = above.max((n + 1) as f64 / GAPS as f64 - share);
                below = below.max(share - n as f64 / GAPS as f64);
            }
            let most = (1000f64.ln() / 2.0).sqrt();
            let (above, below) = (above * (GAPS as f64).sqrt(), below * (GAPS as f64).sqrt());
            assert!(above < most && below < most, "seed {seed}: K+ {above}, K- {below}");
        }
    }

    #[test]
    fn rounds_end_by_time_and_by_count_and_draw_new_gaps() {
        let rounds = Rounds { span: 100_000, count: 5, every: 1_000_000, rounds: 400 };
        let process = process(1).with_rounds(rounds);
        let slots = process.slots_in(u64::MAX);
        let dues: Vec<u64> = (0..slots).map(|n| process.due(n)).collect();
        assert!(dues.is_sorted());
        let of_round = |round: u64| {
            let first = dues.partition_point(|due| *due < round * 1_000_000);
            let last = dues.partition_point(|due| *due < (round + 1) * 1_000_000);
            dues[first..last].iter().map(|due| due - round * 1_000_000).collect::<Vec<_>>()
        };
        let all: Vec<Vec<u64>> = (0..400).map(of_round).collect();
        assert!(all.iter().all(|round| round.len() <= 5 && round.iter().all(|due| *due < 100_000)));
        assert!(all.iter().any(|round| round.len() < 5), "the time ends a round of ten mean gaps");
        assert!(all.iter().filter(|round| round.len() == 5).count() > 300);
        assert_ne!(all[0], all[1]);
        assert_eq!(process.due(slots), u64::MAX);
    }

    #[test]
    fn a_walk_answers_for_what_lies_behind_it() {
        let process = process(2);
        let mut walk = PoissonWalk::new(process);
        let far = 3 * MARK_EVERY + 17;
        let due = walk.go_to(far).expect("goes on");
        assert_eq!(walk.slots_in(due), far);
        for back in [1, 100, 70_000, 200_000] {
            let slot = far.saturating_sub(back);
            let mut other = PoissonWalk::new(process);
            let due = other.go_to(slot).expect("goes on");
            assert_eq!(walk.slots_in(due), slot);
            assert_eq!(walk.slots_in(due + 1), slot + 1);
        }
    }
}
