//! What joins a secret's name and its value, in all the languages that do.

use super::super::text::{Quote, at, before, has, is_word, run_end, run_start, skip_blanks, skip_break, slice};
use super::key::{Key, Place};

/// What joins a name and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// `=`, `:=`, `=>`; and whether it is `=` with nothing around it.
    Equals { is_tight: bool },
    /// `:`
    Colon,
    /// `:` at the end of a line, and the value below it.
    Below,
    /// `"name", "value"`
    Comma,
    /// `"name": "API_TOKEN", "value": "..."`
    Pair,
    /// `env.name || "value"`, `${NAME:-value}`
    Or,
    /// `PASSWORD('value')`
    Call,
    /// `--name value`, `password value`
    Blank,
    /// `| name | value |`
    Cell,
    /// `<name>value</name>`
    Tag,
    /// `the name is value`
    Is,
}

const EQUALS: Join = Join::Equals { is_tight: false };

/// Whether a value may come after a name that this byte comes after (0 after the last). Most names are
/// in code that goes on otherwise, and are done with here.
pub(super) fn may_follow(next: u8) -> bool {
    matches!(
        next,
        0 | b'"'
            | b'\''
            | b'`'
            | b'\\'
            | b'*'
            | b' '
            | b'\t'
            | b'\n'
            | b'\r'
            | b'='
            | b':'
            | b'?'
            | b'!'
            | b'+'
            | b'|'
            | b'>'
            | b'('
    )
}

/// Whether a quote is right before the name.
pub(super) fn is_quote_before(bytes: &[u8], key: &Key) -> bool {
    matches!(before(bytes, key.start), b'"' | b'\'' | b'`')
}

/// Whether the name is an option in a list of arguments: `"--password"`.
fn is_argument(bytes: &[u8], key: &Key) -> bool {
    let dashes = run_start(bytes, key.start, 64, |byte| is_word(byte) || byte == b'-');
    has(bytes, dashes, b"--") && matches!(before(bytes, dashes), b'"' | b'\'')
}

/// What joins the name to a value, and where the value begins.
pub(super) fn after(bytes: &[u8], key: &Key) -> Option<(Join, usize)> {
    let mut from = key.end;
    let mut is_quoted = false;
    if let Some((_, after)) = Quote::open(bytes, from) {
        is_quoted = is_quote_before(bytes, key);
        // `env["password"]`, `getenv("PASSWORD")`
        from = run_end(slice(bytes, 0, after + 2), after, |byte| matches!(byte, b']' | b')'));
    }
    // `**password**`
    from = run_end(slice(bytes, 0, from + 2), from, |byte| byte == b'*');
    let sign = skip_blanks(bytes, from);
    let has_blank = sign > from;
    let equals_end = |start: usize| run_end(slice(bytes, 0, sign + 4), start, |byte| byte == b'=');
    match (at(bytes, sign), at(bytes, sign + 1)) {
        (b'=', b'~') | (b':', b':') => None,
        (b'=', b'>') => Some((EQUALS, value_start(bytes, sign + 2))),
        (b'=', _) => Some((Join::Equals { is_tight: !has_blank }, value_start(bytes, equals_end(sign)))),
        (b':' | b'?' | b'!' | b'+', b'=') => Some((EQUALS, value_start(bytes, equals_end(sign + 1)))),
        (b':', b'-') if before(bytes, key.start) == b'{' => Some((Join::Or, sign + 2)),
        (b'?' | b'!', b':') => Some(typed(bytes, sign + 2)),
        (b':', _) => Some(typed(bytes, run_end(slice(bytes, 0, sign + 3), sign + 1, |byte| byte == b'*'))),
        (b'|', b'|') | (b'?', b'?') | (b'o', b'r') if fallback(bytes, from).is_some() => {
            fallback(bytes, from).map(|quote| (Join::Or, quote))
        }
        (b'|', b'|') | (b'?', b'?') => None,
        (b',', _) if is_argument(bytes, key) => quote_at(bytes, sign + 1)
            .filter(|quote| at(bytes, run_end(bytes, *quote, |byte| byte == b'\\') + 1) != b'-')
            .map(|quote| (EQUALS, quote)),
        (b',', _) if is_quoted => named_value(bytes, key, sign).or(Some((Join::Comma, skip_blanks(bytes, sign + 1)))),
        (b'|', b' ') => Some((Join::Cell, skip_blanks(bytes, sign + 1))),
        (b'(', _) if key.is_upper => quote_at(bytes, sign + 1).map(|quote| (Join::Call, quote)),
        (b'>', _) if !is_quoted && is_tag(bytes, key) => Some((Join::Tag, sign + 1)),
        _ => after_blank(bytes, key, from, sign, is_quoted),
    }
}

/// The quote of what is taken if what ends at `end` is none: after `||`, `??`, `or`.
pub(super) fn fallback(bytes: &[u8], end: usize) -> Option<usize> {
    let sign = skip_blanks(bytes, end);
    let is_sign = matches!(slice(bytes, sign, sign + 2), b"||" | b"??" | b"or");
    (is_sign && sign > end).then(|| quote_at(bytes, sign + 2)).flatten()
}

/// What joins them where nothing but blanks is between them.
fn after_blank(bytes: &[u8], key: &Key, from: usize, word: usize, is_quoted: bool) -> Option<(Join, usize)> {
    if let Some(pair) = named_value(bytes, key, from) {
        return Some(pair);
    }
    if word == from || is_quoted {
        return None;
    }
    let word_end = run_end(slice(bytes, 0, word + 24), word, is_word);
    if matches!(slice(bytes, word, word_end), b"is" | b"was") && matches!(at(bytes, word_end), b' ' | b':') {
        return Some((Join::Is, word_end));
    }
    // `<password encrypted="no">`
    if is_tag(bytes, key) {
        let end = run_end(slice(bytes, 0, word + 64), word, |byte| !matches!(byte, b'<' | b'>'));
        return (at(bytes, end) == b'>').then_some((Join::Tag, end + 1));
    }
    // `var dbPassword string = "..."`
    let sign = skip_blanks(bytes, word_end);
    if sign > word_end && at(bytes, sign) == b'=' {
        return quote_at(bytes, sign + 1).map(|quote| (EQUALS, quote));
    }
    Some((Join::Blank, word))
}

/// Whether the name is that of a tag: `<password>`, `<ns:password>`.
fn is_tag(bytes: &[u8], key: &Key) -> bool {
    let space = key.start.saturating_sub(1);
    match before(bytes, key.start) {
        b'<' => true,
        b':' => before(bytes, run_start(bytes, space, 24, is_word)) == b'<',
        _ => false,
    }
}

/// The quote after the blanks at `from`.
fn quote_at(bytes: &[u8], from: usize) -> Option<usize> {
    let quote = skip_blanks(bytes, from);
    Quote::open(bytes, quote).map(|_| quote)
}

/// Past what may be between a sign and a value: blanks, and a line break before a quote.
fn value_start(bytes: &[u8], end: usize) -> usize {
    let start = skip_blanks(bytes, end);
    skip_break(bytes, start).and_then(|next| quote_at(bytes, next)).unwrap_or(start)
}

/// After a colon: the value, or a type and `=` and the value (`password: &str = "..."`), or the value on
/// a line below.
fn typed(bytes: &[u8], end: usize) -> (Join, usize) {
    let start = value_start(bytes, end);
    if let Some(mut below) = skip_break(bytes, start) {
        below = skip_blanks(bytes, below);
        below = skip_break(bytes, below).map_or(below, |next| skip_blanks(bytes, next));
        return (Join::Below, below);
    }
    if !(at(bytes, start).is_ascii_alphabetic() || at(bytes, start) == b'&') {
        return (Join::Colon, start);
    }
    let is_type = |byte: u8| {
        is_word(byte)
            || matches!(byte, b'&' | b'<' | b'>' | b'[' | b']' | b'|' | b'.' | b':' | b'?' | b' ' | b'*' | b'\'')
    };
    let sign = run_end(slice(bytes, 0, start + 64), start, is_type);
    let is_sign = at(bytes, sign) == b'=' && !matches!(at(bytes, sign + 1), b'=' | b'>');
    if is_sign && before(bytes, sign) == b' ' { (EQUALS, value_start(bytes, sign + 1)) } else { (Join::Colon, start) }
}

/// The value of a pair of a name and a value: `"name": "API_TOKEN", "value": "..."`, or the same on two
/// lines of YAML, or `key="password" value="..."`.
fn named_value(bytes: &[u8], key: &Key, from: usize) -> Option<(Join, usize)> {
    if !(key.is_upper || key.place == Place::Header || is_quote_before(bytes, key)) {
        return None;
    }
    let between = |byte: u8| matches!(byte, b' ' | b'\t' | b',' | b'"' | b'\'' | b'\n' | b'\r' | b'\\');
    let word = run_end(slice(bytes, 0, from + 48), from, between);
    // An escaped line break leaves its letter: `\nvalue`.
    let word = word + usize::from(at(bytes, word) == b'n' && before(bytes, word) == b'\\');
    let word = skip_blanks(bytes, word);
    if word == from || !has(bytes, word, b"value") {
        return None;
    }
    let end = Quote::open(bytes, word + 5).map_or(word + 5, |(_, after)| after);
    let sign = skip_blanks(bytes, end);
    let is_sign = match at(bytes, sign) {
        b':' => matches!(at(bytes, sign + 1), b' ' | b'"' | b'\'' | b'\\'),
        b'=' => Quote::open(bytes, sign + 1).is_some(),
        _ => false,
    };
    is_sign.then(|| (Join::Pair, skip_blanks(bytes, sign + 1)))
}
