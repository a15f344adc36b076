//! What stands beside a secret's name: a secret, or code and prose that speak of one.

use super::super::text::{Quote, at, is_word, run_end, skip_blanks, slice};
use super::reference::{is_placeholder, is_put_in};

/// Bytes in which a quoted value must end.
const QUOTED: usize = 64 * 1024;

/// Bytes by which a value without quotes is judged.
const HEAD: usize = 512;

/// A value in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'t> {
    pub start: usize,
    pub end: usize,
    pub text: &'t [u8],
    /// The quote it is in.
    pub quote: Option<Quote>,
    /// Whether it is an argument: `SecretString::new("...")`.
    pub is_argument: bool,
    /// Whether what is in braces is put in: `f"..."`.
    pub is_format: bool,
    /// Where a value without quotes ends, if it is so long that `text` is only its beginning.
    rest: Option<fn(u8) -> bool>,
}

impl<'t> Value<'t> {
    /// A value that is all of a text, as the value of a key in a map is.
    pub(super) fn whole(text: &'t [u8]) -> Self {
        let quote = Quote::open(b"\"", 0).map(|(quote, _)| quote);
        Self { quote, ..Self::bare(text, 0, text.len()) }
    }

    fn bare(bytes: &'t [u8], start: usize, end: usize) -> Self {
        let text = slice(bytes, start, end);
        Self { start, end, text, quote: None, is_argument: false, is_format: false, rest: None }
    }

    /// The quoted text that begins at `from`, after a prefix (`b"`, `f'`, `r#"`) or as the argument of
    /// a call (`Some("`, `SecretString::new("`).
    pub(super) fn quoted(bytes: &'t [u8], from: usize) -> Option<Self> {
        let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'@' | b'#');
        let prefix_end = run_end(slice(bytes, 0, from + 3), from, is_sign);
        let prefix = slice(bytes, from, prefix_end);
        if let Some(value) = is_prefix(prefix).then(|| Self::in_quotes(bytes, prefix_end)).flatten() {
            let is_format = prefix.iter().any(|byte| matches!(byte, b'f' | b'F' | b'$'));
            return Some(Self { is_format, ..value });
        }
        let callee_end = run_end(slice(bytes, 0, from + 80), from, |byte| {
            is_word(byte) || matches!(byte, b':' | b'.' | b'!' | b' ')
        });
        if at(bytes, callee_end) != b'(' || callee_end == from {
            return None;
        }
        let value = Self::in_quotes(bytes, skip_blanks(bytes, callee_end + 1))?;
        Some(Self { is_argument: true, ..value })
    }

    fn in_quotes(bytes: &'t [u8], at: usize) -> Option<Self> {
        let (quote, start) = Quote::open(bytes, at)?;
        let end = quote.close(bytes, start, QUOTED)?;
        Some(Self { quote: Some(quote), ..Self::bare(bytes, start, end) })
    }

    /// The text from `start` to where a value without quotes ends: `ends` says where besides blanks,
    /// quotes and escapes. Of a long one it is the beginning: what a long value is shows there.
    pub(super) fn unquoted(bytes: &'t [u8], start: usize, ends: fn(u8) -> bool) -> Self {
        let head = slice(bytes, 0, start + HEAD);
        let end = run_end(head, start, |byte| !is_end(byte) && !ends(byte));
        Self { rest: (end == start + HEAD).then_some(ends), ..Self::bare(bytes, start, end) }
    }

    /// Where it ends, however long it is.
    pub(super) fn whole_end(&self, bytes: &[u8]) -> usize {
        self.rest.map_or(self.end, |ends| run_end(bytes, self.end, |byte| !is_end(byte) && !ends(byte)))
    }

    /// The same without marks of a sentence at its end.
    pub(super) fn without_stop(self) -> Self {
        let stop = self.text.iter().rposition(|byte| !matches!(byte, b'.' | b',' | b';' | b':' | b'!' | b'?' | b')'));
        let length = stop.map_or(0, |last| last + 1);
        Self { end: self.start + length, text: slice(self.text, 0, length), ..self }
    }

    /// Whether it stands for a secret that is elsewhere, or is none yet: `$TOKEN`, `<token>`, `xxxx`.
    pub(super) fn is_reference(&self) -> bool {
        is_put_in(self.text, self.is_format, self.quote.is_some_and(Quote::is_single)) || is_placeholder(self.text)
    }
}

/// Whether a quote may have this before it.
fn is_prefix(text: &[u8]) -> bool {
    const PREFIXES: &[&[u8]] = &[
        b"", b"b", b"r", b"u", b"f", b"c", b"s", b"l", b"n", b"e", b"br", b"rb", b"fr", b"rf", b"u8", b"r#", b"br#",
        b"$", b"@", b"$@", b"@$",
    ];
    PREFIXES.iter().any(|prefix| text.eq_ignore_ascii_case(prefix))
}

/// Where every value without quotes ends.
fn is_end(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'"' | b'\'' | b'`' | b'\\')
}
