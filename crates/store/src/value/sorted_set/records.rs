//! The members themselves: records of equal size side by side, without gaps.
//!
//! ```text
//!   record   | score, 8 | length | member ... | 0-3 |          handle: page number, place in the page
//!            | score, 8 |  255   | index, 4   | 3 |            a member of more than 254 bytes lives apart
//!
//!   class 12  [page]->[page]->[page half full]
//!   class 16  [page half full]                                 pages of 4 KiB; a class for every 4 bytes
//!   ...
//! ```
//!
//! When a record goes, the last one of its size takes its place, and whoever holds handles is told. So there are no holes,
//! nothing to collect, one allocation for a hundred members instead of one each, and a copy or the end of a million members
//! is some thousand pages. Against an allocation each: 8 bytes a member less, and one cache miss less on each look-up.

use crate::heap::Handle;
use crate::large::allocated_bytes;

/// Bytes of a full page.
const PAGE_BYTES: usize = 4096;
/// A record's size is a multiple of this.
const GRANULE: usize = 4;
const SCORE_BYTES: usize = 8;
const HEAD_BYTES: usize = SCORE_BYTES + 1;
/// Longest member that stays in its record.
const HERE_BYTES_MAX: usize = 254;
/// The length that says that the member lives apart.
const APART: u8 = u8::MAX;
const INDEX_BYTES: usize = 4;
/// The smallest record, of class 0, in granules.
const GRANULES_MIN: usize = HEAD_BYTES.div_ceil(GRANULE);
/// The largest record.
const RECORD_BYTES_MAX: usize = (HEAD_BYTES + HERE_BYTES_MAX).next_multiple_of(GRANULE);
/// Bits of a handle that say where in its page a record is: the smallest ones are 341 to a page. The other 23 number the
/// pages: 32 GiB of records.
const PLACE_BITS: u32 = 9;
/// No page.
const NONE: u32 = u32::MAX;

struct Page {
    bytes: Vec<u8>,
    class: u32,
    /// The page of the same class before this one; for a page that is not used, another such.
    previous: u32,
}

/// The records of a sorted set.
pub struct Records {
    pages: Vec<Page>,
    /// Of each class the page that is not full.
    last: Vec<u32>,
    /// A page that is not used; others follow.
    unused: u32,
    /// Members that live apart, and which of the places are free.
    apart: Vec<Option<Box<[u8]>>>,
    apart_free: Vec<u32>,
    /// Bytes of pages and of members apart.
    held_bytes: usize,
}

impl Clone for Records {
    fn clone(&self) -> Records {
        let mut copy = Records { pages: Vec::with_capacity(self.pages.len()), ..Records::new() };
        for page in &self.pages {
            let mut bytes = Vec::new();
            bytes.reserve_exact(page.bytes.capacity());
            bytes.extend_from_slice(&page.bytes);
            copy.held_bytes += allocated_bytes(bytes.capacity());
            copy.pages.push(Page { bytes, ..*page });
        }
        copy.held_bytes += self.apart.iter().flatten().map(|member| allocated_bytes(member.len())).sum::<usize>();
        (copy.last, copy.unused) = (self.last.clone(), self.unused);
        (copy.apart, copy.apart_free) = (self.apart.clone(), self.apart_free.clone());
        copy
    }
}

const fn class_of(record_bytes: usize) -> usize {
    record_bytes.div_ceil(GRANULE) - GRANULES_MIN
}

const fn size_of_class(class: usize) -> usize {
    (class + GRANULES_MIN) * GRANULE
}

fn handle_of(page: u32, place: usize) -> Handle {
    Handle(page << PLACE_BITS | place as u32)
}

impl Records {
    /// None.
    pub fn new() -> Records {
        Records {
            pages: Vec::new(),
            last: Vec::new(),
            unused: NONE,
            apart: Vec::new(),
            apart_free: Vec::new(),
            held_bytes: 0,
        }
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.held_bytes
            + allocated_bytes(self.pages.capacity() * size_of::<Page>())
            + allocated_bytes(self.last.capacity() * size_of::<u32>())
            + allocated_bytes(self.apart.capacity() * size_of::<Option<Box<[u8]>>>())
            + allocated_bytes(self.apart_free.capacity() * size_of::<u32>())
    }

    #[inline]
    fn record(&self, handle: Handle) -> &[u8] {
        let page = &self.pages[(handle.0 >> PLACE_BITS) as usize];
        let size = size_of_class(page.class as usize);
        &page.bytes[(handle.0 as usize & ((1 << PLACE_BITS) - 1)) * size..][..size]
    }

    fn record_mut(&mut self, handle: Handle) -> &mut [u8] {
        let page = &mut self.pages[(handle.0 >> PLACE_BITS) as usize];
        let size = size_of_class(page.class as usize);
        &mut page.bytes[(handle.0 as usize & ((1 << PLACE_BITS) - 1)) * size..][..size]
    }

    /// The member.
    #[inline]
    pub fn member(&self, handle: Handle) -> &[u8] {
        let record = self.record(handle);
        match record[SCORE_BYTES] {
            APART => self.apart[index_in(record)].as_deref().unwrap_or_default(),
            length => &record[HEAD_BYTES..][..usize::from(length)],
        }
    }

    /// Its score.
    #[inline]
    pub fn score(&self, handle: Handle) -> f64 {
        self.record(handle).first_chunk().map_or(0.0, |bytes| f64::from_le_bytes(*bytes))
    }

    /// Writes over its score.
    pub fn set_score(&mut self, handle: Handle, score: f64) {
        self.record_mut(handle)[..SCORE_BYTES].copy_from_slice(&score.to_le_bytes());
    }

    /// Keeps a member.
    pub fn add(&mut self, score: f64, member: &[u8]) -> Handle {
        let is_here = member.len() <= HERE_BYTES_MAX;
        let record_bytes = HEAD_BYTES + if is_here { member.len() } else { INDEX_BYTES };
        let class = class_of(record_bytes);
        let (number, size) = (self.page_with_room(class), size_of_class(class));
        let index = (!is_here).then(|| self.keep_apart(member));
        let page = &mut self.pages[number as usize];
        let start = page.bytes.len();
        page.bytes.extend_from_slice(&score.to_le_bytes());
        match index {
            Some(index) => {
                page.bytes.push(APART);
                page.bytes.extend_from_slice(&index.to_le_bytes());
            }
            None => {
                page.bytes.push(member.len() as u8);
                page.bytes.extend_from_slice(member);
            }
        }
        page.bytes.resize(start + size, 0);
        handle_of(number, start / size)
    }

    /// The record that [`Records::remove`] of `handle` would move into its place; may be the same.
    pub fn last_like(&self, handle: Handle) -> Handle {
        let class = self.pages[(handle.0 >> PLACE_BITS) as usize].class as usize;
        let last = self.last[class];
        handle_of(last, self.pages[last as usize].bytes.len() / size_of_class(class) - 1)
    }

    /// Gives up a record, and moves [`Records::last_like`] into its place.
    pub fn remove(&mut self, handle: Handle) {
        let record = self.record(handle);
        if record[SCORE_BYTES] == APART {
            let index = index_in(record);
            self.drop_apart(index);
        }
        let from = self.last_like(handle);
        let number = from.0 >> PLACE_BITS;
        if from != handle {
            let mut copy = [0; RECORD_BYTES_MAX];
            let moved = self.record(from);
            let size = moved.len();
            copy[..size].copy_from_slice(moved);
            self.record_mut(handle).copy_from_slice(&copy[..size]);
        }
        let page = &mut self.pages[number as usize];
        let class = page.class as usize;
        page.bytes.truncate(page.bytes.len() - size_of_class(class));
        if page.bytes.is_empty() {
            self.held_bytes -= allocated_bytes(page.bytes.capacity());
            page.bytes = Vec::new();
            self.last[class] = std::mem::replace(&mut page.previous, self.unused);
            self.unused = number;
        }
    }

    /// The page of `class` with room for one more record.
    fn page_with_room(&mut self, class: usize) -> u32 {
        if self.last.len() <= class {
            self.last.resize(class + 1, NONE);
        }
        let (size, last) = (size_of_class(class), self.last[class]);
        let full = PAGE_BYTES / size * size;
        let number = match self.pages.get(last as usize) {
            Some(page) if page.bytes.len() < full => last,
            _ => self.new_page(class, last),
        };
        let page = &mut self.pages[number as usize];
        let (len, capacity) = (page.bytes.len(), page.bytes.capacity());
        if capacity - len < size {
            // A page that follows a full one will be full too; the first of its class may well stay small.
            let more = if page.previous == NONE { (len / 2).max(4 * size).min(full - len) } else { full - len };
            page.bytes.reserve_exact(more);
            self.held_bytes += allocated_bytes(page.bytes.capacity()) - allocated_bytes(capacity);
        }
        number
    }

    fn new_page(&mut self, class: usize, previous: u32) -> u32 {
        let fresh = Page { bytes: Vec::new(), class: class as u32, previous };
        let number = match self.pages.get_mut(self.unused as usize) {
            Some(page) => {
                let number = self.unused;
                self.unused = page.previous;
                *page = fresh;
                number
            }
            None => {
                assert!(self.pages.len() < 1 << (u32::BITS - PLACE_BITS), "32 GiB of records in one sorted set");
                self.pages.push(fresh);
                self.pages.len() as u32 - 1
            }
        };
        self.last[class] = number;
        number
    }

    fn keep_apart(&mut self, member: &[u8]) -> u32 {
        self.held_bytes += allocated_bytes(member.len());
        match self.apart_free.pop() {
            Some(index) => {
                self.apart[index as usize] = Some(member.into());
                index
            }
            None => {
                self.apart.push(Some(member.into()));
                self.apart.len() as u32 - 1
            }
        }
    }

    fn drop_apart(&mut self, index: usize) {
        if let Some(member) = self.apart[index].take() {
            self.held_bytes -= allocated_bytes(member.len());
            self.apart_free.push(index as u32);
        }
        if self.apart_free.len() == self.apart.len() {
            (self.apart, self.apart_free) = (Vec::new(), Vec::new());
        }
    }
}

/// Where a member that lives apart is, from its record.
fn index_in(record: &[u8]) -> usize {
    record[HEAD_BYTES..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
}

#[cfg(test)]
impl Records {
    /// Panics where the books are wrong.
    pub fn check(&self) {
        let pages: usize = self.pages.iter().map(|page| allocated_bytes(page.bytes.capacity())).sum();
        let apart: usize = self.apart.iter().flatten().map(|member| allocated_bytes(member.len())).sum();
        assert_eq!(self.held_bytes, pages + apart);
        for (class, &last) in self.last.iter().enumerate() {
            let full = PAGE_BYTES / size_of_class(class) * size_of_class(class);
            let mut page = self.pages.get(last as usize);
            let mut is_last = true;
            while let Some(Page { bytes, class: its, previous }) = page {
                assert!(*its as usize == class && !bytes.is_empty());
                assert!(is_last || bytes.len() == full, "only the last page of a class has room");
                is_last = false;
                page = self.pages.get(*previous as usize);
            }
        }
    }
}
