//! Rates: `1Mpps`, `10Gbps L1`, `50%`, `unlimited`.

use super::{Unit, decimal, exact, expected};
use crate::profile::model::Rate;
use crate::profile::problem::shorten;
use crate::units::{BitLayer, PacketRate, Ratio};

/// Bits per second without a layer: the speed of a link, a shaper's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitRate(pub u64);

/// A whole number of packets per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketsPerSecond(pub u64);

/// Multipliers before `pps` and `bps`.
const MULTIPLES: [(&str, u128); 6] = [
    ("T", 1_000_000_000_000),
    ("G", 1_000_000_000),
    ("M", 1_000_000),
    ("k", 1_000),
    ("K", 1_000),
    ("", 1),
];
const PACKETS: [&str; 2] = ["pps", "packets/s"];
const BITS: [&str; 2] = ["bps", "bit/s"];

/// The multiplier of a unit that ends in one of `names`.
fn multiple(unit: &str, names: &[&str]) -> Option<u128> {
    let before = names.iter().find_map(|name| unit.strip_suffix(name))?;
    MULTIPLES.iter().find(|(name, _)| *name == before).map(|(_, factor)| *factor)
}

impl Unit for Rate {
    const EXPECTED: &'static str = "a rate such as 1Mpps, 10Gbps L1, 50%, or unlimited";
    const PATTERN: &'static str = r"^(unlimited|[0-9][0-9_]*(\.[0-9]+)? *(%|[TGMkK]?(pps|packets/s)|[TGMkK]?(bps|bit/s) +L[12]))$";

    fn parse(text: &str) -> Result<Self, String> {
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        let (number, unit) = decimal::split(text).ok_or_else(expected::<Self>)?;
        if unit == "%" {
            return Ratio::parse(text).map(Self::LineShare).map_err(|_| {
                "a share of the line rate above 0% and at most 100%, with at most 7 decimals"
                    .to_owned()
            });
        }
        if let Some(factor) = multiple(unit, &PACKETS) {
            return packet_rate(number, factor).map(Self::Packets).ok_or_else(expected::<Self>);
        }
        let (unit, layer) = match unit.rsplit_once(' ') {
            Some((unit, "L1")) => (unit.trim_end(), Some(BitLayer::L1)),
            Some((unit, "L2")) => (unit.trim_end(), Some(BitLayer::L2)),
            _ => (unit, None),
        };
        let factor = multiple(unit, &BITS).ok_or_else(expected::<Self>)?;
        let layer = layer.ok_or_else(|| {
            let text = shorten(text);
            format!(
                "the layer said too: \"{text} L1\" counts preamble and inter-packet gap, \
                 \"{text} L2\" the frame alone"
            )
        })?;
        let bps = number.times(factor).and_then(|bps| u64::try_from(bps).ok());
        bps.map(|bps| Self::Bits { bps, layer }).ok_or_else(expected::<Self>)
    }

    fn text(&self) -> String {
        match self {
            Self::Unlimited => "unlimited".to_owned(),
            Self::Packets(rate) => packets_text(*rate),
            Self::Bits { bps, layer } => {
                let layer = match layer {
                    BitLayer::L1 => "L1",
                    BitLayer::L2 => "L2",
                };
                format!("{} {layer}", BitRate(*bps).text())
            }
            Self::LineShare(ratio) => ratio.text(),
        }
    }
}

/// `number * factor` packets a second in lowest terms. A rate of 0 stays 0 packets in 1 ns, which
/// validation refuses.
fn packet_rate(number: decimal::Decimal, factor: u128) -> Option<PacketRate> {
    let (numerator, denominator) = number.fraction();
    let packets = numerator.checked_mul(factor)?;
    let nanos = denominator.checked_mul(1_000_000_000)?;
    let divisor = gcd(packets, nanos);
    Some(PacketRate {
        packets: u64::try_from(packets / divisor).ok()?,
        nanos: u64::try_from(nanos / divisor).ok()?,
    })
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Exact for every rate that was written as a decimal; others lose what is beyond 10^-18.
fn packets_text(rate: PacketRate) -> String {
    const DECIMALS: u128 = 1_000_000_000_000_000_000;
    let nanos = u128::from(rate.nanos);
    let per_second = u128::from(rate.packets) * 1_000_000_000;
    let (whole, rest) = (per_second / nanos, per_second % nanos);
    if rest == 0 {
        return scaled(whole, "pps");
    }
    exact(whole * DECIMALS + rest * DECIMALS / nanos, DECIMALS) + "pps"
}

/// With the largest multiple that leaves a whole number.
fn scaled(value: u128, unit: &str) -> String {
    for (name, factor) in MULTIPLES {
        if name != "K" && value >= factor && value.is_multiple_of(factor) {
            return format!("{}{name}{unit}", value / factor);
        }
    }
    format!("{value}{unit}")
}

impl Unit for BitRate {
    const EXPECTED: &'static str = "bits per second such as 10Gbps or 100Mbps";
    const PATTERN: &'static str = r"^[0-9][0-9_]*(\.[0-9]+)? *[TGMkK]?(bps|bit/s)$";

    fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = decimal::split(text).ok_or_else(expected::<Self>)?;
        let factor = multiple(unit, &BITS).ok_or_else(expected::<Self>)?;
        let bps = number.times(factor).and_then(|bps| u64::try_from(bps).ok());
        bps.map(Self).ok_or_else(expected::<Self>)
    }

    fn text(&self) -> String {
        scaled(u128::from(self.0), "bps")
    }
}

impl Unit for PacketsPerSecond {
    const EXPECTED: &'static str = "a whole number of packets per second such as 10kpps";
    const PATTERN: &'static str = r"^[0-9][0-9_]*(\.[0-9]+)? *[TGMkK]?(pps|packets/s)$";

    fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = decimal::split(text).ok_or_else(expected::<Self>)?;
        let factor = multiple(unit, &PACKETS).ok_or_else(expected::<Self>)?;
        let pps = number.times(factor).and_then(|pps| u64::try_from(pps).ok());
        pps.map(Self).ok_or_else(expected::<Self>)
    }

    fn text(&self) -> String {
        scaled(u128::from(self.0), "pps")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packets(packets: u64, nanos: u64) -> Rate {
        Rate::Packets(PacketRate { packets, nanos })
    }

    #[test]
    fn rates_are_exact() {
        assert_eq!(Rate::parse("1Mpps"), Ok(packets(1, 1_000)));
        assert_eq!(Rate::parse("50 kpps"), Ok(packets(1, 20_000)));
        assert_eq!(Rate::parse("0.1pps"), Ok(packets(1, 10_000_000_000)));
        assert_eq!(Rate::parse("3pps"), Ok(packets(3, 1_000_000_000)));
        let bits = |bps, layer| Ok(Rate::Bits { bps, layer });
        assert_eq!(Rate::parse("10Gbps L1"), bits(10_000_000_000, BitLayer::L1));
        assert_eq!(Rate::parse("2.5 Gbit/s  L2"), bits(2_500_000_000, BitLayer::L2));
        assert_eq!(Rate::parse("50%"), Ok(Rate::LineShare(Ratio(500_000_000))));
    }

    #[test]
    fn a_bit_rate_without_its_layer_is_refused() {
        let error = Rate::parse("10Gbps").expect_err("the layer is missing");
        assert!(error.contains("10Gbps L1") && error.contains("10Gbps L2"), "{error}");
    }

    proptest! {
        #[test]
        fn text_and_value_are_the_same(whole in 0u64..1_000_000_000, fraction in "[0-9]{0,6}") {
            let number = format!("{whole}.{fraction}0");
            for unit in ["pps", "kpps", "bps L1", "Mbps L2"] {
                if let Ok(rate) = Rate::parse(&format!("{number}{unit}")) {
                    prop_assert_eq!(Rate::parse(&rate.text()), Ok(rate));
                }
            }
        }

        #[test]
        fn whole_rates_too(value: u64) {
            prop_assert_eq!(BitRate::parse(&BitRate(value).text()), Ok(BitRate(value)));
            let pps = PacketsPerSecond(value);
            prop_assert_eq!(PacketsPerSecond::parse(&pps.text()), Ok(pps));
        }
    }
}
