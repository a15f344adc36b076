//! What the records say: the two streams made one.
//!
//! The conversation is in `event_msg` (what the screen showed) and again in `response_item` (what the
//! model saw); tools are whole only in `response_item`. Whatever both say becomes one event, by
//! whichever comes first; what only one of them says is kept.

use std::ops::ControlFlow;

use serde_json::Value;

use super::calls::{self, Answer};
use super::copy::{Copy, Role, Verdict};
use super::images;
use super::items::{Item, Items};
use super::machine::Machine;
use super::record::{Payload, TokenInfo};
use super::results::of_call;
use super::state::{Stream, Title};
use super::text;
use crate::session::{Attributes, Block, Content, EventKind, Timestamp, attr};

/// Whether a line of this type is one of Codex.
pub(super) fn is_known(kind: &str) -> bool {
    matches!(kind, "session_meta" | "turn_context" | "response_item" | "event_msg" | "compacted")
}

/// Whether a record begins a copy, ends it, or is part of it.
pub(super) fn judge(copy: &mut Copy, kind: &str, payload: &Payload<'_>, at: Timestamp) -> Verdict {
    let tag = payload.tag.str();
    let role = match (kind, tag) {
        ("session_meta", _) => Role::Meta,
        ("turn_context", _) | ("event_msg", "user_message" | "task_started" | "turn_started") => Role::Opener,
        ("response_item", "message") if payload.role.str() != "assistant" => Role::Opener,
        ("response_item", "ghost_snapshot") => Role::Neutral,
        ("response_item" | "compacted", _)
        | ("event_msg", "agent_message" | "agent_reasoning" | "turn_aborted" | "task_complete" | "turn_complete") => {
            Role::Output
        }
        ("event_msg", "token_count") if payload.info.0.is_some() => Role::Output,
        _ => Role::Neutral,
    };
    let starts_turn = kind == "event_msg" && matches!(tag, "task_started" | "turn_started");
    let turn = payload.turn_id.filled().filter(|_| starts_turn || kind == "turn_context");
    copy.judge(role, starts_turn, at, turn)
}

pub(super) fn injected_by(name: &str) -> Attributes {
    Attributes::from([(attr::INJECTED.to_owned(), Value::from(name))])
}

impl Machine<'_> {
    /// Reads one record of the session's own. False: it says nothing of its own.
    pub(super) fn take(&mut self, kind: &str, payload: &mut Payload<'_>, at: Timestamp) -> ControlFlow<(), bool> {
        match kind {
            "session_meta" => self.session_meta(payload, at)?,
            "turn_context" => self.turn_context(payload),
            "response_item" => return self.response_item(payload, at),
            "event_msg" => return self.event_msg(payload, at),
            "compacted" => self.compacted(payload.message.take(), Stream::Model, at)?,
            _ => return ControlFlow::Continue(false),
        }
        ControlFlow::Continue(true)
    }

    /// What a copied record tells all the same: the totals that the session's own go on from, and
    /// whose copy it is.
    pub(super) fn absorb(&mut self, kind: &str, payload: &Payload<'_>, at: Timestamp) {
        match (kind, payload.tag.str()) {
            ("event_msg", "token_count") => {
                let info: TokenInfo = payload.info.typed().unwrap_or_default();
                self.state.spent(info.total_token_usage, info.last_token_usage);
            }
            ("turn_context", _) => self.turn_context(payload),
            ("session_meta", _) if payload.id.filled() != self.facts.session_id.as_deref() => {
                self.foreign_meta(payload, at);
            }
            _ => {}
        }
    }

    fn response_item(&mut self, payload: &mut Payload<'_>, at: Timestamp) -> ControlFlow<(), bool> {
        let tells_nothing =
            matches!(payload.tag.str(), "ghost_snapshot" | "compaction" | "context_compaction" | "other" | "");
        if tells_nothing {
            return ControlFlow::Continue(false);
        }
        self.flush_pending()?;
        let call_id = payload.call_id.filled().or(payload.id.filled()).unwrap_or_default().to_owned();
        match payload.tag.str() {
            "message" => self.message(payload, at)?,
            "reasoning" => self.reasoning(payload, at)?,
            "agent_message" => {
                let content = Content { blocks: blocks(std::mem::take(&mut payload.content)) };
                if content.blocks.is_empty() {
                    return ControlFlow::Continue(false);
                }
                self.emit(at, EventKind::SystemMessage, content, injected_by("agent_message"))?;
            }
            "function_call" => self.call(at, &call_id, calls::function(payload))?,
            "custom_tool_call" => self.call(at, &call_id, calls::custom(payload))?,
            "local_shell_call" => self.call(at, &call_id, calls::local_shell(payload))?,
            "tool_search_call" => self.call(at, &call_id, calls::tool_search(payload))?,
            "web_search_call" => return self.web(payload, at, Stream::Model),
            "image_generation_call" => self.image(payload, &call_id, at)?,
            "function_call_output" | "custom_tool_call_output" => self.output(payload, &call_id, at)?,
            "tool_search_output" => {
                let content = calls::raw_data(payload.tools).map_or_else(Content::empty, Content::json);
                self.result(at, &call_id, Answer { blocks: content.blocks, ..Answer::default() })?;
            }
            _ => return ControlFlow::Continue(false),
        }
        ControlFlow::Continue(true)
    }

    fn event_msg(&mut self, payload: &mut Payload<'_>, at: Timestamp) -> ControlFlow<(), bool> {
        let tag = payload.tag.0.clone().unwrap_or_default();
        match tag.as_ref() {
            "user_message" => self.user_message(payload, at)?,
            "agent_message" => {
                self.flush_pending()?;
                self.said(payload.message.take(), payload.phase.filled(), Stream::Shown, at)?;
            }
            "agent_reasoning" | "agent_reasoning_raw_content" => {
                self.flush_pending()?;
                self.thought(payload.text.take(), at)?;
            }
            "token_count" => self.tokens(payload)?,
            "patch_apply_end" => self.patch_applied(payload, at)?,
            "web_search_end" => {
                self.flush_pending()?;
                return self.web(payload, at, Stream::Shown);
            }
            "exec_command_end" | "mcp_tool_call_end" => {
                self.took(payload);
                return ControlFlow::Continue(false);
            }
            "thread_name_updated" => {
                if let Some(name) = payload.thread_name.filled() {
                    self.facts.name = Title::of(name, self.offset).or(self.facts.name.take());
                }
            }
            "context_compacted" => self.compacted(String::new(), Stream::Shown, at)?,
            "turn_aborted" => {
                let reason = payload.reason.take();
                self.turn_ended()?;
                self.note("turn_aborted", Content::text(reason), at)?;
            }
            "task_complete" | "turn_complete" => {
                self.turn_ended()?;
                return ControlFlow::Continue(false);
            }
            "thread_rolled_back" => {
                self.flush_pending()?;
                let undone = payload.num_turns.typed::<u64>().unwrap_or(0);
                self.note("thread_rolled_back", Content::json(serde_json::json!({ "num_turns": undone })), at)?;
            }
            "entered_review_mode" | "exited_review_mode" | "undo_completed" | "error" => {
                self.flush_pending()?;
                let content = payload.message.filled().map_or_else(Content::empty, Content::text);
                self.note(&tag, content, at)?;
            }
            _ => return ControlFlow::Continue(false),
        }
        ControlFlow::Continue(true)
    }

    fn note(&mut self, kind: &str, content: Content, at: Timestamp) -> ControlFlow<()> {
        self.emit(at, EventKind::Custom { kind: kind.to_owned() }, content, Attributes::new())
    }

    fn turn_ended(&mut self) -> ControlFlow<()> {
        self.flush_pending()?;
        // A call that is unanswered now stays so.
        self.patches.clear();
        self.release()
    }

    /// A message of the model-facing stream.
    fn message(&mut self, payload: &mut Payload<'_>, at: Timestamp) -> ControlFlow<()> {
        match payload.role.str() {
            "assistant" => {
                let said = payload.content.text();
                self.said(said, payload.phase.filled(), Stream::Model, at)
            }
            "user" => self.user_item(std::mem::take(&mut payload.content), at),
            role => {
                let by = if role.is_empty() { "unknown" } else { role }.to_owned();
                let content = Content { blocks: blocks(std::mem::take(&mut payload.content)) };
                self.emit(at, EventKind::SystemMessage, content, injected_by(&by))
            }
        }
    }

    fn said(&mut self, said: String, phase: Option<&str>, stream: Stream, at: Timestamp) -> ControlFlow<()> {
        if said.trim().is_empty() || self.state.twins.is_second(text::hash("said", &said), stream) {
            return ControlFlow::Continue(());
        }
        let phase = phase.map(|phase| ("phase".to_owned(), Value::from(phase)));
        self.emit(at, EventKind::AgentMessage, Content::text(said), phase.into_iter().collect())
    }

    fn thought(&mut self, thought: String, at: Timestamp) -> ControlFlow<()> {
        if thought.trim().is_empty() || self.state.twins.is_second(text::hash("thought", &thought), Stream::Shown) {
            return ControlFlow::Continue(());
        }
        self.emit(at, EventKind::Thinking, Content::text(thought), Attributes::new())
    }

    /// Reasoning of the model-facing stream: its sections that the screen did not show. The encrypted
    /// part says nothing to anyone.
    fn reasoning(&mut self, payload: &Payload<'_>, at: Timestamp) -> ControlFlow<()> {
        let told = |items: &Items<'_>| items.0.iter().any(|item| !item.text.str().trim().is_empty());
        let sections = if told(&payload.summary) { &payload.summary } else { &payload.content };
        let mut blocks = Vec::new();
        for section in &sections.0 {
            let said = section.text.str();
            if !said.trim().is_empty() && !self.state.twins.is_second(text::hash("thought", said), Stream::Model) {
                blocks.push(Block::Text { text: said.to_owned() });
            }
        }
        if blocks.is_empty() {
            return ControlFlow::Continue(());
        }
        self.emit(at, EventKind::Thinking, Content { blocks }, Attributes::new())
    }

    fn tokens(&mut self, payload: &Payload<'_>) -> ControlFlow<()> {
        let Some(info) = payload.info.typed::<TokenInfo>() else { return ControlFlow::Continue(()) };
        let spent = self.state.spent(info.total_token_usage, info.last_token_usage);
        if spent.is_zero() {
            return ControlFlow::Continue(());
        }
        self.flush_pending()?;
        self.spend(spent)
    }

    fn compacted(&mut self, summary: String, stream: Stream, at: Timestamp) -> ControlFlow<()> {
        self.flush_pending()?;
        if self.state.twins.is_second(text::hash("compacted", ""), stream) {
            return ControlFlow::Continue(());
        }
        let content = if summary.is_empty() { Content::empty() } else { Content::text(summary) };
        self.note("compaction", content, at)
    }

    /// A search is told by both streams, and only one of them knows the call's id.
    fn web(&mut self, payload: &Payload<'_>, at: Timestamp, stream: Stream) -> ControlFlow<(), bool> {
        let call = calls::web(payload);
        let what = match &call.kind {
            EventKind::WebFetch { url } => text::hash("fetch", url),
            EventKind::WebSearch { query } => text::hash("search", query),
            _ => 0,
        };
        if self.state.twins.is_second(what, stream) {
            return ControlFlow::Continue(false);
        }
        let call_id = payload.call_id.filled().or(payload.id.filled()).unwrap_or_default();
        self.emit(at, call.kind, call.content, of_call(call_id))?;
        ControlFlow::Continue(true)
    }

    fn image(&mut self, payload: &mut Payload<'_>, call_id: &str, at: Timestamp) -> ControlFlow<()> {
        let prompt = payload.revised_prompt.str().to_owned();
        let image = std::mem::take(&mut payload.result).into_text().filter(|image| !image.is_empty());
        let image = image.map(|image| images::generated(&image));
        let content = Content { blocks: image.into_iter().collect() };
        self.emit(at, EventKind::ImageGenerate { prompt }, content, of_call(call_id))
    }
}

pub(super) fn blocks(items: Items<'_>) -> Vec<Block> {
    let block = |item: Item<'_>| match item.image_url.filled() {
        Some(url) => Some(images::block(url)),
        None => Some(item.text.into_string()).filter(|text| !text.is_empty()).map(|text| Block::Text { text }),
    };
    items.0.into_iter().filter_map(block).collect()
}
