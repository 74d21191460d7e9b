//! `wirestorm headers`: the tables of the wire module, for people.

use std::fmt::Write;
use std::io;

use super::{Failure, print};
use crate::cli::exit::Status;
use crate::cli::headers::Headers;
use crate::error::Error;
use crate::profile::nearest;
use crate::report::terminal::{Align, Cell, Style, Table};
use crate::wire::field::{FieldDef, FieldDefault, FieldKind, Protocol};
use crate::wire::{protocol, protocols};

/// Prints the list, or the fields of the headers that were named.
///
/// # Errors
/// A name that no header has.
pub fn execute(headers: &Headers) -> std::result::Result<Status, Failure> {
    let style = headers.color.style(&io::stdout());
    let mut text = String::new();
    for (n, name) in headers.names.iter().enumerate() {
        let found = protocol(name).ok_or_else(|| unknown(name))?;
        if n > 0 {
            text.push('\n');
        }
        show(&mut text, found, style);
    }
    if headers.names.is_empty() {
        let mut table = Table::new("header").column("what it is", Align::Wrap);
        for protocol in protocols() {
            table.row(vec![Cell::plain(protocol.name), Cell::plain(protocol.summary)]);
        }
        text.push_str(&table.render(style));
        text.push_str("\nwirestorm headers NAME shows the fields.\n");
    }
    print(text.as_bytes())?;
    Ok(Status::Passed)
}

fn unknown(name: &str) -> Error {
    let near = nearest(name, protocols().iter().map(|protocol| protocol.name));
    let hint = near.map(|near| format!("did you mean {near}? "));
    Error::new("show the fields of", format!("header {name}"), "there is no such header")
        .remedy(format!("{}wirestorm headers lists them all", hint.unwrap_or_default()))
}

fn show(text: &mut String, protocol: &Protocol, style: Style) {
    let _ = writeln!(text, "{}: {}\n", protocol.name, protocol.summary);
    fields(text, protocol, style);
    if let Some(options) = &protocol.options {
        for option in options.kinds {
            let _ = writeln!(text, "\n{}: {}: {}\n", options.name, option.name, option.summary);
            fields(text, option, style);
        }
    }
    if !protocol.open {
        text.push_str("\nA whole message: neither payload nor the probe tag follows it.\n");
    }
    text.push_str("\nexamples:\n");
    for example in protocol.examples {
        let _ = writeln!(text, "  packet: {example}");
    }
}

fn fields(text: &mut String, protocol: &Protocol, style: Style) {
    let mut table = Table::new("field")
        .column("bits", Align::Right)
        .column("unset", Align::Left)
        .column("meaning", Align::Wrap);
    let optional = protocol.optional.iter().flat_map(|part| part.fields);
    let fixed = protocol.fields.iter().map(|field| (field, false));
    let tail = protocol.tail.iter().map(|field| (field, false));
    for (field, optional) in fixed.chain(optional.map(|field| (field, true))).chain(tail) {
        let unset = if optional { "absent".to_owned() } else { default(field) };
        table.row(vec![
            Cell::plain(field.name),
            Cell::plain(field.bits.to_string()),
            Cell::plain(unset),
            Cell::plain(match field.names.values {
                [] => field.summary.to_owned(),
                _ => format!("{}; names: {}", field.summary, field.names.list()),
            }),
        ]);
    }
    if let Some(data) = protocol.data {
        let unset = match data.default {
            [] => "empty".to_owned(),
            bytes => format!("{} bytes", bytes.len()),
        };
        table.row([data.name, "any", &unset, data.summary].map(Cell::plain).to_vec());
    }
    if protocol.custom_fields {
        let row = ["fields", "any", "none", "Fields of your own: {name: {bit, bits, value}}"];
        table.row(row.map(Cell::plain).to_vec());
    }
    text.push_str(&table.render(style));
}

/// What a field is when the profile does not set it, in words.
fn default(field: &FieldDef) -> String {
    let words = match field.default {
        FieldDefault::Constant(value) => return constant(field.kind, value),
        FieldDefault::SourceMac => "the port's MAC",
        FieldDefault::NextHopMac => "the next hop's MAC",
        FieldDefault::SourceAddress => "the sending port's",
        FieldDefault::DestinationAddress => "the receiving port's",
        FieldDefault::NextProtocol => "what follows",
        FieldDefault::NextPort(port) => return format!("what follows, else {port}"),
        FieldDefault::Present => "1 if present",
        FieldDefault::IsSet(name) => return format!("1 if {name} is set"),
        FieldDefault::NextOption(_) => "the next option",
        FieldDefault::LastOfKind => "1 in the last",
        FieldDefault::Identification => "0, or counted",
        _ => "computed",
    };
    words.to_owned()
}

fn constant(kind: FieldKind, value: u128) -> String {
    match kind {
        FieldKind::Number => value.to_string(),
        FieldKind::Mac => {
            let bytes = (value as u64).to_be_bytes();
            bytes[2..].iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
        }
        FieldKind::Ipv4 => std::net::Ipv4Addr::from_bits(value as u32).to_string(),
        FieldKind::Ipv6 => std::net::Ipv6Addr::from_bits(value).to_string(),
    }
}
