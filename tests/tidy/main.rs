//! What the sources say about themselves, checked: generated files, settings, metrics, crate arrows, sizes,
//! manuals.
//!
//! Needs no server and builds nothing. Each module reads files of the repository and fails with a sentence
//! that says what to do.

mod arrows;
mod compose;
mod coverage;
mod definitions;
mod examples;
mod faults;
mod imports;
mod manuals;
mod metrics;
mod modules;
mod repository;
mod settings;
mod sleeps;
mod sources;
