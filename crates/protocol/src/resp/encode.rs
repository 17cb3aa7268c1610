//! Answers -> bytes, in RESP 2 or 3, straight into the connection's output buffer.
//!
//! | answer | RESP2 | RESP3 |
//! |---|---|---|
//! | null | `$-1` (null array: `*-1`) | `_` |
//! | boolean | `:1` `:0` | `#t` `#f` |
//! | double | bulk string | `,1.5` |
//! | verbatim | bulk string | `=15 txt:...` |
//! | map of n pairs | `*2n` | `%n` |
//! | set | `*n` | `~n` |
//! | push | `*n` | `>n` |
//!
//! Values that the store shares are not copied: the buffer remembers where they go and the socket takes them from where
//! they are.

use crate::buffer::OutputBuffer;
use scrubjay_base::double;
use scrubjay_command::args::Digits;
use scrubjay_command::{Reject, Reply};
use scrubjay_store::SharedBytes;

/// Writes one connection's answers.
pub struct Encoder<'a> {
    out: &'a mut OutputBuffer,
    version: u8,
}

/// Shortest shared value that is sent from where it is: 16 KiB. Below, one copy costs less than the bookkeeping and the
/// extra piece in `writev`; chosen, untested.
const SHARED_BYTES_MIN: usize = 16 << 10;

impl<'a> Encoder<'a> {
    /// Writes into `out`, in `version` 2 or 3.
    #[inline]
    pub fn new(out: &'a mut OutputBuffer, version: u8) -> Encoder<'a> {
        Encoder { out, version }
    }

    /// Where the answers go.
    #[inline]
    pub fn out(&mut self) -> &mut OutputBuffer {
        self.out
    }

    /// `-ERR ` and a sentence, for what is wrong with the connection and not with a command.
    pub fn failure(&mut self, sentence: &str) {
        self.out.put(b"-ERR ");
        self.line(sentence);
    }

    /// `<kind><number>\r\n`.
    #[inline]
    fn header(&mut self, kind: u8, number: i64) {
        match number {
            0..=9 => self.out.put_short([kind, b'0' + number as u8, b'\r', b'\n', 0, 0, 0, 0], 4),
            10..=99 => {
                let (tens, ones) = (b'0' + (number / 10) as u8, b'0' + (number % 10) as u8);
                self.out.put_short([kind, tens, ones, b'\r', b'\n', 0, 0, 0], 5);
            }
            _ => self.longer_header(kind, number),
        }
    }

    fn longer_header(&mut self, kind: u8, number: i64) {
        let digit = |place: i64| b'0' + (number / place % 10) as u8;
        match number {
            100..=999 => self.out.put_short([kind, digit(100), digit(10), digit(1), b'\r', b'\n', 0, 0], 6),
            1000..=9999 => {
                self.out.put_short([kind, digit(1000), digit(100), digit(10), digit(1), b'\r', b'\n', 0], 7);
            }
            _ => self.long_header(kind, number),
        }
    }

    fn long_header(&mut self, kind: u8, number: i64) {
        let digits = Digits::of(number);
        let digits = digits.as_bytes();
        let mut line = [0; 24];
        line[0] = kind;
        line[1..=digits.len()].copy_from_slice(digits);
        line[1 + digits.len()..3 + digits.len()].copy_from_slice(b"\r\n");
        self.out.put(&line[..3 + digits.len()]);
    }

    /// The rest of a line: one line whatever `text` holds, because what a client wrote may be quoted in it.
    fn line(&mut self, text: &str) {
        if text.bytes().any(|b| b == b'\r' || b == b'\n') {
            self.out.put(text.replace(['\r', '\n'], " ").as_bytes());
        } else {
            self.out.put(text.as_bytes());
        }
        self.out.put(b"\r\n");
    }
}

impl Reply for Encoder<'_> {
    #[inline]
    fn simple(&mut self, text: &'static str) {
        if text == "OK" {
            return self.out.put(b"+OK\r\n");
        }
        self.out.put(b"+");
        self.out.put(text.as_bytes());
        self.out.put(b"\r\n");
    }

    #[inline]
    fn bulk(&mut self, bytes: &[u8]) {
        self.out.reserve(bytes.len() + 32);
        self.header(b'$', bytes.len() as i64);
        self.out.put(bytes);
        self.out.put(b"\r\n");
    }

    fn bulk_shared(&mut self, bytes: SharedBytes) {
        if bytes.len() < SHARED_BYTES_MIN {
            return self.bulk(&bytes);
        }
        self.header(b'$', bytes.len() as i64);
        self.out.put_shared(bytes);
        self.out.put(b"\r\n");
    }

    #[inline]
    fn null(&mut self) {
        self.out.put(if self.version >= 3 { b"_\r\n" } else { b"$-1\r\n" });
    }

    fn null_array(&mut self) {
        self.out.put(if self.version >= 3 { b"_\r\n" } else { b"*-1\r\n" });
    }

    #[inline]
    fn int(&mut self, value: i64) {
        self.header(b':', value);
    }

    fn double(&mut self, value: f64) {
        let mut text = String::with_capacity(32);
        double::format(value, &mut text);
        if self.version < 3 {
            return self.bulk(text.as_bytes());
        }
        self.out.put(b",");
        self.out.put(text.as_bytes());
        self.out.put(b"\r\n");
    }

    fn boolean(&mut self, value: bool) {
        match (self.version >= 3, value) {
            (true, true) => self.out.put(b"#t\r\n"),
            (true, false) => self.out.put(b"#f\r\n"),
            (false, value) => self.int(i64::from(value)),
        }
    }

    fn verbatim(&mut self, format: &'static str, text: &str) {
        if self.version < 3 {
            return self.bulk(text.as_bytes());
        }
        debug_assert_eq!(format.len(), 3, "the protocol gives a format three letters");
        self.header(b'=', (text.len() + 4) as i64);
        self.out.put(format.as_bytes());
        self.out.put(b":");
        self.out.put(text.as_bytes());
        self.out.put(b"\r\n");
    }

    #[inline]
    fn array(&mut self, length: usize) {
        self.header(b'*', length as i64);
    }

    fn map(&mut self, length: usize) {
        match self.version {
            3 => self.header(b'%', length as i64),
            _ => self.header(b'*', 2 * length as i64),
        }
    }

    fn set(&mut self, length: usize) {
        self.header(if self.version >= 3 { b'~' } else { b'*' }, length as i64);
    }

    fn push(&mut self, length: usize) {
        self.header(if self.version >= 3 { b'>' } else { b'*' }, length as i64);
    }

    fn error(&mut self, reject: &Reject) {
        self.out.put(b"-");
        self.line(reject.line());
    }

    fn resp_version(&self) -> u8 {
        self.version
    }

    fn set_resp_version(&mut self, version: u8) {
        self.version = version;
    }
}
