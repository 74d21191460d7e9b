//! A page as HTML.

use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::escape::{escape, script_json};
use super::page::{
    Axis, Block, Cell, Chart, Column, Figure, Headline, Holds, Page, Point, Remark, Scale, Section,
    Table, Tone,
};
use super::svg;

const STYLE: &str = include_str!("assets/page.css");
const CHARTS: &str = include_str!("assets/charts.js");
const PAGE: &str = include_str!("assets/page.js");

/// The page as one HTML document. The same page gives the same bytes.
pub fn render(page: &Page) -> String {
    let script = format!("{CHARTS}{PAGE}");
    let mut charts: Vec<&Chart> = Vec::new();
    let sections: String = page.sections.iter().map(|part| section(part, &mut charts)).collect();
    let data: Vec<Value> = charts.iter().map(|chart| chart_data(chart)).collect();
    let links: String = page
        .sections
        .iter()
        .map(|part| format!("<a href=\"#{}\">{}</a>", anchor(&part.title), escape(&part.title)))
        .collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; base-uri 'none'; \
         form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title} – {word} – wirestorm</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <div class=\"bar\"><span class=\"brand\">wirestorm</span> <span class=\"kind\">{kind}</span>\
         <button type=\"button\" class=\"theme\" hidden>Theme: automatic</button></div>\n\
         <main>\n{head}<nav aria-label=\"Sections\">{links}</nav>\n{sections}</main>\n\
         <footer>{footer}</footer>\n\
         <script type=\"application/json\">{data}</script>\n\
         <script>{script}</script>\n</body>\n</html>\n",
        style_hash = hash(STYLE),
        script_hash = hash(&script),
        title = escape(&page.title),
        word = escape(&page.headline.word),
        kind = escape(&page.kind),
        head = headline(&page.title, &page.headline),
        footer = escape(&page.footer),
        data = script_json(&Value::Array(data)),
    )
}

/// What the content security policy knows an inline element by.
fn hash(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text))
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
    }
}

/// The letters and digits of a heading, in lower case; words are joined by `-`.
fn anchor(title: &str) -> String {
    let words: Vec<String> = title
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-")
}

fn headline(title: &str, headline: &Headline) -> String {
    let figures: String = headline.figures.iter().map(figure).collect();
    let figures = match figures.as_str() {
        "" => String::new(),
        figures => format!("<dl class=\"figures\">{figures}</dl>\n"),
    };
    format!(
        "<header class=\"verdict {tone}\">\n<p class=\"badge\">{word}</p>\n<h1>{title}</h1>\n\
         <p class=\"sentence\">{sentence}</p>\n<p class=\"summary\">{summary}</p>\n{reasons}\
         </header>\n{figures}",
        tone = class(headline.tone),
        word = escape(&headline.word),
        title = escape(title),
        sentence = escape(&headline.sentence),
        summary = escape(&headline.summary),
        reasons = remarks(&headline.reasons),
    )
}

fn figure(figure: &Figure) -> String {
    format!(
        "<div class=\"figure {}\"><dt>{}</dt><dd class=\"value\">{}</dd><dd>{}</dd></div>",
        class(figure.tone),
        escape(&figure.name),
        escape(&figure.value),
        escape(&figure.detail)
    )
}

fn remarks(remarks: &[Remark]) -> String {
    if remarks.is_empty() {
        return String::new();
    }
    let items: String = remarks
        .iter()
        .map(|remark| {
            format!(
                "<li class=\"{}\"><code>{}</code> {}</li>",
                class(remark.tone),
                escape(&remark.code),
                escape(&remark.text)
            )
        })
        .collect();
    format!("<ul class=\"remarks\">{items}</ul>\n")
}

fn section<'a>(section: &'a Section, charts: &mut Vec<&'a Chart>) -> String {
    let blocks: String = section.blocks.iter().map(|part| block(part, charts)).collect();
    let blocks = match &section.folded {
        Some(text) => {
            format!("<details>\n<summary>{}</summary>\n{blocks}</details>\n", escape(text))
        }
        None => blocks,
    };
    format!(
        "<section id=\"{}\"{}>\n<h2>{}</h2>\n{blocks}</section>\n",
        anchor(&section.title),
        if section.new_page { " class=\"new-page\"" } else { "" },
        escape(&section.title)
    )
}

fn block<'a>(block: &'a Block, charts: &mut Vec<&'a Chart>) -> String {
    match block {
        Block::Table(part) => table(part),
        Block::Chart(part) => {
            charts.push(part);
            chart(part, charts.len() - 1)
        }
        Block::Note(tone, text) => {
            format!("<p class=\"note {}\">{}</p>\n", class(*tone), escape(text))
        }
        Block::Remarks(parts) => remarks(parts),
        Block::Facts(facts) => {
            let rows: String = facts
                .iter()
                .map(|(name, value)| {
                    format!("<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value))
                })
                .collect();
            format!("<dl class=\"facts\">{rows}</dl>\n")
        }
        Block::Source(text) => {
            // A line end directly behind <pre> would be dropped.
            format!("<pre tabindex=\"0\"><code>{}</code></pre>\n", escape(text.trim_end()))
        }
    }
}

fn table(table: &Table) -> String {
    let sortable = !table.ordered && table.rows.len() > 1;
    let heads: String = table.columns.iter().map(|column| head(column, sortable)).collect();
    let row = |cells: &Vec<Cell>| {
        let cells: String = table
            .columns
            .iter()
            .zip(cells)
            .enumerate()
            .map(|(at, (column, content))| cell(at == 0, column, content))
            .collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = table.rows.iter().map(row).collect();
    let total = match &table.total {
        Some(total) => format!("<tfoot>{}</tfoot>\n", row(total)),
        None => String::new(),
    };
    let (caption, label) = match escape(&table.caption) {
        empty if empty.is_empty() => (String::new(), "table".to_owned()),
        text => (format!("<caption>{text}</caption>\n"), text),
    };
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\">\
         <table{}>\n{caption}<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n{total}\
         </table></div>\n",
        if sortable { " class=\"sortable\"" } else { "" }
    )
}

fn head(column: &Column, sortable: bool) -> String {
    let class = if column.holds == Holds::Number { " class=\"number\"" } else { "" };
    let title = escape(&column.title);
    let title = if sortable { format!("<span>{title}</span>") } else { title };
    format!("<th scope=\"col\"{class}>{title}</th>")
}

fn cell(first: bool, column: &Column, cell: &Cell) -> String {
    let mut classes: Vec<&str> = Vec::new();
    if column.holds == Holds::Number {
        classes.push("number");
    }
    if cell.tone != Tone::Plain {
        classes.push(class(cell.tone));
    }
    let class = match classes.join(" ") {
        none if none.is_empty() => none,
        classes => format!(" class=\"{classes}\""),
    };
    let value = match cell.value {
        Some(value) => format!(" data-value=\"{value}\""),
        None => String::new(),
    };
    let text = escape(&cell.text);
    match first {
        true => format!("<th scope=\"row\"{class}{value}>{text}</th>"),
        false => format!("<td{class}{value}>{text}</td>"),
    }
}

fn chart(chart: &Chart, number: usize) -> String {
    let legend: String = chart
        .series
        .iter()
        .map(|series| {
            format!(
                "<li class=\"c{}{}\"><span class=\"entry\"><i></i>{}</span></li>",
                series.color % 8,
                if series.dashed { " dashed" } else { "" },
                escape(&series.name)
            )
        })
        .collect();
    let note = match chart.note.as_str() {
        "" => String::new(),
        note => format!("<p class=\"note\">{}</p>\n", escape(note)),
    };
    format!(
        "<figure class=\"chart\" data-chart=\"{number}\">\n<figcaption><h3>{}</h3></figcaption>\n\
         <div class=\"plot\">{}</div>\n<ul class=\"legend\">{legend}</ul>\n{note}</figure>\n",
        escape(&chart.title),
        svg::draw(chart)
    )
}

/// What the script draws the chart from.
fn chart_data(chart: &Chart) -> Value {
    let axis = |axis: &Axis| {
        json!({
            "title": axis.title,
            "quantity": axis.quantity.name(),
            "log": axis.scale == Scale::Log,
        })
    };
    let point = |point: &Point| match point.range {
        Some((low, high)) => json!([point.x, point.y, low, high]),
        None => json!([point.x, point.y]),
    };
    let series: Vec<Value> = chart
        .series
        .iter()
        .map(|series| {
            json!({
                "name": super::escape::shown(&series.name),
                "mark": series.mark.name(),
                "color": series.color % 8,
                "dashed": series.dashed,
                "points": series.points.iter().map(point).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "title": chart.title,
        "x": axis(&chart.x),
        "y": axis(&chart.y),
        "series": series,
    })
}
