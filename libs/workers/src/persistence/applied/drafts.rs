//! What saving a draft came to.

use super::Applied;
use eventflow_bus::handler::Item;
use eventflow_protocol::command::Command;
use eventflow_protocol::drafts::{DRAFTS_MAX, SaveDraft, SavedDraft};
use eventflow_protocol::event::Event;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{CommandId, ErrorCode};

impl Applied {
    /// Only the person's own sockets hear of a draft.
    pub(in crate::persistence) fn draft_saved(
        item: &Item<Command>,
        wanted: &SaveDraft,
        saved: SavedDraft,
    ) -> Self {
        let (draft, is_news) = match saved {
            SavedDraft::Done(draft) => (draft, true),
            SavedDraft::Before(draft) => (draft, item.redelivered),
            SavedDraft::Nothing(draft) => (draft, false),
            SavedDraft::Conflict(draft) => {
                let error = format!("the draft has revision {} by now", draft.revision);
                return Self::refused(ErrorCode::Conflict, &error);
            }
            SavedDraft::TooMany => {
                let error = format!("a person has at most {DRAFTS_MAX} drafts");
                return Self::refused(ErrorCode::Invalid, &error);
            }
        };
        let result = CommandResult::Draft { draft: draft.clone() };
        if !is_news {
            return Self::quietly(result);
        }
        Self::with_event(result, Event::DraftSaved { draft, command: CommandId(item.id), at: wanted.at })
    }
}
