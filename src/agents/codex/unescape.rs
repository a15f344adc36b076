//! Texts of JSON, decoded in one go.
//!
//! Most of a rollout is the output of tools: text in JSON, in 2025 text in JSON in text in JSON.
//! Decoding those is what parsing costs, so they are taken raw and decoded here: at the speed of a
//! search for the next backslash, into a buffer that is never grown. What is not text by the rules
//! (a lone half of a surrogate pair) becomes U+FFFD instead of an error.

use std::borrow::Cow;

/// Decodes the inside of a JSON text from behind its opening quote. Gives what it says and what
/// follows its closing quote; `None` if that is not there or an escape is none.
pub(super) fn until_quote(raw: &str) -> Option<(Cow<'_, str>, &str)> {
    let first = memchr::memchr2(b'"', b'\\', raw.as_bytes())?;
    if raw.as_bytes().get(first) == Some(&b'"') {
        return Some((Cow::Borrowed(raw.get(..first)?), raw.get(first + 1..)?));
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    loop {
        let at = memchr::memchr2(b'"', b'\\', rest.as_bytes())?;
        text.push_str(rest.get(..at)?);
        let is_end = rest.as_bytes().get(at) == Some(&b'"');
        rest = rest.get(at + 1..)?;
        if is_end {
            return Some((Cow::Owned(text), rest));
        }
        let escape = *rest.as_bytes().first()?;
        rest = rest.get(1..)?;
        text.push(match escape {
            b'n' => '\n',
            b'"' => '"',
            b'\\' => '\\',
            b't' => '\t',
            b'/' => '/',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => code_point(&mut rest)?,
            _ => return None,
        });
    }
}

/// Decodes a whole JSON text, quotes included.
pub(super) fn text(raw: &str) -> Option<Cow<'_, str>> {
    let (text, rest) = until_quote(raw.trim_ascii().strip_prefix('"')?)?;
    rest.is_empty().then_some(text)
}

/// What follows a `\u`: one code unit, or the two of a pair.
fn code_point(rest: &mut &str) -> Option<char> {
    let unit = |text: &str| {
        let hex = text.get(..4).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u16::from_str_radix(hex, 16).ok()
    };
    let first = unit(rest)?;
    *rest = rest.get(4..)?;
    if !matches!(first, 0xD800..=0xDFFF) {
        return char::from_u32(u32::from(first));
    }
    let second = rest.strip_prefix("\\u").and_then(unit);
    match char::decode_utf16([Some(first), second].into_iter().flatten()).next() {
        Some(Ok(pair)) => {
            *rest = rest.get(6..)?;
            Some(pair)
        }
        _ => Some(char::REPLACEMENT_CHARACTER),
    }
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
            prop_assert_eq!(until_quote(&raw[1..]), Some((Cow::Owned(said), after.as_str())));
        }

        #[test]
        fn any_text_of_json_reads_as_serde_reads_it(raw in "(\\\\u[0-9a-fA-F]{4}|\\\\[ntrbf/\\\\\"]|[a-zé😀 ]){0,12}") {
            let raw = format!("\"{raw}\"");
            if let Ok(expected) = serde_json::from_str::<String>(&raw) {
                prop_assert_eq!(text(&raw).unwrap(), expected);
            } else {
                prop_assert!(text(&raw).unwrap().contains(char::REPLACEMENT_CHARACTER));
            }
        }
    }

    #[test]
    fn what_is_no_text_is_none() {
        for raw in ["", "\"", "\"a", "\"a\"b", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u123é\"", "7", "\"\\u+123\""] {
            assert_eq!(text(raw), None, "{raw}");
        }
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
