//! An entry as a guard shows it, and a value on its way in.

use super::parts::Policies;
use crate::Deadline;
use crate::compress::{self, Compressed, Incoming, SharedBytes};
use crate::entry::{self, GRANULE, Layout};
use crate::large::{Body, Large, Thing};
use crate::table::Bucket;
use crate::value::hash::Hash;
use crate::value::set::Set;
use crate::value::{Collection, Kind};
use scrubjay_base::clock::UnixMs;
use std::borrow::Cow;

/// The key of the entry in `block`.
#[inline(always)]
pub fn key_of<'a>(block: &'a [u8], layout: Layout, large: &'a Large) -> &'a [u8] {
    if layout.is_large()
        && let Some(key) = &large.get(layout.index(block)).key
    {
        return key;
    }
    &block[layout.key()]
}

/// A value on its way in.
pub struct New<'a> {
    /// The bytes of a string, or of a small collection; none where `body` alone says them.
    pub bytes: &'a [u8],
    /// A collection to keep apart; or the form in which a string is kept: compressed, or shared already so that it needs no
    /// copy.
    pub body: Option<Body>,
    /// Its kind.
    pub kind: Kind,
    /// Whether the tags of what it replaces stay.
    pub keeps_tags: bool,
    /// Whether the limit may be overdrawn: the write was promised, or takes no more than it frees.
    pub overdraw: bool,
}

impl<'a> New<'a> {
    /// Plain bytes, under the limit.
    #[inline(always)]
    pub fn of(bytes: &'a [u8]) -> New<'a> {
        New { bytes, body: None, kind: Kind::String, overdraw: false, keeps_tags: false }
    }

    /// A string, compressed if that was worth it.
    #[inline(always)]
    pub fn string(incoming: Incoming<'a>, overdraw: bool) -> New<'a> {
        New { body: incoming.compressed.map(Body::Compressed), overdraw, ..New::of(incoming.bytes) }
    }
}

// What compressed values need takes no `&Entry`: a reference that leaves the reader's code makes it keep the entry in
// memory, which costs a GET 6 ns.

/// What is kept of a compressed value.
fn stored<'g>(large: Option<&'g Thing>, inline: &'g [u8]) -> &'g [u8] {
    match large.map(|thing| &thing.body) {
        Some(Body::Compressed(compressed)) => compressed.stored(),
        _ => inline,
    }
}

#[cold]
fn decompressed(large: Option<&Thing>, inline: &[u8]) -> Vec<u8> {
    compress::plain(stored(large, inline))
}

#[cold]
fn compressed(large: Option<&Thing>, inline: &[u8]) -> Compressed {
    match large.map(|thing| &thing.body) {
        Some(Body::Compressed(compressed)) => compressed.clone(),
        _ => Compressed::inline(inline),
    }
}

/// An entry as it is seen under a guard.
pub struct Entry<'g> {
    pub(super) block: &'g [u8],
    pub(super) layout: Layout,
    pub(super) large: Option<&'g Thing>,
    pub(super) policies: &'g Policies,
    pub(super) now_ms: UnixMs,
}

impl<'g> Entry<'g> {
    /// What kind the value is of.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.layout.kind()
    }

    /// Whether it is a string.
    #[inline]
    pub fn is_string(&self) -> bool {
        self.layout.is_string()
    }

    /// The whole value of a string: borrowed, unless it is kept compressed, which takes its time to decompress: where the
    /// slot's lock can be given up first, [`Entry::shared`] has it decompressed afterwards. Of a collection, nothing that
    /// means anything.
    #[inline]
    pub fn value(&self) -> Cow<'g, [u8]> {
        if self.layout.is_compressed() {
            return Cow::Owned(decompressed(self.large, self.inline()));
        }
        Cow::Borrowed(match self.large {
            Some(thing) => thing.body.bytes(),
            None => &self.block[self.layout.value()],
        })
    }

    /// The value of a string that lies in its entry as it was written: nearly every one, found by one comparison. `None`: it
    /// is apart or compressed, and [`Entry::shared`] has it.
    #[inline(always)]
    pub fn plain(&self) -> Option<&'g [u8]> {
        if self.layout.is_plain() { Some(&self.block[self.layout.value()]) } else { None }
    }

    /// How many bytes [`Entry::value`] has, without looking at them.
    #[inline]
    pub fn value_bytes(&self) -> usize {
        match self.large {
            _ if self.layout.is_compressed() => compress::plain_bytes(stored(self.large, self.inline())),
            Some(thing) => thing.body.bytes().len(),
            None => self.layout.value().len(),
        }
    }

    /// Whether the value is kept compressed.
    #[inline]
    pub fn is_compressed(&self) -> bool {
        self.layout.is_compressed()
    }

    /// What lies in the block where the value would.
    #[inline(always)]
    fn inline(&self) -> &'g [u8] {
        &self.block[self.layout.value()]
    }

    /// The collection, if it is of this kind.
    #[inline]
    pub fn view<C: Collection>(&self) -> Option<C::View<'g>> {
        if self.layout.kind() != C::KIND {
            return None;
        }
        match self.large {
            Some(thing) => C::of(&thing.body).map(C::view),
            None => Some(C::view_inline(&self.block[self.layout.value()])),
        }
    }

    /// A copy of the value, whatever its kind; cheap for large strings.
    pub fn body(&self) -> Body {
        match self.large {
            Some(thing) => thing.body.clone(),
            None if self.layout.is_compressed() => Body::Compressed(compressed(None, self.inline())),
            None => Body::from_inline(self.layout.kind(), &self.block[self.layout.value()]),
        }
    }

    /// All of the value in the form in which it travels, appended to `out`.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match self.large {
            None if !self.layout.is_string() => self.body().write_to(out),
            Some(thing) => thing.body.write_to(out),
            None if self.layout.is_compressed() => compress::append_plain(self.inline(), out),
            None => out.extend_from_slice(&self.value()),
        }
    }

    /// A string as a cheap handle, if it is stored apart (large values) or compressed; `None` for small plain ones, which
    /// are copied.
    #[inline]
    pub fn shared(&self) -> Option<SharedBytes> {
        match self.large.map(|thing| &thing.body) {
            Some(Body::Bytes(bytes)) => Some(SharedBytes::plain(bytes.clone())),
            _ if self.layout.is_compressed() => Some(SharedBytes::compressed(compressed(self.large, self.inline()))),
            _ => None,
        }
    }

    /// When it expires; `None`: never.
    #[inline]
    pub fn deadline_ms(&self) -> Option<UnixMs> {
        self.layout.deadline_ms(self.block)
    }

    /// The time at which it is seen.
    #[inline]
    pub fn now_ms(&self) -> UnixMs {
        self.now_ms
    }

    /// Until when it is kept beyond its deadline, if it is.
    pub fn stale_until_ms(&self) -> Option<UnixMs> {
        self.layout.stale_until_ms(self.block)
    }

    /// Whether its deadline has passed, and it is kept for those who take it stale.
    pub fn is_stale(&self) -> bool {
        self.deadline_ms().is_some_and(|at| at <= self.now_ms)
    }

    /// Whether it is a collection all of whose members have expired. Cost: O(1) while none has or the newest have not;
    /// else O(members), in the tenth of a second until they are removed.
    #[inline]
    pub(super) fn members_are_over(&self) -> bool {
        match self.layout.kind() {
            Kind::Hash => self.view::<Hash>().is_some_and(|hash| hash.is_over(self.now_ms)),
            Kind::Set => self.view::<Set>().is_some_and(|set| set.is_over(self.now_ms)),
            Kind::String | Kind::List | Kind::SortedSet => false,
        }
    }

    /// Whether nobody is to see it any more but who takes what is stale.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.is_stale() || self.members_are_over()
    }

    /// Its deadline, as it is given to a copy.
    pub fn deadline(&self) -> Deadline {
        match (self.deadline_ms(), self.stale_until_ms()) {
            (None, _) => Deadline::Never,
            (Some(at), None) => Deadline::At(at),
            (Some(at), Some(until)) => Deadline::Stale { at, until },
        }
    }

    /// The flags.
    #[inline]
    pub fn flags(&self) -> u32 {
        self.layout.flags(self.block)
    }

    /// The slot sequence of its last change: CAS, ETag.
    #[inline]
    pub fn version(&self) -> u64 {
        self.layout.sequence()
    }

    /// Milliseconds since the last access, if the policy tracks it (`lru`, `noeviction`).
    pub fn idle_ms(&self) -> Option<u64> {
        self.policies.of(self.layout.ns()).idle_ms(entry::rank(self.block), self.now_ms)
    }

    /// How often it is used, if the policy tracks it: 0 to 255, logarithmic, for `lfu`; 0 to 15 for `s3fifo`.
    pub fn frequency(&self) -> Option<u8> {
        self.policies.of(self.layout.ns()).frequency(entry::rank(self.block), self.now_ms)
    }

    /// Bytes of the value: a string's length; what is kept of a collection.
    pub fn payload_bytes(&self) -> usize {
        match self.large {
            _ if self.is_string() => self.value_bytes(),
            Some(thing) => thing.body.payload_bytes(),
            None => self.layout.value().len(),
        }
    }

    /// Bytes that the entry takes: header, rounding, large value and its share of the table included.
    pub fn memory_bytes(&self) -> usize {
        let large = self.large.map_or(0, |thing| thing.charged_bytes as usize);
        self.layout.granules() as usize * GRANULE + large + size_of::<Bucket>() / 8
    }
}
