//! The schemas of one document. A type that is sent and received may look different each way, as a field with
//! a default does: then the form that clients send gets a name of its own.

use eventflow_protocol::client::catalogue::Describe;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Where a document keeps its schemas.
const ANSWERS: &str = "/components/schemas";
/// Where the schemas of requests are, until [`Schemas::finish`] gives them names.
const REQUESTS: &str = "/components/requests";
/// What is added to the name of a type that clients send in another form than they get it.
const SENT: &str = "Sent";

/// Schemas that refer to each other by name.
pub(super) struct Schemas {
    answers: SchemaGenerator,
    requests: SchemaGenerator,
}

impl Schemas {
    /// No schemas yet, in this dialect of JSON Schema.
    pub(super) fn new(dialect: SchemaSettings) -> Self {
        let at = |settings: SchemaSettings, path: &'static str| {
            settings.with(|settings| {
                settings.definitions_path = path.into();
                settings.meta_schema = None;
            })
        };
        Self {
            answers: at(dialect.clone().for_serialize(), ANSWERS).into_generator(),
            requests: at(dialect.for_deserialize(), REQUESTS).into_generator(),
        }
    }

    /// The schema of what a client gets.
    pub(super) fn answer(&mut self, describe: Describe) -> Value {
        describe(&mut self.answers).to_value()
    }

    /// The schema of what a client sends.
    pub(super) fn request(&mut self, describe: Describe) -> Value {
        describe(&mut self.requests).to_value()
    }

    /// Puts all schemas into the document, and lets every reference in it name one of them.
    pub(super) fn finish(mut self, document: &mut Value) {
        let mut schemas = self.answers.take_definitions(true);
        let sent = self.requests.take_definitions(true);
        // Equal but for where their references point.
        let plain = |schema: &Value| {
            let mut schema = schema.clone();
            rename(&mut schema, &|name| name.to_owned());
            schema
        };
        let differs = |name: &str| schemas.get(name).is_some_and(|got| *got != plain(&sent[name]));
        let differing: Vec<String> =
            with_users(&sent, sent.keys().filter(|name| differs(name)).cloned().collect());
        let name_of = |name: &str| {
            let is_own = differing.iter().any(|one| one == name) && schemas.contains_key(name);
            if is_own { format!("{name}{SENT}") } else { name.to_owned() }
        };
        let mut named: Map<String, Value> = Map::new();
        for (name, schema) in &sent {
            let mut schema = schema.clone();
            rename(&mut schema, &name_of);
            // What clients get in the same form never has `null` for an absent field.
            if !schemas.contains_key(&name_of(name)) {
                null_where_absent(&mut schema);
            }
            named.insert(name_of(name), schema);
        }
        rename(document, &name_of);
        // A type that clients send as they get it may be sent with `null`.
        schemas
            .iter_mut()
            .filter(|(name, _)| !named.contains_key(*name))
            .for_each(|(_, got)| absent_not_null(got));
        schemas.extend(named);
        schemas.values_mut().for_each(only_one);
        document["components"]["schemas"] = Value::Object(schemas);
    }
}

/// These schemas, and those that refer to them directly or through others.
fn with_users(all: &Map<String, Value>, mut found: Vec<String>) -> Vec<String> {
    loop {
        let uses = |schema: &Value| found.iter().any(|name| refers_to(schema, name));
        let more: Vec<String> = all
            .iter()
            .filter(|(name, schema)| !found.contains(name) && uses(schema))
            .map(|(name, _)| name.clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

fn refers_to(value: &Value, name: &str) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(key, value)| match value {
            Value::String(text) if key == "$ref" => text.strip_prefix(&format!("#{REQUESTS}/")) == Some(name),
            other => refers_to(other, name),
        }),
        Value::Array(items) => items.iter().any(|item| refers_to(item, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// An answer leaves a field out that it has nothing for, unless the field is always there: only then is it
/// `null`.
fn absent_not_null(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let always = fields.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
            if let Some(properties) = fields.get_mut("properties").and_then(Value::as_object_mut) {
                let others = properties.iter_mut().filter(|(name, _)| !always.contains(&json!(name)));
                others.for_each(|(_, property)| never_null(property));
            }
            fields.values_mut().for_each(absent_not_null);
        }
        Value::Array(items) => items.iter_mut().for_each(absent_not_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A request may have `null` for a field that it may leave out.
fn null_where_absent(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let always = fields.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
            if let Some(properties) = fields.get_mut("properties").and_then(Value::as_object_mut) {
                let others = properties.iter_mut().filter(|(name, _)| !always.contains(&json!(name)));
                others.for_each(|(_, property)| or_null(property));
            }
            fields.values_mut().for_each(null_where_absent);
        }
        Value::Array(items) => items.iter_mut().for_each(null_where_absent),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Adds `null` to what the property may be.
fn or_null(property: &mut Value) {
    let Some(fields) = property.as_object_mut() else { return };
    let nothing = json!({ "type": "null" });
    if let Some(kind) = fields.get_mut("type") {
        let mut kinds = kind.as_array().cloned().unwrap_or_else(|| vec![kind.clone()]);
        if !kinds.contains(&json!("null")) {
            kinds.push("null".into());
        }
        *kind = kinds.into();
    } else if let Some(choices) = fields.get_mut("anyOf").and_then(Value::as_array_mut) {
        if !choices.contains(&nothing) {
            choices.push(nothing);
        }
    } else if let Some(reference) = fields.remove("$ref") {
        fields.insert("anyOf".to_owned(), json!([{ "$ref": reference }, nothing]));
    } else if let Some(Value::Array(parts)) = fields.remove("allOf") {
        fields.insert("anyOf".to_owned(), json!([{ "allOf": parts }, nothing]));
    }
}

/// Takes `null` from what the property may be.
fn never_null(property: &mut Value) {
    let Some(fields) = property.as_object_mut() else { return };
    for list in ["type", "enum", "anyOf"] {
        if let Some(choices) = fields.get_mut(list).and_then(Value::as_array_mut) {
            choices.retain(|choice| {
                !choice.is_null() && *choice != "null" && choice.get("type") != Some(&json!("null"))
            });
        }
    }
    if let Some([only]) = fields.get("type").and_then(Value::as_array).map(Vec::as_slice) {
        let only = only.clone();
        fields.insert("type".to_owned(), only);
    }
    // Not merged: beside a reference older dialects of JSON Schema read nothing else.
    if fields.get("anyOf").and_then(Value::as_array).is_some_and(|choices| choices.len() == 1)
        && let Some(only) = fields.remove("anyOf")
    {
        fields.insert("allOf".to_owned(), only);
    }
}

/// A choice of one is that one, as an enumeration with a single word has it.
fn only_one(schema: &mut Value) {
    let only =
        schema["oneOf"].as_array().filter(|choices| choices.len() == 1).map(|choices| choices[0].clone());
    if let (Some(Value::Object(only)), Some(fields)) = (only, schema.as_object_mut()) {
        fields.remove("oneOf");
        for (key, value) in only {
            fields.entry(key).or_insert(value);
        }
    }
}

/// Lets references to what clients send point to schemas of these names.
fn rename(value: &mut Value, name_of: &dyn Fn(&str) -> String) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "$ref" => {
                        if let Some(name) = text.strip_prefix(&format!("#{REQUESTS}/")) {
                            *text = format!("#{ANSWERS}/{}", name_of(name));
                        }
                    }
                    other => rename(other, name_of),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, name_of)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
