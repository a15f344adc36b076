//! Sessions that never were, and what is derived of them.

use serde_json::json;

use super::*;
use crate::handoff::{Change, CheckKind, DecisionKind, Place, StepState};
use crate::redaction::{Findings, Redactor};
use crate::session::{Agent, Content, Context, Event, EventKind, HAIL_VERSION, Timestamp, attr};

/// A session that is written down as it goes.
struct Told {
    reader: Reader,
    events: u64,
}

impl Told {
    fn new() -> Self {
        Self { reader: Reader::default(), events: 0 }
    }

    fn event(mut self, kind: EventKind, content: Content, call: Option<&str>, code: Option<i64>) -> Self {
        self.events += 1;
        let mut event = Event::new(format!("e{}", self.events), Timestamp::EPOCH, kind, content);
        event.attributes.extend(call.map(|id| (attr::CALL_ID.to_owned(), id.into())));
        event.attributes.extend(code.map(|code| (attr::EXIT_CODE.to_owned(), code.into())));
        let redacted = Redactor::of_secrets_only().event(event, &mut Findings::default());
        self.reader.event(&redacted);
        self
    }

    fn prompt(self, text: &str) -> Self {
        self.event(EventKind::UserMessage, Content::text(text), None, None)
    }

    fn answer(self, text: &str) -> Self {
        self.event(EventKind::AgentMessage, Content::text(text), None, None)
    }

    fn run(self, command: &str, output: &str, code: i64) -> Self {
        let id = format!("c{}", self.events);
        let kind = EventKind::ShellCommand { command: command.into(), exit_code: None };
        let told = self.event(kind, Content::empty(), Some(&id), None);
        let kind = EventKind::ToolResult { name: "Bash".into(), is_error: code != 0, call_id: Some(id.clone()) };
        told.event(kind, Content::text(output), Some(&id), Some(code))
    }

    fn tool(self, name: &str, input: serde_json::Value, output: &str, is_error: bool) -> Self {
        let id = format!("c{}", self.events);
        let kind = EventKind::ToolCall { name: name.into() };
        let told = self.event(kind, Content::json(input), Some(&id), None);
        let kind = EventKind::ToolResult { name: name.into(), is_error, call_id: Some(id.clone()) };
        told.event(kind, Content::text(output), Some(&id), None)
    }

    fn file(self, kind: EventKind, text: &str) -> Self {
        self.event(kind, Content::text(text), None, None)
    }

    fn part(self, id: &str) -> Part {
        let agent = Agent { provider: "p".into(), model: "m".into(), tool: "claude-code".into(), tool_version: None };
        let attributes = Attributes::from([("cwd".to_owned(), "/r".into()), ("git.branch".to_owned(), "topic".into())]);
        let context = Context {
            title: None,
            description: None,
            tags: Vec::new(),
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
            related_session_ids: Vec::new(),
            attributes,
        };
        let header = Header {
            version: HAIL_VERSION.into(),
            session_id: id.into(),
            agent,
            context,
            extra: std::collections::BTreeMap::new(),
        };
        let header = Redactor::of_secrets_only().header(header, &mut Findings::default());
        self.reader.finish(&header)
    }

    fn artifact(self) -> Artifact {
        let mut derivation = Derivation::default();
        derivation.add(self.part("s"));
        derivation.artifact()
    }
}

#[test]
fn prompts_and_the_last_answer_are_kept_with_their_places() {
    let artifact = Told::new().prompt("one").answer("a").prompt("two").prompt("three").answer("b").artifact();
    let prompts: Vec<_> = artifact.prompts.iter().map(|prompt| (prompt.place, prompt.text.as_str())).collect();
    assert_eq!(prompts, [(Place::First, "one"), (Place::Between, "two"), (Place::Last, "three")]);
    assert_eq!(artifact.answers.iter().map(|said| said.text.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(artifact.answers[0].at.event, "e5");
    assert_eq!(artifact.sources[0].branch.as_deref(), Some("topic"));
    assert_eq!((artifact.sources[0].events, artifact.sources[0].prompts), (5, 3));
}

#[test]
fn of_many_prompts_the_first_and_the_latest_stay() {
    let told = (0..50).fold(Told::new(), |told, number| told.prompt(&format!("p{number}")));
    let artifact = told.artifact();
    assert_eq!((artifact.prompts.len(), artifact.left_out.prompts), (32, 18));
    assert_eq!((artifact.prompts[0].text.as_str(), artifact.prompts[1].text.as_str()), ("p0", "p19"));
}

#[test]
fn files_tell_how_they_differ_from_before() {
    let create = |path: &str| EventKind::FileCreate { path: path.into() };
    let edit = |path: &str| EventKind::FileEdit { path: path.into(), diff: Some("@@ -1 +1,2 @@\n-a\n+b\n+c\n".into()) };
    let delete = |path: &str| EventKind::FileDelete { path: path.into() };
    let artifact = Told::new()
        .file(create("/r/new"), "1\n2\n")
        .file(edit("/r/new"), "")
        .file(edit("/r/old"), "")
        .file(create("/r/passing"), "x")
        .file(delete("/r/passing"), "")
        .file(delete("/r/gone"), "")
        .file(edit("/tmp/outside"), "")
        .artifact();
    let files: Vec<_> =
        artifact.files.iter().map(|f| (f.path.as_str(), f.change, f.lines_added, f.lines_removed)).collect();
    let expected = [
        ("/tmp/outside", Change::Edited, 2, 1),
        ("gone", Change::Deleted, 0, 0),
        ("new", Change::Created, 4, 1),
        ("old", Change::Edited, 2, 1),
        ("passing", Change::Passing, 1, 0),
    ];
    assert_eq!(files, expected);
}

#[test]
fn of_a_check_the_last_state_counts_and_a_wider_one_settles_the_narrower() {
    let artifact = Told::new()
        .prompt("x")
        .run("cargo test one", "FAILED", 101)
        .run("cargo test", "ok", 0)
        .run("cargo clippy", "warning", 1)
        .run("cd /r && npm test | tail", "1 failed", 0)
        .run("npm run build | tail", "?", 0)
        .artifact();
    let checks: Vec<_> = artifact.checks.iter().map(|c| (c.kind, c.command.as_str(), c.outcome, c.exit_code)).collect();
    let expected = [
        (CheckKind::Test, "cd /r && npm test | tail", Outcome::Failed, None),
        (CheckKind::Lint, "cargo clippy", Outcome::Failed, Some(1)),
        (CheckKind::Build, "npm run build | tail", Outcome::Unknown, None),
        (CheckKind::Test, "cargo test", Outcome::Passed, Some(0)),
    ];
    assert_eq!(checks, expected);
    assert_eq!(artifact.checks[1].said.as_deref(), Some("warning"));
}

#[test]
fn commands_that_only_look_are_no_work_and_the_others_are_there_once() {
    let artifact = Told::new().run("ls", "", 0).run("git commit -m x", "", 1).run("git commit -m x", "", 0).artifact();
    let commands: Vec<_> = artifact.commands.iter().map(|c| (c.command.as_str(), c.outcome, c.runs)).collect();
    assert_eq!(commands, [("git commit -m x", Outcome::Passed, 2)]);
}

#[test]
fn decisions_are_plans_answers_refusals_and_plain_words() {
    let artifact = Told::new()
        .prompt("x")
        .tool("ExitPlanMode", json!({"plan": "1. do it"}), "User has approved your plan", false)
        .tool("AskUserQuestion", json!({"questions": [{"question": "A or B?"}]}), "\"A or B?\"=\"B\"", false)
        .tool(
            "Write",
            json!({"file_path": "/r/a"}),
            "The user doesn't want to proceed with this tool use. the user said:\nNot there",
            true,
        )
        .answer("I went with a map.")
        .artifact();
    let decisions: Vec<_> = artifact.decisions.iter().map(|d| (d.kind, d.text.as_str())).collect();
    let expected = [
        (DecisionKind::Plan, "1. do it"),
        (DecisionKind::Answer, "\"A or B?\"=\"B\""),
        (DecisionKind::Declined, "Write /r/a: Not there"),
        (DecisionKind::Chosen, "I went with a map."),
    ];
    assert_eq!(decisions, expected);
    assert!(artifact.errors.is_empty(), "a refusal is no error");
}

#[test]
fn a_question_is_open_until_somebody_types() {
    let open = Told::new().prompt("x").answer("Done.\n\nShall I push?");
    let artifact = open.artifact();
    assert_eq!(artifact.questions.iter().map(|said| said.text.as_str()).collect::<Vec<_>>(), ["Shall I push?"]);
    let answered = Told::new().prompt("x").answer("Shall I push?").prompt("yes").artifact();
    assert!(answered.questions.is_empty());
}

#[test]
fn open_steps_come_from_lists_and_from_the_last_answer() {
    let todos = json!({"todos": [{"content": "a", "status": "completed"}, {"content": "b", "status": "pending"}]});
    let told = Told::new().prompt("x").tool("TodoWrite", todos, "ok", false).answer("## Next steps\n- c\n- d");
    let steps: Vec<_> = told.artifact().next_steps.into_iter().map(|step| (step.state, step.text)).collect();
    let expected = [
        (StepState::Open, "b".to_owned()),
        (StepState::Proposed, "c".to_owned()),
        (StepState::Proposed, "d".to_owned()),
    ];
    assert_eq!(steps, expected);
}

#[test]
fn an_error_that_was_got_over_is_none() {
    let artifact = Told::new()
        .tool("Edit", json!({"file_path": "/r/a"}), "<tool_use_error>String not found</tool_use_error>", true)
        .tool("Edit", json!({"file_path": "/r/b"}), "String not found", true)
        .tool("Edit", json!({"file_path": "/r/b"}), "String not found", true)
        .tool("Edit", json!({"file_path": "/r/a"}), "done", false)
        .artifact();
    let errors: Vec<_> = artifact.errors.iter().map(|e| (e.input.as_deref(), e.text.as_str(), e.times)).collect();
    assert_eq!(errors, [(Some("b"), "String not found", 2)]);
}

#[test]
fn the_same_sessions_give_the_same_bytes_and_every_pointer_leads_somewhere() {
    let told = || Told::new().prompt("x").run("cargo test", "no", 1).answer("Shall I?");
    let (one, two) = (told().artifact(), told().artifact());
    assert_eq!(one.to_text(), two.to_text());
    let part = told().part("s");
    assert!(one.pointers().all(|at| part.events().contains(&at.event) && at.session == part.source().session));
    assert_eq!(Artifact::parse(&one.to_text()), Ok(one));
}
