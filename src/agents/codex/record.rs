//! The records of a rollout file, borrowed from their line.
//!
//! Every line is `{"timestamp","type","payload"}`. The payloads of all types share one struct, so
//! that a line is taken apart in one pass: what a type does not have stays empty. Fields that
//! changed their shape between versions are kept raw, or read by [`Lax`], which takes what is a
//! text and leaves what is not: an unknown shape costs a field, not the line.
//!
//! How a line is read is said twice: here, by serde, for whatever Codex may write, and in
//! [`quick`](super::quick) for what it does write.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::items::{Items, Output};
use crate::agents::long::Hollow;
use crate::agents::unescape;

/// One line.
#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(super) struct Line<'a> {
    #[serde(borrow)]
    pub timestamp: Lax<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Lax<'a>,
    /// Boxed: it is a kilobyte, and would be copied at every step on its way out of the deserializer.
    #[serde(borrow)]
    pub payload: Option<Box<Payload<'a>>>,
}

/// The payload of any line. In the first Rust versions (before 0.32) the line itself.
#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(super) struct Payload<'a> {
    #[serde(borrow, rename = "type")]
    pub tag: Lax<'a>,
    #[serde(borrow)]
    pub id: Lax<'a>,
    #[serde(borrow)]
    pub timestamp: Lax<'a>,

    // session_meta
    #[serde(borrow)]
    pub session_id: Lax<'a>,
    #[serde(borrow)]
    pub forked_from_id: Lax<'a>,
    #[serde(borrow)]
    pub parent_thread_id: Lax<'a>,
    #[serde(borrow)]
    pub thread_source: Lax<'a>,
    #[serde(borrow)]
    pub originator: Lax<'a>,
    #[serde(borrow)]
    pub cli_version: Lax<'a>,
    #[serde(borrow)]
    pub model_provider: Lax<'a>,
    #[serde(borrow)]
    pub agent_nickname: Lax<'a>,
    #[serde(borrow)]
    pub agent_role: Lax<'a>,
    #[serde(borrow)]
    pub source: Raw<'a>,
    #[serde(borrow)]
    pub git: Raw<'a>,

    // turn_context, and whatever belongs to a turn
    #[serde(borrow)]
    pub cwd: Lax<'a>,
    #[serde(borrow)]
    pub model: Lax<'a>,
    #[serde(borrow)]
    pub turn_id: Lax<'a>,

    // messages and reasoning, in both streams
    #[serde(borrow)]
    pub role: Lax<'a>,
    #[serde(borrow)]
    pub phase: Lax<'a>,
    #[serde(borrow)]
    pub kind: Lax<'a>,
    #[serde(borrow)]
    pub message: Lax<'a>,
    #[serde(borrow)]
    pub text: Lax<'a>,
    #[serde(borrow)]
    pub content: Items<'a>,
    #[serde(borrow)]
    pub summary: Items<'a>,
    #[serde(borrow)]
    pub images: Raw<'a>,
    #[serde(borrow)]
    pub local_images: Raw<'a>,

    // calls and what came of them
    #[serde(borrow)]
    pub call_id: Lax<'a>,
    #[serde(borrow)]
    pub name: Lax<'a>,
    #[serde(borrow)]
    pub namespace: Lax<'a>,
    #[serde(borrow)]
    pub input: Said<'a>,
    #[serde(borrow)]
    pub status: Lax<'a>,
    #[serde(borrow)]
    pub query: Lax<'a>,
    #[serde(borrow)]
    pub revised_prompt: Lax<'a>,
    #[serde(borrow)]
    pub arguments: Said<'a>,
    #[serde(borrow)]
    pub action: Raw<'a>,
    #[serde(borrow)]
    pub result: Said<'a>,
    #[serde(borrow)]
    pub tools: Raw<'a>,
    #[serde(borrow)]
    pub duration: Raw<'a>,
    #[serde(borrow)]
    pub changes: Raw<'a>,
    #[serde(borrow)]
    pub output: Said<'a>,
    pub success: Flag,

    // the rest of event_msg
    #[serde(borrow)]
    pub info: Raw<'a>,
    #[serde(borrow)]
    pub reason: Lax<'a>,
    #[serde(borrow)]
    pub thread_name: Lax<'a>,
    #[serde(borrow)]
    pub num_turns: Raw<'a>,

    // lines without an envelope
    #[serde(borrow)]
    pub record_type: Lax<'a>,
}

impl<'a> Payload<'a> {
    /// The field that has nothing in it because its text was taken out of the line.
    pub(super) fn gap(&mut self, line: &Hollow) -> Option<&mut Cow<'a, str>> {
        self.output.open();
        let (mut output, mut answered) = (None, None);
        match &mut self.output {
            Said::Text(text) => output = Some(text),
            Said::Output(read) => answered = Some(&mut read.items.0),
            Said::Nothing | Said::Json(_) => {}
        }
        let said = [&mut self.arguments, &mut self.input, &mut self.result].into_iter();
        let said = said.filter_map(|said| match said {
            Said::Text(text) => Some(text),
            Said::Nothing | Said::Json(_) | Said::Output(_) => None,
        });
        let items = answered.into_iter().flatten().chain(&mut self.content.0).chain(&mut self.summary.0);
        let texts = items.flat_map(|item| [&mut item.text, &mut item.image_url]);
        let texts = texts.chain([&mut self.message, &mut self.text]).filter_map(|text| text.0.as_mut());
        output.into_iter().chain(said).chain(texts).find(|text| line.is_gap(text))
    }
}

/// A value as it is spelled, to be read by whoever knows what it should be; `null` is none.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Raw<'a>(pub Option<&'a str>);

impl<'a> Raw<'a> {
    /// What it holds, if it has the shape of `T`.
    pub(super) fn typed<T: Deserialize<'a>>(self) -> Option<T> {
        self.0.and_then(|json| serde_json::from_str(json).ok())
    }

    /// The text, if it is one.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        self.0.and_then(unescape::text)
    }
}

/// What is a text nearly always, decoded, and else as it is spelled. (Texts of JSON by the rules: half
/// of a surrogate pair, where a text was cut, becomes U+FFFD instead of an error.)
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) enum Said<'a> {
    #[default]
    Nothing,
    Text(Cow<'a, str>),
    Json(&'a str),
    /// JSON that was read already, as the output of a call.
    Output(Box<Output<'a>>),
}

impl<'a> Said<'a> {
    /// The text, if it is one.
    pub(super) fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing | Self::Json(_) | Self::Output(_) => None,
        }
    }

    /// Reads what is JSON as the output of a call.
    fn open(&mut self) {
        if let Self::Json(_) = self {
            *self = Self::Output(Box::new(std::mem::take(self).into_output()));
        }
    }

    /// As the output of a call.
    pub(super) fn into_output(self) -> Output<'a> {
        match self {
            Self::Nothing => Output::default(),
            Self::Text(text) => Output::text(text),
            Self::Json(json) => Raw(Some(json)).typed().unwrap_or_default(),
            Self::Output(output) => *output,
        }
    }
}

/// `session_meta.git`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Git<'a> {
    #[serde(borrow)]
    pub commit_hash: Lax<'a>,
    #[serde(borrow)]
    pub branch: Lax<'a>,
    #[serde(borrow)]
    pub repository_url: Lax<'a>,
}

/// `token_count.info`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct TokenInfo {
    pub total_token_usage: Option<Usage>,
    pub last_token_usage: Option<Usage>,
}

/// Tokens as Codex counts them: cached ones are part of the input, reasoning is part of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    #[serde(rename = "input_tokens")]
    pub input: u64,
    #[serde(rename = "cached_input_tokens")]
    pub cached: u64,
    #[serde(rename = "output_tokens")]
    pub output: u64,
    #[serde(rename = "reasoning_output_tokens")]
    pub reasoning: u64,
    #[serde(rename = "total_tokens")]
    pub total: u64,
}

/// `{secs, nanos}`, as Rust writes a duration.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Seconds {
    pub secs: u64,
    pub nanos: u32,
}

impl Seconds {
    pub(super) fn millis(&self) -> u64 {
        self.secs.saturating_mul(1000).saturating_add(u64::from(self.nanos / 1_000_000))
    }
}

/// A text where there should be one, nothing where there is anything else.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Lax<'a>(pub Option<Cow<'a, str>>);

impl Lax<'_> {
    /// The text; empty if there is none.
    pub(super) fn str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// The text, if there is one and it is not empty.
    pub(super) fn filled(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }

    /// The text as an owned one, copied only if it is borrowed.
    pub(super) fn into_string(self) -> String {
        self.0.map(Cow::into_owned).unwrap_or_default()
    }

    /// Takes the text, leaving none.
    pub(super) fn take(&mut self) -> String {
        Lax(self.0.take()).into_string()
    }
}

/// A boolean where there should be one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flag(pub Option<bool>);

/// Answers for the shapes that a lenient visitor passes over.
macro_rules! pass_over {
    ($nothing:expr; $($scalar:ident($type:ty)),*) => {
        $(fn $scalar<E>(self, _: $type) -> Result<Self::Value, E> {
            Ok($nothing)
        })*

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($nothing)
        }
    };
}

pub(super) use pass_over;

pub(super) fn drain_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

pub(super) fn drain_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de: 'a, 'a> Deserialize<'de> for Lax<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LaxVisitor;

        impl<'de> Visitor<'de> for LaxVisitor {
            type Value = Lax<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Lax(Some(Cow::Borrowed(text))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Lax(Some(Cow::Owned(text.to_owned()))))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                drain_map(map).map(|()| Lax(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                drain_seq(seq).map(|()| Lax(None))
            }

            pass_over!(Lax(None); visit_bool(bool), visit_u64(u64), visit_i64(i64), visit_f64(f64));
        }

        deserializer.deserialize_any(LaxVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Raw(Option::<&RawValue>::deserialize(deserializer)?.map(RawValue::get)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Said<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        Ok(match (raw.text(), raw.0) {
            (Some(text), _) => Self::Text(text),
            (None, Some(json)) => Self::Json(json),
            (None, None) => Self::Nothing,
        })
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;

        impl<'de> Visitor<'de> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(Flag(Some(flag)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                drain_map(map).map(|()| Flag(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                drain_seq(seq).map(|()| Flag(None))
            }

            pass_over!(Flag(None); visit_str(&str), visit_u64(u64), visit_i64(i64), visit_f64(f64));
        }

        deserializer.deserialize_any(FlagVisitor)
    }
}
