//! A study as CSV (RFC 4180): `arms.csv`, `comparisons.csv`, `attribution.csv`. The columns have the
//! names of the JSON result; what was not measured is an empty cell.

use std::io::{self, Write};
use std::path::Path;

use super::file;
use super::study::{ShareResult, StudyResult};
use crate::error::Result;
use crate::study::statistics::proportion::Interval;

/// Writes the three files into `dir`, which is made where it is missing.
///
/// # Errors
/// When a file cannot be written; it is named.
pub fn write(result: &StudyResult, dir: &Path) -> Result<()> {
    file::create_dir(dir)?;
    file::write(&dir.join("arms.csv"), |out| table(out, ARMS, arms(result)))?;
    file::write(&dir.join("comparisons.csv"), |out| table(out, COMPARISONS, comparisons(result)))?;
    file::write(&dir.join("attribution.csv"), |out| table(out, ATTRIBUTION, attribution(result)))
}

const ARMS: &[&str] = &[
    "cell",
    "family",
    "protocol",
    "message_bytes",
    "fragments",
    "anomaly",
    "extension",
    "arm",
    "datagrams",
    "unknown",
    "lost",
    "loss",
    "loss_wilson_low",
    "loss_wilson_high",
    "loss_exact_low",
    "loss_exact_high",
    "fragments_sent",
    "fragments_lost",
    "fragment_loss",
    "fragment_loss_wilson_low",
    "fragment_loss_wilson_high",
    "loss_if_independent",
    "answered",
    "path",
    "largest_fragment",
    "stage",
];
const COMPARISONS: &[&str] = &[
    "cell",
    "arm",
    "control",
    "both",
    "arm_only",
    "control_only",
    "neither",
    "difference",
    "newcombe_low",
    "newcombe_high",
    "p",
    "p_holm",
];
const ATTRIBUTION: &[&str] =
    &["cell", "arm", "datagrams", "stage", "meaning", "expected", "count", "lost_here"];

fn table(
    out: &mut dyn Write,
    header: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(header)?;
    for row in rows {
        csv.write_record(row)?;
    }
    csv.flush()
}

fn optional<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn ends(interval: Option<Interval>) -> [String; 2] {
    [optional(interval.map(|i| i.low)), optional(interval.map(|i| i.high))]
}

fn arms(result: &StudyResult) -> impl Iterator<Item = Vec<String>> {
    result.cells.iter().flat_map(|cell| {
        cell.arms.iter().map(move |arm| {
            let fragments =
                |of: &dyn Fn(ShareResult) -> String| arm.fragment_loss.map_or_else(String::new, of);
            let mut row = vec![
                cell.name.clone(),
                cell.family.clone(),
                cell.protocol.clone(),
                cell.message_bytes.to_string(),
                cell.fragment_bytes.len().to_string(),
                cell.anomaly.clone(),
                cell.extension.clone().unwrap_or_default(),
                arm.arm.clone(),
                arm.datagrams.to_string(),
                arm.unknown.to_string(),
                arm.loss.hits.to_string(),
                optional(arm.loss.share),
            ];
            row.extend(ends(arm.loss.wilson));
            row.extend(ends(arm.loss.clopper_pearson));
            row.push(fragments(&|share| share.tries.to_string()));
            row.push(fragments(&|share| share.hits.to_string()));
            row.push(fragments(&|share| optional(share.share)));
            row.extend(ends(arm.fragment_loss.and_then(|share| share.wilson)));
            row.push(optional(arm.loss_if_independent));
            row.push(arm.answered.hits.to_string());
            row.push(arm.path.clone().unwrap_or_default());
            row.push(optional(arm.largest_fragment));
            row.push(optional(arm.attribution.as_ref().map(|attribution| &attribution.stage)));
            row
        })
    })
}

fn comparisons(result: &StudyResult) -> impl Iterator<Item = Vec<String>> {
    result.comparisons.iter().map(|one| {
        let mut row = vec![one.cell.clone(), one.arm.clone(), one.control.clone()];
        let pairs = [one.pairs.both, one.pairs.arm_only, one.pairs.control_only, one.pairs.neither];
        row.extend(pairs.map(|count| count.to_string()));
        row.push(optional(one.difference));
        row.extend(ends(one.newcombe));
        row.extend([one.p.to_string(), one.p_holm.to_string()]);
        row
    })
}

fn attribution(result: &StudyResult) -> impl Iterator<Item = Vec<String>> {
    result.cells.iter().flat_map(|cell| {
        cell.arms.iter().flat_map(move |arm| {
            arm.attribution.iter().flat_map(move |attribution| {
                attribution.chain.iter().map(move |link| {
                    vec![
                        cell.name.clone(),
                        arm.arm.clone(),
                        attribution.datagrams.to_string(),
                        link.stage.clone(),
                        link.meaning.clone(),
                        link.expected.to_string(),
                        optional(link.count),
                        optional(link.lost_here),
                    ]
                })
            })
        })
    })
}
