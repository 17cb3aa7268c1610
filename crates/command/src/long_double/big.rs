//! Whole numbers of any length, as little as reading and writing long doubles needs. At most some 17,000 bits occur, so
//! the schoolbook methods are quick enough.

use std::cmp::Ordering;

/// A natural number in 32-bit digits, least first, without leading zeros.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Big(Vec<u32>);

impl Big {
    pub fn from_u64(value: u64) -> Big {
        Big(vec![value as u32, (value >> 32) as u32]).trimmed()
    }

    fn trimmed(mut self) -> Big {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }

    /// `self * factor + summand`.
    pub fn mul_add(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for digit in &mut self.0 {
            carry += u64::from(*digit) * u64::from(factor);
            *digit = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    /// `self * 10^exponent`.
    pub fn mul_power_of_ten(&mut self, exponent: u32) {
        for _ in 0..exponent / 9 {
            self.mul_add(1_000_000_000, 0);
        }
        self.mul_add(10u32.pow(exponent % 9), 0);
    }

    /// `self * 2^bits`.
    pub fn shifted_left(&self, bits: u32) -> Big {
        let (words, bits) = (bits as usize / 32, bits % 32);
        let mut digits = vec![0; words];
        let mut carry = 0u64;
        for &digit in &self.0 {
            carry |= u64::from(digit) << bits;
            digits.push(carry as u32);
            carry >>= 32;
        }
        digits.push(carry as u32);
        Big(digits).trimmed()
    }

    /// How many bits the number has; 0 for zero.
    pub fn bits(&self) -> u32 {
        self.0.last().map_or(0, |top| self.0.len() as u32 * 32 - top.leading_zeros())
    }

    fn compare(&self, other: &Big) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    /// `self -= other`, which is not larger.
    fn subtract(&mut self, other: &Big) {
        let mut borrow = 0i64;
        for (at, digit) in self.0.iter_mut().enumerate() {
            let difference = i64::from(*digit) - i64::from(other.0.get(at).copied().unwrap_or(0)) + borrow;
            *digit = difference as u32;
            borrow = difference >> 32;
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// `self / divisor` and whether something remains. The quotient must fit in 128 bits.
    pub fn divide(mut self, divisor: &Big) -> (u128, bool) {
        let mut quotient = 0;
        for shift in (0..=self.bits().saturating_sub(divisor.bits())).rev() {
            let part = divisor.shifted_left(shift);
            quotient <<= 1;
            if self.compare(&part) != Ordering::Less {
                self.subtract(&part);
                quotient |= 1;
            }
        }
        (quotient, !self.0.is_empty())
    }

    /// The number in decimal digits.
    pub fn into_decimal(mut self) -> String {
        const CHUNK: u64 = 1_000_000_000;
        let mut chunks = Vec::new();
        while !self.0.is_empty() {
            let mut rest = 0u64;
            for digit in self.0.iter_mut().rev() {
                let value = rest << 32 | u64::from(*digit);
                *digit = (value / CHUNK) as u32;
                rest = value % CHUNK;
            }
            chunks.push(rest);
            self = self.trimmed();
        }
        let mut text = chunks.pop().unwrap_or(0).to_string();
        for chunk in chunks.iter().rev() {
            text.push_str(&format!("{chunk:09}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_agrees_with_128_bit_numbers() {
        let mut rng = scrubjay_base::rand::Rng::new(3);
        for _ in 0..1000 {
            let (a, b) = (rng.next_u64() >> rng.below(60), (rng.next_u64() >> rng.below(60)).max(1));
            let shift = rng.below(60) as u32;
            let wide = u128::from(a) << shift;
            let big = Big::from_u64(a).shifted_left(shift);
            assert_eq!(big.clone().into_decimal(), wide.to_string());
            assert_eq!(big.bits(), 128 - wide.leading_zeros());
            assert_eq!(
                big.divide(&Big::from_u64(b)),
                (wide / u128::from(b), !wide.is_multiple_of(u128::from(b))),
                "{wide} / {b}"
            );
        }
    }

    #[test]
    fn powers_of_ten_are_written_as_a_one_and_zeros() {
        let mut big = Big::from_u64(1);
        big.mul_power_of_ten(4931);
        assert_eq!(big.into_decimal(), format!("1{}", "0".repeat(4931)));
    }
}
