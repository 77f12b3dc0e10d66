//! `Content-Disposition` (RFC 6266): whether a browser may show a file in place, and its name, for old
//! clients in ASCII and for all others as it is (RFC 8187).

use http::HeaderValue;

/// The value for a file of this name.
pub(super) fn disposition(name: &str, is_shown_in_place: bool) -> HeaderValue {
    let kind = if is_shown_in_place { "inline" } else { "attachment" };
    let ascii: String = name.chars().map(plain).collect();
    let value = format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{}", encoded(name));
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

/// A character that is the same inside quotation marks for everybody.
fn plain(c: char) -> char {
    if (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\' | '%' | '/' | ';') { c } else { '_' }
}

/// All but `attr-char` of RFC 8187 with percent signs.
fn encoded(name: &str) -> String {
    let written = |byte: u8| {
        let is_plain = byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte);
        if is_plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    name.bytes().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_gets_a_name() {
        for (name, shown) in [
            ("a.png", "inline; filename=\"a.png\"; filename*=UTF-8''a.png"),
            ("a b.png", "inline; filename=\"a b.png\"; filename*=UTF-8''a%20b.png"),
            ("ä\"\\;.png", "inline; filename=\"____.png\"; filename*=UTF-8''%C3%A4%22%5C%3B.png"),
            ("日.txt", "inline; filename=\"_.txt\"; filename*=UTF-8''%E6%97%A5.txt"),
            ("a\r\nb", "inline; filename=\"a__b\"; filename*=UTF-8''a%0D%0Ab"),
        ] {
            assert_eq!(disposition(name, true), shown, "{name}");
        }
        assert!(disposition("a.html", false).to_str().unwrap().starts_with("attachment; "));
    }
}
