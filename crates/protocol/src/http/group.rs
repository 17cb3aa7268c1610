//! Routes on many keys that nobody lists: `DELETE /cache/prefix/{prefix}` and `DELETE /cache/tag/{tag}`.
//!
//! What they cover is hidden at once, at the same cost however much it is; so nobody counts it.

use super::data::Exchange;
use super::fault::{Fault, Status};
use super::respond::Answer;
use super::{json, percent};
use crate::OutputBuffer;
use scrubjay_command::family::group::DeleteGroups;
use scrubjay_store::Group;

/// `DELETE /cache/prefix/{prefix}`.
pub fn remove_prefix(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    let prefix = x.key()?;
    if prefix.is_empty() {
        return Err(Fault::bad("an empty prefix would delete every key; name at least one character"));
    }
    answer(x, out, b"{\"prefix\":", &prefix, Group::Prefix(&prefix))
}

/// `DELETE /cache/tag/{tag}`.
pub fn remove_tag(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    let tag = percent::decode_path(x.parameter)?;
    if tag.is_empty() {
        return Err(Fault::bad("the tag is missing: DELETE /cache/tag/{tag}"));
    }
    answer(x, out, b"{\"tag\":", &tag, Group::Tag(&tag))
}

fn answer(
    x: &Exchange<'_, '_>,
    out: &mut OutputBuffer,
    begin: &[u8],
    name: &[u8],
    group: Group<'_>,
) -> Result<(), Fault> {
    let slots = DeleteGroups(&[group]).run(x.cx);
    Answer::begin(out, x.manner, Status(200)).json(|out| {
        out.put(begin);
        json::string(out, &String::from_utf8_lossy(name));
        out.put(if slots > 0 { b",\"deleted\":true,\"slots\":" } else { b",\"deleted\":false,\"slots\":" });
        json::number(out, slots as u64);
        out.put(if slots > 0 { b",\"nodesUpdated\":1}" } else { b",\"nodesUpdated\":0}" });
    });
    Ok(())
}
