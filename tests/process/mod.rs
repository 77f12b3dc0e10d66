//! Process tests: how processes react to faults, signals, kills and bad settings.

mod absent;
mod again;
mod batches;
mod canary;
mod commands;
mod drafts;
mod import;
mod kills;
mod letters;
mod message_lines;
mod moved;
mod overflow;
mod own_state;
mod pairing;
mod poison;
mod pushes;
mod reshard;
mod sends;
mod settings;
mod signals;
mod slow;
mod spans;
mod stage;
mod start;
mod taken_back;
mod unlisted;
