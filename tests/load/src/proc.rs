//! CPU time and memory of the watched processes, from `/proc`.

use serde::Serialize;
use std::{collections::HashMap, fs, str::FromStr};

/// Clock ticks per second in `/proc/PID/stat`: 100 on every current Linux, whatever the kernel's own tick.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process to watch: `name=PID`, or `name=PID+` to count its children too (RabbitMQ's launcher and beam).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Name in the report.
    pub name: String,
    /// Process id.
    pub pid: u32,
    /// Whether all descendants count too.
    pub children: bool,
}

impl FromStr for Watched {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once('=').ok_or("expected name=PID or name=PID+")?;
        let children = rest.ends_with('+');
        let pid = rest.trim_end_matches('+').parse().map_err(|error| format!("PID: {error}"))?;
        Ok(Self { name: name.to_owned(), pid, children })
    }
}

/// What a process used between two times.
#[derive(Debug, Clone, Serialize)]
pub struct Usage {
    /// Name in the report.
    pub name: String,
    /// CPU seconds, user and system, of all threads; `None` if the process was gone at either end.
    pub cpu_s: Option<f64>,
    /// CPU seconds per 1,000 messages.
    pub cpu_s_per_1000: Option<f64>,
    /// Resident memory at the end, in bytes.
    pub rss: Option<u64>,
}

/// CPU seconds of every watched process and of this one, at one time.
#[derive(Debug, Clone)]
pub struct Snapshot {
    watched: Vec<Option<f64>>,
    own: f64,
}

impl Snapshot {
    /// Takes a snapshot now.
    pub fn take(watched: &[Watched]) -> Self {
        let watched = watched.iter().map(|process| process.sum(cpu_s)).collect();
        Self { watched, own: cpu_s(std::process::id()).unwrap_or_default() }
    }

    /// What each process used from here to `end`, for `messages` messages.
    pub fn usage_until(&self, end: &Self, watched: &[Watched], messages: u64) -> Vec<Usage> {
        let used = self.watched.iter().zip(&end.watched);
        let lines = watched.iter().zip(used).map(|(process, (before, after))| {
            let cpu_s = before.zip(*after).map(|(before, after)| after - before);
            process.usage(cpu_s, messages)
        });
        lines.collect()
    }

    /// CPU seconds that this process itself used from here to `end`.
    pub fn own_until(&self, end: &Self) -> f64 {
        end.own - self.own
    }
}

impl Watched {
    /// Resident memory in bytes.
    pub fn rss(&self) -> Option<u64> {
        self.sum(|pid| rss(pid).map(|bytes| bytes as f64)).map(whole)
    }

    fn usage(&self, cpu_s: Option<f64>, messages: u64) -> Usage {
        let cpu_s_per_1000 = cpu_s.filter(|_| messages > 0).map(|cpu_s| cpu_s * 1_000.0 / messages as f64);
        Usage { name: self.name.clone(), cpu_s, cpu_s_per_1000, rss: self.rss() }
    }

    fn sum(&self, of: impl Fn(u32) -> Option<f64>) -> Option<f64> {
        let own = of(self.pid)?;
        let children: f64 =
            if self.children { descendants(self.pid).into_iter().filter_map(of).sum() } else { 0.0 };
        Some(own + children)
    }
}

/// User and system CPU seconds of a process, all threads.
fn cpu_s(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (user, system) = (stat_field(&stat, 11)?, stat_field(&stat, 12)?);
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

/// Resident memory of a process in bytes: exact where the kernel offers it, else the kernel's estimate.
fn rss(pid: u32) -> Option<u64> {
    let exact = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"));
    let text = exact.or_else(|_| fs::read_to_string(format!("/proc/{pid}/status"))).ok()?;
    let line =
        text.lines().find_map(|line| line.strip_prefix("Rss:").or_else(|| line.strip_prefix("VmRSS:")))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// A field of `/proc/PID/stat`, counted from the one after the command name.
fn stat_field(stat: &str, index: usize) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(index)?.parse().ok()
}

fn descendants(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
    {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if let Some(parent) = stat_field(&stat, 1).and_then(|parent| u32::try_from(parent).ok()) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = children.remove(&root).unwrap_or_default();
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    found
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of byte counts")]
fn whole(bytes: f64) -> u64 {
    bytes as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_named_by_name_and_pid() {
        let watched: Watched = "beam=12+".parse().unwrap();
        assert_eq!(watched, Watched { name: "beam".to_owned(), pid: 12, children: true });
        assert!("beam".parse::<Watched>().is_err());
        assert!("beam=x".parse::<Watched>().is_err());
    }

    #[test]
    fn a_command_name_with_spaces_and_brackets_does_not_shift_the_fields() {
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0";
        assert_eq!(
            (stat_field(stat, 1), stat_field(stat, 11), stat_field(stat, 12)),
            (Some(1), Some(150), Some(50))
        );
    }

    #[test]
    fn this_process_has_memory_and_a_parent_that_lists_it() {
        let own = Watched { name: "own".to_owned(), pid: std::process::id(), children: false };
        assert!(own.rss().unwrap() > 100_000);
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        let parent = u32::try_from(stat_field(&stat, 1).unwrap()).unwrap();
        assert!(descendants(parent).contains(&std::process::id()));
    }

    #[test]
    fn a_process_that_is_gone_gives_nothing() {
        let gone = Watched { name: "gone".to_owned(), pid: u32::MAX - 1, children: false };
        let (before, after) =
            (Snapshot::take(std::slice::from_ref(&gone)), Snapshot::take(std::slice::from_ref(&gone)));
        assert_eq!(before.usage_until(&after, &[gone], 10)[0].cpu_s, None);
    }
}
