//! A line as Codex writes it, taken apart in one pass.
//!
//! Serde looks at a text once to find where it ends and again to decode it; here that is one and the
//! same. In return this knows only what is usual: one record with an envelope, no key twice or with
//! escapes, texts (or nothing) where there should be. Of anything else it says nothing, and
//! [`record`](super::record) reads the line again, whose word is the last one: whether it is JSON, and
//! what is wrong with it. The tests hold the two equal.

use std::borrow::Cow;

use super::cursor::{Cursor, DEEPEST, has_control};
use super::items::{Item, Items};
use super::record::{Flag, Lax, Line, Payload, Raw, Said};

/// The record of a line, if it is as usual.
pub(super) fn line(text: &str) -> Option<Line<'_>> {
    // Seen to for the whole line at once: none of them may be in a text, and none is between.
    if has_control(text) {
        return None;
    }
    let mut cursor = Cursor::at_start_of(text);
    let mut line = Line::default();
    let mut seen = 0;
    cursor.object(|cursor, key| {
        match key {
            "timestamp" => line.timestamp = cursor.once(&mut seen, 0)?.lax()?,
            "type" => line.kind = cursor.once(&mut seen, 1)?.lax()?,
            "payload" => line.payload = Some(Box::new(cursor.once(&mut seen, 2)?.payload()?)),
            _ => drop(cursor.skip(DEEPEST)?),
        }
        Some(())
    })?;
    let is_alone = cursor.rest()?.trim_ascii_start().is_empty();
    (is_alone && line.payload.is_some()).then_some(line)
}

/// What a shell answered in 2025, if it is spelled as usual: `{"output", "metadata"}` in a text. Where the
/// output comes first, as Codex has it, a bare line feed or half a surrogate pair in it does no harm.
pub(super) fn shell(text: &str) -> Option<(Cow<'_, str>, Raw<'_>)> {
    let is_lenient = text.starts_with("{\"output\":\"");
    let is_plain = !has_control(text);
    let mut cursor = Cursor::at_start_of(text);
    let (mut output, mut metadata, mut seen) = (None, Raw(None), 0);
    cursor.object(|cursor, key| {
        match key {
            "output" => output = Some(cursor.once(&mut seen, 0)?.quoted()?),
            "metadata" => metadata = Raw(Some(cursor.once(&mut seen, 1)?.skip(DEEPEST)?)),
            _ if is_plain => drop(cursor.skip(DEEPEST)?),
            _ => return None,
        }
        Some(())
    })?;
    let output = output.filter(|output| is_lenient || (is_plain && !output.is_lossy))?;
    cursor.rest()?.is_empty().then_some((output.text, metadata))
}

/// The fields of a payload: how each is spelled, and how it is read.
macro_rules! fields {
    ($($key:literal => $field:ident: $read:ident,)*) => {
        #[derive(Clone, Copy)]
        #[allow(non_camel_case_types, reason = "named for the fields, to be counted")]
        enum Field { $($field),* }

        impl<'a> Cursor<'a> {
            fn field(&mut self, payload: &mut Payload<'a>, seen: &mut u64, key: &str) -> Option<()> {
                match key {
                    $($key => payload.$field = self.once(seen, Field::$field as u32)?.$read()?,)*
                    _ => drop(self.skip(DEEPEST)?),
                }
                Some(())
            }
        }
    };
}

fields! {
    "type" => tag: lax,
    "id" => id: lax,
    "call_id" => call_id: lax,
    "name" => name: lax,
    "text" => text: lax,
    "role" => role: lax,
    "phase" => phase: lax,
    "message" => message: lax,
    "content" => content: items,
    "summary" => summary: items,
    "output" => output: said,
    "arguments" => arguments: said,
    "input" => input: said,
    "status" => status: lax,
    "info" => info: raw,
    "namespace" => namespace: lax,
    "timestamp" => timestamp: lax,
    "session_id" => session_id: lax,
    "forked_from_id" => forked_from_id: lax,
    "parent_thread_id" => parent_thread_id: lax,
    "thread_source" => thread_source: lax,
    "originator" => originator: lax,
    "cli_version" => cli_version: lax,
    "model_provider" => model_provider: lax,
    "agent_nickname" => agent_nickname: lax,
    "agent_role" => agent_role: lax,
    "source" => source: raw,
    "git" => git: raw,
    "cwd" => cwd: lax,
    "model" => model: lax,
    "turn_id" => turn_id: lax,
    "kind" => kind: lax,
    "images" => images: raw,
    "local_images" => local_images: raw,
    "query" => query: lax,
    "revised_prompt" => revised_prompt: lax,
    "action" => action: raw,
    "result" => result: said,
    "tools" => tools: raw,
    "duration" => duration: raw,
    "changes" => changes: raw,
    "success" => success: flag,
    "reason" => reason: lax,
    "thread_name" => thread_name: lax,
    "num_turns" => num_turns: raw,
    "record_type" => record_type: lax,
}

impl<'a> Cursor<'a> {
    fn lax(&mut self) -> Option<Lax<'a>> {
        if self.is_null()? {
            return Some(Lax(None));
        }
        let quoted = self.quoted()?;
        // To serde half a surrogate pair is no text.
        (!quoted.is_lossy).then_some(Lax(Some(quoted.text)))
    }

    fn said(&mut self) -> Option<Said<'a>> {
        if self.peek()? == b'"' {
            return Some(Said::Text(self.quoted()?.text));
        }
        Some(self.raw()?.0.map_or(Said::Nothing, Said::Json))
    }

    fn raw(&mut self) -> Option<Raw<'a>> {
        if self.is_null()? {
            return Some(Raw(None));
        }
        self.skip(DEEPEST).map(|json| Raw(Some(json)))
    }

    fn flag(&mut self) -> Option<Flag> {
        Some(Flag(match self.peek()? {
            b't' => self.word("true").map(|()| Some(true))?,
            b'f' => self.word("false").map(|()| Some(false))?,
            _ => self.word("null").map(|()| None)?,
        }))
    }

    fn items(&mut self) -> Option<Items<'a>> {
        let mut items = Items::default();
        match self.peek()? {
            b'"' => items.push(Item { text: self.lax()?, ..Item::default() }),
            b'[' => self.list(|cursor| {
                items.push(cursor.item()?);
                Some(())
            })?,
            _ => self.word("null")?,
        }
        Some(items.closed())
    }

    fn item(&mut self) -> Option<Item<'a>> {
        let mut item = Item::default();
        let mut seen = 0;
        self.object(|cursor, key| {
            match key {
                "text" => item.text = cursor.once(&mut seen, 0)?.lax()?,
                "image_url" => item.image_url = cursor.once(&mut seen, 1)?.lax()?,
                _ => drop(cursor.skip(DEEPEST)?),
            }
            Some(())
        })?;
        Some(item)
    }

    fn payload(&mut self) -> Option<Payload<'a>> {
        let mut payload = Payload::default();
        let mut seen = 0;
        self.object(|cursor, key| cursor.field(&mut payload, &mut seen, key))?;
        Some(payload)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::value::Error;
    use serde::de::{Deserialize, Deserializer, Visitor};
    use serde_json::{Value, json};

    use super::*;

    /// Asks a type which fields it has.
    struct Asking<'a>(&'a mut Vec<&'static str>);

    impl<'de> Deserializer<'de> for Asking<'_> {
        type Error = Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(serde::de::Error::custom("asked"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Error> {
            self.0.extend(fields);
            self.deserialize_any(visitor)
        }

        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
            unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    fn all_fields() -> Vec<&'static str> {
        let mut fields = Vec::new();
        let asked = Payload::deserialize(Asking(&mut fields));
        assert!(asked.is_err() && fields.len() > 40);
        fields
    }

    /// Reads a line both ways. Whether it was read here.
    fn is_quick(text: &str) -> bool {
        let Some(quick) = line(text) else { return false };
        let serde: Line<'_> = serde_json::from_str(text).expect("what is read here is JSON");
        assert_eq!(quick, serde, "{text}");
        true
    }

    fn with(payload: &Value) -> String {
        json!({"timestamp": "2026-01-02T10:00:00.000Z", "type": "event_msg", "payload": payload}).to_string()
    }

    #[test]
    fn what_codex_writes_is_read_here() {
        for payload in [
            json!({"type": "function_call_output", "call_id": "c", "output": "{\"output\":\"a\\n\\\"b\\\"\"}"}),
            json!({"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "é\n"}]}),
            json!({"type": "reasoning", "summary": [{"text": "x"}], "content": null, "encrypted_content": "gA"}),
            json!({"type": "message", "role": "user", "content": "x"}),
            json!({"type": "token_count", "info": {"total_token_usage": {"input_tokens": 1}}, "rate_limits": null}),
            json!({"type": "patch_apply_end", "success": true, "changes": {"/r/a": {"type": "add", "content": "x\n"}}}),
            json!({"a": [{}, [], [1, -0.5, 2e9, 0], true, false, null, {"b": {"c": "\u{1}\u{e9}"}}], "type": "x"}),
        ] {
            assert!(is_quick(&with(&payload)), "{payload}");
            assert!(is_quick(&with(&payload).replace("\":", "\" : ").replace(",\"", " , \"")), "{payload}");
        }
    }

    #[test]
    fn every_field_is_read_here_as_serde_reads_it() {
        for field in all_fields() {
            let texts = ["x", "", "two\nlines", "\u{e9}\t\"\\\u{1f600}\u{1}"].map(Value::from);
            let said =
                texts.iter().filter(|_| field != "success").filter(|said| is_quick(&with(&json!({field: said}))));
            assert_eq!(said.count(), if field == "success" { 0 } else { 4 }, "{field}");
            assert!(is_quick(&with(&json!({field: null}))), "{field}");
            for other in [json!(true), json!(7), json!(-1.5), json!([1, {"a": []}]), json!({"text": 1}), json!(["x"])] {
                is_quick(&with(&json!({field: other})));
            }
            let twice = format!(r#"{{"payload":{{"{field}":null,"{field}":null}}}}"#);
            assert!(serde_json::from_str::<Line<'_>>(&twice).is_err() && line(&twice).is_none(), "{field}");
        }
    }

    #[test]
    fn what_is_not_as_usual_is_left_to_serde() {
        for text in [
            "",
            "{}",
            r#"{"payload":null}"#,
            r#"{"payload":{}}{"payload":{}}"#,
            r#"{"payload":{}},"#,
            r#"{"payload":{},}"#,
            r#"{"payload":{"a":01}}"#,
            r#"{"payload":{"a":1.}}"#,
            r#"{"payload":{"a":1e}}"#,
            r#"{"payload":{"a":-}}"#,
            r#"{"payload":{"a":nul}}"#,
            r#"{"payload":{"a":"\x"}}"#,
            r#"{"payload":{"a":"\u12"}}"#,
            r#"{"payload":{"message":"\ud83d"}}"#,
            r#"{"payload":{"mess\u0061ge":"a"}}"#,
            r#"{"payload":{"message":7}}"#,
            "{\"payload\":{\"output\":\"a\nb\"}}",
            "{\"payload\":{\"a\":\"a\tb\"}}",
            "{\"payload\":{\"a\":1}}\r",
        ] {
            assert_eq!(line(text), None, "{text}");
        }
        assert!(is_quick(r#"{"payload":{"output":"a\ud83d"}}"#), "half a pair in what is decoded by us");
        let deep = format!(r#"{{"payload":{{"a":{}{}}}}}"#, "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(line(&deep), None);
    }

    fn value() -> impl Strategy<Value = Value> {
        let text = "\\PC{0,20}|[\\x00-\\x7f]{0,40}|[a-z\"\\\\\n]{0,40}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text.prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            let key = prop_oneof![Just("text".to_owned()), Just("image_url".to_owned()), "[a-z]{0,3}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_line_is_read_as_serde_reads_it(
            fields in prop::collection::btree_map(prop::sample::select(all_fields()), value(), 0..5),
            broken in prop::option::of((any::<prop::sample::Index>(), "[\"\\\\{}\\[\\],:0-9a-z \n-]{0,2}")),
        ) {
            let mut text = with(&json!(fields));
            if let Some((at, by)) = broken {
                let at = at.index(text.len());
                if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
                    text.replace_range(at..=at, &by);
                }
            }
            is_quick(&text);
        }
    }
}
