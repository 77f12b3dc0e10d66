//! Named templates of notifications: the operator writes what a send says, and the request brings the values.
//!
//! Each is a file `NAME.toml`. All are read and parsed once, at the start, so that a mistake in one stops the
//! process and no send. Texts are made in every language when a request is accepted, and are kept with the
//! send: everybody is told what the template said then, whichever worker carries the send out. Values are
//! plain text, and what comes out is cleaned and bounded as if somebody had typed it.

use eventflow_protocol::client::InvalidRequest;
use eventflow_protocol::client::values::{
    NotificationKind, NotificationText, NotificationTitle, TemplateName, Unfit,
};
use eventflow_protocol::schedule::is_locale;
use eventflow_protocol::sends::{SendContent, SendText};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, context, filters};
use serde::Deserialize;
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The extension of a template's file.
const EXTENSION: &str = "toml";
/// Most steps of rendering one text. A list of hundreds of lines needs a few thousand; more would occupy the
/// thread that answers requests, and make a text longer than any that may be sent.
const STEPS_MAX: u64 = 10_000;

/// Why templates cannot be used. The process must not start with them.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The folder or a file in it cannot be read.
    #[error("read {}", path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
    /// The folder has a file that is no template: a mistake in its name would hide the template.
    #[error("{} is no template: their names are NAME.toml with letters, digits, - and _", path.display())]
    Misnamed {
        /// The file.
        path: PathBuf,
    },
    /// A file is no TOML, or has other fields than a template.
    #[error("template {name}")]
    Malformed {
        /// The template's name.
        name: String,
        /// What is wrong, and in which line.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A field has a value that it cannot have.
    #[error("template {name}: {sentence}")]
    Unfit {
        /// The template's name.
        name: String,
        /// What the value must be.
        sentence: String,
    },
    /// A table below `translations` is not named after a language.
    #[error("template {name}: translations.{language} is no language like de or pt-BR")]
    Language {
        /// The template's name.
        name: String,
        /// The name of the table.
        language: String,
    },
    /// A text is no template.
    #[error("template {name}: {field}")]
    Wrong {
        /// The template's name.
        name: String,
        /// The field of the file.
        field: String,
        /// What is wrong, and in which line.
        #[source]
        source: Box<minijinja::Error>,
    },
}

/// All templates.
#[derive(Clone, Debug)]
pub struct NotificationTemplates {
    environment: Environment<'static>,
    templates: BTreeMap<String, Template>,
}

/// One template.
#[derive(Clone, Debug)]
struct Template {
    kind: Option<NotificationKind>,
    languages: Vec<String>,
}

/// A template's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateFile {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    title: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    translations: BTreeMap<String, TextFile>,
}

/// A template's texts in another language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextFile {
    title: String,
    #[serde(default)]
    message: String,
}

impl Default for NotificationTemplates {
    /// No templates.
    fn default() -> Self {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(STEPS_MAX));
        environment.add_filter("default", filters::default);
        environment.add_filter("join", filters::join);
        environment.add_filter("length", filters::length);
        environment.add_filter("lower", filters::lower);
        environment.add_filter("upper", filters::upper);
        Self { environment, templates: BTreeMap::new() }
    }
}

impl NotificationTemplates {
    /// The templates in a folder.
    pub fn in_folder(folder: &Path) -> Result<Self, TemplateError> {
        let mut templates = Self::default();
        for path in files(folder)? {
            let name = template_name(&path).ok_or_else(|| TemplateError::Misnamed { path: path.clone() })?;
            let source = std::fs::read_to_string(&path)
                .map_err(|source| TemplateError::Unreadable { path: path.clone(), source })?;
            templates.add(name.as_str(), &source)?;
        }
        Ok(templates)
    }

    /// Adds a template: its name, and the text of its file.
    pub fn add(&mut self, name: &str, source: &str) -> Result<(), TemplateError> {
        let file: TemplateFile = toml::from_str(source)
            .map_err(|source| TemplateError::Malformed { name: name.to_owned(), source: Box::new(source) })?;
        self.add_texts(name, None, file.title, file.message)?;
        let mut languages = Vec::new();
        for (language, text) in file.translations {
            if !is_locale(&language) {
                return Err(TemplateError::Language { name: name.to_owned(), language });
            }
            self.add_texts(name, Some(&language), text.title, text.message)?;
            languages.push(language);
        }
        let kind = file
            .kind
            .map(NotificationKind::try_from)
            .transpose()
            .map_err(|unfit| TemplateError::Unfit { name: name.to_owned(), sentence: unfit.about("type") })?;
        self.templates.insert(name.to_owned(), Template { kind, languages });
        self.check(name)
    }

    /// Looks for filters and tests that do not exist, as far as they show without values: the engine finds
    /// them only when it renders.
    fn check(&self, name: &str) -> Result<(), TemplateError> {
        let mut lenient = self.environment.clone();
        lenient.set_undefined_behavior(UndefinedBehavior::Chainable);
        let prefix = format!("{name}/");
        for (path, template) in lenient.templates() {
            let Some(field) = path.strip_prefix(&prefix) else { continue };
            let Err(source) = template.render(()) else { continue };
            if matches!(
                source.kind(),
                ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction
            ) {
                let (name, field) = (name.to_owned(), field.to_owned());
                return Err(TemplateError::Wrong { name, field, source: Box::new(source) });
            }
        }
        Ok(())
    }

    fn add_texts(
        &mut self,
        name: &str,
        language: Option<&str>,
        title: String,
        message: String,
    ) -> Result<(), TemplateError> {
        for (field, source) in [("title", title), ("message", message)] {
            let field = field_of(language, field);
            self.environment.add_template_owned(format!("{name}/{field}"), source).map_err(|source| {
                TemplateError::Wrong { name: name.to_owned(), field, source: Box::new(source) }
            })?;
        }
        Ok(())
    }

    /// Fills in what the content's template says, in every language. Content without a template stays as it
    /// is. `has_own_kind`: the request names its type itself, so the template's does not count.
    pub(crate) fn fill(&self, content: &mut SendContent, has_own_kind: bool) -> Result<(), InvalidRequest> {
        let Some(name) = content.template.clone() else { return Ok(()) };
        let Some(template) = self.templates.get(&name) else {
            return Err(about("template", format!("template: there is no template {name}")));
        };
        let values = values(&content.data);
        let SendText { title, text } = self.text(&name, None, &values)?;
        (content.title, content.text) = (title, text);
        for language in &template.languages {
            content.translations.insert(language.clone(), self.text(&name, Some(language), &values)?);
        }
        if let (Some(kind), false) = (&template.kind, has_own_kind) {
            content.kind = kind.clone().into_string();
        }
        Ok(())
    }

    fn text(&self, name: &str, language: Option<&str>, values: &Value) -> Result<SendText, InvalidRequest> {
        let unfit = |error: Unfit, field: &str| {
            let field = format!("{} of the template {name}", field_of(language, field));
            about("data", error.about(&field))
        };
        let title = self.one(name, &field_of(language, "title"), values)?;
        let text = self.one(name, &field_of(language, "message"), values)?;
        Ok(SendText {
            title: NotificationTitle::try_from(title).map_err(|error| unfit(error, "title"))?.into_string(),
            text: NotificationText::try_from(text).map_err(|error| unfit(error, "message"))?.into_string(),
        })
    }

    /// Renders one text. If it fails, the sentence names the value that the template does not find.
    fn one(&self, name: &str, field: &str, values: &Value) -> Result<String, InvalidRequest> {
        let template = self.environment.get_template(&format!("{name}/{field}"));
        let template = template.map_err(|error| unfilled(name, field, &error, &BTreeSet::new()))?;
        template.render(values).map_err(|error| {
            if error.kind() == ErrorKind::OutOfFuel {
                let sentence = format!("data is too much for {field} of the template {name}");
                return about("data", format!("{sentence}: it takes more than {STEPS_MAX} steps"));
            }
            let absent = absent(&template, values);
            match needed(&template, values, &absent) {
                Some(missing) => {
                    let path = format!("data.{missing}");
                    about(&path, format!("{path} is missing: the template {name} needs it"))
                }
                None => unfilled(name, field, &error, &absent),
            }
        })
    }
}

/// The names in a template that the values do not have, needed or not.
fn absent(template: &minijinja::Template<'_, '_>, values: &Value) -> BTreeSet<String> {
    let is_there = |name: &String| values.get_attr(name).is_ok_and(|value| !value.is_undefined());
    template.undeclared_variables(false).into_iter().filter(|name| !is_there(name)).collect()
}

/// The absent name without which the template fails, while all others are there. Empty lists stand for these:
/// they can be shown and gone through. `None` if it fails with them too.
fn needed(
    template: &minijinja::Template<'_, '_>,
    values: &Value,
    absent: &BTreeSet<String>,
) -> Option<String> {
    let fails_without = |left_out: Option<&String>| {
        let others = absent.iter().filter(|name| Some(*name) != left_out);
        let stand_ins: Value = others.map(|name| (name.clone(), Value::from(Vec::<Value>::new()))).collect();
        template.render(context! { ..stand_ins, ..values.clone() }).is_err()
    };
    if fails_without(None) {
        return None;
    }
    absent.iter().find(|name| fails_without(Some(name))).cloned()
}

/// The path of a text in a template's file.
fn field_of(language: Option<&str>, field: &str) -> String {
    language.map_or_else(|| field.to_owned(), |language| format!("translations.{language}.{field}"))
}

fn about(path: &str, message: String) -> InvalidRequest {
    InvalidRequest { path: path.to_owned(), message }
}

fn unfilled(name: &str, field: &str, error: &minijinja::Error, absent: &BTreeSet<String>) -> InvalidRequest {
    let mut sentence = format!("data does not fit {field} of the template {name}: {}", error.kind());
    if !absent.is_empty() {
        let absent: Vec<&str> = absent.iter().map(String::as_str).collect();
        sentence = format!("{sentence}; data has no {}", absent.join(", "));
    }
    about("data", sentence)
}

/// The values of a request. Numbers that are not whole keep their digits as they were typed: `12.50`.
fn values(data: &Map<String, serde_json::Value>) -> Value {
    data.iter().map(|(name, value)| (name.clone(), of_json(value))).collect()
}

fn of_json(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::from(()),
        Json::Bool(is_true) => Value::from(*is_true),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(whole)) => Value::from(whole),
            (None, None) => Value::from(number.to_string()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(list) => list.iter().map(of_json).collect(),
        Json::Object(object) => values(object),
    }
}

/// The files of a folder, without hidden ones: orchestrators leave them beside those that they show.
fn files(folder: &Path) -> Result<Vec<PathBuf>, TemplateError> {
    let unreadable = |source| TemplateError::Unreadable { path: folder.to_owned(), source };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let is_hidden =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    Ok(paths.map_err(unreadable)?.into_iter().filter(|path| !is_hidden(path)).collect())
}

fn template_name(path: &Path) -> Option<TemplateName> {
    let has_extension = path.extension().is_some_and(|extension| extension == EXTENSION);
    let stem = path.file_stem()?.to_str()?.to_owned();
    TemplateName::try_from(stem).ok().filter(|_| has_extension)
}

#[cfg(test)]
mod tests;
