//! A sequence of packets and attachments: lines are packets, what follows a NUL is an attachment.
#![no_main]

use bytes::Bytes;
use eventflow_socketio::codec::attachments::Assembler;
use eventflow_socketio::codec::socket;
use libfuzzer_sys::fuzz_target;

const MAX_BYTES: usize = 1_000;

fuzz_target!(|input: &str| {
    let mut assembler = Assembler::default();
    for line in input.lines() {
        let complete = match line.strip_prefix('\0') {
            Some(data) => assembler.attachment(Bytes::copy_from_slice(data.as_bytes()), MAX_BYTES),
            None => match socket::decode(line, 10) {
                Ok(packet) => assembler.packet(packet),
                Err(_) => return,
            },
        };
        match complete {
            Ok(Some(complete)) => {
                assert_eq!(complete.attachments.len(), complete.packet.attachments);
                assert!(complete.attachments.iter().map(Bytes::len).sum::<usize>() <= MAX_BYTES);
            }
            Ok(None) => {}
            Err(_) => return,
        }
    }
});
