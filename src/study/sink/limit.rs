//! How many answers a sink gives.

/// A token bucket: so many a second, and a tenth of a second's at once.
#[derive(Debug)]
pub(super) struct Limit {
    rate: u64,
    /// Tokens, in parts per billion of one.
    tokens: u128,
    last: Option<u64>,
}

impl Limit {
    pub(super) fn new(rate: u32) -> Self {
        Self { rate: rate.into(), tokens: 0, last: None }
    }

    /// Whether there is a token at a time in nanoseconds; it is taken then.
    pub(super) fn take(&mut self, now: u64) -> bool {
        const ONE: u128 = 1_000_000_000;
        let full = u128::from((self.rate / 10).max(1)) * ONE;
        let since = self.last.map(|last| now.saturating_sub(last));
        self.tokens = match since {
            None => full,
            Some(since) => (self.tokens + u128::from(since) * u128::from(self.rate)).min(full),
        };
        self.last = Some(now);
        if self.tokens < ONE {
            return false;
        }
        self.tokens -= ONE;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_a_rate() {
        let mut limit = Limit::new(1_000);
        let at_once = (0..10_000).filter(|_| limit.take(5)).count();
        assert_eq!(at_once, 100);
        let in_a_second = (0..100_000).filter(|n| limit.take(5 + n * 10_000)).count();
        assert!((999..=1_001).contains(&in_a_second), "{in_a_second}");
    }
}
