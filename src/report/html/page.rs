//! What a page shows, free of where it comes from: a run, a comparison of runs, a suite of trials.
//! All texts are plain; the renderer escapes them.

pub use crate::report::statement::Tone;

/// One page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What was tested: the title of the window and of the page.
    pub title: String,
    /// What kind of report this is, in a word or two: `test report`.
    pub kind: String,
    /// The verdict: first of all.
    pub headline: Headline,
    /// What it rests on.
    pub sections: Vec<Section>,
    /// Last line: what made the page.
    pub footer: String,
}

/// The verdict with its reasons, and the few numbers that everybody asks for.
#[derive(Clone, Debug, Default)]
pub struct Headline {
    /// `PASS`, `FAIL`, `INVALID`, …
    pub word: String,
    /// How it looks.
    pub tone: Tone,
    /// The verdict in a sentence.
    pub sentence: String,
    /// What was done, in a sentence.
    pub summary: String,
    /// Why.
    pub reasons: Vec<Remark>,
    /// The main numbers.
    pub figures: Vec<Figure>,
}

/// A reason, a warning.
#[derive(Clone, Debug)]
pub struct Remark {
    /// How it looks.
    pub tone: Tone,
    /// Its stable code: `max_loss`.
    pub code: String,
    /// What, how much, what to do.
    pub text: String,
}

/// A number that stands for itself.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is: `lost`.
    pub name: String,
    /// With its unit: `17.437 %`.
    pub value: String,
    /// A second line: `17,437 of 1,000,000`.
    pub detail: String,
    /// How it looks.
    pub tone: Tone,
}

/// A part of the page with a heading.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Heading; its letters and digits make the anchor.
    pub title: String,
    /// Starts on a page of its own when printed.
    pub new_page: bool,
    /// Unfolds by a click on this text; printed, and without one, it is open.
    pub folded: Option<String>,
    /// What it holds, in order.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Clone, Debug)]
pub enum Block {
    /// Rows and columns.
    Table(Table),
    /// A chart.
    Chart(Chart),
    /// A sentence.
    Note(Tone, String),
    /// Remarks, one below the other.
    Remarks(Vec<Remark>),
    /// Names and their values.
    Facts(Vec<(String, String)>),
    /// A text shown character by character: a profile.
    Source(String),
}

/// A table. With more than one row its columns sort by a click on their heads.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// What the rows are; may be empty.
    pub caption: String,
    /// Heads.
    pub columns: Vec<Column>,
    /// Rows, each with a cell a column.
    pub rows: Vec<Vec<Cell>>,
    /// A last row that stays last: the total.
    pub total: Option<Vec<Cell>>,
    /// The order of the rows says something: not sortable.
    pub ordered: bool,
}

/// The head of a column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub title: String,
    /// What the cells hold.
    pub holds: Holds,
}

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Words.
    Text,
    /// Numbers: right-aligned, with digits of one width.
    Number,
}

/// A cell.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// What is shown, with its unit.
    pub text: String,
    /// What it is sorted by; None sorts last.
    pub value: Option<f64>,
    /// How it looks.
    pub tone: Tone,
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A number as it is shown, and its value.
    pub fn number(text: impl Into<String>, value: impl Into<Option<f64>>) -> Self {
        Self { text: text.into(), value: value.into(), tone: Tone::Plain }
    }

    /// Sorted last where its value is no number.
    #[must_use]
    pub fn finite(self) -> Self {
        Self { value: self.value.filter(|value| value.is_finite()), ..self }
    }

    /// With a tone.
    #[must_use]
    pub fn toned(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

impl Column {
    /// A column of words.
    pub fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), holds: Holds::Text }
    }

    /// A column of numbers.
    pub fn number(title: impl Into<String>) -> Self {
        Self { title: title.into(), holds: Holds::Number }
    }
}

/// A chart: lines, steps or points over two axes.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// How to read it; may be empty.
    pub note: String,
    /// Left to right.
    pub x: Axis,
    /// Bottom to top.
    pub y: Axis,
    /// What is drawn.
    pub series: Vec<Series>,
}

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it is: `latency`.
    pub title: String,
    /// What its numbers are.
    pub quantity: Quantity,
    /// How they are spread; the reader can change it.
    pub scale: Scale,
}

/// What the numbers of an axis are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Nanoseconds.
    Time,
    /// Packets per second.
    PacketRate,
    /// Bits per second.
    BitRate,
    /// Fractions from 0 to 1, shown in percent.
    Share,
    /// 1/(1 − p), shown as the percentile p.
    Percentile,
    /// Bytes.
    Bytes,
    /// Fractions of a baseline: 1 is equal.
    Ratio,
    /// Other numbers.
    Number,
}

impl Quantity {
    /// Its name in the page's data.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::PacketRate => "pps",
            Self::BitRate => "bps",
            Self::Share => "share",
            Self::Percentile => "percentile",
            Self::Bytes => "bytes",
            Self::Ratio => "ratio",
            Self::Number => "number",
        }
    }
}

/// How numbers are spread over an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally long.
    Linear,
    /// Equal ratios are equally long. Values of 0 stand hollow at the lower end.
    Log,
}

/// A line of a chart.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// How it is drawn.
    pub mark: Mark,
    /// Which of the chart's colours; what belongs together shares one.
    pub color: usize,
    /// Drawn in dashes: a reference, or the second line of a colour.
    pub dashed: bool,
    /// What is drawn, by rising x.
    pub points: Vec<Point>,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A line.
    Line,
    /// A line with a dot at every point.
    Dots,
    /// Dots alone.
    Scatter,
    /// Steps: a value holds from its x to the next.
    Steps,
}

impl Mark {
    /// Its name in the page's data.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Dots => "dots",
            Self::Scatter => "scatter",
            Self::Steps => "steps",
        }
    }
}

/// A point, with the range around it where there is one: a confidence interval, the extremes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Along the x axis.
    pub x: f64,
    /// Along the y axis.
    pub y: f64,
    /// Lowest and highest y.
    pub range: Option<(f64, f64)>,
}

impl From<(f64, f64)> for Point {
    fn from((x, y): (f64, f64)) -> Self {
        Self { x, y, range: None }
    }
}
