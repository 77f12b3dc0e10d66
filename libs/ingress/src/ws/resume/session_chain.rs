//! From the session that a client left last back to the one in which it was last up to date.
//!
//! A session that began with a catch-up tells only of what it was sent itself, until its gateway's journal says that it joined those who hear
//! everything. For all other threads the session before it is asked, and so on.

use crate::ws::resume::note::{Left, Resumable};
use crate::ws::resume::past::{After, Past, Pasts};
use eventflow_protocol::{ThreadId, Timestamp};
use std::sync::Arc;
use tokio::time::Instant;

/// Sessions of one client with what their gateways' journals tell, newest first; at least one.
pub(crate) struct Trail {
    steps: Vec<Step>,
}

struct Step {
    past: Arc<Past>,
    left: Left,
    /// From which position on it heard what everybody heard; `None` if it never came so far.
    live_from: Option<u64>,
}

impl Trail {
    /// Reads as many journals as it takes; `None` if that of the last session tells nothing.
    pub(crate) async fn read(pasts: &Pasts, wanted: &Resumable, came: Instant) -> Option<Self> {
        let mut steps: Vec<Step> = Vec::new();
        for (index, left) in wanted.left.iter().enumerate() {
            let Some(past) = pasts.of(&left.note.gateway, came).await else { break };
            let is_oldest = index + 1 == wanted.left.len();
            let live_from =
                if is_oldest { Some(left.note.start.position()) } else { past.joined(&left.note) };
            steps.push(Step { past, left: left.clone(), live_from });
            if live_from.is_some() {
                break;
            }
        }
        (!steps.is_empty()).then_some(Self { steps })
    }

    /// From when on something may be missing.
    pub(crate) fn since(&self) -> Timestamp {
        self.steps
            .iter()
            .map(|step| step.past.since().max(step.left.note.since))
            .min()
            .unwrap_or(Timestamp(0))
    }

    /// The place in the thread after which the client has nothing; `None` if no journal tells.
    pub(crate) fn place(&self, thread: ThreadId) -> Option<After> {
        self.steps.iter().find_map(|step| step.past.place(thread, &step.left, step.live_from))
    }
}
