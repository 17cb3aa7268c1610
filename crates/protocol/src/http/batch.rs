//! Routes on many keys: `/cache/bulk`, `/cache/batch`, `/cache/prefix/{prefix}`.
//!
//! A request is checked as a whole before any of it is stored. Reads and writes are then done key by key, in order: a
//! batch is cheaper than its parts, it is not one atomic step. Each key has a result of its own.

use super::data::{Done, Exchange, Walk};
use super::entry;
use super::envelope;
use super::fault::{Fault, Status};
use super::respond::Answer;
use super::{json, options, percent, value};
use crate::OutputBuffer;
use scrubjay_command::versioned::{FetchMany, Put, RemovePrefix};
use std::borrow::Cow;

/// `GET /cache/bulk?keys=a,b`: commas separate, so a comma inside a key is written `%2C`.
pub fn get_list(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    let mut lists = x
        .request
        .query()
        .split(|&byte| byte == b'&')
        .filter_map(|pair| pair.strip_prefix(b"keys").and_then(|rest| rest.strip_prefix(b"=")));
    let (Some(list), None) = (lists.next(), lists.next()) else {
        return Err(Fault::bad("one 'keys' parameter is needed, with comma-separated keys: ?keys=a,b"));
    };
    let keys: Vec<Cow<'_, [u8]>> =
        list.split(|&byte| byte == b',').map(percent::decode_query).collect::<Result<_, _>>()?;
    read(&keys, x, out)
}

/// `POST /cache/batch`.
pub fn get_many(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    options::require_json_body(&x.request)?;
    read(&envelope::keys(x.request.body, x.bounds.items_max)?, x, out)
}

fn read<K: AsRef<[u8]>>(keys: &[K], x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    let start = out.len();
    let (mut hits, mut read) = (0, 0);
    Answer::begin(out, x.manner, Status(200)).json(|out| {
        out.put(b"{\"results\":[");
        FetchMany { keys }.run(x.cx, |one| {
            out.put(if read == 0 { b"" } else { b"," });
            hits += u64::from(entry::write_result(out, one, x.cx.now_ms, x.bounds.answer_bytes_max));
            read += 1;
            out.len() - start <= x.bounds.answer_bytes_max
        });
        out.put(b"],\"hits\":");
        json::number(out, hits);
        out.put(b",\"misses\":");
        json::number(out, read - hits);
        out.put(b"}");
    });
    if read < keys.len() as u64 || out.len() - start > x.bounds.answer_bytes_max {
        return Err(Fault::new(
            413,
            "answer_too_large",
            "the values together exceed 64 MiB; ask for fewer keys at a time",
        ));
    }
    Ok(())
}

/// `POST /cache/bulk`.
pub fn put_many(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<(), Fault> {
    options::require_json_body(&x.request)?;
    let lifetime = options::lifetime(&x.request)?;
    let items = envelope::items(x.request.body, x.bounds.items_max)?;
    let puts: Vec<Put<'_>> = items
        .iter()
        .map(|item| {
            let own = if item.lifetime == envelope::Lifetime::Default { lifetime } else { item.lifetime };
            Put { key: item.key.as_bytes(), value: &item.bytes, deadline: own.deadline(x.cx.now_ms), flags: item.flags }
        })
        .collect();
    puts.iter().try_for_each(|put| put.check(x.cx))?;
    let mut stored = 0;
    Answer::begin(out, x.manner, Status(200)).json(|out| {
        out.put(b"{\"results\":[");
        for (index, put) in puts.iter().enumerate() {
            out.put(if index == 0 { b"{" } else { b",{" });
            value::write_key(out, put.key);
            match put.run(x.cx, |_| true) {
                Ok(_) => {
                    stored += 1;
                    out.put(b",\"stored\":true}");
                }
                Err(reject) => {
                    let fault = Fault::from(reject);
                    out.put(b",\"stored\":false,\"error\":");
                    json::string(out, &fault.message);
                    out.put(b",\"code\":");
                    json::string(out, fault.code);
                    out.put(b"}");
                }
            }
        }
        out.put(b"],\"stored\":");
        json::number(out, stored);
        out.put(b"}");
    });
    Ok(())
}

/// `DELETE /cache/prefix/{prefix}`, as far as the thread can spare the time.
pub fn remove_prefix(x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<Done, Fault> {
    let prefix = x.key()?;
    if prefix.is_empty() {
        return Err(Fault::bad("an empty prefix would delete every key; name at least one character"));
    }
    let mut walk = x.walk.get();
    loop {
        let (cursor, removed) = RemovePrefix { prefix: &prefix }.step(x.cx, walk.cursor);
        walk = Walk { cursor, removed: walk.removed + removed };
        if cursor == 0 {
            break;
        }
        if (x.is_spent)() {
            x.walk.set(walk);
            return Ok(Done::NotYet);
        }
    }
    x.walk.set(Walk::default());
    Answer::begin(out, x.manner, Status(200)).json(|out| {
        out.put(b"{\"prefix\":");
        json::string(out, &String::from_utf8_lossy(&prefix));
        out.put(b",\"deleted\":");
        json::number(out, walk.removed);
        out.put(b",\"nodesUpdated\":1}");
    });
    Ok(Done::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Bounds, Decoder, Limits, Manner, Operation, data};
    use scrubjay_command::Context;
    use scrubjay_command::SizeLimits;
    use scrubjay_store::{Config, Deadline, Ns, Store};
    use std::cell::Cell;

    #[test]
    fn a_walk_goes_on_where_it_stopped_and_says_nothing_before_its_end() {
        let store = Store::new(Config::default(), None);
        let cx = Context::new(&store, Ns(0), 1, SizeLimits { key_bytes_max: 100, value_bytes_max: 100 });
        for number in 0..5000 {
            let key = format!("{}{number}", if number % 5 == 0 { "keep" } else { "drop" });
            let put = Put { key: key.as_bytes(), value: b"v", deadline: Deadline::Never, flags: 0 };
            put.run(&cx, |_| true).expect("room");
        }
        let text = b"DELETE /cache/prefix/drop HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut decoder = Decoder::new();
        decoder.decode(text, &Limits::default()).expect("a request");
        let (walk, mut out, mut turns) = (Cell::default(), OutputBuffer::new(), 1);
        let request = decoder.request(text);
        let manner = Manner::of(&request, b"Sun, 06 Nov 1994 08:49:37 GMT");
        let bounds = &Bounds::default();
        let x = Exchange { request, parameter: b"drop", cx: &cx, bounds, manner, walk: &walk, is_spent: &|| true };
        while data::run(Operation::RemovePrefix, &x, &mut out) == Ok(Done::NotYet) {
            assert!(out.is_empty());
            turns += 1;
        }
        assert!(turns > 5, "{turns} turns");
        assert!(out.single().is_some_and(|answer| answer.ends_with(b"\"deleted\":4000,\"nodesUpdated\":1}")));
        assert_eq!((store.len(Ns(0)), walk.get()), (1000, Walk::default()));
    }
}
