//! Copied history: what a fork, a subagent or an old resume repeats of its parent.
//!
//! Such a file begins with its own `session_meta`, then has the parent's lines (its `session_meta`,
//! turns, messages, token counts), written anew at the moment of the copy, and only then its own. They
//! are in the parent's file already: counted here again, tokens and prompts double.
//!
//! What one file tells of where the copy ends, in the order of its worth:
//! - Turn ids are UUIDs of version 7 and hold their time (since about 0.100): a turn older than the
//!   session is the parent's, the first that is not ends the copy.
//! - A line stamped before the session existed is the parent's (some versions copy the stamps).
//! - Otherwise the copy is one burst: its lines are stamped as fast as a disk writes (measured: 8 ms
//!   at most between two lines, 0.2 s for 320), while before any line of the session's own there is a
//!   human or a model to wait for. A pause of [`PAUSE`] ends the copy. A prompt that was given
//!   together with the resume follows the burst at once, but its answer does not: it is kept when
//!   the pause comes after it.
//!
//! What this cannot know: a copy whose writing stalled for half a second ends too early, and an own
//! prompt that was interrupted before any answer, in a file without turn ids, is taken for a copy's
//! last if it came with the resume.

use serde::{Deserialize, Serialize};

use crate::session::Timestamp;

/// In milliseconds: longer than between two lines of a copy, shorter than a model's answer.
const PAUSE: i64 = 500;

/// Where turn ids tell the turns apart, a pause is only for files whose own turns have none.
const LONG_PAUSE: i64 = 10_000;

/// Reading a copy, or not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Copy {
    /// Whether the lines that come are a copy.
    pub active: bool,
    /// When the session was made, in milliseconds: as its first record says, and as its id says. The
    /// two need not agree, so stamps are held against the one and turn ids against the other.
    made: i64,
    id_made: i64,
    /// Whether the copy has turn ids with a time in them.
    has_turn_ids: bool,
    /// Whether anything in it is the agent's doing.
    has_output: bool,
    /// When the last line of the copy was stamped that is no candidate for an own prompt.
    last: Option<i64>,
    /// When the last candidate was stamped.
    last_held: Option<i64>,
}

/// What a record is to a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The session's own start, or the parent's.
    Meta,
    /// Begins a turn: may be the session's own first prompt.
    Opener,
    /// The agent's doing: what came before it was answered.
    Output,
    /// Says nothing about it.
    Neutral,
}

/// What to do with a record, and with the candidates before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is a copy, and so are the candidates.
    Copied,
    /// It says nothing of the candidates, and is a copy.
    Skipped,
    /// It is a candidate; `alone` when those before it are none.
    Held { alone: bool },
    /// It is the session's own; `with_held` when the candidates before it are, too.
    Own { with_held: bool },
}

impl Copy {
    /// A session was made at this moment, by its own first record.
    pub(super) fn session_made(&mut self, id: &str, at: Timestamp) {
        self.made = at.millis();
        self.id_made = v7_millis(id).unwrap_or(self.made);
    }

    /// From here on lines are a copy.
    pub(super) fn begin(&mut self, at: Timestamp) {
        let (made, id_made) = (self.made, self.id_made);
        *self = Self { active: true, made, id_made, last: Some(at.millis()), ..Self::default() };
    }

    /// Judges a record by its role, its stamp and, if it has one, the id of its turn.
    pub(super) fn judge(&mut self, role: Role, starts_turn: bool, at: Timestamp, turn: Option<&str>) -> Verdict {
        let at = at.millis();
        if let Some(made) = turn.and_then(v7_millis) {
            if made >= self.id_made {
                // Where turns are announced, what came before the announcement is not of this one
                // but of the copy, if there is one at all.
                return self.end(!starts_turn || self.may_be_own());
            }
            self.has_turn_ids = true;
        }
        let pause = if self.has_turn_ids { LONG_PAUSE } else { PAUSE };
        if at >= self.made && self.last.is_some_and(|last| at - last > pause) {
            let held_is_old = self.last_held.is_some_and(|held| at - held > pause);
            return self.end(!(role == Role::Opener && held_is_old));
        }
        match role {
            Role::Meta | Role::Output => {
                self.has_output |= role == Role::Output;
                self.last = Some(at);
                self.last_held = None;
                Verdict::Copied
            }
            Role::Opener => {
                let alone = self.last_held.is_none();
                self.last_held = Some(at);
                Verdict::Held { alone }
            }
            Role::Neutral => Verdict::Skipped,
        }
    }

    /// At the end of the log: whether the candidates are taken for the session's own, because
    /// nothing says that anything was copied.
    pub(super) fn may_be_own(&self) -> bool {
        !self.has_output && !self.has_turn_ids
    }

    fn end(&mut self, with_held: bool) -> Verdict {
        self.active = false;
        self.last_held = None;
        Verdict::Own { with_held }
    }
}

/// The moment in a UUID of version 7, in milliseconds since the epoch.
fn v7_millis(id: &str) -> Option<i64> {
    let hex: String = id.chars().filter(|c| *c != '-').collect();
    let is_v7 = hex.len() == 32 && hex.is_ascii() && hex.get(12..13) == Some("7");
    is_v7.then(|| hex.get(..12).and_then(|head| i64::from_str_radix(head, 16).ok())).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD_TURN: &str = "01900000-0000-7000-8000-000000000001";
    const NEW_TURN: &str = "01900000-ffff-7000-8000-000000000001";
    const SESSION: &str = "01900000-8000-7000-8000-000000000001";

    fn at(millis: i64) -> Timestamp {
        let made = v7_millis(SESSION).expect("a v7 id has a time");
        Timestamp::from_millis(made + millis)
    }

    fn begun(id: &str) -> Copy {
        let mut copy = Copy::default();
        copy.session_made(id, at(0));
        copy.begin(at(0));
        copy
    }

    #[test]
    fn the_first_turn_that_is_not_older_than_the_session_ends_the_copy() {
        let mut copy = begun(SESSION);
        assert_eq!(copy.judge(Role::Opener, true, at(1), Some(OLD_TURN)), Verdict::Held { alone: true });
        assert_eq!(copy.judge(Role::Output, false, at(2), None), Verdict::Copied);
        assert_eq!(copy.judge(Role::Output, false, at(3000), None), Verdict::Copied);
        assert_eq!(copy.judge(Role::Opener, true, at(3001), Some(NEW_TURN)), Verdict::Own { with_held: false });
        assert!(!copy.active);
    }

    #[test]
    fn a_turn_context_after_its_prompt_keeps_the_prompt() {
        let mut copy = begun(SESSION);
        copy.judge(Role::Opener, false, at(1), Some(OLD_TURN));
        copy.judge(Role::Output, false, at(2), None);
        assert_eq!(copy.judge(Role::Opener, false, at(3), None), Verdict::Held { alone: true });
        assert_eq!(copy.judge(Role::Opener, false, at(4), Some(NEW_TURN)), Verdict::Own { with_held: true });
    }

    #[test]
    fn without_turn_ids_a_pause_ends_the_copy() {
        let mut copy = begun("9cd28a74-da7e-4458-a91a-fffec2be9d7a");
        assert_eq!(copy.judge(Role::Output, false, at(9), None), Verdict::Copied);
        assert_eq!(copy.judge(Role::Opener, false, at(10), None), Verdict::Held { alone: true });
        assert_eq!(copy.judge(Role::Opener, false, at(2000), None), Verdict::Own { with_held: false });
    }

    #[test]
    fn a_prompt_given_with_the_resume_is_kept_when_the_pause_comes_after_it() {
        let mut copy = begun("x");
        copy.judge(Role::Output, false, at(9), None);
        assert_eq!(copy.judge(Role::Opener, false, at(30), None), Verdict::Held { alone: true });
        assert_eq!(copy.judge(Role::Opener, false, at(31), None), Verdict::Held { alone: false });
        assert_eq!(copy.judge(Role::Output, false, at(900), None), Verdict::Own { with_held: true });
    }

    #[test]
    fn lines_stamped_before_the_session_was_made_are_the_parents() {
        let mut copy = begun(SESSION);
        assert_eq!(copy.judge(Role::Opener, false, at(-90_000), None), Verdict::Held { alone: true });
        assert_eq!(copy.judge(Role::Output, false, at(-50_000), None), Verdict::Copied);
        assert_eq!(copy.judge(Role::Opener, false, at(40), None), Verdict::Own { with_held: true });
    }

    #[test]
    fn only_uuids_of_version_7_have_a_time() {
        assert_eq!(v7_millis("019d6ccd-6581-7421-9fb3-eee37f4e1c53"), Some(0x019d_6ccd_6581));
        assert_eq!(v7_millis("9cd28a74-da7e-4458-a91a-fffec2be9d7a"), None);
        assert_eq!(v7_millis("auto-compact-0"), None);
        assert_eq!(v7_millis("éééééééééééé7ééééééééééééééééééé"), None);
    }
}
