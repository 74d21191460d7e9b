//! What stands directly on Ethernet, and tunnels: bytes worked by hand, and stacks nested at random.

#[path = "links/bytes.rs"]
mod bytes;
#[path = "links/nesting.rs"]
mod nesting;
mod packets;

use wirestorm::profile;
use wirestorm::profile::model::{Payload, Stream};

/// The stream of a header stack in the profile's language, untagged, payload of zeros.
fn stream_of(stack: &str, size: Option<u32>) -> Stream {
    let size = size.map_or(String::new(), |size| format!("size: {size}B, "));
    let text =
        format!("lab: b2b\nstreams:\n- {{rate: 1kpps, tag: false, {size}packet: {stack}}}\n");
    let profile = profile::parse("stack.yaml", &text, &[]);
    let stream = profile.unwrap_or_else(|errors| panic!("{stack}: {errors}")).streams.remove(0);
    Stream { payload: Payload::Fill(0), ..stream }
}
