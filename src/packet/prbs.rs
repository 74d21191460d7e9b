//! Pseudorandom bit sequences of the error measurements of ITU-T O.150: the output of a shift
//! register with two taps, a sequence of 2^n - 1 bits that holds every pattern of n bits but one.

/// Which sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrbsOrder {
    /// Stages of the shift register: the sequence has 2^stages - 1 bits.
    pub stages: u8,
    /// The stage whose output is added to the last one's.
    tap: u8,
    /// The sequence is sent inverted.
    inverted: bool,
}

/// The sequences that can be asked for. 9 to 31 are those of ITU-T O.150 §5.1 to §5.8, 15, 23, 29
/// and 31 inverted as there; 7 (x^7 + x^6 + 1) is that of the optical link tests.
pub const ORDERS: [PrbsOrder; 8] = [
    PrbsOrder { stages: 7, tap: 6, inverted: false },
    PrbsOrder { stages: 9, tap: 5, inverted: false },
    PrbsOrder { stages: 11, tap: 9, inverted: false },
    PrbsOrder { stages: 15, tap: 14, inverted: true },
    PrbsOrder { stages: 20, tap: 3, inverted: false },
    PrbsOrder { stages: 23, tap: 18, inverted: true },
    PrbsOrder { stages: 29, tap: 27, inverted: true },
    PrbsOrder { stages: 31, tap: 28, inverted: true },
];

impl PrbsOrder {
    /// The sequence of a register of `stages` stages.
    pub fn new(stages: u64) -> Option<Self> {
        ORDERS.into_iter().find(|order| u64::from(order.stages) == stages)
    }

    /// The sequence from a register full of ones, as bytes, the first bit the most significant.
    pub fn bytes(self) -> impl Iterator<Item = u8> {
        let mut register = (1u32 << self.stages) - 1;
        let invert = if self.inverted { 0xff } else { 0 };
        std::iter::repeat_with(move || {
            let mut byte = 0;
            for _ in 0..8 {
                let last = register >> (self.stages - 1) & 1;
                byte = byte << 1 | last as u8;
                let next = last ^ register >> (self.tap - 1) & 1;
                register = (register << 1 | next) & ((1 << self.stages) - 1);
            }
            byte ^ invert
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(order: PrbsOrder, count: usize) -> Vec<u8> {
        order
            .bytes()
            .flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1))
            .take(count)
            .collect()
    }

    /// A sequence of 2^n - 1 bits that comes again at once and holds every n bits but those of the
    /// empty register; checked where that is short.
    #[test]
    fn sequences_have_their_full_length() {
        for order in ORDERS.into_iter().filter(|order| order.stages <= 20) {
            let (n, len) = (usize::from(order.stages), (1usize << order.stages) - 1);
            let bits = bits(order, 2 * len);
            assert_eq!(bits[..len], bits[len..]);
            let mut seen = vec![false; len + 1];
            for window in bits[..len + n - 1].windows(n) {
                let word = window.iter().fold(0, |word, bit| word << 1 | usize::from(*bit));
                assert!(!std::mem::replace(&mut seen[word], true), "{n}: {word:x} comes twice");
            }
            let missing = seen.iter().position(|seen| !seen);
            assert_eq!(missing, Some(if order.inverted { len } else { 0 }));
        }
    }

    /// The bits obey the polynomial: bit k is the sum of those `stages` and `tap` before it.
    #[test]
    fn bits_obey_the_polynomial() {
        for order in ORDERS {
            let bits = bits(order, 100_000);
            let invert = u8::from(order.inverted);
            for k in usize::from(order.stages)..bits.len() {
                let sum = bits[k - usize::from(order.stages)] ^ bits[k - usize::from(order.tap)];
                assert_eq!(bits[k], sum ^ invert);
            }
        }
    }
}
