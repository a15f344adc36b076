//! The queue of prompts: what a human typed while the agent was at work, told once.
//!
//! A prompt that waits for the end of the turn is `dequeue`d and becomes a `user` record. One that
//! reaches the agent in the middle of its turn is `remove`d. Since 2.1.119 an attachment
//! (`queued_command`) then says what it was, and the removal names its text. Before, nothing else
//! does, but it was said all the same: in all seven removals of 2.0.76 to 2.1.29 that were looked at,
//! the agent went on, and where the prompt asked for one, with an answer to it. `popAll` takes the
//! prompts back into the editor: they were not said.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::human::{self, Voice};
use super::raw::{text, words};
use super::reading::{Reading, Thread};
use super::record::Record;
use super::state::{Facts, REMEMBERED, hash};
use crate::agents::ParseError;
use crate::session::{Content, Event, Timestamp};

/// The first version whose attachments tell what reached the agent in the middle of a turn.
const TELLS_BY_ATTACHMENT: [u32; 3] = [2, 1, 119];

/// How long after a prompt has left the queue a record may tell the same one again, in milliseconds.
/// Such records follow at once; the same words typed anew do not.
const TOLD_AGAIN: i64 = 10_000;

/// Prompts of one file that wait, or have only just left.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Queue {
    waiting: VecDeque<String>,
    /// The one that was dequeued last: a record of its own comes next.
    dequeued: Option<String>,
    /// Hashes of those that were told when they were removed.
    told: VecDeque<(u64, Timestamp)>,
}

impl Queue {
    fn enqueue(&mut self, prompt: String) {
        if self.waiting.len() >= REMEMBERED {
            self.waiting.pop_front();
        }
        self.waiting.push_back(prompt);
    }

    /// The prompt that was removed: the first, if it is not named.
    fn remove(&mut self, named: Option<&str>) -> Option<String> {
        match named {
            Some(named) => {
                let at = self.waiting.iter().position(|waiting| waiting == named)?;
                self.waiting.remove(at)
            }
            None => self.waiting.pop_front(),
        }
    }

    fn tell(&mut self, prompt: &str, now: Timestamp) {
        if self.told.len() >= REMEMBERED {
            self.told.pop_front();
        }
        self.told.push_back((hash(b'q', &[prompt]), now));
    }

    /// A record of its own says this prompt. Whether it was told already, when it left the queue.
    pub(super) fn is_told(&mut self, prompt: &str, now: Timestamp) -> bool {
        if self.dequeued.as_deref() == Some(prompt) {
            self.dequeued = None;
        } else if let Some(at) = self.waiting.iter().position(|waiting| waiting == prompt) {
            // Another one than the first was dequeued, and the first still waits.
            self.waiting.remove(at);
            if let Some(first) = self.dequeued.take() {
                self.waiting.push_front(first);
            }
        }
        let key = hash(b'q', &[prompt]);
        let is_same = |(told, at): &(u64, Timestamp)| {
            *told == key && now.millis().abs_diff(at.millis()) <= TOLD_AGAIN.unsigned_abs()
        };
        self.told.iter().position(is_same).and_then(|at| self.told.remove(at)).is_some()
    }
}

impl Reading<'_> {
    /// The events of a `queue-operation`.
    pub(super) fn queue(
        &mut self,
        thread: &mut Thread,
        record: &Record<'_>,
        now: Timestamp,
    ) -> Result<Vec<Event>, ParseError> {
        let operation = text(record.operation).unwrap_or_default();
        let queue = &mut thread.stream.queue;
        let mut events = Vec::new();
        match operation.as_ref() {
            "enqueue" => words(record.content).into_iter().for_each(|prompt| queue.enqueue(prompt)),
            "dequeue" => queue.dequeued = queue.remove(words(record.content).as_deref()),
            "remove" => {
                let named = words(record.content);
                let removed = queue.remove(named.as_deref());
                if let Some(prompt) = removed.filter(|_| named.is_none() && !tells_by_attachment(&self.state.facts)) {
                    self.reached_agent(thread, prompt, now, &mut events)?;
                }
            }
            _ => *queue = Queue { told: std::mem::take(&mut queue.told), ..Queue::default() },
        }
        if events.is_empty() {
            self.ignored("queue-operation", Some(&operation));
        } else {
            self.report.read("queue-operation/remove");
        }
        Ok(events)
    }

    fn reached_agent(
        &mut self,
        thread: &mut Thread,
        prompt: String,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) -> Result<(), ParseError> {
        thread.stream.queue.tell(&prompt, now);
        let voice = match human::by_prefix(&prompt) {
            Voice::Human if thread.is_agent => Voice::Injected("task-prompt".to_owned()),
            voice => voice,
        };
        self.spoken(thread, voice, Content::text(prompt), now, events)
    }
}

/// Whether the version that wrote the last records tells by an attachment what reached the agent.
fn tells_by_attachment(facts: &Facts) -> bool {
    let Some(version) = facts.version.as_deref() else { return false };
    let mut parts = version.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
    let parts = [(); 3].map(|()| parts.next().unwrap_or(0));
    parts >= TELLS_BY_ATTACHMENT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(prompts: &[&str]) -> Queue {
        let mut queue = Queue::default();
        for prompt in prompts {
            queue.enqueue((*prompt).to_owned());
        }
        queue
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    #[test]
    fn a_dequeued_prompt_is_told_by_its_record_and_an_equal_one_still_waits() {
        let mut queue = waiting(&["go on", "go on"]);
        queue.dequeued = queue.remove(None);
        assert!(!queue.is_told("go on", at(1)));
        assert_eq!(queue.remove(None).as_deref(), Some("go on"));
    }

    #[test]
    fn where_another_one_was_dequeued_the_first_still_waits() {
        let mut queue = waiting(&["notice", "prompt", "last"]);
        queue.dequeued = queue.remove(None);
        assert!(!queue.is_told("prompt", at(1)));
        assert_eq!(queue.waiting, ["notice", "last"]);
    }

    #[test]
    fn what_was_told_when_it_left_is_told_once() {
        let mut queue = Queue::default();
        queue.tell("stop", at(100));
        assert!(!queue.is_told("stop!", at(101)));
        assert!(queue.is_told("stop", at(101)));
        assert!(!queue.is_told("stop", at(102)), "typed anew");
        queue.tell("stop", at(200));
        assert!(!queue.is_told("stop", at(300)), "typed anew, long after");
    }

    #[test]
    fn versions_are_told_apart() {
        let told =
            |version: &str| tells_by_attachment(&Facts { version: Some(version.to_owned()), ..Facts::default() });
        assert!(told("2.1.119") && told("2.1.207") && told("2.2.0") && told("3.0.0-beta.1"));
        assert!(!told("2.1.118") && !told("2.0.76") && !told("1.0.128") && !told("x"));
        assert!(!tells_by_attachment(&Facts::default()));
    }
}
