//! RFC 2544 §26.4 back-to-back frames as RFC 9004 updates it: the longest burst at the maximum rate
//! that passes without loss, by binary search with loss verification, repeated.

use serde::{Deserialize, Serialize};

use super::end::GaveUp;
use super::load::Load;
use super::session::{BoundUnit, Bounds, Remaining, Search, Step};
use super::trial::{Amount, Outcome, Trial};
use crate::error::{Error, Result};
use crate::units::Nanos;

/// The longest burst that may be asked for (RFC 9004).
const LONGEST: Nanos = Nanos(30 * Nanos::SECOND.0);

/// What a back-to-back test is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackToBackSettings {
    /// The rate of a burst: the maximum theoretical frame rate, frames at the minimum gap.
    pub load: Load,
    /// The longest burst as a time, at most 30 s.
    pub limit: Nanos,
    /// The step, or resolution: the bounds of a burst's length end no further apart. Frames.
    pub step: u64,
    /// How often a lossy burst is repeated before its length fails.
    pub verifications: u32,
    /// Searches, each from the start: RFC 2544 wants 50 at least.
    pub repeats: u32,
}

impl BackToBackSettings {
    fn longest(&self) -> u64 {
        self.load.packets_in(self.limit)
    }
}

/// Back-to-back values of all repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BurstLengths {
    /// The longest lossless burst of each repeat, in frames.
    pub frames: Vec<u64>,
    /// Their mean.
    pub mean: f64,
    /// The shortest.
    pub min: u64,
    /// The longest.
    pub max: u64,
    /// Standard deviation of the sample (n − 1); none of a single repeat.
    pub standard_deviation: Option<f64>,
    /// The step of the search, in frames.
    pub step: u64,
    /// Repeats whose longest allowed burst passed: the device's buffer was not found there.
    pub at_limit: u32,
}

/// The state of a back-to-back test.
#[derive(Clone, Debug)]
pub struct BackToBack {
    settings: BackToBackSettings,
    found: Vec<u64>,
    /// The longest burst of this repeat that passed; 0 frames pass always.
    lower: u64,
    /// The shortest burst of this repeat that failed.
    upper: Option<u64>,
    lossy: u32,
}

impl BackToBack {
    fn burst(&self) -> u64 {
        match self.upper {
            None => self.settings.longest(),
            Some(upper) => self.lower.midpoint(upper).max(1),
        }
    }

    fn narrow(&self, upper: u64) -> bool {
        upper - self.lower <= self.settings.step
    }

    /// The shortest burst that the step allows, where even that one is lossy.
    fn hopeless(&self) -> Option<u64> {
        self.upper.filter(|upper| self.lower == 0 && self.narrow(*upper))
    }

    fn start_next_repeat(&mut self, frames: u64) {
        self.found.push(frames);
        self.lower = 0;
        self.upper = None;
    }
}

impl Search for BackToBack {
    type Settings = BackToBackSettings;
    type Found = BurstLengths;

    fn new(settings: &BackToBackSettings) -> Result<Self> {
        let wrong = |cause: &str| Err(Error::new("measure", "back-to-back frames", cause));
        if settings.limit > LONGEST {
            return wrong("the longest burst has to be at most 30 s (RFC 9004)");
        }
        if settings.longest() == 0 {
            return wrong("not one frame is due within the longest burst");
        }
        if settings.step == 0 || settings.repeats == 0 {
            return wrong("the step and the repeats have to be above 0");
        }
        Ok(Self { settings: settings.clone(), found: Vec::new(), lower: 0, upper: None, lossy: 0 })
    }

    fn next(&self) -> Step<BurstLengths> {
        if let Some(frames) = self.hopeless() {
            return Step::GaveUp(GaveUp::LossOfShortestBurst { frames });
        }
        if self.found.len() as u64 >= u64::from(self.settings.repeats) {
            let longest = self.settings.longest();
            return Step::Done(summary(self.found.clone(), self.settings.step, longest));
        }
        let amount = Amount::Frames(self.burst());
        Step::Measure(Trial { load: self.settings.load, amount })
    }

    fn take(&mut self, outcome: &Outcome) {
        let frames = self.burst();
        if outcome.lost() == 0 {
            self.lossy = 0;
            self.lower = frames;
        } else {
            self.lossy += 1;
            if self.lossy > self.settings.verifications {
                self.lossy = 0;
                self.upper = Some(frames);
            }
        }
        let ended = match self.upper {
            None => self.lower > 0,
            Some(upper) => self.lower > 0 && self.narrow(upper),
        };
        if ended {
            self.start_next_repeat(self.lower);
        }
    }

    /// Of the present repeat.
    fn bounds(&self) -> Vec<Bounds> {
        vec![Bounds {
            unit: BoundUnit::Frames,
            lower: (self.lower > 0).then_some(self.lower as f64),
            upper: self.upper.map(|upper| upper as f64),
        }]
    }

    /// The present repeat, and the others like a whole one.
    fn remaining(&self) -> Remaining {
        let mut remaining = Remaining::default();
        let repeats = u64::from(self.settings.repeats).saturating_sub(self.found.len() as u64);
        let longest = self.settings.longest();
        let halvings = |apart: u64| u64::from((apart / self.settings.step).max(1).ilog2()) + 1;
        let half = |frames: u64| {
            Trial { load: self.settings.load, amount: Amount::Frames(frames / 2) }.duration()
        };
        let upper = self.upper.unwrap_or(longest);
        if repeats > 0 {
            remaining.add(halvings(upper - self.lower), half(upper));
            remaining.add((repeats - 1).saturating_mul(halvings(longest)), half(longest));
        }
        remaining
    }
}

fn summary(frames: Vec<u64>, step: u64, longest: u64) -> BurstLengths {
    let count = frames.len() as f64;
    let mean = frames.iter().map(|length| *length as f64).sum::<f64>() / count;
    let squares: f64 = frames.iter().map(|length| (*length as f64 - mean).powi(2)).sum();
    BurstLengths {
        mean,
        min: frames.iter().copied().min().unwrap_or(0),
        max: frames.iter().copied().max().unwrap_or(0),
        standard_deviation: (frames.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
        step,
        at_limit: frames.iter().filter(|length| **length >= longest).count() as u32,
        frames,
    }
}

/// Buffer times of a device (RFC 9004), in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BufferTime {
    /// The mean burst at the maximum rate.
    pub implied: f64,
    /// Without the frames that the device forwarded while the burst came in.
    pub corrected: f64,
}

impl BufferTime {
    /// From the mean burst in frames, the maximum theoretical frame rate and the throughput at that
    /// frame size. None where the device forwards at the maximum rate, so that nothing is buffered,
    /// and where a rate is 0.
    pub fn new(mean_frames: f64, max_rate: Load, throughput: Load) -> Option<Self> {
        if throughput.0 == 0 || throughput >= max_rate {
            return None;
        }
        let implied = mean_frames / max_rate.pps();
        let corrected = implied * (1.0 - throughput.pps() / max_rate.pps());
        Some(Self { implied, corrected })
    }

    /// The corrected time at the rate that bursts really had, where the tester did not reach the
    /// maximum theoretical rate.
    pub fn actual(&self, max_rate: Load, actual_rate: Load) -> Option<f64> {
        (actual_rate.0 > 0).then(|| self.corrected * max_rate.pps() / actual_rate.pps())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::load::line_rate;
    use crate::units::FrameSize;

    #[test]
    fn the_worked_example_of_rfc_9004() {
        let max = line_rate(10_000_000_000, FrameSize(64));
        let time = BufferTime::new(26_000.0, max, Load::from_pps(14_540_000)).expect("it buffers");
        assert!((time.implied - 1.747_2e-3).abs() < 1e-8, "{time:?}");
        assert!((time.corrected - 4.003e-5).abs() < 5e-9, "{time:?}");
        assert_eq!(time.actual(max, max), Some(time.corrected));
        let slower = time.actual(max, Load(max.0 / 2)).expect("a rate");
        assert!((slower - 2.0 * time.corrected).abs() < 1e-12);
    }

    #[test]
    fn a_device_that_forwards_everything_shows_no_buffer() {
        assert_eq!(BufferTime::new(1.0, Load(1_000), Load(1_000)), None);
        assert_eq!(BufferTime::new(1.0, Load(1_000), Load(0)), None);
    }

    #[test]
    fn a_summary_counts_what_the_limit_cut() {
        let lengths = summary(vec![2, 4, 4, 4, 5, 5, 7, 9], 1, 9);
        assert_eq!((lengths.mean, lengths.min, lengths.max, lengths.at_limit), (5.0, 2, 9, 1));
        let deviation = lengths.standard_deviation.expect("eight values");
        assert!((deviation - (32.0f64 / 7.0).sqrt()).abs() < 1e-12);
        assert_eq!(summary(vec![3], 1, 9).standard_deviation, None);
    }
}
