//! Readiness: whether this process should get work, and if not, why. Load balancers and people ask for it,
//! and the answer comes from live state.
//!
//! Each part registers a check that reads what the part already knows and answers at once, and says how much
//! it matters ([`Need`]). A server that all processes share must not take every process out of the balancer
//! at once: clients would get no answer at all instead of one that says what cannot be done now. What is
//! wrong although the process is ready is an *impairment*. Draining overrides everything.

use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

type Check = Box<dyn Fn() -> Result<(), String> + Send + Sync>;
type Warning = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// How much a part matters for the readiness of its process. Until every part was usable at once for the
/// first time, the process is starting, and all of them matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Without the part the process does nothing useful.
    Always,
    /// One of the parts with this need is enough to do something useful.
    OneOf,
    /// Once the process has started, it is ready without the part.
    AtStart,
}

/// The checks of a process. Clones share them.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Checks>);

#[derive(Default)]
struct Checks {
    draining: AtomicBool,
    /// Whether every part was usable at once.
    started: AtomicBool,
    conditions: RwLock<BTreeMap<String, (Need, Check)>>,
    warnings: RwLock<BTreeMap<String, Warning>>,
    /// Since when each part that cannot be used now was seen like that.
    since: Mutex<BTreeMap<String, Instant>>,
}

/// A part that cannot be used now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The reason.
    pub why: String,
    /// Since when it was seen.
    pub since: Instant,
}

/// Where the process stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Whether it is shutting down.
    pub is_draining: bool,
    /// Whether every part was usable at once since the process began.
    pub has_started: bool,
    /// Why the process is not ready, by part. Empty if it is ready or only draining.
    pub reasons: BTreeMap<String, Problem>,
    /// What cannot be used now although the process is ready, by part.
    pub impairments: BTreeMap<String, Problem>,
}

impl State {
    /// Whether the process should get work.
    pub fn is_ready(&self) -> bool {
        !self.is_draining && self.reasons.is_empty()
    }

    /// The state in one word, for people: `draining`, `starting`, `not ready`, `impaired` or `ready`.
    pub fn word(&self) -> &'static str {
        match self {
            Self { is_draining: true, .. } => "draining",
            Self { has_started: false, .. } => "starting",
            state if !state.is_ready() => "not ready",
            Self { impairments, .. } if !impairments.is_empty() => "impaired",
            _ => "ready",
        }
    }
}

impl Readiness {
    /// Registers a part. `check` returns `Err` with the reason if the part cannot be used, and never waits.
    pub fn add(
        &self,
        part: impl Into<String>,
        need: Need,
        check: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) {
        self.0.conditions.write().insert(part.into(), (need, Box::new(check)));
    }

    /// Registers a part that can be used although an operator should mend something. `warning` says what,
    /// and never waits.
    pub fn warn(
        &self,
        part: impl Into<String>,
        warning: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) {
        self.0.warnings.write().insert(part.into(), Box::new(warning));
    }

    /// What an operator should mend, by part. It does not concern whether the process is ready.
    pub fn warnings(&self) -> BTreeMap<String, String> {
        let warnings = self.0.warnings.read();
        warnings.iter().filter_map(|(part, warning)| Some((part.clone(), warning()?))).collect()
    }

    /// Marks the process as not ready from now on, because it is shutting down.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::SeqCst);
    }

    /// Where the process stands at this moment.
    pub fn state(&self) -> State {
        let conditions = self.0.conditions.read();
        let failing = conditions
            .iter()
            .filter_map(|(part, (need, check))| Some((part.clone(), *need, check().err()?)))
            .collect::<Vec<_>>();
        if failing.is_empty() {
            self.0.started.store(true, Ordering::SeqCst);
        }
        let has_started = self.0.started.load(Ordering::SeqCst);
        let alternatives = conditions.values().filter(|(need, _)| *need == Need::OneOf).count();
        let away = failing.iter().filter(|(_, need, _)| *need == Need::OneOf).count();
        let is_reason = |need| match need {
            _ if !has_started => true,
            Need::Always => true,
            Need::OneOf => away == alternatives,
            Need::AtStart => false,
        };
        let mut since = self.0.since.lock();
        since.retain(|part, _| failing.iter().any(|(failing, ..)| failing == part));
        let mut state =
            State { is_draining: self.0.draining.load(Ordering::SeqCst), has_started, ..State::default() };
        for (part, need, why) in failing {
            let since = *since.entry(part.clone()).or_insert_with(Instant::now);
            let parts = if is_reason(need) { &mut state.reasons } else { &mut state.impairments };
            parts.insert(part, Problem { why, since });
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::{Need, Problem, Readiness};
    use std::collections::BTreeMap;

    fn names(problems: &BTreeMap<String, Problem>) -> Vec<&str> {
        problems.keys().map(String::as_str).collect()
    }

    fn up(readiness: &Readiness, part: &str, need: Need) {
        readiness.add(part, need, || Ok(()));
    }

    fn down(readiness: &Readiness, part: &str, need: Need) {
        readiness.add(part, need, || Err("down".into()));
    }

    #[test]
    fn a_process_has_started_when_every_part_can_be_used() {
        let readiness = Readiness::default();
        down(&readiness, "store", Need::OneOf);
        up(&readiness, "broker", Need::OneOf);
        down(&readiness, "queue", Need::AtStart);
        let state = readiness.state();
        assert_eq!((names(&state.reasons), state.is_ready()), (vec!["queue", "store"], false));
        up(&readiness, "store", Need::OneOf);
        up(&readiness, "queue", Need::AtStart);
        let state = readiness.state();
        assert!(state.is_ready() && state.has_started);
    }

    #[test]
    fn a_server_that_is_away_impairs_a_process_that_can_do_something_without_it() {
        let readiness = Readiness::default();
        for (part, need) in [("store", Need::OneOf), ("broker", Need::OneOf), ("queue", Need::AtStart)] {
            up(&readiness, part, need);
        }
        assert!(readiness.state().is_ready());
        down(&readiness, "store", Need::OneOf);
        down(&readiness, "queue", Need::AtStart);
        let state = readiness.state();
        assert!(state.is_ready());
        assert_eq!(names(&state.impairments), ["queue", "store"]);
        let again = readiness.state();
        assert_eq!(again.impairments["store"].since, state.impairments["store"].since, "it goes on");
        down(&readiness, "broker", Need::OneOf);
        let state = readiness.state();
        assert_eq!((names(&state.reasons), state.is_ready()), (vec!["broker", "store"], false));
    }

    #[test]
    fn a_process_is_not_ready_without_what_it_always_needs_and_never_while_draining() {
        let readiness = Readiness::default();
        up(&readiness, "store", Need::Always);
        assert!(readiness.state().is_ready());
        down(&readiness, "store", Need::Always);
        assert_eq!(names(&readiness.state().reasons), ["store"]);
        up(&readiness, "store", Need::Always);
        readiness.warn("store", || Some("it lacks an index".into()));
        readiness.warn("broker", || None);
        assert!(readiness.state().is_ready(), "a warning takes nobody out of a balancer");
        assert_eq!(readiness.warnings().into_keys().collect::<Vec<_>>(), ["store"]);
        readiness.drain();
        let state = readiness.state();
        assert!(state.is_draining && !state.is_ready());
    }
}
