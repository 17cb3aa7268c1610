//! A command's arguments: spans of one buffer, the command's name first.
//!
//! The parser writes spans into a vector that lives as long as the connection, so a pipelined batch allocates nothing.

use crate::reject::Reject;
pub use scrubjay_base::int::{Digits, parse_int};
use std::ops::Range;

/// Where one argument lies in its buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Number of bytes.
    pub length: u32,
}

impl Span {
    /// The span as a range.
    #[inline]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.start as usize + self.length as usize
    }
}

/// The arguments of one command. `args[0]` is the name as the client wrote it.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    buffer: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    /// The arguments that `spans` cut out of `buffer`. Spans must lie inside the buffer.
    #[inline]
    pub fn new(buffer: &'a [u8], spans: &'a [Span]) -> Args<'a> {
        Args { buffer, spans }
    }

    /// How many, the name included.
    #[inline]
    #[allow(clippy::len_without_is_empty)] // a command without a name does not exist
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// The argument at `index`. Panics past the end: arity is checked before a handler runs.
    #[inline]
    pub fn at(&self, index: usize) -> &'a [u8] {
        &self.buffer[self.spans[index].range()]
    }

    /// The argument at `index`, or `None` past the end.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.spans.get(index).map(|span| &self.buffer[span.range()])
    }

    /// The arguments from `index` on.
    pub fn from(&self, index: usize) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let buffer = self.buffer;
        self.spans[index.min(self.spans.len())..].iter().map(move |span| &buffer[span.range()])
    }

    /// The same arguments without the first `count`: a subcommand's own view.
    pub fn skip(&self, count: usize) -> Args<'a> {
        Args { buffer: self.buffer, spans: &self.spans[count.min(self.spans.len())..] }
    }

    /// Whether the argument at `index` is `word`, ASCII case ignored.
    #[inline]
    pub fn is(&self, index: usize, word: &str) -> bool {
        self.get(index).is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// The argument at `index` as a 64-bit integer, in Redis' strict form.
    #[inline]
    pub fn int(&self, index: usize) -> Result<i64, Reject> {
        parse_int(self.at(index)).ok_or(Reject::NOT_AN_INTEGER)
    }

    /// The argument at `index` as a 32-bit integer: what Redis takes for the number of a database.
    pub fn int_32(&self, index: usize) -> Result<i32, Reject> {
        const OUT_OF_RANGE: Reject = Reject::new(
            crate::reject::Kind::BadRequest,
            "ERR value is out of range, value must between -2147483648 and 2147483647",
        );
        self.int(index).and_then(|number| i32::try_from(number).map_err(|_| OUT_OF_RANGE))
    }

    /// The argument at `index` as the cursor of a scan; none at all is the beginning, as in Redis.
    pub fn cursor(&self, index: usize) -> Result<u64, Reject> {
        const INVALID_CURSOR: Reject = Reject::new(crate::reject::Kind::BadRequest, "ERR invalid cursor");
        match self.at(index) {
            b"" => Ok(0),
            text => std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(INVALID_CURSOR),
        }
    }

    /// The argument at `index` as a number of elements to take, 0 or more.
    pub fn count(&self, index: usize) -> Result<usize, Reject> {
        const NEGATIVE: Reject =
            Reject::new(crate::reject::Kind::BadRequest, "ERR value is out of range, must be positive");
        parse_int(self.at(index)).and_then(|count| usize::try_from(count).ok()).ok_or(NEGATIVE)
    }

    /// The argument at `index` as a finite number; Redis accepts `inf`, but not NaN, where it says "valid float".
    pub fn float(&self, index: usize) -> Result<f64, Reject> {
        parse_float(self.at(index)).ok_or(Reject::NOT_A_FLOAT)
    }
}

/// The arguments of one command, kept for later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedArgs {
    buffer: Box<[u8]>,
    spans: Box<[Span]>,
}

impl OwnedArgs {
    /// A copy of `args`.
    pub fn of(args: &Args<'_>) -> OwnedArgs {
        let mut buffer = Vec::with_capacity(args.from(0).map(<[u8]>::len).sum());
        let mut spans = Vec::with_capacity(args.len());
        for arg in args.from(0) {
            spans.push(Span { start: buffer.len() as u32, length: arg.len() as u32 });
            buffer.extend_from_slice(arg);
        }
        OwnedArgs { buffer: buffer.into(), spans: spans.into() }
    }

    /// The arguments.
    pub fn args(&self) -> Args<'_> {
        Args::new(&self.buffer, &self.spans)
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        self.buffer.len() + size_of_val(&*self.spans)
    }
}

/// Reads a floating-point number as Redis' `string2d` and `getLongDoubleFromObject` do: no spaces, no NaN, `inf` allowed.
pub fn parse_float(text: &[u8]) -> Option<f64> {
    if text.is_empty() || text.len() > 512 || text.iter().any(|b| b.is_ascii_whitespace()) {
        return None;
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!value.is_nan()).then_some(value)
}
