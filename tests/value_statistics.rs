//! Random values over a million packets: how they are distributed, how often each comes, and that
//! three workers send what one does. What is expected is computed here, in floating point and by
//! statrs, never by what makes the packets. Seeds are fixed: a right generator fails one of these
//! tests with a probability below 10^-6, and then always.

mod packets;

use packets::{addressing, header, profile, stream};
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};
use wirestorm::packet::compile::compile;
use wirestorm::packet::program::StreamProgram;
use wirestorm::profile;
use wirestorm::profile::model::{FieldValue, Real, Size, Weighted};
use wirestorm::units::FrameSize;

const PACKETS: u64 = 1_000_000;
/// The probability below which a test fails.
const LEVEL: f64 = 1e-6;

/// A program whose UDP source port has `value`, or, above 16 bits, its IPv4 source address.
fn program(value: FieldValue, wide: bool) -> StreamProgram {
    let (ipv4, udp) = match wide {
        true => (vec![("src", value)], vec![]),
        false => (vec![], vec![("src", value)]),
    };
    let stack = vec![header("ethernet", &[]), header("ipv4", &ipv4), header("udp", &udp)];
    compile(&profile(vec![stream(stack, 64)]), 0, &addressing(), 1).expect("compiles")
}

/// The source address, or port, of packet `index`.
fn read(program: &StreamProgram, index: u64, frame: &mut [u8], wide: bool) -> u64 {
    program.build(index, frame, index > 0);
    match wide {
        true => u32::from_be_bytes(frame[26..30].try_into().expect("4 bytes")).into(),
        false => u16::from_be_bytes(frame[34..36].try_into().expect("2 bytes")).into(),
    }
}

/// The values of the first packets, as they stand in the frames.
fn values(value: FieldValue, wide: bool, count: u64) -> Vec<u64> {
    let program = program(value, wide);
    let mut frame = vec![0; program.max_frame_len()];
    (0..count).map(|index| read(&program, index, &mut frame, wide)).collect()
}

/// Pearson's test of counts against probabilities; bins of fewer than 10 packets are joined with
/// the next.
fn assert_fits(counts: &[u64], probabilities: &[f64], told: &str) {
    assert_eq!(counts.len(), probabilities.len());
    let all = counts.iter().sum::<u64>() as f64;
    let sum: f64 = probabilities.iter().sum();
    let (mut chi2, mut bins) = (0.0, 0u32);
    let (mut found, mut wanted) = (0.0, 0.0);
    for (n, (count, probability)) in counts.iter().zip(probabilities).enumerate() {
        found += *count as f64;
        wanted += probability / sum * all;
        let rest: f64 = probabilities[n + 1..].iter().sum::<f64>() / sum * all;
        if wanted >= 10.0 && (rest >= 10.0 || n + 1 == counts.len()) {
            chi2 += (found - wanted) * (found - wanted) / wanted;
            bins += 1;
            (found, wanted) = (0.0, 0.0);
        }
    }
    if wanted > 0.0 {
        chi2 += (found - wanted) * (found - wanted) / wanted;
        bins += 1;
    }
    let freedom = f64::from(bins.max(2) - 1);
    let p = ChiSquared::new(freedom).expect("has a distribution").sf(chi2);
    assert!(p > LEVEL, "{told}: chi-square {chi2:.1} of {freedom} degrees, p = {p:e}");
    // What fits too well was not drawn.
    assert!(p < 1.0 - LEVEL, "{told}: chi-square {chi2:.1} of {freedom} degrees, p = {p:e}");
}

fn counted(values: &[u64], low: u64, range: usize) -> Vec<u64> {
    let mut counts = vec![0; range];
    values.iter().for_each(|value| counts[(value - low) as usize] += 1);
    counts
}

#[test]
fn random_values_are_uniform() {
    let ports = values(FieldValue::Random { low: 1024, high: 65_535 }, false, PACKETS);
    let counts = counted(&ports, 1024, 64_512);
    assert_fits(&counts, &vec![1.0; 64_512], "ports");
    let few = values(FieldValue::Random { low: 7, high: 16 }, false, PACKETS);
    assert_fits(&counted(&few, 7, 10), &[1.0; 10], "ten ports");
    // Neighbours are independent: pairs are uniform too.
    let pairs: Vec<u64> = few.chunks(2).map(|two| (two[0] - 7) * 10 + two[1] - 7).collect();
    assert_fits(&counted(&pairs, 0, 100), &[1.0; 100], "pairs");
}

#[test]
fn two_random_fields_are_independent() {
    let value = || FieldValue::Random { low: 0, high: 7 };
    let stack = vec![
        header("ethernet", &[]),
        header("ipv4", &[]),
        header("udp", &[("src", value()), ("dst", value())]),
    ];
    let program =
        compile(&profile(vec![stream(stack, 64)]), 0, &addressing(), 1).expect("compiles");
    let mut frame = vec![0; program.max_frame_len()];
    let mut counts = vec![0; 64];
    for index in 0..PACKETS {
        program.build(index, &mut frame, index > 0);
        counts[usize::from(frame[35]) * 8 + usize::from(frame[37])] += 1;
    }
    assert_fits(&counts, &[1.0; 64], "ports against each other");
}

#[test]
fn weighted_values_have_their_weights() {
    let shares = [(80, 80, 700u32), (443, 443, 250), (1000, 1099, 49), (9999, 9999, 1)];
    let weighted = shares.map(|(low, high, weight)| Weighted { low, high, weight });
    let found = values(FieldValue::Weighted(weighted.to_vec()), false, PACKETS);
    let mut probabilities = vec![0.0; 10_000];
    for (low, high, weight) in shares {
        let each = f64::from(weight) / (high - low + 1) as f64;
        probabilities[low as usize..=high as usize].fill(each);
    }
    let counts = counted(&found, 0, 10_000);
    assert!(counts.iter().zip(&probabilities).all(|(n, p)| *n == 0 || *p > 0.0));
    let (counts, probabilities): (Vec<u64>, Vec<f64>) =
        counts.iter().zip(&probabilities).filter(|(_, p)| **p > 0.0).unzip();
    assert_fits(&counts, &probabilities, "weighted ports");
}

#[test]
fn weighted_sizes_have_their_weights() {
    let share = |low, high, weight| Weighted { low: FrameSize(low), high: FrameSize(high), weight };
    let mut sized = stream(packets::headers(&["ethernet", "ipv4", "udp"]), 64);
    sized.size = Size::Weighted(vec![share(64, 64, 7), share(594, 594, 4), share(100, 109, 1)]);
    let program = compile(&profile(vec![sized]), 0, &addressing(), 1).expect("compiles");
    let mut counts = vec![0u64; 12];
    for index in 0..PACKETS {
        counts[match program.frame_len(index) + 4 {
            64 => 0,
            594 => 1,
            size => size - 98,
        }] += 1;
    }
    let probabilities: Vec<f64> = [7.0, 4.0].into_iter().chain([0.1; 10]).collect();
    assert_fits(&counts, &probabilities, "sizes");
}

#[test]
fn zipf_fits() {
    for exponent in [0.6, 1.0, 1.3] {
        let real = Real::new(exponent).expect("is finite");
        let value = FieldValue::Zipf { low: 1000, high: 20_999, exponent: real };
        let counts = counted(&values(value, false, PACKETS), 1000, 20_000);
        let expected: Vec<f64> = (1..=20_000).map(|rank| f64::from(rank).powf(-exponent)).collect();
        assert_fits(&counts, &expected, &format!("zipf {exponent}"));
    }
}

/// More values than the table has shares: the bins must not show.
#[test]
fn zipf_of_a_wide_range_fits() {
    let low = 0xc612_0000u32;
    let exponent = Real::new(1.1).expect("is finite");
    let value = FieldValue::Zipf { low: low.into(), high: u128::from(low) + 199_999, exponent };
    let found = values(value, true, PACKETS);
    let expected: Vec<f64> = (1..=200_000).map(|rank| f64::from(rank).powf(-1.1)).collect();
    assert_fits(&counted(&found, low.into(), 200_000), &expected, "flows");
}

#[test]
fn normal_fits() {
    let fits = |low: u64, high: u64, mean: f64, deviation: f64, wide: bool| {
        let real = |value| Real::new(value).expect("is finite");
        let value = FieldValue::Normal {
            low: low.into(),
            high: high.into(),
            mean: real(mean - low as f64),
            deviation: real(deviation),
        };
        let found = values(value, wide, PACKETS);
        let normal = Normal::new(mean, deviation).expect("is a distribution");
        // A thousand bins of equal width between the ends that matter.
        let first = (mean - 6.0 * deviation).max(low as f64) as u64;
        let last = ((mean + 6.0 * deviation) as u64).min(high);
        let width = ((last - first) / 1000).max(1);
        let bins = ((last - first) / width + 1) as usize;
        let mut counts = vec![0; bins];
        for value in found {
            assert!((low..=high).contains(&value));
            counts[((value.max(first) - first) / width).min(bins as u64 - 1) as usize] += 1;
        }
        let of = |n: usize| {
            let from = (first + n as u64 * width) as f64 - 0.5;
            let to = if n + 1 == bins { high as f64 + 0.5 } else { from + width as f64 };
            let from = if n == 0 { low as f64 - 0.5 } else { from };
            normal.cdf(to) - normal.cdf(from)
        };
        let expected: Vec<f64> = (0..bins).map(of).collect();
        assert_fits(&counts, &expected, &format!("normal {mean} {deviation} in {low}..{high}"));
    };
    fits(0, 65_535, 30_000.0, 1000.0, false);
    fits(0, 100, 50.0, 10.0, false);
    // Cut off on one side, and narrower than a value.
    fits(40, 100, 45.0, 20.0, false);
    fits(0, 20, 9.7, 0.4, false);
    // Wider than the table.
    fits(0, u64::from(u32::MAX), 2e9, 3e8, true);
}

#[test]
fn unique_values_come_once_in_a_cycle() {
    for range in [10u64, 64, 65, 1000, 50_000, 333_333, 1_000_000] {
        let low = 0x0a00_0000;
        let value = FieldValue::Unique { low, high: low + u128::from(range) - 1 };
        let found = values(value, true, PACKETS.max(2 * range));
        let mut orders = Vec::new();
        for cycle in found.chunks_exact(range as usize).take(3) {
            let mut sorted = cycle.to_vec();
            sorted.sort_unstable();
            let all = low as u64..low as u64 + range;
            assert!(sorted.into_iter().eq(all), "{range}: not every value once");
            orders.push(cycle);
        }
        assert!(orders.windows(2).all(|two| two[0] != two[1]), "{range}: the same order twice");
    }
}

/// A part of a cycle is as good as drawn: uniform over the range.
#[test]
fn unique_values_are_in_no_order() {
    let value = FieldValue::Unique { low: 0, high: 9_999_999 };
    let found = values(value, true, PACKETS);
    let bins: Vec<u64> = found.iter().map(|value| value / 10_000).collect();
    // Drawn without replacement the counts vary less: by the share of the range that is left.
    let counts = counted(&bins, 0, 1000);
    let mean = PACKETS as f64 / 1000.0;
    let chi2: f64 = counts.iter().map(|n| (*n as f64 - mean).powi(2) / mean).sum();
    let p = ChiSquared::new(999.0).expect("has a distribution").sf(chi2 / 0.9);
    assert!(p > LEVEL && p < 1.0 - LEVEL, "chi-square {chi2:.1}, p = {p:e}");
    // Whether a value is above the one before it: of a million, half, within 6 deviations of
    // sqrt(n / 12).
    let ups = found.windows(2).filter(|two| two[0] < two[1]).count() as f64;
    assert!((ups - PACKETS as f64 / 2.0).abs() < 6.0 * (PACKETS as f64 / 12.0).sqrt(), "{ups}");
}

/// Packet i is sent by worker i mod 3: each makes its own with a frame of its own, and together
/// they are the packets of one worker.
#[test]
fn three_workers_send_what_one_does() {
    let real = |value| Real::new(value).expect("is finite");
    let (low, high) = (0x0a00_0000, 0x0a00_0000 + 99_999);
    let kinds = [
        FieldValue::Random { low, high },
        FieldValue::Unique { low, high },
        FieldValue::Zipf { low, high, exponent: real(1.2) },
        FieldValue::Normal { low, high, mean: real(5e4), deviation: real(1e4) },
        FieldValue::Weighted(vec![
            Weighted { low, high: low + 9, weight: 3 },
            Weighted { low: high, high, weight: 2 },
        ]),
    ];
    for value in kinds {
        let mut one = values(value.clone(), true, PACKETS);
        let program = program(value.clone(), true);
        let program = &program;
        let mut three: Vec<u64> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..3u64)
                .map(|worker| {
                    scope.spawn(move || {
                        let mut frame = vec![0; program.max_frame_len()];
                        program.build(worker, &mut frame, false);
                        let own = (worker..PACKETS).step_by(3);
                        own.map(|i| read(program, i, &mut frame, true)).collect::<Vec<_>>()
                    })
                })
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().expect("made them")).collect()
        });
        one.sort_unstable();
        three.sort_unstable();
        assert!(one == three, "{value:?}");
        if let FieldValue::Unique { .. } = value {
            assert!(three.chunk_by(|a, b| a == b).all(|same| same.len() == 10));
        }
    }
}

/// 200,000 flows of two nested fields: each pair once, without a table.
#[test]
fn nested_fields_meet_each_pair_once() {
    let text = "streams: [{rate: 1kpps, size: 128B, nested: [udp.src, ipv4.src, udp.dst], packet: [\
                {ipv4: {src: {random: 198.18.0.1..198.18.0.100, unique: true}}}, \
                {udp: {src: {increment: 1..1000}, dst: {list: [7, 9]}}}]}]";
    let profile = profile::parse("p.yaml", text, &[]).expect("is a profile");
    let program = compile(&profile, 0, &addressing(), 1).expect("compiles");
    assert!(program.lists.len() <= 2);
    let mut frame = vec![0; program.max_frame_len()];
    let mut seen = std::collections::BTreeSet::new();
    let mut last = None;
    for index in 0..200_000u64 {
        program.build(index, &mut frame, index > 0);
        let address = u32::from_be_bytes(frame[26..30].try_into().expect("4 bytes"));
        let port = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        assert_eq!(u64::from(port(34)), index % 1000 + 1);
        assert_eq!(port(36), if index < 100_000 { 7 } else { 9 });
        assert!(last.is_none_or(|last| last == address) || index % 1000 == 0);
        last = Some(address);
        assert!(seen.insert((address, port(34), port(36))), "packet {index} comes again");
    }
    assert_eq!(seen.len(), 200_000);
}
