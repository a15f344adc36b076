//! JSON for programs: one document with a `schema`, or a line for each thing.
//!
//! A schema is a name and a number: `opensession.log/1`. Within a number, fields are only added.
//! Characters that would do something to a terminal are written as `\u` escapes, which says the
//! same to a program and nothing to a terminal.

use std::io::{self, Write};

use serde::Serialize;

use super::Page;
use super::safe::is_suspicious;
use crate::session::Event;

/// The schema of one session with all its events.
pub const SESSION_SCHEMA: &str = "opensession.session/1";

/// Writes `{"schema":...,"<key>":[...]}` and a line feed; the list is `[]` if there is nothing.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_list<T: Serialize>(
    out: &mut dyn Write,
    schema: &str,
    key: &str,
    items: impl IntoIterator<Item = T>,
) -> io::Result<()> {
    let mut list = List::begin(out, schema, key)?;
    items.into_iter().try_for_each(|item| list.item(|out| Ok(serde_json::to_writer(out, &item)?)))?;
    list.finish()
}

/// A document with a list, written item by item: `{"schema":...,"<key>":[...]}`.
pub struct List<'w> {
    out: EscapedJson<'w>,
    items: u64,
}

impl<'w> List<'w> {
    /// Writes all that comes before the items.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn begin(out: &'w mut dyn Write, schema: &str, key: &str) -> io::Result<Self> {
        let mut out = EscapedJson::new(out);
        out.write_all(b"{\"schema\":")?;
        serde_json::to_writer(&mut out, schema)?;
        out.write_all(b",")?;
        serde_json::to_writer(&mut out, key)?;
        out.write_all(b":[")?;
        Ok(Self { out, items: 0 })
    }

    /// Writes the next item: `write` writes one JSON value.
    ///
    /// # Errors
    /// What `write` says; when the output cannot be written to.
    pub fn item(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        if self.items > 0 {
            self.out.write_all(b",")?;
        }
        self.items += 1;
        write(&mut self.out)
    }

    /// Ends the document.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.write_all(b"]}\n")?;
        self.out.finish()
    }
}

/// Writes each item as one line of JSON.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_lines<T: Serialize>(out: &mut dyn Write, items: impl IntoIterator<Item = T>) -> io::Result<()> {
    let mut out = EscapedJson::new(out);
    for item in items {
        serde_json::to_writer(&mut out, &item)?;
        out.write_all(b"\n")?;
    }
    out.finish()
}

/// Writes one value, with `"schema"` as its first field, and a line feed.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_document<T: Serialize>(out: &mut dyn Write, schema: &str, value: &T) -> io::Result<()> {
    #[derive(Serialize)]
    struct Document<'a, T> {
        schema: &'a str,
        #[serde(flatten)]
        value: &'a T,
    }
    write_lines(out, [Document { schema, value }])
}

/// Writes a session as one document, [`SESSION_SCHEMA`], event by event.
///
/// The fields are `schema`, `sid`, `header`, `stats`, `commits` (each `commit`, `subject`, `matched` with `share` and
/// `original`, `evidence`), `branches`, `redacted` (a count for each rule), `found_by` where there is one, `events`.
pub struct SessionDocument<'w> {
    out: EscapedJson<'w>,
    events: u64,
}

impl<'w> SessionDocument<'w> {
    /// Writes all that comes before the events.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn begin(out: &'w mut dyn Write, page: &Page<'_>) -> io::Result<Self> {
        #[derive(Serialize)]
        struct Redacted<'a> {
            rule: &'a str,
            count: u64,
        }
        let mut out = EscapedJson::new(out);
        out.write_all(b"{\"schema\":")?;
        serde_json::to_writer(&mut out, SESSION_SCHEMA)?;
        let mut document = Self { out, events: 0 };
        document.field("sid", &page.sid)?;
        document.field("header", page.header)?;
        document.field("stats", page.stats)?;
        document.field("commits", &page.links)?;
        document.field("branches", &page.branches)?;
        let redacted = page.redacted.iter().map(|(rule, count)| Redacted { rule: rule.raw(), count: *count });
        document.field("redacted", &redacted.collect::<Vec<_>>())?;
        if let Some(found_by) = &page.found_by {
            document.field("found_by", found_by)?;
        }
        document.out.write_all(b",\"events\":[")?;
        Ok(document)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> io::Result<()> {
        self.out.write_all(b",")?;
        serde_json::to_writer(&mut self.out, name)?;
        self.out.write_all(b":")?;
        Ok(serde_json::to_writer(&mut self.out, value)?)
    }

    /// Writes the next event.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        if self.events > 0 {
            self.out.write_all(b",")?;
        }
        self.events += 1;
        Ok(serde_json::to_writer(&mut self.out, event)?)
    }

    /// Ends the document. No line feed: it may be one of several.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.write_all(b"]}")?;
        self.out.finish()
    }
}

/// Passes JSON on, with every character that could do something to a terminal as a `\u` escape.
///
/// Only within strings may JSON hold such characters, so it stays the same JSON. What is no UTF-8
/// becomes U+FFFD.
pub struct EscapedJson<'w> {
    out: &'w mut dyn Write,
    /// The beginning of a character whose end has not come yet.
    pending: Vec<u8>,
}

impl<'w> EscapedJson<'w> {
    /// Escapes what goes to `out`.
    pub fn new(out: &'w mut dyn Write) -> Self {
        Self { out, pending: Vec::new() }
    }

    /// Writes what is left of a character that never ended.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn finish(mut self) -> io::Result<()> {
        if !self.pending.is_empty() {
            self.pending.clear();
            self.out.write_all("\u{fffd}".as_bytes())?;
        }
        self.out.flush()
    }

    fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => return self.escape(text),
                Err(error) => {
                    let (valid, bad) = rest.split_at_checked(error.valid_up_to()).unwrap_or((rest, &[]));
                    self.escape(std::str::from_utf8(valid).unwrap_or_default())?;
                    let Some(length) = error.error_len() else {
                        self.pending = bad.to_vec();
                        return Ok(());
                    };
                    self.out.write_all("\u{fffd}".as_bytes())?;
                    rest = bad.get(length..).unwrap_or_default();
                }
            }
        }
    }

    fn escape(&mut self, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some(at) = rest.find(is_suspicious) {
            let (clean, bad) = rest.split_at_checked(at).unwrap_or((rest, ""));
            self.out.write_all(clean.as_bytes())?;
            let mut chars = bad.chars();
            if let Some(c) = chars.next() {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(self.out, "\\u{unit:04x}")?;
                }
            }
            rest = chars.as_str();
        }
        self.out.write_all(rest.as_bytes())
    }
}

impl Write for EscapedJson<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.pending.is_empty() {
            self.pass(bytes)?;
        } else {
            let mut whole = std::mem::take(&mut self.pending);
            whole.extend_from_slice(bytes);
            self.pass(&whole)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_list_has_a_schema_and_an_empty_one_is_an_empty_list() {
        let text = written(|out| write_list(out, "opensession.log/1", "sessions", [1, 2]).expect("a vector"));
        assert_eq!(text, "{\"schema\":\"opensession.log/1\",\"sessions\":[1,2]}\n");
        let text = written(|out| write_list::<u8>(out, "opensession.log/1", "sessions", []).expect("a vector"));
        assert_eq!(text, "{\"schema\":\"opensession.log/1\",\"sessions\":[]}\n");
        assert_eq!(written(|out| write_lines::<u8>(out, []).expect("a vector")), "");
        assert_eq!(written(|out| write_lines(out, ["a", "b"]).expect("a vector")), "\"a\"\n\"b\"\n");
    }

    #[test]
    fn a_document_has_its_schema_first() {
        let text = written(|out| write_document(out, "s/1", &json!({"a": 1})).expect("a vector"));
        assert_eq!(text, "{\"schema\":\"s/1\",\"a\":1}\n");
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        let text = written(|out| write_lines(out, ["a\u{9b}31m\u{202e}\u{7f}\u{e0041}é"]).expect("a vector"));
        assert_eq!(text, "\"a\\u009b31m\\u202e\\u007f\\udb40\\udc41é\"\n");
    }

    #[test]
    fn what_is_no_text_becomes_a_replacement_character() {
        let text = written(|out| {
            let mut escaped = EscapedJson::new(out);
            escaped.write_all(b"a\xffb\xe2\x82").expect("a vector");
            escaped.finish().expect("a vector");
        });
        assert_eq!(text, "a\u{fffd}b\u{fffd}");
    }

    proptest! {
        #[test]
        fn escaping_keeps_the_value_wherever_the_bytes_are_cut(text in any::<String>(), cut in any::<prop::sample::Index>()) {
            let value = json!({"text": text, "more": "\u{202e}\u{1b}[1m"});
            let bytes = serde_json::to_vec(&value).expect("a value can be written");
            let cut = cut.index(bytes.len());
            let escaped = written(|out| {
                let mut escaped = EscapedJson::new(out);
                escaped.write_all(&bytes[..cut]).expect("a vector");
                escaped.write_all(&bytes[cut..]).expect("a vector");
                escaped.finish().expect("a vector");
            });
            prop_assert_eq!(serde_json::from_str::<Value>(&escaped).expect("still JSON"), value);
            prop_assert!(!escaped.chars().any(is_suspicious), "{:?}", escaped);
        }
    }
}
