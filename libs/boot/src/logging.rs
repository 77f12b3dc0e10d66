//! Log lines: readable text for people or one JSON object per line for machines, filtered by level, on
//! standard error.
//!
//! Lines carry ids (socket, user, command, thread, queue, gateway, trace). They never carry contents, tokens
//! or addresses of people. The spans around a line give the context that the line does not repeat.

use crate::instance;
use crate::spans::{Spans, is_ours};
use anyhow::Context;
use eventflow_config::{LogFormat, LogSettings, TracingSettings};
use serde_json::json;
use std::io::IsTerminal;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

/// The version of the program, for each line.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Turns off the AMQP client's log of returned messages, which would put message contents into the log. Such
/// returns are normal: frames for a gateway that is gone come back every day.
const PAYLOADS_OFF: &str = "lapin::returned_messages=off";

/// Turns off the AMQP client's own errors. It calls an error what is none: a gateway that asks for its queue
/// before the queue is there, and channels that close with their connection at an orderly end. The adapter
/// says itself when a connection is lost and why.
const CHANNELS_OFF: &str = "lapin::channel=off";

/// Starts logging, and the export of spans if the settings ask for it. Call it once per process, whose name
/// is `service`. Needs a tokio runtime. The process must close the returned spans at its end.
pub fn start(log: &LogSettings, tracing: &TracingSettings, service: &'static str) -> anyhow::Result<Spans> {
    let filter = EnvFilter::try_new(&log.level).context("configuration key `log.level`")?;
    let filter = filter.add_directive(PAYLOADS_OFF.parse().context("a fixed directive")?);
    let filter = filter.add_directive(CHANNELS_OFF.parse().context("a fixed directive")?);
    let spans = Spans::open(tracing, service)?;
    let started = if spans.is_on() {
        // An exported span also gives its ids to the log lines inside it, whatever the log level.
        let filter = filter.or(filter_fn(is_ours).with_max_level_hint(LevelFilter::DEBUG));
        registry().with(lines(log.format, service).with_filter(filter)).with(spans.layer()).try_init()
    } else {
        registry().with(filter).with(lines(log.format, service)).try_init()
    };
    started.context("start logging")?;
    Ok(spans)
}

/// JSON lines that begin with the process they come from, so that the lines of a whole fleet can lie in one
/// place.
struct Signed<F> {
    inner: F,
    /// The beginning of each line.
    signature: String,
}

impl<F> Signed<F> {
    fn by(service: &'static str, inner: F) -> Self {
        let instance = instance::name();
        let text = json!({ "role": service, "instance": instance, "version": VERSION }).to_string();
        Self { inner, signature: text.trim_end_matches('}').to_owned() + "," }
    }
}

impl<S, N, F> FormatEvent<S, N> for Signed<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let mut line = String::new();
        self.inner.format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(&self.signature)?;
        writer.write_str(line.strip_prefix('{').unwrap_or(&line))
    }
}

fn lines<S>(format: LogFormat, service: &'static str) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let lines = fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Pretty => lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => {
            let json = lines.json().flatten_event(true).with_current_span(false).with_span_list(true);
            json.map_event_format(|inner| Signed::by(service, inner)).boxed()
        }
    }
}
