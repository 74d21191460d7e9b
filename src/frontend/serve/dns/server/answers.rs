//! Answers to clients: in fragments, whole, or by TCP.

use super::FrontEnd;
use crate::frontend::serve::dns::datagram;
use crate::frontend::serve::dns::exchange::{Asker, Pending};
use crate::frontend::serve::dns::message::{self, Rcode};
use crate::frontend::serve::dns::watch::Answer;
use crate::frontend::serve::fragment::{Cutting, Made};

impl FrontEnd<'_> {
    /// Brings a server's answer to the client that asked.
    pub(super) fn deliver(&mut self, pending: &Pending, answer: &mut [u8], now: u64) {
        if let Some(id) = answer.first_chunk_mut::<2>() {
            *id = pending.query.id.to_be_bytes();
        }
        let size = answer.len();
        let Asker::Udp(listener, client) = pending.asker else {
            self.totals.tcp_answers += 1;
            self.reply(pending.asker, answer, now);
            self.answered(pending, Answer::Tcp { size }, now);
            return;
        };
        let fits = self.settings.ignore_buffer_size || size <= pending.query.room();
        if message::truncated(answer) || !fits {
            self.truncate(pending, now);
            return;
        }
        if self.settings.shape.cutting == Cutting::None || self.link.is_none() {
            self.reply(pending.asker, answer, now);
            self.sent(pending, answer, Made::Whole, vec![size], now);
            return;
        }
        let local = self.udp[listener].address;
        let hops = self.settings.hop_limit;
        let mut packet = std::mem::take(&mut self.packet);
        let cut = if datagram::write(&mut packet, local, client, hops, answer) {
            self.cut(&packet, pending.whole)
        } else {
            None
        };
        self.packet = packet;
        let Some(made) = cut else {
            self.truncate(pending, now);
            return;
        };
        let gap = self.settings.shape.gap;
        if self.link.as_ref().is_some_and(|link| link.send(&self.pieces, gap)) {
            let sizes = self.pieces.sizes().collect();
            self.sent(pending, answer, made, sizes, now);
        } else {
            // What never left says nothing of the way to the client.
            self.totals.send_errors += 1;
            self.answered(pending, Answer::NotSent, now);
        }
    }

    /// Cuts a packet as told, or not at all; None where it is too long for that.
    fn cut(&mut self, packet: &[u8], whole: bool) -> Option<Made> {
        let mtu = self.link.as_ref()?.mtu();
        let shape = &self.settings.shape;
        let told = if whole { &Cutting::None } else { &shape.cutting };
        let made = told.cut(&shape.order, packet, mtu, &mut self.ids, &mut self.pieces).ok()?;
        self.pieces.packets().all(|piece| piece.len() <= mtu).then_some(made)
    }

    fn truncate(&mut self, pending: &Pending, now: u64) {
        self.totals.truncated += 1;
        let answer = pending.query.empty_answer(&pending.message, Rcode::NoError, true);
        self.reply(pending.asker, &answer, now);
        self.answered(pending, Answer::Truncated, now);
    }

    fn sent(
        &mut self,
        pending: &Pending,
        answer: &[u8],
        made: Made,
        fragments: Vec<usize>,
        now: u64,
    ) {
        match made {
            Made::Whole => self.totals.whole += 1,
            Made::Atomic | Made::Pieces => self.totals.fragmented += 1,
        }
        let leads = if made == Made::Whole { Vec::new() } else { message::leads_to(answer) };
        let answer = Answer::Sent { size: answer.len(), made, fragments, leads };
        self.answered(pending, answer, now);
    }

    /// Tells the watch.
    pub(super) fn answered(&mut self, pending: &Pending, answer: Answer, now: u64) {
        let address = pending.asker.address();
        let client = self.settings.client_prefix.of(address.ip());
        self.watch.answered(client, address, &pending.query.question, answer, now);
    }

    /// Sends a message as the kernel does.
    pub(super) fn reply(&mut self, asker: Asker, message: &[u8], now: u64) {
        match asker {
            Asker::Udp(listener, client) => {
                let socket = &self.udp[listener].socket;
                // The first call may tell of an error that an earlier answer met.
                let sent = socket.send_to(message, client);
                if sent.or_else(|_| socket.send_to(message, client)).is_err() {
                    self.totals.send_errors += 1;
                }
            }
            Asker::Tcp(..) => self.write(asker, message, now),
        }
    }
}
