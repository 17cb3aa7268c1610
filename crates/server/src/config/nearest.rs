//! The setting that somebody probably meant.

use super::table::{Redis, SETTINGS};

/// The name of the setting nearest to `name`: the one that Redis calls so, or one that differs in few letters.
pub fn setting(name: &str) -> Option<&'static str> {
    let known_to_redis = SETTINGS.iter().find(|setting| setting.redis.is_some_and(|redis: Redis| redis.name() == name));
    known_to_redis.map(|setting| setting.name).or_else(|| setting_within(name, (name.len() / 3).max(1)))
}

/// The name of the setting nearest to `name`, at most `distance_max` edits away.
pub fn setting_within(name: &str, distance_max: usize) -> Option<&'static str> {
    let near = SETTINGS.iter().map(|setting| (distance(name, setting.name), setting.name)).min()?;
    (near.0 <= distance_max).then_some(near.1)
}

/// How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        rows[i][0] = i;
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            rows[i][j] = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                rows[i][j] = rows[i][j].min(rows[i - 2][j - 2] + 1);
            }
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (a, b, edits) in
            [("", "", 0), ("port", "port", 0), ("port", "prot", 1), ("port", "ports", 1), ("", "abc", 3)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (edits, edits), "{a} {b}");
        }
    }

    #[test]
    fn suggestions_are_near_or_none() {
        assert_eq!(setting("max_memory"), Some("max-memory"));
        assert_eq!(setting("maxmemory-policy"), Some("policy"));
        assert_eq!(setting("zebra"), None);
    }
}
