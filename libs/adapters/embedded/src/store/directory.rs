//! Profiles of people and revoked credentials in the data file. There is no table of a host application:
//! every profile is the system's own.
//!
//! Safe to repeat because a profile replaces the one before, and a revocation is one row per login.

use super::{EmbeddedStore, column, in_time, names};
use async_trait::async_trait;
use eventflow_ports::{Directory, NameEntry, Segment, StoreError};
use eventflow_protocol::UserId;
use eventflow_protocol::person::{Profile, Revocation, TokenName};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use std::collections::HashMap;

#[async_trait]
impl Directory for EmbeddedStore {
    async fn profiles(&self, users: &[UserId]) -> Result<HashMap<UserId, Profile>, StoreError> {
        let users = users.to_vec();
        in_time("read profiles", self.database.read(move |connection| profiles(connection, &users))).await
    }

    async fn people(
        &self,
        segment: &Segment,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, StoreError> {
        let (segment, after) = (segment.clone(), after.map(ToString::to_string).unwrap_or_default());
        let read = self.database.read(move |connection| people(connection, &segment, &after, limit));
        in_time("list people", read).await
    }

    async fn names(
        &self,
        beginning: &str,
        after: Option<&NameEntry>,
        limit: u32,
    ) -> Result<Vec<NameEntry>, StoreError> {
        let (beginning, after) = (beginning.to_owned(), after.cloned());
        let read = self.database.read(move |connection| names::page(connection, &beginning, after, limit));
        in_time("look for names", read).await
    }

    async fn put_profile(&self, profile: &Profile) -> Result<(), StoreError> {
        let profile = profile.clone();
        in_time("write a profile", self.database.write(move |tx| put_profile(tx, &profile))).await
    }

    async fn note_token_name(&self, name: &TokenName) -> Result<(), StoreError> {
        let name = name.clone();
        in_time("write the name of a token", self.database.write(move |tx| note_token_name(tx, &name))).await
    }

    async fn token_name(&self, user: &UserId) -> Result<Option<String>, StoreError> {
        let user = user.clone();
        let read = self.database.read(move |connection| {
            let is_listed = names::is_listed(connection, user.as_str())?;
            if is_listed { token_name(connection, user.as_str()) } else { Ok(None) }
        });
        in_time("read the name of a token", read).await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        let revocation = revocation.clone();
        in_time("write a revocation", self.database.write(move |tx| revoke(tx, &revocation))).await
    }

    async fn revocations(&self, user: &UserId) -> Result<Vec<Revocation>, StoreError> {
        let user = user.clone();
        in_time("read revocations", self.database.read(move |connection| revocations(connection, &user)))
            .await
    }
}

fn profiles(connection: &Connection, users: &[UserId]) -> Result<HashMap<UserId, Profile>> {
    let mut statement = connection.prepare_cached("SELECT * FROM profile WHERE user_id = ?1")?;
    let read = |row: &Row<'_>| {
        Ok(Profile {
            id: column::user(row, "user_id")?,
            name: row.get("name")?,
            avatar: row.get("avatar")?,
            email: row.get("email")?,
            role: row.get("role")?,
        })
    };
    let mut found = HashMap::new();
    for user in users {
        if let Some(profile) = statement.query_row([user.as_str()], read).optional()? {
            found.insert(user.clone(), profile);
        } else if let Some(name) = token_name(connection, user.as_str())? {
            let id = user.clone();
            found.insert(user.clone(), Profile { id, name, avatar: None, email: None, role: None });
        }
    }
    Ok(found)
}

fn people(connection: &Connection, segment: &Segment, after: &str, limit: u32) -> Result<Vec<UserId>> {
    let (sql, role) = match segment {
        Segment::Role(role) => (
            "SELECT user_id FROM profile WHERE role = ?3 AND user_id > ?1 ORDER BY user_id LIMIT ?2",
            Some(role),
        ),
        Segment::Everybody => (
            "SELECT user_id FROM (SELECT user_id FROM profile WHERE user_id > ?1 ORDER BY user_id LIMIT ?2)
             UNION
             SELECT user_id FROM (SELECT user_id FROM token_name WHERE user_id > ?1 AND ?3 IS NULL ORDER BY user_id LIMIT ?2)
             ORDER BY user_id LIMIT ?2",
            None,
        ),
    };
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map(params![after, limit, role], |row| column::user(row, "user_id"))?.collect()
}

fn note_token_name(connection: &Connection, name: &TokenName) -> Result<()> {
    let mut statement =
        connection.prepare_cached("INSERT OR REPLACE INTO token_name (user_id, name) VALUES (?1, ?2)")?;
    statement.execute(params![name.user_id.as_str(), name.name])?;
    names::index(connection, &name.user_id)
}

fn token_name(connection: &Connection, user: &str) -> Result<Option<String>> {
    let mut statement = connection.prepare_cached("SELECT name FROM token_name WHERE user_id = ?1")?;
    statement.query_row([user], |row| row.get("name")).optional()
}

fn put_profile(connection: &Connection, profile: &Profile) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO profile (user_id, name, avatar, email, role) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let Profile { id, name, avatar, email, role } = profile;
    statement.execute(params![id.as_str(), name, avatar, email, role])?;
    // A profile alone does not bring back whoever was taken out.
    if names::is_listed(connection, id.as_str())? || ended_at(connection, id)?.is_none() {
        names::index(connection, id)?;
    }
    Ok(())
}

/// When all credentials of a person were revoked last.
fn ended_at(connection: &Connection, user: &UserId) -> Result<Option<i64>> {
    let sql = "SELECT at FROM revocation WHERE user_id = ?1 AND session = ''";
    connection.prepare_cached(sql)?.query_row([user.as_str()], |row| row.get("at")).optional()
}

/// Keeps the later of two revocations of the same login, which includes the earlier one.
fn revoke(connection: &Connection, revocation: &Revocation) -> Result<()> {
    let is_news = ended_at(connection, &revocation.user_id)?.is_none_or(|at| at < revocation.at.0);
    if revocation.session.is_none() && is_news {
        names::take_out(connection, revocation.user_id.as_str())?;
    }
    let mut statement = connection.prepare_cached(
        "INSERT INTO revocation (user_id, session, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (user_id, session) DO UPDATE SET at = max(at, excluded.at)",
    )?;
    let session = revocation.session.as_deref().unwrap_or_default();
    statement.execute(params![revocation.user_id.as_str(), session, revocation.at.0])?;
    Ok(())
}

fn revocations(connection: &Connection, user: &UserId) -> Result<Vec<Revocation>> {
    let mut statement = connection.prepare_cached("SELECT * FROM revocation WHERE user_id = ?1")?;
    let read = |row: &Row<'_>| {
        let session = row.get::<_, String>("session")?;
        let session = if session.is_empty() { None } else { Some(session) };
        Ok(Revocation { user_id: column::user(row, "user_id")?, session, at: column::time(row, "at")? })
    };
    statement.query_map([user.as_str()], read)?.collect()
}
