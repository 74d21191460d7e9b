//! What a checksum really depends on.
//!
//! A checksum field holds what the sum of the covered bytes lacks to 0. A checksum around it covers
//! the field and those bytes, which add up to 0: what changes inside changes nothing outside, unless
//! the two cover it in different ways, as they do the addresses of an inner pseudo-header. All is
//! modulo 65535, where ones' complement sums of 16 bits live.

/// The modulus of ones' complement sums of 16 bits.
const MODULUS: u32 = 65_535;

/// By how much a number counts in a sum: 0, [`EVEN`] or [`ODD`].
pub(super) type Weight = u16;
/// As it stands.
pub(super) const EVEN: Weight = 1;
/// With its bytes swapped: its window ends at an odd place of the sum.
pub(super) const ODD: Weight = 256;

/// Among so many inner checksums the cheapest few are looked for; of more all are taken.
const MOST_TRIED: usize = 8;

/// What a sum has to do with what changes. Of numbers and sums each list has an entry; sums stand
/// innermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dependence {
    /// The weights of the numbers that change from packet to packet.
    pub(super) numbers: Vec<Weight>,
    /// The weights of the checksum fields further in.
    pub(super) inner: Vec<Weight>,
}

impl Dependence {
    /// The checksum is the same in every packet.
    pub(super) fn is_constant(&self) -> bool {
        self.cost() == 0
    }

    /// Additions per packet.
    fn cost(&self) -> usize {
        self.numbers.iter().chain(&self.inner).filter(|weight| **weight != 0).count()
    }
}

/// The least that has to be added to every sum, given what each covers.
///
/// `may_be_nothing` says of a sum that nothing constant in it is above 0. It may be 0 then, whose
/// complement is the other zero, and that only the sum itself tells: nothing is left out of it.
pub(super) fn least(
    covered: &[Dependence],
    may_be_nothing: impl Fn(usize) -> bool,
) -> Vec<Dependence> {
    // By how much each number counts in a sum in the end, by way of the inner checksums too.
    let mut net: Vec<Vec<u32>> = Vec::with_capacity(covered.len());
    let mut found: Vec<Dependence> = Vec::with_capacity(covered.len());
    for (n, whole) in covered.iter().enumerate() {
        let mut own: Vec<u32> = whole.numbers.iter().map(|weight| (*weight).into()).collect();
        add_fields(&mut own, &whole.inner, &net, |sum| MODULUS - sum);
        let mut whole = whole.clone();
        for (weight, inner) in whole.inner.iter_mut().zip(&found) {
            *weight = if inner.is_constant() { 0 } else { *weight };
        }
        let cheapest = if may_be_nothing(n) { None } else { cheapest(&whole, &own, &net) };
        found.push(cheapest.unwrap_or(whole));
        net.push(own);
    }
    found
}

/// Adds what checksum fields hold of each number: `of_sum` of what their sums do.
fn add_fields(to: &mut [u32], weights: &[Weight], net: &[Vec<u32>], of_sum: impl Fn(u32) -> u32) {
    for (weight, sums) in weights.iter().zip(net).filter(|(weight, _)| **weight != 0) {
        for (to, sum) in to.iter_mut().zip(sums) {
            *to = (*to + u32::from(*weight) * of_sum(*sum)) % MODULUS;
        }
    }
}

/// The cheapest way to a sum in which the numbers count as `own` says: some of its inner checksums,
/// and what these leave of the numbers. None where it covers too many.
fn cheapest(whole: &Dependence, own: &[u32], net: &[Vec<u32>]) -> Option<Dependence> {
    let places: Vec<usize> = (0..whole.inner.len()).filter(|n| whole.inner[*n] != 0).collect();
    if places.len() > MOST_TRIED {
        return None;
    }
    let subsets = (0..1u32 << places.len()).filter_map(|subset| {
        let mut inner = vec![0; whole.inner.len()];
        for (bit, &place) in places.iter().enumerate() {
            inner[place] = if subset >> bit & 1 == 1 { whole.inner[place] } else { 0 };
        }
        let mut left = own.to_vec();
        add_fields(&mut left, &inner, net, |sum| sum);
        let numbers = left.into_iter().map(|weight| {
            let weight = Weight::try_from(weight).ok()?;
            matches!(weight, 0 | EVEN | ODD).then_some(weight)
        });
        Some(Dependence { numbers: numbers.collect::<Option<_>>()?, inner })
    });
    subsets.min_by_key(Dependence::cost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(numbers: &[Weight], inner: &[Weight]) -> Dependence {
        Dependence { numbers: numbers.to_vec(), inner: inner.to_vec() }
    }

    #[test]
    fn what_an_inner_checksum_covers_changes_nothing_outside() {
        // A port: in the inner UDP checksum, then with it in two tunnels, the last at an odd place.
        let found = least(&[sum(&[1], &[]), sum(&[1], &[1]), sum(&[256], &[256, 256])], |_| false);
        assert_eq!(found[0], sum(&[1], &[]));
        assert!(found[1].is_constant() && found[2].is_constant());
    }

    #[test]
    fn an_inner_address_changes_one_checksum_outside() {
        // IPv4's header checksum, UDP's with the pseudo-header, then two tunnels.
        let covered = [sum(&[1], &[]), sum(&[1], &[0]), sum(&[1], &[1, 1]), sum(&[1], &[1, 1, 1])];
        let found = least(&covered, |_| false);
        // The tunnel's sum has the address three times: plainly, and less it in both checksums; one
        // of them says the same.
        assert_eq!(found[2].cost(), 1);
        assert!(found[3].is_constant());
    }

    #[test]
    fn a_sum_of_nothing_is_left_whole() {
        let covered = [sum(&[1], &[]), sum(&[1], &[1])];
        assert_eq!(least(&covered, |n| n == 1), covered);
    }

    fn weight() -> impl Strategy<Value = Weight> {
        prop_oneof![2 => Just(0), 2 => Just(EVEN), 1 => Just(ODD)]
    }

    proptest! {
        #[test]
        fn every_sum_stays_what_it_was(
            weights in prop::collection::vec(prop::collection::vec(weight(), 12), 1..8),
            numbers in prop::collection::vec(0..MODULUS, 4),
            whole in any::<[bool; 8]>(),
        ) {
            let covered: Vec<Dependence> = weights
                .iter()
                .enumerate()
                .map(|(n, weights)| sum(&weights[..4], &weights[4..4 + n]))
                .collect();
            let found = least(&covered, |n| whole[n]);
            // The fields with all that is covered, and with the least.
            let fields = |all: &[Dependence]| {
                let mut fields: Vec<u32> = Vec::new();
                for one in all {
                    let of = |weights: &[Weight], values: &[u32]| -> u32 {
                        let each = weights.iter().zip(values);
                        each.map(|(w, value)| u32::from(*w) * value % MODULUS).sum()
                    };
                    let sum = of(&one.numbers, &numbers) + of(&one.inner, &fields);
                    fields.push((MODULUS - sum % MODULUS) % MODULUS);
                }
                fields
            };
            prop_assert_eq!(fields(&found), fields(&covered));
            for (found, covered) in found.iter().zip(&covered) {
                prop_assert!(found.cost() <= covered.cost());
            }
        }
    }
}
