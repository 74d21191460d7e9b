//! The frame length of packet i.

use super::error::{Problem, with_fcs};
use super::lists::Lists;
use super::ops;
use super::values::Values;
use crate::packet::ir::PatchOp;
use crate::packet::shares::Share;
use crate::profile::deal::{MAX_CYCLE, deal};
use crate::profile::model::Size;
use crate::units::FrameSize;

/// The longest frame in the buffer: offsets in the program are 16 bits.
const MAX_FRAME: usize = 65_535;

/// Frame lengths in bytes without FCS.
pub(super) struct Sizes {
    /// The shortest.
    pub(super) min: usize,
    /// The longest.
    pub(super) max: usize,
    /// The rule, where they differ.
    pub(super) rule: Option<PatchOp>,
}

impl Sizes {
    /// Every frame of `len` bytes.
    pub(super) fn fixed(len: usize) -> Self {
        Self { min: len, max: len, rule: None }
    }

    pub(super) fn new(size: &Size, key: u64, lists: &mut Lists) -> Result<Self, (String, Problem)> {
        Self::checked(size, key, lists).map_err(|problem| ("size".to_owned(), problem))
    }

    fn checked(size: &Size, key: u64, lists: &mut Lists) -> Result<Self, Problem> {
        let len = |size: FrameSize| u64::from(size.buffer_len());
        let (ends, values) = match size {
            Size::Fixed(size) => ([len(*size); 2], Values::Constant(len(*size))),
            Size::List(sizes) => of_list(sizes.iter().copied().map(len).collect())?,
            Size::Imix(mix) => {
                let dealt = deal(mix).map_err(|cycle| match cycle {
                    0 => Problem::EmptyList,
                    cycle => Problem::CycleTooLong { cycle, most: MAX_CYCLE },
                })?;
                of_list(dealt.into_iter().map(len).collect())?
            }
            Size::Counter { start, step, count } => {
                let count = (*count).max(1);
                // A step in two's complement counts downwards.
                let step = i64::from(*step as i32);
                let last = len(*start) as i128 + i128::from(step) * i128::from(count - 1);
                let last = match u64::try_from(last) {
                    Ok(last) => last,
                    Err(_) if last < 0 => 0,
                    Err(_) => u64::MAX - with_fcs(0),
                };
                let start = len(*start);
                let ends = [start.min(last), start.max(last)];
                (ends, Values::counter(start, step as u64, count, 64))
            }
            Size::Random { low, high } => {
                let ends = [len(*low), len(*high)];
                if ends[0] > ends[1] {
                    let [low, high] = ends.map(u128::from);
                    return Err(Problem::EmptyRange { low, high });
                }
                (ends, Values::random(ends[0], ends[1]))
            }
            Size::Weighted(shares) => {
                let mut drawn = Vec::new();
                for share in shares.iter().filter(|share| share.weight > 0) {
                    let (low, high) = (len(share.low), len(share.high));
                    let values = high.checked_sub(low).map(|distance| distance + 1);
                    let problem = Problem::EmptyRange { low: low.into(), high: high.into() };
                    let values = values.ok_or(problem)?;
                    drawn.push(Share { low, values, weight: share.weight.into() });
                }
                let min = drawn.iter().map(|share| share.low).min().ok_or(Problem::EmptyList)?;
                let max = drawn.iter().map(|share| share.low + share.values - 1).max();
                ([min, max.unwrap_or(min)], Values::shares(drawn, 0))
            }
        };
        let [min, max] = ends;
        if max > MAX_FRAME as u64 {
            let (size, most) = (max + with_fcs(0), with_fcs(MAX_FRAME));
            return Err(Problem::FrameTooLong { size, most });
        }
        let rule = ops::rule(&values, key, lists);
        Ok(Self { min: min as usize, max: max as usize, rule })
    }
}

fn of_list(sizes: Vec<u64>) -> Result<([u64; 2], Values), Problem> {
    let min = *sizes.iter().min().ok_or(Problem::EmptyList)?;
    let max = sizes.iter().copied().max().unwrap_or(min);
    Ok(([min, max], Values::list(sizes, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_sinks_below_zero_has_a_shortest_frame_of_zero() {
        let size = Size::Counter { start: FrameSize(100), step: -60i32 as u32, count: 3 };
        let sizes = Sizes::new(&size, 0, &mut Lists::default()).unwrap();
        assert_eq!((sizes.min, sizes.max), (0, 96));
    }

    #[test]
    fn refuses_what_is_no_frame() {
        let problem = |size| Sizes::new(&size, 0, &mut Lists::default()).err().unwrap().1;
        let at = FrameSize;
        assert_eq!(problem(Size::List(vec![])), Problem::EmptyList);
        assert_eq!(problem(Size::Imix(vec![(at(64), 0)])), Problem::EmptyList);
        let far = Size::Counter { start: at(64), step: 1, count: u64::MAX };
        assert!(matches!(problem(far), Problem::FrameTooLong { .. }));
        let upside_down = Size::Random { low: at(65), high: at(64) };
        assert!(matches!(problem(upside_down), Problem::EmptyRange { .. }));
        let mix = Size::Imix(vec![(at(64), 65_537), (at(65), 2)]);
        assert!(matches!(problem(mix), Problem::CycleTooLong { .. }));
    }
}
