use super::*;
use proptest::prelude::*;

/// What [`strip`] must come to, said as plainly as possible: passes over the text until one finds nothing.
/// Each costs as much as the text is long, and nested tags need one pass a level.
fn stripped_pass_by_pass(raw: &str) -> String {
    let mut text: String = raw.to_owned();
    while let Some(shorter) = pass(&text) {
        text = shorter;
    }
    text
}

fn pass(text: &str) -> Option<String> {
    let start = markup_start(text)?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut next = Some(start);
    while let Some(at) = next {
        out.push_str(&rest[..at]);
        let tag = &rest[at..];
        rest = tag.find('>').map_or(&tag[1..], |end| &tag[end + 1..]);
        next = markup_start(rest);
    }
    out.push_str(rest);
    Some(out)
}

fn markup_start(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let opens = |at: usize| {
        bytes.get(at + 1).is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'/' | b'!' | b'?'))
    };
    text.match_indices('<').map(|(at, _)| at).find(|at| opens(*at))
}

#[test]
fn ordinary_text_with_angle_brackets_is_unchanged() {
    for text in [
        "a < b && c > d <3",
        "1<2>0",
        "x <- y -> z",
        "<= <> << >>",
        "a <",
        "Tom & Jerry \"quoted\" 'too'",
        "line\nline\ttab",
        "👍 ünï",
    ] {
        assert_eq!(strip(text), text);
    }
}

#[test]
fn markup_does_not_survive() {
    for (raw, kept) in [
        ("<img src=x onerror=alert(1)>hi", "hi"),
        ("<scr<b>ipt>alert(1)</scr</b>ipt>", "ipt>alert(1)ipt>"),
        ("<!-- c -->x<?php ?>", "x"),
        ("a<svg/onload=1", "asvg/onload=1"),
        ("<<<a <b", "a b"),
    ] {
        let stripped = strip(raw);
        assert!(markup_start(&stripped).is_none(), "{stripped}");
        assert_eq!(stripped, kept);
    }
}

#[test]
fn a_tag_that_is_joined_later_ends_at_what_earlier_ones_left() {
    for (raw, kept) in [
        ("<<b>a <i> x > y", " y"),
        ("<<b>a<c>>", ""),
        ("<<b>a <<i>j> y", " y"),
        ("<<<p>q><b>a<<j>k>> y", " y"),
        ("<<b>a <<<i>j>k> y", "k> y"),
        ("<<<b>a>c <i> x", "c  x"),
    ] {
        assert_eq!((&*strip(raw), stripped_pass_by_pass(raw).as_str()), (kept, kept), "{raw}");
    }
}

#[test]
fn every_short_text_is_stripped_as_pass_by_pass() {
    // Letters and digits tell places apart; besides brackets there is nothing but what opens a tag and what
    // does not.
    let sign =
        |kind: usize, at: usize| ["<", ">", &"abcdefghi"[at..=at], &"012345678"[at..=at]][kind].to_owned();
    for length in 0..=9 {
        for mut number in 0..4_usize.pow(length) {
            let mut raw = String::new();
            for at in 0..length as usize {
                raw += &sign(number % 4, at);
                number /= 4;
            }
            assert_eq!(strip(&raw), stripped_pass_by_pass(&raw), "{raw}");
        }
    }
}

#[test]
fn a_body_of_nested_tags_is_read_once() {
    let levels = 256 * 1024 / 3;
    let (opening, closing) = ("<".repeat(levels), "a>".repeat(levels));
    for (raw, kept) in [
        (format!("{opening}{closing}"), String::new()),
        (format!("{opening}{closing}>x"), ">x".to_owned()),
        (format!("{opening}{}", "a".repeat(levels)), "a".repeat(levels)),
        ("<a".repeat(levels), "a".repeat(levels)),
        ("<<a>b>".repeat(levels), String::new()),
    ] {
        let mut read = 0;
        assert!(without_markup(raw.chars().inspect(|_| read += 1)) == kept);
        assert_eq!(read, raw.len());
    }
}

/// Everything that means something to a browser, in much disorder, at times in the order of nested tags.
fn hostile() -> impl Strategy<Value = String> {
    let nested = (1_usize..5, "[a/!? ]>", 1_usize..5);
    let piece = prop_oneof![
        4 => "[<>a/]",
        2 => "[<>/!?a-zA-Z0-9 \"'=\\-\n\t]",
        1 => "[\u{0}\u{1b}\u{7f}\u{85}\u{202A}-\u{202E}\u{2066}-\u{2069}\u{200E}é👍]",
        1 => nested.prop_map(|(levels, end, ends)| "<".repeat(levels) + &end.repeat(ends)),
        1 => "\\PC",
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn stripping_comes_to_what_passes_until_nothing_is_found_come_to(raw in hostile()) {
        prop_assert_eq!(&*strip(&raw), stripped_pass_by_pass(&raw));
    }

    #[test]
    fn stripping_twice_is_stripping_once(raw in hostile()) {
        let once = strip(&raw);
        prop_assert_eq!(&*strip(&once), &*once);
    }

    #[test]
    fn no_less_than_sign_of_a_stripped_text_opens_a_tag(raw in hostile()) {
        let stripped = strip(&raw);
        let opens = |pair: &[u8]| pair[0] == b'<' && (pair[1].is_ascii_alphabetic() || b"/!?".contains(&pair[1]));
        prop_assert!(!stripped.as_bytes().windows(2).any(opens), "{}", stripped);
    }

    #[test]
    fn text_without_markup_is_unchanged(raw in "([^<\\pC]|[\n\t]|<+[ \n0-9=.,;:(\\-\"'&_>é👍])*<*") {
        prop_assert_eq!(&*strip(&raw), raw.as_str());
    }

    #[test]
    fn text_without_less_than_signs_is_unchanged(raw in "[^<\\pC]*") {
        prop_assert_eq!(&*strip(&raw), raw.as_str());
    }
}
