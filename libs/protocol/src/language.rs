//! Which of several languages somebody gets.

/// The best of these languages for somebody who asked for `wanted` (RFC 5646): that one, or the first that is
/// left when its parts are taken away from the end (RFC 4647, 3.4): `zh-Hant-TW`, `zh-Hant`, `zh`. `None` if
/// there is none of them.
pub fn best<'a>(available: impl IntoIterator<Item = &'a String>, wanted: &str) -> Option<&'a str> {
    let available: Vec<&String> = available.into_iter().collect();
    let mut asked = wanted.replace('_', "-");
    loop {
        let found = available.iter().find(|language| language.replace('_', "-").eq_ignore_ascii_case(&asked));
        if let Some(found) = found {
            return Some(found);
        }
        asked.truncate(asked.rfind('-')?);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_found_with_or_without_its_region() {
        let available = ["de", "pt", "pt-BR", "zh", "zh-Hant"].map(str::to_owned);
        for (wanted, found) in [
            ("", None),
            ("fr", None),
            ("de", Some("de")),
            ("de-AT", Some("de")),
            ("DE_ch", Some("de")),
            ("pt-br", Some("pt-BR")),
            ("pt-PT", Some("pt")),
            ("zh-Hant-TW", Some("zh-Hant")),
            ("zh-hant", Some("zh-Hant")),
            ("zh-Hans-CN", Some("zh")),
            ("de-Latn-x-a", Some("de")),
        ] {
            assert_eq!(best(&available, wanted), found, "{wanted}");
        }
    }
}
