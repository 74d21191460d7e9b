//! DNS messages on TCP: two bytes of length before each (RFC 1035 §4.2.2, RFC 7766 §8).

/// Puts messages together out of what a connection gives.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    taken: usize,
}

impl Framer {
    /// Bytes that came.
    pub fn push(&mut self, bytes: &[u8]) {
        // What was taken is let go before the buffer grows.
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend(bytes);
    }

    /// The next whole message.
    pub fn take(&mut self) -> Option<&[u8]> {
        let (len, rest) = self.buffer[self.taken..].split_first_chunk::<2>()?;
        let len = usize::from(u16::from_be_bytes(*len));
        if rest.len() < len {
            return None;
        }
        let start = self.taken + 2;
        self.taken = start + len;
        Some(&self.buffer[start..start + len])
    }

    /// Bytes that wait for the rest of their message.
    pub fn waiting(&self) -> usize {
        self.buffer.len() - self.taken
    }
}

/// Adds a message to what is to be written; one of more than 65,535 bytes does not exist.
pub fn frame(message: &[u8], out: &mut Vec<u8>) {
    let Ok(len) = u16::try_from(message.len()) else { return };
    out.extend(len.to_be_bytes());
    out.extend(message);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..9),
            chunk in 1usize..50,
        ) {
            let mut bytes = Vec::new();
            messages.iter().for_each(|message| frame(message, &mut bytes));
            let (mut framer, mut out) = (Framer::default(), Vec::new());
            for part in bytes.chunks(chunk) {
                framer.push(part);
                while let Some(message) = framer.take() {
                    out.push(message.to_vec());
                }
            }
            prop_assert_eq!(out, messages);
            prop_assert_eq!(framer.waiting(), 0);
        }
    }
}
