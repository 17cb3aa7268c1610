//! CRC-64/XZ (ECMA-182, reflected): the check sum over bytes that leave the process and come back, such as dumped values.
//!
//! Finds every error burst of up to 64 bits and any other damage but one in 2^64. Not against forgery: who can write the
//! bytes can write the sum. Eight bytes a step through eight tables of 256 (16 KiB).

/// The polynomial x^64 + x^62 + ... + 1 of ECMA-182, bits reversed.
const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;

/// The check sum of `bytes`.
pub fn crc64(bytes: &[u8]) -> u64 {
    let mut crc = !0u64;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        let mixed = (crc ^ u64::from_le_bytes(*chunk)).to_le_bytes();
        crc = (0..8).fold(0, |sum, at| sum ^ TABLES[7 - at][mixed[at] as usize]);
    }
    for &byte in rest {
        crc = (crc >> 8) ^ TABLES[0][(crc as u8 ^ byte) as usize];
    }
    !crc
}

/// `TABLES[n][b]`: what byte `b`, followed by `n` zero bytes, contributes.
static TABLES: [[u64; 256]; 8] = tables();

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0u64; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 != 0 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut n = 1;
    while n < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[n - 1][byte];
            tables[n][byte] = (before >> 8) ^ tables[0][(before & 0xFF) as usize];
            byte += 1;
        }
        n += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc64_has_the_check_value_of_the_catalogue() {
        assert_eq!(crc64(b"123456789"), 0x995D_C9BB_DF19_39FA);
        assert_eq!(crc64(b""), 0);
    }

    #[test]
    fn crc64_eight_at_a_time_equals_bit_by_bit_for_every_length() {
        let mut rng = crate::rand::Rng::new(5);
        for length in 0..100 {
            let bytes: Vec<u8> = (0..length).map(|_| rng.next_u64() as u8).collect();
            let slow = bytes.iter().fold(!0u64, |crc, &byte| {
                (0..8)
                    .fold(crc ^ u64::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 })
            });
            assert_eq!(crc64(&bytes), !slow, "length {length}");
        }
    }
}
