//! What the packet compiler refuses beyond what the rules know: a profile that is valid compiles.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Known;
use crate::packet::Addressing;
use crate::packet::compile::{CompileError, compile};
use crate::profile::decode::Decoded;
use crate::profile::path;
use crate::profile::problem::Problem;

/// Compiles every stream that no rule objects to, with addresses that stand for the real ones.
pub(super) fn streams_compile(decoded: &Decoded, problems: &mut Vec<Problem>) {
    let profile = &decoded.profile;
    let addressing = Addressing {
        source_ipv4: Some(Ipv4Addr::UNSPECIFIED),
        source_ipv6: Some(Ipv6Addr::UNSPECIFIED),
        destination_ipv4: Some(Ipv4Addr::UNSPECIFIED),
        destination_ipv6: Some(Ipv6Addr::UNSPECIFIED),
        ..Addressing::default()
    };
    let known = Known::new(problems.iter().chain(&decoded.problems));
    for (n, stream) in profile.streams.iter().enumerate() {
        if known.overlap(&profile.stream_path(n))
            || stream.headers.is_empty() && stream.replay.is_none()
            || u16::try_from(n).is_err()
        {
            continue;
        }
        if let Err(error) = compile(profile, n, &addressing, 1) {
            problems.push(problem(decoded, n, &error));
        }
    }
}

fn problem(decoded: &Decoded, stream: usize, error: &CompileError) -> Problem {
    let profile = &decoded.profile;
    let at = header_path(decoded, stream, &error.path)
        .unwrap_or_else(|| format!("{}.{}", profile.stream_path(stream), error.path));
    let at = at.trim_end_matches('.');
    let mut message = error.problem.to_string();
    let remedy = error.problem.remedy();
    if !remedy.is_empty() {
        message.push_str(&format!("; {remedy}"));
    }
    Problem::new(profile.origin.place(at), at, message)
}

/// `headers[1].ipv6.dst` as the profile counts its headers.
fn header_path(decoded: &Decoded, stream: usize, compiled: &str) -> Option<String> {
    let steps = path::parse(compiled).ok()?;
    let [headers, number, name, rest @ ..] = steps.as_slice() else { return None };
    if headers != "headers" {
        return None;
    }
    let profile = &decoded.profile;
    let count = profile.streams[stream].headers.len();
    let at = profile.origin.header_path(stream, number.parse().ok()?, count, name);
    Some(rest.iter().fold(at, |at, step| path::key(&at, step)))
}
