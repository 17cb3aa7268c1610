//! The `Date` header: the form that RFC 9110 section 5.6.7 prescribes, made once a second.

/// `Sun, 06 Nov 1994 08:49:37 GMT`, with the second it stands for.
#[derive(Clone, Debug)]
pub struct HttpDate {
    second: u64,
    text: [u8; 29],
}

impl Default for HttpDate {
    fn default() -> HttpDate {
        HttpDate { second: 0, text: *b"Thu, 01 Jan 1970 00:00:00 GMT" }
    }
}

impl HttpDate {
    /// The text for this moment. Costs a comparison while the second is the same.
    #[inline]
    pub fn at(&mut self, now_ms: u64) -> &[u8; 29] {
        let second = now_ms / 1000;
        if second != self.second {
            self.second = second;
            self.text = format(second);
        }
        &self.text
    }
}

#[cold]
fn format(second: u64) -> [u8; 29] {
    const DAYS: &[u8; 21] = b"ThuFriSatSunMonTueWed";
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let day = second / 86_400;
    let (year, month, day_of_month) = civil(day);
    let mut text = *b"ddd, 00 mmm 0000 00:00:00 GMT";
    let weekday = day as usize % 7 * 3;
    text[..3].copy_from_slice(&DAYS[weekday..weekday + 3]);
    text[8..11].copy_from_slice(&MONTHS[(month - 1) * 3..month * 3]);
    let mut two = |at: usize, value: u64| {
        text[at] = b'0' + (value / 10 % 10) as u8;
        text[at + 1] = b'0' + (value % 10) as u8;
    };
    two(5, day_of_month);
    two(12, year / 100);
    two(14, year % 100);
    two(17, second / 3600 % 24);
    two(20, second / 60 % 60);
    two(23, second % 60);
    text
}

/// Year, month and day of month of a day since 1970. Counts years from March, so that the leap day is the last one and
/// months have lengths of a regular pattern (the usual derivation of days from a civil date, read backwards).
fn civil(day: u64) -> (u64, usize, u64) {
    const ERA_DAYS: u64 = 146_097; // 400 years
    let shifted = day + 719_468; // days since 1 March of the year 0
    let era = shifted / ERA_DAYS;
    let day_of_era = shifted % ERA_DAYS;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month as usize, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_have_their_known_text() {
        let mut date = HttpDate::default();
        for (second, text) in [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (1_767_225_599, "Wed, 31 Dec 2025 23:59:59 GMT"),
        ] {
            assert_eq!(std::str::from_utf8(date.at(second * 1000)), Ok(text));
        }
    }
}
