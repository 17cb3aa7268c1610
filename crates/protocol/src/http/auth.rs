//! Who asks: the password from `Authorization: Bearer <password>` or `Basic <base64 of user:password>`.

use super::decode::Request;
use super::head::Field;
use super::json;
use std::borrow::Cow;

/// What a request shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials<'a> {
    /// The user; `None` for a bearer token, which has none.
    pub user: Option<Cow<'a, [u8]>>,
    /// The password, or the token.
    pub password: Cow<'a, [u8]>,
}

/// The credentials of `request`; `None` if it has none that can be read.
pub fn credentials<'a>(request: &Request<'a>) -> Option<Credentials<'a>> {
    let field = request.field(Field::Authorization)?;
    let space = memchr::memchr(b' ', field)?;
    let (scheme, rest) = (&field[..space], field[space..].trim_ascii());
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return Some(Credentials { user: None, password: Cow::Borrowed(rest) });
    }
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let mut user = json::decode_base64(rest)?;
    let colon = memchr::memchr(b':', &user)?;
    let password = user.split_off(colon + 1);
    user.truncate(colon);
    Some(Credentials { user: Some(Cow::Owned(user)), password: Cow::Owned(password) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::decode::{Decoder, Limits};

    fn shown(field: &str) -> Option<(Option<String>, String)> {
        let text = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {field}\r\n\r\n");
        let mut decoder = Decoder::new();
        decoder.decode(text.as_bytes(), &Limits::default()).expect(field);
        let text_of = |bytes: Cow<'_, [u8]>| String::from_utf8_lossy(&bytes).into_owned();
        credentials(&decoder.request(text.as_bytes())).map(|c| (c.user.map(text_of), text_of(c.password)))
    }

    #[test]
    fn both_schemes_show_the_password() {
        assert_eq!(shown("Bearer s3cret"), Some((None, "s3cret".into())));
        assert_eq!(shown("bearer  s3cret "), Some((None, "s3cret".into())));
        assert_eq!(shown("Basic ZGVmYXVsdDpzM2NyZXQ="), Some((Some("default".into()), "s3cret".into())));
        assert_eq!(shown("Basic OmE6Yg=="), Some((Some("".into()), "a:b".into())), "a password may hold a colon");
        for bad in ["s3cret", "Basic", "Basic !", "Basic YWJj", "Digest x"] {
            assert_eq!(shown(bad), None, "{bad}");
        }
    }
}
