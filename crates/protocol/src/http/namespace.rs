//! The JSON body of `PUT /v1/namespaces/{name}`: all settings of a namespace; what is absent or null is not set.
//!
//! `{"maxMemory": bytes or "100mb", "evictionPolicy": "noeviction", "defaultTtl": seconds, "maxOps": commands a second}`.
//! Which values there may be, the table of these settings says, which the server has; here they become its texts.

use super::envelope;
use super::fault::Fault;
use serde::Deserialize;
use serde_json::Number;

/// The settings by their names in JSON, each as the text that a settings file would have; `None`: not set.
pub type Settings = [(&'static str, Option<String>); 4];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    max_memory: Option<Size>,
    eviction_policy: Option<String>,
    default_ttl: Option<f64>,
    max_ops: Option<Number>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "maxMemory is a number of bytes, or a size such as \"100mb\"")]
enum Size {
    Bytes(Number),
    Text(String),
}

/// What `body` says. Errors: 400, it is no such JSON.
pub fn settings(body: &[u8]) -> Result<Settings, Fault> {
    let body: Body = envelope::read(body)?;
    if body.default_ttl.is_some_and(|seconds| seconds > 0.0 && seconds < 0.001) {
        return Err(Fault::bad("defaultTtl is a number of seconds: at least a thousandth, or 0 for ever"));
    }
    let size = |size| match size {
        Size::Bytes(bytes) => whole(&bytes),
        Size::Text(text) => text,
    };
    Ok([
        ("maxMemory", body.max_memory.map(size)),
        ("evictionPolicy", body.eviction_policy),
        ("defaultTtl", body.default_ttl.map(|seconds| seconds.to_string())),
        ("maxOps", body.max_ops.as_ref().map(whole)),
    ])
}

/// A number, without the fraction of 0 that JSON may write behind a whole one.
fn whole(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 => format!("{float:.0}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_becomes_texts_and_what_it_leaves_out_is_not_set() {
        let body = br#"{"maxMemory":"100mb","evictionPolicy":"noeviction","defaultTtl":1.5,"maxOps":7}"#;
        let texts = settings(body).unwrap().map(|(_, text)| text.unwrap());
        assert_eq!(texts, ["100mb", "noeviction", "1.5", "7"]);
        let some = settings(br#"{"maxMemory":1048576,"defaultTtl":null,"maxOps":5.0}"#).unwrap();
        assert_eq!(some.map(|(_, text)| text), [Some("1048576".to_owned()), None, None, Some("5".to_owned())]);
        for body in [
            &b""[..],
            b"[]",
            b"{\"maxmemory\":1}",
            b"{\"maxOps\":1,\"maxOps\":2}",
            b"{\"maxOps\":\"1\"}",
            b"{\"maxMemory\":true}",
            b"{\"evictionPolicy\":1}",
            b"{\"defaultTtl\":\"1\"}",
            b"{\"defaultTtl\":0.0001}",
        ] {
            let fault = settings(body).unwrap_err();
            assert_eq!(fault.status.0, 400, "{} {fault}", String::from_utf8_lossy(body));
        }
    }
}
