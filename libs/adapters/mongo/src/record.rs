//! The documents of the collections, and how ids, times and numbers are kept in them.

pub(crate) mod blocks;
pub(crate) mod by_person;
pub(crate) mod change;
pub(crate) mod counters;
pub(crate) mod dead_letters;
pub(crate) mod drafts;
pub(crate) mod erasures;
pub(crate) mod group;
pub(crate) mod inbox;
pub(crate) mod mail;
pub(crate) mod message;
pub(crate) mod outbound;
pub(crate) mod person;
pub(crate) mod push;
pub(crate) mod reports;
pub(crate) mod scheduled;
pub(crate) mod search;
pub(crate) mod sends;
pub(crate) mod thread;
pub(crate) mod uploads;
pub(crate) mod values;
