//! A hash table from keys to handles whose buckets are one cache line each.
//!
//! ```text
//!  bucket (64 bytes)  | 12 tags | spill | 3 spare |  12 handles, u32 each  |
//!
//!  home = high 32 bits of the hash * buckets >> 32       tag = 8 further bits, never 0 (0: free)
//! ```
//!
//! - One look-up reads one line here and one in the heap: tags are compared first, and a wrong tag matches 1 time in 255.
//! - A full bucket spills into the next. `spill` counts the entries that passed through, so a look-up stops at the first
//!   bucket that nobody passed, and deletion needs no tombstones (Bronson and Shi, "Open-sourcing F14", 2019).
//! - `buckets` is any number, because the home is a multiplication, not a mask. A table grows by a third to a half, by an
//!   amount that differs from table to table: tables that double together would swing the memory per entry by 60 %.
//! - The home is monotone in the hash. So a scan's cursor is a position in hash space that any size of the table
//!   understands, and a large table moves to its new size a few buckets at a time, in hash order: entries below `frontier`
//!   are in the new buckets, the rest in the old.
//!
//! Keys are not here: the caller says whether a handle's key matches and what its hash is.
//!
//! `due` holds, per bucket, the tick at which the first of its entries expires, if any does. It may be too early (the
//! entry was deleted or given a later deadline: looking costs a line, and corrects it), never too late.

use crate::arrays::Buckets;
use crate::heap::Handle;

/// Entries per bucket: with a `u32` each, a tag byte each and the spill counter, one cache line.
pub const LANES: usize = 12;
/// Entries per bucket, on average, beyond which a table grows: 90 %. Measured at 80, 86, 90 and 93 %: 26.2, 25.7, 25.3 and
/// 24.9 bytes an entry in all, and no difference in the time of a look-up.
const LOAD_MAX: f64 = 0.9 * LANES as f64;
/// Below this the table shrinks to a middling load.
const LOAD_MIN: f64 = 0.25 * LANES as f64;
/// Tables of more buckets than this move to a new size step by step (256 buckets: some 2600 entries, about 60 us at once;
/// while it moves, a table has both sizes).
const AT_ONCE_BUCKETS: usize = 256;
/// Old buckets moved by each write while a table is moving. The new size has at least a quarter more room, so 1 would do;
/// more of them shorten the time in which the memory of both sizes is held.
const STEP_BUCKETS: usize = 4;
/// `spill` stays at this value once it is reached: then the bucket is never the end of a look-up until the table moves.
const SPILL_STUCK: u8 = u8::MAX;
/// "Nothing here expires."
pub const NEVER: u32 = u32::MAX;

/// One cache line of the table; empty while it is zeros.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub struct Bucket {
    tags: [u8; 16], // LANES of them; then the spill counter and three spare bytes, so that one load compares all
    handles: [u32; LANES],
}

const _: () = assert!(size_of::<Bucket>() == 64);
const SPILL: usize = LANES;

impl Bucket {
    /// The lanes whose tag is `tag`, as bits.
    #[inline(always)]
    fn matching(&self, tag: u8) -> u32 {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        let bits = {
            use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi8};
            let tags = u128::from_le_bytes(self.tags);
            // SAFETY: every x86-64 processor has SSE2.
            unsafe {
                let tags = _mm_set_epi64x((tags >> 64) as i64, tags as i64);
                _mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8(tag as i8))) as u32
            }
        };
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        let bits = (0..LANES).fold(0, |bits, lane| bits | u32::from(self.tags[lane] == tag) << lane);
        bits & ((1 << LANES) - 1)
    }

    #[inline(always)]
    fn spill(&self) -> u8 {
        self.tags[SPILL]
    }

    /// The handles in this bucket.
    #[inline]
    pub fn handles(&self) -> impl Iterator<Item = (usize, Handle)> + '_ {
        (0..LANES).filter(|&lane| self.tags[lane] != 0).map(|lane| (lane, Handle(self.handles[lane])))
    }
}

/// The position in hash space: what decides the home bucket.
#[inline(always)]
pub fn position(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[inline(always)]
fn tag(hash: u64) -> u8 {
    let tag = (hash >> 16) as u8;
    tag + u8::from(tag == 0)
}

/// Where an entry stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    in_old: bool,
    bucket: u32,
    lane: u8,
}

#[inline(always)]
fn home(lines: &[Bucket], position: u32) -> usize {
    ((u64::from(position) * lines.len() as u64) >> 32) as usize
}

#[inline(always)]
fn after(lines: &[Bucket], bucket: usize) -> usize {
    if bucket + 1 == lines.len() { 0 } else { bucket + 1 }
}

#[inline(always)]
fn find_in(lines: &[Bucket], hash: u64, mut is_it: impl FnMut(Handle) -> bool) -> Option<(usize, usize, Handle)> {
    let (mut bucket, tag) = (home(lines, position(hash)), tag(hash));
    for _ in 0..lines.len() {
        let line = &lines[bucket];
        let mut bits = line.matching(tag);
        while bits != 0 {
            let lane = bits.trailing_zeros() as usize;
            let handle = Handle(line.handles[lane]);
            if is_it(handle) {
                return Some((bucket, lane, handle));
            }
            bits &= bits - 1;
        }
        if line.spill() == 0 {
            return None;
        }
        bucket = after(lines, bucket);
    }
    None
}

/// Puts a handle in and says into which bucket; there must be a free lane somewhere.
fn insert_in(lines: &mut [Bucket], hash: u64, handle: Handle) -> usize {
    let mut bucket = home(lines, position(hash));
    loop {
        let line = &mut lines[bucket];
        let free = line.matching(0);
        if free != 0 {
            let lane = free.trailing_zeros() as usize;
            line.tags[lane] = tag(hash);
            line.handles[lane] = handle.0;
            return bucket;
        }
        line.tags[SPILL] = line.spill().saturating_add(1);
        bucket = after(lines, bucket);
    }
}

/// Frees a lane and tells the buckets that the entry had passed.
fn remove_in(lines: &mut [Bucket], hash: u64, bucket: usize, lane: usize) {
    lines[bucket].tags[lane] = 0;
    let mut passed = home(lines, position(hash));
    while passed != bucket {
        let spill = &mut lines[passed].tags[SPILL];
        if *spill != SPILL_STUCK {
            *spill -= 1;
        }
        passed = after(lines, passed);
    }
}

fn lower(due: &mut Vec<u32>, buckets: usize, bucket: usize, tick: u32) {
    if tick != NEVER {
        if due.is_empty() {
            due.resize(buckets, NEVER);
        }
        due[bucket] = due[bucket].min(tick);
    }
}

#[derive(Clone)]
struct Move {
    old: Buckets,
    old_due: Vec<u32>,
    /// Old home buckets below this one are empty: their entries have moved.
    next: usize,
    /// Hash positions below this one live in the new buckets.
    frontier: u64,
}

/// What few tables have, or few accesses need.
#[derive(Clone, Default)]
struct Extra {
    /// Per bucket, when its first entry is due; empty while nothing here ever had a deadline.
    due: Vec<u32>,
    moving: Option<Move>,
}

/// The table. Cheap while empty: no memory besides itself, and two of them share a cache line.
#[derive(Clone)]
pub struct Table {
    lines: Buckets,
    extra: Option<Box<Extra>>,
    /// Entries, times two, plus one while the table is moving: a look-up must know that without another line.
    count: u32,
    /// The earliest tick in any `due`; may be too early, never too late.
    pub due: u32,
}

const _: () = assert!(size_of::<Table>() == 32);

/// What the table has to know about an entry to move it.
#[derive(Clone, Copy)]
pub struct Facts {
    /// Its hash.
    pub hash: u64,
    /// The tick at which it is due; [`NEVER`] without a deadline.
    pub due: u32,
}

impl Table {
    /// An empty table.
    pub fn new() -> Table {
        Table { lines: Buckets::default(), extra: None, count: 0, due: NEVER }
    }

    /// How many entries.
    #[inline(always)]
    pub fn count(&self) -> u32 {
        self.count >> 1
    }

    /// Bytes of all buckets.
    pub fn bytes(&self) -> usize {
        let extra = self.extra.as_ref().map_or(0, |extra| {
            let moving = extra.moving.as_ref();
            let old = moving.map_or(0, |m| m.old.len() * size_of::<Bucket>() + m.old_due.capacity() * 4);
            size_of::<Extra>() + extra.due.capacity() * 4 + old
        });
        self.lines.len() * size_of::<Bucket>() + extra
    }

    /// Address and number of the buckets, for prefetching; stale values do no harm.
    pub fn hint(&self) -> (*const Bucket, usize) {
        (self.lines.as_ptr(), self.lines.len())
    }

    fn moving(&self) -> Option<&Move> {
        self.extra.as_ref()?.moving.as_ref()
    }

    #[inline(always)]
    fn is_old(&self, position: u32) -> bool {
        self.count & 1 != 0 && self.moving().is_some_and(|m| u64::from(position) >= m.frontier)
    }

    #[inline(always)]
    fn lines(&self, old: bool) -> &[Bucket] {
        match self.moving() {
            Some(moving) if old => &moving.old,
            _ => &self.lines,
        }
    }

    #[inline(always)]
    fn lines_at(&self, position: u32) -> (bool, &[Bucket]) {
        if self.is_old(position) { (true, self.lines(true)) } else { (false, &self.lines) }
    }

    fn lines_mut(&mut self, old: bool) -> &mut [Bucket] {
        match self.extra.as_mut().and_then(|extra| extra.moving.as_mut()) {
            Some(moving) if old => &mut moving.old,
            _ => &mut self.lines,
        }
    }

    /// The entry with this hash for which `is_it` holds.
    #[inline(always)]
    pub fn find(&self, hash: u64, is_it: impl FnMut(Handle) -> bool) -> Option<(Place, Handle)> {
        let (in_old, lines) = self.lines_at(position(hash));
        let (bucket, lane, handle) = find_in(lines, hash, is_it)?;
        Some((Place { in_old, bucket: bucket as u32, lane: lane as u8 }, handle))
    }

    /// Calls `visit` with the handles whose tag fits, in the home bucket only: what to prefetch.
    #[inline]
    pub fn candidates(&self, hash: u64, mut visit: impl FnMut(Handle)) {
        let (_, lines) = self.lines_at(position(hash));
        if let Some(line) = lines.get(home(lines, position(hash))) {
            let mut bits = line.matching(tag(hash));
            while bits != 0 {
                visit(Handle(line.handles[bits.trailing_zeros() as usize]));
                bits &= bits - 1;
            }
        }
    }

    /// The handle at a place.
    #[cfg(test)]
    pub fn at(&self, place: Place) -> Handle {
        Handle(self.lines(place.in_old)[place.bucket as usize].handles[place.lane as usize])
    }

    /// Points a place at where its entry has moved to.
    #[inline]
    pub fn set(&mut self, place: Place, handle: Handle) {
        self.lines_mut(place.in_old)[place.bucket as usize].handles[place.lane as usize] = handle.0;
    }

    /// Takes note that the entry at `place` is due at `due`.
    pub fn lower_due(&mut self, place: Place, due: u32) {
        self.lower_due_in(place.in_old, place.bucket as usize, due);
    }

    fn lower_due_in(&mut self, old: bool, bucket: usize, due: u32) {
        if due == NEVER {
            return;
        }
        self.due = self.due.min(due);
        let buckets = self.lines.len();
        let extra = self.extra.get_or_insert_default();
        match &mut extra.moving {
            Some(moving) if old => lower(&mut moving.old_due, moving.old.len(), bucket, due),
            _ => lower(&mut extra.due, buckets, bucket, due),
        }
    }

    /// Adds an entry whose key is not in the table. `jitter` (0..8) makes tables grow at different times. `facts` is asked
    /// about entries that move. Returns whether the buckets may lie elsewhere now (the hint is stale).
    pub fn insert(&mut self, facts: Facts, handle: Handle, jitter: usize, ask: impl Fn(Handle) -> Facts) -> bool {
        let resized = self.make_room(jitter, &ask);
        self.count += 2;
        let old = self.is_old(position(facts.hash));
        let bucket = insert_in(self.lines_mut(old), facts.hash, handle);
        self.lower_due_in(old, bucket, facts.due);
        resized
    }

    /// Removes the entry at `place`. Returns whether the buckets may lie elsewhere now.
    pub fn remove(&mut self, hash: u64, place: Place, ask: impl Fn(Handle) -> Facts) -> bool {
        remove_in(self.lines_mut(place.in_old), hash, place.bucket as usize, place.lane as usize);
        self.count -= 2;
        if self.count & 1 != 0 {
            self.step(STEP_BUCKETS, &ask);
            return false;
        }
        if self.count == 0 {
            *self = Table::new();
            return true;
        }
        let buckets = self.lines.len();
        if buckets > 2 && f64::from(self.count()) < LOAD_MIN * buckets as f64 {
            self.resize(rounded((f64::from(self.count()) / (0.6 * LANES as f64)).ceil() as usize), &ask);
            return true;
        }
        false
    }

    fn make_room(&mut self, jitter: usize, ask: &impl Fn(Handle) -> Facts) -> bool {
        if self.count & 1 != 0 {
            self.step(STEP_BUCKETS, ask);
            return false;
        }
        let buckets = self.lines.len();
        let room = if buckets == 1 { LANES as u32 } else { (buckets as f64 * LOAD_MAX) as u32 };
        if self.count() < room {
            return false;
        }
        self.resize(larger(buckets, jitter), ask);
        true
    }

    fn resize(&mut self, buckets: usize, ask: &impl Fn(Handle) -> Facts) {
        let old = std::mem::replace(&mut self.lines, Buckets::new(buckets.max(1)));
        let at_once = old.len().max(buckets) <= AT_ONCE_BUCKETS;
        let extra = self.extra.get_or_insert_default();
        let old_due = std::mem::take(&mut extra.due);
        extra.moving = Some(Move { old, old_due, next: 0, frontier: 0 });
        self.count |= 1;
        if at_once {
            self.step(usize::MAX, ask);
        }
    }

    /// Moves up to `count` old home buckets.
    fn step(&mut self, count: usize, ask: &impl Fn(Handle) -> Facts) {
        let Some(extra) = &mut self.extra else { return };
        let Some(moving) = &mut extra.moving else { return };
        let end = moving.old.len().min(moving.next.saturating_add(count));
        while moving.next < end {
            let from = moving.next;
            let mut bucket = from;
            for _ in 0..moving.old.len() {
                let line = moving.old[bucket];
                for (lane, handle) in line.handles() {
                    let facts = ask(handle);
                    if home(&moving.old, position(facts.hash)) == from {
                        remove_in(&mut moving.old, facts.hash, bucket, lane);
                        let bucket = insert_in(&mut self.lines, facts.hash, handle);
                        lower(&mut extra.due, self.lines.len(), bucket, facts.due);
                    }
                }
                // Read before this bucket's own entries left: a spilled one may still stand further on.
                if line.spill() == 0 {
                    break;
                }
                bucket = after(&moving.old, bucket);
            }
            moving.next += 1;
        }
        moving.frontier = start_of(moving.next, moving.old.len().max(1));
        if moving.next == moving.old.len() {
            extra.moving = None;
            self.count &= !1;
            if extra.due.is_empty() {
                self.extra = None;
            }
        }
    }

    /// Visits the entries whose hash position is at or after `from`, home bucket by home bucket, until at least `effort`
    /// were visited. Returns where to go on, or `None` at the end. `ask` gives an entry's hash.
    pub fn scan(
        &self,
        from: u32,
        effort: usize,
        ask: impl Fn(Handle) -> Facts,
        mut visit: impl FnMut(Handle),
    ) -> Option<u32> {
        let mut from = u64::from(from);
        let mut seen = 0;
        while from < 1 << 32 {
            let (_, lines) = self.lines_at(from as u32);
            if lines.is_empty() {
                return None;
            }
            let here = home(lines, from as u32);
            let mut bucket = here;
            for _ in 0..lines.len() {
                for (_, handle) in lines[bucket].handles() {
                    let at = position(ask(handle).hash);
                    if home(lines, at) == here && u64::from(at) >= from {
                        seen += 1;
                        visit(handle);
                    }
                }
                if lines[bucket].spill() == 0 {
                    break;
                }
                bucket = after(lines, bucket);
            }
            from = start_of(here + 1, lines.len());
            if seen >= effort {
                break;
            }
        }
        u32::try_from(from).ok()
    }

    /// Visits handles from the place in the table that `start` stands for, until `visit` says no or `buckets` buckets, or
    /// all, were seen. For sampling with a random `start`. The place is a lane, not a bucket: visits end within a bucket, so
    /// the first lanes of each would be seen more often than the last, where old entries would outlive their time.
    pub fn sample(&self, start: u64, buckets: usize, mut visit: impl FnMut(Handle) -> bool) {
        let old = self.moving().map_or(&[][..], |m| &m.old);
        let total = self.lines.len() + old.len();
        let place = ((u128::from(start) * (total * LANES) as u128) >> 64) as usize;
        let (start, first_lane) = (place / LANES, place % LANES);
        for step in 0..=buckets.min(total) {
            let lanes = match step {
                0 => first_lane..LANES,
                _ if step == total => 0..first_lane, // all the way round
                _ if step == buckets => return,
                _ => 0..LANES,
            };
            let at = (start + step) % total.max(1);
            let Some(line) = self.lines.get(at).or_else(|| old.get(at - self.lines.len())) else { return };
            for (_, handle) in line.handles().filter(|(lane, _)| lanes.contains(lane)) {
                if !visit(handle) {
                    return;
                }
            }
        }
    }

    /// The handle at the place that `start` stands for; `None`: nothing is there. Tried with random starts until something is,
    /// it finds every handle equally often, while a [`sample`](Self::sample)'s first prefers those behind empty places.
    pub fn handle_at(&self, start: u64) -> Option<Handle> {
        let old = self.moving().map_or(&[][..], |m| &m.old);
        let total = self.lines.len() + old.len();
        let place = ((u128::from(start) * (total * LANES) as u128) >> 64) as usize;
        let line = self.lines.get(place / LANES).or_else(|| old.get(place / LANES - self.lines.len()))?;
        line.handles().find(|(lane, _)| *lane == place % LANES).map(|(_, handle)| handle)
    }

    /// How many buckets a full sample has.
    pub fn bucket_count(&self) -> usize {
        self.lines.len() + self.moving().map_or(0, |m| m.old.len())
    }

    /// Visits the handles of every bucket in which something may be due at `tick`. Cost: a read of `due`, a line for each.
    pub fn sample_due(&self, tick: u32, mut visit: impl FnMut(Handle)) {
        let mut look = |lines: &[Bucket], due: &[u32]| {
            let found = lines.iter().zip(due).filter(|(_, due)| **due <= tick);
            found.for_each(|(line, _)| line.handles().for_each(|(_, handle)| visit(handle)));
        };
        if let Some(extra) = &self.extra {
            look(&self.lines, &extra.due);
            if let Some(moving) = &extra.moving {
                look(&moving.old, &moving.old_due);
            }
        }
    }

    /// The handles of every entry that is due at `tick`, into `out`; every `due` looked at is set right. `ask` gives an
    /// entry's due tick. Cost: a read of `due`, a line and its entries for each bucket that has something due.
    pub fn take_due(&mut self, tick: u32, ask: impl Fn(Handle) -> Facts, out: &mut Vec<(Handle, u64)>) {
        let mut earliest = NEVER;
        let mut take = |lines: &[Bucket], due: &mut [u32]| {
            for (line, due) in lines.iter().zip(due) {
                if *due <= tick {
                    *due = NEVER;
                    for (_, handle) in line.handles() {
                        let facts = ask(handle);
                        if facts.due <= tick {
                            out.push((handle, facts.hash));
                        } else {
                            *due = (*due).min(facts.due);
                        }
                    }
                }
                earliest = earliest.min(*due);
            }
        };
        if let Some(extra) = &mut self.extra {
            take(&self.lines, &mut extra.due);
            if let Some(moving) = &mut extra.moving {
                take(&moving.old, &mut moving.old_due);
            }
        }
        self.due = earliest;
    }
}

/// The first hash position whose home is `bucket` of `buckets`.
fn start_of(bucket: usize, buckets: usize) -> u64 {
    ((bucket as u64) << 32).div_ceil(buckets as u64)
}

/// The next size: a quarter to a half more. Sizes have three significant bits (4, 5, 6, 7, 8, 10, 12, 14, 16, 20, ...),
/// so that the hole that one table leaves fits others.
fn larger(buckets: usize, jitter: usize) -> usize {
    let next = rounded(buckets + 1);
    // One step is 14 to 25 %, two are 29 to 50 %. Every eighth table takes one step where the others take two, so that
    // tables of equal counts part ways.
    if jitter.is_multiple_of(8) || next < 4 { next } else { rounded(next + 1) }
}

/// `buckets` rounded up to three significant bits.
fn rounded(buckets: usize) -> usize {
    let unit = 1 << (usize::BITS - buckets.leading_zeros()).saturating_sub(3);
    buckets.next_multiple_of(unit)
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
