//! REST calls of a load run: create a thread and read its history.

use crate::{error::LoadError, tag::Tag};
use serde::{Deserialize, de::DeserializeOwned};
use std::{borrow::Cow, time::Duration};

/// Page size: the largest that the system allows.
pub const PAGE: usize = 100;
/// Answer limit: a call that takes longer has failed.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Characters of an error's body that are kept.
const KEPT_BODY: usize = 200;

/// A client of the system's REST side.
#[derive(Clone)]
pub struct Rest {
    client: reqwest::Client,
    base: String,
}

/// One message of a history page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Sequence number of the message in its thread.
    pub seq: u32,
    /// Tag of the message; `None` if this run did not send it, or if its id and its content disagree.
    pub tag: Option<Tag>,
}

#[derive(Deserialize)]
struct Created {
    thread: Thread,
}

#[derive(Deserialize)]
struct Thread {
    #[serde(rename = "_id")]
    id: String,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<PageMessage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMessage {
    seq: u32,
    content: String,
    client_message_id: Option<String>,
}

impl Rest {
    /// Creates a client for a base such as `http://127.0.0.1:3000`.
    pub fn new(base: String) -> Result<Self, LoadError> {
        let client = reqwest::Client::builder().timeout(ANSWER_WITHIN).no_proxy().build();
        let client = client.map_err(|source| LoadError::Rest { path: base.clone(), source })?;
        Ok(Self { client, base })
    }

    /// Creates the thread of the token's user and `others`, or finds the existing one. Returns its id.
    pub async fn create_thread(
        &self,
        token: &str,
        others: &[String],
        label: &str,
    ) -> Result<String, LoadError> {
        let path = "/api/v2/messages/threads";
        let body = serde_json::json!({ "participants": others, "metadata": { "run": label } });
        let request = self.client.post(format!("{}{path}", self.base)).bearer_auth(token).json(&body);
        let created: Created = answer(path, request).await?;
        Ok(created.thread.id)
    }

    /// Reads every message after `after`, in ascending order, up to the end.
    pub async fn history(
        &self,
        token: &str,
        run: &str,
        thread: &str,
        after: u32,
    ) -> Result<Vec<Stored>, LoadError> {
        let mut all: Vec<Stored> = Vec::new();
        let mut level = after;
        loop {
            let page = self.page(token, thread, level).await?;
            all.extend(page.iter().map(|message| message.stored(run)));
            let last = page.last().map_or(level, |message| message.seq);
            if page.len() < PAGE || last <= level {
                return Ok(all);
            }
            level = last;
        }
    }

    async fn page(&self, token: &str, thread: &str, after: u32) -> Result<Vec<PageMessage>, LoadError> {
        let path = format!("/api/v2/messages/{thread}?after={after}&limit={PAGE}");
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth(token);
        let page: Page = answer(&path, request).await?;
        Ok(page.messages)
    }
}

impl PageMessage {
    fn stored(&self, run: &str) -> Stored {
        let tag = Tag::parse(run, &self.content).filter(|tag| {
            self.client_message_id.as_ref().is_none_or(|id| {
                let mut expected = String::new();
                tag.write_id(run, &mut expected);
                *id == expected
            })
        });
        Stored { seq: self.seq, tag }
    }
}

async fn answer<T: DeserializeOwned>(path: &str, request: reqwest::RequestBuilder) -> Result<T, LoadError> {
    let failed = |source| LoadError::Rest { path: path.to_owned(), source };
    let response = request.send().await.map_err(failed)?;
    let status = response.status();
    let body = response.bytes().await.map_err(failed)?;
    if !status.is_success() {
        let body: Cow<'_, str> = String::from_utf8_lossy(&body);
        let body = body.chars().take(KEPT_BODY).collect();
        return Err(LoadError::Refused { path: path.to_owned(), status: status.as_u16(), body });
    }
    serde_json::from_slice(&body).map_err(|source| LoadError::Shape { path: path.to_owned(), source })
}
