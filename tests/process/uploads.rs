//! A file of a gigabyte, by tus: the process takes it with the memory of a few parts, keeps what has come
//! when the connection is cut, and also when it is killed.
//!
//! The bytes are made on the way and are those that arrive, by their hash.

use eventflow_testkit::{System, eventually};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The file.
const SIZE: u64 = 1 << 30;
/// Bytes that are made at a time.
const BLOCK: usize = 1 << 20;
/// Where the first connection is cut, and where the process is killed.
const CUT: u64 = 300 << 20;
const KILL: u64 = 640 << 20;
/// What the process may need for an upload, beyond what it needs anyway.
const GROWTH_MAX_KB: u64 = 32 * 1024;
/// What is uploaded before memory is measured: the first upload makes what all of them use.
const FIRST: u64 = 24 << 20;
const SETTINGS: [(&str, &str); 3] =
    [("ATTACHMENTS_FILE_MAX_MB", "1200"), ("ATTACHMENTS_USER_QUOTA_MB", "0"), ("REST_PER_MINUTE_USER", "0")];

#[tokio::test(flavor = "multi_thread")]
async fn a_gigabyte_is_taken_with_little_memory_and_goes_on_after_a_cut_and_a_kill() {
    let mut stage = Stage::new().await;
    let first = stage.begin(FIRST).await;
    assert_eq!(stage.send(&first, 0, FIRST, FIRST).await, Some(StatusCode::NO_CONTENT));

    let id = stage.begin(SIZE).await;
    let before = stage.resident_kb();
    assert_eq!(stage.send(&id, 0, CUT, SIZE).await, None, "the connection is cut");
    let kept = eventually("what has come is kept", async || {
        let offset = stage.offset(&id).await;
        (offset > CUT - (8 << 20)).then_some(offset)
    });
    let kept = kept.await.unwrap();
    assert!(kept <= CUT);
    let grown = stage.peak_kb.saturating_sub(before);
    assert!(grown <= GROWTH_MAX_KB, "{grown} KB more than before");

    // Killed while bytes are on their way.
    let (sent, ()) = {
        let url = stage.system.url("");
        let token = stage.token.clone();
        let going = send(&url, &token, &id, kept, KILL, SIZE);
        let process = stage.system.process("http-gateway");
        let kill = async {
            going.await;
            process.kill().await.unwrap();
        };
        (KILL, kill.await)
    };
    stage.system.start_again("http-gateway").await.unwrap();
    let offset = stage.offset(&id).await;
    assert!(offset > kept && offset <= sent, "{offset}: what was kept is there");
    let warm = stage.begin(FIRST).await;
    assert_eq!(stage.send(&warm, 0, FIRST, FIRST).await, Some(StatusCode::NO_CONTENT));
    let before = stage.resident_kb();
    stage.peak_kb = before;
    // The killed process still holds the upload for some seconds.
    let finished = eventually("the upload is taken over", async || {
        let status = stage.send(&id, offset, SIZE, SIZE).await;
        assert!(matches!(status, None | Some(StatusCode::LOCKED | StatusCode::NO_CONTENT)), "{status:?}");
        (status == Some(StatusCode::NO_CONTENT)).then_some(())
    });
    finished.await.unwrap();
    let grown = stage.peak_kb.saturating_sub(before);
    assert!(grown <= GROWTH_MAX_KB, "{grown} KB more than before");

    let info: Value = stage.get(&format!("{id}/info")).await.json().await.unwrap();
    assert_eq!(info["attachment"]["size"], SIZE);
    let tag = stage.get(&id).await.headers()["etag"].to_str().unwrap().trim_matches('"').to_owned();
    let mut hash = Sha256::new();
    for number in 0..SIZE / BLOCK as u64 {
        hash.update(block(number));
    }
    let bytes = (0..tag.len()).step_by(2).map(|at| u8::from_str_radix(&tag[at..at + 2], 16).unwrap());
    assert_eq!(bytes.collect::<Vec<_>>(), hash.finalize().to_vec(), "every byte is the one that was sent");
}

struct Stage {
    system: System,
    http: Client,
    token: String,
    /// The most that the process has needed since it was set.
    peak_kb: u64,
}

impl Stage {
    async fn new() -> Self {
        let system = System::single(&SETTINGS).await.unwrap();
        let token = system.token("ann").await.unwrap();
        Self { system, http: Client::new(), token, peak_kb: 0 }
    }

    /// Creates an upload; gives its id.
    async fn begin(&self, length: u64) -> String {
        let url = self.system.url("/api/v2/attachments/tus");
        let call = self.http.post(url).bearer_auth(&self.token).header("tus-resumable", "1.0.0");
        let answer = call.header("upload-length", length).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn offset(&self, id: &str) -> u64 {
        let url = self.system.url(&format!("/api/v2/attachments/tus/{id}"));
        let call = self.http.head(url).bearer_auth(&self.token).header("tus-resumable", "1.0.0");
        call.send().await.unwrap().headers()["upload-offset"].to_str().unwrap().parse().unwrap()
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        let url = self.system.url(&format!("/api/v2/attachments/{path}"));
        self.http.get(url).bearer_auth(&self.token).send().await.unwrap()
    }

    /// Memory of the process now.
    fn resident_kb(&mut self) -> u64 {
        let pid = self.system.process("http-gateway").id().unwrap();
        resident_kb(pid)
    }

    /// As [`send`], and notes what the process needs meanwhile.
    async fn send(&mut self, id: &str, from: u64, to: u64, announced: u64) -> Option<StatusCode> {
        let pid = self.system.process("http-gateway").id().unwrap();
        let url = self.system.url("");
        let going = send(&url, &self.token, id, from, to, announced);
        tokio::pin!(going);
        loop {
            tokio::select! {
                status = &mut going => return status,
                // sleep: between two looks at the memory of a process.
                () = tokio::time::sleep(Duration::from_millis(20)) => {
                    self.peak_kb = self.peak_kb.max(resident_kb(pid));
                }
            }
        }
    }
}

/// Sends the bytes of the file from one place to another, in a request that announces all up to `announced`.
/// Gives the status of the answer; `None` if the connection ended before there was one.
async fn send(url: &str, token: &str, id: &str, from: u64, to: u64, announced: u64) -> Option<StatusCode> {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.ok()?;
    let head = format!(
        "PATCH /api/v2/attachments/tus/{id} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Tus-Resumable: 1.0.0\r\nUpload-Offset: {from}\r\nContent-Type: application/offset+octet-stream\r\n\
         Content-Length: {}\r\n\r\n",
        announced - from
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut at = from;
    while at < to {
        let bytes = block(at / BLOCK as u64);
        let start = usize::try_from(at % BLOCK as u64).unwrap();
        let end = BLOCK.min(start + usize::try_from(to - at).unwrap_or(usize::MAX));
        if stream.write_all(&bytes[start..end]).await.is_err() {
            break;
        }
        at += (end - start) as u64;
    }
    if to < announced {
        return None;
    }
    let mut answer = vec![0; 1_024];
    let length = stream.read(&mut answer).await.ok()?;
    let head = String::from_utf8_lossy(&answer[..length]).into_owned();
    StatusCode::from_bytes(head.split(' ').nth(1)?.as_bytes()).ok()
}

/// A block of the file: each is another.
fn block(number: u64) -> Vec<u8> {
    let mut bytes = vec![0x5A; BLOCK];
    for (place, chunk) in bytes.chunks_mut(4_096).enumerate() {
        let stamp = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(place as u64);
        chunk[..8].copy_from_slice(&stamp.to_le_bytes());
    }
    bytes
}

fn resident_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
