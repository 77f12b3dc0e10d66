//! `eventflow import-v1`: imports threads and messages of the old messaging system into this one.
//!
//! The import only reads the old database. New ids follow from the old ones, so it is safe to repeat: after
//! an interruption, or to fetch what was written meanwhile, the import finds what it did before and adds the
//! rest. The import sends no events, so it notifies nobody. It leaves out what it cannot map, counts that by
//! reason with examples, and goes on with the rest.

mod mapping;
mod summary;
mod target;
mod writer;

use crate::import::summary::Summary;
use crate::import::target::Target;
use crate::import::writer::Writer;
use crate::markup::markup;
use anyhow::{Context, ensure};
use clap::Args;
use eventflow_config::Config;
use eventflow_mongo::{LegacyMessage, LegacyStore, LegacyThread};
use std::collections::HashMap;
use std::io::Write;

/// Default batch size: messages written in one call, as many as a worker writes.
const DEFAULT_BATCH: u16 = 256;
/// Progress interval: messages between two progress lines.
const PROGRESS_EVERY: u64 = 1_000;

/// The arguments of the import.
#[derive(Clone, Debug, Args)]
pub struct ImportV1 {
    /// URI of the old system's database, `mongodb://…`. The import only reads it.
    #[arg(long, value_name = "URI")]
    pub from: String,
    /// Name of the old database, if the URI does not name it.
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
    /// Batch size: messages written at once, 1 to 1000.
    #[arg(long, default_value_t = DEFAULT_BATCH, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub batch: u16,
    /// Reads and maps everything and writes nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Imports into the configured store, with progress on standard error. Returns the summary to print.
pub fn run(arguments: &ImportV1, config: &Config) -> anyhow::Result<String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    let summary = runtime.block_on(import(arguments, config, &mut std::io::stderr()));
    // Only tasks of drivers are left; they must not delay the exit.
    runtime.shutdown_background();
    summary
}

async fn import(arguments: &ImportV1, config: &Config, progress: &mut impl Write) -> anyhow::Result<String> {
    let source =
        LegacyStore::connect(&arguments.from, arguments.database.as_deref()).await.context("--from")?;
    // With a prefix the two have collections of their own in one database.
    if !config.embedded_store() && config.store.collection_prefix.is_empty() {
        let is_same = source.is_at(config.store.url.expose()).await.context("store.url")?;
        ensure!(
            !is_same,
            "--from is the database of store.url: the old collections need a database of their own, or this \
             system's a prefix (store.collection_prefix)"
        );
    }
    let target = if arguments.dry_run { None } else { Some(Target::open(config).await?) };
    let store = target.as_ref().map(Target::store);
    let writer = Writer::new(store, usize::from(arguments.batch), markup(config));
    let imported = Import::new(writer).run(&source, progress).await;
    source.close().await;
    if let Some(target) = target {
        target.close().await;
    }
    imported
        .map(|summary| summary.to_string())
        .context("import-v1 was interrupted; run it again, it goes on with what is missing")
}

/// An import in progress.
struct Import {
    writer: Writer,
    threads: Vec<LegacyThread>,
    /// Every name of a thread, with the thread's index in `threads`.
    names: HashMap<String, usize>,
    /// Whether each thread was handed to the writer with its messages.
    is_done: Vec<bool>,
    /// Number of message groups that each thread still gets, one for each name by which messages refer to it.
    groups: Vec<usize>,
    /// Messages of threads that get more groups, held until the last group.
    held: HashMap<usize, Vec<LegacyMessage>>,
}

impl Import {
    fn new(writer: Writer) -> Self {
        Self {
            writer,
            threads: Vec::new(),
            names: HashMap::new(),
            is_done: Vec::new(),
            groups: Vec::new(),
            held: HashMap::new(),
        }
    }

    async fn run(mut self, source: &LegacyStore, progress: &mut impl Write) -> anyhow::Result<Summary> {
        let (threads, messages) = source.counts().await?;
        report(progress, format_args!("about {threads} threads and {messages} messages to read"));
        let mut cursor = source.threads().await?;
        loop {
            let page = cursor.next_page().await?;
            if page.is_empty() {
                break;
            }
            for thread in page {
                self.know(thread);
            }
        }
        // Messages may call one thread by several names. Each name is one group of messages, so counting the
        // names tells when a thread is complete.
        for name in source.thread_names().await? {
            self.expect(&name);
        }
        let mut cursor = source.messages().await?;
        let mut group = Vec::new();
        let mut read = 0;
        let mut reported = 0;
        loop {
            let page = cursor.next_page().await?;
            if page.is_empty() {
                break;
            }
            read += page.len() as u64;
            for message in page {
                self.take(message, &mut group).await?;
            }
            if read >= reported + PROGRESS_EVERY {
                reported = read;
                report(progress, format_args!("{read} of about {messages} messages read"));
            }
        }
        self.write(&mut group).await?;
        self.write_the_rest().await?;
        Ok(self.writer.finish())
    }

    fn know(&mut self, thread: LegacyThread) {
        for name in &thread.names {
            self.names.entry(name.clone()).or_insert(self.threads.len());
        }
        self.threads.push(thread);
        self.is_done.push(false);
        self.groups.push(0);
    }

    /// Notes that messages refer to a thread by this name.
    fn expect(&mut self, name: &str) {
        if let Some(at) = self.names.get(name) {
            self.groups[*at] += 1;
        }
    }

    /// Adds a message to the group of its thread. The first message of the next thread writes the group.
    async fn take(&mut self, message: LegacyMessage, group: &mut Vec<LegacyMessage>) -> anyhow::Result<()> {
        if group.last().is_some_and(|last| last.thread != message.thread) {
            self.write(group).await?;
        }
        group.push(message);
        Ok(())
    }

    async fn write(&mut self, group: &mut Vec<LegacyMessage>) -> anyhow::Result<()> {
        let messages = std::mem::take(group);
        let Some(first) = messages.first() else { return Ok(()) };
        let Some(name) = first.thread.clone() else {
            self.writer.leave_out(&messages, "it names no thread");
            return Ok(());
        };
        let Some(at) = self.names.get(&name).copied() else {
            // The old database has no document of this thread, so the authors of its messages are its people.
            let unknown = LegacyThread { id: name, ..LegacyThread::default() };
            return Ok(self.writer.write(&unknown, messages).await?);
        };
        // The last of the thread's groups completes it.
        self.held.entry(at).or_default().extend(messages);
        self.groups[at] = self.groups[at].saturating_sub(1);
        if self.groups[at] == 0 { self.write_thread(at).await } else { Ok(()) }
    }

    /// Writes a thread's messages together, since their order is that of their times.
    async fn write_thread(&mut self, at: usize) -> anyhow::Result<()> {
        self.is_done[at] = true;
        let messages = self.held.remove(&at).unwrap_or_default();
        Ok(self.writer.write(&self.threads[at], messages).await?)
    }

    /// Writes the threads without messages, and those whose other messages were deleted meanwhile.
    async fn write_the_rest(&mut self) -> anyhow::Result<()> {
        for at in 0..self.threads.len() {
            if !self.is_done[at] {
                self.write_thread(at).await?;
            }
        }
        Ok(())
    }
}

/// Writes a progress line. A failure is ignored, because an unreadable progress is no reason to stop the
/// import.
fn report(progress: &mut impl Write, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(progress, "import-v1: {line}");
}

#[cfg(test)]
mod tests;
