//! What came of the calls: their results, and the edits they made.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::rc::Rc;

use super::calls::{self, Answer, Call};
use super::machine::{Anchor, Machine};
use super::patch::{self, Change, What};
use super::record::{Payload, Seconds};
use super::text;
use crate::agents::capped::{Capped, left_out_note};
use crate::session::{Attributes, Block, Content, Event, EventKind, Timestamp, attr};

/// Edits that a call asked for, until its result says whether they were made.
pub(super) struct OpenPatch {
    pub id: u64,
    pub changes: Capped<Change>,
    pub folder: String,
    offset: u64,
    pub anchor: Rc<Anchor>,
}

/// A call that has not answered within so many bytes never will: its edits are forgotten, so that
/// reading on never goes back further.
const OPEN_PATCH: u64 = 4 << 20;
const OPEN_PATCHES: usize = 64;

/// The longest folder and id of a call that its edits repeat, in bytes: a call may have very many of them.
const REPEATED: usize = 4096;

/// The attributes of what belongs to a call.
pub(super) fn of_call(call_id: &str) -> Attributes {
    let mut attributes = Attributes::new();
    if !call_id.is_empty() {
        attributes.insert(attr::CALL_ID.to_owned(), call_id.into());
    }
    attributes
}

impl Machine<'_> {
    /// Makes the call an event, and remembers what its result will need.
    pub(super) fn call(&mut self, at: Timestamp, call_id: &str, call: Call) -> ControlFlow<()> {
        let Call { name, kind, content, edits, folder } = call;
        let mut attributes = Attributes::new();
        if !call_id.is_empty() {
            attributes.insert(attr::CALL_ID.to_owned(), call_id.into());
            let id = text::hash("call", call_id);
            let name = self.facts.index(&name);
            self.state.open_call(id, name);
            if !edits.is_empty() {
                let cwd = self.facts.name_at(self.state.cwd).unwrap_or_default();
                let folder = folder.map_or_else(|| cwd.to_owned(), |folder| patch::resolve(cwd, &folder));
                if self.patches.len() >= OPEN_PATCHES {
                    self.patches.pop_front();
                }
                let anchor = self.start();
                self.patches.push_back(OpenPatch { id, changes: edits, folder, offset: self.offset, anchor });
            }
        }
        self.emit(at, kind, content, attributes)
    }

    /// The edits a call asked for.
    pub(super) fn close_patch(&mut self, id: u64) -> Option<OpenPatch> {
        let at = self.patches.iter().rposition(|open| open.id == id)?;
        self.patches.remove(at)
    }

    pub(super) fn drop_old_patches(&mut self) {
        while self.patches.front().is_some_and(|open| self.offset.saturating_sub(open.offset) > OPEN_PATCH) {
            self.patches.pop_front();
        }
    }

    /// Tells the edits that a call has made.
    pub(super) fn edits(
        &mut self,
        at: Timestamp,
        call_id: &str,
        folder: &str,
        changes: Capped<Change>,
    ) -> ControlFlow<()> {
        let Capped { items, left_out } = changes;
        let [call_id, folder] = [call_id, folder].map(|text| if text.len() > REPEATED { "" } else { text });
        for Change { path, what } in items {
            let path = patch::resolve(folder, &path);
            match what {
                What::Add { content } => {
                    self.edit(at, call_id, EventKind::FileCreate { path }, Content::text(content))?;
                }
                What::Delete => self.edit(at, call_id, EventKind::FileDelete { path }, Content::empty())?,
                What::Update { diff, moved_to } => {
                    let diff = Some(diff).filter(|diff| !diff.is_empty());
                    let to = moved_to.map(|to| patch::resolve(folder, &to)).filter(|to| *to != path);
                    let edited = to.clone().unwrap_or_else(|| path.clone());
                    self.edit(at, call_id, EventKind::FileEdit { path: edited, diff }, Content::empty())?;
                    if to.is_some() {
                        self.edit(at, call_id, EventKind::FileDelete { path }, Content::empty())?;
                    }
                }
            }
        }
        if left_out > 0 {
            self.report.leave_out(left_out);
            let kind = EventKind::Custom { kind: "edits_left_out".to_owned() };
            self.edit(at, call_id, kind, Content::text(left_out_note(left_out)))?;
        }
        ControlFlow::Continue(())
    }

    fn edit(&mut self, at: Timestamp, call_id: &str, kind: EventKind, content: Content) -> ControlFlow<()> {
        self.emit(at, kind, content, of_call(call_id))
    }

    /// How long a call took: its result does not always say.
    pub(super) fn took(&mut self, payload: &Payload<'_>) {
        let id = text::hash("call", payload.call_id.str());
        let took = payload.duration.typed::<Seconds>().map(|duration| duration.millis());
        if let Some(call) = self.state.calls.iter_mut().rfind(|call| call.id == id) {
            call.duration_ms = took;
        }
    }

    pub(super) fn output(&mut self, payload: &mut Payload<'_>, call_id: &str, at: Timestamp) -> ControlFlow<()> {
        let output = std::mem::take(&mut payload.output).into_output();
        self.report.leave_out(output.items.1);
        let answer = calls::answer(output);
        let id = text::hash("call", call_id);
        let open = self.close_patch(id);
        // A script may patch with success and fail later: what the patch printed counts.
        let made = open.map(|open| (patch::succeeded(open.changes, &printed(&answer.blocks)), open.folder));
        self.result(at, call_id, answer)?;
        let Some((changes, folder)) = made.filter(|(changes, _)| !changes.is_empty()) else {
            return ControlFlow::Continue(());
        };
        if !self.state.first_edits_of(id) {
            return ControlFlow::Continue(());
        }
        self.edits(at, call_id, &folder, changes)
    }

    pub(super) fn result(&mut self, at: Timestamp, call_id: &str, answer: Answer) -> ControlFlow<()> {
        let call = self.state.close_call(text::hash("call", call_id));
        let name = call.as_ref().and_then(|call| self.facts.name_at(call.name)).unwrap_or("unknown").to_owned();
        let mut attributes = of_call(call_id);
        if let Some(code) = answer.exit_code {
            attributes.insert(attr::EXIT_CODE.to_owned(), code.into());
        }
        let call_id = Some(call_id.to_owned()).filter(|id| !id.is_empty());
        let kind = EventKind::ToolResult { name, is_error: answer.is_error, call_id };
        let id = self.next_id();
        let mut event = Event::new(id, at, kind, Content { blocks: answer.blocks });
        event.attributes = attributes;
        event.duration_ms = call.and_then(|call| call.duration_ms).or(answer.duration_ms);
        self.emit_event(event)
    }

    /// The best source of edits: what was changed, with its diffs. It may come before the result.
    pub(super) fn patch_applied(&mut self, payload: &Payload<'_>, at: Timestamp) -> ControlFlow<()> {
        self.flush_pending()?;
        let call_id = payload.call_id.str();
        let id = text::hash("call", call_id);
        let open = self.close_patch(id);
        let succeeded = payload.success.0.unwrap_or_else(|| payload.status.str() == "completed");
        if !self.state.first_edits_of(id) || !succeeded {
            return ControlFlow::Continue(());
        }
        let cwd = self.facts.name_at(self.state.cwd).unwrap_or_default().to_owned();
        let folder = open.as_ref().map_or(cwd, |open| open.folder.clone());
        let mut changes = payload.changes.0.map(patch::applied).unwrap_or_default();
        if changes.is_empty() {
            changes = open.map(|open| open.changes).unwrap_or_default();
        }
        self.edits(at, call_id, &folder, changes)
    }
}

/// What a call printed: nearly always one text.
fn printed(blocks: &[Block]) -> Cow<'_, str> {
    match blocks {
        [Block::Text { text }] => Cow::Borrowed(text),
        blocks => blocks.iter().filter_map(as_text).collect(),
    }
}

fn as_text(block: &Block) -> Option<&str> {
    match block {
        Block::Text { text } => Some(text),
        _ => None,
    }
}
