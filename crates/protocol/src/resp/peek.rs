//! A look at the first command's second word, which nearly always is its key: enough to call for the key's memory before
//! the command is decoded. Decodes nothing, keeps nothing, and says nothing where it would have to look twice.

use super::number::{Line, number};

/// The second word of the command at the start of `input`, if that is an array whose first two words are complete.
#[inline]
pub fn peek_key(input: &[u8]) -> Option<&[u8]> {
    if input.first() != Some(&b'*') {
        return None;
    }
    let Line::Number(2.., at) = number(input, 1) else { return None };
    let (_, at) = word(input, at)?;
    word(input, at).map(|(key, _)| key)
}

/// The word whose header starts at `at`, and where the next one starts.
#[inline]
fn word(input: &[u8], at: usize) -> Option<(&[u8], usize)> {
    if input.get(at) != Some(&b'$') {
        return None;
    }
    let Line::Number(length, start) = number(input, at + 1) else { return None };
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    Some((input.get(start..end)?, end.checked_add(2)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_word_is_seen_once_it_is_whole() {
        let command = b"*3\r\n$3\r\nSET\r\n$10\r\n0123456789\r\n$1\r\nv\r\n";
        let whole = command.windows(10).position(|window| window == b"0123456789").expect("the key") + 10;
        for length in 0..command.len() {
            let expected = (length >= whole).then_some(&b"0123456789"[..]);
            assert_eq!(peek_key(&command[..length]), expected, "{length} bytes");
        }
    }

    #[test]
    fn what_has_no_second_word_shows_none() {
        for input in
            ["", "PING\r\n", "*1\r\n$4\r\nPING\r\n", "*-1\r\n", "*2\r\n$3\r\nGET\r\n:1\r\n", "*2\r\n$-1\r\n$1\r\nk\r\n"]
        {
            assert_eq!(peek_key(input.as_bytes()), None, "{input:?}");
        }
        assert_eq!(peek_key(b"*2\r\n$9223372036854775807\r\nx\r\n$1\r\nk"), None);
    }
}
