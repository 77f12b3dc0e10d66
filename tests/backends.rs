//! Separate space on the real servers for one test: a vhost and a database.

use eventflow_testkit::servers::own_name;
use eventflow_testkit::system::BackendUrls;
use eventflow_testkit::{Servers, Vhost};

/// The `BackendUrls` of one test.
pub(crate) struct Own {
    pub(crate) servers: Servers,
    pub(crate) backends: BackendUrls,
    vhost: Vhost,
}

impl Own {
    pub(crate) async fn create(test: &str) -> anyhow::Result<Self> {
        let servers = Servers::from_environment()?;
        let vhost = Vhost::create(&servers, test).await?;
        let mongodb = servers.database(&own_name(test))?;
        let backends = BackendUrls { rabbitmq: vhost.url.clone(), mongodb, redis: servers.own_redis()? };
        Ok(Self { servers, backends, vhost })
    }

    pub(crate) async fn delete(self) -> anyhow::Result<()> {
        self.vhost.delete().await
    }
}
