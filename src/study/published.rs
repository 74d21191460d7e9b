//! What other studies found, to stand beside what this one did.

/// A published number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// The study.
    pub study: &'static str,
    /// What was counted.
    pub what: &'static str,
    /// Which arm of ours is like it.
    pub arm: &'static str,
    /// Share lost, as a fraction.
    pub loss: f64,
}

const fn row(
    study: &'static str,
    what: &'static str,
    arm: &'static str,
    percent: f64,
) -> Published {
    Published { study, what, arm, loss: percent / 100.0 }
}

const RFC7872: &str = "RFC 7872 (2014-15)";
const APNIC: &str = "APNIC (August 2017)";
const JAMES: &str = "JAMES (2022-23)";
const TRAVEL: &str = "6Travel (draft, 2026)";

/// The table. Shares that were published as delivered stand as what was lost.
pub const PUBLISHED: [Published; 26] = [
    row(RFC7872, "web servers, DO8", "destination-options", 10.91),
    row(RFC7872, "web servers, HBH8", "extension", 39.03),
    row(RFC7872, "web servers, FH512", "fragments", 28.26),
    row(RFC7872, "mail servers, DO8", "destination-options", 11.54),
    row(RFC7872, "mail servers, HBH8", "extension", 45.45),
    row(RFC7872, "mail servers, FH512", "fragments", 35.68),
    row(RFC7872, "name servers, DO8", "destination-options", 21.33),
    row(RFC7872, "name servers, HBH8", "extension", 54.12),
    row(RFC7872, "name servers, FH512", "fragments", 55.23),
    row("RIPE Atlas (2013)", "large pings, v4 and v6 (about)", "fragments", 10.0),
    row(APNIC, "endpoints with v6 resolvers", "fragments", 37.0),
    row(APNIC, "TCP, segment never acknowledged", "fragments", 20.95),
    row(APNIC, "DNS of 1700 B, MTU 1500", "fragments", 22.89),
    row(APNIC, "DNS of 1400 B, MTU 1280", "fragments", 20.28),
    row(APNIC, "DNS of 1700 B, MTU 1280", "fragments", 25.90),
    row(JAMES, "UDP, atomic", "atomic", 100.0 - 55.8),
    row(JAMES, "TCP, atomic", "atomic", 100.0 - 49.8),
    row(JAMES, "UDP, first fragment", "fragments", 100.0 - 89.2),
    row(JAMES, "TCP, first fragment", "fragments", 100.0 - 87.6),
    row(JAMES, "UDP, DO8", "destination-options", 100.0 - 97.8),
    row(JAMES, "UDP, DO64", "extension", 100.0 - 45.9),
    row(JAMES, "UDP, HBH8", "extension", 100.0 - 8.6),
    // Reach of the baseline and of the probe: what the probe loses of what the baseline reaches.
    row(TRAVEL, "UDP, atomic, of the baseline's", "atomic", (1.0 - 69.02 / 69.58) * 100.0),
    row(TRAVEL, "UDP, fragments, of the baseline's", "fragments", (1.0 - 61.40 / 69.58) * 100.0),
    row(TRAVEL, "TCP, fragments, of the baseline's", "fragments", (1.0 - 61.86 / 70.55) * 100.0),
    row(TRAVEL, "UDP, DO, of the baseline's", "destination-options", (1.0 - 68.68 / 69.58) * 100.0),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::study::ARMS;

    #[test]
    fn shares_are_shares_and_arms_are_arms() {
        for row in PUBLISHED {
            assert!((0.0..1.0).contains(&row.loss), "{row:?}");
            assert!(ARMS.iter().any(|(name, _)| *name == row.arm), "{row:?}");
        }
        // 351,064 of 1,675,898; 1164 of 5086.
        assert!((PUBLISHED[11].loss - 351_064.0 / 1_675_898.0).abs() < 5e-5);
        assert!((PUBLISHED[12].loss - 1_164.0 / 5_086.0).abs() < 5e-5);
    }
}
