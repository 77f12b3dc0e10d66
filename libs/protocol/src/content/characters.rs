//! Characters: which of them a text keeps, which of them show nothing, and what has to be closed at its end.

/// Whether a text keeps a character: control characters go (but tab and line feed), and so do the two
/// overrides that make text read backwards. Marks, embeddings and isolates stay: whoever writes Arabic or
/// Hebrew needs them, and [`close`] keeps them from reaching beyond the text.
pub(super) fn is_kept(c: char) -> bool {
    !(is_override(c) || c.is_control() && c != '\n' && c != '\t')
}

/// Whether this is a bidirectional override (UAX 9, 2.2).
pub(crate) fn is_override(c: char) -> bool {
    matches!(c, '\u{202D}' | '\u{202E}')
}

/// Whether a text shows nothing at all.
pub(crate) fn is_blank(text: &str) -> bool {
    !text.contains(|c: char| !(c.is_whitespace() || c.is_control() || is_invisible(c)))
}

/// Characters that show nothing: Unicode's default ignorable code points (`DerivedCoreProperties.txt`), and
/// the pattern of braille dots without a dot.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Closes the embeddings and isolates that a text leaves open, innermost first, so that the text after it
/// keeps its own direction.
pub(super) fn close(text: &mut String) {
    let mut open = Vec::new();
    for c in text.chars() {
        match c {
            '\u{202A}' | '\u{202B}' => open.push('\u{202C}'),
            '\u{2066}'..='\u{2068}' => open.push('\u{2069}'),
            '\u{202C}' if open.last() == Some(&'\u{202C}') => drop(open.pop()),
            // The end of an isolate also ends the embeddings within it (UAX 9, X6a).
            '\u{2069}' => {
                if let Some(at) = open.iter().rposition(|end| *end == '\u{2069}') {
                    open.truncate(at);
                }
            }
            _ => {}
        }
    }
    text.extend(open.into_iter().rev());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(text: &str) -> String {
        let mut text = text.to_owned();
        close(&mut text);
        text
    }

    #[test]
    fn what_is_left_open_is_closed_at_the_end_from_the_inside() {
        for (text, added) in [
            ("plain", ""),
            ("\u{2067}rtl\u{2069}", ""),
            ("\u{200F}mark\u{200E}\u{61C}", ""),
            ("\u{2067}rtl", "\u{2069}"),
            ("\u{202B}a\u{2066}b", "\u{2069}\u{202C}"),
            ("\u{2066}a\u{202B}b\u{2069}", ""),
            ("\u{2066}a\u{202C}", "\u{2069}"),
            ("\u{2069}\u{202C}", ""),
        ] {
            assert_eq!(closed(text), format!("{text}{added}"), "{text:?}");
            assert_eq!(closed(&closed(text)), closed(text), "{text:?}");
        }
    }

    #[test]
    fn text_of_nothing_visible_is_blank() {
        for blank in
            ["", " \n\t", "\u{200B}", "\u{2060}\u{FEFF}", "\u{2800}", "\u{3164}", "\u{E0041}", "\u{AD} "]
        {
            assert!(is_blank(blank), "{blank:?}");
        }
        for visible in ["a", ".", "👍", "❤\u{FE0F}", "\u{200B}x", "نامه\u{200C}ها", "\u{FFFD}"] {
            assert!(!is_blank(visible), "{visible:?}");
        }
    }
}
