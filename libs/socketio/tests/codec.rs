//! The parsers against input nobody would write: they never panic, and what we write reads back as it was.

#![allow(clippy::unwrap_used, reason = "a test that fails to unwrap has failed")]

use bytes::Bytes;
use eventflow_socketio::Encoder;
use eventflow_socketio::codec::attachments::Assembler;
use eventflow_socketio::codec::engine::{self, Inbound};
use eventflow_socketio::codec::socket::{self, PacketBody};
use proptest::prelude::*;
use serde_json::value::RawValue;

/// Text that looks enough like a packet to get deep into a parser.
fn packet_like() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-9b]{0,3}-?(/[a-z?]{0,5},?)?[0-9]{0,25}(\\[|\\{|\")?[ -~\u{1e}äß€😀]{0,20}(\\]|\\})?",
        r#"[2356]([0-9]{1,3}-)?(/x,)?[0-9]{0,3}\["[a-z]{0,4}"(,[0-9]{1,3}|,\{"a":\[\]\}){0,3}\]"#,
    ]
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::hash_map(any::<String>(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_makes_a_parser_panic(text in packet_like(), max in 0_usize..20) {
        let _ = engine::decode(&text.as_str().into());
        let _ = engine::decode_payload(&text.as_str().into());
        if let Ok(packet) = socket::decode(&text, max) {
            prop_assert!(packet.attachments <= max);
        }
    }

    #[test]
    fn an_event_reads_back_as_it_was_written(
        namespace in "/[a-z0-9_-]{0,12}",
        name in any::<String>(),
        args in prop::collection::vec(json(), 0..4),
    ) {
        let raw: Vec<Box<RawValue>> = args.iter().map(|arg| serde_json::value::to_raw_value(arg).unwrap()).collect();
        let refs: Vec<&RawValue> = raw.iter().map(AsRef::as_ref).collect();
        let packet = Encoder::new().for_namespace(&namespace).event_raw(&name, &refs);
        let Inbound::Message(text) = engine::decode(&packet.text().into()).unwrap() else { panic!("no message") };
        match socket::decode(&text, 0) {
            Ok(decoded) => {
                prop_assert_eq!(&*decoded.namespace, &namespace);
                let PacketBody::Event { name: read, args: mut values, ack } = decoded.body else { panic!("no event") };
                prop_assert_eq!((read, ack), (name, None));
                let offset = values.pop().unwrap();
                prop_assert!(offset.get().len() == 7 && offset.get().ends_with("1\""), "{}", offset);
                let values: Vec<_> = values.iter().map(|value| value.get()).collect();
                let expected: Vec<_> = raw.iter().map(|value| value.get()).collect();
                prop_assert_eq!(values, expected);
            }
            Err(error) => prop_assert_eq!(error, eventflow_socketio::codec::CodecError::ReservedName),
        }
    }

    #[test]
    fn a_binary_event_comes_together_only_in_order(
        announced in 0_usize..6,
        sizes in prop::collection::vec(0_usize..40, 0..8),
    ) {
        let mut assembler = Assembler::default();
        let text = format!("5{announced}-[\"x\"]");
        let first = assembler.packet(socket::decode(&text, 10).unwrap()).unwrap();
        prop_assert_eq!(first.is_some(), announced == 0);
        if announced > 0 {
            let mut other = Assembler::default();
            other.packet(socket::decode(&text, 10).unwrap()).unwrap();
            prop_assert!(other.packet(socket::decode("2[\"y\"]", 10).unwrap()).is_err());
        }
        let mut total = 0;
        for (index, size) in sizes.into_iter().enumerate() {
            total += size;
            let outcome = assembler.attachment(Bytes::from(vec![0; size]), 100);
            if index >= announced {
                prop_assert!(outcome.is_err());
                break;
            }
            if total > 100 {
                prop_assert!(outcome.is_err());
                break;
            }
            let complete = outcome.unwrap();
            prop_assert_eq!(complete.is_some(), index + 1 == announced);
            if let Some(complete) = complete {
                prop_assert_eq!(complete.attachments.len(), announced);
            }
        }
    }
}

#[test]
fn deeply_nested_json_is_passed_on_unread_and_overflows_no_stack() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let PacketBody::Event { args, .. } = socket::decode(&format!("2[\"x\",{deep}]"), 0).unwrap().body else {
        panic!("no event")
    };
    assert_eq!(args[0].get(), deep);
    assert!(serde_json::from_str::<serde_json::Value>(args[0].get()).is_err());
}

#[test]
fn packets_are_read_as_the_protocol_page_shows_them() {
    for (text, namespace, attachments) in [
        ("0", "/", 0),
        (r#"0/admin,{"token":"123"}"#, "/admin", 0),
        ("0/admin?token=1,", "/admin", 0),
        ("1/admin,", "/admin", 0),
        (r#"2["foo"]"#, "/", 0),
        (r#"2/admin,456["project:delete",123]"#, "/admin", 0),
        ("3/admin,456[]", "/admin", 0),
        (r#"51-["hello",{"_placeholder":true,"num":0}]"#, "/", 1),
        (r#"61-/admin,456[{"_placeholder":true,"num":0}]"#, "/admin", 1),
    ] {
        let decoded = socket::decode(text, 10).unwrap();
        assert_eq!((&*decoded.namespace, decoded.attachments), (namespace, attachments), "{text}");
    }
}
