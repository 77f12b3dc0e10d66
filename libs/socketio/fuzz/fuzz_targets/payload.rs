//! The body of a polling POST.
#![no_main]

use eventflow_socketio::codec::engine;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &str| {
    if let Ok(packets) = engine::decode_payload(&body.into()) {
        assert_eq!(packets.len(), body.split('\u{1e}').count());
        assert!(packets.len() <= engine::MAX_PACKETS);
    }
});
