//! What an event says or carries.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The blocks of one event, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// Text, code, data, references.
    pub blocks: Vec<Block>,
}

impl Content {
    /// No blocks.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// One block of text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { blocks: vec![Block::Text { text: text.into() }] }
    }

    /// One block of data.
    #[must_use]
    pub fn json(data: Value) -> Self {
        Self { blocks: vec![Block::Json { data }] }
    }

    /// The text blocks, in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Text { text } => Some(text.as_str()),
            _ => None,
        })
    }
}

/// One piece of content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[non_exhaustive]
pub enum Block {
    /// Plain text, or Markdown.
    Text {
        /// The text.
        text: String,
    },
    /// Source code.
    Code {
        /// The code.
        code: String,
        /// Its language.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
        /// The number of its first line in the file it is from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start_line: Option<u32>,
    },
    /// An image. Its bytes are never here: see [`Block::Reference`].
    Image {
        /// Where it is.
        url: String,
        /// What it shows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alt: Option<String>,
        /// Its media type.
        mime: String,
    },
    /// A video.
    Video {
        /// Where it is.
        url: String,
        /// Its media type.
        mime: String,
    },
    /// A sound.
    Audio {
        /// Where it is.
        url: String,
        /// Its media type.
        mime: String,
    },
    /// A file, with or without what is in it.
    File {
        /// Its path as the agent wrote it.
        path: String,
        /// What is in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<String>,
    },
    /// Any data: a tool's input, a structured result.
    Json {
        /// The data.
        data: Value,
    },
    /// Something that is elsewhere, or was left out: an attachment as
    /// `sha256:<hex>?size=<bytes>`.
    Reference {
        /// What and where.
        uri: String,
        /// Its media type.
        media_type: String,
    },
    /// A block of a type that this version does not know, kept as it is.
    #[serde(untagged)]
    Other(Value),
}
