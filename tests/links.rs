//! What stands directly on Ethernet, and tunnels: bytes worked by hand, and stacks nested at random.

#[path = "links/bytes.rs"]
mod bytes;
#[path = "links/nesting.rs"]
mod nesting;
mod packets;

use wirestorm::profile::model::{Payload, Profile, Stream};
use wirestorm::profile::{self, ProfileErrors};

/// A profile of one untagged stream of that header stack.
fn parse(stack: &str, size: Option<u32>) -> Result<Profile, ProfileErrors> {
    let size = size.map_or(String::new(), |size| format!("size: {size}B, "));
    let lab = "lab: {topology: b2b, mtu: 9000}";
    let stream = format!("{{rate: 1kpps, tag: false, {size}packet: {stack}}}");
    profile::parse("stack.yaml", &format!("{lab}\nstreams:\n- {stream}\n"), &[])
}

/// The stream, with a payload of zeros.
fn stream_of(stack: &str, size: Option<u32>) -> Stream {
    let profile = parse(stack, size);
    let stream = profile.unwrap_or_else(|errors| panic!("{stack}: {errors}")).streams.remove(0);
    Stream { payload: Payload::Fill(0), ..stream }
}
