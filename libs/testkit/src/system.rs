//! A whole system as processes: a fleet with one process per role, or one process with all roles, each on
//! free ports.

use crate::process::Process;
use crate::servers::free_port;
use anyhow::Context;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitStatus;
use tempfile::TempDir;

/// The secret with which every system of the tests signs tokens.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The roles of a fleet, in the order in which they are started.
pub const FLEET: [&str; 7] = [
    "persistence-worker",
    "fanout-worker",
    "presence-sweeper",
    "email-worker",
    "push-worker",
    "ws-gateway",
    "http-gateway",
];
/// The binary that has all roles.
pub const SINGLE: &str = "eventflow";

/// The addresses of a fleet's backends. A test may put a proxy in between.
#[derive(Clone, Debug)]
pub struct BackendUrls {
    /// `RABBITMQ_URL`
    pub rabbitmq: String,
    /// `MONGODB_URI`
    pub mongodb: String,
    /// `REDIS_URL`
    pub redis: String,
}

/// A running system.
#[derive(Debug)]
pub struct System {
    /// The folder of data and logs.
    folder: TempDir,
    settings: Vec<(String, String)>,
    members: BTreeMap<&'static str, RoleProcess>,
}

#[derive(Debug)]
struct RoleProcess {
    process: Process,
    listen: SocketAddr,
    admin: SocketAddr,
}

impl System {
    /// One process on embedded backends. `settings` are environment variables of the configuration.
    pub async fn single(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::start(
            &[SINGLE],
            settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        )
        .await
    }

    /// One process for each role, on these backends.
    pub async fn fleet(backends: &BackendUrls, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let servers = [
            ("RABBITMQ_URL", backends.rabbitmq.as_str()),
            ("MONGODB_URI", backends.mongodb.as_str()),
            ("REDIS_URL", backends.redis.as_str()),
        ];
        let all = servers.iter().chain(settings);
        Self::start(&FLEET, all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()).await
    }

    async fn start(roles: &[&'static str], mut settings: Vec<(String, String)>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("make a data folder")?;
        settings.insert(0, ("JWT_SECRET".to_owned(), SECRET.to_owned()));
        // Everybody in a test comes from one address.
        settings.insert(0, ("REST_PER_MINUTE_IP".to_owned(), "0".to_owned()));
        settings.insert(0, ("SOCKETS_PER_IP".to_owned(), "0".to_owned()));
        settings.insert(0, ("CONNECTIONS_PER_IP".to_owned(), "0".to_owned()));
        // On a busy machine a gateway would do without typing and presence, which tests wait for.
        settings.insert(0, ("SHED_AT_MS".to_owned(), "0".to_owned()));
        let mut system = Self { folder, settings, members: BTreeMap::new() };
        system.settings.push(("DATA_DIR".to_owned(), system.data().display().to_string()));
        for role in roles {
            system.launch(role, loopback()?, loopback()?)?;
        }
        for role in roles {
            system.ready(role).await?;
        }
        Ok(system)
    }

    /// The address for sockets: `host:port`.
    pub fn sockets(&self) -> String {
        self.either("ws-gateway").listen.to_string()
    }

    /// The URL of a REST path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.either("http-gateway").listen)
    }

    /// The URL of an operators' path, such as `/readyz`, of one role.
    pub fn admin(&self, role: &str, path: &str) -> String {
        format!("http://{}{path}", self.either(role).admin)
    }

    /// The folder of the embedded backends.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The roles that are processes here.
    pub fn roles(&self) -> Vec<&'static str> {
        self.members.keys().copied().collect()
    }

    /// The process of a role.
    pub fn process(&mut self, role: &str) -> &mut Process {
        let role = self.name_of(role);
        &mut self.members.get_mut(role).expect("the role is part of this system").process
    }

    /// Waits until a role is ready (again).
    pub async fn ready(&mut self, role: &str) -> anyhow::Result<()> {
        let member = self.members.get_mut(self.name_of(role)).expect("the role is part of this system");
        member.process.ready(member.admin).await
    }

    /// Starts a role that was killed on the same addresses and data, and waits until it is ready.
    pub async fn start_again(&mut self, role: &str) -> anyhow::Result<()> {
        let role = self.name_of(role);
        let (listen, admin) = (self.members[role].listen, self.members[role].admin);
        self.launch(role, listen, admin)?;
        self.ready(role).await
    }

    /// Sends SIGTERM to all processes. Gives how each ended.
    pub async fn stop(mut self) -> anyhow::Result<Vec<(&'static str, ExitStatus)>> {
        for member in self.members.values() {
            member.process.terminate().await?;
        }
        let mut ends = Vec::new();
        for (role, member) in &mut self.members {
            ends.push((*role, member.process.ended().await?));
        }
        Ok(ends)
    }

    /// A token for `user`, made by the operators' command.
    pub async fn token(&self, user: &str) -> anyhow::Result<String> {
        self.token_as(user, "user").await
    }

    /// As [`System::token`], for somebody with this role.
    pub async fn token_as(&self, user: &str, role: &str) -> anyhow::Result<String> {
        let folder = tempfile::tempdir_in(self.folder.path()).context("make a folder")?;
        let settings = [("JWT_SECRET".to_owned(), SECRET.to_owned())];
        let mut command =
            Process::start(SINGLE, &["token", "--user", user, "--role", role], &settings, folder.path())?;
        command.ended().await?;
        Ok(command.log().trim().to_owned())
    }

    fn launch(&mut self, role: &'static str, listen: SocketAddr, admin: SocketAddr) -> anyhow::Result<()> {
        let mut settings = self.settings.clone();
        settings.push(("LISTEN".to_owned(), listen.to_string()));
        settings.push(("ADMIN_LISTEN".to_owned(), admin.to_string()));
        let process = Process::start(role, &[], &settings, self.folder.path())?;
        self.members.insert(role, RoleProcess { process, listen, admin });
        Ok(())
    }

    fn either(&self, role: &str) -> &RoleProcess {
        &self.members[self.name_of(role)]
    }

    /// The name of the process that runs a role. In one process that is always the same one.
    fn name_of(&self, role: &str) -> &'static str {
        self.members.keys().find(|name| **name == role).copied().unwrap_or(SINGLE)
    }
}

fn loopback() -> anyhow::Result<SocketAddr> {
    Ok((Ipv4Addr::LOCALHOST, free_port()?).into())
}
