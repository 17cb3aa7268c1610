//! The ground floor: what every other crate may lean on and what leans on nothing.
//!
//! - [`slot`]: key -> one of 16384 slots (CRC16, hash tags), as Redis Cluster does.
//! - [`hash`]: the keyed 64-bit hash that places a key inside its slot's table.
//! - [`clock`]: time as a value that is passed in; only `server` and `py` read the real one.
//! - [`crc64`]: the check sum over bytes that leave the process and come back.
//! - [`size`]: "100mb", "4gb", "80%" -> bytes, and back.
//! - [`duration`]: "500ms", "10s", "2h" -> a duration, and back.
//! - [`double`]: floating-point numbers as Redis writes them.
//! - [`glob`]: the `*?[]` patterns of `KEYS`, `SCAN MATCH` and `CONFIG GET`.
//! - [`int`]: decimal integers, to and from bytes.
//! - [`rand`]: a small seeded generator, so that every random choice can be replayed.

pub mod clock;
pub mod crc64;
pub mod double;
pub mod duration;
pub mod glob;
pub mod hash;
pub mod int;
pub mod rand;
pub mod size;
pub mod slot;

pub use hash::KeyHasher;
pub use slot::{SLOTS, SlotId};
