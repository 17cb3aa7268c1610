//! Key -> slot: CRC16/XMODEM of the key modulo 16384, with `{hash tags}`.
//!
//! The slot is the unit of ordering, flushing, snapshots, replication and migration. The function is the one of Redis
//! Cluster (<https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>), so its clients compute the
//! same slot as we do and can go straight to the right node.
//!
//! Cost: eight bytes a step through eight 256-entry tables (4 KiB, stays in L1). One byte a step is a chain of
//! dependent loads and would cost a 16-byte key more than its whole table look-up.

/// How many slots there are. Fixed by the Redis Cluster protocol.
pub const SLOTS: usize = 16384;

/// A slot number, `0..SLOTS`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SlotId(u16);

impl SlotId {
    /// The slot with this number; `None` from 16384 on.
    pub const fn new(number: u16) -> Option<SlotId> {
        if (number as usize) < SLOTS { Some(SlotId(number)) } else { None }
    }

    /// The slot that `key` belongs to: of the part between the first `{` and the next `}` when that part is not empty,
    /// of the whole key otherwise.
    #[inline]
    pub fn of(key: &[u8]) -> SlotId {
        SlotId(crc16(hash_tag(key)) & (SLOTS as u16 - 1))
    }

    /// The slot's number as an index.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The part of `key` that decides its slot.
#[inline]
pub fn hash_tag(key: &[u8]) -> &[u8] {
    // Nearly every key has no brace, which eight bytes at a time settles.
    if !has_brace(key) {
        return key;
    }
    let Some(open) = key.iter().position(|&b| b == b'{') else { return key };
    let rest = &key[open + 1..];
    match rest.iter().position(|&b| b == b'}') {
        Some(length) if length > 0 => &rest[..length],
        _ => key,
    }
}

/// Whether there is a `{` in `key`.
#[inline]
fn has_brace(key: &[u8]) -> bool {
    let (words, rest) = key.as_chunks::<8>();
    words.iter().any(|word| has_zero(u64::from_ne_bytes(*word) ^ u64::from_ne_bytes([b'{'; 8]))) || rest.contains(&b'{')
}

/// Whether one of the eight bytes is zero: only then is there one that borrows from its own high bit when 1 is taken from
/// each (Warren, "Hacker's Delight", 6-1).
#[inline]
fn has_zero(word: u64) -> bool {
    word.wrapping_sub(u64::from_ne_bytes([1; 8])) & !word & u64::from_ne_bytes([0x80; 8]) != 0
}

/// CRC16/XMODEM: polynomial 0x1021, no reflection, initial value 0.
#[inline]
pub fn crc16(bytes: &[u8]) -> u16 {
    let mut crc = 0u16;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let c: [u8; 8] = [
            chunk[0] ^ (crc >> 8) as u8,
            chunk[1] ^ crc as u8,
            chunk[2],
            chunk[3],
            chunk[4],
            chunk[5],
            chunk[6],
            chunk[7],
        ];
        crc = TABLES[7][c[0] as usize]
            ^ TABLES[6][c[1] as usize]
            ^ TABLES[5][c[2] as usize]
            ^ TABLES[4][c[3] as usize]
            ^ TABLES[3][c[4] as usize]
            ^ TABLES[2][c[5] as usize]
            ^ TABLES[1][c[6] as usize]
            ^ TABLES[0][c[7] as usize];
    }
    for &byte in chunks.remainder() {
        crc = (crc << 8) ^ TABLES[0][((crc >> 8) as u8 ^ byte) as usize];
    }
    crc
}

/// `TABLES[n][b]`: what byte `b`, followed by `n` zero bytes, contributes.
static TABLES: [[u16; 256]; 8] = tables();

const fn tables() -> [[u16; 256]; 8] {
    let mut tables = [[0u16; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 != 0 { (crc << 1) ^ 0x1021 } else { crc << 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut n = 1;
    while n < 8 {
        let mut byte = 0;
        while byte < 256 {
            let previous = tables[n - 1][byte];
            tables[n][byte] = (previous << 8) ^ tables[0][(previous >> 8) as usize];
            byte += 1;
        }
        n += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bit_by_bit(bytes: &[u8]) -> u16 {
        bytes.iter().fold(0u16, |crc, &byte| {
            (0..8).fold(
                crc ^ (u16::from(byte) << 8),
                |crc, _| {
                    if crc & 0x8000 != 0 { (crc << 1) ^ 0x1021 } else { crc << 1 }
                },
            )
        })
    }

    #[test]
    fn crc16_has_the_check_value_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
    }

    #[test]
    fn crc16_eight_at_a_time_equals_bit_by_bit_for_every_length() {
        let mut rng = crate::rand::Rng::new(7);
        for length in 0..200 {
            let bytes: Vec<u8> = (0..length).map(|_| rng.next_u64() as u8).collect();
            assert_eq!(crc16(&bytes), bit_by_bit(&bytes), "length {length}");
        }
    }

    #[test]
    fn slot_of_known_keys_is_what_redis_cluster_says() {
        for (key, slot) in [("foo", 12182), ("123456789", 12739), ("{user1000}.following", 3443), ("", 0)] {
            assert_eq!(SlotId::of(key.as_bytes()).index(), slot, "{key}");
        }
    }

    #[test]
    fn hash_tag_is_the_first_non_empty_pair_of_braces() {
        for (key, tag) in
            [("{a}b", "a"), ("x{a}b{c}", "a"), ("{}b", "{}b"), ("foo{{bar}}zap", "{bar"), ("{a", "{a"), ("a}", "a}")]
        {
            assert_eq!(hash_tag(key.as_bytes()), tag.as_bytes(), "{key}");
        }
    }
}
