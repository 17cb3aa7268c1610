//! Stored bytes <-> JSON values.
//!
//! | written as            | stored bytes        | flags | read over RESP | read over HTTP        |
//! |-----------------------|---------------------|-------|----------------|-----------------------|
//! | JSON `"abc"`          | `abc`               | none  | `abc`          | `"value":"abc"`       |
//! | JSON `{"a": [1.0]}`   | `{"a": [1.0]}`      | JSON  | `{"a": [1.0]}` | `"value":{"a": [1.0]}`|
//! | `"base64":"/w=="`     | one byte, 0xFF      | none  | that byte      | `"base64":"/w=="`     |
//! | raw body, RESP, SDK   | as sent             | theirs| as sent        | string, or base64     |
//!
//! The text of a JSON value is kept as it came, spaces and digits included: `1.0` does not become `1`, and a number
//! longer than a double loses nothing.

use super::json;
use crate::OutputBuffer;
use scrubjay_store::{SharedBytes, flags};
use serde::de::IgnoredAny;

/// Appends `"value":...` or, for what is not UTF-8, `"base64":"..."`.
#[inline]
pub fn write_member(out: &mut OutputBuffer, bytes: &[u8], entry_flags: u32) {
    match std::str::from_utf8(bytes) {
        Err(_) => {
            out.put(b"\"base64\":");
            json::base64(out, bytes);
        }
        Ok(text) => {
            out.put(b"\"value\":");
            if entry_flags == flags::JSON && is_json(text) { out.put(bytes) } else { json::string(out, text) }
        }
    }
}

/// As [`write_member`], for a value that is sent from where it lies unless its text must be changed.
pub fn write_shared_member(out: &mut OutputBuffer, shared: SharedBytes, entry_flags: u32) {
    match std::str::from_utf8(&shared) {
        Ok(text) if entry_flags == flags::JSON && is_json(text) => {
            out.put(b"\"value\":");
            out.put_shared(shared);
        }
        Ok(text) if json::is_plain(text) => {
            out.put(b"\"value\":\"");
            out.put_shared(shared);
            out.put(b"\"");
        }
        _ => write_member(out, &shared, entry_flags),
    }
}

/// Whether a marked text still is JSON. The mark stays with an entry when a command changes some of its bytes (`APPEND`,
/// `SETRANGE`), and an answer must be JSON whatever they did.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Appends `"key":"..."`, and `"keyBase64"` behind it where the text cannot say the key exactly.
#[inline]
pub fn write_key(out: &mut OutputBuffer, key: &[u8]) {
    out.put(b"\"key\":");
    match std::str::from_utf8(key) {
        Ok(text) => json::string(out, text),
        Err(_) => {
            json::string(out, &String::from_utf8_lossy(key));
            out.put(b",\"keyBase64\":");
            json::base64(out, key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(bytes: &[u8], entry_flags: u32) -> String {
        let mut out = OutputBuffer::new();
        write_member(&mut out, bytes, entry_flags);
        String::from_utf8(out.single().expect("copied").to_vec()).expect("UTF-8")
    }

    #[test]
    fn a_value_comes_back_as_what_its_bytes_and_mark_say() {
        for (bytes, entry_flags, expected) in [
            (&b"abc"[..], flags::NONE, r#""value":"abc""#),
            (b"5", flags::NONE, r#""value":"5""#),
            (b"5", flags::JSON, r#""value":5"#),
            (b"{\"a\": [1.0]}", flags::JSON, r#""value":{"a": [1.0]}"#),
            (b"null", flags::JSON, r#""value":null"#),
            (b"5 and more", flags::JSON, r#""value":"5 and more""#),
            (b"5", flags::INT, r#""value":"5""#),
            (b"\xff", flags::NONE, r#""base64":"/w==""#),
            (b"\"\xff\"", flags::JSON, r#""base64":"Iv8i""#),
            (b"", flags::JSON, r#""value":"""#),
        ] {
            assert_eq!(member(bytes, entry_flags), expected);
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(member(deep.as_bytes(), flags::JSON), format!("\"value\":{deep}"));
    }

    #[test]
    fn a_key_that_is_not_text_is_also_said_exactly() {
        let mut out = OutputBuffer::new();
        write_key(&mut out, b"a\xff");
        assert_eq!(out.single(), Some("\"key\":\"a\u{fffd}\",\"keyBase64\":\"Yf8=\"".as_bytes()));
    }
}
