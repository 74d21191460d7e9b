//! `wirestorm schema`.

use crate::cli::schema::Of;
use crate::frontend::serve::{dns, tcp};
use crate::frontend::{ping, trace};
use crate::report;
use crate::study::sink;

/// A JSON Schema as it is printed.
pub fn text(of: Of) -> String {
    let text = match of {
        Of::Profile => return format!("{:#}\n", crate::profile::schema()),
        Of::Result => report::json::SCHEMA,
        Of::Benchmark => report::benchmark::JSON_SCHEMA,
        Of::Comparison => report::compare::json::JSON_SCHEMA,
        Of::Fragments => report::study::JSON_SCHEMA,
        Of::Ping => ping::report::JSON_SCHEMA,
        Of::Trace => trace::json::JSON_SCHEMA,
        Of::ServeDns => dns::record::JSON_SCHEMA,
        Of::ServeTcp => tcp::record::JSON_SCHEMA,
        Of::ServeSink => sink::log::JSON_SCHEMA,
    };
    text.to_owned()
}
