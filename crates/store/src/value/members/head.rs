//! The first bytes of a small hash or set: what it is and how many.
//!
//! ```text
//!   | form, 4 bits; count, 28 bits | first deadline, 6 bytes or none | run or integers |
//! ```

use scrubjay_base::clock::UnixMs;

/// Bytes of form and count.
pub(super) const HEAD_BYTES: usize = 4;
/// Bytes of the first deadline.
const DEADLINE_BYTES: usize = 6;
/// Most members of a small one, whatever the bounds say.
pub(super) const COUNT_MAX: usize = (1 << 28) - 1;

/// What stands behind the head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Form {
    /// A run of items.
    Run = 0,
    /// A run in which moments follow what expires, and before it the first of them.
    Volatile = 1,
    /// Sorted integers of two bytes.
    Ints2 = 2,
    /// Of four bytes.
    Ints4 = 3,
    /// Of eight bytes.
    Ints8 = 4,
}

impl Form {
    #[inline]
    fn of(number: u32) -> Form {
        match number {
            1 => Form::Volatile,
            2 => Form::Ints2,
            3 => Form::Ints4,
            4 => Form::Ints8,
            _ => Form::Run,
        }
    }

    /// Bytes of an integer; `None`: it is a run.
    #[inline]
    pub(super) fn int_bytes(self) -> Option<usize> {
        match self {
            Form::Run | Form::Volatile => None,
            Form::Ints2 => Some(2),
            Form::Ints4 => Some(4),
            Form::Ints8 => Some(8),
        }
    }
}

#[inline]
fn word(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |word| u32::from_le_bytes(*word))
}

#[inline]
pub(super) fn form(bytes: &[u8]) -> Form {
    Form::of(word(bytes) & 15)
}

#[inline]
pub(super) fn count(bytes: &[u8]) -> usize {
    (word(bytes) >> 4) as usize
}

/// A head for `count` members of this form, without its first deadline.
pub(super) fn head(form: Form, count: usize) -> [u8; HEAD_BYTES] {
    (form as u32 | (count as u32) << 4).to_le_bytes()
}

pub(super) fn set_head(bytes: &mut [u8], form: Form, count: usize) {
    bytes[..HEAD_BYTES].copy_from_slice(&head(form, count));
}

/// Where the first member starts.
#[inline]
pub(super) fn start(bytes: &[u8]) -> usize {
    if form(bytes) == Form::Volatile { HEAD_BYTES + DEADLINE_BYTES } else { HEAD_BYTES }
}

/// When the first member expires.
#[inline]
pub(super) fn first_deadline_ms(bytes: &[u8]) -> Option<UnixMs> {
    if form(bytes) != Form::Volatile {
        return None;
    }
    let mut wide = [0; 8];
    wide[..DEADLINE_BYTES].copy_from_slice(bytes.get(HEAD_BYTES..HEAD_BYTES + DEADLINE_BYTES)?);
    Some(UnixMs::from_le_bytes(wide))
}

/// Notes when the first member expires: the room for it comes and goes.
pub(super) fn set_first_deadline(bytes: &mut Vec<u8>, at_ms: Option<UnixMs>) {
    let count = count(bytes);
    match (form(bytes) == Form::Volatile, at_ms) {
        (false, None) => {}
        (true, None) => {
            bytes.drain(HEAD_BYTES..HEAD_BYTES + DEADLINE_BYTES);
            set_head(bytes, Form::Run, count);
        }
        (is_volatile, Some(at_ms)) => {
            let deadline = &at_ms.to_le_bytes()[..DEADLINE_BYTES];
            let old = if is_volatile { HEAD_BYTES..HEAD_BYTES + DEADLINE_BYTES } else { HEAD_BYTES..HEAD_BYTES };
            bytes.splice(old, deadline.iter().copied());
            set_head(bytes, Form::Volatile, count);
        }
    }
}
