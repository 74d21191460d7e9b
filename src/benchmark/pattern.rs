//! The streams of a profile as a pattern: scaled to a load, a frame size and a duration, and left
//! alone otherwise. Pure.

use super::modify::{self, Modified};
use crate::error::{Error, Result};
use crate::packet::tag::TAG_LEN;
use crate::plan::mean_size;
use crate::profile::benchmark::{Benchmark, Modifier, Share, Sizes};
use crate::profile::model::{
    Header, Limit, PassCriteria, Pattern as StreamPattern, Profile, Rate, Size, Stream, TestKind,
};
use crate::profile::size_bounds;
use crate::search::{Amount, Load, Trial};
use crate::units::{BitLayer, FCS_BYTES, FrameSize, L1_OVERHEAD_BYTES, Nanos, PacketRate, Ratio};

/// Mean sizes are counted in millionths of a byte.
const MICRO: u128 = 1_000_000;
/// Nanoseconds in which a load of 1 (a thousandth of a packet per second) is one packet.
const NANOS: u128 = 1_000_000_000_000;

/// A profile's streams at one choice of frame sizes.
#[derive(Clone, Debug)]
pub struct Pattern {
    profile: Profile,
    /// Of each of the first streams, its share of the load of its port: `weights[n] / sums[from]`.
    weights: Vec<u128>,
    /// How often each of the other streams sends.
    timed: Vec<Nanos>,
    sums: Vec<u128>,
    /// The highest load.
    pub max: Load,
    /// The smallest load.
    pub min: Load,
    /// The criterion.
    pub min_throughput: Option<Load>,
    /// The line rate in frames, where it is known.
    pub line_rate: Option<Load>,
    /// Mean bytes of a frame, FCS included: of the port with the largest.
    pub frame_bytes: f64,
    /// Ports that send.
    pub sending_ports: usize,
}

/// The name of sizes in results.
pub fn name(sizes: &Sizes) -> String {
    match sizes {
        Sizes::Fixed(size) => size.0.to_string(),
        Sizes::OfStreams => "streams".to_owned(),
        Sizes::Mix(name, _) => name.clone(),
    }
}

impl Pattern {
    /// The streams with these sizes and what the modifier adds. `line_rate` gives a port's in bit/s.
    ///
    /// # Errors
    /// A share of a line rate that nobody knows; loads that leave nothing to search; what the profile
    /// lacks for the modifier.
    pub fn new(
        profile: &Profile,
        test: &Benchmark,
        sizes: &Sizes,
        modifier: Option<&Modifier>,
        line_rate: impl Fn(usize) -> Option<u64>,
    ) -> Result<Self> {
        let mut profile = profile.clone();
        profile.test = TestKind::Traffic;
        profile.pass = PassCriteria::default();
        if test.bidirectional {
            modify::both_ways(&mut profile);
        }
        let sizes = match sizes {
            Sizes::Fixed(size) => Some(Size::Fixed(*size)),
            Sizes::Mix(_, size) => Some(size.clone()),
            Sizes::OfStreams => None,
        };
        if let Some(size) = sizes {
            profile.streams.iter_mut().for_each(|stream| stream.size = size.clone());
        }
        let mut weights = Vec::with_capacity(profile.streams.len());
        for stream in &profile.streams {
            weights.push(weight(stream, test.share, line_rate(stream.from))?);
        }
        let Modified { profile, weights, timed } = Modified::new(profile, weights, modifier)?;
        let mut ports: Vec<usize> = profile.streams.iter().map(|stream| stream.from).collect();
        ports.sort_unstable();
        ports.dedup();
        let mut sums = vec![0; profile.ports.len()];
        let mut means = vec![0; profile.ports.len()];
        // Frames that keep a time of their own are few, and not part of the load.
        for (stream, weight) in profile.streams.iter().zip(&weights) {
            sums[stream.from] += weight;
            means[stream.from] += weight * mean_micro(&stream.size);
        }
        // The load is the same on every port, so the slowest decides.
        let slowest = |what: &str, rate: Rate| -> Result<Load> {
            let mut slowest: Option<Load> = None;
            for &port in &ports {
                let mean = means[port] / sums[port];
                let load = load(rate, mean, line_rate(port)).ok_or_else(|| {
                    Error::new("find", what, "the link tells no speed").remedy(format!(
                        "set ports.{}.speed, for example 10Gbps",
                        profile.ports[port].name
                    ))
                })?;
                slowest = Some(slowest.map_or(load, |least| least.min(load)));
            }
            slowest.ok_or_else(|| Error::new("find", what, "no port sends"))
        };
        let max = slowest("test.max_rate", test.max_rate)?;
        let min = match test.min_rate {
            Some(rate) => slowest("test.min_rate", rate)?,
            None => Load((max.0 / 1_000).max(1)),
        };
        if max.0 == 0 || min > max {
            let cause = format!("the smallest load is {min}, the highest {max}");
            return Err(Error::new("search between", "test.min_rate and test.max_rate", cause)
                .remedy("set them so that the first is not above the second"));
        }
        let min_throughput = match test.min_throughput {
            Some(rate) => Some(slowest("test.min_throughput", rate)?),
            None => None,
        };
        let frame_bytes =
            ports.iter().map(|&port| (means[port] / sums[port]) as f64 / MICRO as f64);
        Ok(Self {
            max,
            min,
            min_throughput,
            line_rate: slowest("the line rate", Rate::LineShare(Ratio::ONE)).ok(),
            frame_bytes: frame_bytes.fold(0.0, f64::max),
            sending_ports: ports.len(),
            profile,
            weights,
            timed,
            sums,
        })
    }

    /// Why the frames are too small for what has to be in them; None: they are not.
    pub fn too_small(&self) -> Option<String> {
        let short = self.measured().find_map(|stream| {
            let headers: usize = stream.headers.iter().map(Header::len).sum();
            let need = (headers + TAG_LEN) as u32 + FCS_BYTES;
            let (smallest, _) = size_bounds(&stream.size);
            (smallest.0 < need).then(|| (stream.name.clone(), smallest, need))
        });
        short.map(|(name, FrameSize(bytes), need)| {
            format!(
                "a frame of {bytes} bytes has no room for the headers of stream {name}, the probe tag \
                 and the FCS: they take {need}"
            )
        })
    }

    /// The streams that are counted.
    fn measured(&self) -> impl Iterator<Item = &Stream> {
        self.profile.streams.iter().filter(|stream| stream.to.is_some())
    }

    /// The profile of one trial.
    pub fn trial(&self, trial: &Trial) -> Profile {
        let mut profile = self.profile.clone();
        let mut before = vec![0; profile.ports.len()];
        for (stream, weight) in profile.streams.iter_mut().zip(&self.weights) {
            let sum = self.sums[stream.from];
            let rate = Rate::Packets(share_of(trial.load, *weight, sum));
            stream.pattern = StreamPattern::Constant(rate);
            stream.limit = match trial.amount {
                Amount::Duration(duration) => Limit { count: None, duration: Some(duration) },
                Amount::Frames(frames) => {
                    // The parts of all streams add up to the burst.
                    let until = |weights: u128| u128::from(frames) * weights / sum;
                    let from = &mut before[stream.from];
                    let count = until(*from + weight) - until(*from);
                    *from += weight;
                    Limit { count: u64::try_from(count).ok(), duration: None }
                }
            };
        }
        profile.duration = trial.duration();
        let others = profile.streams.iter_mut().skip(self.weights.len());
        for (stream, every) in others.zip(&self.timed) {
            let rate = Rate::Packets(PacketRate { packets: 1, nanos: every.0.max(1) });
            stream.pattern = StreamPattern::Constant(rate);
            stream.limit = Limit { count: None, duration: Some(profile.duration.max(Nanos(1))) };
        }
        profile
    }

    /// The profile of the learning frames before a trial (RFC 2544 §23 b): so many of each stream,
    /// slowly.
    pub fn learning(&self, frames: u64) -> Profile {
        const PER_SECOND: u64 = 1_000;
        let streams = self.weights.len() as u64;
        let load = Load::from_pps(PER_SECOND.max(streams)).min(self.max);
        let mut profile = self.trial(&Trial::lasting(load, Nanos::SECOND));
        for stream in &mut profile.streams {
            stream.limit = Limit { count: Some(frames), duration: None };
            let nanos = (NANOS as u64).saturating_mul(streams.max(1));
            let pace = PacketRate { packets: load.0.max(1), nanos };
            stream.pattern = StreamPattern::Constant(Rate::Packets(pace));
        }
        profile.streams.truncate(self.weights.len());
        profile.drain = Nanos(0);
        profile.measure.latency = false;
        profile
    }

    /// The profile of a trial whose load falls after a while (RFC 2544 §26.5): the streams at the
    /// first load, and then again for each span at the second.
    pub fn falling(
        &self,
        (first, lasting): (Load, Nanos),
        (second, spans, span): (Load, u64, Nanos),
    ) -> Profile {
        let mut profile = self.trial(&Trial::lasting(first, lasting));
        let mut reduced = self.trial(&Trial::lasting(second, span)).streams;
        reduced.truncate(self.weights.len());
        for number in 0..spans {
            for stream in &reduced {
                let start = lasting.0 + number * span.0;
                profile.streams.push(Stream {
                    name: format!("{}-{number}", stream.name),
                    start: Nanos(stream.start.0 + start),
                    ..stream.clone()
                });
            }
        }
        profile.duration = Nanos(lasting.0 + spans * span.0);
        for stream in profile.streams.iter_mut().skip(self.weights.len()).take(self.timed.len()) {
            stream.limit.duration = Some(profile.duration);
        }
        profile
    }

    /// The number of streams that are counted.
    pub fn streams(&self) -> usize {
        self.measured().count()
    }

    /// Bits per second of a load at a layer.
    pub fn bits(&self, load: Load, layer: BitLayer) -> f64 {
        let overhead = if layer == BitLayer::L1 { f64::from(L1_OVERHEAD_BYTES) } else { 0.0 };
        load.pps() * 8.0 * (self.frame_bytes + overhead)
    }
}

/// A mean frame in millionths of a byte.
fn mean_micro(size: &Size) -> u128 {
    let (bytes, frames) = mean_size(size);
    u128::from(bytes) * MICRO / u128::from(frames.max(1))
}

/// The load that a rate is, of frames with this mean size. None: a share of an unknown line rate.
fn load(rate: Rate, mean_micro: u128, line_rate: Option<u64>) -> Option<Load> {
    let (bps, layer) = match rate {
        Rate::Unlimited => return None,
        Rate::Packets(rate) => return Some(Load::from_packet_rate(rate)),
        Rate::Bits { bps, layer } => (u128::from(bps), layer),
        Rate::LineShare(share) => {
            let line = u128::from(line_rate?);
            (line * u128::from(share.0) / u128::from(Ratio::ONE.0), BitLayer::L1)
        }
    };
    let overhead = if layer == BitLayer::L1 { u128::from(L1_OVERHEAD_BYTES) * MICRO } else { 0 };
    let thousandths = bps * 1_000 * MICRO / (8 * (mean_micro + overhead)).max(1);
    u64::try_from(thousandths).ok().map(Load)
}

/// What a stream weighs beside the others of its port.
fn weight(stream: &Stream, share: Share, line_rate: Option<u64>) -> Result<u128> {
    let rate = stream.pattern.constant().unwrap_or(Rate::Unlimited);
    if share == Share::Equal || rate == Rate::Unlimited {
        return Ok(1);
    }
    let load = load(rate, mean_micro(&stream.size), line_rate).ok_or_else(|| {
        Error::new("weigh", format!("streams[{}]", stream.name), "the link tells no speed")
            .remedy("set the port's speed, or share: equal")
    })?;
    Ok(u128::from(load.0.max(1)))
}

/// `load · weight / sum`, exact where it fits, else rounded down to a thousandth of a packet.
fn share_of(load: Load, weight: u128, sum: u128) -> PacketRate {
    let (packets, nanos) = (u128::from(load.0) * weight, NANOS * sum);
    let common = gcd(packets, nanos).max(1);
    match (u64::try_from(packets / common), u64::try_from(nanos / common)) {
        (Ok(packets), Ok(nanos)) => PacketRate { packets, nanos },
        _ => {
            let rounded = Load(u64::try_from(packets / sum).unwrap_or(u64::MAX).max(1));
            rounded.packet_rate().unwrap_or(PacketRate { packets: 1, nanos: NANOS as u64 })
        }
    }
}

pub(super) fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile;
    use crate::units::FrameSize;

    fn pattern(yaml: &str, sizes: Sizes) -> Pattern {
        let profile = profile::parse("a.yaml", yaml, &[]).expect("a profile");
        let TestKind::Benchmark(test) = profile.test.clone() else { panic!("a benchmark") };
        Pattern::new(&profile, &test, &sizes, None, |_| Some(10_000_000_000)).expect("a pattern")
    }

    const TWO: &str = "test: {kind: throughput, sizes: [64B, 1518B]}\nlab: router\nstreams:\n\
        - {name: a, size: 64B, rate: 30kpps, packet: [ipv4, udp]}\n\
        - {name: b, size: 128B, rate: 10kpps, packet: [ipv4, udp]}\n";

    #[test]
    fn the_highest_load_is_the_line_rate() {
        for (size, fps) in [(64, 14_880_952_380), (1518, 812_743_823)] {
            let pattern = pattern(TWO, Sizes::Fixed(FrameSize(size)));
            assert_eq!(pattern.max, Load(fps));
            assert_eq!(pattern.line_rate, Some(Load(fps)));
        }
        // 30,000 of 84 bytes and 10,000 of 148: 100 on average.
        let own = pattern(TWO, Sizes::OfStreams);
        assert_eq!(own.max, Load(12_500_000_000));
        assert!((own.frame_bytes - 80.0).abs() < 1e-9);
    }

    #[test]
    fn streams_share_a_load_by_their_rates_and_keep_the_rest() {
        let pattern = pattern(TWO, Sizes::Fixed(FrameSize(512)));
        let trial = Trial::lasting(Load::from_pps(1_000), Nanos(3_000_000_000));
        let scaled = pattern.trial(&trial);
        let rates: Vec<f64> = scaled
            .streams
            .iter()
            .map(|stream| match stream.pattern {
                StreamPattern::Constant(Rate::Packets(rate)) => rate.pps(),
                _ => panic!("packets"),
            })
            .collect();
        assert_eq!(rates, [750.0, 250.0]);
        for stream in &scaled.streams {
            assert_eq!(stream.size, Size::Fixed(FrameSize(512)));
            assert_eq!(stream.limit, Limit { count: None, duration: Some(trial.duration()) });
        }
        assert_eq!(scaled.streams[1].headers.len(), 3);
        assert_eq!(scaled.test, TestKind::Traffic);
    }

    #[test]
    fn the_parts_of_a_burst_add_up() {
        let pattern = pattern(TWO, Sizes::OfStreams);
        for frames in [1, 2, 3, 5, 1_001] {
            let trial = Trial { load: pattern.max, amount: Amount::Frames(frames) };
            let parts = pattern.trial(&trial).streams;
            let sum: u64 = parts.iter().map(|stream| stream.limit.count.expect("a count")).sum();
            assert_eq!(sum, frames);
        }
    }

    #[test]
    fn a_share_that_is_no_whole_number_stays_exact() {
        let share = share_of(Load::from_pps(1_000), 1, 3);
        assert_eq!((share.packets, share.nanos), (1, 3_000_000));
        let odd = share_of(Load(14_880_952_381), 1_000_000_007, 3_000_000_019);
        assert!((odd.pps() - 14_880_952.381 / 3.0).abs() < 0.1, "{odd:?}");
    }

    #[test]
    fn every_port_gets_the_load() {
        let both = "test: {kind: throughput, sizes: [64B], max_rate: 50%}\nlab: b2b\nstreams:\n\
            - {name: there, from: tx, size: 64B, rate: 1kpps, packet: [ipv4, udp]}\n\
            - {name: back, from: rx, size: 64B, rate: 9kpps, packet: [ipv4, udp]}\n";
        let pattern = pattern(both, Sizes::OfStreams);
        assert_eq!((pattern.sending_ports, pattern.max), (2, Load(7_440_476_190)));
        for stream in pattern.trial(&Trial::lasting(Load::from_pps(5), Nanos::SECOND)).streams {
            let rate = Rate::Packets(PacketRate { packets: 1, nanos: 200_000_000 });
            assert_eq!(stream.pattern, StreamPattern::Constant(rate));
        }
    }

    #[test]
    fn a_falling_load_repeats_the_streams_for_every_span() {
        let pattern = pattern(TWO, Sizes::OfStreams);
        let falling = pattern.falling(
            (Load::from_pps(100), Nanos::SECOND),
            (Load::from_pps(50), 3, Nanos(100_000_000)),
        );
        assert_eq!(falling.streams.len(), 2 + 3 * 2);
        assert_eq!(falling.streams[7].start, Nanos(1_200_000_000));
        assert_eq!(falling.duration, Nanos(1_300_000_000));
    }
}
