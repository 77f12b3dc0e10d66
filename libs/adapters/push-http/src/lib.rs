//! Push services over HTTP/2: Firebase Cloud Messaging for apps, Web Push for browsers.
//!
//! In comes one push for one device; out goes one request, and the service's answer comes back as the port's
//! words. Nothing is kept but connections and the access token of Google.
//!
//! | module | tells |
//! |---|---|
//! | [`client`], [`guard`] | requests with limits; which addresses may be connected to |
//! | [`web_push`], [`encryption`], [`vapid`] | browsers: RFC 8030, RFC 8291 and RFC 8292 |
//! | [`fcm`], [`access_token`], [`credentials`] | apps: FCM HTTP v1 with a service account |
//! | [`payload`] | what devices get to read |

mod access_token;
mod client;
mod credentials;
mod encryption;
mod fcm;
mod guard;
mod jwt;
mod payload;
mod vapid;
mod web_push;

pub use client::{Roots, RootsError};
pub use credentials::{CredentialsError, ServiceAccount};
pub use guard::Reach;
pub use vapid::{VapidError, VapidKey};

use async_trait::async_trait;
use client::Client;
use eventflow_ports::Clock;
use eventflow_ports::Pusher;
use eventflow_ports::pusher::{Accepted, Push, PushError};
use eventflow_protocol::push::PushTarget;
use fcm::Fcm;
use std::sync::Arc;
use web_push::WebPush;

/// Address of FCM's HTTP v1 interface.
pub const FCM_URL: &str = "https://fcm.googleapis.com";

/// How push services are reached.
pub struct PushSettings {
    /// The service account that may send to apps; `None`: apps get no pushes.
    pub service_account: Option<ServiceAccount>,
    /// The address of FCM, [`FCM_URL`].
    pub fcm_url: String,
    /// What signs pushes to browsers, and whom their services write to; `None`: browsers get no pushes.
    pub vapid: Option<VapidKey>,
    /// Which addresses subscriptions of browsers may name.
    pub reach: Reach,
    /// Which certificate authorities are trusted.
    pub roots: Roots,
}

/// Push services.
pub struct PushHttp {
    fcm: Option<Fcm>,
    web_push: Option<WebPush>,
}

impl PushHttp {
    /// The services that these settings name. Connects to nobody yet.
    pub fn new(settings: PushSettings, clock: Arc<dyn Clock>) -> Self {
        let PushSettings { service_account, fcm_url, vapid, reach, roots } = settings;
        // The operator names Google's addresses, so they may be anywhere; subscriptions come from users.
        let trusted = Client::new(Reach::Anywhere, &roots);
        let fcm = service_account.map(|account| Fcm::new(account, &fcm_url, trusted, Arc::clone(&clock)));
        let web_push = vapid.map(|key| WebPush::new(key, Client::new(reach, &roots), clock));
        Self { fcm, web_push }
    }
}

#[async_trait]
impl Pusher for PushHttp {
    async fn push(&self, target: &PushTarget, push: &Push) -> Result<Accepted, PushError> {
        match target {
            PushTarget::Fcm { token } => match &self.fcm {
                Some(fcm) => fcm.push(token, push).await,
                None => Err(PushError::NoProvider { provider: fcm::PROVIDER }),
            },
            PushTarget::WebPush(subscription) => match &self.web_push {
                Some(web_push) => web_push.push(subscription, push).await,
                None => Err(PushError::NoProvider { provider: web_push::PROVIDER }),
            },
        }
    }
}
