use super::*;
use crate::frontend::trace::arms::Hop;

fn router(hop: u8) -> IpAddr {
    [198, 18, hop, 1].into()
}

/// Answers of 5 tries, a row a hop, the whole packet first; the last is the destination.
fn of(names: &[Arm], rows: &[&[u32]], reached: bool) -> Arms {
    let last = rows.len() as u8;
    let cell = |hop: u8, answered: u32| Cell {
        sent: 5,
        answered,
        destination: if reached && hop == last { answered } else { 0 },
        from: if answered > 0 { vec![router(hop)] } else { Vec::new() },
        ..Cell::default()
    };
    let hops = (1..)
        .zip(rows)
        .map(|(hop, row)| Hop { hop, cells: row.iter().map(|n| cell(hop, *n)).collect() })
        .collect();
    Arms { arms: names.to_vec(), hops, destination: reached.then_some(last) }
}

fn told(of: &Arms) -> String {
    format!("{}\n{}\n", arms(of), verdicts(of).join("\n"))
}

#[test]
fn every_outcome_has_its_sentence() {
    let all =
        [Arm::Whole, Arm::Fragments, Arm::Atomic, Arm::HopByHop(8), Arm::DestinationOptions(64)];
    let two = |arm| [Arm::Whole, arm];
    let mut text = told(&of(
        &all,
        &[&[5, 5, 5, 5, 5], &[5, 5, 5, 0, 5], &[0, 0, 0, 0, 0], &[5, 0, 5, 0, 3], &[5, 0, 5, 0, 2]],
        true,
    ));
    text += &told(&of(&two(Arm::Fragments), &[&[5, 5], &[5, 5], &[5, 0]], true));
    text += &told(&of(&two(Arm::Atomic), &[&[5, 5], &[5, 5], &[5, 0]], true));
    text += &told(&of(&two(Arm::Atomic), &[&[5, 5], &[5, 0], &[0, 0]], false));
    text += &told(&of(&two(Arm::Atomic), &[&[5, 0], &[5, 0]], true));
    text += &told(&of(&two(Arm::Atomic), &[&[5, 5], &[5, 4], &[0, 0]], false));
    text += &told(&of(&two(Arm::Fragments), &[&[5, 5], &[5, 2], &[5, 1], &[5, 2]], true));
    text += &told(&of(&two(Arm::Atomic), &[&[5, 5], &[2, 0], &[1, 0]], true));
    text += &told(&of(&two(Arm::Atomic), &[&[0, 0], &[0, 0]], false));
    let mut other = of(&two(Arm::HopByHop(8)), &[&[5, 5], &[5, 5], &[5, 0]], true);
    other.hops[1].cells[1].from = vec![[192, 0, 2, 1].into()];
    text += &told(&other);
    let mut unsent = of(&two(Arm::HopByHop(8)), &[&[5, 0]], true);
    unsent.hops[0].cells[1] =
        Cell { unsent: Some("Operation not permitted".into()), ..Cell::default() };
    text += &told(&unsent);
    let mut refused = of(&two(Arm::Atomic), &[&[5, 5], &[5, 0]], true);
    let family = crate::frontend::ip::Family::V6;
    let error = crate::frontend::ip::error::IcmpError { family, message_type: 1, code: 1, info: 0 };
    refused.hops[1].cells[1].refused = vec![(router(1), error)];
    text += &told(&refused);
    insta::assert_snapshot!("sentences", text);
}
