//! Scalars out of raw JSON, without trusting that they are what their names say.
//!
//! A record is read as slices of its line; only what becomes part of an event is ever copied. So a
//! field of an unexpected type costs that field, not the record, and a record of 200 MB costs its
//! text once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::agents::capped::Capped;
use crate::agents::jsonl::LONGEST_DATA;

/// A field as it is spelled in the log.
pub(super) type Raw<'a> = Option<&'a RawValue>;

/// How deep data may be nested to be kept as data. Deeper, and a reader of the canonical text could refuse it.
const DEEPEST: usize = 64;

/// The text, if the field is one.
pub(super) fn text(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    let quoted = raw?.get().strip_prefix('"')?.strip_suffix('"')?;
    Some(if memchr::memchr(b'\\', quoted.as_bytes()).is_none() {
        Cow::Borrowed(quoted)
    } else {
        Cow::Owned(unescaped(quoted))
    })
}

/// The text, owned and not empty.
pub(super) fn words(raw: Raw<'_>) -> Option<String> {
    text(raw).filter(|text| !text.is_empty()).map(Cow::into_owned)
}

/// Whether the field is `true`.
pub(super) fn flag(raw: Raw<'_>) -> bool {
    raw.is_some_and(|raw| raw.get() == "true")
}

/// The count, if the field is a whole number that is not negative.
pub(super) fn count(raw: Raw<'_>) -> Option<u64> {
    raw?.get().parse().ok()
}

/// The field as a type, if it has that shape.
pub(super) fn shape<'a, T: Deserialize<'a>>(raw: Raw<'a>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// The field as a list of raw values; empty if it is none.
pub(super) fn list(raw: Raw<'_>) -> Capped<&RawValue> {
    raw.filter(|raw| raw.get().starts_with('[')).and_then(|raw| shape(Some(raw))).unwrap_or_default()
}

/// Hands the items of a list over, one by one, however many they are. False: it is none, or one of them
/// has not the shape of `T`; those before it have been handed over.
pub(super) fn each<'a, T: Deserialize<'a>>(raw: Raw<'a>, take: impl FnMut(T)) -> bool {
    struct ListVisitor<T, F>(F, PhantomData<T>);

    impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for ListVisitor<T, F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
            while let Some(item) = seq.next_element()? {
                self.0(item);
            }
            Ok(())
        }
    }

    let Some(raw) = raw else { return false };
    serde_json::Deserializer::from_str(raw.get()).deserialize_seq(ListVisitor(take, PhantomData)).is_ok()
}

/// The field as data. What no reader could take (too deep, numbers out of range), and what would take
/// many times its length in memory, is its own text.
pub(super) fn json(raw: &RawValue) -> Value {
    let is_short = raw.get().len() <= LONGEST_DATA;
    is_short.then(|| data(raw, DEEPEST)).flatten().unwrap_or_else(|| Value::String(raw.get().to_owned()))
}

/// The data of a field that is nested no deeper than `depth`. Built from slices, so that a text is
/// copied once, and half a surrogate pair in it does no harm.
fn data(raw: &RawValue, depth: usize) -> Option<Value> {
    match raw.get().as_bytes().first()? {
        b'{' => {
            let fields: BTreeMap<String, &RawValue> = shape(Some(raw))?;
            let depth = depth.checked_sub(1)?;
            let fields = fields.into_iter().map(|(key, field)| Some((key, data(field, depth)?)));
            Some(Value::Object(fields.collect::<Option<_>>()?))
        }
        b'[' => {
            let depth = depth.checked_sub(1)?;
            let items: Vec<&RawValue> = shape(Some(raw))?;
            let items = items.into_iter().map(|item| data(item, depth));
            Some(Value::Array(items.collect::<Option<_>>()?))
        }
        b'"' => Some(Value::String(text(Some(raw))?.into_owned())),
        _ => shape(Some(raw)),
    }
}

/// Resolves the escapes of a JSON string that has been checked to be one. Half a surrogate pair,
/// as JavaScript leaves it where a text was cut, becomes U+FFFD.
fn unescaped(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some((plain, escaped)) = split_escape(rest) {
        text.push_str(plain);
        let mut chars = escaped.chars();
        rest = match chars.next() {
            Some('u') => {
                let (unit, after) = code_point(chars.as_str());
                text.push(unit);
                after
            }
            Some(escape) => {
                text.push(match escape {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    other => other,
                });
                chars.as_str()
            }
            None => "",
        };
    }
    text.push_str(rest);
    text
}

/// What comes before the first backslash, and what after it.
fn split_escape(text: &str) -> Option<(&str, &str)> {
    let at = memchr::memchr(b'\\', text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The character that follows `\u`, and what comes after it.
fn code_point(digits: &str) -> (char, &str) {
    let Some((high, rest)) = unit(digits) else { return (char::REPLACEMENT_CHARACTER, digits) };
    if let Some(single) = char::from_u32(high) {
        return (single, rest);
    }
    let low = rest.strip_prefix("\\u").and_then(unit).filter(|(low, _)| (0xDC00..0xE000).contains(low));
    match low {
        Some((low, after)) if high < 0xDC00 => {
            let point = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            (char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER), after)
        }
        _ => (char::REPLACEMENT_CHARACTER, rest),
    }
}

fn unit(digits: &str) -> Option<(u32, &str)> {
    let (hex, rest) = digits.split_at_checked(4)?;
    Some((u32::from_str_radix(hex, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).expect("the test's JSON is well formed")
    }

    fn read(json: &str) -> Option<Cow<'_, str>> {
        text(Some(raw(json)))
    }

    #[test]
    fn text_is_borrowed_unless_it_has_escapes() {
        assert!(matches!(read(r#""plain ü""#), Some(Cow::Borrowed("plain ü"))));
        assert_eq!(read(r#""a\n\t\r\b\f\"\\\/""#).as_deref(), Some("a\n\t\r\u{8}\u{c}\"\\/"));
        assert_eq!(read("3"), None);
        assert_eq!(read("null"), None);
    }

    #[test]
    fn unescaping_agrees_with_serde_json() {
        for json in [r#""""#, r#""\u0041\u00fc\u2192x""#, r#""\ud83d\ude02!""#, r#""\\ud83d""#, r#""x\u0000y""#] {
            assert_eq!(read(json).as_deref(), serde_json::from_str::<String>(json).ok().as_deref(), "{json}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_one_replacement_character() {
        assert_eq!(read(r#""a\ud83d""#).as_deref(), Some("a\u{FFFD}"));
        assert_eq!(read(r#""\ud83dx\ude02""#).as_deref(), Some("\u{FFFD}x\u{FFFD}"));
        assert_eq!(read(r#""\ud83d\ud83d\ude02""#).as_deref(), Some("\u{FFFD}\u{1F602}"));
        let data = json(raw(r#"{"a":"x\ud83d","b":"\ud83d\ude02 \\ud83d \u0041"}"#));
        assert_eq!(data, serde_json::json!({"a": "x\u{FFFD}", "b": "\u{1F602} \\ud83d A"}));
    }

    #[test]
    fn data_that_no_reader_could_take_is_its_own_text() {
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(json(raw(&deep)), Value::String(deep.clone()));
        let shallow = format!("{}{}", "[".repeat(DEEPEST), "]".repeat(DEEPEST));
        assert!(json(raw(&shallow)).is_array());
        assert_eq!(json(raw("1e999")), Value::String("1e999".into()));
        let long = format!("[{}1]", "1,".repeat(LONGEST_DATA / 2));
        assert_eq!(json(raw(&long)), Value::String(long.clone()));
    }

    #[test]
    fn data_agrees_with_serde_json() {
        for json_text in [r#"{"b":[1,-2.5,true,null,"x\ny",{"a":{}}],"a":"ü","a":"last"}"#, "[]", "7", r#""x""#] {
            assert_eq!(json(raw(json_text)), serde_json::from_str::<Value>(json_text).unwrap());
        }
    }
}
