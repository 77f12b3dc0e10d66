//! Whether this process should get work, and if not, why: asked by load balancers and people, answered from live state.
//!
//! Parts register a check that looks at what they know already and answers at once. Draining overrides all of them.

use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

type Check = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// The checks of a process. Clones share them.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Inner>);

#[derive(Default)]
struct Inner {
    draining: AtomicBool,
    checks: RwLock<BTreeMap<String, Check>>,
}

impl Readiness {
    /// Adds a part; `check` answers `Err(why not)` without waiting for anything.
    pub fn add(
        &self,
        part: impl Into<String>,
        check: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) {
        self.0.checks.write().insert(part.into(), Box::new(check));
    }

    /// From now on: not ready, because this process is ending.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::SeqCst);
    }

    /// Why not ready, by part; empty when ready.
    pub fn reasons(&self) -> BTreeMap<String, String> {
        let checks = self.0.checks.read();
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
        readiness.drain();
        assert_eq!(readiness.reasons().into_keys().collect::<Vec<_>>(), ["process"]);
    }
}
