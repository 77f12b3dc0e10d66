//! Imports of a Rust source file, read from its text: `use` declarations and paths in the code.
//!
//! This is no compiler. It sees paths that begin with `crate`, `super`, `self` or the name of a module. It
//! does not see what a macro generates, and it skips code that only tests compile.

/// One path that a file names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// The segments as written, such as `["super", "hub", "Hub"]`; a glob ends with `"*"`.
    pub(crate) path: Vec<String>,
    /// The name that the path has in the file: the last segment, or the word after `as`.
    pub(crate) name: String,
    /// Whether the file re-exports the path: `pub use`, with any visibility.
    pub(crate) is_reexport: bool,
}

/// Everything that `text` imports or names by a path, without items below `#[cfg(test)]`.
pub(crate) fn imports(text: &str) -> Vec<Import> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].starts_with(&TEST_ONLY.map(str::to_owned)) {
            at = after_item(&tokens, at + TEST_ONLY.len());
        } else if tokens[at] == "use" {
            let is_reexport = is_public(&tokens[..at]);
            at = tree(&tokens, at + 1, &[], &mut |path, name| found.push(Import { path, name, is_reexport }));
        } else if is_word(&tokens[at]) {
            let path = chain(&tokens[at..]);
            at += 2 * path.len() - 1;
            if path.len() > 1 {
                let name = path[path.len() - 1].clone();
                found.push(Import { path, name, is_reexport: false });
            }
        } else {
            at += 1;
        }
    }
    found
}

/// Whether `text` defines an item of this name.
pub(crate) fn defines(text: &str, name: &str) -> bool {
    const KINDS: [&str; 9] = ["fn", "struct", "enum", "trait", "const", "static", "type", "mod", "union"];
    tokens(text).windows(2).any(|pair| KINDS.contains(&pair[0].as_str()) && pair[1] == name)
}

/// Tokens of the attribute that marks an item for tests only.
const TEST_ONLY: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

/// The position after the item that begins at `at`: behind its semicolon or its closing brace.
fn after_item(tokens: &[String], at: usize) -> usize {
    let mut depth = 0;
    for (n, token) in tokens.iter().enumerate().skip(at) {
        match token.as_str() {
            "{" => depth += 1,
            "}" if depth == 1 => return n + 1,
            "}" => depth -= 1,
            ";" if depth == 0 => return n + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Whether the tokens before a `use` make it public: `pub`, or `pub(…)`.
fn is_public(before: &[String]) -> bool {
    match before.last().map(String::as_str) {
        Some("pub") => true,
        Some(")") => {
            let open = before.iter().rposition(|token| token == "(").unwrap_or(0);
            open > 0 && before[open - 1] == "pub"
        }
        _ => false,
    }
}

/// Walks one tree of a `use` declaration and reports each leaf to `found`. Returns the position after the
/// tree.
fn tree(
    tokens: &[String],
    at: usize,
    prefix: &[String],
    found: &mut impl FnMut(Vec<String>, String),
) -> usize {
    let Some(token) = tokens.get(at) else { return at };
    if token == "{" {
        return braces(tokens, at + 1, prefix, found);
    }
    let mut path = prefix.to_vec();
    path.push(token.clone());
    match tokens.get(at + 1).map(String::as_str) {
        Some("::") => tree(tokens, at + 2, &path, found),
        Some("as") => {
            found(path, tokens[at + 2].clone());
            at + 3
        }
        _ => {
            // `hub::{self, Hub}` names the module itself.
            if token == "self" && path.len() > 1 {
                path.pop();
            }
            let name = path[path.len() - 1].clone();
            found(path, name);
            at + 1
        }
    }
}

fn braces(
    tokens: &[String],
    mut at: usize,
    prefix: &[String],
    found: &mut impl FnMut(Vec<String>, String),
) -> usize {
    while at < tokens.len() && tokens[at] != "}" {
        at = if tokens[at] == "," { at + 1 } else { tree(tokens, at, prefix, found) };
    }
    at + 1
}

/// The leading words that are joined by `::`.
fn chain(tokens: &[String]) -> Vec<String> {
    let mut path = vec![tokens[0].clone()];
    let mut at = 1;
    while tokens.get(at).is_some_and(|token| token == "::")
        && tokens.get(at + 1).is_some_and(|next| is_word(next))
    {
        path.push(tokens[at + 1].clone());
        at += 2;
    }
    path
}

fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Splits the text into words, `::` and single marks, without comments, strings and characters.
fn tokens(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let rest = &letters[at..];
        at += match rest {
            ['/', '/', ..] => rest.iter().position(|&letter| letter == '\n').unwrap_or(rest.len()),
            ['r', '"' | '#', ..] if raw_text(rest).is_some() => raw_text(rest).unwrap_or(1),
            ['"', ..] => quoted(rest),
            ['\'', '\\', ..] => {
                2 + rest[2..].iter().skip(1).position(|&letter| letter == '\'').unwrap_or(0) + 2
            }
            ['\'', _, '\'', ..] => 3,
            [':', ':', ..] => {
                tokens.push("::".to_owned());
                2
            }
            [first, ..] if first.is_alphanumeric() || *first == '_' => {
                let word: String =
                    rest.iter().take_while(|letter| letter.is_alphanumeric() || **letter == '_').collect();
                let length = word.chars().count();
                tokens.push(word);
                length
            }
            [first, ..] => {
                if !first.is_whitespace() {
                    tokens.push(first.to_string());
                }
                1
            }
            [] => 1,
        };
    }
    tokens
}

/// The length of a string in quotation marks.
fn quoted(letters: &[char]) -> usize {
    let mut at = 1;
    while at < letters.len() && letters[at] != '"' {
        at += if letters[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of a raw string such as `r#"…"#`; `None` if the text does not begin with one.
fn raw_text(letters: &[char]) -> Option<usize> {
    let hashes = letters[1..].iter().take_while(|&&letter| letter == '#').count();
    if letters.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let begin = 2 + hashes;
    let is_end = |at: &usize| {
        letters[*at] == '"'
            && letters[at + 1..].iter().take(hashes).filter(|&&letter| letter == '#').count() == hashes
    };
    let end = (begin..letters.len()).find(is_end)?;
    Some(end + 1 + hashes)
}

#[test]
fn uses_and_paths_are_found() {
    let text = r#"
        //! use crate::nothing;
        pub(crate) use hub::{self, Hub as Center, parts::*};
        use super::{limits::Limits, session};
        #[cfg(test)]
        mod tests { use crate::only_here; }
        fn open() -> crate::error::Error { let text = "crate::no"; let mark = '"'; super::close::<u8>(text, '\'') }
    "#;
    let found: Vec<String> = imports(text)
        .into_iter()
        .map(|one| {
            format!("{}{} as {}", if one.is_reexport { "pub " } else { "" }, one.path.join("::"), one.name)
        })
        .collect();
    let expected = [
        "pub hub as hub",
        "pub hub::Hub as Center",
        "pub hub::parts::* as *",
        "super::limits::Limits as Limits",
        "super::session as session",
        "crate::error::Error as Error",
        "super::close as close",
    ];
    assert_eq!(found, expected);
}
