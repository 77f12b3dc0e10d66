//! Load generator and ledger checker: drives a running system over real Socket.IO connections and REST, and
//! proves at the end, message by message, what was lost, doubled or reordered.
//!
//! Read in this order: `args` (what is asked) → `course` (one measured run) → `cast` (threads and sockets) →
//! `member` (one well-behaved client) → `outbox` and `view` (what it sent, what it saw) → `verdict` (both
//! held against the history) → `report`. `wire`, `socket`, `rest`, `jwt` speak the protocol; nothing here
//! shares code with the server, so that a mistake cannot hide on both sides.

pub mod args;
pub mod cast;
pub mod catch_up;
pub mod course;
pub mod cut;
pub mod error;
pub mod fanout;
pub mod flood;
pub mod idle;
pub mod jwt;
pub mod latency;
pub mod member;
pub mod outbox;
pub mod pacer;
pub mod proc;
pub mod progress;
pub mod report;
pub mod rest;
pub mod seqset;
pub mod slow;
pub mod socket;
pub mod stage;
pub mod tag;
pub mod target;
pub mod verdict;
pub mod view;
pub mod wire;
