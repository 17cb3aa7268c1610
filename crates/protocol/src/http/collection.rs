//! Collections as JSON: a list or a set is an array of strings, a hash an object, a sorted set an array of
//! `{"member":"...","score":1.5}`, in order. A member that is not UTF-8 stands as `{"base64":"..."}`, an infinite score as
//! `"inf"` or `"-inf"`; a hash with such a field, which no object can have, is an array of pairs.
//!
//! They are read only over HTTP; what changes them are their commands.

use super::json;
use crate::OutputBuffer;
use scrubjay_base::double;
use scrubjay_store::value::hash::{Hash, HashView};
use scrubjay_store::value::list::List;
use scrubjay_store::value::packed::Item;
use scrubjay_store::value::set::Set;
use scrubjay_store::value::sorted_set::{SortedSet, SortedSetView};
use scrubjay_store::{Entry, Kind};

/// Appends `"type":"list","value":[...]`. Whether the answer, which began at `start`, stayed below `bytes_max`; if not, what
/// was appended is of no use.
pub fn write_member(out: &mut OutputBuffer, entry: &Entry<'_>, start: usize, bytes_max: usize) -> bool {
    out.put(b"\"type\":\"");
    out.put(entry.kind().name().as_bytes());
    out.put(b"\",\"value\":");
    match entry.kind() {
        Kind::List => match entry.view::<List>() {
            Some(list) => array(out, list.from(0), start, bytes_max),
            None => false,
        },
        Kind::Set => match entry.view::<Set>() {
            Some(set) => array(out, set.iter(entry.now_ms()).map(|member| member.name), start, bytes_max),
            None => false,
        },
        Kind::Hash => entry.view::<Hash>().is_some_and(|hash| fields(out, hash, entry.now_ms(), start, bytes_max)),
        Kind::SortedSet => match entry.view::<SortedSet>() {
            Some(set) => scores(out, set, start, bytes_max),
            None => false,
        },
        Kind::String => false,
    }
}

fn fields(out: &mut OutputBuffer, hash: HashView<'_>, now_ms: u64, start: usize, bytes_max: usize) -> bool {
    let is_text = |item: Item<'_>| item.with(|bytes| std::str::from_utf8(bytes).is_ok());
    let as_object = hash.iter(now_ms).all(|field| is_text(field.name));
    let [open, between, close] = if as_object { [b"{", b":", b"}"] } else { [b"[", b",", b"]"] };
    out.put(open);
    for (number, field) in hash.iter(now_ms).enumerate() {
        if out.len() - start > bytes_max {
            return false;
        }
        out.put(if number == 0 { b"" } else { b"," });
        out.put(if as_object { b"" } else { b"[" });
        field.name.with(|bytes| member(out, bytes));
        out.put(between);
        field.value.with(|bytes| member(out, bytes));
        out.put(if as_object { b"" } else { b"]" });
    }
    out.put(close);
    true
}

fn array<'a>(out: &mut OutputBuffer, items: impl Iterator<Item = Item<'a>>, start: usize, bytes_max: usize) -> bool {
    out.put(b"[");
    for (number, item) in items.enumerate() {
        if out.len() - start > bytes_max {
            return false;
        }
        out.put(if number == 0 { b"" } else { b"," });
        item.with(|bytes| member(out, bytes));
    }
    out.put(b"]");
    true
}

fn scores(out: &mut OutputBuffer, set: SortedSetView<'_>, start: usize, bytes_max: usize) -> bool {
    let mut text = String::new();
    out.put(b"[");
    for (number, (name, score)) in set.iter().enumerate() {
        if out.len() - start > bytes_max {
            return false;
        }
        out.put(if number == 0 { b"{\"member\":" } else { b",{\"member\":" });
        name.with(|bytes| member(out, bytes));
        out.put(b",\"score\":");
        double::format(score, &mut text);
        if score.is_finite() {
            out.put(text.as_bytes())
        } else {
            json::string(out, &text)
        }
        out.put(b"}");
    }
    out.put(b"]");
    true
}

/// One member.
fn member(out: &mut OutputBuffer, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => json::string(out, text),
        Err(_) => {
            out.put(b"{\"base64\":");
            json::base64(out, bytes);
            out.put(b"}");
        }
    }
}
