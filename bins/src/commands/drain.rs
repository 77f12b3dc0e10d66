//! `eventflow drain`: tells a process to go, as SIGTERM does: it is not ready any more, its clients move to
//! others over `shutdown.spread_ms`, it finishes what it holds and ends.

use crate::commands::answer::Answer;
use anyhow::{Context, bail};
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use clap::Args;
use eventflow_boot::admin::DRAIN_HEADER;
use eventflow_config::Config;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Longest time that the process may take to answer.
const LIMIT: Duration = Duration::from_secs(5);
/// Pause between two looks whether it is gone.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Largest answer that is read.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// The arguments of `drain`.
#[derive(Clone, Debug, Args)]
pub struct DrainArguments {
    /// Address of the process's operators' endpoints; by default that of this configuration.
    #[arg(long, value_name = "URL")]
    pub admin: Option<String>,
    /// Waits until the process is gone, at most so many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub wait: Option<u64>,
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
}

/// Exit code 3 if the process is still there after `--wait`.
pub(crate) async fn drain(arguments: &DrainArguments, config: &Config) -> anyhow::Result<Answer> {
    let base = arguments.admin.clone().unwrap_or_else(|| format!("http://{}", config.admin.listen));
    let base = base.trim_end_matches('/');
    let began = Instant::now();
    let (status, answer) = ask(Method::POST, &format!("{base}/drain")).await?;
    if status != StatusCode::ACCEPTED {
        bail!("{base}/drain answered {status}: {}", answer["error"].as_str().unwrap_or("no reason given"));
    }
    let role = answer["role"].as_str().unwrap_or("process").to_owned();
    let mut is_gone = None;
    if let Some(seconds) = arguments.wait {
        let until = began + Duration::from_secs(seconds);
        while ask(Method::GET, &format!("{base}/livez")).await.is_ok() && Instant::now() < until {
            sleep(LOOK_EVERY).await;
        }
        is_gone = Some(Instant::now() < until);
    }
    let seconds = (began.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    let answer = if arguments.json {
        Answer::json(&json!({"role": role, "gone": is_gone, "seconds": seconds}))?
    } else {
        Answer::of(match is_gone {
            None => format!("{role}: drains\n"),
            Some(true) => format!("{role}: gone after {seconds} s\n"),
            Some(false) => format!("{role}: still there after {seconds} s\n"),
        })
    };
    Ok(answer.found(is_gone == Some(false)))
}

async fn ask(method: Method, url: &str) -> anyhow::Result<(StatusCode, Value)> {
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let request =
        Request::builder().method(method).uri(url).header(DRAIN_HEADER, "now").body(Body::empty())?;
    let asked = timeout(LIMIT, client.request(request)).await;
    let response = asked.with_context(|| format!("{url}: no answer in {LIMIT:?}"))?;
    let response = response.with_context(|| format!("reach {url}"))?;
    let status = response.status();
    let body =
        to_bytes(Body::new(response.into_body()), ANSWER_MAX_BYTES).await.context("read the answer")?;
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}
