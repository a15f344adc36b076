//! Looking around in text that may be escaped: JSON in JSON in a diff is still the same secret.
//!
//! Everything works on bytes and only ever stops at ASCII, so that every range it makes lies on
//! character boundaries.

/// The byte at `at`, or 0 outside: 0 is part of no secret, and of no syntax looked for here.
pub(super) fn at(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// The byte before `at`, or 0 at the beginning.
pub(super) fn before(bytes: &[u8], at: usize) -> u8 {
    at.checked_sub(1).map_or(0, |previous| self::at(bytes, previous))
}

/// The bytes of a range; nothing if it is none of this text.
pub(super) fn slice(bytes: &[u8], start: usize, end: usize) -> &[u8] {
    bytes.get(start..end.min(bytes.len())).unwrap_or_default()
}

/// `text` at `at`, whatever the case of its ASCII letters.
pub(super) fn has(bytes: &[u8], at: usize, text: &[u8]) -> bool {
    slice(bytes, at, at.saturating_add(text.len())).eq_ignore_ascii_case(text)
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a text is one of the words of a list, whatever its case.
pub(super) fn is_one_of(text: &[u8], words: &str) -> bool {
    words.split_ascii_whitespace().any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
}

/// What tokens of all kinds are made of.
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b'~')
}

/// The end of the run of bytes from `start` that `part` accepts.
pub(super) fn run_end(bytes: &[u8], start: usize, part: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().position(|&byte| !part(byte)).unwrap_or(rest.len())
}

/// The start of the run of at most `most` bytes before `end` that `part` accepts.
pub(super) fn run_start(bytes: &[u8], end: usize, most: usize, part: impl Fn(u8) -> bool) -> usize {
    let low = end.saturating_sub(most);
    let head = slice(bytes, low, end);
    head.iter().rposition(|&byte| !part(byte)).map_or(low, |last| low + last + 1)
}

/// Past the spaces and tabs from `start`, escaped tabs among them.
pub(super) fn skip_blanks(bytes: &[u8], start: usize) -> usize {
    run_end(bytes, start, |byte| matches!(byte, b' ' | b'\t'))
}

/// Past the line break at `start`, if there is one: a real one, or one escaped any number of
/// times (`\n`, `\\n`, `\r\n`).
pub(super) fn skip_break(bytes: &[u8], start: usize) -> Option<usize> {
    let mut end = start;
    loop {
        match at(bytes, end) {
            b'\n' | b'\r' => end += 1,
            b'\\' => {
                let letter = run_end(bytes, end, |byte| byte == b'\\');
                // Nobody escapes eleven times; a longer run is something else, and long to walk.
                if letter - end > 1024 || !matches!(at(bytes, letter), b'n' | b'r') {
                    break;
                }
                end = letter + 1;
            }
            _ => break,
        }
    }
    (end > start).then_some(end)
}

/// Whether a word may begin at `at`: after anything that is no part of a word, or after an escape
/// whose last letter only looks like one (`\n`, `\t`, `\u003d`, `%3D`, a terminal's colour).
pub(super) fn word_starts(bytes: &[u8], at: usize) -> bool {
    let previous = before(bytes, at);
    !is_word(previous) || escape_ends(bytes, at)
}

/// Whether the letter before `at` is the end of an escape.
pub(super) fn escape_ends(bytes: &[u8], at: usize) -> bool {
    let back = |steps: usize| at.checked_sub(steps).map_or(0, |there| self::at(bytes, there));
    match back(1) {
        b'n' | b'r' | b't' | b'b' | b'f' if back(2) == b'\\' => true,
        b'm' => {
            let digits = run_start(bytes, at - 1, 16, |byte| byte.is_ascii_digit() || byte == b';');
            before(bytes, digits) == b'['
        }
        last if last.is_ascii_hexdigit() && back(2).is_ascii_hexdigit() => {
            back(3) == b'%'
                || (back(3) == b'x' && back(4) == b'\\')
                || (back(3) == b'0' && back(4) == b'0' && back(5).eq_ignore_ascii_case(&b'u') && back(6) == b'\\')
        }
        _ => false,
    }
}

/// The start of the line that `at` is in, looking back at most `most` bytes; `None` if it begins
/// farther away. Escaped line breaks count.
pub(super) fn line_start(bytes: &[u8], at: usize, most: usize) -> Option<usize> {
    let low = at.saturating_sub(most);
    let head = slice(bytes, low, at);
    let mut end = head.len();
    while let Some(found) = memchr::memrchr3(b'\n', b'\\', b'\r', slice(head, 0, end)) {
        match (self::at(head, found), self::at(head, found + 1)) {
            (b'\n' | b'\r', _) => return Some(low + found + 1),
            (_, b'n' | b'r') => return Some(low + found + 2),
            _ => end = found,
        }
    }
    (low == 0).then_some(0)
}

/// The end of the line that `at` is in, looking ahead at most `most` bytes. Escaped line breaks count.
pub(super) fn line_end(bytes: &[u8], at: usize, most: usize) -> usize {
    let high = at.saturating_add(most).min(bytes.len());
    let mut from = at;
    while let Some(found) = memchr::memchr3(b'\n', b'\\', b'\r', slice(bytes, from, high)) {
        let here = from + found;
        let letter = run_end(slice(bytes, 0, high), here, |byte| byte == b'\\');
        if letter == here || matches!(self::at(bytes, letter), b'n' | b'r') {
            return here;
        }
        from = letter;
    }
    high
}

/// A quotation mark with the backslashes before it: `"`, `\"`, `\\\"`, `'`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quote {
    mark: u8,
    slashes: usize,
}

impl Quote {
    /// The quote at `start` and where what it quotes begins.
    pub(super) fn open(bytes: &[u8], start: usize) -> Option<(Self, usize)> {
        let slashes = slice(bytes, start, start.saturating_add(64)).iter().take_while(|&&byte| byte == b'\\').count();
        let mark = at(bytes, start + slashes);
        matches!(mark, b'"' | b'\'' | b'`').then_some((Self { mark, slashes }, start + slashes + 1))
    }

    /// Where the text quoted from `start` ends, looking at most `most` bytes ahead. A quote escaped
    /// once more than the opening one is part of the text.
    pub(super) fn close(self, bytes: &[u8], start: usize, most: usize) -> Option<usize> {
        let high = start.saturating_add(most).min(bytes.len());
        let mut from = start;
        // Each level of JSON doubles the backslashes and adds one for the quote.
        let period = 2 * (self.slashes + 1);
        while let Some(found) = memchr::memchr(self.mark, slice(bytes, from, high)) {
            let here = from + found;
            let run = here - run_start(bytes, here, here - start, |byte| byte == b'\\');
            if run % period == self.slashes {
                return Some(here - self.slashes);
            }
            from = here + 1;
        }
        None
    }

    /// Whether it is a backquote, in which some languages run commands.
    pub(super) fn is_back(self) -> bool {
        self.mark == b'`'
    }

    /// Whether it is a single quote, in which a shell expands nothing.
    pub(super) fn is_single(self) -> bool {
        self.mark == b'\''
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_closes_at_its_own_level_of_escaping() {
        for (text, quoted) in [
            (r#""a b" c"#, "a b"),
            (r#""a \" b" c"#, r#"a \" b"#),
            (r#""a\\" c"#, r"a\\"),
            (r#"\"a b\" c"#, "a b"),
            (r#"\"a \\\" b\" c"#, r#"a \\\" b"#),
            (r#"\\\"a b\\\" c"#, "a b"),
            (r#"'a " b' c"#, r#"a " b"#),
        ] {
            let (quote, start) = Quote::open(text.as_bytes(), 0).expect("a quote");
            let end = quote.close(text.as_bytes(), start, 100).expect("its end");
            assert_eq!(&text[start..end], quoted, "{text}");
        }
    }

    #[test]
    fn a_word_starts_after_an_escape() {
        for text in [r"\n", r"\\n", r"\t", "%3D", r"\u003d", r"\x3d", "\x1b[31m", "[0;31m", " ", "", "=", "é"] {
            assert!(word_starts(format!("{text}sk").as_bytes(), text.len()), "{text:?}");
        }
        for text in ["n", "ta", "x3d", "m", "_", "u003d"] {
            assert!(!word_starts(format!("{text}sk").as_bytes(), text.len()), "{text:?}");
        }
    }

    #[test]
    fn lines_end_at_escaped_breaks_too() {
        let text = br"one\ntwo three\\nfour";
        let two = 5;
        assert_eq!(line_start(text, two + 4, 100), Some(two));
        assert_eq!(&text[two..line_end(text, two, 100)], b"two three");
        assert_eq!(line_start(b"a long line", 11, 4), None);
    }
}
