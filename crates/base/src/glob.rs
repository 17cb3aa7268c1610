//! Redis' glob patterns: `*`, `?`, `[abc]`, `[^a-z]`, `\x`. Bytes, not characters.
//!
//! Backtracks only to the last `*`, so the cost is at most `pattern * text` and a hostile `a*a*a*a*b` cannot explode.

/// Whether `text` as a whole matches `pattern`.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    matches_with(pattern, text, false)
}

/// As [`matches`], without regard to ASCII case.
pub fn matches_ignoring_case(pattern: &[u8], text: &[u8]) -> bool {
    matches_with(pattern, text, true)
}

fn matches_with(pattern: &[u8], text: &[u8], fold: bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None; // (pattern after the last '*', text where that star's match ends)
    loop {
        if p < pattern.len() && pattern[p] == b'*' {
            p += 1;
            retry = Some((p, t));
            continue;
        }
        if t == text.len() {
            return p == pattern.len();
        }
        let step = if p < pattern.len() { one(&pattern[p..], text[t], fold) } else { None };
        match (step, retry) {
            (Some(width), _) => {
                p += width;
                t += 1;
            }
            (None, Some((after_star, end))) => {
                p = after_star;
                t = end + 1;
                retry = Some((after_star, end + 1));
            }
            (None, None) => return false,
        }
    }
}

/// If the first element of `pattern` matches `byte`: how many pattern bytes that element is long.
fn one(pattern: &[u8], byte: u8, fold: bool) -> Option<usize> {
    let canon = |b: u8| if fold { b.to_ascii_lowercase() } else { b };
    let byte = canon(byte);
    match pattern[0] {
        b'?' => Some(1),
        b'[' => {
            let mut i = 1;
            let negated = pattern.get(i) == Some(&b'^');
            if negated {
                i += 1;
            }
            let mut found = false;
            // As in Redis, a class that is never closed ends with the pattern.
            while i < pattern.len() && pattern[i] != b']' {
                if pattern[i] == b'\\' && i + 1 < pattern.len() {
                    i += 1;
                    found |= canon(pattern[i]) == byte;
                    i += 1;
                } else if i + 2 < pattern.len() && pattern[i + 1] == b'-' {
                    let (a, b) = (canon(pattern[i]), canon(pattern[i + 2]));
                    found |= (a.min(b)..=a.max(b)).contains(&byte);
                    i += 3;
                } else {
                    found |= canon(pattern[i]) == byte;
                    i += 1;
                }
            }
            (found != negated).then_some((i + 1).min(pattern.len()))
        }
        b'\\' if pattern.len() > 1 => (canon(pattern[1]) == byte).then_some(2),
        literal => (canon(literal) == byte).then_some(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_redis_documents() {
        for (pattern, text, expected) in [
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*llo", "heeeello", true),
            ("h*llo", "hllo", true),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-b]llo", "hbllo", true),
            ("h[b-a]llo", "hbllo", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("*a*b", "xxaxxb", true),
            ("a**", "a", true),
            ("[a", "a", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
        assert!(matches_ignoring_case(b"MAX*", b"maxmemory"));
    }

    #[test]
    fn many_stars_stay_cheap() {
        assert!(!matches(&b"a*".repeat(1000), &vec![b'a'; 999]));
        assert!(!matches(&[b"a*".repeat(50), b"b".to_vec()].concat(), &vec![b'a'; 5000]));
    }
}
