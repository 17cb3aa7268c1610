//! The numbers that placement is made of. They are the same on every machine, in every version and in every language.
//!
//! **XXH3, 64 bits, seed 0** (<https://github.com/Cyan4973/xxHash>): its output is fixed by a published specification, and
//! libraries for every language compute it, so a program that is not ours can find out where a key lies. The keyed hash
//! of `scrubjay_base::hash` is not used here: it is free to change with its library, and a secret that all clients share
//! is none. Nobody is kept from choosing keys that fall on one node, as nobody is with slots.
//!
//! XXH3's own seed is not used for the virtual node's number: for inputs of three bytes it only shifts the value that is
//! mixed, and `ab1` and `ab2` would get the same points.

use xxhash_rust::xxh3::xxh3_64;

/// Where `key` lies on a ring: XXH3-64 of its bytes.
#[inline]
pub fn of_key(key: &[u8]) -> u64 {
    xxh3_64(key)
}

/// Where virtual node `index` of node `id` lies on a ring: XXH3-64 of the text `id#index`.
pub fn of_virtual_node(id: &str, index: u32) -> u64 {
    xxh3_64(format!("{id}#{index}").as_bytes())
}

/// Mixes 64 bits so that each bit of the result depends on all of `x`; a bijection. The finisher of SplitMix64
/// (Stafford's variant 13).
#[inline]
pub fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// The natural logarithm of `x`, a normal number above 0, within 2 units in the last place.
///
/// `f64::ln` is the C library's, whose last bit differs between libraries. This one uses additions, multiplications and
/// divisions alone, which IEEE 754 fixes to the bit.
pub fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7FF) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & 0x000F_FFFF_FFFF_FFFF) | 0x3FF0_0000_0000_0000);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    // ln m = 2 artanh((m-1)/(m+1)); |z| <= 0.172, so the term after z^21 is below 2^-58 of the sum.
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let square = z * z;
    let series = RECIPROCALS.iter().rev().fold(0.0, |sum, reciprocal| sum * square + reciprocal);
    2.0 * z * series + exponent as f64 * std::f64::consts::LN_2
}

/// 1, 1/3, 1/5, ... 1/21: the coefficients of artanh(z) / z in powers of z^2.
const RECIPROCALS: [f64; 11] = {
    let mut all = [0.0; 11];
    let mut at = 0;
    while at < all.len() {
        all[at] = 1.0 / (2 * at + 1) as f64;
        at += 1;
    }
    all
};

#[cfg(test)]
mod tests {
    use super::*;
    use scrubjay_base::rand::Rng;

    #[test]
    fn hashes_are_those_of_the_published_specification() {
        // Printed by the reference implementation (xxhsum -H3).
        assert_eq!(of_key(b""), 0x2D06_8005_38D3_94C2);
        assert_eq!(of_virtual_node("a", 0), of_key(b"a#0"));
    }

    #[test]
    fn virtual_nodes_of_similar_names_lie_apart() {
        let names = ["ab1", "ab2", "ab3", "a", "b", "node-1", "node-2", "node-10"];
        let mut points: Vec<u64> =
            names.iter().flat_map(|name| (0..1000).map(|index| of_virtual_node(name, index))).collect();
        points.sort_unstable();
        points.dedup();
        assert_eq!(points.len(), names.len() * 1000);
    }

    #[test]
    fn logarithm_agrees_with_the_libraries_to_the_last_digits() {
        let mut rng = Rng::new(1);
        for _ in 0..100_000 {
            let x = rng.unit().max(f64::EPSILON) * 10f64.powi(rng.below(40) as i32 - 20);
            assert!((ln(x) - x.ln()).abs() <= x.ln().abs() * 1e-15 + 1e-16, "{x}: {} {}", ln(x), x.ln());
        }
        assert_eq!(ln(1.0), 0.0);
    }
}
