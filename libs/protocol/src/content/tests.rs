use super::*;
use proptest::prelude::*;

#[test]
fn nothing_that_was_typed_is_lost() {
    for text in [
        "a < b && c > d <3",
        "Vec<String>",
        "Someone <someone@example.com>",
        "if (a<b) return; List<int> x;",
        "<b>bold</b> <!-- --> &lt;b&gt;",
        "Tom & Jerry \"quoted\" 'too'",
        "line\nline\ttab",
        "👍 ünï",
        "نامه\u{200C}ها \u{200F}\u{2067}rtl\u{2069}",
        "half \u{FFFD}",
    ] {
        assert_eq!(Content::parse(text).map(Content::into_string), Ok(text.to_owned()));
    }
}

#[test]
fn control_characters_and_overrides_go_and_what_is_open_is_closed() {
    for (raw, kept) in [
        ("\u{0}ok\u{202E}", "ok"),
        ("a\u{1b}[31m\r\n", "a[31m\n"),
        ("\u{202D}x\u{7f}\u{85}", "x"),
        ("\u{2066}x", "\u{2066}x\u{2069}"),
    ] {
        assert_eq!(Content::parse(raw).map(Content::into_string), Ok(kept.to_owned()));
    }
}

#[test]
fn length_counts_unicode_scalar_values_as_they_were_typed() {
    for unit in ["a", "é", "👍", "<"] {
        assert!(Content::parse(&unit.repeat(CONTENT_MAX_CHARS)).is_ok());
        assert_eq!(Content::parse(&unit.repeat(CONTENT_MAX_CHARS + 1)), Err(ContentError::TooLong));
    }
    let tags = Content::parse(&"<b".repeat(CONTENT_MAX_CHARS / 2)).unwrap().written(Markup::Neutralise);
    assert_eq!(tags.as_str().chars().count(), CONTENT_MAX_CHARS * 3 / 2);
    let open = Content::parse(&"\u{2066}x".repeat(CONTENT_MAX_CHARS / 2)).unwrap();
    assert_eq!(open.as_str().chars().count(), CONTENT_MAX_CHARS * 3 / 2);
}

#[test]
fn what_shows_nothing_is_empty() {
    for blank in ["", " \n ", "\u{200B}\u{2060}", "\u{2800}\u{3164}", "\u{202E}\u{0}", "\u{E0041}"] {
        assert_eq!(Content::parse(blank), Err(ContentError::Empty), "{blank:?}");
        assert_eq!(Content::parse_optional(blank), Ok(Content::default()), "{blank:?}");
    }
    assert!(Content::parse("<p></p>").is_ok(), "a tag is text, too");
}

#[test]
fn a_text_is_too_long_whatever_would_be_left_of_it() {
    let raw = |bytes: usize| format!("hi{}", "\u{0}".repeat(bytes - 2));
    let most = CONTENT_MAX_CHARS * RAW_BYTES_PER_CHAR;
    assert_eq!(Content::parse(&raw(most)).map(Content::into_string), Ok("hi".to_owned()));
    assert_eq!(Content::parse(&raw(most + 1)), Err(ContentError::TooLong));
    assert_eq!(text_within(&"👍".repeat(10), 10), Some("👍".repeat(10)));
    assert_eq!(text_within(&raw(81), 10), None);
}

#[test]
fn a_line_has_no_breaks_and_something_to_show() {
    assert_eq!(line_within(" a \t\n <b>\u{0} ", 5), Some("a <b>".to_owned()));
    assert_eq!(line_within("a  b", 2), None);
    for blank in ["", " ", "\u{200B}"] {
        assert_eq!(line_within(blank, 5), None);
    }
}

proptest! {
    #[test]
    fn cleaning_twice_is_cleaning_once(raw in "[<>a\u{0}\u{85}\u{202A}-\u{202E}\u{2066}-\u{2069}\u{200E}é👍]{0,60}") {
        let once = clean(&raw);
        prop_assert_eq!(clean(&once), once);
    }

    #[test]
    fn text_without_characters_that_go_is_unchanged(raw in "([^\\pC]|[\n\t<>])*") {
        prop_assert_eq!(clean(&raw), raw);
    }
}
