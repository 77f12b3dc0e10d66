//! The folded form of a text: what two texts have in common that a reader takes for the same.
//!
//! Each character is taken apart as Unicode's compatibility decomposition (NFKD) says. Accents and what
//! nobody sees are left out, letters become small, and white space of any length is one space. The folded
//! form of a text is the concatenation of those of its characters, so each place in it comes from one
//! character of the text.

use unicode_normalization::UnicodeNormalization;

/// The folded form of a text. What is stored in signatures follows from it: a change of it means that
/// existing signatures have to be made anew.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        fold_char(c, |piece| push(&mut folded, piece));
    }
    folded
}

/// Appends a folded character. White space after white space adds nothing.
pub(super) fn push(folded: &mut String, piece: char) {
    if piece != ' ' || !folded.ends_with(' ') {
        folded.push(piece);
    }
}

/// Gives the pieces that a character folds to; none for what nobody sees.
pub(super) fn fold_char(c: char, mut each: impl FnMut(char)) {
    if c.is_ascii() {
        return match c {
            ' ' | '\t' | '\n' | '\r' => each(' '),
            c if c.is_ascii_control() => {}
            c => each(c.to_ascii_lowercase()),
        };
    }
    for piece in std::iter::once(c).nfkd().filter(|piece| !is_left_out(*piece)) {
        if piece.is_whitespace() {
            each(' ');
        } else if let Some(letters) = plain(piece) {
            letters.chars().for_each(&mut each);
        } else {
            // Up and down again, so that letters with two small forms (σ and ς, s and ſ) and those that are
            // two letters in capitals (ß) fold to one form.
            piece
                .to_uppercase()
                .flat_map(char::to_lowercase)
                .filter(|c| !is_left_out(*c))
                .for_each(&mut each);
        }
    }
}

/// Letters that Unicode does not take apart and that people write without their stroke.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'ø' | 'Ø' => "o",
        'đ' | 'Đ' | 'ð' | 'Ð' => "d",
        'ł' | 'Ł' => "l",
        'ħ' | 'Ħ' => "h",
        'ŧ' | 'Ŧ' => "t",
        'þ' | 'Þ' => "th",
        _ => return None,
    })
}

/// Accents and vowel points, which are written or not as people please, and characters that nobody sees.
/// Signs of vowels and tones that belong to a word (Thai, Devanagari, kana) stay.
fn is_left_out(c: char) -> bool {
    let is_accent = matches!(c,
        '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}'
        | '\u{591}'..='\u{5BD}' | '\u{5BF}'..='\u{5C7}' | '\u{610}'..='\u{61A}' | '\u{640}' | '\u{64B}'..='\u{65F}' | '\u{670}');
    let is_unseen = matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}');
    is_accent || is_unseen || c.is_control() && !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn case_accents_widths_and_unseen_characters_do_not_count() {
        for (one, other) in [
            ("Café", "cafe"),
            ("Cafe\u{301}", "café"),
            ("STRASSE", "Straße"),
            ("İSTANBUL", "istanbul"),
            ("Ｈｅｌｌｏ", "hello"),
            ("ﬁne", "FINE"),
            ("ΟΔΟΣ", "οδός"),
            ("Łódź", "lodz"),
            ("smørrebrød", "SMORREBROD"),
            ("Đặng", "dang"),
            ("ёлка", "Елка"),
            ("مَرْحَبًا", "مرحبا"),
            ("שָׁלוֹם", "שלום"),
            ("한국", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}"),
            ("が", "か\u{3099}"),
            ("a\u{2060}b\u{200d}c\u{feff}", "abc"),
            ("<\u{2060}b>", "<B>"),
            ("a \u{3000}\n b", "a b"),
            ("a\0b\u{1f}", "ab"),
        ] {
            assert_eq!(fold(one), fold(other), "{one:?} {other:?}");
        }
        assert_ne!(fold("น้ำ"), fold("นำ"), "a tone of Thai belongs to the word");
        assert_ne!(fold("か"), fold("が"));
    }

    #[test]
    fn folding_a_folded_text_changes_nothing() {
        for text in ["Straße Ⅷ ½ ΟΔΟΣ", "나는 กำลัง ひらがな ガ", "\u{1F600}\u{FE0F} ﷺ", "ŉ ǰ ΐ ﬃ"]
        {
            assert_eq!(fold(&fold(text)), fold(text), "{text}");
        }
    }
}
