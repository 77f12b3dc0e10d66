//! People: lists of user ids, and profiles that installations without a user directory write.
//!
//! Names end up in pages of clients that do not escape them, so they are clean, one line, and not empty.

use crate::fields::{self, Object};
use crate::refusal::Refusal;
use crate::validate::attachment::is_safe_url;
use eventflow_protocol::UserId;
use eventflow_protocol::content::clean_within;
use eventflow_protocol::person::{NAME_MAX_CHARS, Profile};
use serde_json::Value;

/// Longest e-mail address in bytes (RFC 5321, section 4.5.3.1.3).
const EMAIL_MAX_BYTES: usize = 254;

/// A list of user ids; an absent one is empty. Repeats stay.
pub fn user_ids(body: &mut Object, field: &str, max: usize) -> Result<Vec<UserId>, Refusal> {
    let items = fields::list(body, field, max)?;
    items.into_iter().enumerate().map(|(index, value)| user(value, &format!("{field}[{index}]"))).collect()
}

/// User ids as a query parameter writes them, `a,b,c`; empty places are passed over.
pub fn parse_user_ids(text: &str, field: &str, max: usize) -> Result<Vec<UserId>, Refusal> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let parsed =
        names.map(|name| name.parse().map_err(|error| Refusal::invalid(format!("{field}: {error}"))));
    let users = parsed.take(max + 1).collect::<Result<Vec<UserId>, _>>()?;
    if users.len() > max {
        Err(Refusal::invalid(format!("{field} has more than {max} items")))
    } else {
        Ok(users)
    }
}

/// A user id as a path writes it. A text that is none names nobody.
pub fn parse_user_id(text: &str) -> Result<UserId, Refusal> {
    text.parse().map_err(|_| Refusal::not_found("user"))
}

/// A profile from `name`, `avatar` and `email`.
pub fn profile(body: &mut Object, id: UserId) -> Result<Profile, Refusal> {
    let raw = fields::text(body, "name", "name")?;
    // Without any bracket a name is safe also where it is put into an attribute or completed by a page.
    let clean = clean_within(&raw, NAME_MAX_CHARS).unwrap_or_default().replace(['<', '>'], "");
    let name = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() || name.chars().count() > NAME_MAX_CHARS {
        return Err(Refusal::invalid(format!("name must have 1 to {NAME_MAX_CHARS} characters")));
    }
    let avatar = fields::optional_text(body, "avatar", "avatar")?;
    if avatar.as_deref().is_some_and(|avatar| !is_safe_url(avatar)) {
        return Err(Refusal::invalid("avatar must be an https address or a path on this site"));
    }
    let email = fields::optional_text(body, "email", "email")?;
    if email.as_deref().is_some_and(|email| !is_email(email)) {
        return Err(Refusal::invalid("email must be an address like name@example.com"));
    }
    Ok(Profile { id, name, avatar, email })
}

fn user(value: Value, path: &str) -> Result<UserId, Refusal> {
    let Value::String(text) = value else { return Err(fields::wrong_type(path, "a text")) };
    text.parse().map_err(|error| Refusal::invalid(format!("{path}: {error}")))
}

/// One `local@domain`, in the characters that need no quoting: nothing that a mail header would read as more
/// than an address.
fn is_email(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"(),:;<>[\\]".contains(&byte));
    let halves = text.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.contains('@'));
    plain
        && text.len() <= EMAIL_MAX_BYTES
        && halves.is_some_and(|(_, domain)| domain.contains('.') && !domain.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::content::RAW_BYTES_PER_CHAR;
    use serde_json::json;

    fn put(body: &Value) -> Result<Profile, Refusal> {
        profile(&mut body.as_object().cloned().unwrap(), "ann".parse().unwrap())
    }

    #[test]
    fn a_profile_is_clean_enough_to_be_put_into_a_page() {
        let body = json!({"name": " Ann <img src=x onerror=alert(1)>\n O'Hara ", "avatar": "/a.png", "email": "ann@example.com"});
        let profile = put(&body).unwrap();
        assert_eq!((profile.name.as_str(), profile.avatar.as_deref()), ("Ann O'Hara", Some("/a.png")));
        for bad in [
            json!({}),
            json!({"name": "<b></b>"}),
            json!({"name": "x".repeat(NAME_MAX_CHARS + 1)}),
            json!({"name": format!("a<{}>", "b".repeat(NAME_MAX_CHARS * RAW_BYTES_PER_CHAR))}),
            json!({"name": "a", "avatar": "javascript:alert(1)"}),
            json!({"name": "a", "avatar": "//evil.test/a"}),
            json!({"name": "a", "email": "a@b"}),
            json!({"name": "a", "email": "a@b.c\r\nBcc: x@y.z"}),
            json!({"name": "a", "email": "a@b@c.d"}),
        ] {
            assert!(put(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lists_of_people_are_bounded_ids() {
        assert_eq!(parse_user_ids("ann, bob,,", "userIds", 2).unwrap().len(), 2);
        for bad in ["a b", "ann,bob,cat", "$ne"] {
            assert!(parse_user_ids(bad, "userIds", 2).is_err(), "{bad}");
        }
        assert!(user_ids(&mut json!({"u": ["ann", 7]}).as_object().cloned().unwrap(), "u", 5).is_err());
    }
}
