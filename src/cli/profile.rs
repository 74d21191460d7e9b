//! Which profile, and what the command line changes in it: shared by `run`, `check` and `pcap`.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;

/// A profile and what the command line changes in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileRequest {
    /// The YAML file.
    pub path: PathBuf,
    /// The lab that its ports stand in: `router` or `b2b`. None: the profile's own.
    pub lab: Option<String>,
    /// Changes to the YAML, `path=value` each, in their order.
    pub settings: Vec<String>,
    /// The seed in place of the profile's.
    pub seed: Option<u64>,
    /// Workers a port in place of the profile's.
    pub workers: Option<NonZeroU32>,
    /// Prefixes that packets may go to beside the safe ones: `203.0.113.0/24`, `2001:db8::1`.
    pub allow_destinations: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct TypedProfile {
    /// Profile to read
    #[arg(value_name = "PROFILE.yaml")]
    profile: PathBuf,

    /// Run in this lab of network namespaces (needs root): `router` is tx – Linux router – rx,
    /// `b2b` is tx – rx
    #[arg(long, value_name = "NAME", value_parser = super::lab::NAMES)]
    lab: Option<String>,

    /// Change a value of the profile by its YAML path; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = setting)]
    settings: Vec<String>,

    /// Seed of all random values, in place of the profile's; decimal or 0x…
    #[arg(long, value_name = "N", value_parser = seed, allow_hyphen_values = true)]
    seed: Option<u64>,

    /// Workers a sending port, one queue and one core each
    #[arg(long, value_name = "N", value_parser = super::at_least_one::<NonZeroU32>)]
    workers: Option<NonZeroU32>,

    /// Allow destinations in this prefix. Without it packets go to 198.18.0.0/15, 2001:2::/48, and
    /// documentation, private and link-local addresses only (RFC 6815); may be repeated
    #[arg(long = "allow-destination", value_name = "PREFIX", value_parser = prefix)]
    allow_destinations: Vec<String>,
}

impl TypedProfile {
    pub(super) fn meaning(self) -> ProfileRequest {
        ProfileRequest {
            path: self.profile,
            lab: self.lab,
            settings: self.settings,
            seed: self.seed,
            workers: self.workers,
            allow_destinations: self.allow_destinations,
        }
    }
}

fn setting(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((path, _)) if !path.trim().is_empty() => Ok(text.to_owned()),
        _ => Err("expected path=value, as in streams[0].rate=1Mpps".to_owned()),
    }
}

fn seed(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| format!("expected a number from 0 to {}", u64::MAX))
}

fn prefix(text: &str) -> Result<String, String> {
    let expected = || "expected a prefix such as 203.0.113.0/24 or 2001:db8::/32".to_owned();
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| expected())?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    match length.map(str::parse::<u8>) {
        None => Ok(text.to_owned()),
        Some(Ok(length)) if length <= bits => Ok(text.to_owned()),
        Some(_) => Err(format!("expected a prefix length from 0 to {bits} after the slash")),
    }
}
