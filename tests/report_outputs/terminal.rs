//! The terminal report.

use unicode_width::UnicodeWidthStr;
use wirestorm::report::terminal::{Style, render, render_calibration, render_verdict};

use crate::fixtures;

#[test]
fn every_situation_at_100_columns() {
    for (name, result) in fixtures::all() {
        insta::assert_snapshot!(format!("terminal_{name}"), render(&result, Style::PLAIN));
    }
}

#[test]
fn narrow_and_wide() {
    for (name, result) in [
        ("failed_with_loss", fixtures::failed_with_loss()),
        ("long_names", fixtures::long_names()),
        ("one_of_a_billion", fixtures::one_of_a_billion()),
    ] {
        for width in [80, 160] {
            let text = render(&result, Style { color: false, width });
            insta::assert_snapshot!(format!("terminal_{name}_{width}"), text);
        }
    }
}

#[test]
fn colour_is_escape_sequences_and_nothing_else() {
    for (name, result) in fixtures::all() {
        let plain = render(&result, Style { color: false, width: 100 });
        let color = render(&result, Style { color: true, width: 100 });
        assert!(!plain.contains('\x1b'), "{name}");
        // The badge is two columns wider; the rest is the same text.
        let below = |text: &str| {
            let lines: Vec<String> = strip(text).lines().skip(2).map(str::to_owned).collect();
            lines
        };
        assert_eq!(below(&plain), below(&color), "{name}");
    }
    let color = render(&fixtures::failed_with_loss(), Style { color: true, width: 100 });
    insta::assert_snapshot!("terminal_failed_with_loss_colour", color.replace('\x1b', "␛"));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (name, result) in fixtures::all() {
        for width in [60, 80, 100, 132, 160, 250] {
            for line in render(&result, Style { color: false, width }).lines() {
                assert!(line.width() <= width.into(), "{name} at {width}: {line}");
            }
        }
    }
}

#[test]
fn a_terminal_of_no_width_does_not_panic() {
    for (_, result) in fixtures::all() {
        for width in [0, 1, 7, 20] {
            assert!(!render(&result, Style { color: true, width }).is_empty());
        }
    }
}

#[test]
fn nothing_that_came_with_a_name_steers_the_terminal() {
    let text = render(&fixtures::long_names(), Style::PLAIN);
    assert!(!text.contains('\x1b'));
    let mut result = fixtures::passed();
    result.profile = "a\x1b]0;title\x07b".to_owned();
    result.environment.command = "run\r\nx\x08".to_owned();
    result.warnings = vec![fixtures::reason("c\x1b", "m\x1b[2J")];
    let text = render(&result, Style::PLAIN);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
}

#[test]
fn the_verdict_alone() {
    let text = render_verdict(&fixtures::invalid_unsent(), Style::PLAIN);
    insta::assert_snapshot!("terminal_verdict_alone", text);
}

#[test]
fn an_open_ledger_is_said() {
    let mut result = fixtures::passed();
    result.ledger[7].count = Some(999_990);
    let text = render(&result, Style::PLAIN);
    assert!(text.contains("The ledger does not close: 10 packets unaccounted for."), "{text}");
}

#[test]
fn a_calibration_is_a_table() {
    let text = render_calibration(&fixtures::calibration(), Style::PLAIN);
    assert!(text.lines().all(|line| line.width() <= 100), "{text}");
    insta::assert_snapshot!("terminal_calibration", text);
    let narrow = render_calibration(&fixtures::calibration(), Style { color: false, width: 60 });
    assert!(narrow.lines().all(|line| line.width() <= 60), "{narrow}");
}

#[test]
fn the_floor_stands_in_the_environment() {
    let mut result = fixtures::failed_with_loss();
    let wide = Style { color: false, width: 200 };
    let line = |result: &wirestorm::report::model::RunResult| {
        let text = render(result, wide);
        let line = text.lines().find(|line| line.starts_with("  floor"));
        line.expect("is there").trim().to_owned()
    };
    assert_eq!(
        line(&result),
        "floor     2.104 µs median, 8.416 µs p99 idle; 14.42 µs median, 57.68 µs p99 loaded \
         (this tool alone, back to back, by af-xdp)"
    );
    let calibration = result.calibration.as_mut().expect("is calibrated");
    calibration.loaded = None;
    assert!(line(&result).contains("8.416 µs p99 idle; – loaded ("), "{}", line(&result));
    result.calibration = None;
    result.calibration_detail = "not calibrated: wirestorm calibrate".to_owned();
    assert_eq!(line(&result), "floor     not calibrated: wirestorm calibrate");
    // A result of a version that knew no calibration.
    result.calibration_detail.clear();
    assert_eq!(line(&result), "floor     –");
}

/// Without escape sequences of colour.
fn strip(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}
