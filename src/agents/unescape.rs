//! Texts of JSON, decoded in one go.
//!
//! Most of a log is the output of tools: text in JSON, with Codex in 2025 text in JSON in text in JSON.
//! Decoding those is what parsing costs, so they are taken raw and decoded here: at the speed of a
//! search for the next backslash, into a buffer that is seldom grown. What is not text by the rules
//! (a lone half of a surrogate pair) becomes U+FFFD instead of an error.

use std::borrow::Cow;

/// What stands between two quotes.
#[derive(Debug, PartialEq)]
pub(super) struct Quoted<'a> {
    /// What it says.
    pub text: Cow<'a, str>,
    /// What follows the closing quote.
    pub rest: &'a str,
    /// Whether half of a surrogate pair was replaced.
    pub is_lossy: bool,
}

/// The most room that is made for a text before it is known to be long.
const ROOM: usize = 4 << 10;

/// Decodes the inside of a JSON text from behind its opening quote. `None` if there is no closing quote
/// or an escape is none.
pub(super) fn until_quote(raw: &str) -> Option<Quoted<'_>> {
    // It may be short and what follows it long.
    decode(raw, ROOM)
}

/// Decodes a whole JSON text, quotes included.
pub(super) fn text(raw: &str) -> Option<Cow<'_, str>> {
    let quoted = decode(raw.trim_ascii().strip_prefix('"')?, usize::MAX)?;
    quoted.rest.is_empty().then_some(quoted.text)
}

/// Decodes up to a closing quote, with so much room to begin with, if there is so much to come.
fn decode(raw: &str, room: usize) -> Option<Quoted<'_>> {
    let first = memchr::memchr2(b'"', b'\\', raw.as_bytes())?;
    if raw.as_bytes().get(first) == Some(&b'"') {
        return Some(Quoted { text: Cow::Borrowed(raw.get(..first)?), rest: raw.get(first + 1..)?, is_lossy: false });
    }
    let mut text = String::with_capacity(raw.len().min(room.max(2 * first)));
    let mut rest = raw;
    let mut is_lossy = false;
    loop {
        let at = memchr::memchr2(b'"', b'\\', rest.as_bytes())?;
        text.push_str(rest.get(..at)?);
        let is_end = rest.as_bytes().get(at) == Some(&b'"');
        rest = rest.get(at + 1..)?;
        if is_end {
            if text.capacity() > 2 * text.len() {
                text.shrink_to_fit();
            }
            return Some(Quoted { text: Cow::Owned(text), rest, is_lossy });
        }
        let escape = *rest.as_bytes().first()?;
        rest = rest.get(1..)?;
        text.push(if escape == b'u' { code_point(&mut rest, &mut is_lossy)? } else { letter(escape)? });
    }
}

/// What the letter after a backslash stands for, `u` excepted.
fn letter(escape: u8) -> Option<char> {
    Some(match escape {
        b'n' => '\n',
        b'"' | b'\\' | b'/' => char::from(escape),
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        _ => return None,
    })
}

/// Decodes a text that [`after_quote`] has seen and that has no surrogate pairs, to the front of the bytes
/// that hold it.
pub(super) fn in_place(mut bytes: Vec<u8>, from: usize, to: usize) -> Option<String> {
    bytes.truncate(to);
    let (mut read, mut written) = (from, 0);
    while let Some(plain) = memchr::memchr(b'\\', bytes.get(read..)?) {
        bytes.copy_within(read..read + plain, written);
        written += plain;
        read += plain + 2;
        let said = match *bytes.get(read - 1)? {
            b'u' => {
                read += 4;
                char::from_u32(u32::from(unit(bytes.get(read - 4..)?)?))?
            }
            escape => letter(escape)?,
        };
        let mut utf8 = [0; 4];
        let said = said.encode_utf8(&mut utf8).as_bytes();
        // An escape is never shorter than what it says.
        bytes.get_mut(written..written + said.len())?.copy_from_slice(said);
        written += said.len();
    }
    bytes.copy_within(read.., written);
    bytes.truncate(written + (to - read));
    bytes.shrink_to_fit();
    String::from_utf8(bytes).ok()
}

/// What follows the closing quote of a JSON text, from behind its opening one, without decoding it.
pub(super) fn after_quote(mut raw: &str) -> Option<&str> {
    loop {
        let at = memchr::memchr2(b'"', b'\\', raw.as_bytes())?;
        let is_end = raw.as_bytes().get(at) == Some(&b'"');
        raw = raw.get(at + 1..)?;
        if is_end {
            return Some(raw);
        }
        let length = match *raw.as_bytes().first()? {
            b'u' => unit(raw.as_bytes().get(1..)?).map(|_| 5)?,
            escape => letter(escape).map(|_| 1)?,
        };
        raw = raw.get(length..)?;
    }
}

/// What follows a `\u`: one code unit, or the two of a pair. Half of one is U+FFFD.
fn code_point(rest: &mut &str, is_lossy: &mut bool) -> Option<char> {
    let first = unit(rest.as_bytes())?;
    *rest = rest.get(4..)?;
    if !matches!(first, 0xD800..=0xDFFF) {
        return char::from_u32(u32::from(first));
    }
    let second = rest.as_bytes().strip_prefix(b"\\u").and_then(unit);
    if let Some(Ok(pair)) = char::decode_utf16([Some(first), second].into_iter().flatten()).next() {
        *rest = rest.get(6..)?;
        Some(pair)
    } else {
        *is_lossy = true;
        Some(char::REPLACEMENT_CHARACTER)
    }
}

/// The same JSON with U+FFFD where it spells half of a surrogate pair.
pub(super) fn without_halves(json: &str) -> Cow<'_, str> {
    let mut whole = String::new();
    let (mut rest, mut from) = (json, 0);
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let escape = rest.get(at + 1..).unwrap_or_default();
        let mut after = escape.strip_prefix('u').unwrap_or_default();
        let mut is_half = false;
        if code_point(&mut after, &mut is_half).is_none() {
            let length = escape.chars().next().map_or(0, char::len_utf8);
            after = escape.get(length..).unwrap_or_default();
        }
        rest = after;
        if is_half {
            let end = json.len() - rest.len();
            whole.push_str(json.get(from..end - 4).unwrap_or_default());
            whole.push_str("fffd");
            from = end;
        }
    }
    if from == 0 {
        return Cow::Borrowed(json);
    }
    whole.push_str(json.get(from..).unwrap_or_default());
    Cow::Owned(whole)
}

/// Four hexadecimal digits.
fn unit(bytes: &[u8]) -> Option<u16> {
    let digit = |&digit: &u8| char::from(digit).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
    bytes.get(..4)?.iter().try_fold(0, |unit, byte| Some(unit << 4 | digit(byte)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decoding_is_the_inverse_of_encoding(said in "\\PC*|[\\x00-\\x7f\\n\\t\"\\\\]*", after in "[a-z,]*") {
            let raw = serde_json::to_string(&said).unwrap();
            prop_assert_eq!(text(&raw).unwrap(), said.as_str());
            let raw = raw + &after;
            prop_assert_eq!(after_quote(&raw[1..]), Some(after.as_str()));
            let quoted = Quoted { text: Cow::Owned(said), rest: after.as_str(), is_lossy: false };
            prop_assert_eq!(until_quote(&raw[1..]), Some(quoted));
        }

        #[test]
        fn any_text_of_json_reads_as_serde_reads_it(raw in "(\\\\u[0-9a-fA-F]{4}|\\\\[ntrbf/\\\\\"]|[a-zé😀 ]){0,12}") {
            let raw = format!("\"{raw}\"");
            let quoted = until_quote(&raw[1..]).unwrap();
            prop_assert_eq!(after_quote(&raw[1..]), Some(""));
            prop_assert_eq!(serde_json::from_str::<String>(&without_halves(&raw)).unwrap(), quoted.text.as_ref());
            if let Ok(expected) = serde_json::from_str::<String>(&raw) {
                prop_assert!(!quoted.is_lossy);
                prop_assert_eq!(quoted.text, expected);
            } else {
                prop_assert!(quoted.is_lossy && quoted.text.contains(char::REPLACEMENT_CHARACTER));
            }
        }
    }

    #[test]
    fn what_is_no_text_is_none() {
        for raw in ["", "\"", "\"a", "\"a\"b", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u123é\"", "7", "\"\\u+123\""] {
            assert_eq!(text(raw), None, "{raw}");
            if !raw.ends_with("\"b") {
                assert_eq!(raw.strip_prefix('"').and_then(after_quote), None, "{raw}");
            }
        }
    }

    #[test]
    fn a_text_holds_little_more_memory_than_it_needs() {
        for said in ["\n".to_owned(), "a\n".repeat(100), "line\n".repeat(50_000)] {
            let raw = serde_json::to_string(&said).unwrap() + &"x".repeat(100_000);
            let Cow::Owned(text) = until_quote(&raw[1..]).unwrap().text else { panic!("it has escapes") };
            assert!(text.capacity() <= 2 * text.len(), "{} for {}", text.capacity(), text.len());
            assert_eq!(text, said);
        }
    }

    #[test]
    fn half_a_pair_is_told_from_what_looks_like_one() {
        for json in ["", r#"{"a":"\ud83d\ude00 \\ud83d \n"}"#, r"\u12", r"\ud8", r"\", r"\é"] {
            assert!(matches!(without_halves(json), Cow::Borrowed(same) if same == json), "{json}");
        }
        assert_eq!(without_halves(r#"["\ud83d","\\\udE00\ud83d\ude00"]"#), r#"["\ufffd","\\\ufffd\ud83d\ude00"]"#);
    }

    #[test]
    fn a_text_without_escapes_is_borrowed() {
        assert!(matches!(text("\"abc\""), Some(Cow::Borrowed("abc"))));
    }

    #[test]
    fn a_lone_surrogate_is_replaced() {
        assert_eq!(text(r#""a\ud83d\ude00b""#).unwrap(), "a😀b");
        assert_eq!(text(r#""a\ud83dA""#).unwrap(), "a\u{fffd}A");
        assert_eq!(text(r#""\ud83d\ud83d\ude00""#).unwrap(), "\u{fffd}😀");
    }
}
