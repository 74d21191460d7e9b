//! Decimal numbers without rounding: `1.5`, `10_000`.

/// `digits / 10^scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    digits: u128,
    scale: u32,
}

/// Digits of a number at most: 10^27 times any unit fits 128 bits.
const MAX_DIGITS: u32 = 24;

impl Decimal {
    /// The number times `factor`, where that is whole and fits.
    pub fn times(self, factor: u128) -> Option<u128> {
        let product = self.digits.checked_mul(factor)?;
        let divisor = 10u128.checked_pow(self.scale)?;
        (product % divisor == 0).then_some(product / divisor)
    }

    /// Numerator and denominator.
    pub fn fraction(self) -> (u128, u128) {
        (self.digits, 10u128.pow(self.scale))
    }
}

/// Splits `1.5 kpps` into the number and the unit.
pub fn split(text: &str) -> Option<(Decimal, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    // A blank may stand before a unit, and nowhere else.
    let named = unit.trim_start_matches(' ');
    (named.is_empty() == unit.is_empty()).then_some(())?;
    Some((parse(number)?, named))
}

fn parse(text: &str) -> Option<Decimal> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = match fraction {
        Some(fraction) if fraction.is_empty() || !digits_only(fraction) => return None,
        Some(fraction) => fraction.trim_end_matches('0'),
        None => "",
    };
    let digits = group(whole)? + fraction;
    let significant = digits.trim_start_matches('0');
    if significant.len() > MAX_DIGITS as usize || fraction.len() > MAX_DIGITS as usize {
        return None;
    }
    let value = if significant.is_empty() { 0 } else { significant.parse().ok()? };
    let scale = if value == 0 { 0 } else { fraction.len() as u32 };
    Some(Decimal { digits: value, scale })
}

/// The digits without the underscores between them.
fn group(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let sound = bytes.first()?.is_ascii_digit()
        && bytes.last()?.is_ascii_digit()
        && !text.contains("__")
        && bytes.iter().all(|byte| byte.is_ascii_digit() || *byte == b'_');
    sound.then(|| text.replace('_', ""))
}

/// A whole number: decimal, `0x` or `0b`, with underscores between digits where wanted.
pub fn parse_integer(text: &str) -> Option<u128> {
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0b", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let sound = digits.starts_with(|c: char| c.is_digit(radix))
                && digits.ends_with(|c: char| c.is_digit(radix))
                && !digits.contains("__");
            return u128::from_str_radix(&digits.replace('_', ""), radix).ok().filter(|_| sound);
        }
    }
    group(text)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact() {
        let times = |text: &str, factor| split(text).and_then(|(number, _)| number.times(factor));
        assert_eq!(times("1.5", 1000), Some(1500));
        assert_eq!(times("0.1", 1), None);
        assert_eq!(times("10_000.50", 10), Some(100_005));
        assert_eq!(times("0.000", 1), Some(0));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", ".", "1.", ".5", "1.2.3", "_1", "1_", "1__0", "1._5", "-1", "+1"] {
            assert_eq!(split(text), None, "{text}");
        }
        assert_eq!(split(&"9".repeat(40)), None);
    }

    #[test]
    fn whole_numbers_have_three_bases() {
        assert_eq!(parse_integer("10_000"), Some(10_000));
        assert_eq!(parse_integer("0xff"), Some(255));
        assert_eq!(parse_integer("0b101"), Some(5));
        for text in ["", "0x", "0x_1", "0x+1", "1.0", "-1", "ten", "0b2"] {
            assert_eq!(parse_integer(text), None, "{text}");
        }
        assert_eq!(parse_integer(&"9".repeat(60)), None);
    }
}
