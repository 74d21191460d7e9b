//! A chart as it stands without scripts, and on paper where scripts do not run.

use std::fmt::Write;

use super::escape::escape;
use super::page::{Chart, Mark, Point, Scale, Series};
use super::scale::{self, Placed};

/// Width of the drawing in its own pixels; it scales with the page.
const WIDTH: f64 = 760.0;
/// Height.
const HEIGHT: f64 = 330.0;
/// Left of the plot: the labels of the y axis.
const LEFT: f64 = 70.0;
/// Right of the plot: half a label of the x axis.
const RIGHT: f64 = 26.0;
/// Above the plot: the title of the y axis.
const TOP: f64 = 28.0;
/// Below the plot: labels and title of the x axis.
const BOTTOM: f64 = 46.0;
/// Colours that the style sheet knows.
const COLORS: usize = 8;

/// The chart as an SVG element.
pub fn draw(chart: &Chart) -> String {
    let (width, height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    let (x, y) = scale::of_chart(chart, width, height);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escape(&chart.title)
    );
    axes(&mut svg, chart, &x, &y);
    for series in &chart.series {
        svg.push_str(&format!(
            "<g class=\"c{}{}\">",
            series.color % COLORS,
            if series.dashed { " dashed" } else { "" }
        ));
        draw_series(&mut svg, series, chart, &x, &y);
        svg.push_str("</g>");
    }
    svg.push_str("</svg>");
    svg
}

fn axes(svg: &mut String, chart: &Chart, x: &Placed, y: &Placed) {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for tick in y.ticks(40.0) {
        let at = bottom - y.at(tick);
        svg.push_str(&format!(
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"ytick\" x=\"{}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            at + 4.0,
            escape(&y.label(tick))
        ));
    }
    for tick in x.ticks(90.0) {
        let at = LEFT + x.at(tick);
        svg.push_str(&format!(
            "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
             <text class=\"xtick\" x=\"{at:.1}\" y=\"{}\">{}</text>",
            bottom + 17.0,
            escape(&x.label(tick))
        ));
    }
    let log = |scale: Scale| if scale == Scale::Log { " (log)" } else { "" };
    svg.push_str(&format!(
        "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{bottom}\" y2=\"{bottom}\"/>\
         <text class=\"title\" x=\"0\" y=\"13\">{}{}</text>\
         <text class=\"title end\" x=\"{right}\" y=\"{}\">{}{}</text>",
        escape(&chart.y.title),
        log(chart.y.scale),
        HEIGHT - 6.0,
        escape(&chart.x.title),
        log(chart.x.scale)
    ));
}

fn draw_series(svg: &mut String, series: &Series, chart: &Chart, x: &Placed, y: &Placed) {
    let bottom = HEIGHT - BOTTOM;
    let at_x = |point: &Point| LEFT + x.at(point.x);
    let at_y = |value: f64| bottom - y.at(value);
    let drawn = |point: &&Point| {
        point.x.is_finite()
            && point.y.is_finite()
            && (chart.x.scale == Scale::Linear || point.x > 0.0)
    };
    let points = || series.points.iter().filter(drawn);
    if series.mark != Mark::Scatter {
        let mut path = String::new();
        let mut last = None;
        for point in points() {
            let (px, py) = (at_x(point), at_y(point.y));
            // Writing to a string cannot fail.
            let _ = match (last, series.mark) {
                (None, _) => write!(path, "M{px:.1} {py:.1}"),
                (Some(_), Mark::Steps) => write!(path, "H{px:.1}V{py:.1}"),
                (Some(_), _) => write!(path, "L{px:.1} {py:.1}"),
            };
            last = Some(px);
        }
        svg.push_str(&format!("<path d=\"{path}\"/>"));
    }
    for point in points() {
        if let Some((low, high)) = point.range {
            svg.push_str(&format!(
                "<path class=\"range\" d=\"M{0:.1} {1:.1}V{2:.1}\"/>",
                at_x(point),
                at_y(low),
                at_y(high)
            ));
        }
    }
    if matches!(series.mark, Mark::Dots | Mark::Scatter) || series.points.len() == 1 {
        for point in points() {
            let class = if y.is_below(point.y) { " class=\"hollow\"" } else { "" };
            svg.push_str(&format!(
                "<circle{class} cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"/>",
                at_x(point),
                at_y(point.y)
            ));
        }
    }
}
