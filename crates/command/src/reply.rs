//! Where a command's answer goes.
//!
//! A handler speaks to a [`Reply`] and knows nothing of the wire. RESP encodes straight into the connection's output
//! buffer, so a `GET` copies its value once, from the entry to the socket buffer; [`Value`] keeps the answer as a tree,
//! for doors that need it whole.

use crate::reject::Reject;
use scrubjay_store::SharedBytes;

/// Receives one answer, in order. Aggregates announce their length and are followed by that many answers (maps: twice
/// as many).
pub trait Reply {
    /// A short fixed word: `OK`, `PONG`, `QUEUED`.
    fn simple(&mut self, text: &'static str);
    /// Bytes.
    fn bulk(&mut self, bytes: &[u8]);
    /// Bytes that the store shares; not copied where the wire can send them from where they are.
    fn bulk_shared(&mut self, bytes: SharedBytes) {
        self.bulk(&bytes);
    }
    /// Nothing there.
    fn null(&mut self);
    /// Nothing there, where RESP2 sends a null array.
    fn null_array(&mut self) {
        self.null();
    }
    /// An integer.
    fn int(&mut self, value: i64);
    /// A number; RESP2 sends its shortest decimal form as a bulk string.
    fn double(&mut self, value: f64);
    /// Yes or no; RESP2 sends 1 or 0.
    fn boolean(&mut self, value: bool) {
        self.int(i64::from(value));
    }
    /// Text for people; `txt` or `mkd` in RESP3, a bulk string in RESP2.
    fn verbatim(&mut self, format: &'static str, text: &str) {
        let _ = format;
        self.bulk(text.as_bytes());
    }
    /// `length` answers follow.
    fn array(&mut self, length: usize);
    /// `length` pairs follow; RESP2 sends a flat array.
    fn map(&mut self, length: usize);
    /// `length` distinct answers follow; RESP2 sends an array.
    fn set(&mut self, length: usize) {
        self.array(length);
    }
    /// `length` answers follow that nobody asked for, or that confirm a subscription; RESP2 sends an array.
    fn push(&mut self, length: usize) {
        self.array(length);
    }
    /// An error inside an aggregate, or the whole answer.
    fn error(&mut self, reject: &Reject);
    /// 2 or 3, for the few commands whose shape depends on it.
    fn resp_version(&self) -> u8 {
        3
    }

    /// What is said from now on is said in this version (`HELLO`, `RESET`).
    fn set_resp_version(&mut self, version: u8) {
        let _ = version;
    }

    /// `OK`.
    fn ok(&mut self) {
        self.simple("OK");
    }
    /// Text as bytes.
    fn text(&mut self, text: &str) {
        self.bulk(text.as_bytes());
    }
}

/// An answer as a tree.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// A fixed word.
    Simple(&'static str),
    /// Bytes.
    Bulk(Vec<u8>),
    /// Nothing.
    Null,
    /// An integer.
    Int(i64),
    /// A number.
    Double(f64),
    /// Yes or no.
    Boolean(bool),
    /// A sequence.
    Array(Vec<Value>),
    /// Pairs.
    Map(Vec<(Value, Value)>),
    /// A refusal.
    Error(Reject),
}

/// Builds a [`Value`] from what a handler says.
#[derive(Default, Debug)]
pub struct ValueReply {
    done: Option<Value>,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    is_map: bool,
    left: usize,
    items: Vec<Value>,
}

impl ValueReply {
    /// An empty answer.
    pub fn new() -> ValueReply {
        ValueReply::default()
    }

    /// The finished answer; `None` if the handler has not said everything it announced.
    pub fn finish(self) -> Option<Value> {
        self.done
    }

    fn push(&mut self, mut value: Value) {
        while let Some(top) = self.open.last_mut() {
            top.items.push(value);
            top.left -= 1;
            if top.left > 0 {
                return;
            }
            let Some(closed) = self.open.pop() else { return };
            value = closed.close();
        }
        self.done = Some(value);
    }

    fn begin(&mut self, length: usize, is_map: bool) {
        let open = Open { is_map, left: if is_map { 2 * length } else { length }, items: Vec::new() };
        if open.left == 0 { self.push(open.close()) } else { self.open.push(open) }
    }
}

impl Open {
    fn close(self) -> Value {
        if !self.is_map {
            return Value::Array(self.items);
        }
        let mut items = self.items.into_iter();
        let mut pairs = Vec::new();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            pairs.push((key, value));
        }
        Value::Map(pairs)
    }
}

impl Reply for ValueReply {
    fn simple(&mut self, text: &'static str) {
        self.push(Value::Simple(text));
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.push(Value::Bulk(bytes.to_vec()));
    }
    fn null(&mut self) {
        self.push(Value::Null);
    }
    fn int(&mut self, value: i64) {
        self.push(Value::Int(value));
    }
    fn double(&mut self, value: f64) {
        self.push(Value::Double(value));
    }
    fn boolean(&mut self, value: bool) {
        self.push(Value::Boolean(value));
    }
    fn array(&mut self, length: usize) {
        self.begin(length, false);
    }
    fn map(&mut self, length: usize) {
        self.begin(length, true);
    }
    fn error(&mut self, reject: &Reject) {
        self.push(Value::Error(reject.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_aggregates_close_when_their_last_item_arrives() {
        let mut reply = ValueReply::new();
        reply.array(2);
        reply.map(1);
        reply.text("k");
        reply.array(0);
        reply.int(7);
        let map = Value::Map(vec![(Value::Bulk(b"k".to_vec()), Value::Array(vec![]))]);
        assert_eq!(reply.finish(), Some(Value::Array(vec![map, Value::Int(7)])));
    }
}
