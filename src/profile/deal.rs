//! Weights dealt out in turn: the same shares in every cycle, each spread as evenly as its weight
//! allows, and nothing random about it.

/// Turns of a cycle at most.
pub const MAX_CYCLE: u64 = 1 << 16;

/// Deals entries over a cycle of the sum of their weights, divided by what they have in common:
/// every turn each entry earns its weight, the richest is dealt and pays the whole.
///
/// # Errors
/// The cycle's length, where it is 0 or above [`MAX_CYCLE`].
pub fn deal<T: Copy>(entries: &[(T, u32)]) -> Result<Vec<T>, u64> {
    let turns = cycle(entries);
    if turns == 0 || turns > MAX_CYCLE {
        return Err(turns);
    }
    let (cycle, divisor) = (turns as i64, divisor(entries));
    let weights: Vec<i64> =
        entries.iter().map(|(_, weight)| (u64::from(*weight) / divisor) as i64).collect();
    if weights.iter().all(|weight| *weight == 1) {
        return Ok(entries.iter().map(|(entry, _)| *entry).collect());
    }
    let mut purse = vec![0; entries.len()];
    let turns = (0..cycle).map(|_| {
        for (coins, weight) in purse.iter_mut().zip(&weights) {
            *coins += weight;
        }
        // The first of equals, so that the order of the entries shows.
        let richest = (0..purse.len()).rev().max_by_key(|&n| purse[n]).unwrap_or(0);
        purse[richest] -= cycle;
        entries[richest].0
    });
    Ok(turns.collect())
}

/// Turns of a cycle: the sum of the weights, divided by what they have in common; 0 where there are
/// none.
pub fn cycle<T>(entries: &[(T, u32)]) -> u64 {
    let sum: u64 = entries.iter().map(|(_, weight)| u64::from(*weight)).sum();
    sum.checked_div(divisor(entries)).unwrap_or(0)
}

fn divisor<T>(entries: &[(T, u32)]) -> u64 {
    entries.iter().fold(0, |divisor, (_, weight)| gcd(divisor, u64::from(*weight)))
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_dealt_evenly() {
        let mix = [(64, 14), (570, 8), (1518, 2)];
        let dealt = deal(&mix).unwrap();
        assert_eq!(dealt, [64, 570, 64, 64, 570, 64, 1518, 64, 570, 64, 570, 64]);
        assert_eq!(deal(&[('a', 3), ('b', 3)]), Ok(vec!['a', 'b']));
    }

    #[test]
    fn cycles_that_are_none_are_told() {
        assert_eq!(deal::<u8>(&[]), Err(0));
        assert_eq!(deal(&[('a', 0)]), Err(0));
        assert_eq!(deal(&[('a', 65_537), ('b', 2)]), Err(65_539));
    }
}
