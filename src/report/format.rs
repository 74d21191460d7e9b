//! Numbers as people read them: thousands separators, SI rates, exact losses, times.
//!
//! A value that is not a number, or was not measured, is [`NOT_MEASURED`]; nothing that is above
//! zero is ever shown as zero.

/// What stands for a value that was not measured. Never 0.
pub const NOT_MEASURED: &str = "–";

/// Significant digits of rates and times.
const DIGITS: i32 = 4;

/// `1234567` as `1,234,567`.
pub fn count(value: u64) -> String {
    group(&value.to_string())
}

/// As [`count`], with a sign where it is negative.
pub fn signed(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", group(&value.unsigned_abs().to_string()))
}

/// A count that may not have been measured.
pub fn optional_count(value: Option<u64>) -> String {
    value.map_or_else(|| NOT_MEASURED.to_owned(), count)
}

/// `part / whole` in percent with as many decimals as one unit of `whole` needs: 1 of 10^9 is
/// `0.0000001 %`, and no two parts of one whole look alike. So a loss is never rounded to zero, nor
/// an arrival to 100 %. At least three decimals are computed; zeros at the end are left out.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return NOT_MEASURED.to_owned();
    }
    // The smallest count of decimals at which one unit of the whole, 100 / whole, is at least one
    // unit of the last decimal.
    let mut decimals = 0;
    let mut scale = 100_u128;
    while decimals < 3 || scale < u128::from(whole) {
        decimals += 1;
        scale *= 10;
    }
    let (part, whole) = (u128::from(part), u128::from(whole));
    // Digit by digit, since part × scale may be wider than 128 bits.
    let mut value = part / whole;
    let mut rest = part % whole;
    for _ in 0..decimals + 2 {
        value = value * 10 + rest * 10 / whole;
        rest = rest * 10 % whole;
    }
    if rest * 2 >= whole {
        value += 1;
    }
    let unit = 10_u128.pow(decimals);
    let fraction = format!("{:0width$}", value % unit, width = decimals as usize);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{point}{fraction} %", group(&(value / unit).to_string()))
}

/// A fraction that is no quotient of counts, a mean of some for one, in percent with four significant
/// digits: `0.01744 %`.
pub fn percent_of(fraction: f64) -> String {
    if !fraction.is_finite() {
        return NOT_MEASURED.to_owned();
    }
    let sign = if fraction < 0.0 { "-" } else { "" };
    format!("{sign}{} %", significant(fraction.abs() * 100.0, false))
}

/// A rate with an SI prefix and four significant digits: `14.88 Mpps`, `9.999 Gbit/s`.
pub fn rate(value: f64, unit: &str) -> String {
    engineering(
        value,
        &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T"), (1e15, "P")],
        unit,
    )
}

/// A rate that may not have been measured.
pub fn optional_rate(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| NOT_MEASURED.to_owned(), |value| rate(value, unit))
}

/// Nanoseconds in the unit that suits them, four significant digits: `873 ns`, `12.35 µs`.
pub fn nanos(value: f64) -> String {
    engineering(value, &[(1.0, "n"), (1e3, "µ"), (1e6, "m"), (1e9, "")], "s")
}

/// A unit of time in which several values stand side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Nanoseconds.
    Nanos,
    /// Microseconds.
    Micros,
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
}

impl TimeUnit {
    /// The unit that suits `nanos`.
    pub fn of(nanos: u64) -> Self {
        match nanos {
            0..1_000 => Self::Nanos,
            1_000..1_000_000 => Self::Micros,
            1_000_000..1_000_000_000 => Self::Millis,
            _ => Self::Seconds,
        }
    }

    /// `µs`.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Nanos => "ns",
            Self::Micros => "µs",
            Self::Millis => "ms",
            Self::Seconds => "s",
        }
    }

    /// `nanos` in this unit without its symbol, at least four significant digits: `0.2120`, `1,568`.
    pub fn show(self, nanos: f64) -> String {
        let scale = match self {
            Self::Nanos => 1.0,
            Self::Micros => 1e3,
            Self::Millis => 1e6,
            Self::Seconds => 1e9,
        };
        if !nanos.is_finite() {
            return NOT_MEASURED.to_owned();
        }
        significant(nanos.max(0.0) / scale, self != Self::Nanos)
    }
}

/// Seconds as [`nanos`] shows them.
pub fn seconds(value: f64) -> String {
    nanos(value * 1e9)
}

/// `value` over the largest scale that it reaches. Whole numbers below the second scale stay whole.
fn engineering(value: f64, scales: &[(f64, &str)], unit: &str) -> String {
    if !value.is_finite() {
        return NOT_MEASURED.to_owned();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let value = value.abs();
    let mut at = scales.iter().rposition(|(scale, _)| value >= *scale).unwrap_or(0);
    let mut digits = significant(value / scales[at].0, at > 0);
    // 999.96 k rounds to 1000 k, which is 1.000 M.
    if digits == "1,000" && at + 1 < scales.len() {
        at += 1;
        digits = significant(value / scales[at].0, true);
    }
    format!("{sign}{digits} {}{unit}", scales[at].1)
}

/// `value` ≥ 0 with [`DIGITS`] significant digits; zeros at the end only where `pad`.
fn significant(value: f64, pad: bool) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.log10().floor();
    if magnitude < -6.0 {
        return format!("{value:.3e}");
    }
    let decimals = (DIGITS - 1 - magnitude as i32).max(0) as usize;
    let mut text = format!("{value:.decimals$}");
    // 9.9996 became 10.0000: one digit too many.
    let digits = text.trim_start_matches(['0', '.']).chars().filter(char::is_ascii_digit).count();
    if pad && digits > DIGITS as usize && decimals > 0 {
        text.pop();
    }
    if !pad && text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => format!("{}.{fraction}", group(whole)),
        _ => group(text.trim_end_matches('.')),
    }
}

/// Commas between groups of three digits.
fn group(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_loss_is_never_rounded_to_zero() {
        assert_eq!(percent(1, 1_000_000_000), "0.0000001 %");
        assert_eq!(percent(999_999_999, 1_000_000_000), "99.9999999 %");
        assert_eq!(percent(1, u64::MAX), "0.000000000000000005 %");
        assert_eq!(percent(u64::MAX - 1, u64::MAX), "99.999999999999999995 %");
    }

    #[test]
    fn percentages_are_short_where_they_can_be() {
        assert_eq!(percent(0, 10), "0 %");
        assert_eq!(percent(10, 10), "100 %");
        assert_eq!(percent(1_000, 10_000), "10 %");
        assert_eq!(percent(17_437, 100_000), "17.437 %");
        assert_eq!(percent(1, 3), "33.333 %");
        assert_eq!(percent(5, 0), NOT_MEASURED);
    }

    #[test]
    fn fractions_have_four_digits_and_are_never_rounded_to_zero() {
        assert_eq!(percent_of(0.0), "0 %");
        assert_eq!(percent_of(0.000_174_37), "0.01744 %");
        assert_eq!(percent_of(-1e-12), "-1.000e-10 %");
        assert_eq!(percent_of(0.5), "50 %");
        assert_eq!(percent_of(f64::NAN), NOT_MEASURED);
    }

    #[test]
    fn rates_have_prefixes_and_four_digits() {
        let pps = |value| rate(value, "pps");
        assert_eq!(pps(0.0), "0 pps");
        assert_eq!(pps(0.5), "0.5 pps");
        assert_eq!(pps(1.0), "1 pps");
        assert_eq!(pps(999.94), "999.9 pps");
        assert_eq!(pps(999.96), "1.000 kpps");
        assert_eq!(pps(1_000.0), "1.000 kpps");
        assert_eq!(pps(9_999.6), "10.00 kpps");
        assert_eq!(pps(99_999.6), "100.0 kpps");
        assert_eq!(pps(999_999.6), "1.000 Mpps");
        assert_eq!(pps(14_880_952.38), "14.88 Mpps");
        assert_eq!(rate(9_999_999_999.0, "bit/s"), "10.00 Gbit/s");
        assert_eq!(rate(1.5e18, "bit/s"), "1,500 Pbit/s");
        assert_eq!(pps(f64::NAN), NOT_MEASURED);
        assert_eq!(pps(-2_500.0), "-2.500 kpps");
    }

    #[test]
    fn times_choose_their_unit() {
        assert_eq!(nanos(0.0), "0 ns");
        assert_eq!(nanos(873.0), "873 ns");
        assert_eq!(nanos(12_345.0), "12.35 µs");
        assert_eq!(nanos(999_999.0), "1.000 ms");
        assert_eq!(nanos(4_966_000.0), "4.966 ms");
        assert_eq!(nanos(5e9), "5.000 s");
        assert_eq!(seconds(3_661.5), "3,662 s");
    }

    #[test]
    fn a_unit_holds_for_values_side_by_side() {
        let unit = TimeUnit::of(8_713);
        assert_eq!(unit.symbol(), "µs");
        assert_eq!(unit.show(212.0), "0.2120");
        assert_eq!(unit.show(8_713.0), "8.713");
        assert_eq!(unit.show(3_589_756.0), "3,590");
        assert_eq!(unit.show(98_765_432.0), "98,765");
        assert_eq!(TimeUnit::of(999).show(7.0), "7");
        assert_eq!(TimeUnit::of(5_000_000_000).show(0.0), "0");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(signed(-1_234), "-1,234");
        assert_eq!(optional_count(None), NOT_MEASURED);
    }

    /// The number at the start of a formatted value.
    fn number(text: &str) -> f64 {
        let digits: String = text.chars().take_while(|c| *c != ' ').filter(|c| *c != ',').collect();
        digits.parse().expect("starts with a number")
    }

    proptest! {
        #[test]
        fn grouping_keeps_the_digits(value: u64) {
            let text = count(value);
            prop_assert_eq!(text.replace(',', ""), value.to_string());
            let mut groups = text.split(',');
            let first = groups.next().unwrap_or_default();
            prop_assert!((1..=3).contains(&first.len()));
            prop_assert!(groups.all(|group| group.len() == 3));
        }

        #[test]
        fn a_percentage_tells_the_exact_count(whole in 1..1_000_000_000_000_u64, share in 0.0..=1.0_f64) {
            let part = ((whole as f64 * share) as u64).min(whole);
            let text = percent(part, whole);
            prop_assert_eq!((number(&text) / 100.0 * whole as f64).round() as u64, part, "{}", text);
        }

        #[test]
        fn neighbours_differ(whole in 2_u64.., offset: u64) {
            let part = offset % (whole - 1);
            prop_assert_ne!(percent(part, whole), percent(part + 1, whole));
        }

        #[test]
        fn only_zero_is_zero_and_only_all_is_all(whole in 2_u64.., offset: u64) {
            let part = 1 + offset % (whole - 1);
            prop_assert_ne!(percent(part, whole), "0 %");
            prop_assert_eq!(percent(part, whole) == "100 %", part == whole);
        }

        #[test]
        fn a_rate_is_within_its_last_digit(value in 1e-3..1e17_f64) {
            let text = rate(value, "pps");
            let prefix = text.split(' ').nth(1).unwrap_or_default().trim_end_matches("pps");
            let scale = match prefix {
                "" => 1.0, "k" => 1e3, "M" => 1e6, "G" => 1e9, "T" => 1e12, _ => 1e15,
            };
            let shown = number(&text) * scale;
            prop_assert!((shown - value).abs() <= value * 0.000_501, "{} is shown as {}", value, text);
        }

        #[test]
        fn scaled_values_have_four_digits(value in 1e3..9.9994e17_f64) {
            let text = rate(value, "");
            let digits = text.split(' ').next().unwrap_or_default();
            prop_assert_eq!(digits.chars().filter(char::is_ascii_digit).count().min(4), 4, "{}", text);
            prop_assert!(number(&text) < 1_000.0, "{}", text);
        }
    }
}
