//! Processes: what they do with faults, signals, kills and bad settings.

mod import;
mod kills;
mod pairing;
mod poison;
mod settings;
mod signals;
mod stage;
