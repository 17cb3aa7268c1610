//! The operating system's memory: mapped, aligned, as huge pages where the system has them, and given back.
//!
//! Random access to hundreds of megabytes in 4 KiB pages spends more time walking page tables than reading entries: a
//! look-up alone takes 284 ns instead of 220 (`docs/decisions/0002`). The general allocator's aligned zeroed memory would
//! be touched, and so resident, at once.

use std::ptr::NonNull;

/// Bytes of a chunk, and what every mapping is aligned to: a huge page.
pub const CHUNK_BYTES: usize = 2 << 20;
/// Mappings are multiples of this.
pub const PAGE_BYTES: usize = 4 << 10;

/// Maps `bytes` (a multiple of [`PAGE_BYTES`]) of untouched zero pages, aligned to [`CHUNK_BYTES`]. `huge`: the system is
/// asked for huge pages, so that the first touch makes all of one resident. `None` if it has no memory.
#[cfg(not(miri))]
pub fn map(bytes: usize, huge: bool) -> Option<NonNull<u8>> {
    use libc::{MADV_HUGEPAGE, MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_READ, PROT_WRITE, madvise, mmap, munmap};
    debug_assert!(bytes > 0 && bytes.is_multiple_of(PAGE_BYTES));
    let (access, kind) = (PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    // Enough to keep an aligned part; the rest goes back.
    // SAFETY: a fresh anonymous mapping at an address of the kernel's choice.
    let raw = unsafe { mmap(std::ptr::null_mut(), bytes + CHUNK_BYTES, access, kind, -1, 0) };
    if raw == MAP_FAILED {
        return None;
    }
    let before = raw.cast::<u8>().align_offset(CHUNK_BYTES);
    // SAFETY: `before < CHUNK_BYTES`, so the kept part and the two trimmed ranges lie inside the mapping, which nothing
    // else knows yet. Advice that fails changes nothing but speed.
    unsafe {
        let start = raw.cast::<u8>().add(before);
        if before > 0 {
            munmap(raw, before);
        }
        munmap(start.add(bytes).cast(), CHUNK_BYTES - before);
        if huge {
            madvise(start.cast(), bytes, MADV_HUGEPAGE);
        }
        NonNull::new(start)
    }
}

/// Gives a whole mapping back.
///
/// # Safety
/// `start` and `bytes` are those of one call of [`map`], which nothing points into any more.
#[cfg(not(miri))]
pub unsafe fn unmap(start: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
}

/// Gives the pages of a part of a mapping back; read again, they are zero.
///
/// # Safety
/// The range lies in one mapping of [`map`], begins and ends at pages, and belongs to the caller alone.
#[cfg(not(miri))]
pub unsafe fn discard(start: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller's promise. If it fails the pages stay, which is no error.
    unsafe { libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_DONTNEED) };
}

#[cfg(miri)]
pub fn map(bytes: usize, _huge: bool) -> Option<NonNull<u8>> {
    // SAFETY: the layout's size is not zero.
    NonNull::new(unsafe { std::alloc::alloc_zeroed(layout(bytes)) })
}

#[cfg(miri)]
#[allow(clippy::missing_safety_doc)]
pub unsafe fn unmap(start: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller passes what `map` returned, once.
    unsafe { std::alloc::dealloc(start.as_ptr(), layout(bytes)) };
}

#[cfg(miri)]
#[allow(clippy::missing_safety_doc)]
pub unsafe fn discard(start: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { start.write_bytes(0, bytes) };
}

#[cfg(miri)]
fn layout(bytes: usize) -> std::alloc::Layout {
    std::alloc::Layout::from_size_align(bytes, CHUNK_BYTES).expect("a power of two")
}
