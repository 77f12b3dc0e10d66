//! Which dead letters a command means: by id, by what they have in common, or all that wait.

use crate::commands::api::escaped;
use anyhow::{bail, ensure};
use clap::Args;
use serde_json::{Map, Value, json};

/// Which letters fit.
#[derive(Clone, Debug, Args)]
pub(super) struct Filter {
    /// Queue that they came from, e.g. `persist.0`.
    #[arg(long)]
    pub(super) queue: Option<String>,
    /// `unreadable`, `refused`, `gave_up`, `crashed`, `killed_worker` or `unknown`.
    #[arg(long)]
    pub(super) cause: Option<String>,
    /// What they ask for or tell, e.g. `send_message`.
    #[arg(long)]
    pub(super) kind: Option<String>,
    /// Those that failed last at this time or later, e.g. `2026-01-13T22:40:00.000Z`.
    #[arg(long, value_name = "TIME")]
    pub(super) from: Option<String>,
    /// Those that failed last before this time.
    #[arg(long, value_name = "TIME")]
    pub(super) to: Option<String>,
}

/// Letters by id, or all that wait and fit.
#[derive(Clone, Debug, Args)]
pub(super) struct Which {
    /// The letters.
    pub(super) ids: Vec<String>,
    #[command(flatten)]
    pub(super) filter: Filter,
    /// Everything that waits, if nothing else says which.
    #[arg(long)]
    pub(super) all: bool,
    /// Why; the audit log has it.
    #[arg(long)]
    pub(super) why: String,
}

impl Filter {
    fn given(&self) -> Vec<(&'static str, &String)> {
        let fields = [
            ("queue", &self.queue),
            ("cause", &self.cause),
            ("kind", &self.kind),
            ("from", &self.from),
            ("to", &self.to),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))).collect()
    }

    /// What follows the first parameter of a query.
    pub(super) fn query(&self) -> String {
        let parts: Vec<String> =
            self.given().into_iter().map(|(name, value)| format!("&{name}={}", escaped(value))).collect();
        parts.concat()
    }
}

impl Which {
    /// The request's body. Nothing is chosen by leaving everything out.
    pub(super) fn body(&self) -> anyhow::Result<Map<String, Value>> {
        let given = self.filter.given();
        let mut body = Map::new();
        match (self.ids.is_empty(), given.is_empty()) {
            (false, false) => bail!("name letters by id or by what they have in common, not both"),
            (false, true) => drop(body.insert("ids".to_owned(), json!(self.ids))),
            (true, true) => {
                ensure!(
                    self.all,
                    "name letters, or say what they have in common, or --all for all that wait"
                );
                body.insert("filter".to_owned(), json!({}));
            }
            (true, false) => {
                let filter: Map<String, Value> =
                    given.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
                body.insert("filter".to_owned(), Value::Object(filter));
            }
        }
        body.insert("why".to_owned(), json!(self.why));
        Ok(body)
    }
}
