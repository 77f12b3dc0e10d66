//! The form in which typed texts are kept: translates the setting.

use eventflow_config::{Config, MarkupMode};
use eventflow_protocol::content::Markup;

/// The form that `content.markup` selects.
pub(crate) fn markup(config: &Config) -> Markup {
    match config.content.markup {
        MarkupMode::Neutralise => Markup::Neutralise,
        MarkupMode::Keep => Markup::Keep,
        MarkupMode::Strip => Markup::Strip,
    }
}
