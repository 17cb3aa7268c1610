//! A store in this process as a target: the node's real store with its real overhead, without a network.
//!
//! The clock is the trace's: it advances one millisecond with each request, so that what the store remembers of accesses
//! has the order of the trace however fast the replay runs, and the same trace under the same seed gives the same report.
//! Housekeeping runs when the store asks for it on that clock.

use scrubjay_store::{Access, Config, Deadline, Flags, Ns, OutOfMemory, Stats, Store};

use crate::run::{Target, TargetError};
use crate::trace::Request;

/// Longest value that the store takes. A trace's u32 could ask for eight times as much.
const VALUE_BYTES_MAX: u32 = 512 << 20;
/// What one call of housekeeping may take, as the store counts it.
const HOUSEKEEPING_US: u64 = 1000;

/// A store that lives as long as the replay.
pub struct Embedded {
    store: Store,
    ns: Ns,
    now_ms: u64,
    housekeeping_at_ms: u64,
    value: Vec<u8>,
}

impl Embedded {
    /// An empty store under `config`, whose start becomes the trace's start.
    pub fn new(config: Config) -> Embedded {
        let now_ms = config.start_ms;
        let store = Store::new(config, None);
        let ns = store.namespace(0).expect("database 0 always exists");
        Embedded { store, ns, now_ms, housekeeping_at_ms: now_ms, value: Vec::new() }
    }

    /// What the store counted: evictions, entries, bytes.
    pub fn stats(&self) -> Stats {
        self.store.stats()
    }

    fn one(&mut self, request: Request) -> Result<bool, TargetError> {
        self.now_ms += 1;
        if self.now_ms >= self.housekeeping_at_ms {
            self.housekeeping_at_ms = self.store.maintain(self.now_ms, HOUSEKEEPING_US).max(self.now_ms + 1);
        }
        let text = request.key_text();
        let key = self.store.key(self.ns, &text);
        if self.store.lock(key.slot, self.now_ms).get(&key, Access::Read).is_some() {
            return Ok(true);
        }
        if request.size > VALUE_BYTES_MAX {
            return Err(TargetError::new(format!(
                "the trace asks for a value of {} bytes; the store takes at most {VALUE_BYTES_MAX}",
                request.size
            )));
        }
        let size = request.size as usize;
        if self.value.len() < size {
            self.value.resize(size, b'v');
        }
        self.store.reserve(text.len() + size, self.now_ms);
        let mut guard = self.store.lock(key.slot, self.now_ms);
        // Too large for the limit, or `noeviction` and full: not admitted, which the store counts. The miss stands.
        let (Ok(()) | Err(OutOfMemory::Node | OutOfMemory::Namespace)) =
            guard.put(&key, &self.value[..size], Deadline::Default, Flags::Set(0));
        Ok(false)
    }
}

impl Target for Embedded {
    // Order is kept inside a window, so its length changes nothing but the calls per request.
    fn window(&self) -> usize {
        1024
    }

    fn answer(&mut self, requests: &[Request], hits: &mut Vec<bool>) -> Result<(), TargetError> {
        for request in requests {
            hits.push(self.one(*request)?);
        }
        Ok(())
    }
}
