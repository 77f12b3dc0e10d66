//! Load generator and ledger checker: it drives a running system over real Socket.IO connections and REST. At
//! the end it proves, message by message, what was lost, doubled or reordered.
//!
//! Read in this order: `args` (the settings) → `course` (one measured run) → `cast` (threads and sockets) →
//! `member` (one well-behaved client) → `outbox` and `view` (what it sent, what it saw) → `verdict` (both
//! compared with the history) → `report`. `wire`, `socket`, `rest` and `jwt` speak the protocol. Nothing here
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
