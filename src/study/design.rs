//! Which combinations of the lists become cells.

use crate::profile::study::Design;

/// Rows of a design: for every dimension, which of its `levels` entries a cell has. Every dimension
/// has at least one. The first row is the first entry of each.
pub fn rows(design: Design, levels: &[usize]) -> Vec<Vec<usize>> {
    match design {
        Design::Cells => Vec::new(),
        Design::Main => main(levels),
        Design::Pairwise => pairwise(levels),
        Design::Full => full(levels),
    }
}

/// Rows of [`Design::Full`], without making them.
pub fn full_count(levels: &[usize]) -> usize {
    levels.iter().fold(1, |product: usize, count| product.saturating_mul(*count))
}

fn main(levels: &[usize]) -> Vec<Vec<usize>> {
    let base = vec![0; levels.len()];
    let mut rows = vec![base.clone()];
    for (dimension, &count) in levels.iter().enumerate() {
        for level in 1..count {
            let mut row = base.clone();
            row[dimension] = level;
            rows.push(row);
        }
    }
    rows
}

fn full(levels: &[usize]) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new()];
    for &count in levels {
        rows = rows
            .iter()
            .flat_map(|row: &Vec<usize>| {
                (0..count).map(move |level| {
                    let mut row = row.clone();
                    row.push(level);
                    row
                })
            })
            .collect();
    }
    rows
}

/// A covering array of strength two, greedily (Cohen, Dalal, Fredman and Patton 1997, without its
/// dice): each row begins with the first pair that is not covered, and every other dimension takes the
/// entry that covers most.
fn pairwise(levels: &[usize]) -> Vec<Vec<usize>> {
    let base = vec![0; levels.len()];
    let mut open = Open::new(levels);
    open.cover(&base);
    let mut rows = vec![base];
    while let Some(((one, level), (two, other))) = open.first() {
        let mut row: Vec<Option<usize>> = vec![None; levels.len()];
        row[one] = Some(level);
        row[two] = Some(other);
        for (dimension, &count) in levels.iter().enumerate() {
            if row[dimension].is_none() {
                // The first of equals, so that a row stays near the base.
                let gain = |level: &usize| open.gain(&row, dimension, *level);
                let best = (0..count).rev().max_by_key(gain);
                row[dimension] = best;
            }
        }
        let row: Vec<usize> = row.into_iter().map(Option::unwrap_or_default).collect();
        open.cover(&row);
        rows.push(row);
    }
    rows
}

/// The pairs that no row has yet.
struct Open {
    /// First pair number of (dimension, dimension).
    levels: Vec<usize>,
    left: std::collections::BTreeSet<(usize, usize, usize, usize)>,
}

impl Open {
    fn new(levels: &[usize]) -> Self {
        let mut left = std::collections::BTreeSet::new();
        for one in 0..levels.len() {
            for two in one + 1..levels.len() {
                for level in 0..levels[one] {
                    left.extend((0..levels[two]).map(|other| (one, two, level, other)));
                }
            }
        }
        Self { levels: levels.to_vec(), left }
    }

    fn first(&self) -> Option<((usize, usize), (usize, usize))> {
        self.left.first().map(|&(one, two, level, other)| ((one, level), (two, other)))
    }

    fn gain(&self, row: &[Option<usize>], dimension: usize, level: usize) -> usize {
        (0..self.levels.len())
            .filter(|&other| {
                let Some(its) = row[other] else { return false };
                let pair = match other < dimension {
                    true => (other, dimension, its, level),
                    false => (dimension, other, level, its),
                };
                other != dimension && self.left.contains(&pair)
            })
            .count()
    }

    fn cover(&mut self, row: &[usize]) {
        for one in 0..row.len() {
            for two in one + 1..row.len() {
                self.left.remove(&(one, two, row[one], row[two]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn main_effects_change_one_thing_at_a_time() {
        assert_eq!(rows(Design::Main, &[2, 1, 3]), [[0, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 2]]);
    }

    #[test]
    fn the_whole_matrix_has_few_pairwise_rows() {
        // v4/v6, protocols, first sizes, n, orders, gaps, anomalies, extensions, DF, interleaving.
        let levels = [2, 3, 9, 5, 4, 4, 13, 4, 2, 5];
        let rows = rows(Design::Pairwise, &levels);
        assert_eq!(full_count(&levels), 2_246_400);
        assert!(rows.len() < 13 * 9 * 2, "{}", rows.len());
        assert_eq!(rows[0], [0; 10]);
    }

    proptest! {
        #[test]
        fn every_pair_is_in_some_row(levels in proptest::collection::vec(1usize..6, 1..7)) {
            let rows = rows(Design::Pairwise, &levels);
            for one in 0..levels.len() {
                for two in one + 1..levels.len() {
                    for level in 0..levels[one] {
                        for other in 0..levels[two] {
                            let has = |row: &Vec<usize>| row[one] == level && row[two] == other;
                            prop_assert!(rows.iter().any(has));
                        }
                    }
                }
            }
            prop_assert!(rows.len() <= full_count(&levels));
            prop_assert_eq!(super::rows(Design::Full, &levels).len(), full_count(&levels));
        }
    }
}
