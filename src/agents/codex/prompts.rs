//! What a human typed, told from what was put in.

use std::ops::ControlFlow;
use std::rc::Rc;

use super::images;
use super::items::Items;
use super::machine::{Anchor, Machine};
use super::record::{Lax, Payload};
use super::state::{Stream, Title};
use super::stream::{blocks, injected_by};
use super::text;
use crate::agents::capped::Capped;
use crate::session::{Block, Content, Event, EventKind, Timestamp};

/// A message of the model-facing stream that may be a human's: its twin tells.
pub(super) struct Pending {
    pub anchor: Rc<Anchor>,
    pub place: Place,
    /// All its text, and that of each part: the twin has one of them.
    pub text: String,
    pub parts: Vec<String>,
    pub images: Vec<Block>,
}

/// Where an event is from.
pub(super) struct Place {
    pub id: String,
    pub offset: u64,
    pub at: Timestamp,
}

impl Machine<'_> {
    /// A user's message of the model-facing stream: injected, or a prompt whose twin comes next.
    pub(super) fn user_item(&mut self, items: Items<'_>, at: Timestamp) -> ControlFlow<()> {
        let by = injected_parts(&items);
        if let Some(by) = by {
            if self.state.cwd.is_none() {
                // The first versions have no other word of it.
                self.state.cwd =
                    items.0.iter().find_map(|item| text::cwd(item.text.str())).and_then(|cwd| self.facts.index(cwd));
                self.facts.cwd = self.facts.cwd.take().or(self.facts.name_at(self.state.cwd).map(str::to_owned));
            }
            let content = Content { blocks: blocks(items) };
            return self.emit(at, EventKind::SystemMessage, content, injected_by(by));
        }
        let all = items.text();
        if self.state.twins.was_said(text::hash("asked", &all), Stream::Model) {
            return ControlFlow::Continue(());
        }
        let parts = items.0.iter().filter_map(|item| item.text.filled()).map(|part| part.trim().to_owned()).collect();
        let images = items.0.iter().filter_map(|item| item.image_url.filled()).map(images::block).collect();
        let place = Place { id: self.next_id(), offset: self.offset, at };
        self.pending = Some(Pending { anchor: self.start(), place, text: all, parts, images });
        ControlFlow::Continue(())
    }

    /// A prompt as the screen showed it.
    pub(super) fn user_message(&mut self, payload: &mut Payload<'_>, at: Timestamp) -> ControlFlow<()> {
        self.state.has_user_events = true;
        let message = payload.message.take();
        let shown: Capped<Lax<'_>> = payload.images.typed().unwrap_or_default();
        let files: Capped<Lax<'_>> = payload.local_images.typed().unwrap_or_default();
        self.report.leave_out(shown.left_out + files.left_out);
        let mut images: Vec<Block> = shown.items.iter().filter_map(Lax::filled).map(images::block).collect();
        match self.pending.take() {
            Some(pending) if pending.is_twin(&message) => {
                if images.is_empty() {
                    images = pending.images;
                }
            }
            other => {
                self.pending = other;
                self.flush_pending()?;
                if self.state.twins.is_second(text::hash("asked", &message), Stream::Shown) {
                    return ControlFlow::Continue(());
                }
                // Its twin comes later, if at all.
            }
        }
        let mut blocks = Vec::new();
        let kind = payload.kind.filled().filter(|kind| *kind != "plain");
        let by = kind.map(str::to_owned).or_else(|| text::injected(&message).map(str::to_owned));
        if !message.is_empty() {
            blocks.push(Block::Text { text: message });
        }
        blocks.append(&mut images);
        let files = files.items.into_iter().filter(|path| path.filled().is_some());
        blocks.extend(files.map(|path| Block::File { path: path.into_string(), content: None }));
        if blocks.is_empty() {
            return ControlFlow::Continue(());
        }
        let place = Place { id: self.next_id(), offset: self.offset, at };
        self.prompt(place, Content { blocks }, by)
    }

    /// Emits a prompt: a human's, unless something injected it or another agent wrote it.
    fn prompt(&mut self, place: Place, content: Content, by: Option<String>) -> ControlFlow<()> {
        let by = by.or_else(|| self.state.in_subagent.then(|| "parent_agent".to_owned()));
        if by.as_deref().is_none_or(|by| by == "parent_agent") && self.facts.prompt.is_none() {
            self.facts.prompt = content.texts().find_map(|text| Title::of(text, place.offset));
        }
        let kind = if by.is_some() { EventKind::SystemMessage } else { EventKind::UserMessage };
        let mut event = Event::new(place.id, place.at, kind, content);
        event.attributes = by.map(|by| injected_by(&by)).unwrap_or_default();
        self.emit_event(event)
    }

    /// Decides on a user's message whose twin did not come. Where prompts have twins, one without was
    /// not typed (29 of 29 measured); nor was what is one element from end to end.
    pub(super) fn flush_pending(&mut self) -> ControlFlow<()> {
        let Some(Pending { place, text: said, images, .. }) = self.pending.take() else {
            return ControlFlow::Continue(());
        };
        let by = match (self.state.has_user_events, text::is_element(&said)) {
            (_, true) => Some("element".to_owned()),
            (true, false) => Some("unshown".to_owned()),
            (false, false) => {
                self.state.twins.expect_second(text::hash("asked", &said), Stream::Model);
                None
            }
        };
        if said.trim().is_empty() && images.is_empty() {
            return ControlFlow::Continue(());
        }
        let mut blocks: Vec<Block> = Vec::new();
        if !said.trim().is_empty() {
            blocks.push(Block::Text { text: said });
        }
        blocks.extend(images);
        self.prompt(place, Content { blocks }, by)
    }
}

impl Pending {
    /// Whether this is the same message as the screen showed it. With images or skills, the
    /// model-facing one has parts of its own besides what was typed.
    fn is_twin(&self, shown: &str) -> bool {
        let shown = shown.trim();
        if shown.is_empty() {
            return !self.images.is_empty();
        }
        self.text.trim() == shown || self.parts.iter().any(|part| part == shown)
    }
}

/// What injected a message, if all its parts were.
fn injected_parts(items: &Items<'_>) -> Option<&'static str> {
    let mut by = None;
    for item in &items.0 {
        if item.image_url.filled().is_some() {
            return None;
        }
        by = by.or(Some(text::injected(item.text.str())?));
    }
    by
}
