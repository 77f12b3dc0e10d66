//! The routes of a running system, asked with an administrator's token that this command signs itself:
//! whoever may read the system's secret may do everything anyway.

use crate::secret;
use anyhow::{Context, bail};
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Uri, header};
use clap::Args;
use eventflow_config::Config;
use eventflow_ports::SystemClock;
use eventflow_protocol::UserId;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Longest time that an answer may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Largest answer that is read.
const ANSWER_MAX_BYTES: usize = 64 * 1024 * 1024;
/// How long the token holds.
const TOKEN_SECONDS: i64 = 300;

/// Where the running system is, and as whom it is asked.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArguments {
    /// URL of a gateway that serves REST; by default the one that this configuration describes.
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) server: Option<String>,
    /// Who you are, for the audit log.
    #[arg(long, value_name = "USER", default_value = "operator", global = true)]
    pub(crate) by: String,
}

/// A client of the routes.
pub(crate) struct Api {
    base: String,
    token: String,
    client: Client<hyper_util::client::legacy::connect::HttpConnector, Body>,
}

impl Api {
    /// For the server that the arguments name.
    pub(crate) fn open(arguments: &ServerArguments, config: &Config) -> anyhow::Result<Self> {
        let by: UserId = arguments.by.parse().with_context(|| format!("--by {}", arguments.by))?;
        let tokens = secret::tokens_of_running_system(config, Arc::new(SystemClock))?;
        let token = tokens.mint_as(&by, by.as_str(), "admin", TOKEN_SECONDS);
        let base = arguments.server.clone().unwrap_or_else(|| own_address(config));
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            token,
            client: Client::builder(TokioExecutor::new()).build_http(),
        })
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
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let text = body.map(ToString::to_string).unwrap_or_default();
        let asked = timeout(LIMIT, self.client.request(request.body(Body::from(text))?)).await;
        let response = asked.with_context(|| format!("{url}: no answer in {LIMIT:?}"))?;
        let response = response.with_context(|| format!("reach {url}"))?;
        let status = response.status();
        let bytes =
            to_bytes(Body::new(response.into_body()), ANSWER_MAX_BYTES).await.context("read the answer")?;
        let answer: Value = serde_json::from_slice(&bytes)
            .with_context(|| format!("{url} answered {status} without JSON: it is no gateway"))?;
        if answer["success"] == true {
            return Ok(answer);
        }
        bail!("{status}: {}", answer["error"].as_str().unwrap_or("no reason given"))
    }
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
