//! Everything that a store keeps, as one trait.

use crate::blocks::Blocks;
use crate::dead_letters::DeadLetters;
use crate::directory::Directory;
use crate::drafts::Drafts;
use crate::erasures::Erasures;
use crate::inbox::Inbox;
use crate::outbound::Outbound;
use crate::outbox::Outbox;
use crate::push_devices::PushDevices;
use crate::reports::Reports;
use crate::scheduled::Scheduled;
use crate::search::SearchIndex;
use crate::sends::Sends;
use crate::store::Store;
use crate::suppressions::Suppressions;
use crate::uploads::Uploads;

/// A store that keeps everything: each of the two that systems run on.
pub trait WholeStore:
    Store
    + Inbox
    + Directory
    + PushDevices
    + Outbound
    + Suppressions
    + SearchIndex
    + Sends
    + Drafts
    + Blocks
    + Reports
    + Scheduled
    + Uploads
    + DeadLetters
    + Outbox
    + Erasures
{
}
