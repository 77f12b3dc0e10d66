//! The trace context that an envelope carries from process to process.
//!
//! A span in one process becomes the parent of a span in the next one by these 24 bytes. Only a sampled trace
//! is carried: without one nothing is written, and the next process starts no span of its own. The text form
//! is the `traceparent` header of [W3C Trace
//! Context](https://www.w3.org/TR/trace-context/#traceparent-header).

use std::fmt;

/// Bytes of an encoded context: the trace id, then the span id.
const ENCODED_BYTES: usize = TRACE_ID_BYTES + SPAN_ID_BYTES;
const TRACE_ID_BYTES: usize = 16;
const SPAN_ID_BYTES: usize = 8;
/// The flag of a `traceparent` header that says that the trace is recorded.
const SAMPLED: u8 = 1;

/// A span of a sampled trace, named so that another process can continue from it. Neither id is zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: [u8; TRACE_ID_BYTES],
    span_id: [u8; SPAN_ID_BYTES],
}

impl TraceContext {
    /// The name of the header, in HTTP and, as the instrumentations of other AMQP 0.9.1 clients write it, in
    /// AMQP.
    pub const HEADER: &str = "traceparent";

    /// The context of these ids; `None` if one of them is zero, which the specification calls invalid.
    pub fn new(trace_id: [u8; TRACE_ID_BYTES], span_id: [u8; SPAN_ID_BYTES]) -> Option<Self> {
        let is_valid = trace_id != [0; TRACE_ID_BYTES] && span_id != [0; SPAN_ID_BYTES];
        is_valid.then_some(Self { trace_id, span_id })
    }

    /// The id that all spans of the trace share.
    pub fn trace_id(&self) -> [u8; TRACE_ID_BYTES] {
        self.trace_id
    }

    /// The id of the span that the next one continues from.
    pub fn span_id(&self) -> [u8; SPAN_ID_BYTES] {
        self.span_id
    }

    /// The trace id as trace viewers show it: 32 hexadecimal digits.
    pub fn trace_id_text(&self) -> String {
        hex::encode(self.trace_id)
    }

    /// The value of a `traceparent` header: version 00, with the flag "sampled".
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-01", hex::encode(self.trace_id), hex::encode(self.span_id))
    }

    /// The context of a `traceparent` header; `None` if it is malformed, or names a trace that is not
    /// recorded.
    pub fn of_traceparent(value: &str) -> Option<Self> {
        let fields: Vec<&str> = value.split('-').collect();
        // Later versions may add fields behind; version ff is forbidden.
        let [version, trace, span, flags, more @ ..] = &fields[..] else { return None };
        let ends = more.is_empty() || *version != "00";
        let [version] = lower_hex::<1>(version)?;
        let [flags] = lower_hex::<1>(flags)?;
        let is_usable = ends && version != u8::MAX && flags & SAMPLED != 0;
        Self::new(lower_hex(trace)?, lower_hex(span)?).filter(|_| is_usable)
    }

    fn to_bytes(self) -> [u8; ENCODED_BYTES] {
        let mut bytes = [0; ENCODED_BYTES];
        bytes[..TRACE_ID_BYTES].copy_from_slice(&self.trace_id);
        bytes[TRACE_ID_BYTES..].copy_from_slice(&self.span_id);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (trace_id, rest) = bytes.split_first_chunk()?;
        Self::new(*trace_id, rest.try_into().ok()?)
    }
}

/// The bytes of exactly so many pairs of digits. Capital letters are no digits of a `traceparent` header.
fn lower_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let has_capitals = text.bytes().any(|byte| byte.is_ascii_uppercase());
    hex::decode_to_slice(text, &mut bytes).ok().filter(|()| !has_capitals)?;
    Some(bytes)
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.traceparent())
    }
}

/// How a field `Option<TraceContext>` is written: as 24 bytes.
///
/// Bytes that are no context read as none. A trace is a courtesy to operators; what carries it must not be
/// lost over it.
pub(crate) mod compact {
    use super::TraceContext;
    use serde::{Deserialize as _, Deserializer, Serializer};
    use serde_bytes::{ByteBuf, Bytes};

    #[allow(clippy::ref_option, reason = "the signature is that of serde's `with`")]
    pub(crate) fn serialize<S: Serializer>(
        context: &Option<TraceContext>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match context {
            Some(context) => serializer.serialize_some(Bytes::new(&context.to_bytes())),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<TraceContext>, D::Error> {
        let bytes = Option::<ByteBuf>::deserialize(deserializer)?;
        Ok(bytes.and_then(|bytes| TraceContext::from_bytes(&bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::frame::{Envelope, Frame};
    use bytes::Bytes;
    use serde::{Deserialize, Serialize};
    use uuid::Uuid;

    /// An envelope as processes without tracing know it.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct OlderEnvelope {
        id: Uuid,
        attempt: u32,
        body: Bytes,
    }

    /// An envelope whose context has another form.
    #[derive(Serialize)]
    struct StrangeEnvelope<'a> {
        id: Uuid,
        attempt: u32,
        body: Bytes,
        #[serde(with = "serde_bytes")]
        trace: &'a [u8],
    }

    /// The example of the specification.
    fn example() -> TraceContext {
        let trace_id = hex::decode("4bf92f3577b34da6a3ce929d0e0e4736").unwrap();
        let span_id = hex::decode("00f067aa0ba902b7").unwrap();
        TraceContext::new(trace_id.try_into().unwrap(), span_id.try_into().unwrap()).unwrap()
    }

    fn envelope(trace: Option<TraceContext>) -> Envelope {
        Envelope { id: Uuid::now_v7(), attempt: 0, body: Bytes::from_static(b"hello"), trace }
    }

    #[test]
    fn the_header_is_the_one_of_the_specification() {
        assert_eq!(example().traceparent(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!(example().trace_id_text(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn a_header_is_read_as_the_specification_says() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(TraceContext::of_traceparent(text), Some(example()));
        let later = format!("cc{}-what-comes-later", &text[2..]);
        assert_eq!(TraceContext::of_traceparent(&later), Some(example()), "a later version");
        for wrong in [
            String::new(),
            text.replace("-01", "-00"),
            text.replace("00-4", "ff-4"),
            text.to_uppercase(),
            format!("{text}-more"),
            text.replace("4bf9", "4bf"),
            text.replace("00f067aa0ba902b7", "0000000000000000"),
            text.replace('b', "é"),
        ] {
            assert_eq!(TraceContext::of_traceparent(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_id_of_zero_is_no_context() {
        assert_eq!(TraceContext::new([0; 16], [1; 8]), None);
        assert_eq!(TraceContext::new([1; 16], [0; 8]), None);
    }

    #[test]
    fn an_envelope_keeps_its_context_and_pays_32_bytes_for_it() {
        let traced = envelope(Some(example()));
        let bytes = codec::encode(&traced).unwrap();
        assert_eq!(codec::decode::<Envelope>(&bytes).unwrap(), traced);
        let plain = codec::encode(&Envelope { trace: None, ..traced }).unwrap();
        assert_eq!(bytes.len() - plain.len(), 32);
    }

    #[test]
    fn an_envelope_without_a_context_is_written_as_before_tracing() {
        let Envelope { id, attempt, body, .. } = envelope(None);
        let older = codec::encode(&OlderEnvelope { id, attempt, body: body.clone() }).unwrap();
        assert_eq!(codec::encode(&Envelope { id, attempt, body: body.clone(), trace: None }).unwrap(), older);
        let read: Envelope = codec::decode(&older).unwrap();
        assert_eq!(read, Envelope { id, attempt, body, trace: None });
    }

    #[test]
    fn a_process_without_tracing_reads_an_envelope_with_a_context() {
        let traced = envelope(Some(example()));
        let older: OlderEnvelope = codec::decode(&codec::encode(&traced).unwrap()).unwrap();
        assert_eq!(older, OlderEnvelope { id: traced.id, attempt: traced.attempt, body: traced.body });
    }

    #[test]
    fn bytes_that_are_no_context_do_not_lose_the_envelope() {
        let too_long = [7; 25];
        let zero = [0; 24];
        for trace in [&too_long[..], &zero, b""] {
            let Envelope { id, attempt, body, .. } = envelope(None);
            let strange = StrangeEnvelope { id, attempt, body: body.clone(), trace };
            let read: Envelope = codec::decode(&codec::encode(&strange).unwrap()).unwrap();
            assert_eq!(read, Envelope { id, attempt, body, trace: None });
        }
    }

    #[test]
    fn a_frame_has_the_context_of_its_first_envelope_that_has_one() {
        let items = vec![envelope(None), envelope(Some(example())), envelope(None)];
        assert_eq!(Frame { items, generation: None }.trace(), Some(example()));
        assert_eq!(Frame::of(envelope(None)).trace(), None);
    }
}
