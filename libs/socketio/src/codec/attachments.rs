//! Puts a binary packet together: first the text that announces attachments, then that many binary messages.
//!
//! Nothing else may come between them (protocol page, "Sending binary data"). The packet's decoder bounds the
//! number of attachments; this module bounds their bytes.

use bytes::Bytes;

use super::CodecError;
use super::socket::DecodedPacket;

/// Collects the attachments of at most one packet at a time.
#[derive(Debug, Default)]
pub struct Assembler {
    partial: Option<Box<Partial>>,
}

#[derive(Debug)]
struct Partial {
    packet: DecodedPacket,
    attachments: Vec<Bytes>,
    bytes: usize,
}

/// A packet with everything that belongs to it.
#[derive(Debug)]
pub struct Complete {
    /// The packet.
    pub packet: DecodedPacket,
    /// As many as the packet announced.
    pub attachments: Vec<Bytes>,
}

impl Assembler {
    /// Takes a packet. Gives it back if it is complete, else keeps it until its attachments have come.
    pub fn packet(&mut self, packet: DecodedPacket) -> Result<Option<Complete>, CodecError> {
        if self.partial.is_some() {
            return Err(CodecError::OutOfOrder);
        }
        if packet.attachments == 0 {
            return Ok(Some(Complete { packet, attachments: Vec::new() }));
        }
        self.partial = Some(Box::new(Partial { packet, attachments: Vec::new(), bytes: 0 }));
        Ok(None)
    }

    /// Takes an attachment. Gives the packet if this was its last one. `max_bytes` bounds all of them
    /// together.
    pub fn attachment(&mut self, data: Bytes, max_bytes: usize) -> Result<Option<Complete>, CodecError> {
        let mut partial = self.partial.take().ok_or(CodecError::OutOfOrder)?;
        partial.bytes += data.len();
        if partial.bytes > max_bytes {
            return Err(CodecError::TooLarge);
        }
        partial.attachments.push(data);
        if partial.attachments.len() < partial.packet.attachments {
            self.partial = Some(partial);
            return Ok(None);
        }
        let Partial { packet, attachments, .. } = *partial;
        Ok(Some(Complete { packet, attachments }))
    }
}
