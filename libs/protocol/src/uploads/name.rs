//! Names of files: what a client calls a file, made fit to be shown and to be saved under.

use crate::content::{clean, is_blank, is_override};

/// Longest file name in bytes: what file systems take.
pub const FILE_NAME_MAX_BYTES: usize = 255;
/// Most bytes of a name's extension that a cut leaves: longer ones say nothing about the type.
const EXTENSION_MAX_BYTES: usize = 16;
/// The name of a file without one.
const UNNAMED: &str = "file";

/// The name under which a file is kept: the last part of a path, without control characters, ends of lines,
/// quotation marks and what makes text read backwards; cut in front of its extension if it is long.
pub fn file_name(raw: &str) -> String {
    let last = raw.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !is_odd(*c)).collect();
    let name = shorten(kept.trim());
    // What it leaves open is closed; a long name has no room for that, and loses what opens.
    let closed = clean(&name);
    let name = if closed.len() <= FILE_NAME_MAX_BYTES { closed } else { name.replace(is_opening, "") };
    let is_none = is_blank(&name) || matches!(name.as_str(), "." | "..");
    if is_none { UNNAMED.to_owned() } else { name }
}

fn is_odd(c: char) -> bool {
    c.is_control() || is_override(c) || matches!(c, '"' | '\u{2028}' | '\u{2029}')
}

fn is_opening(c: char) -> bool {
    matches!(c, '\u{202A}' | '\u{202B}' | '\u{2066}'..='\u{2068}')
}

fn shorten(name: &str) -> String {
    if name.len() <= FILE_NAME_MAX_BYTES {
        return name.to_owned();
    }
    let extension = name.rfind('.').map_or("", |at| &name[at..]);
    let extension = if extension.len() <= EXTENSION_MAX_BYTES { extension } else { "" };
    let stem = &name[..name.len() - extension.len()];
    let end = stem.floor_char_boundary(FILE_NAME_MAX_BYTES - extension.len());
    format!("{}{extension}", stem[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_path_and_reads_as_what_it_is() {
        for (raw, kept) in [
            ("photo.png", "photo.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ann\\a.doc", "a.doc"),
            ("a/..", "file"),
            ("", "file"),
            (" \t ", "file"),
            ("..", "file"),
            ("a\0b\r\nc\u{7f}.txt", "abc.txt"),
            ("exe\u{202E}gnp.exe", "exegnp.exe"),
            ("say \"hi\".txt", "say hi.txt"),
            ("\u{200B}\u{2060}", "file"),
            ("نامه\u{200C}ها.pdf", "نامه\u{200C}ها.pdf"),
            ("\u{2067}a.txt", "\u{2067}a.txt\u{2069}"),
            ("日本.txt", "日本.txt"),
        ] {
            assert_eq!(file_name(raw), kept, "{raw:?}");
            assert_eq!(file_name(&file_name(raw)), file_name(raw), "{raw:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        for long in ["ä".repeat(300) + ".tar.gz", "a".repeat(300) + ".png", "\u{2067}".repeat(200) + "a.png"]
        {
            let name = file_name(&long);
            assert!(name.len() <= FILE_NAME_MAX_BYTES && !name.is_empty(), "{name}");
            assert!(name.ends_with(&long[long.rfind('.').unwrap()..]), "{name}");
        }
        assert!(file_name(&".".repeat(300)).len() <= FILE_NAME_MAX_BYTES);
        assert!(file_name(&format!("a.{}", "b".repeat(400))).len() <= FILE_NAME_MAX_BYTES);
    }
}
