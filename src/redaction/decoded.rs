//! Texts whose letters are escaped one by one, as a URL, a script or a page does it: looked through
//! with the escapes undone, and what is found there is replaced here.
//!
//! The escapes of JSON strings (`\n`, `\"`) are not among them: rules read those as they are.

use std::ops::Range;

use super::text::{at, has, run_end, slice};

/// What shows that a text may have such escapes.
pub(super) const SIGNS: &[&str] = &[
    "\x1b[0", "\x1b[1", "\x1b[2", "\x1b[3", "\x1b[4", "\x1b[5", "\x1b[6", "\x1b[7", "\x1b[8", "\x1b[9", "\x1b[m",
    "\x1b[K", "\\u2192", "\\u00", "\\x2", "\\x3", "\\x4", "\\033[", "&quot;", "&apos;", "&amp;", "&lt;", "&#x", "&#3",
    "&#4", "&#6", // Of the percent-encoded, the syntax: it is what keeps a rule from seeing what is there.
    "%0a", "%0d", "%20", "%22", "%23", "%24", "%25", "%26", "%27", "%2b", "%2c", "%2d", "%2f", "%3a", "%3b", "%3c",
    "%3d", "%3e", "%40", "%5b", "%5c", "%5d", "%7b", "%7d",
];

/// The entities that stand for syntax.
const ENTITIES: &[(&[u8], u8)] =
    &[(b"&quot;", b'"'), (b"&apos;", b'\''), (b"&amp;", b'&'), (b"&lt;", b'<'), (b"&gt;", b'>')];

/// A text with one layer of escapes undone.
#[derive(Debug)]
pub(super) struct View {
    pub text: String,
    /// After each undone escape: where that is in the view, and where in the text itself.
    marks: Vec<(usize, usize)>,
    /// The length of the text itself.
    length: usize,
}

impl View {
    /// The view of a text; `None` if nothing in it is escaped.
    pub(super) fn of(raw: &str) -> Option<Self> {
        let bytes = raw.as_bytes();
        let mut view = Self { text: String::new(), marks: Vec::new(), length: raw.len() };
        let (mut from, mut look) = (0, 0);
        while let Some(found) = next_escape(slice(bytes, look, bytes.len())) {
            let start = look + found;
            let Some((letter, end)) = escape(bytes, start) else {
                look = start + 1;
                continue;
            };
            view.text.push_str(raw.get(from..start).unwrap_or_default());
            // The escape itself is a mark, too: a find that ends before it must not take it along.
            view.mark(start);
            view.text.extend(letter);
            view.mark(end);
            (from, look) = (end, end);
        }
        if view.marks.is_empty() {
            return None;
        }
        view.text.push_str(raw.get(from..).unwrap_or_default());
        Some(view)
    }

    fn mark(&mut self, raw: usize) {
        let mark = (self.text.len(), raw);
        if self.marks.last() != Some(&mark) {
            self.marks.push(mark);
        }
    }

    /// What a range of the view is in the text itself. What stands for nothing at its ends is left out.
    pub(super) fn raw(&self, range: &Range<usize>) -> Range<usize> {
        let after = self.marks.partition_point(|&(mark, _)| mark <= range.start);
        let end = self.marks.partition_point(|&(mark, _)| mark < range.end);
        let is_marked = self.marks.get(end).is_some_and(|&(mark, _)| mark == range.end);
        self.place(after, range.start)..self.place(if is_marked { end + 1 } else { end }, range.end)
    }

    /// Where a place of the view is, which the mark before `next` is the nearest to.
    fn place(&self, next: usize, in_view: usize) -> usize {
        match next.checked_sub(1).and_then(|last| self.marks.get(last)) {
            Some(&(mark, raw)) => (raw + (in_view - mark)).min(self.length),
            None => in_view,
        }
    }
}

/// Where the next byte is that may begin an escape.
fn next_escape(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| matches!(byte, b'%' | b'\\' | b'&' | 0x1b))
}

/// The letter that the escape at `start` stands for, and the escape's end. The escapes of a terminal
/// stand for nothing.
fn escape(bytes: &[u8], start: usize) -> Option<(Option<char>, usize)> {
    let (letter, end) = match at(bytes, start) {
        0x1b => return Some((None, terminal_end(bytes, start + 1)?)),
        b'%' => percent(bytes, start)?,
        b'\\' => {
            let kind = run_end(slice(bytes, 0, start + 64), start, |byte| byte == b'\\');
            let is_escape = has(bytes, kind, b"u001b") || has(bytes, kind, b"x1b") || has(bytes, kind, b"033");
            if is_escape {
                let end = run_end(slice(bytes, 0, kind + 5), kind, |byte| byte.is_ascii_alphanumeric());
                return Some((None, terminal_end(bytes, end)?));
            }
            match at(bytes, kind) {
                b'u' if has(bytes, kind + 1, b"00") => ascii(bytes, kind + 3)?,
                b'u' if has(bytes, kind + 1, b"2192") => ('→', kind + 5),
                b'x' => ascii(bytes, kind + 1)?,
                _ => return None,
            }
        }
        _ => entity(bytes, start)?,
    };
    Some((Some(letter), end))
}

/// The end of the sequence of a terminal that goes on at `start`: `[0;31m`.
fn terminal_end(bytes: &[u8], start: usize) -> Option<usize> {
    let end = run_end(slice(bytes, 0, start + 24), start + 1, |byte| {
        byte.is_ascii_digit() || matches!(byte, b';' | b':' | b'?')
    });
    (at(bytes, start) == b'[' && at(bytes, end).is_ascii_alphabetic()).then_some(end + 1)
}

/// The character that percent-encoded bytes from `start` stand for.
fn percent(bytes: &[u8], start: usize) -> Option<(char, usize)> {
    let first = hex(bytes, start + 1)?;
    if first < 0x80 {
        return ascii(bytes, start + 1);
    }
    let length = usize::try_from(first.leading_ones()).ok().filter(|length| (2..=4).contains(length))?;
    let encoded: Option<Vec<u8>> = (0..length)
        .map(|nth| if at(bytes, start + 3 * nth) == b'%' { hex(bytes, start + 3 * nth + 1) } else { None })
        .collect();
    let encoded = encoded?;
    let letter = std::str::from_utf8(&encoded).ok()?.chars().next()?;
    Some((letter, start + 3 * length))
}

fn entity(bytes: &[u8], start: usize) -> Option<(char, usize)> {
    if at(bytes, start + 1) != b'#' {
        return ENTITIES
            .iter()
            .find(|(name, _)| has(bytes, start, name))
            .map(|&(name, letter)| (char::from(letter), start + name.len()));
    }
    let is_hex = at(bytes, start + 2).eq_ignore_ascii_case(&b'x');
    let digits = start + 2 + usize::from(is_hex);
    let end = run_end(slice(bytes, 0, digits + 8), digits, |byte| byte.is_ascii_hexdigit());
    let number = std::str::from_utf8(slice(bytes, digits, end)).ok()?;
    let code = u8::from_str_radix(number, if is_hex { 16 } else { 10 }).ok()?;
    (at(bytes, end) == b';' && is_shown(code)).then_some((char::from(code), end + 1))
}

/// The character whose code is written in two digits from `start`.
fn ascii(bytes: &[u8], start: usize) -> Option<(char, usize)> {
    let code = hex(bytes, start)?;
    is_shown(code).then_some((char::from(code), start + 2))
}

fn hex(bytes: &[u8], start: usize) -> Option<u8> {
    let digit = |at| char::from(self::at(bytes, at)).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(start)? * 16 + digit(start + 1)?)
}

fn is_shown(code: u8) -> bool {
    matches!(code, b'\t' | b'\n' | b'\r' | b' '..=b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_the_view_are_ranges_of_the_text() {
        let raw = r"a%3Db \\u003dc&quot;d&#39;e\x41";
        let view = View::of(raw).expect("there are escapes");
        assert_eq!(view.text, "a=b =c\"d'eA");
        for (inside, outside) in
            [("a", "a"), ("b", "b"), ("=b", "%3Db"), ("c\"d", "c&quot;d"), ("A", r"\x41"), ("e", "e")]
        {
            let start = view.text.find(inside).expect("it is in the view");
            assert_eq!(&raw[view.raw(&(start..start + inside.len()))], outside);
        }
    }

    #[test]
    fn what_a_terminal_colours_is_seen_without_the_colours() {
        let raw = "a \x1b[1;31mpass\x1b[0mword\\u001b[32m b";
        let view = View::of(raw).expect("there are escapes");
        assert_eq!(view.text, "a password b");
        let raw_range = view.raw(&(2..10));
        assert_eq!(&raw[raw_range], "pass\x1b[0mword");
    }

    #[test]
    fn a_text_without_escapes_has_no_view() {
        for raw in ["", "100 % sure", "a & b", "\\n \\u2193 %zz %FF &unknown; &#300;", "ünï"] {
            assert!(View::of(raw).is_none(), "{raw}");
        }
    }
}
