//! What must hold for any bytes that are read as a result: they are shown and compared, or refused.
//! `fuzz_result` runs it on stable Rust, `fuzz/fuzz_targets/result.rs` under libFuzzer.

use wirestorm::report::compare::benchmarks::BenchmarkRun;
use wirestorm::report::compare::{Comparison, Run, json};
use wirestorm::report::html::{self, page::Page};
use wirestorm::report::read::{self, Any};
use wirestorm::report::terminal::{self, Style};

use super::yaml_mutation::MARKUP;

const STYLES: [Style; 2] = [Style::PLAIN, Style { color: false, width: 40 }];

/// Reads `data` as a result. Returns whether it is one.
///
/// # Panics
/// When something does not hold.
pub fn check(data: &[u8]) -> bool {
    match read::parse_any(data) {
        Err(why) => {
            assert!(!why.is_empty(), "refused without a reason");
            return false;
        }
        Ok(Any::Run(result)) => {
            text(|style| terminal::render(&result, style));
            text(|style| terminal::render_verdict(&result, style));
            html(&html::run::page(&result));
            let run = || Run { file: "fuzz.json".into(), result: (*result).clone() };
            comparison(&Comparison::of(vec![run(), run()], vec![run()]).expect("sides"));
        }
        Ok(Any::Benchmark(result)) => {
            text(|style| terminal::render_benchmark(&result, style));
            text(|style| terminal::render_benchmark_verdict(&result, style));
            html(&html::benchmark::page(&result));
            let run = || BenchmarkRun { file: "fuzz.json".into(), result: (*result).clone() };
            let sides = (vec![run()], vec![run(), run()]);
            comparison(&Comparison::of_benchmarks(sides.0, sides.1).expect("sides"));
        }
        Ok(Any::Study(result)) => {
            text(|style| terminal::render_study(&result, style));
            text(|style| terminal::render_study_verdict(&result, style));
            html(&html::study::page(&result));
        }
    }
    true
}

fn comparison(comparison: &Comparison) {
    text(|style| terminal::render_comparison(comparison, style));
    html(&html::comparison::page(comparison));
    json::to_writer(comparison, &mut Vec::new()).expect("memory takes all");
}

/// Whatever stands in a file, a terminal does not obey it.
fn text(render: impl Fn(Style) -> String) {
    for style in STYLES {
        let text = render(style);
        let control = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(control, None, "{text}");
    }
}

/// Whatever stands in a file, a browser takes it for text.
fn html(page: &Page) {
    let text = html::render(page);
    assert!(!text.contains(MARKUP), "not escaped");
    // The profile that it quotes may have tabs.
    let control = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    assert_eq!(control, None, "a control character");
}
