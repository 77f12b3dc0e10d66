//! The webhook of the mail provider: mails that came back, and people who complained.
//!
//! The body has Postmark's format. Events that concern an address become changes of the suppression list, as
//! commands like every other write; all other events are accepted and mean nothing here, and so do those of
//! other message streams than the one that our mails belong to: Postmark's lists are by stream. Safe to
//! repeat because an address that is on the list stays there as it is. Postmark repeats a report that was not
//! answered with 200, so a report is answered so only once the broker has it.

use crate::edge::Edge;
use crate::http::body::JsonBody;
use crate::http::refusal_response::RefusalResponse;
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::State;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use eventflow_protocol::client::answers::DoneAnswer;
use eventflow_protocol::command::Command;
use eventflow_protocol::mail::{ChangeSuppression, SuppressionChange, SuppressionReason, one_line};
use eventflow_protocol::{ErrorCode, MailAddress};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Deserializer};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// The header form of the secret, for providers that cannot send a user and a password.
pub(crate) const SECRET_HEADER: &str = "x-webhook-secret";
/// Kinds of bounces that say that an address does not exist or gets no mail any more. Others (`Blocked`,
/// `SpamNotification`) are about one mail or its sender: they count only if the provider itself has stopped.
const HARD: [&str; 3] = ["HardBounce", "BadEmailAddress", "ManuallyDeactivated"];

/// An event as Postmark reports it: of its many fields those that say what happened to which address.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Report {
    /// `Bounce`, `SpamComplaint`, `SubscriptionChange`, and others.
    #[serde(deserialize_with = "or_default")]
    record_type: String,
    /// The kind of a bounce, such as `HardBounce` or `Transient`.
    #[serde(rename = "Type", deserialize_with = "or_default")]
    kind: String,
    /// The address of a bounce or complaint.
    #[serde(deserialize_with = "or_default")]
    email: String,
    /// The address of a change of the provider's own list.
    #[serde(deserialize_with = "or_default")]
    recipient: String,
    /// Whether the provider sends no more mail to the address.
    #[serde(deserialize_with = "or_default")]
    inactive: bool,
    /// Whether the address is on the provider's list.
    suppress_sending: Option<bool>,
    /// Why it is: `HardBounce`, `SpamComplaint` or `ManualSuppression`.
    suppression_reason: Option<String>,
    /// More about a bounce.
    #[serde(deserialize_with = "or_default")]
    description: String,
    /// The message stream that it is about; empty: ours.
    #[serde(deserialize_with = "or_default")]
    message_stream: String,
}

/// `POST /email/webhook`: takes a report of the mail provider.
pub(crate) async fn report(
    State(edge): State<Arc<Edge>>,
    headers: HeaderMap,
    body: Result<JsonBody<Report>, RefusalResponse>,
) -> Result<Json<DoneAnswer>, RefusalResponse> {
    let secret = edge.webhook_secret.as_deref().ok_or_else(no_webhook)?;
    if !is_authentic(&headers, secret) {
        return Err(Refusal::new(
            ErrorCode::Unauthenticated,
            "the secret of the webhook is missing or wrong",
        )
        .into());
    }
    let JsonBody(report) = body?;
    let is_ours = report.message_stream.is_empty() || report.message_stream == *edge.mail_stream;
    let Some((address, change)) = report.meaning().filter(|_| is_ours) else {
        return Ok(Json(DoneAnswer::default()));
    };
    let change = ChangeSuppression { address, change, at: edge.clock.now() };
    // What is queued will be done; only a broker that does not take it is a reason for another report.
    edge.commands.send_command(&Command::ChangeSuppression(change)).await?.result().await?;
    Ok(Json(DoneAnswer::default()))
}

impl Report {
    /// The change of the list that the report asks for, if any.
    fn meaning(&self) -> Option<(MailAddress, SuppressionChange)> {
        let suppress = |reason| SuppressionChange::Suppress { reason, detail: self.detail() };
        let (address, change) = match self.record_type.as_str() {
            "Bounce" if self.kind == "SpamComplaint" => (&self.email, suppress(SuppressionReason::Complaint)),
            "Bounce" if self.inactive || HARD.contains(&self.kind.as_str()) => {
                (&self.email, suppress(SuppressionReason::Bounce))
            }
            "SpamComplaint" => (&self.email, suppress(SuppressionReason::Complaint)),
            "SubscriptionChange" if self.suppress_sending? => {
                (&self.recipient, suppress(self.suppression_reason()))
            }
            "SubscriptionChange" => (&self.recipient, SuppressionChange::Lift),
            _ => return None,
        };
        Some((address.trim().parse().ok()?, change))
    }

    fn suppression_reason(&self) -> SuppressionReason {
        match self.suppression_reason.as_deref() {
            Some("HardBounce") => SuppressionReason::Bounce,
            Some("SpamComplaint") => SuppressionReason::Complaint,
            _ => SuppressionReason::Provider,
        }
    }

    /// A line about it, without the address, which stands beside it.
    fn detail(&self) -> String {
        let kind = if self.kind.is_empty() {
            self.suppression_reason.as_deref().unwrap_or_default()
        } else {
            &self.kind
        };
        one_line(format!("{kind}: {}", self.description).trim_end_matches([' ', ':']))
    }
}

/// What is null counts as not given.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(value: D) -> Result<T, D::Error> {
    Option::deserialize(value).map(Option::unwrap_or_default)
}

fn no_webhook() -> RefusalResponse {
    Refusal::new(ErrorCode::Unknown, "there is no such route").into()
}

/// Whether the request has the secret, as the password of HTTP Basic authentication or in a header. Takes the
/// same time for every wrong secret of one length.
fn is_authentic(headers: &HeaderMap, secret: &str) -> bool {
    let is_it = |given: &[u8]| bool::from(given.ct_eq(secret.as_bytes()));
    let in_header = headers.get(SECRET_HEADER).is_some_and(|value| is_it(value.as_bytes()));
    in_header || password(headers).is_some_and(|given| is_it(&given))
}

fn password(headers: &HeaderMap) -> Option<Vec<u8>> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    let decoded =
        scheme.eq_ignore_ascii_case("basic").then(|| BASE64.decode(encoded.trim()).ok()).flatten()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some(decoded[colon + 1..].to_vec())
}
