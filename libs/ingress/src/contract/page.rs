//! The documents as one page for people. It is made here whole: it has no script and asks for nothing.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::HeaderValue;
use minijinja::value::Value as Shown;
use minijinja::{AutoEscape, Environment, HtmlEscape, context};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

/// The page may have its own style, by its hash, and nothing else.
pub(super) static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = BASE64.encode(Sha256::digest(STYLE));
    let policy =
        format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; frame-ancestors 'none'");
    HeaderValue::from_str(&policy).expect("base64 is fit for a header")
});

/// The page about these two documents.
///
/// # Panics
/// The template is broken, which a test would have found.
pub(super) fn page(openapi: &Value, asyncapi: &Value) -> String {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("prose", prose);
    let written = environment.render_str(
        TEMPLATE,
        context! {
            style => STYLE, rest => shown(openapi), tags => shown(&tags(openapi)),
            events => shown(&events(asyncapi)), schemas => shown(&openapi["components"]["schemas"]),
            event_schemas => shown(&asyncapi["components"]["schemas"]),
            about_events => shown(&asyncapi["info"]["description"]),
        },
    );
    written.expect("the template fits the documents")
}

/// A document's value for the template. Numbers are taken by hand: they keep their digits, and would come as
/// objects.
fn shown(value: &Value) -> Shown {
    match value {
        Value::Null => Shown::from(()),
        Value::Bool(flag) => Shown::from(*flag),
        Value::Number(number) => number.as_i64().map_or_else(|| Shown::from(number.to_string()), Shown::from),
        Value::String(text) => Shown::from(text.as_str()),
        Value::Array(items) => items.iter().map(shown).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.as_str(), shown(value))).collect(),
    }
}

/// A sentence in which what stands between backticks is code.
fn prose(text: &str) -> Shown {
    let parts = text.split('`').enumerate().map(|(place, part)| {
        let part = HtmlEscape(part);
        if place % 2 == 0 { part.to_string() } else { format!("<code>{part}</code>") }
    });
    Shown::from_safe_string(parts.collect())
}

/// Each tag with its operations.
fn tags(openapi: &Value) -> Value {
    let named = |tag: &Value| {
        let mut operations = Vec::new();
        for (path, item) in openapi["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if operation["tags"][0] == tag["name"] {
                    operations
                        .push(json!({ "method": method.to_uppercase(), "path": path, "is": operation }));
                }
            }
        }
        json!({ "name": tag["name"], "about": tag["description"], "operations": operations })
    };
    openapi["tags"].as_array().into_iter().flatten().map(named).collect()
}

/// Each event with its message and, for those that clients send, the answers to the callback.
fn events(asyncapi: &Value) -> Value {
    let messages = &asyncapi["components"]["messages"];
    let described = |(key, operation): (&String, &Value)| {
        let is_sent = operation["action"] == "send";
        let name = key.split_once('_').map_or("", |(_, name)| name);
        let side = if is_sent { "server" } else { "client" };
        json!({
            "key": key, "isSent": is_sent, "about": operation["summary"],
            "message": messages[format!("{side}_{name}")], "answer": messages[format!("answer_{name}")],
        })
    };
    asyncapi["operations"].as_object().into_iter().flatten().map(described).collect()
}
