//! The line of an event, spelled by hand.
//!
//! Events are nearly all of a text, and writing them is a third of what reading a log costs. What
//! serde derives looks at every string byte by byte and builds a map of every event for its unknown
//! fields; this looks at eight bytes at once and copies what needs no escape in one piece. The bytes
//! are those of the derived writer: the tests hold the two equal.

use std::io::{self, Write};

use serde_json::Value;

use crate::session::{Block, Event, EventKind};

/// Writes the line of an event, without its line feed.
pub(super) fn event(event: &Event, out: &mut impl Write) -> io::Result<()> {
    // Named one by one: a field that is added later does not compile until it is here.
    let Event { event_id, timestamp, kind, task_id, content, duration_ms, attributes, extra } = event;
    out.write_all(br#"{"type":"event","event_id":"#)?;
    string(event_id, out)?;
    write!(out, r#","timestamp":"{timestamp}","event_type":"#)?;
    event_kind(kind, out)?;
    optional("task_id", task_id.as_deref(), out)?;
    out.write_all(br#","content":{"blocks":["#)?;
    for (nth, content) in content.blocks.iter().enumerate() {
        comma(nth, out)?;
        block(content, out)?;
    }
    out.write_all(b"]}")?;
    if let Some(millis) = duration_ms {
        write!(out, r#","duration_ms":{millis}"#)?;
    }
    if !attributes.is_empty() {
        out.write_all(br#","attributes":"#)?;
        map(attributes, out)?;
    }
    for (name, field) in extra {
        out.write_all(b",")?;
        entry(name, field, out)?;
    }
    out.write_all(b"}")
}

fn event_kind(kind: &EventKind, out: &mut impl Write) -> io::Result<()> {
    if let EventKind::Other(whole) = kind {
        return value(whole, out);
    }
    out.write_all(br#"{"type":""#)?;
    out.write_all(kind.name().as_bytes())?;
    out.write_all(b"\"")?;
    match kind {
        EventKind::UserMessage
        | EventKind::AgentMessage
        | EventKind::SystemMessage
        | EventKind::Thinking
        | EventKind::Other(_) => return out.write_all(b"}"),
        EventKind::ToolCall { name } => data("name", name, out)?,
        EventKind::ToolResult { name, is_error, call_id } => {
            data("name", name, out)?;
            write!(out, r#","is_error":{is_error}"#)?;
            optional("call_id", call_id.as_deref(), out)?;
        }
        EventKind::FileRead { path } | EventKind::FileCreate { path } | EventKind::FileDelete { path } => {
            data("path", path, out)?;
        }
        EventKind::FileEdit { path, diff } => {
            data("path", path, out)?;
            optional("diff", diff.as_deref(), out)?;
        }
        EventKind::ShellCommand { command, exit_code } => {
            data("command", command, out)?;
            if let Some(code) = exit_code {
                write!(out, r#","exit_code":{code}"#)?;
            }
        }
        EventKind::CodeSearch { query } | EventKind::WebSearch { query } => data("query", query, out)?,
        EventKind::FileSearch { pattern } => data("pattern", pattern, out)?,
        EventKind::WebFetch { url } => data("url", url, out)?,
        EventKind::ImageGenerate { prompt }
        | EventKind::VideoGenerate { prompt }
        | EventKind::AudioGenerate { prompt } => data("prompt", prompt, out)?,
        EventKind::TaskStart { title: text } => maybe_data("title", text.as_deref(), out)?,
        EventKind::TaskEnd { summary: text } => maybe_data("summary", text.as_deref(), out)?,
        EventKind::Custom { kind } => data("kind", kind, out)?,
    }
    out.write_all(b"}}")
}

/// Opens the data of a kind with its first field.
fn data(name: &str, text: &str, out: &mut impl Write) -> io::Result<()> {
    out.write_all(br#","data":{""#)?;
    out.write_all(name.as_bytes())?;
    out.write_all(b"\":")?;
    string(text, out)
}

/// Opens the data of a kind whose only field may be missing.
fn maybe_data(name: &str, text: Option<&str>, out: &mut impl Write) -> io::Result<()> {
    match text {
        Some(text) => data(name, text, out),
        None => out.write_all(br#","data":{"#),
    }
}

fn block(block: &Block, out: &mut impl Write) -> io::Result<()> {
    match block {
        Block::Other(whole) => return value(whole, out),
        Block::Text { text } => {
            out.write_all(br#"{"type":"Text","text":"#)?;
            string(text, out)?;
        }
        Block::Code { code, language, start_line } => {
            out.write_all(br#"{"type":"Code","code":"#)?;
            string(code, out)?;
            optional("language", language.as_deref(), out)?;
            if let Some(line) = start_line {
                write!(out, r#","start_line":{line}"#)?;
            }
        }
        Block::Image { url, alt, mime } => {
            out.write_all(br#"{"type":"Image","url":"#)?;
            string(url, out)?;
            optional("alt", alt.as_deref(), out)?;
            optional("mime", Some(mime), out)?;
        }
        Block::Video { url, mime } => {
            out.write_all(br#"{"type":"Video","url":"#)?;
            string(url, out)?;
            optional("mime", Some(mime), out)?;
        }
        Block::Audio { url, mime } => {
            out.write_all(br#"{"type":"Audio","url":"#)?;
            string(url, out)?;
            optional("mime", Some(mime), out)?;
        }
        Block::File { path, content } => {
            out.write_all(br#"{"type":"File","path":"#)?;
            string(path, out)?;
            optional("content", content.as_deref(), out)?;
        }
        Block::Json { data } => {
            out.write_all(br#"{"type":"Json","data":"#)?;
            value(data, out)?;
        }
        Block::Reference { uri, media_type } => {
            out.write_all(br#"{"type":"Reference","uri":"#)?;
            string(uri, out)?;
            optional("media_type", Some(media_type), out)?;
        }
    }
    out.write_all(b"}")
}

/// A further field of an object, if it is there.
fn optional(name: &str, text: Option<&str>, out: &mut impl Write) -> io::Result<()> {
    let Some(text) = text else { return Ok(()) };
    out.write_all(b",\"")?;
    out.write_all(name.as_bytes())?;
    out.write_all(b"\":")?;
    string(text, out)
}

fn value(data: &Value, out: &mut impl Write) -> io::Result<()> {
    match data {
        Value::String(text) => string(text, out),
        Value::Object(fields) => map(fields, out),
        Value::Array(items) => {
            out.write_all(b"[")?;
            for (nth, item) in items.iter().enumerate() {
                comma(nth, out)?;
                value(item, out)?;
            }
            out.write_all(b"]")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(serde_json::to_writer(out, data)?),
    }
}

/// A map, in the order that it has: sorted by key, as all are.
fn map<'a>(fields: impl IntoIterator<Item = (&'a String, &'a Value)>, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{")?;
    for (nth, (name, field)) in fields.into_iter().enumerate() {
        comma(nth, out)?;
        entry(name, field, out)?;
    }
    out.write_all(b"}")
}

fn entry(name: &str, field: &Value, out: &mut impl Write) -> io::Result<()> {
    string(name, out)?;
    out.write_all(b":")?;
    value(field, out)
}

fn comma(nth: usize, out: &mut impl Write) -> io::Result<()> {
    if nth == 0 { Ok(()) } else { out.write_all(b",") }
}

/// A JSON string: quotes, backslashes and control characters escaped, everything else as it is.
fn string(text: &str, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    let mut rest = text.as_bytes();
    while let Some((plain, &special, after)) = split_special(rest) {
        out.write_all(plain)?;
        escape(special, out)?;
        rest = after;
    }
    out.write_all(rest)?;
    out.write_all(b"\"")
}

fn escape(byte: u8, out: &mut impl Write) -> io::Result<()> {
    match byte {
        b'"' => out.write_all(br#"\""#),
        b'\\' => out.write_all(br"\\"),
        b'\n' => out.write_all(br"\n"),
        b'\t' => out.write_all(br"\t"),
        b'\r' => out.write_all(br"\r"),
        0x08 => out.write_all(br"\b"),
        0x0c => out.write_all(br"\f"),
        control => write!(out, r"\u{control:04x}"),
    }
}

/// What comes before the first byte that is escaped, that byte, and what comes after it.
fn split_special(bytes: &[u8]) -> Option<(&[u8], &u8, &[u8])> {
    let (words, tail) = bytes.as_chunks::<8>();
    let at = match words.iter().position(|word| specials(u64::from_le_bytes(*word)) != 0) {
        Some(nth) => {
            let word = u64::from_le_bytes(*words.get(nth)?);
            nth * 8 + (specials(word).trailing_zeros() / 8) as usize
        }
        None => bytes.len() - tail.len() + tail.iter().position(|&byte| is_special(byte))?,
    };
    let (plain, rest) = bytes.split_at_checked(at)?;
    let (special, after) = rest.split_first()?;
    Some((plain, special, after))
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The high bit of the first byte of a word (in memory) that is escaped; above it, bits say nothing.
fn specials(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    // A byte is below `n` if taking `n` from it borrows and it had no high bit itself.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word;
    let equals = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | equals(b'"') | equals(b'\\')) & HIGH
}
