//! Templates of mails: a subject, a text and an HTML for each language.
//!
//! The layouts (`subject.txt`, `mail.txt`, `mail.html`) are the same for all languages and take their words
//! from `<language>/words.txt`. An operator may replace any of them, and add languages, with files of the
//! same names in a folder. Everything is parsed and rendered once at the start, so that a mistake in a
//! template stops the process and no mail.
//!
//! Values are escaped in `.html` always: a template cannot switch that off for a value by accident. Words are
//! macros that take numbers only, so no text of a person passes through a place without escaping.

use crate::email::digest::Digest;
use eventflow_protocol::language;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context, escape_formatter};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The language of people who asked for none that exists.
pub const DEFAULT_LANGUAGE: &str = "en";
/// Most steps of rendering one part of a mail. The largest digest needs a tenth of this; a template of an
/// operator that needs more goes through its lists in each other, and would hold the worker up.
const STEPS_MAX: u64 = 1_000_000;
const SUBJECT: &str = "subject.txt";
const TEXT: &str = "mail.txt";
const HTML: &str = "mail.html";
/// Name of the file with the words of a language, in the folder of the language.
const WORDS: &str = "words.txt";
/// Templates that come with the program.
const BUILT_IN: [(&str, &str); 5] = [
    (SUBJECT, include_str!("../../templates/subject.txt")),
    (TEXT, include_str!("../../templates/mail.txt")),
    (HTML, include_str!("../../templates/mail.html")),
    ("en/words.txt", include_str!("../../templates/en/words.txt")),
    ("de/words.txt", include_str!("../../templates/de/words.txt")),
];
/// Longest preview in Unicode scalar values: what lists of mails show beside the subject.
const PREVIEW_MAX_CHARS: usize = 120;

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
    /// The folder has a file that is no template: a mistake in its name would leave the built-in one in use.
    #[error("{} is no template; there are subject.txt, mail.txt, mail.html and LANGUAGE/words.txt", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// What a template makes lacks something that every mail has.
    #[error("template {name} lacks {what} in the language {language}")]
    Lacking {
        /// Its name, such as `mail.html`.
        name: &'static str,
        /// What is not there.
        what: &'static str,
        /// The language of the words.
        language: String,
    },
    /// A template has a mistake.
    #[error("template {name}")]
    Wrong {
        /// Its name, such as `mail.html`.
        name: String,
        /// What is wrong, and in which line.
        #[source]
        source: Box<minijinja::Error>,
    },
}

/// The rendered texts of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// For readers without HTML.
    pub text: String,
    /// For readers with HTML.
    pub html: String,
}

/// The templates of all languages.
pub struct Templates {
    environment: Environment<'static>,
    languages: Vec<String>,
}

impl Templates {
    /// The templates that come with the program.
    pub fn built_in() -> Result<Self, TemplateError> {
        Self::of(BUILT_IN.map(|(name, source)| (name.to_owned(), source.to_owned())).into())
    }

    /// The templates that come with the program, replaced by those in a folder.
    pub fn with_folder(folder: &Path) -> Result<Self, TemplateError> {
        let mut sources: BTreeMap<String, String> =
            BUILT_IN.map(|(name, source)| (name.to_owned(), source.to_owned())).into();
        for path in files(folder)? {
            let name = path.strip_prefix(folder).ok().and_then(Path::to_str).and_then(template_name);
            let name = name.ok_or_else(|| TemplateError::Unknown { path: path.clone() })?;
            let source = std::fs::read_to_string(&path)
                .map_err(|source| TemplateError::Unreadable { path: path.clone(), source })?;
            sources.insert(name, source);
        }
        Self::of(sources)
    }

    fn of(sources: BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(STEPS_MAX));
        environment.set_auto_escape_callback(|name| {
            let is_html = Path::new(name).extension().is_some_and(|extension| extension == "html");
            if is_html { AutoEscape::Html } else { AutoEscape::None }
        });
        environment.set_formatter(|out, state, value| match (state.auto_escape(), value.as_str()) {
            (AutoEscape::Html, Some(text)) => Ok(out.write_str(&escaped(text))?),
            _ => escape_formatter(out, state, value),
        });
        environment.set_trim_blocks(true);
        environment.add_filter("length", minijinja::filters::length);
        let languages = sources.keys().filter_map(|name| name.strip_suffix(&format!("/{WORDS}")));
        let languages = languages.map(str::to_owned).collect();
        for (name, source) in sources {
            let added = environment.add_template_owned(name.clone(), source);
            added.map_err(|source| TemplateError::Wrong { name, source: Box::new(source) })?;
        }
        let templates = Self { environment, languages };
        templates.check()?;
        Ok(templates)
    }

    /// Renders a mail of each kind in each language. Each has a subject, and a way to be the last one
    /// wherever its reader looks.
    fn check(&self) -> Result<(), TemplateError> {
        for language in &self.languages {
            let lacking = |name, what| TemplateError::Lacking { name, what, language: language.clone() };
            for digest in Digest::samples() {
                let Rendered { subject, text, html } = self.render(language, &digest)?;
                if subject.is_empty() {
                    return Err(lacking(SUBJECT, "a subject: it is empty"));
                }
                let link = digest.unsubscribe_url.as_deref().unwrap_or_default();
                for (name, text) in [(TEXT, &text), (HTML, &html)] {
                    if !text.contains(link) {
                        return Err(lacking(name, "the link to unsubscribe: {{ unsubscribe_url }}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// The language for somebody who asked for `wanted` (RFC 5646): that one, or the nearest that it is a
    /// form of ([`language::best`]), or [`DEFAULT_LANGUAGE`].
    pub fn language(&self, wanted: Option<&str>) -> &str {
        language::best(&self.languages, wanted.unwrap_or_default()).unwrap_or(DEFAULT_LANGUAGE)
    }

    /// Renders the texts of a mail.
    pub fn render(&self, language: &str, digest: &Digest) -> Result<Rendered, TemplateError> {
        let (subject, preview) = ("", "");
        let plain = context! { language, subject, preview, ..minijinja::Value::from_serialize(digest) };
        let subject = self.one(SUBJECT, &plain)?.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = self.one(TEXT, &plain)?;
        let preview: String = digest.preview().chars().take(PREVIEW_MAX_CHARS).collect();
        let all = context! { subject, preview, ..plain };
        let html = self.one(HTML, &all)?;
        Ok(Rendered { subject, text, html })
    }

    fn one(&self, name: &str, values: &minijinja::Value) -> Result<String, TemplateError> {
        let rendered = self.environment.get_template(name).and_then(|template| template.render(values));
        rendered.map_err(|source| TemplateError::Wrong { name: name.to_owned(), source: Box::new(source) })
    }
}

/// A text for HTML and for values of attributes in quotation marks. `MiniJinja` itself would escape slashes
/// too, and some mail programs take such an address for a broken one.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The files of a folder and of the folders in it, one level deep.
fn files(folder: &Path) -> Result<Vec<PathBuf>, TemplateError> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() { files.extend(entries(&path)?) } else { files.push(path) }
    }
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, TemplateError> {
    let unreadable = |source| TemplateError::Unreadable { path: folder.to_owned(), source };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let paths = paths.map_err(unreadable)?;
    // Editors and orchestrators leave hidden files beside those that they show (`..data` of Kubernetes).
    let is_hidden =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    Ok(paths.into_iter().filter(|path| !is_hidden(path)).collect())
}

/// The name of a template, as its path below the folder says.
fn template_name(path: &str) -> Option<String> {
    let is_layout = [SUBJECT, TEXT, HTML].contains(&path);
    let is_words = path.split_once('/').is_some_and(|(language, file)| {
        let is_language = language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_language && (2..=16).contains(&language.len()) && file == WORDS
    });
    (is_layout || is_words).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::digest::{MessageLine, NotificationBlock, ThreadBlock};

    /// Texts that would be markup, end an attribute, run a template, or break a line.
    const HOSTILE: &str =
        "<script>alert(1)</script> \" ' & {{ 7*7 }} {% raw %} </style><img src=x onerror=alert(1)>";

    fn digest() -> Digest {
        Digest::samples().into_iter().next().unwrap()
    }

    fn hostile() -> Digest {
        let mut digest = digest();
        let block: &mut ThreadBlock = &mut digest.threads[0];
        block.title = HOSTILE.to_owned();
        let line: &mut MessageLine = &mut block.messages[0];
        line.sender = HOSTILE.to_owned();
        line.initial = "<".to_owned();
        line.lines = vec![HOSTILE.to_owned()];
        line.files = vec![HOSTILE.to_owned()];
        let block: &mut NotificationBlock = &mut digest.notifications[0];
        block.title = HOSTILE.to_owned();
        block.lines = vec![HOSTILE.to_owned()];
        digest.product = HOSTILE.to_owned();
        digest
    }

    #[test]
    fn everything_that_people_write_is_shown_and_none_of_it_is_markup() {
        let templates = Templates::built_in().unwrap();
        for language in ["en", "de"] {
            let rendered = templates.render(language, &hostile()).unwrap();
            let html = &rendered.html;
            assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
            assert!(html.contains("&lt;script&gt;") && html.contains("{{ 7*7 }}"), "{html}");
            assert_eq!(html.matches("</style>").count(), 1, "{html}");
            assert!(rendered.text.contains(HOSTILE), "{}", rendered.text);
            assert!(!rendered.subject.contains('\n'), "{}", rendered.subject);
        }
    }

    #[test]
    fn a_subject_says_what_came_and_stays_the_same_for_one_conversation() {
        let templates = Templates::built_in().unwrap();
        let subject = |language: &str, digest: &Digest| templates.render(language, digest).unwrap().subject;
        let all = digest();
        assert_eq!(subject("en", &all), "7 new messages and 1 new notification");
        assert_eq!(subject("de", &all), "7 neue Nachrichten und 1 neue Benachrichtigung");
        let mut threads = digest();
        threads.notifications.clear();
        assert_eq!(subject("en", &threads), "7 new messages in 2 conversations");
        let mut one = threads.clone();
        one.threads.truncate(1);
        assert_eq!(subject("en", &one), "New messages from Ann");
        assert_eq!(subject("de", &one), "Neue Nachrichten von Ann");
        one.message_count = 1;
        one.threads[0].messages.truncate(1);
        assert_eq!(subject("en", &one), "New messages from Ann", "so that mail clients group them");
        let mut notice = digest();
        notice.threads.clear();
        assert_eq!(subject("en", &notice), "Your order is on its way");
    }

    #[test]
    fn a_language_is_found_with_or_without_its_region() {
        let templates = Templates::built_in().unwrap();
        for (wanted, found) in [
            (None, "en"),
            (Some("de"), "de"),
            (Some("de-AT"), "de"),
            (Some("DE_ch"), "de"),
            (Some("fr"), "en"),
            (Some(""), "en"),
        ] {
            assert_eq!(templates.language(wanted), found, "{wanted:?}");
        }
    }

    #[test]
    fn a_folder_replaces_templates_and_adds_languages_and_a_mistake_names_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::write(path.join(SUBJECT), "{{ product }}: {{ message_count }}").unwrap();
        std::fs::create_dir(path.join("fr")).unwrap();
        std::fs::copy(
            concat!(env!("CARGO_MANIFEST_DIR"), "/templates/en/words.txt"),
            path.join("fr/words.txt"),
        )
        .unwrap();
        let templates = Templates::with_folder(path).unwrap();
        assert_eq!(templates.language(Some("fr-CA")), "fr");
        assert_eq!(templates.render("fr", &digest()).unwrap().subject, "EventFlow: 7");
        for (name, source) in
            [(SUBJECT, "{{ produkt }}"), (HTML, "{% if %}"), (TEXT, "{{ threads[0].nothing }}")]
        {
            let before = std::fs::read_to_string(path.join(name)).ok();
            std::fs::write(path.join(name), source).unwrap();
            let Err(error) = Templates::with_folder(path) else { panic!("{name} is wrong") };
            assert!(matches!(&error, TemplateError::Wrong { name: wrong, .. } if wrong == name), "{error:?}");
            match before {
                Some(before) => std::fs::write(path.join(name), before).unwrap(),
                None => std::fs::remove_file(path.join(name)).unwrap(),
            }
        }
        let error = Templates::with_folder(path).err();
        assert!(error.is_none(), "{error:?}");
        for (name, source, lacks) in [
            (SUBJECT, "{# nothing #} ", "template subject.txt lacks a subject"),
            (TEXT, "{{ product }}", "template mail.txt lacks the link to unsubscribe"),
            (HTML, "<p>{{ product }}", "template mail.html lacks the link to unsubscribe"),
        ] {
            std::fs::write(path.join(name), source).unwrap();
            let Err(error) = Templates::with_folder(path) else { panic!("{name} lacks something") };
            assert!(error.to_string().starts_with(lacks), "{error}");
            std::fs::remove_file(path.join(name)).unwrap();
        }
        std::fs::write(path.join("mial.html"), "x").unwrap();
        assert!(matches!(Templates::with_folder(path), Err(TemplateError::Unknown { .. })));
        assert!(matches!(
            Templates::with_folder(&path.join("nowhere")),
            Err(TemplateError::Unreadable { .. })
        ));
    }
}
