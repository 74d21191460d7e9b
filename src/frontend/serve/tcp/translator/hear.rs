//! What a segment of either end says of its connection.

use crate::frontend::serve::tcp::flow::{End, Flow, Stage, later};
use crate::frontend::serve::tcp::segment::{FIN, RST, SYN, Segment};

/// A segment came from the client.
pub(super) fn heard_from_client(flow: &mut Flow, segment: &Segment<'_>, now: u64) {
    flow.client_at = now;
    let end = segment.seq().wrapping_add(segment.len());
    if segment.has(SYN) {
        return;
    }
    if segment.has(RST) {
        flow.end(
            if flow.stage == Stage::Answered { End::NoHandshake } else { End::ClientReset },
            now,
        );
        return;
    }
    // A reset that was not the client's: it goes on as if nothing had been.
    if matches!(flow.stage, Stage::Ended(End::ClientReset | End::NoHandshake, _)) {
        flow.stage = Stage::Established;
    }
    flow.client_next = later(flow.client_next, end);
    let Some(ack) = segment.ack() else { return };
    if flow.stage == Stage::Answered && ack == flow.server_next {
        flow.stage = Stage::Established;
        if let Some(at) = flow.answered_at {
            flow.evidence.set_round_trip(now.saturating_sub(at));
        }
    }
    let options = segment.options();
    let echo = options.timestamps.map(|(_, echo)| echo);
    flow.evidence.acknowledged(ack, options.sack(), echo, now);
    if segment.has(FIN) {
        flow.client_fin.get_or_insert((end, false));
    }
    if let Some((fin, acknowledged)) = &mut flow.server_fin {
        *acknowledged |= *fin == ack;
    }
    if flow.both_closed() {
        flow.end(End::Closed, now);
    }
}

/// A segment came from the server.
pub(super) fn heard_from_server(flow: &mut Flow, segment: &Segment<'_>, now: u64) {
    flow.server_at = now;
    if segment.has(RST) {
        flow.end(if flow.stage == Stage::Asked { End::Refused } else { End::ServerReset }, now);
        return;
    }
    let end = segment.seq().wrapping_add(segment.len());
    if segment.has(SYN) {
        if flow.stage == Stage::Asked {
            (flow.stage, flow.server_next) = (Stage::Answered, end);
            flow.answered_at = Some(now);
            let options = segment.options();
            flow.timestamps &= options.timestamps.is_some();
            flow.sack &= options.sack_permitted;
        } else {
            flow.answered_at = None;
        }
        return;
    }
    flow.server_next = later(flow.server_next, end);
    if segment.has(FIN) {
        flow.server_fin.get_or_insert((end, false));
    }
    if let (Some((fin, acknowledged)), Some(ack)) = (&mut flow.client_fin, segment.ack()) {
        *acknowledged |= *fin == ack;
    }
    if flow.both_closed() {
        flow.end(End::Closed, now);
    }
}
