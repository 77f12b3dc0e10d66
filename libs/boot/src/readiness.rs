//! Readiness: whether this process should get work, and if not, why. Load balancers and people ask for it,
//! and the answer comes from live state.
//!
//! Each part registers a check that reads what the part already knows and answers at once. Draining overrides
//! all checks.

use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

type Check = Box<dyn Fn() -> Result<(), String> + Send + Sync>;
type Warning = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// The checks of a process. Clones share them.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Checks>);

#[derive(Default)]
struct Checks {
    draining: AtomicBool,
    conditions: RwLock<BTreeMap<String, Check>>,
    warnings: RwLock<BTreeMap<String, Warning>>,
}

impl Readiness {
    /// Registers a part. `check` returns `Err` with the reason if the part is not ready, and never waits.
    pub fn add(
        &self,
        part: impl Into<String>,
        check: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) {
        self.0.conditions.write().insert(part.into(), Box::new(check));
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

    /// The reasons why the process is not ready, by part. Empty if it is ready.
    pub fn reasons(&self) -> BTreeMap<String, String> {
        let checks = self.0.conditions.read();
        let failing = checks.iter().filter_map(|(part, check)| check().err().map(|why| (part.clone(), why)));
        let mut reasons: BTreeMap<String, String> = failing.collect();
        if self.0.draining.load(Ordering::SeqCst) {
            reasons.insert("process".into(), "draining".into());
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::Readiness;

    #[test]
    fn a_process_is_ready_when_every_part_is_and_never_while_draining() {
        let readiness = Readiness::default();
        assert!(readiness.reasons().is_empty());
        readiness.add("store", || Err("down".into()));
        readiness.add("broker", || Ok(()));
        assert_eq!(
            readiness.reasons().into_iter().collect::<Vec<_>>(),
            [("store".to_owned(), "down".to_owned())]
        );
        readiness.add("store", || Ok(()));
        readiness.warn("store", || Some("it lacks an index".into()));
        readiness.warn("broker", || None);
        assert!(readiness.reasons().is_empty(), "a warning takes nobody out of a balancer");
        assert_eq!(readiness.warnings().into_keys().collect::<Vec<_>>(), ["store"]);
        readiness.drain();
        assert_eq!(readiness.reasons().into_keys().collect::<Vec<_>>(), ["process"]);
    }
}
