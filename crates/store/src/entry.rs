//! An entry: one packed block of bytes. Sizes are asserted below, where they are claimed.
//!
//! ```text
//!  byte 0          4          8                    16
//!  +----------+----------+-----------------------+-----------+--------+--------+-----+-------+- - -+
//!  |   head   |   rank   |         birth         | deadline? | until? | flags? | key | value | pad |
//!  |   u32    |   u32    |          u64          |  u48 ms   | u48 ms |  u32   |     |       | 0-3 |
//!  +----------+----------+-----------------------+-----------+--------+--------+-----+-------+- - -+
//!    head:  bits 0-1 state (live, hole, filler)   birth: bits 0-47  slot sequence: CAS, ETag, birth
//!           2 large  3 deadline  4 flags                 bits 48-59 value bytes
//!           5-8 kind (string, list, ...)                 bits 60-63 packed flags
//!           9 compressed  10 until  11 tagged  12-19 namespace  20-31 key bytes
//! ```
//!
//! The header is 16 bytes. A deadline costs 6 more, a moment until which the entry is kept as stale beyond its deadline
//! another 6, flags 4 more (but the fifteen numbers from [`flags::PACKED_BASE`] on cost nothing). Keys and values that are long live apart (`large`): the block then holds a
//! `u32` index into the shard's list of large things where the value would be, and a key too long for 12 bits goes there
//! too. `rank` belongs to the eviction policy alone.
//!
//! A block that is no entry is a hole (a free block on a list, at least 12 bytes) or a filler (4 or 8 bytes that no list
//! can hold); both carry their size, so a segment can be walked from end to end.

use crate::flags;
use crate::value::Kind;
use scrubjay_base::clock::UnixMs;

/// Blocks start and end at multiples of this many bytes; a handle counts in it. 8 would cost the typical entry 2 bytes
/// more on average; 1 or 2 would need wider handles.
pub const GRANULE: usize = 4;
/// Fixed part of an entry.
pub const HEADER_BYTES: usize = 16;
/// Longest value kept in its entry's block. Beyond, the tail that a segment wastes grows past what the general allocator
/// wastes by rounding.
pub const INLINE_VALUE_BYTES_MAX: usize = 2048;
/// Longest key kept in its entry's block.
pub const INLINE_KEY_BYTES_MAX: usize = 1024;
/// The last representable deadline (48 bits of milliseconds: the year 10889).
pub const DEADLINE_MS_MAX: UnixMs = (1 << 48) - 1;

const DEADLINE_BYTES: usize = 6;
const STALE_BYTES: usize = 6;
const FLAGS_BYTES: usize = 4;
const INDEX_BYTES: usize = 4;
/// The most that an entry takes beside key and value.
pub const LARGEST_HEADER_BYTES: usize = HEADER_BYTES + DEADLINE_BYTES + STALE_BYTES + FLAGS_BYTES + GRANULE;

const STATE_MASK: u32 = 0b11;
const LIVE: u32 = 0;
const HOLE: u32 = 1;
const FILLER: u32 = 2;
const LARGE: u32 = 1 << 2;
const DEADLINE: u32 = 1 << 3;
const FLAGS: u32 = 1 << 4;
const KIND_SHIFT: u32 = 5;
const KIND_MASK: u32 = 0xF << KIND_SHIFT;
const COMPRESSED: u32 = 1 << 9;
/// Beside a deadline, and only there.
const STALE: u32 = 1 << 10;
const TAGGED: u32 = 1 << 11;
const NS_SHIFT: u32 = 12;
const KEY_SHIFT: u32 = 20;

const SEQUENCE_MASK: u64 = (1 << 48) - 1;
const VALUE_SHIFT: u32 = 48;
const PACKED_SHIFT: u32 = 60;

const _: () = assert!(INLINE_VALUE_BYTES_MAX < 1 << 12 && INLINE_KEY_BYTES_MAX < 1 << 12);
const _: () = assert!(HEADER_BYTES == 4 + 4 + 8);

#[inline(always)]
fn u32_at(block: &[u8], at: usize) -> u32 {
    // One bounds check and one load; indexing the bytes one by one is four of each.
    match block[at..].first_chunk() {
        Some(bytes) => u32::from_le_bytes(*bytes),
        None => unreachable!("a block is never cut short"),
    }
}

#[inline(always)]
fn u64_at(block: &[u8], at: usize) -> u64 {
    match block[at..].first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => unreachable!("a block is never cut short"),
    }
}

#[inline(always)]
fn put_u32(block: &mut [u8], at: usize, value: u32) {
    block[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

#[inline(always)]
fn moment_at(block: &[u8], at: usize) -> UnixMs {
    u64::from(u32_at(block, at)) | u64::from(block[at + 4]) << 32 | u64::from(block[at + 5]) << 40
}

fn put_moment(block: &mut [u8], at: usize, moment_ms: UnixMs) {
    block[at..at + 6].copy_from_slice(&moment_ms.min(DEADLINE_MS_MAX).to_le_bytes()[..6]);
}

/// `bytes` rounded up to whole granules, in granules.
#[inline(always)]
pub const fn granules(bytes: usize) -> u32 {
    bytes.div_ceil(GRANULE) as u32
}

/// What an entry is made of, before it is written or after its header was read. Says where everything lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    head: u32,
    birth: u64,
}

impl Layout {
    /// A layout for a new entry. `large`: the value (and a key over the limit) lives apart.
    #[inline]
    pub fn new(
        ns: u8,
        kind: Kind,
        key_bytes: usize,
        value_bytes: usize,
        large: bool,
        deadline: bool,
        flags: u32,
    ) -> Layout {
        let key_inline = if key_bytes <= INLINE_KEY_BYTES_MAX { key_bytes } else { 0 };
        let value_inline = if large { INDEX_BYTES } else { value_bytes };
        let packed = flags.wrapping_sub(flags::PACKED_BASE);
        let packed = if packed < 16 { packed } else { 0 };
        let wide = flags != 0 && packed == 0;
        let head = LIVE
            | if large { LARGE } else { 0 }
            | if deadline { DEADLINE } else { 0 }
            | if wide { FLAGS } else { 0 }
            | u32::from(kind as u8) << KIND_SHIFT
            | u32::from(ns) << NS_SHIFT
            | (key_inline as u32) << KEY_SHIFT;
        Layout { head, birth: (value_inline as u64) << VALUE_SHIFT | u64::from(packed) << PACKED_SHIFT }
    }

    /// The layout of the live entry that starts at `block[0]`.
    #[inline(always)]
    pub fn read(block: &[u8]) -> Layout {
        Layout { head: u32_at(block, 0), birth: u64_at(block, 8) }
    }

    /// Whether value (and perhaps key) live apart.
    #[inline(always)]
    pub fn is_large(self) -> bool {
        self.head & LARGE != 0
    }

    /// Whether the value is a compressed string.
    #[inline(always)]
    pub fn is_compressed(self) -> bool {
        self.head & COMPRESSED != 0
    }

    /// The same, of a string whose value is kept compressed, or is not.
    #[inline(always)]
    pub fn compressed(self, yes: bool) -> Layout {
        Layout { head: if yes { self.head | COMPRESSED } else { self.head & !COMPRESSED }, ..self }
    }

    /// Whether the value is neither apart nor compressed: what lies in the block is what was written.
    #[inline(always)]
    pub fn is_plain(self) -> bool {
        self.head & (LARGE | COMPRESSED) == 0
    }

    /// Whether the value is a string, which is a matter of one comparison.
    #[inline(always)]
    pub fn is_string(self) -> bool {
        self.head & KIND_MASK == 0
    }

    /// What kind the value is of.
    #[inline]
    pub fn kind(self) -> Kind {
        match Kind::from_number(((self.head & KIND_MASK) >> KIND_SHIFT) as u8) {
            Some(kind) => kind,
            None => unreachable!("only kinds are written"),
        }
    }

    /// Whether the entry has tags.
    #[inline(always)]
    pub fn is_tagged(self) -> bool {
        self.head & TAGGED != 0
    }

    /// The same with tags, or without.
    #[inline(always)]
    pub fn tagged(self, yes: bool) -> Layout {
        Layout { head: if yes { self.head | TAGGED } else { self.head & !TAGGED }, ..self }
    }

    /// Whether there is a deadline.
    #[inline(always)]
    pub fn has_deadline(self) -> bool {
        self.head & DEADLINE != 0
    }

    /// Whether it is kept for a while beyond its deadline.
    #[inline(always)]
    pub fn is_kept_stale(self) -> bool {
        self.head & STALE != 0
    }

    /// The same entry, which has a deadline, with room for the moment until which it is kept beyond it.
    pub fn with_stale(self) -> Layout {
        debug_assert!(self.has_deadline());
        Layout { head: self.head | STALE, ..self }
    }

    /// The namespace.
    #[inline(always)]
    pub fn ns(self) -> u8 {
        (self.head >> NS_SHIFT) as u8
    }

    /// The slot sequence of the last change.
    #[inline(always)]
    pub fn sequence(self) -> u64 {
        self.birth & SEQUENCE_MASK
    }

    #[inline(always)]
    fn key_bytes(self) -> usize {
        (self.head >> KEY_SHIFT) as usize
    }

    #[inline(always)]
    fn value_bytes(self) -> usize {
        (self.birth >> VALUE_SHIFT) as usize & 0xFFF
    }

    #[inline(always)]
    fn stale_at(self) -> usize {
        HEADER_BYTES + if self.has_deadline() { DEADLINE_BYTES } else { 0 }
    }

    #[inline(always)]
    fn flags_at(self) -> usize {
        self.stale_at() + if self.is_kept_stale() { STALE_BYTES } else { 0 }
    }

    /// Where the inline key starts.
    #[inline(always)]
    fn key_at(self) -> usize {
        self.flags_at() + if self.head & FLAGS != 0 { FLAGS_BYTES } else { 0 }
    }

    /// The inline key's place in the block; empty for a key that lives apart.
    #[inline(always)]
    pub fn key(self) -> std::ops::Range<usize> {
        let start = self.key_at();
        start..start + self.key_bytes()
    }

    /// The inline value's place in the block; the index, if large.
    #[inline(always)]
    pub fn value(self) -> std::ops::Range<usize> {
        let start = self.key_at() + self.key_bytes();
        start..start + self.value_bytes()
    }

    /// Bytes of the block, without padding.
    #[inline(always)]
    pub fn bytes(self) -> usize {
        self.key_at() + self.key_bytes() + self.value_bytes()
    }

    /// Granules of the block.
    #[inline(always)]
    pub fn granules(self) -> u32 {
        granules(self.bytes())
    }

    /// The deadline, read from the block.
    #[inline(always)]
    pub fn deadline_ms(self, block: &[u8]) -> Option<UnixMs> {
        if !self.has_deadline() {
            return None;
        }
        Some(moment_at(block, HEADER_BYTES))
    }

    /// Until when it is kept beyond its deadline, if it is.
    #[inline]
    pub fn stale_until_ms(self, block: &[u8]) -> Option<UnixMs> {
        self.is_kept_stale().then(|| moment_at(block, self.stale_at()))
    }

    /// When it is to be removed.
    #[inline(always)]
    pub fn end_ms(self, block: &[u8]) -> Option<UnixMs> {
        if self.is_kept_stale() { self.stale_until_ms(block) } else { self.deadline_ms(block) }
    }

    /// The flags, read from the block.
    #[inline]
    pub fn flags(self, block: &[u8]) -> u32 {
        if self.head & FLAGS != 0 {
            return u32_at(block, self.flags_at());
        }
        match (self.birth >> PACKED_SHIFT) as u32 {
            0 => flags::NONE,
            packed => flags::PACKED_BASE + packed,
        }
    }

    /// The index of the large thing that belongs to the entry.
    #[inline]
    pub fn index(self, block: &[u8]) -> u32 {
        u32_at(block, self.value().start)
    }
}

/// Everything that is written into a new block.
pub struct Parts<'a> {
    /// Where things lie.
    pub layout: Layout,
    /// The policy's word.
    pub rank: u32,
    /// The slot sequence of this change.
    pub sequence: u64,
    /// The deadline; must agree with the layout.
    pub deadline_ms: Option<UnixMs>,
    /// The flags; must be those of the layout.
    pub flags: u32,
    /// The inline key; empty if it lives apart.
    pub key: &'a [u8],
    /// The inline value, or the index of the large thing.
    pub value: &'a [u8],
}

/// Writes an entry at `block[0]`.
#[inline(always)]
pub fn write(block: &mut [u8], parts: &Parts<'_>) {
    let layout = parts.layout;
    put_u32(block, 0, layout.head);
    put_u32(block, 4, parts.rank);
    set_sequence(block, layout, parts.sequence);
    if let Some(deadline_ms) = parts.deadline_ms {
        set_deadline(block, deadline_ms);
    }
    if layout.head & FLAGS != 0 {
        put_u32(block, layout.flags_at(), parts.flags);
    }
    block[layout.key()].copy_from_slice(parts.key);
    block[layout.value()].copy_from_slice(parts.value);
}

/// Marks a block as taken by an entry that is not written yet.
pub fn write_head(block: &mut [u8], layout: Layout) {
    put_u32(block, 0, layout.head);
    set_sequence(block, layout, 0);
}

/// Overwrites the sequence of a live entry.
#[inline(always)]
pub fn set_sequence(block: &mut [u8], layout: Layout, sequence: u64) {
    let birth = layout.birth & !SEQUENCE_MASK | sequence & SEQUENCE_MASK;
    block[8..16].copy_from_slice(&birth.to_le_bytes());
}

/// Notes whether a live entry has tags.
pub fn set_tagged(block: &mut [u8], yes: bool) {
    let head = Layout::read(block).tagged(yes).head;
    put_u32(block, 0, head);
}

/// Overwrites the deadline of a live entry whose layout has one.
#[inline]
pub fn set_deadline(block: &mut [u8], deadline_ms: UnixMs) {
    put_moment(block, HEADER_BYTES, deadline_ms);
}

/// Overwrites the moment until which a live entry is kept beyond its deadline; its layout must have one.
pub fn set_stale_until(block: &mut [u8], layout: Layout, until_ms: UnixMs) {
    put_moment(block, layout.stale_at(), until_ms);
}

/// The policy's word of a live entry.
#[inline(always)]
pub fn rank(block: &[u8]) -> u32 {
    u32_at(block, 4)
}

/// Overwrites the policy's word.
#[inline(always)]
pub fn set_rank(block: &mut [u8], rank: u32) {
    put_u32(block, 4, rank);
}

/// What a block is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Block {
    /// A live entry.
    Live(Layout),
    /// A free block on a list; its size in granules.
    Hole(u32),
    /// A free block too small for a list; its size in granules.
    Filler(u32),
}

impl Block {
    /// Reads what starts at `block[0]`.
    #[inline]
    pub fn read(block: &[u8]) -> Block {
        let head = u32_at(block, 0);
        match head & STATE_MASK {
            LIVE => Block::Live(Layout::read(block)),
            HOLE => Block::Hole(head >> 2),
            _ => Block::Filler(head >> 2),
        }
    }

    /// Its size.
    #[inline]
    pub fn granules(self) -> u32 {
        match self {
            Block::Live(layout) => layout.granules(),
            Block::Hole(size) | Block::Filler(size) => size,
        }
    }
}

/// Smallest block that a free list can hold: head and two links.
pub const HOLE_GRANULES_MIN: u32 = 3;

/// Marks a block as a hole with its two neighbours on the list.
pub fn write_hole(block: &mut [u8], size: u32, previous: u32, next: u32) {
    put_u32(block, 0, HOLE | size << 2);
    put_u32(block, 4, previous);
    put_u32(block, 8, next);
}

/// The two neighbours of a hole on its list.
pub fn hole_links(block: &[u8]) -> (u32, u32) {
    (u32_at(block, 4), u32_at(block, 8))
}

/// Sets the neighbour before a hole.
pub fn set_hole_previous(block: &mut [u8], previous: u32) {
    put_u32(block, 4, previous);
}

/// Sets the neighbour after a hole.
pub fn set_hole_next(block: &mut [u8], next: u32) {
    put_u32(block, 8, next);
}

/// Marks one or two granules as a filler.
pub fn write_filler(block: &mut [u8], size: u32) {
    put_u32(block, 0, FILLER | size << 2);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(key: &[u8], value: &[u8], deadline_ms: Option<u64>, flags: u32) -> usize {
        let layout = Layout::new(9, Kind::List, key.len(), value.len(), false, deadline_ms.is_some(), flags);
        let mut block = vec![0xEE; layout.granules() as usize * GRANULE];
        let parts = Parts { layout, rank: 77, sequence: SEQUENCE_MASK, deadline_ms, flags, key, value };
        write(&mut block, &parts);
        let Block::Live(read) = Block::read(&block) else { panic!("not live") };
        assert_eq!((&block[read.key()], &block[read.value()]), (key, value));
        assert_eq!((read.deadline_ms(&block), read.flags(&block), rank(&block)), (deadline_ms, flags, 77));
        assert_eq!((read.ns(), read.sequence(), read.is_large()), (9, SEQUENCE_MASK, false));
        assert_eq!(read.granules(), layout.granules());
        layout.bytes()
    }

    #[test]
    fn what_is_written_is_read_back_at_the_size_that_the_budget_claims() {
        let (key, value) = (b"key:000000000001".as_slice(), [7u8; 32].as_slice());
        assert_eq!(round_trip(key, value, None, 0), 16 + 48);
        assert_eq!(round_trip(key, value, Some(DEADLINE_MS_MAX), 0), 22 + 48);
        assert_eq!(round_trip(key, value, Some(1), flags::STR), 22 + 48, "the SDK's own flags are free");
        assert_eq!(round_trip(key, value, None, 0xFFFF_FFFF), 20 + 48);
        round_trip(b"", b"", None, 0);
        round_trip(&[1; INLINE_KEY_BYTES_MAX], &[2; INLINE_VALUE_BYTES_MAX], Some(5), 3);
    }

    #[test]
    fn being_kept_beyond_the_deadline_costs_six_bytes_and_moves_nothing_else() {
        for flags in [0, flags::JSON, 7] {
            let plain = Layout::new(9, Kind::String, 3, 5, false, true, flags).tagged(true);
            let layout = plain.with_stale();
            assert_eq!((layout.bytes(), layout.kind(), layout.ns()), (plain.bytes() + 6, Kind::String, 9));
            let mut block = vec![0xEE; layout.granules() as usize * GRANULE];
            let parts =
                Parts { layout, rank: 1, sequence: 2, deadline_ms: Some(70), flags, key: b"key", value: b"value" };
            write(&mut block, &parts);
            set_stale_until(&mut block, layout, DEADLINE_MS_MAX + 5);
            let read = Layout::read(&block);
            assert_eq!((&block[read.key()], &block[read.value()]), (&b"key"[..], &b"value"[..]));
            assert_eq!((read.deadline_ms(&block), read.flags(&block), read.is_tagged()), (Some(70), flags, true));
            assert_eq!(
                (read.stale_until_ms(&block), read.end_ms(&block)),
                (Some(DEADLINE_MS_MAX), Some(DEADLINE_MS_MAX))
            );
        }
    }

    #[test]
    fn packed_flags_do_not_swallow_their_neighbours() {
        for flags in [flags::PACKED_BASE - 1, flags::PACKED_BASE, flags::PACKED_BASE + 15, flags::PACKED_BASE + 16] {
            round_trip(b"k", b"v", None, flags);
        }
    }

    #[test]
    fn holes_and_fillers_tell_their_size() {
        let mut block = [0u8; 16];
        write_hole(&mut block, 4, 1, 2);
        assert_eq!((Block::read(&block), hole_links(&block)), (Block::Hole(4), (1, 2)));
        write_filler(&mut block, 2);
        assert_eq!(Block::read(&block), Block::Filler(2));
    }
}
