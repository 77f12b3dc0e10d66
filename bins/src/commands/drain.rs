//! `eventflow drain`: tells a process to go, as SIGTERM does: it is not ready any more, its clients move to
//! others over `shutdown.spread_ms`, it finishes what it holds and ends.

use crate::client::{HttpClient, Limits, is_connection_refused};
use crate::commands::answer::Answer;
use anyhow::bail;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use clap::Args;
use eventflow_boot::admin::DRAIN_HEADER;
use eventflow_config::Config;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A process answers at once; its answer is a word or two.
const LIMITS: Limits = Limits { time: Duration::from_secs(5), bytes: 64 * 1024 };
/// Pause between two looks whether it is gone.
const LOOK_EVERY: Duration = Duration::from_millis(200);

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
    let client = HttpClient::new(LIMITS)?;
    let (status, answer) = ask(&client, Method::POST, &format!("{base}/drain")).await?;
    if status != StatusCode::ACCEPTED {
        bail!("{base}/drain answered {status}: {}", answer["error"].as_str().unwrap_or("no reason given"));
    }
    let role = answer["role"].as_str().unwrap_or("process").to_owned();
    let is_gone = match arguments.wait {
        Some(seconds) => {
            Some(ends(&client, &format!("{base}/livez"), began + Duration::from_secs(seconds)).await)
        }
        None => None,
    };
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

/// Whether the process is gone before `until`. It is gone when its port is closed, or when what answers there
/// is something else, which does not know the address. A process that is too busy to answer is still there.
async fn ends(client: &HttpClient, livez: &str, until: Instant) -> bool {
    while Instant::now() < until {
        match ask(client, Method::GET, livez).await {
            Ok((StatusCode::NOT_FOUND, _)) => return true,
            Err(error) if is_connection_refused(&error) => return true,
            Ok(_) | Err(_) => sleep(LOOK_EVERY).await,
        }
    }
    false
}

async fn ask(client: &HttpClient, method: Method, url: &str) -> anyhow::Result<(StatusCode, Value)> {
    let request =
        Request::builder().method(method).uri(url).header(DRAIN_HEADER, "now").body(Body::empty())?;
    let (status, body) = client.ask(request).await?;
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_process_that_breaks_a_line_is_still_there_and_one_that_closed_its_port_is_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let livez = format!("http://{}/livez", listener.local_addr().unwrap());
        let process = async {
            let mut asked = [0; 1_024];
            for answer in ["", "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"] {
                let (mut line, _) = listener.accept().await.unwrap();
                assert_ne!(line.read(&mut asked).await.unwrap(), 0);
                line.write_all(answer.as_bytes()).await.unwrap();
            }
            drop(listener);
            Instant::now()
        };
        let client = HttpClient::new(LIMITS).unwrap();
        let waiting = async {
            let is_gone = ends(&client, &livez, Instant::now() + Duration::from_secs(30)).await;
            (is_gone, Instant::now())
        };
        let (closed_at, (is_gone, seen_at)) = tokio::join!(process, waiting);
        assert!(is_gone);
        assert!(seen_at >= closed_at, "not before its port is closed");
    }
}
