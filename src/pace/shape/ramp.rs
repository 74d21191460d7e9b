//! A rate that grows or falls in proportion to the time.

use crate::pace::period::Period;

/// From one rate to another over a time, and on at the second one.
///
/// After t nanoseconds of T, the rate is `a + (b - a) t/T`, and `N(t) = a t + (b - a) t²/2T` packets
/// have been due. Slot n is due at the last whole nanosecond at which N is at most n: the inverse,
/// rounded down as everywhere, from n alone, so that nothing adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ramp {
    /// Both rates in packets per `scale` nanoseconds.
    from: i128,
    to: i128,
    scale: i128,
    over: u64,
}

/// The rates of a ramp have no common measure that is coarse enough to reckon with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFine;

impl Ramp {
    /// From the rate of one period to that of another, over `over` nanoseconds. None stands for no
    /// packets at all; of an unlimited period too.
    ///
    /// # Errors
    /// When the exact arithmetic would need more than 127 bits.
    pub fn new(from: Option<Period>, to: Option<Period>, over: u64) -> Result<Self, TooFine> {
        let rate = |period: Option<Period>| match period {
            Some(period) if !period.is_unlimited() => period.fraction(),
            _ => (1, 0),
        };
        let ((from_nanos, from), (to_nanos, to)) = (rate(from), rate(to));
        let shared = gcd(from_nanos, to_nanos);
        let product = |one: u64, other: u64| i128::from(one).checked_mul(i128::from(other));
        let exact = || {
            let scale = product(from_nanos, to_nanos / shared)?;
            let from = product(from, to_nanos / shared)?;
            let to = product(to, from_nanos / shared)?;
            // The largest numbers that occur: 4 T² (a + b), and 2 T scale.
            let square = product(over, over)?;
            from.checked_add(to)?.checked_mul(square)?.checked_mul(8)?;
            scale.checked_mul(i128::from(over))?.checked_mul(8)?;
            (over > 0).then_some(Self { from, to, scale, over })
        };
        exact().ok_or(TooFine)
    }

    /// Nanoseconds until the second rate is reached.
    pub fn over(&self) -> u64 {
        self.over
    }

    /// `2 T · scale · N(t)` for t within the ramp.
    fn integral(&self, t: u64) -> i128 {
        let (t, over) = (i128::from(t), i128::from(self.over));
        2 * over * self.from * t + (self.to - self.from) * t * t
    }

    pub(super) fn due(&self, n: u64) -> u64 {
        let (over, n) = (i128::from(self.over), i128::from(n));
        // 2 · scale · N(T), and the same of n.
        let whole = (self.from + self.to) * over;
        let Some(wanted) = n.checked_mul(2 * self.scale) else { return u64::MAX };
        if wanted >= whole {
            if self.to == 0 {
                return u64::MAX;
            }
            let after = (wanted - whole) / (2 * self.to);
            return u64::try_from(over + after).unwrap_or(u64::MAX);
        }
        let wanted = wanted * over;
        let reached = |t: u64| self.integral(t) <= wanted;
        // The inverse in floating point is off by little; the exact integral says by how much.
        let estimate = self.estimate(wanted).min(self.over);
        let mut step = 1;
        let (mut low, mut high);
        if reached(estimate) {
            (low, high) = (estimate, estimate + 1);
            while high < self.over && reached(high) {
                low = high;
                step *= 2;
                high = (high + step).min(self.over);
            }
        } else {
            (low, high) = (estimate - 1, estimate);
            while low > 0 && !reached(low) {
                high = low;
                step *= 2;
                low = low.saturating_sub(step);
            }
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if reached(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// About the t at which the integral is `wanted`: the root in the form that cancels nothing.
    fn estimate(&self, wanted: i128) -> u64 {
        let (from, to, over) = (self.from as f64, self.to as f64, self.over as f64);
        let wanted = wanted as f64;
        let root = (over * from * over * from + (to - from) * wanted).max(0.0).sqrt();
        (wanted / (over * from + root)) as u64
    }

    pub(super) fn slots_in(&self, span: u64) -> u64 {
        let over = i128::from(self.over);
        let slots = if span <= self.over {
            div_ceil(self.integral(span), 2 * over * self.scale)
        } else {
            let after = (2 * self.to).saturating_mul(i128::from(span) - over);
            div_ceil(after.saturating_add((self.from + self.to) * over), 2 * self.scale)
        };
        u64::try_from(slots).unwrap_or(u64::MAX)
    }
}

fn div_ceil(value: i128, by: i128) -> i128 {
    value / by + i128::from(value % by > 0)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
