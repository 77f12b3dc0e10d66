//! One release binary as a process: started with exactly the given settings, watched, signalled, and killed
//! when its owner is dropped.

use crate::wait::eventually;
use anyhow::{Context, bail};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A process under test.
#[derive(Debug)]
pub struct Process {
    binary: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `binary` in `folder` with these environment variables and no others. Its output goes to a log
    /// file in `folder`.
    pub fn start(
        binary: &str,
        arguments: &[&str],
        settings: &[(String, String)],
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let path = binaries()?.join(binary);
        let log = folder.join(format!("{binary}.log"));
        let output =
            std::fs::OpenOptions::new().create(true).append(true).open(&log).context("open a log file")?;
        let errors = output.try_clone().context("open a log file")?;
        let mut command = Command::new(&path);
        command.args(arguments).env_clear().envs(settings.iter().cloned()).current_dir(folder);
        command.stdin(Stdio::null()).stdout(output).stderr(errors).kill_on_drop(true);
        let child = command.spawn().with_context(|| {
            format!(
                "start {}: build it (cargo build --release --workspace --bins) or set EVENTFLOW_BIN_DIR",
                path.display()
            )
        })?;
        Ok(Self { binary: binary.to_owned(), child, log })
    }

    /// Waits until `/readyz` at `admin` says that the process is ready. Fails at once if the process ends
    /// instead.
    pub async fn ready(&mut self, admin: SocketAddr) -> anyhow::Result<()> {
        let url = format!("http://{admin}/readyz");
        let what = format!("{} is ready; its log: {}", self.binary, self.log.display());
        let ended = eventually(&what, async || match self.child.try_wait() {
            Ok(None) => {
                let answer = reqwest::get(&url).await;
                answer.is_ok_and(|answer| answer.status().is_success()).then_some(None)
            }
            ended => Some(Some(ended)),
        });
        match ended.await? {
            None => Ok(()),
            Some(ended) => {
                bail!("{} ended ({ended:?}) instead of becoming ready: {}", self.binary, self.log())
            }
        }
    }

    /// The process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Sends SIGTERM.
    pub async fn terminate(&self) -> anyhow::Result<()> {
        let Some(pid) = self.child.id() else { bail!("{} has ended already: {}", self.binary, self.log()) };
        let sent =
            Command::new("kill").args(["-TERM", &pid.to_string()]).status().await.context("run kill")?;
        if sent.success() { Ok(()) } else { bail!("kill -TERM {pid}: {sent}") }
    }

    /// Sends SIGKILL, and waits until the process is gone: its ports and the lock on its data are free then.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.with_context(|| format!("kill {}", self.binary))
    }

    /// Waits until the process has ended.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let ended = timeout(crate::PATIENCE, self.child.wait()).await;
        Ok(ended.with_context(|| format!("{} does not end; its log: {}", self.binary, self.log()))??)
    }

    /// The output of the process so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_else(|error| format!("no log: {error}"))
    }
}

/// The folder of the binaries: `EVENTFLOW_BIN_DIR`, else the folder above the one that this test runs from.
#[allow(clippy::disallowed_methods, reason = "tests are told by the environment what to test")]
pub fn binaries() -> anyhow::Result<PathBuf> {
    if let Ok(folder) = std::env::var("EVENTFLOW_BIN_DIR") {
        return Ok(folder.into());
    }
    let test = std::env::current_exe().context("find the test's own folder")?;
    let release = test.ancestors().nth(2).context("a test runs from target/<profile>/deps")?;
    Ok(release.to_owned())
}
