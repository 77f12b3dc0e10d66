//! One Engine.IO packet and the Socket.IO packet inside it.
#![no_main]

use eventflow_socketio::codec::engine::{self, Inbound};
use eventflow_socketio::codec::socket;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(Inbound::Message(message)) = engine::decode(&text.into()) {
        if let Ok(packet) = socket::decode(&message, 10) {
            assert!(packet.attachments <= 10);
            assert!(packet.namespace.starts_with('/'));
        }
    }
});
