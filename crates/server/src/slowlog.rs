//! The slow log: the latest commands that took longer than a threshold, with the beginning of their arguments.
//!
//! Whose time is what, `measure` says: a command that came alone or may take long by itself is exact; quick commands in a
//! pipeline stand here together, under the first of them.

use crate::session::Session;
use crate::shared::Shared;
use parking_lot::Mutex;
use scrubjay_command::Args;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Arguments that an entry keeps, and bytes of each: as Redis does, so that the log of a million-element `MSET` is small.
const ARGS_MAX: usize = 32;
const ARG_BYTES_MAX: usize = 128;

/// A slow command.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Counts entries since the start of the process; a reset does not start it again.
    pub id: u64,
    /// When it ended, in Unix seconds.
    pub unix_s: u64,
    /// How long it took, in microseconds.
    pub spent_us: u64,
    /// Its arguments, shortened.
    pub args: Vec<Vec<u8>>,
    /// Who sent it.
    pub peer: SocketAddr,
    /// What that client calls itself; empty: nothing.
    pub client_name: Vec<u8>,
}

/// The log.
#[derive(Debug, Default)]
pub struct SlowLog {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next_id: u64,
    /// The latest first.
    entries: VecDeque<Entry>,
}

impl SlowLog {
    /// Logs a command of `session`.
    #[cold]
    pub fn add(&self, shared: &Shared, session: &Session, spent_us: u64, args: Vec<Vec<u8>>) {
        let length_max = shared.config().slowlog_max_len;
        let info = &session.info;
        let (unix_s, peer, client_name) = (shared.clock.now_ms() / 1000, info.peer, info.name());
        let mut inner = self.inner.lock();
        let id = inner.next_id;
        inner.next_id += 1;
        inner.entries.push_front(Entry { id, unix_s, spent_us, args, peer, client_name });
        inner.entries.truncate(length_max);
    }

    /// The latest entries, the latest first.
    pub fn latest(&self, count: usize) -> Vec<Entry> {
        self.inner.lock().entries.iter().take(count).cloned().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.inner.lock().entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all.
    pub fn reset(&self) {
        self.inner.lock().entries.clear();
    }
}

/// The arguments as an entry keeps them.
pub fn shorten(args: &Args<'_>) -> Vec<Vec<u8>> {
    let count = args.len();
    let shown = if count > ARGS_MAX { ARGS_MAX - 1 } else { count };
    let mut words: Vec<Vec<u8>> = args.from(0).take(shown).map(shorten_one).collect();
    if shown < count {
        words.push(format!("... ({} more arguments)", count - shown).into_bytes());
    }
    words
}

fn shorten_one(arg: &[u8]) -> Vec<u8> {
    if arg.len() <= ARG_BYTES_MAX {
        return arg.to_vec();
    }
    let rest = format!("... ({} more bytes)", arg.len() - ARG_BYTES_MAX);
    [&arg[..ARG_BYTES_MAX], rest.as_bytes()].concat()
}

/// The beginning of a command, kept for the case that it turns out to have been slow: name and first argument in place,
/// because most never are.
#[derive(Clone, Debug)]
pub struct Brief {
    bytes: [u8; BRIEF_BYTES],
    /// Bytes of the name and of the first argument that are kept.
    lengths: [u8; 2],
    /// Arguments, the name included, and bytes of the first one.
    args: u32,
    first_bytes: u32,
}

const BRIEF_BYTES: usize = 96;
/// No command's name is longer.
const NAME_BYTES_MAX: usize = 16;

impl Default for Brief {
    fn default() -> Brief {
        Brief { bytes: [0; BRIEF_BYTES], lengths: [0; 2], args: 0, first_bytes: 0 }
    }
}

impl Brief {
    /// The beginning of `args`.
    #[inline]
    pub fn of(args: &Args<'_>) -> Brief {
        Brief::new(args.at(0), args.get(1), args.len())
    }

    /// The beginning of a command with `args` arguments, its name included, of which `first` follows the name.
    #[inline]
    pub fn new(name: &[u8], first: Option<&[u8]>, args: usize) -> Brief {
        let first = first.unwrap_or_default();
        let lengths = [name.len().min(NAME_BYTES_MAX) as u8, first.len().min(BRIEF_BYTES - NAME_BYTES_MAX) as u8];
        let mut bytes = [0; BRIEF_BYTES];
        bytes[..usize::from(lengths[0])].copy_from_slice(&name[..usize::from(lengths[0])]);
        bytes[NAME_BYTES_MAX..][..usize::from(lengths[1])].copy_from_slice(&first[..usize::from(lengths[1])]);
        Brief { bytes, lengths, args: args as u32, first_bytes: first.len() as u32 }
    }

    /// What an entry shows of it, where `others` commands followed in the same pipeline.
    pub fn words(&self, others: u64) -> Vec<Vec<u8>> {
        let mut words = vec![self.bytes[..usize::from(self.lengths[0])].to_vec()];
        if self.args > 1 {
            let kept = usize::from(self.lengths[1]);
            let mut first = self.bytes[NAME_BYTES_MAX..][..kept].to_vec();
            if (kept as u32) < self.first_bytes {
                first.extend(format!("... ({} more bytes)", self.first_bytes - kept as u32).bytes());
            }
            words.push(first);
        }
        if self.args > 2 {
            words.push(format!("... ({} more arguments)", self.args - 2).into_bytes());
        }
        if others > 0 {
            words.push(format!("... ({others} more commands in the pipeline)").into_bytes());
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scrubjay_command::Span;

    fn with<T>(words: &[&str], run: impl FnOnce(&Args<'_>) -> T) -> T {
        let mut spans = Vec::new();
        let mut start = 0;
        for word in words {
            spans.push(Span { start, length: word.len() as u32 });
            start += word.len() as u32;
        }
        run(&Args::new(words.concat().as_bytes(), &spans))
    }

    fn text(words: Vec<Vec<u8>>) -> Vec<String> {
        words.into_iter().map(|word| String::from_utf8(word).unwrap()).collect()
    }

    #[test]
    fn long_commands_are_shortened_in_both_directions() {
        let long = "x".repeat(200);
        let words: Vec<&str> = ["mset"].into_iter().chain(std::iter::repeat_n(long.as_str(), 40)).collect();
        let shown = text(with(&words, shorten));
        assert_eq!(shown.len(), 32);
        assert_eq!(shown[1], format!("{}... (72 more bytes)", "x".repeat(128)));
        assert_eq!(shown[31], "... (10 more arguments)");
        assert_eq!(text(with(&words[..32], shorten)).len(), 32);
    }

    #[test]
    fn a_brief_says_what_it_left_out() {
        assert_eq!(text(with(&["get", "k"], Brief::of).words(0)), ["get", "k"]);
        let long = "y".repeat(100);
        let brief = with(&["set", &long, "v", "ex", "1"], Brief::of);
        let expected = [
            "set",
            &format!("{}... (20 more bytes)", "y".repeat(80)),
            "... (3 more arguments)",
            "... (7 more commands in the pipeline)",
        ];
        assert_eq!(text(brief.words(7)), expected);
        assert_eq!(text(with(&["ping"], Brief::of).words(0)), ["ping"]);
    }
}
