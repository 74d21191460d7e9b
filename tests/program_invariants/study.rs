//! A study of any accepted profile: every try of its plan can be made, and its frames are those that
//! the plan promises.

use wirestorm::profile::model::Profile;
use wirestorm::profile::study::Study;
use wirestorm::study::compose::frames;
use wirestorm::study::plan::{MAX_PIECES, Plan};
use wirestorm::study::view::View;

use crate::study_invariants::common;

/// Arms whose frames are made.
const ARMS: usize = 40;
/// Tries: the first, and where identifications begin anew.
const TRIES: [u32; 3] = [0, 65_535, u32::MAX];

/// Makes the frames.
pub fn check(profile: &Profile, study: &Study) {
    // What is valid can be made.
    let plan = Plan::new(study).unwrap_or_else(|error| panic!("{error:?}\n{}", profile.source));
    let tries = plan.round(profile.seed, 0);
    assert_eq!(tries.len(), plan.arms.len(), "a block has each arm once");
    let _ = (plan.datagrams(study.tries), plan.frames(study.tries));
    let common = common();
    for (number, arm) in plan.arms.iter().enumerate().take(ARMS) {
        assert!((1..=MAX_PIECES).contains(&arm.pieces) && arm.frames >= 1);
        let control = plan.control(number).map(|control| plan.arms[control].cell);
        assert!(control.is_none_or(|cell| cell == arm.cell));
        let cell = &study.cells[arm.cell];
        for seq in TRIES {
            let made = frames(&common, cell, arm.kind, seq)
                .unwrap_or_else(|error| panic!("{error}\n{}", profile.source));
            assert_eq!(made.len(), arm.frames, "{:?}\n{}", arm.kind, profile.source);
            for frame in &made {
                let view = View::of_frame(&frame.bytes);
                assert!(view.is_some(), "{:?}\n{}", arm.kind, profile.source);
            }
        }
    }
}
