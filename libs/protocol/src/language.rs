//! Which of several languages somebody gets.

/// The best of these languages for somebody who asked for `wanted` (RFC 5646): that one, or the same without
/// its region. `None` if there is neither.
pub fn best<'a>(available: impl IntoIterator<Item = &'a String>, wanted: &str) -> Option<&'a str> {
    let primary = wanted.split(['-', '_']).next().unwrap_or_default();
    let mut without_region = None;
    for language in available {
        if language.eq_ignore_ascii_case(wanted) {
            return Some(language);
        }
        if language.eq_ignore_ascii_case(primary) {
            without_region = Some(language.as_str());
        }
    }
    without_region
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_found_with_or_without_its_region() {
        let available = ["de", "pt", "pt-BR"].map(str::to_owned);
        for (wanted, found) in [
            ("", None),
            ("fr", None),
            ("de", Some("de")),
            ("de-AT", Some("de")),
            ("DE_ch", Some("de")),
            ("pt-br", Some("pt-BR")),
            ("pt-PT", Some("pt")),
        ] {
            assert_eq!(best(&available, wanted), found, "{wanted}");
        }
    }
}
