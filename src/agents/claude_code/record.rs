//! The records of a log, as slices of their line. Field by field what the log of 2.0 to 2.1 has.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::raw::{Raw, flag, list, shape, text};
use crate::agents::capped::Capped;

/// One record. Which fields there are depends on `type`; all may be missing.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Raw<'a>,
    #[serde(borrow)]
    pub uuid: Raw<'a>,
    #[serde(borrow)]
    pub parent_uuid: Raw<'a>,
    #[serde(borrow)]
    pub session_id: Raw<'a>,
    #[serde(borrow)]
    pub timestamp: Raw<'a>,
    #[serde(borrow)]
    pub cwd: Raw<'a>,
    #[serde(borrow)]
    pub git_branch: Raw<'a>,
    #[serde(borrow)]
    pub version: Raw<'a>,
    #[serde(borrow)]
    pub is_sidechain: Raw<'a>,
    #[serde(borrow)]
    pub is_meta: Raw<'a>,
    #[serde(borrow)]
    pub is_compact_summary: Raw<'a>,
    #[serde(borrow)]
    pub origin: Raw<'a>,
    #[serde(borrow, default)]
    message: MaybeMessage<'a>,
    #[serde(borrow)]
    pub request_id: Raw<'a>,
    #[serde(borrow)]
    pub tool_use_result: Raw<'a>,
    #[serde(borrow)]
    pub attachment: Raw<'a>,
    #[serde(borrow)]
    pub subtype: Raw<'a>,
    #[serde(borrow)]
    pub content: Raw<'a>,
    #[serde(borrow)]
    pub compact_metadata: Raw<'a>,
    #[serde(borrow)]
    pub error: Raw<'a>,
    #[serde(borrow)]
    pub retry_attempt: Raw<'a>,
    #[serde(borrow)]
    pub max_retries: Raw<'a>,
    #[serde(borrow)]
    pub summary: Raw<'a>,
    #[serde(borrow)]
    pub leaf_uuid: Raw<'a>,
    #[serde(borrow)]
    pub custom_title: Raw<'a>,
    #[serde(borrow)]
    pub operation: Raw<'a>,
    #[serde(borrow)]
    pub pr_number: Raw<'a>,
    #[serde(borrow)]
    pub pr_url: Raw<'a>,
    #[serde(borrow)]
    pub pr_repository: Raw<'a>,
}

/// `message` of `user` and `assistant`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    #[serde(borrow)]
    pub model: Raw<'a>,
    #[serde(borrow)]
    pub content: Raw<'a>,
    #[serde(borrow)]
    pub usage: Raw<'a>,
}

/// A message, or nothing if the field is no object. Read in place: it is most of a log, and to
/// find its end first would be one pass more over all of it.
#[derive(Debug, Clone, Copy, Default)]
struct MaybeMessage<'a>(Option<Message<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for MaybeMessage<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MessageVisitor(PhantomData))
    }
}

struct MessageVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for MessageVisitor<'a> {
    type Value = MaybeMessage<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        Message::deserialize(MapAccessDeserializer::new(fields)).map(|message| MaybeMessage(Some(message)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_seq(items).map(|_| MaybeMessage(None))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(MaybeMessage(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(MaybeMessage(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(MaybeMessage(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(MaybeMessage(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(MaybeMessage(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(MaybeMessage(None))
    }
}

/// `message.usage`: what the API message cost so far. Input is without cache.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct UsageRecord<'a> {
    #[serde(borrow, rename = "input_tokens")]
    pub input: Raw<'a>,
    #[serde(borrow, rename = "output_tokens")]
    pub output: Raw<'a>,
    #[serde(borrow, rename = "cache_read_input_tokens")]
    pub cache_read: Raw<'a>,
    #[serde(borrow, rename = "cache_creation_input_tokens")]
    pub cache_write: Raw<'a>,
}

/// One block of a message's content.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct BlockRecord<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Raw<'a>,
    #[serde(borrow)]
    pub text: Raw<'a>,
    #[serde(borrow)]
    pub thinking: Raw<'a>,
    #[serde(borrow)]
    pub id: Raw<'a>,
    #[serde(borrow)]
    pub name: Raw<'a>,
    #[serde(borrow)]
    pub input: Raw<'a>,
    #[serde(borrow)]
    pub tool_use_id: Raw<'a>,
    #[serde(borrow)]
    pub content: Raw<'a>,
    #[serde(borrow)]
    pub is_error: Raw<'a>,
    #[serde(borrow)]
    pub source: Raw<'a>,
}

/// `source` of an image or a document.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Source<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Raw<'a>,
    #[serde(borrow)]
    pub media_type: Raw<'a>,
    #[serde(borrow)]
    pub data: Raw<'a>,
    #[serde(borrow)]
    pub url: Raw<'a>,
    #[serde(borrow)]
    pub file_id: Raw<'a>,
}

/// `attachment` of a record of that type.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Attachment<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Raw<'a>,
    #[serde(borrow)]
    pub prompt: Raw<'a>,
    #[serde(borrow)]
    pub source_uuid: Raw<'a>,
    #[serde(borrow, rename = "commandMode")]
    pub command_mode: Raw<'a>,
    #[serde(borrow)]
    pub origin: Raw<'a>,
    #[serde(borrow, rename = "isMeta")]
    pub is_meta: Raw<'a>,
    #[serde(borrow)]
    pub filename: Raw<'a>,
    #[serde(borrow)]
    pub content: Raw<'a>,
    #[serde(borrow)]
    pub snippet: Raw<'a>,
}

/// `toolUseResult` of a tool that runs a subagent.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskResult<'a> {
    #[serde(borrow)]
    pub agent_id: Raw<'a>,
    #[serde(borrow)]
    pub status: Raw<'a>,
    #[serde(borrow)]
    pub is_async: Raw<'a>,
    #[serde(borrow)]
    pub total_duration_ms: Raw<'a>,
}

/// `origin` of a user record or a queued prompt.
#[derive(Debug, Clone, Copy, Deserialize)]
struct OriginRecord<'a> {
    #[serde(borrow)]
    kind: Raw<'a>,
}

impl<'a> Record<'a> {
    /// The message, if there is one.
    pub fn message(&self) -> Option<Message<'a>> {
        self.message.0
    }

    /// Whether the record belongs to a subagent that wrote into its parent's log (up to 1.0.8x).
    pub fn is_sidechain(&self) -> bool {
        flag(self.is_sidechain)
    }
}

/// `kind` of an `origin`.
pub(super) fn origin_kind(origin: Raw<'_>) -> Option<String> {
    let origin: OriginRecord<'_> = shape(origin)?;
    text(origin.kind).map(std::borrow::Cow::into_owned)
}

/// The blocks of a content: of a list one for each item, of a text none.
pub(super) fn blocks(content: Raw<'_>) -> Capped<BlockRecord<'_>> {
    let content = content.filter(|content| content.get().starts_with('['));
    shape(content).unwrap_or_else(|| {
        let Capped { items, left_out } = list(content);
        Capped { items: items.into_iter().map(|block| shape(Some(block)).unwrap_or_default()).collect(), left_out }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_none_does_not_spoil_its_record() {
        for message in ["null", "true", "-1", "1", "1.5", "\"x\\n\"", "[1,{\"a\":[]}]"] {
            let json = format!(r#"{{"type":"user","message":{message},"uuid":"u1"}}"#);
            let record: Record<'_> = serde_json::from_str(&json).expect("a record");
            assert!(record.message().is_none(), "{message}");
            assert_eq!(text(record.uuid).as_deref(), Some("u1"));
        }
        let record: Record<'_> = serde_json::from_str(r#"{"message":{"id":7,"content":"x"}}"#).expect("a record");
        assert_eq!(text(record.message().and_then(|message| message.content)).as_deref(), Some("x"));
    }

    #[test]
    fn a_list_has_one_block_for_each_item() {
        let json = r#"{"message":{"content":[7,{"type":"text","text":"x"},null]}}"#;
        let record: Record<'_> = serde_json::from_str(json).expect("a record");
        let read = blocks(record.message().and_then(|message| message.content)).items;
        assert_eq!(read.len(), 3);
        assert_eq!(text(read[1].text).as_deref(), Some("x"));
    }
}
