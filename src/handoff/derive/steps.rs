//! The agents' own lists of what is to be done: `TodoWrite`, `update_plan`, `TaskCreate` and `TaskUpdate`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::handoff::StepState;

/// A step of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) text: String,
    /// `None` if it is done.
    pub(super) state: Option<StepState>,
    /// The event that said so last.
    pub(super) event: String,
}

/// The lists of a session as they were in the end.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// The last whole list.
    list: Vec<Step>,
    /// Tasks by their number, once their answer has told it.
    tasks: BTreeMap<u64, Step>,
}

impl Steps {
    /// Takes up a call that succeeded, with its input and what it answered.
    pub(super) fn call(&mut self, tool: &str, input: &Value, answer: &str, event: &str) {
        match tool {
            "TodoWrite" => self.list = list(input.get("todos"), "content", event),
            "update_plan" => self.list = list(input.get("plan"), "step", event),
            "TaskCreate" => {
                let number = answer.split_once('#').and_then(|(_, rest)| number(rest));
                let text = input.get("subject").and_then(Value::as_str);
                if let (Some(number), Some(text)) = (number, text) {
                    let (text, event) = (text.to_owned(), event.to_owned());
                    self.tasks.insert(number, Step { text, state: Some(StepState::Open), event });
                }
            }
            "TaskUpdate" => {
                let number = match input.get("taskId") {
                    Some(Value::String(text)) => number(text),
                    other => other.and_then(Value::as_u64),
                };
                if let Some(task) = number.and_then(|number| self.tasks.get_mut(&number)) {
                    if let Some(status) = input.get("status").and_then(Value::as_str) {
                        task.state = state(status);
                    }
                    if let Some(text) = input.get("subject").and_then(Value::as_str) {
                        text.clone_into(&mut task.text);
                    }
                    event.clone_into(&mut task.event);
                }
            }
            _ => {}
        }
    }

    /// What is not done, in the order of the lists; what the agent was at comes first.
    pub(super) fn open(self) -> Vec<Step> {
        let all = self.list.into_iter().chain(self.tasks.into_values());
        let mut open: Vec<Step> = all.filter(|step| step.state.is_some()).collect();
        open.sort_by_key(|step| step.state != Some(StepState::InProgress));
        open
    }
}

fn list(items: Option<&Value>, key: &str, event: &str) -> Vec<Step> {
    let items = items.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let step = |item: &Value| {
        let text = item.get(key)?.as_str()?.to_owned();
        let state = state(item.get("status").and_then(Value::as_str).unwrap_or_default());
        Some(Step { text, state, event: event.to_owned() })
    };
    items.iter().filter_map(step).collect()
}

fn state(status: &str) -> Option<StepState> {
    match status {
        "completed" | "done" | "deleted" | "cancelled" => None,
        "in_progress" => Some(StepState::InProgress),
        _ => Some(StepState::Open),
    }
}

fn number(text: &str) -> Option<u64> {
    text.trim_start_matches('#').split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn open(steps: Steps) -> Vec<(String, StepState)> {
        steps.open().into_iter().filter_map(|step| Some((step.text, step.state?))).collect()
    }

    #[test]
    fn the_last_list_counts() {
        let mut steps = Steps::default();
        steps.call("TodoWrite", &json!({"todos": [{"content": "old", "status": "pending"}]}), "", "e1");
        let todos = json!({"todos": [{"content": "a", "status": "completed"}, {"content": "b", "status": "pending"},
            {"content": "c", "status": "in_progress"}, {"status": 3}]});
        steps.call("TodoWrite", &todos, "", "e2");
        assert_eq!(open(steps), [("c".into(), StepState::InProgress), ("b".into(), StepState::Open)]);
        let mut steps = Steps::default();
        steps.call("update_plan", &json!({"plan": [{"step": "x", "status": "pending"}]}), "Plan updated", "e");
        assert_eq!(open(steps), [("x".into(), StepState::Open)]);
    }

    #[test]
    fn tasks_are_followed_by_their_number() {
        let mut steps = Steps::default();
        for (number, subject) in [(1, "one"), (2, "two")] {
            let answer = format!("Task #{number} created successfully: {subject}");
            steps.call("TaskCreate", &json!({"subject": subject}), &answer, "e");
        }
        steps.call("TaskUpdate", &json!({"taskId": "1", "status": "completed"}), "", "f");
        steps.call("TaskUpdate", &json!({"taskId": "9", "status": "completed"}), "", "f");
        assert_eq!(open(steps), [("two".into(), StepState::Open)]);
    }
}
