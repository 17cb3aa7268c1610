//! Traces: who asked for what, in order. Gzip or plain; little-endian records of 12 bytes, back to back, no header.
//!
//! ```text
//!   byte   0                8        12
//!          +----------------+--------+
//!          | key        u64 | size   |   size: payload bytes of the object, u32
//!          +----------------+--------+
//! ```
//!
//! Traces run to hundreds of megabytes unpacked, so they are streamed: one 64 KiB buffer, whatever the length. Whether a
//! file is gzip is read from its first two bytes, not from its name; a name that promises gzip and does not keep it is
//! an error, because the packed bytes of some other format would otherwise be replayed as a few million random keys.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

/// Bytes of one record.
pub const RECORD_BYTES: usize = 12;

/// Bytes read at once. 64 KiB is what gzip's window holds; larger buffers measured no faster.
const BUFFER_BYTES: usize = 64 << 10;

/// One request of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    /// The object asked for.
    pub key: u64,
    /// The object's payload, in bytes.
    pub size: u32,
}

impl Request {
    /// The key as a store or a node sees it: 16 hexadecimal digits.
    pub fn key_text(self) -> [u8; 16] {
        let mut text = [0; 16];
        for (place, digit) in text.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(self.key >> (60 - 4 * place)) as usize & 15];
        }
        text
    }
}

/// A trace that is being read: an iterator over its requests. After the first error it ends.
///
/// ```
/// use scrubjay_replay::trace::{Request, TraceReader};
/// let bytes = [7u64.to_le_bytes().as_slice(), &100u32.to_le_bytes()].concat();
/// let requests: Vec<Request> = TraceReader::new("seven", std::io::Cursor::new(bytes))?.collect::<Result<_, _>>()?;
/// assert_eq!(requests, [Request { key: 7, size: 100 }]);
/// # Ok::<(), scrubjay_replay::trace::TraceError>(())
/// ```
pub struct TraceReader {
    name: String,
    source: Source,
    /// Bytes of the file as it lies on disk, packed or not; `None` when it has no length (a pipe).
    length_bytes: Option<u64>,
    records: u64,
    ended: bool,
}

type Raw = BufReader<Counted<Box<dyn Read + Send>>>;

enum Source {
    Plain(Raw),
    /// The second buffer spares the decoder a call per record.
    Gzip(BufReader<MultiGzDecoder<Raw>>),
}

impl TraceReader {
    /// Opens the trace at `path`.
    ///
    /// # Errors
    /// [`TraceError`] when the file cannot be read, is empty, or is named `.gz` without being gzip.
    pub fn open(path: impl AsRef<Path>) -> Result<TraceReader, TraceError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = File::open(path).map_err(|source| TraceError::Unreadable { name: name.clone(), source })?;
        let length_bytes = file.metadata().ok().filter(|m| m.is_file()).map(|m| m.len());
        let mut reader = TraceReader::new(&name, file)?;
        if matches!(reader.source, Source::Plain(_)) && path.extension().is_some_and(|e| e == "gz") {
            return Err(TraceError::NotGzip { path: path.to_owned() });
        }
        reader.length_bytes = length_bytes;
        Ok(reader)
    }

    /// Reads a trace from `source`; errors call it `name`.
    ///
    /// # Errors
    /// [`TraceError`] when the first bytes cannot be read or there are none.
    pub fn new(name: &str, source: impl Read + Send + 'static) -> Result<TraceReader, TraceError> {
        let boxed: Box<dyn Read + Send> = Box::new(source);
        let mut raw = BufReader::with_capacity(BUFFER_BYTES, Counted { inner: boxed, bytes: 0 });
        let head = raw.fill_buf().map_err(|source| TraceError::Unreadable { name: name.to_owned(), source })?;
        if head.is_empty() {
            return Err(TraceError::Empty { name: name.to_owned() });
        }
        let source = if head.starts_with(&[0x1f, 0x8b]) {
            Source::Gzip(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(raw)))
        } else {
            Source::Plain(raw)
        };
        Ok(TraceReader { name: name.to_owned(), source, length_bytes: None, records: 0, ended: false })
    }

    /// The share of the file that has been read, `0.0..=1.0`; `None` when its length is not known.
    pub fn fraction(&self) -> Option<f64> {
        let raw = match &self.source {
            Source::Plain(raw) => raw,
            Source::Gzip(unpacked) => unpacked.get_ref().get_ref(),
        };
        let read = raw.get_ref().bytes - raw.buffer().len() as u64;
        self.length_bytes.map(|length| if length == 0 { 1.0 } else { (read as f64 / length as f64).min(1.0) })
    }

    /// Fills `record`; `false` at a clean end of the trace.
    fn fill(&mut self, record: &mut [u8; RECORD_BYTES]) -> Result<bool, TraceError> {
        let mut filled = 0;
        while filled < RECORD_BYTES {
            let read = match &mut self.source {
                Source::Plain(raw) => raw.read(&mut record[filled..]),
                Source::Gzip(unpacked) => unpacked.read(&mut record[filled..]),
            };
            match read {
                Ok(0) if filled == 0 && self.records == 0 => return Err(TraceError::Empty { name: self.name.clone() }),
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => {
                    let (name, records) = (self.name.clone(), self.records);
                    return Err(TraceError::Truncated { name, records, left_bytes: filled });
                }
                Ok(bytes) => filled += bytes,
                Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(TraceError::Damaged { name: self.name.clone(), records: self.records, source });
                }
            }
        }
        Ok(true)
    }
}

impl Iterator for TraceReader {
    type Item = Result<Request, TraceError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut record = [0; RECORD_BYTES];
        match self.fill(&mut record) {
            Ok(true) => {
                self.records += 1;
                let [k0, k1, k2, k3, k4, k5, k6, k7, s0, s1, s2, s3] = record;
                let key = u64::from_le_bytes([k0, k1, k2, k3, k4, k5, k6, k7]);
                Some(Ok(Request { key, size: u32::from_le_bytes([s0, s1, s2, s3]) }))
            }
            Ok(false) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}

/// A reader that knows how many bytes went through it.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

/// Why a trace cannot be replayed, or cannot be replayed further. Requests before the error were delivered.
#[derive(Debug)]
pub enum TraceError {
    /// The file cannot be opened or its first bytes cannot be read.
    Unreadable {
        /// What was opened.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// There is not one record.
    Empty {
        /// What was opened.
        name: String,
    },
    /// The name ends in `.gz` and the content is something else.
    NotGzip {
        /// The file.
        path: PathBuf,
    },
    /// The trace ends inside a record.
    Truncated {
        /// What was opened.
        name: String,
        /// Whole records before the end.
        records: u64,
        /// Bytes of the record that is not whole.
        left_bytes: usize,
    },
    /// The packed stream is damaged or cut off, or the disk failed.
    Damaged {
        /// What was opened.
        name: String,
        /// Whole records before the damage.
        records: u64,
        /// What the decoder or the system said.
        source: io::Error,
    },
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TraceError::Unreadable { name, source } => write!(f, "cannot read the trace {name}: {source}"),
            TraceError::Empty { name } => write!(f, "the trace {name} is empty: it holds no 12-byte record"),
            TraceError::NotGzip { path } => write!(
                f,
                "the trace {} is named .gz but is not gzip: rename it if it is plain records, or pack it with gzip",
                path.display()
            ),
            TraceError::Truncated { name, records, left_bytes } => write!(
                f,
                "the trace {name} ends inside a record: {records} records of {RECORD_BYTES} bytes are whole, then {left_bytes} \
                 bytes are left over; is it a trace of (u64 key, u32 size)?"
            ),
            TraceError::Damaged { name, records, source } => {
                write!(f, "the trace {name} is damaged after {records} whole records: {source}")
            }
        }
    }
}

impl std::error::Error for TraceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TraceError::Unreadable { source, .. } | TraceError::Damaged { source, .. } => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn bytes_of(requests: &[(u64, u32)]) -> Vec<u8> {
        requests.iter().flat_map(|(key, size)| [&key.to_le_bytes()[..], &size.to_le_bytes()].concat()).collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn read(bytes: Vec<u8>) -> Result<Vec<Request>, TraceError> {
        TraceReader::new("t", io::Cursor::new(bytes))?.collect()
    }

    #[test]
    fn plain_and_gzip_and_joined_gzip_read_the_same() {
        let records: Vec<(u64, u32)> = (0..20_000).map(|i| (i * 0x9E37_79B9_7F4A_7C15, i as u32)).collect();
        let plain = bytes_of(&records);
        let joined = [gzip(&plain[..120_005]), gzip(&plain[120_005..])].concat();
        for bytes in [plain.clone(), gzip(&plain), joined] {
            let got = read(bytes).expect("whole");
            assert!(got.iter().map(|r| (r.key, r.size)).eq(records.iter().copied()));
        }
    }

    #[test]
    fn a_key_is_written_as_sixteen_hexadecimal_digits() {
        for key in [0, 1, 0xfedc_ba98_7654_3210, u64::MAX] {
            assert_eq!(Request { key, size: 0 }.key_text(), *format!("{key:016x}").as_bytes());
        }
    }

    #[test]
    fn an_empty_trace_is_an_error_packed_or_not() {
        for bytes in [vec![], gzip(&[])] {
            assert!(matches!(read(bytes), Err(TraceError::Empty { .. })));
        }
    }

    #[test]
    fn a_record_cut_short_says_how_many_were_whole() {
        let mut bytes = bytes_of(&[(1, 2), (3, 4)]);
        bytes.pop();
        for bytes in [bytes.clone(), gzip(&bytes)] {
            match read(bytes) {
                Err(TraceError::Truncated { records: 1, left_bytes: 11, .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_gzip_stream_cut_short_is_damaged_not_ended() {
        let whole = gzip(&bytes_of(&(0..1000).map(|i| (i * i * 77, 5)).collect::<Vec<_>>()));
        match read(whole[..whole.len() - 30].to_vec()) {
            Err(TraceError::Damaged { .. }) => {}
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_that_promises_gzip_must_keep_it() {
        let path = std::env::temp_dir().join(format!("scrubjay-replay-{}.bin.gz", std::process::id()));
        std::fs::write(&path, bytes_of(&[(1, 2)])).expect("temp dir is writable");
        let opened = TraceReader::open(&path);
        std::fs::remove_file(&path).expect("just written");
        assert!(matches!(opened, Err(TraceError::NotGzip { .. })));
        let missing = TraceReader::open(&path).err().expect("gone").to_string();
        assert!(missing.contains("cannot read the trace"), "{missing}");
    }

    #[test]
    fn fraction_runs_from_zero_to_one() {
        let path = std::env::temp_dir().join(format!("scrubjay-fraction-{}.bin", std::process::id()));
        std::fs::write(&path, bytes_of(&vec![(1, 2); 20_000])).expect("temp dir is writable");
        let mut reader = TraceReader::open(&path).expect("just written");
        std::fs::remove_file(&path).expect("just written");
        assert_eq!(reader.fraction(), Some(0.0));
        assert_eq!(reader.by_ref().take(10_000).count(), 10_000);
        assert_eq!(reader.fraction(), Some(0.5));
        assert_eq!(reader.by_ref().count(), 10_000);
        assert_eq!(reader.fraction(), Some(1.0));
    }
}
