//! What is sent to clients that did not ask for it at that moment: made once, whoever and however many receive it.
//!
//! A message differs between the two versions of RESP in its first byte alone (`*3` and `>3`), so one text serves both.
//! An invalidation differs in its beginning. Which one a client gets is decided when it is put into its buffer, by the
//! thread that the client belongs to: it may have changed its mind since.

use super::subscriptions::Family;
use crate::clients::ClientFlags;
use crate::session::Session;
use scrubjay_command::args::Digits;
use scrubjay_protocol::OutputBuffer;
use std::ops::Range;

/// The channel on which clients of RESP2 hear of other clients' invalidations.
pub const INVALIDATE_CHANNEL: &[u8] = b"__redis__:invalidate";

/// Something to be sent to several clients.
#[derive(Debug)]
pub struct Push {
    what: What,
    /// The text: of a message, in RESP2, the whole; of an invalidation, the keys.
    bytes: Box<[u8]>,
}

#[derive(Debug)]
enum What {
    /// A message on a channel.
    Message {
        family: Family,
        /// Where in the text the name is that the receiver subscribed to.
        name: Range<usize>,
    },
    /// Keys that have changed; whether the receiver hears it for another client.
    Invalidation { redirected: bool },
    /// The client that was to hear of invalidations is gone.
    Broken,
}

impl Push {
    /// A message on `channel`, for those who subscribed to the channel itself.
    pub fn message(family: Family, channel: &[u8], payload: &[u8]) -> Push {
        let word: &[u8] = if family == Family::Shard { b"smessage" } else { b"message" };
        Push::of_parts(family, channel, &[word, channel, payload])
    }

    /// A message on `channel`, for those who subscribed to a glob that matches it.
    pub fn matching(pattern: &[u8], channel: &[u8], payload: &[u8]) -> Push {
        Push::of_parts(Family::Pattern, pattern, &[b"pmessage", pattern, channel, payload])
    }

    /// The name that was subscribed to is the second part.
    fn of_parts(family: Family, name: &[u8], parts: &[&[u8]]) -> Push {
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 24).sum());
        bytes.extend([b'*', b'0' + parts.len() as u8, b'\r', b'\n']);
        let mut start = 0;
        for (index, part) in parts.iter().enumerate() {
            bulk(part, &mut bytes);
            if index == 1 {
                start = bytes.len() - 2 - part.len();
            }
        }
        let name = start..start + name.len();
        Push { what: What::Message { family, name }, bytes: bytes.into() }
    }

    /// A key that has changed; `None`: all may have.
    pub fn invalidation(key: Option<&[u8]>, redirected: bool) -> Push {
        let mut bytes = Vec::new();
        if let Some(key) = key {
            bytes.reserve(key.len() + 32);
            bytes.extend(b"*1\r\n");
            bulk(key, &mut bytes);
        }
        Push { what: What::Invalidation { redirected }, bytes: bytes.into() }
    }

    /// Client `id`, to which the receiver redirected its invalidations, is gone.
    pub fn broken(id: u64) -> Push {
        let bytes = Digits::of(id as i64).as_bytes().into();
        Push { what: What::Broken, bytes }
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Push>() + self.bytes.len()
    }

    /// Appends it for the client of `session`, if that still wants it and can be told; whether it was.
    pub fn put(&self, session: &Session, out: &mut OutputBuffer) -> bool {
        let is_third = session.resp() >= 3;
        match &self.what {
            What::Message { family, name } => {
                if !session.subscriptions().is_some_and(|own| own.has(*family, &self.bytes[name.clone()])) {
                    return false;
                }
                out.reserve(self.bytes.len());
                out.put(if is_third { b">" } else { b"*" });
                out.put(&self.bytes[1..]);
            }
            What::Invalidation { .. } if is_third => {
                out.put(b">2\r\n$10\r\ninvalidate\r\n");
                self.put_keys(out, b"_\r\n");
            }
            What::Invalidation { redirected } => {
                // RESP2 knows no answers that nobody asked for, except on connections that subscribed to something.
                if !redirected || session.subscriptions().is_none() {
                    return false;
                }
                out.put(b"*3\r\n$7\r\nmessage\r\n$20\r\n");
                out.put(INVALIDATE_CHANNEL);
                out.put(b"\r\n");
                self.put_keys(out, b"$-1\r\n");
            }
            What::Broken => {
                session.info.set_flag(ClientFlags::BROKEN_REDIRECT, true);
                if !is_third {
                    return false;
                }
                out.put(b">2\r\n$21\r\ntracking-redir-broken\r\n:");
                out.put(&self.bytes);
                out.put(b"\r\n");
            }
        }
        true
    }

    fn put_keys(&self, out: &mut OutputBuffer, nothing: &[u8]) {
        out.put(if self.bytes.is_empty() { nothing } else { &self.bytes });
    }
}

fn bulk(part: &[u8], bytes: &mut Vec<u8>) {
    bytes.push(b'$');
    bytes.extend_from_slice(Digits::of(part.len() as i64).as_bytes());
    bytes.extend(b"\r\n");
    bytes.extend_from_slice(part);
    bytes.extend(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn put(push: &Push, session: &Session) -> String {
        let mut out = OutputBuffer::new();
        push.put(session, &mut out);
        String::from_utf8(out.single().expect("one piece").to_vec()).expect("text")
    }

    #[test]
    fn one_message_serves_both_versions_of_the_protocol() {
        let shared = testing::shared();
        let mut client = testing::session(&shared, 1000);
        testing::run(&shared, &mut client, "subscribe news");
        let push = Push::message(Family::Channel, b"news", b"hi");
        assert_eq!(put(&push, &client), "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n");
        testing::run(&shared, &mut client, "hello 3");
        assert_eq!(put(&push, &client), ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n");
        assert_eq!(put(&Push::matching(b"n*", b"news", b"hi"), &client), "", "it did not subscribe to that");
        testing::run(&shared, &mut client, "psubscribe n*");
        let matching = put(&Push::matching(b"n*", b"news", b"hi"), &client);
        assert_eq!(matching, ">4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$2\r\nhi\r\n");
    }

    #[test]
    fn resp2_hears_of_invalidations_only_for_others_and_where_it_listens() {
        let shared = testing::shared();
        let mut client = testing::session(&shared, 1000);
        let (own, others) = (Push::invalidation(Some(b"k"), false), Push::invalidation(None, true));
        assert_eq!((put(&own, &client), put(&others, &client)), (String::new(), String::new()));
        testing::run(&shared, &mut client, "subscribe __redis__:invalidate");
        assert_eq!(put(&own, &client), "");
        assert_eq!(put(&others, &client), "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n");
        testing::run(&shared, &mut client, "hello 3");
        assert_eq!(put(&own, &client), ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n");
        assert_eq!(put(&others, &client), ">2\r\n$10\r\ninvalidate\r\n_\r\n");
    }
}
