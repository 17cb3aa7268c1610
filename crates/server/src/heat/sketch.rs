//! Which keys one thread's commands use most, in bounded memory.
//!
//! ```text
//!   hash --> a bucket of four cells |hash, count, writes|  known?  count + 1
//!                                                          free?   count = 1
//!                                                          full?   the weakest loses 1, with probability 1.08^-count
//! ```
//! The structure is HeavyGuardian's (Yang et al., KDD 2018; its decay is that of HeavyKeeper, Gong et al., ATC 2018): what is
//! seen once in a while wears itself out against what is seen often, so counts of hot keys stay nearly exact and never
//! exceed the truth by another key's. Space-Saving was refused: with a million keys in uniform use every access replaces an
//! entry and copies a key.
//!
//! Keys are kept only for the cells that lead. A window's counts fade out over the next one, so that the estimate slides:
//! `now + before * what is left of the window`.

use scrubjay_base::clock::UnixMs;
use scrubjay_base::rand::Rng;
use scrubjay_store::{Key, Ns};

/// Cells side by side: four are one cache line.
const WAYS: usize = 4;
/// Buckets: with 4096 cells, 64 KiB a thread, a key with less than about 1/4000 of a thread's commands is not found,
/// whatever the threshold.
const BUCKETS: usize = 1024;
/// From so many notes on a key's name is kept.
const NAMED_FROM: u32 = 4;
/// Bytes of a key's name that are kept.
const NAME_BYTES_MAX: usize = 256;
/// HeavyGuardian's and HeavyKeeper's b.
const DECAY_BASE: f64 = 1.08;
/// Counts from here on do not decay: the chance is below 1 in 2000.
const DECAY_COUNTS: usize = 100;

#[derive(Clone, Copy, Default, Debug)]
struct Cell {
    hash: u64,
    /// Zero: free.
    count: u32,
    writes: u32,
}

#[derive(Clone, Debug)]
struct Name {
    hash: u64,
    ns: Ns,
    key: Box<[u8]>,
    key_bytes: usize,
    /// When it was last looked at; for names of the window before, at its end.
    count: u32,
    writes: u32,
}

/// A key that is used often. Counts are notes; whoever notes one access in `n` multiplies.
#[derive(Clone, PartialEq, Debug)]
pub struct Candidate {
    /// The namespace.
    pub ns: Ns,
    /// The key, or its first 256 bytes.
    pub key: Vec<u8>,
    /// How long the key is.
    pub key_bytes: usize,
    /// Uses within the window.
    pub count: f64,
    /// Those of them that write.
    pub writes: f64,
}

/// The sketch.
#[derive(Debug)]
pub struct Sketch {
    buckets: Box<[[Cell; WAYS]]>,
    names: Vec<Name>,
    /// The least count that had a name when all were last compared.
    floor: u32,
    before: Vec<Name>,
    /// When the window began; 0: never.
    begun_ms: UnixMs,
    decay: Box<[f64; DECAY_COUNTS]>,
    rng: Rng,
}

impl Sketch {
    /// One that has seen nothing. It takes its memory with the first note.
    pub fn new(seed: u64) -> Sketch {
        let decay = Box::new(std::array::from_fn(|count| DECAY_BASE.powi(-(count as i32))));
        Sketch {
            buckets: Box::default(),
            names: Vec::new(),
            floor: 0,
            before: Vec::new(),
            begun_ms: 0,
            decay,
            rng: Rng::new(seed),
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.buckets.fill([Cell::default(); WAYS]);
        self.names.clear();
        self.floor = 0;
        self.before.clear();
    }

    /// Notes that `key` was used. `names_max`: how many keys are kept by name.
    pub fn note(&mut self, key: &Key<'_>, is_write: bool, names_max: usize, window_ms: u64, now_ms: UnixMs) {
        self.advance(window_ms, now_ms);
        if self.buckets.is_empty() {
            self.buckets = vec![[Cell::default(); WAYS]; BUCKETS].into_boxed_slice();
        }
        let bucket = &mut self.buckets[bucket_of(key.hash)];
        if let Some(cell) = bucket.iter_mut().find(|cell| cell.hash == key.hash && cell.count > 0) {
            cell.count += 1;
            cell.writes += u32::from(is_write);
            let cell = *cell;
            // Who leads is decided anew whenever a count has doubled.
            if cell.count >= NAMED_FROM && cell.count.is_power_of_two() {
                self.name(key, cell, names_max);
            }
            return;
        }
        let fresh = Cell { hash: key.hash, count: 1, writes: u32::from(is_write) };
        let Some(weakest) = bucket.iter_mut().min_by_key(|cell| cell.count) else { return };
        if weakest.count > 0 {
            let chance = self.decay.get(weakest.count as usize).copied().unwrap_or(0.0);
            if self.rng.unit() >= chance {
                return;
            }
            weakest.count -= 1;
            weakest.writes = weakest.writes.min(weakest.count);
        }
        if weakest.count == 0 {
            *weakest = fresh;
        }
    }

    /// The keys that are kept by name, with what is known of their use within the window that ends now. In no order.
    pub fn candidates(&mut self, window_ms: u64, now_ms: UnixMs) -> Vec<Candidate> {
        self.advance(window_ms, now_ms);
        let left = 1.0 - (now_ms.saturating_sub(self.begun_ms) as f64 / window_ms.max(1) as f64).min(1.0);
        let mut found: Vec<(u64, Candidate)> = Vec::new();
        let now = self.names.iter().filter_map(|name| self.counted(name)).collect::<Vec<_>>();
        for (name, share) in now.iter().map(|name| (name, 1.0)).chain(self.before.iter().map(|name| (name, left))) {
            let (count, writes) = (f64::from(name.count) * share, f64::from(name.writes) * share);
            match found.iter_mut().find(|(hash, _)| *hash == name.hash) {
                Some((_, known)) => {
                    known.count += count;
                    known.writes += writes;
                }
                None => {
                    let (ns, key, key_bytes) = (name.ns, name.key.to_vec(), name.key_bytes);
                    found.push((name.hash, Candidate { ns, key, key_bytes, count, writes }));
                }
            }
        }
        found.into_iter().map(|(_, candidate)| candidate).collect()
    }

    /// Bytes of memory that it takes.
    pub fn memory_bytes(&self) -> usize {
        let names = self.names.iter().chain(&self.before).map(|name| size_of::<Name>() + name.key.len()).sum::<usize>();
        size_of_val(&*self.buckets) + names
    }

    /// Begins another window if this one is over.
    fn advance(&mut self, window_ms: u64, now_ms: UnixMs) {
        let passed = now_ms.saturating_sub(self.begun_ms);
        if passed < window_ms {
            return;
        }
        let before = match passed < 2 * window_ms {
            true => self.names.iter().filter_map(|name| self.counted(name)).collect(),
            false => Vec::new(),
        };
        self.clear();
        self.before = before;
        self.begun_ms = now_ms - passed % window_ms.max(1);
    }

    /// The name with its cell's counts; `None`: others have worn it out.
    fn counted(&self, name: &Name) -> Option<Name> {
        let cell = cell_of(&self.buckets, name.hash)?;
        Some(Name { count: cell.count, writes: cell.writes, ..name.clone() })
    }

    #[cold]
    fn name(&mut self, key: &Key<'_>, cell: Cell, names_max: usize) {
        if let Some(known) = self.names.iter_mut().find(|name| name.hash == key.hash) {
            known.count = cell.count;
            return;
        }
        let kept = &key.bytes[..key.bytes.len().min(NAME_BYTES_MAX)];
        let name = || Name {
            hash: key.hash,
            ns: key.ns,
            key: kept.into(),
            key_bytes: key.bytes.len(),
            count: cell.count,
            writes: cell.writes,
        };
        self.names.truncate(names_max);
        if self.names.len() < names_max {
            return self.names.push(name());
        }
        if cell.count <= self.floor {
            return; // nobody with less has a name
        }
        // Counts grow and wear out: they are read anew only when somebody may take a place.
        for name in &mut self.names {
            name.count = cell_of(&self.buckets, name.hash).map_or(0, |cell| cell.count);
        }
        let weakest = self.names.iter().enumerate().min_by_key(|(_, name)| name.count);
        let Some((at, count)) = weakest.map(|(at, weakest)| (at, weakest.count)) else { return };
        self.floor = count;
        if count < cell.count {
            self.names[at] = name();
        }
    }
}

fn cell_of(buckets: &[[Cell; WAYS]], hash: u64) -> Option<&Cell> {
    buckets.get(bucket_of(hash))?.iter().find(|cell| cell.hash == hash && cell.count > 0)
}

fn bucket_of(hash: u64) -> usize {
    (hash >> 20) as usize % BUCKETS
}

#[cfg(test)]
mod tests {
    use super::*;
    use scrubjay_base::{KeyHasher, SlotId};

    const WINDOW_MS: u64 = 60_000;
    const START_MS: UnixMs = 1_700_000_000_000;

    fn note(sketch: &mut Sketch, bytes: &[u8], is_write: bool, now_ms: UnixMs) {
        let key = Key { ns: Ns(0), bytes, slot: SlotId::of(bytes), hash: KeyHasher::new(1).hash(0, bytes) };
        sketch.note(&key, is_write, 64, WINDOW_MS, now_ms);
    }

    fn count(sketch: &mut Sketch, name: &str, now_ms: UnixMs) -> f64 {
        let found = sketch.candidates(WINDOW_MS, now_ms);
        found.iter().find(|candidate| candidate.key == name.as_bytes()).map_or(0.0, |candidate| candidate.count)
    }

    #[test]
    fn hot_keys_among_a_million_others_are_counted_to_within_a_few_percent() {
        let (mut sketch, mut rng) = (Sketch::new(1), Rng::new(2));
        let mut truth = [0u32; 10];
        for _ in 0..1_000_000 {
            let is_hot = rng.below(100) < 10;
            let name = if is_hot {
                let hot = (rng.below(10) as usize).min(rng.below(10) as usize);
                truth[hot] += 1;
                format!("hot:{hot}")
            } else {
                format!("cold:{}", rng.below(1_000_000))
            };
            note(&mut sketch, name.as_bytes(), false, START_MS);
        }
        for (hot, &truth) in truth.iter().enumerate() {
            let estimate = count(&mut sketch, &format!("hot:{hot}"), START_MS);
            let error = (estimate - f64::from(truth)).abs() / f64::from(truth);
            assert!(error < 0.03, "hot:{hot} was used {truth} times and is said to have been {estimate} times");
        }
        let candidates = sketch.candidates(WINDOW_MS, START_MS);
        let coldest = f64::from(truth[9]) / 10.0;
        assert!(candidates.iter().all(|c| c.key.starts_with(b"hot") || c.count < coldest), "a cold key looks hot");
        assert!(candidates.len() <= 64 && sketch.memory_bytes() < 100 << 10);
    }

    #[test]
    fn counts_fade_out_over_the_next_window() {
        let mut sketch = Sketch::new(1);
        (0..1000).for_each(|_| note(&mut sketch, b"k", false, START_MS));
        let begun_ms = sketch.begun_ms;
        for (after_ms, expected) in
            [(0, 1000.0), (59_999, 1000.0), (60_000, 1000.0), (90_000, 500.0), (119_000, 16.7), (120_000, 0.0)]
        {
            let estimate = count(&mut sketch, "k", begun_ms + after_ms);
            assert!((estimate - expected).abs() < 1.0, "after {after_ms} ms: {estimate}");
        }
    }

    #[test]
    fn reads_and_writes_are_told_apart_and_long_keys_are_cut() {
        let mut sketch = Sketch::new(1);
        let long = vec![b'l'; 5000];
        for n in 0..400 {
            note(&mut sketch, &long, n % 4 == 0, START_MS);
        }
        let found = sketch.candidates(WINDOW_MS, START_MS);
        assert_eq!((found[0].count, found[0].writes), (400.0, 100.0));
        assert_eq!((found[0].key.len(), found[0].key_bytes), (256, 5000));
        sketch.clear();
        assert!(sketch.candidates(WINDOW_MS, START_MS).is_empty());
    }
}
