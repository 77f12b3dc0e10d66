//! Frames: many envelopes in one broker message, each of them still settled by itself.
//!
//! A publisher collects what waits for the same shard into a frame (group commit), and a worker takes a frame
//! as a batch. The bodies stay opaque here: a body that cannot be decoded is parked alone, and its neighbours
//! are carried out.

use crate::codec::{self, CodecError};
use crate::trace::{self, TraceContext};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Most envelopes in a frame. More gain nothing (measured), and the bound limits what one failure touches.
pub const FRAME_MAX_ITEMS: usize = 256;
/// Most payload bytes in a frame, so that it stays inside one 128 KiB AMQP frame. A single larger envelope
/// goes alone.
pub const FRAME_MAX_BYTES: usize = 100_000;

/// One command, event or job on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Identity of what is carried; the same on every retry, redelivery and replay.
    pub id: Uuid,
    /// How often a handler has failed on it. We count this ourselves, because brokers count different things
    /// in different versions.
    #[serde(default)]
    pub attempt: u32,
    /// A versioned body ([`codec::encode`]).
    pub body: Bytes,
    /// The span that put it on its way, if its trace is sampled; absent otherwise, and in frames of processes
    /// without tracing.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "trace::compact")]
    pub trace: Option<TraceContext>,
}

/// The envelopes of one broker message, in the order they were published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// In publishing order.
    pub items: Vec<Envelope>,
    /// Generation of the number of shards by which a gateway chose the queue. Absent from frames of others,
    /// and of gateways of versions that do not follow the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
}

impl Frame {
    /// A frame of one envelope.
    pub fn of(envelope: Envelope) -> Self {
        Self { items: vec![envelope], generation: None }
    }

    /// The envelopes in as few frames as the bounds allow, in order.
    pub fn pack(envelopes: impl IntoIterator<Item = Envelope>) -> Vec<Self> {
        let mut frames: Vec<Self> = Vec::new();
        let mut bytes = 0;
        for envelope in envelopes {
            let size = envelope.body.len();
            match frames.last_mut() {
                Some(frame) if frame.items.len() < FRAME_MAX_ITEMS && bytes + size <= FRAME_MAX_BYTES => {
                    bytes += size;
                    frame.items.push(envelope);
                }
                _ => {
                    bytes = size;
                    frames.push(Self::of(envelope));
                }
            }
        }
        frames
    }

    /// What stands for the whole frame in the header of a broker message: the context of the first envelope
    /// that has one.
    pub fn trace(&self) -> Option<TraceContext> {
        self.items.iter().find_map(|envelope| envelope.trace)
    }

    /// The frame as a broker message's payload.
    pub fn encode(&self) -> Result<Bytes, CodecError> {
        codec::encode(self)
    }

    /// Reads a broker message's payload.
    pub fn decode(payload: &[u8]) -> Result<Self, CodecError> {
        codec::decode(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_decode_or_fail_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Frame::decode(&bytes);
        }

        #[test]
        fn a_frame_reads_back(bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..20)) {
            let items = bodies.into_iter().map(|body| Envelope { id: Uuid::now_v7(), attempt: 2, body: body.into(), trace: None }).collect();
            let frame = Frame { items, generation: Some(3) };
            prop_assert_eq!(Frame::decode(&frame.encode().unwrap()).unwrap(), frame);
        }
    }

    #[test]
    fn packing_keeps_order_and_bounds() {
        let envelope =
            |size| Envelope { id: Uuid::now_v7(), attempt: 0, body: vec![0; size].into(), trace: None };
        let all: Vec<Envelope> = (0..600)
            .map(|_| envelope(10))
            .chain([envelope(99_999), envelope(2), envelope(200_000)])
            .collect();
        let frames = Frame::pack(all.clone());
        assert_eq!(frames.iter().map(|frame| frame.items.len()).collect::<Vec<_>>(), [256, 256, 88, 1, 1, 1]);
        assert_eq!(frames.into_iter().flat_map(|frame| frame.items).collect::<Vec<_>>(), all);
    }

    #[test]
    fn an_unknown_version_is_named() {
        let mut bytes = Frame::default().encode().unwrap().to_vec();
        bytes[0] = 9;
        assert!(matches!(Frame::decode(&bytes), Err(CodecError::UnknownVersion(9))));
    }
}
