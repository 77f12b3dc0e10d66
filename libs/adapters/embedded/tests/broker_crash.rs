//! The broker's process is killed at any moment: what it confirmed is there, once, in order.
//!
//! The child is this test binary again; it runs [`child`] and writes each confirmed number to its standard
//! output.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use eventflow_bus::port::{Broker, Destination, Outgoing};
use eventflow_bus::topology::{Delay, PERSIST};
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::Site;
use tokio::time::timeout;

/// Tells the child where its data is and with which number it begins.
const FOLDER: &str = "EVENTFLOW_TEST_CRASH_FOLDER";
const START: &str = "EVENTFLOW_TEST_CRASH_START";
const KILLS: usize = 20;
/// Numbers of one run.
const RUN: usize = 1_000_000;

#[test]
fn what_was_confirmed_before_a_kill_is_there_once_and_in_order() {
    let site = Site::new();
    let mut confirmed: Vec<Vec<usize>> = vec![Vec::new(); 2];
    for run in 0..KILLS {
        for (queue, number) in run_and_kill(site.folder.path(), run) {
            confirmed[queue].push(number);
        }
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let found = runtime.block_on(everything(&site));
    for (confirmed, found) in confirmed.iter().zip(found) {
        assert!(found.is_sorted_by(|a, b| a < b), "in order and once");
        let all: HashSet<&usize> = found.iter().collect();
        let lost: Vec<&usize> = confirmed.iter().filter(|number| !all.contains(number)).collect();
        assert!(
            lost.is_empty(),
            "{} of {} confirmed are lost: {:?}",
            lost.len(),
            confirmed.len(),
            &lost[..lost.len().min(9)]
        );
        assert!(confirmed.len() > KILLS, "the runs confirmed something: {}", confirmed.len());
    }
}

/// The confirmed numbers of a process that is killed after a while that differs from run to run.
fn run_and_kill(folder: &Path, run: usize) -> Vec<(usize, usize)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(FOLDER, folder)
        .env(START, (run * RUN).to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        output.lines().map_while(Result::ok).filter_map(|line| parse(&line)).collect()
    });
    // sleep: the process is killed at another moment in each run
    std::thread::sleep(Duration::from_millis(30 + (run as u64 * 7_919) % 170));
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

/// A line that the kill cut short is no confirmation.
fn parse(line: &str) -> Option<(usize, usize)> {
    let (queue, number) = line.strip_prefix("confirmed ")?.strip_suffix('.')?.split_once(' ')?;
    Some((queue.parse().ok()?, number.parse().ok()?))
}

async fn everything(site: &Site) -> Vec<Vec<usize>> {
    let opened = site.open().await;
    let mut found = Vec::new();
    for shard in 0..2 {
        let mut subscription = opened.broker.subscribe(PERSIST.shard(shard).name(), 64).await.unwrap();
        let mut numbers = Vec::new();
        while let Ok(incoming) = timeout(Duration::from_secs(2), subscription.next()).await {
            let incoming = incoming.unwrap();
            subscription.ack(&[incoming.tag]).await.unwrap();
            numbers.push(std::str::from_utf8(&incoming.payload).unwrap().parse().unwrap());
        }
        found.push(numbers);
    }
    opened.close().await;
    found
}

/// Publishes until it is killed. Without the variables this is an ordinary run of the tests, and nothing is
/// to be done.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "the parent tells the child where to work; this is no configuration"
)]
fn child() {
    let (Ok(folder), Ok(start)) = (std::env::var(FOLDER), std::env::var(START)) else { return };
    let start: usize = start.parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let opened = Site::at(Path::new(&folder)).await;
        tokio::join!(
            publish(&opened.broker, 0, start),
            publish(&opened.broker, 1, start),
            retry(&opened.broker)
        );
    });
}

async fn publish(broker: &dyn Broker, shard: u16, start: usize) {
    let queue = PERSIST.shard(shard);
    let mut publisher = broker.publisher(None).await.unwrap();
    for first in (start..start + RUN).step_by(7) {
        let numbers = first..first + 1 + first % 7;
        let batch = numbers
            .clone()
            .map(|number| Outgoing::to_queue(queue.name(), number.to_string().into()))
            .collect();
        let results = publisher.publish(batch).await;
        let mut out = std::io::stdout().lock();
        for (number, result) in numbers.zip(results) {
            result.unwrap();
            writeln!(out, "confirmed {shard} {number}.").unwrap();
        }
        out.flush().unwrap();
    }
}

/// Keeps the ladder busy meanwhile, with what comes back to a queue nobody looks at.
async fn retry(broker: &dyn Broker) {
    let mut publisher = broker.publisher(None).await.unwrap();
    loop {
        let to = Destination::Retry { delay: Delay::OneSecond, queue: "email".to_owned() };
        publisher
            .publish(vec![Outgoing { to, ..Outgoing::to_queue("", "again".into()) }])
            .await
            .remove(0)
            .unwrap();
    }
}
