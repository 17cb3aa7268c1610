//! `MONITOR`: clients that see every command that others run.
//!
//! While nobody watches, a command costs one look at a number that never changes. While somebody does, its text is made
//! once and sent to each watcher through its thread's inbox; a watcher that does not read is dropped like any client that
//! does not.

use crate::clients::{ClientFlags, Clients};
use crate::runtime::inbox::Message;
use crate::session::Session;
use parking_lot::Mutex;
use scrubjay_base::clock::UnixMs;
use scrubjay_command::Args;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Who watches.
#[derive(Debug, Default)]
pub struct Monitors {
    count: AtomicUsize,
    ids: Mutex<Vec<u64>>,
}

impl Monitors {
    /// Whether anybody watches.
    #[inline]
    pub fn any(&self) -> bool {
        self.count.load(Relaxed) > 0
    }

    /// `session` watches from now on.
    pub fn add(&self, session: &Session) {
        session.info.set_flag(ClientFlags::MONITOR, true);
        let mut ids = self.ids.lock();
        if !ids.contains(&session.info.id) {
            ids.push(session.info.id);
        }
        self.count.store(ids.len(), Relaxed);
    }

    /// `session` watches no more.
    pub fn remove(&self, session: &Session) {
        session.info.set_flag(ClientFlags::MONITOR, false);
        self.keep(|id| id != session.info.id);
    }

    /// Shows a command of `session` to everybody who watches.
    #[cold]
    pub fn show(&self, clients: &Clients, session: &Session, now_ms: UnixMs, args: &Args<'_>) {
        let line: Arc<[u8]> = line(session, now_ms, args).into();
        // Those that are gone no longer watch.
        self.keep(|id| clients.send(id, Message::Bytes(line.clone())));
    }

    fn keep(&self, wanted: impl FnMut(u64) -> bool) {
        let mut wanted = wanted;
        let mut ids = self.ids.lock();
        ids.retain(|&id| wanted(id));
        self.count.store(ids.len(), Relaxed);
    }
}

/// `+1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`
fn line(session: &Session, now_ms: UnixMs, args: &Args<'_>) -> Vec<u8> {
    let mut line = Vec::with_capacity(64);
    let (seconds, micros) = (now_ms / 1000, now_ms % 1000 * 1000);
    let _ = write!(line, "+{seconds}.{micros:06} [{} {}]", session.database(), session.info.peer);
    for arg in args.from(0) {
        line.push(b' ');
        quote(arg, &mut line);
    }
    line.extend(b"\r\n");
    line
}

/// As Redis writes bytes for people: printable ASCII in quotation marks, the rest escaped.
pub fn quote(bytes: &[u8], line: &mut Vec<u8>) {
    line.push(b'"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => line.extend([b'\\', byte]),
            b'\n' => line.extend(b"\\n"),
            b'\r' => line.extend(b"\\r"),
            b'\t' => line.extend(b"\\t"),
            0x07 => line.extend(b"\\a"),
            0x08 => line.extend(b"\\b"),
            b' '..=b'~' => line.push(byte),
            _ => drop(write!(line, "\\x{byte:02x}")),
        }
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_quoted_so_that_a_line_stays_a_line() {
        let mut line = Vec::new();
        quote(b"a \"b\\\r\n\t\x07\x08\x00\xff", &mut line);
        assert_eq!(line, br#""a \"b\\\r\n\t\a\b\x00\xff""#);
    }
}
