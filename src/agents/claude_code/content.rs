//! What a message or a tool's answer holds, as blocks: text as it is, bytes as a reference.

use std::cell::OnceCell;
use std::io::Read;
use std::rc::Rc;

use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, engine::DecodePaddingMode, read::DecoderReader};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::raw::{Raw, json, list, shape, text};
use super::record::{BlockRecord, Message, Source};
use crate::agents::Report;
use crate::agents::capped::{Capped, left_out_note};
use crate::agents::long::Hollow;
use crate::session::{Block, Content};

/// The text that was taken out of the line in hand, until somebody comes to where it was.
pub(super) struct Long {
    pub line: Rc<Hollow>,
    pub text: String,
}

/// A text that is not empty; where it was taken out of its line, that one.
pub(super) fn said(raw: Raw<'_>, long: &mut Option<Long>) -> Option<String> {
    let said = text(raw)?;
    if said.is_empty() {
        return long.take_if(|long| long.line.is_gap(&said)).map(|long| long.text);
    }
    Some(said.into_owned())
}

/// Whether [`said`] will be asked for what was taken out of the line of a message.
pub(super) fn asks_for(message: &Message<'_>, line: &Hollow) -> bool {
    let is_gap = |raw: Raw<'_>| raw.is_some_and(|raw| line.is_quoted_gap(raw.get()));
    let is_text = |block: &BlockRecord<'_>| text(block.kind).as_deref() == Some("text") && is_gap(block.text);
    is_gap(message.content)
        || super::record::blocks(message.content).items.iter().any(|block| match text(block.kind).as_deref() {
            Some("thinking") => is_gap(block.thinking),
            Some(answer) if answer.ends_with("tool_result") => {
                let mut items = list(block.content).items.into_iter().filter_map(|item| shape(Some(item)));
                is_gap(block.content) || items.any(|block| is_text(&block))
            }
            _ => is_text(block),
        })
}

/// A content, which is one text or a list of blocks, as blocks.
pub(super) fn content(raw: Raw<'_>, report: &mut Report, long: &mut Option<Long>) -> Content {
    if raw.is_some_and(|raw| raw.get().starts_with('"')) {
        return said(raw, long).map_or_else(Content::empty, Content::text);
    }
    let Capped { items, left_out } = list(raw);
    let mut blocks: Vec<Block> = items.into_iter().filter_map(|item| block(item, long)).collect();
    if left_out > 0 {
        report.leave_out(left_out);
        blocks.push(Block::Text { text: left_out_note(left_out) });
    }
    Content { blocks }
}

/// The blocks of a list as they are spelled, for the few that are asked for.
pub(super) struct Spelled<'a> {
    list: Raw<'a>,
    items: OnceCell<Vec<&'a RawValue>>,
}

impl<'a> Spelled<'a> {
    pub(super) fn of(list: Raw<'a>) -> Self {
        Self { list, items: OnceCell::new() }
    }

    /// The nth of them as a content.
    pub(super) fn nth(&self, nth: usize, long: &mut Option<Long>) -> Content {
        let items = self.items.get_or_init(|| list(self.list).items);
        Content { blocks: items.get(nth).and_then(|raw| block(raw, long)).into_iter().collect() }
    }
}

/// One block of any type; `None` if there is nothing in it.
fn block(raw: &RawValue, long: &mut Option<Long>) -> Option<Block> {
    let Some(record) = shape::<BlockRecord<'_>>(Some(raw)) else {
        return said(Some(raw), long).map(|text| Block::Text { text });
    };
    match text(record.kind).as_deref() {
        Some("text") => said(record.text, long).map(|text| Block::Text { text }),
        Some("image" | "document") if record.source.is_some() => source(record.source),
        _ => Some(Block::Json { data: without_bytes(json(raw)) }),
    }
}

/// An image or a document.
fn source(raw: Raw<'_>) -> Option<Block> {
    let source: Source<'_> = shape(raw)?;
    let media_type = text(source.media_type).unwrap_or_default();
    let uri = match text(source.kind).as_deref() {
        Some("text") => return text(source.data).map(|text| Block::Text { text: text.into() }),
        Some("url") => text(source.url)?.into_owned(),
        Some("file") => format!("file:{}", text(source.file_id)?),
        _ => fingerprint(&text(source.data)?),
    };
    let media_type = if media_type.is_empty() { "application/octet-stream".to_owned() } else { media_type.into() };
    Some(Block::Reference { uri, media_type })
}

/// `sha256:<hex of the decoded bytes>?size=<their number>`; what is no base64 is only measured.
fn fingerprint(base64: &str) -> String {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let mut decoder = DecoderReader::new(base64.as_bytes(), &ENGINE);
    let (mut hasher, mut size, mut chunk) = (Sha256::new(), 0_u64, [0; 8192]);
    loop {
        match decoder.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => {
                hasher.update(chunk.get(..read).unwrap_or_default());
                size += read as u64;
            }
            Err(_) => return format!("unreadable?size={}", base64.len()),
        }
    }
    let hex: String = hasher.finalize().iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect();
    format!("sha256:{hex}?size={size}")
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or_default()
}

/// The data with a reference in the place of every base64 body.
fn without_bytes(mut data: Value) -> Value {
    match &mut data {
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_bytes(item.take())),
        Value::Object(fields) => {
            let is_base64 = fields.get("type").and_then(Value::as_str) == Some("base64");
            for (key, value) in fields.iter_mut() {
                match value {
                    Value::String(body) if is_base64 && key == "data" => *value = fingerprint(body).into(),
                    _ => *value = without_bytes(value.take()),
                }
            }
        }
        _ => {}
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(json: &str) -> Vec<Block> {
        let raw = serde_json::from_str(json).expect("the test's JSON is well formed");
        content(Some(raw), &mut Report::default(), &mut None).blocks
    }

    fn reference(uri: &str, media_type: &str) -> Block {
        Block::Reference { uri: uri.into(), media_type: media_type.into() }
    }

    // SHA-256 of the six bytes "abcdef".
    const ABCDEF: &str = "sha256:bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721?size=6";

    #[test]
    fn a_text_is_one_block_and_nothing_is_none() {
        assert_eq!(blocks(r#""a\nb""#), [Block::Text { text: "a\nb".into() }]);
        assert_eq!(blocks(r#""""#), []);
        assert_eq!(blocks("7"), []);
        assert_eq!(blocks(r#"["x",{"type":"text","text":""}]"#), [Block::Text { text: "x".into() }]);
    }

    #[test]
    fn images_are_references_with_hash_and_size() {
        let json = r#"[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"YWJjZGVm"}},
            {"type":"document","source":{"type":"base64","data":"YWJjZGVm"}},
            {"type":"image","source":{"type":"url","url":"https://x.test/i"}},
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"not base64!"}}]"#;
        let expected = [
            reference(ABCDEF, "image/png"),
            reference(ABCDEF, "application/octet-stream"),
            reference("https://x.test/i", "application/octet-stream"),
            reference("unreadable?size=11", "image/png"),
        ];
        assert_eq!(blocks(json), expected);
    }

    #[test]
    fn padding_does_not_matter() {
        assert_eq!(fingerprint("YQ=="), fingerprint("YQ"));
        assert!(fingerprint("YQ==").ends_with("?size=1"));
    }

    #[test]
    fn blocks_of_unknown_types_are_data_without_their_bytes() {
        let json = r#"[{"type":"tool_reference","tool_name":"WebFetch"},
            {"type":"x","deep":[{"type":"base64","data":"YWJjZGVm"}]}]"#;
        let data = blocks(json);
        assert_eq!(data[0], Block::Json { data: serde_json::json!({"type":"tool_reference","tool_name":"WebFetch"}) });
        let deep = serde_json::json!({"type": "x", "deep": [{"type": "base64", "data": ABCDEF}]});
        assert_eq!(data[1], Block::Json { data: deep });
    }

    #[test]
    fn a_text_document_is_text() {
        let json = r#"[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"hello"}}]"#;
        assert_eq!(blocks(json), [Block::Text { text: "hello".into() }]);
    }
}
