//! `EmbeddedStore` keeps every promise about erasures. Each check has a file of its own.

mod support;

use async_trait::async_trait;
use eventflow_ports::WholeStore;
use eventflow_ports::erasures_contract::{self, Dumped};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::sync::Arc;
use support::File;

#[async_trait]
impl erasures_contract::Harness for File {
    async fn open(&self) -> Arc<dyn WholeStore> {
        Arc::new(self.store().await)
    }

    async fn dump(&self) -> Vec<Dumped> {
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let dump = self.database().read(move |connection| {
            let mut tables = connection.prepare(tables)?;
            let names = tables.query_map([], |row| row.get::<_, String>(0))?;
            names.map(|name| dump_of(connection, name?)).collect::<rusqlite::Result<Vec<_>>>()
        });
        dump.await.expect("the data file can be read")
    }
}

fn dump_of(connection: &Connection, name: String) -> rusqlite::Result<Dumped> {
    let mut statement = connection.prepare(&format!("SELECT * FROM \"{name}\""))?;
    let columns = statement.column_count();
    let (mut rows, mut bytes) = (statement.query([])?, Vec::new());
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            if let ValueRef::Text(value) | ValueRef::Blob(value) = row.get_ref(column)? {
                bytes.extend_from_slice(value);
                bytes.push(0);
            }
        }
    }
    Ok(Dumped { name, bytes })
}

#[tokio::test]
async fn a_person_is_marked_once_and_a_step_overwrites_no_newer_one() {
    erasures_contract::a_person_is_marked_once_and_a_step_overwrites_no_newer_one(&File::new()).await;
}

#[tokio::test]
async fn erasures_are_due_until_they_have_ended() {
    erasures_contract::erasures_are_due_until_they_have_ended(&File::new()).await;
}

#[tokio::test]
async fn every_process_learns_of_every_mark() {
    erasures_contract::every_process_learns_of_every_mark(&File::new()).await;
}

#[tokio::test]
async fn the_threads_of_a_person_are_found_also_after_they_left() {
    erasures_contract::the_threads_of_a_person_are_found_also_after_they_left(&File::new()).await;
}

#[tokio::test]
async fn the_files_of_a_person_are_listed() {
    erasures_contract::the_files_of_a_person_are_listed(&File::new()).await;
}

#[tokio::test]
async fn what_is_a_persons_alone_goes_and_what_others_have_stays() {
    erasures_contract::what_is_a_persons_alone_goes_and_what_others_have_stays(&File::new()).await;
}

#[tokio::test]
async fn no_trace_of_an_erased_person_is_left() {
    erasures_contract::no_trace_of_an_erased_person_is_left(&File::new()).await;
}
