//! Checks of the sources themselves: generated files, settings, metrics, crate dependencies, sizes and
//! manuals.
//!
//! They need no server and build nothing. Each module reads files of the repository and fails with a sentence
//! that says what to do.

mod alerts;
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
mod promises;
mod repository;
mod settings;
mod sleeps;
mod sources;
