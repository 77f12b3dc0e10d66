//! The routes of a running system, asked with an administrator's token that this command signs itself:
//! whoever may read the system's secret may do everything anyway.

use crate::client::{HttpClient, Limits};
use crate::secret;
use anyhow::{Context, bail};
use axum::body::Body;
use axum::http::{Method, Request, Uri, header};
use clap::Args;
use eventflow_config::Config;
use eventflow_ingress::identity::Tokens;
use eventflow_ports::{Clock, SystemClock};
use eventflow_protocol::UserId;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

/// A long answer over a slow line still comes within this time.
const LIMITS: Limits = Limits { time: Duration::from_secs(30), bytes: 64 * 1024 * 1024 };
/// How long a token holds. Each request has one of its own, so a command may take longer.
pub(super) const TOKEN_SECONDS: i64 = 300;

/// Characters that stay as they are in a query.
const PLAIN: &[u8] = b"-_.~:";

/// Where the running system is, and as whom it is asked.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArguments {
    /// URL of a gateway that serves REST, http or https; by default the one that this configuration
    /// describes.
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) server: Option<String>,
    /// Who you are, for the audit log.
    #[arg(long, value_name = "USER", default_value = "operator", global = true)]
    pub(crate) by: String,
}

/// A client of the routes.
pub(crate) struct Api {
    base: String,
    by: UserId,
    tokens: Tokens,
    client: HttpClient,
}

impl Api {
    /// For the server that the arguments name.
    pub(crate) fn open(arguments: &ServerArguments, config: &Config) -> anyhow::Result<Self> {
        Self::with_clock(arguments, config, Arc::new(SystemClock))
    }

    /// As [`Api::open`], with tokens of this clock's time.
    pub(super) fn with_clock(
        arguments: &ServerArguments,
        config: &Config,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let by = arguments.by.parse().with_context(|| format!("--by {}", arguments.by))?;
        let tokens = secret::tokens_of_running_system(config, clock)?;
        let base = arguments.server.clone().unwrap_or_else(|| own_address(config));
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { base, by, tokens, client: HttpClient::new(LIMITS)? })
    }

    /// Asks, and reads the answer as `T`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let answer = self.ask(Method::GET, path, None).await?;
        serde_json::from_value(answer).with_context(|| format!("read the answer of {path}"))
    }

    /// Asks, and gives the answer as it is. A refusal is an error with the server's own words.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let url = format!("{}/api/v2{path}", self.base);
        let uri: Uri = url.parse().with_context(|| format!("--server {}", self.base))?;
        let token = self.tokens.mint_as(&self.by, self.by.as_str(), "admin", TOKEN_SECONDS);
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let text = body.map(ToString::to_string).unwrap_or_default();
        let (status, bytes) = self.client.ask(request.body(Body::from(text))?).await?;
        let answer: Value = serde_json::from_slice(&bytes)
            .with_context(|| format!("{url} answered {status} without JSON: it is no gateway"))?;
        if answer["success"] == true {
            return Ok(answer);
        }
        bail!("{status}: {}", answer["error"].as_str().unwrap_or("no reason given"))
    }
}

/// A value in a query or a path.
pub(crate) fn escaped(text: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(escape).collect()
}

/// The address at which this configuration's server listens.
fn own_address(config: &Config) -> String {
    let mut address = config.server.listen;
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}
