use serde_json::json;

use super::*;
use crate::session::{Content, Timestamp, attr};
use crate::view::Palette;

/// A conversation in which each event comes a second after the one before.
#[derive(Default)]
struct Script {
    events: Vec<Event>,
}

impl Script {
    fn push(mut self, kind: EventKind, content: Content) -> Self {
        let n = i64::try_from(self.events.len()).expect("a short script");
        let at = Timestamp::from_seconds(1_772_791_200 + n);
        self.events.push(Event::new(format!("e{n}"), at, kind, content));
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Event)) -> Self {
        change(self.events.last_mut().expect("an event"));
        self
    }

    fn called(self, id: &str) -> Self {
        self.with(|event| drop(event.attributes.insert(attr::CALL_ID.into(), json!(id))))
    }

    fn by_task(self, id: &str) -> Self {
        self.with(|event| event.task_id = Some(id.into()))
    }

    fn prompt(self, text: &str) -> Self {
        self.push(EventKind::UserMessage, Content::text(text))
    }

    fn answer(self, text: &str) -> Self {
        self.push(EventKind::AgentMessage, Content::text(text))
    }

    fn shell(self, id: &str, command: &str) -> Self {
        self.push(EventKind::ShellCommand { command: command.into(), exit_code: None }, Content::empty()).called(id)
    }

    fn read(self, id: &str, path: &str) -> Self {
        self.push(EventKind::FileRead { path: path.into() }, Content::empty()).called(id)
    }

    fn result(self, id: &str, name: &str, is_error: bool, text: &str) -> Self {
        self.push(EventKind::ToolResult { name: name.into(), is_error, call_id: Some(id.into()) }, Content::text(text))
    }

    fn exit(self, code: i64) -> Self {
        self.with(|event| drop(event.attributes.insert(attr::EXIT_CODE.into(), json!(code))))
    }

    fn edit_call(self, id: &str, path: &str) -> Self {
        self.push(EventKind::ToolCall { name: "Edit".into() }, Content::json(json!({"file_path": path}))).called(id)
    }

    fn edited(self, id: &str, path: &str, diff: &str) -> Self {
        self.push(EventKind::FileEdit { path: path.into(), diff: Some(diff.into()) }, Content::empty()).called(id)
    }

    fn written(&self, reading: Reading, columns: Option<usize>) -> String {
        self.painted(reading, columns, Palette::plain())
    }

    fn painted(&self, reading: Reading, columns: Option<usize>, palette: Palette) -> String {
        let look = Look { columns, palette, now: Timestamp::from_seconds(1_772_791_200 + 3 * 86_400) };
        let mut out = Vec::new();
        let mut conversation = Conversation::new(&mut out, &look, reading, Some("/repo"));
        for event in &self.events {
            conversation.event(event).expect("a vector takes all");
        }
        conversation.finish().expect("a vector takes all");
        String::from_utf8(out).expect("text")
    }

    fn folded(&self) -> String {
        self.written(Reading::Folded, None)
    }
}

const DIFF: &str = "@@ -1,2 +1,4 @@\n a\n-b\n+c\n+d\n+e\n";

#[test]
fn what_was_said_is_shown_and_what_was_done_is_told_in_a_line_each() {
    let script = Script::default()
        .prompt("Fix the login redirect.\n\nIt should go home.")
        .push(EventKind::Thinking, Content::text("hm"))
        .answer("I'll look at the router first.")
        .read("c1", "/repo/src/router.rs")
        .result("c1", "Read", false, "fn main() {}")
        .shell("c2", "cargo test")
        .result("c2", "Bash", true, "1 test failed")
        .exit(101)
        .with(|event| event.duration_ms = Some(1_234))
        .edit_call("c3", "/repo/src/router.rs")
        .result("c3", "Edit", false, "done")
        .edited("c3", "/repo/src/router.rs", DIFF)
        .answer("Done.")
        .prompt("Thanks");
    let expected = "
#1  2026-03-06T10:00:00Z (3 days ago)
❯ Fix the login redirect.
❯
❯ It should go home.

  I'll look at the router first.

  · Read  src/router.rs
  · Bash  cargo test  → exit 101  (1.2 s)
  ± src/router.rs +3 -1

  Done.

#2  2026-03-06T10:00:11Z (3 days ago)
❯ Thanks
";
    assert_eq!(script.folded(), expected);
}

#[test]
fn many_quiet_calls_are_one_line_and_what_went_wrong_is_not_among_them() {
    let mut script = Script::default().prompt("look");
    for n in 0..7 {
        let id = format!("r{n}");
        script = script.read(&id, "/repo/a").result(&id, "Read", false, "text");
    }
    script = script.shell("s1", "ls").result("s1", "Bash", false, "");
    script = script.shell("s2", "make\nmake install").result("s2", "Bash", true, "make: *** No rule\nmore");
    script = script.shell("s3", "ls").result("s3", "Bash", false, "");
    let work: Vec<_> = script.folded().lines().skip(4).map(str::to_owned).collect();
    assert_eq!(work, ["  … 8 tool calls  7 Read, 1 Bash", "  · Bash  make …  → make: *** No rule …", "  · Bash  ls"]);
}

#[test]
fn results_find_their_calls_in_any_order() {
    let script = Script::default()
        .shell("a", "one")
        .shell("b", "two")
        .result("b", "Bash", false, "")
        .result("a", "Bash", true, "")
        .exit(2);
    assert_eq!(script.folded(), "\n  · Bash  one  → exit 2\n  · Bash  two\n");
}

#[test]
fn a_call_waits_for_its_result_beyond_one_message_and_no_longer() {
    let script = Script::default().shell("a", "slow").prompt("still there?").result("a", "Bash", true, "killed");
    let text = script.folded();
    assert!(text.ends_with("❯ still there?\n\n  · Bash  slow  → killed\n"), "{text}");

    let script = Script::default().shell("a", "never answered").answer("one").answer("two").prompt("x");
    let text = script.folded();
    assert!(text.contains("  one\n\n  · Shell  never answered\n\n  two\n"), "{text}");
}

#[test]
fn a_call_that_took_long_says_so() {
    let script = Script::default().shell("a", "make").result("a", "Bash", false, "");
    let script = script.with(|event| event.timestamp = Timestamp::from_seconds(1_772_791_200 + 125));
    assert_eq!(script.folded(), "\n  · Bash  make  (2 min 5 s)\n");
}

#[test]
fn edits_of_one_file_in_a_row_are_one_line() {
    let script = Script::default()
        .edited("a", "/repo/x", DIFF)
        .edited("b", "/repo/x", DIFF)
        .push(EventKind::FileCreate { path: "/repo/y".into() }, Content::text("1\n2\n"))
        .push(EventKind::FileDelete { path: "/elsewhere/z".into() }, Content::empty());
    assert_eq!(script.folded(), "\n  ± x +6 -2  (2 edits)\n  + y +2\n  - /elsewhere/z\n");
}

#[test]
fn a_failed_edit_is_shown_as_the_call_that_failed() {
    let script = Script::default().edit_call("a", "/repo/x").result("a", "Edit", true, "<e>String not found</e>");
    assert_eq!(script.folded(), "\n  · Edit  x  → String not found\n");
}

#[test]
fn a_subagent_is_its_title_its_edits_and_the_head_of_its_report() {
    let report = "Found it.\nb\nc\nd\ne\nf\ng\nh";
    let script = Script::default()
        .prompt("go")
        .push(EventKind::ToolCall { name: "Task".into() }, Content::json(json!({"description": "look around"})))
        .called("t")
        .push(EventKind::TaskStart { title: Some("look around".into()) }, Content::empty())
        .by_task("agent-1")
        .read("c1", "/repo/a")
        .by_task("agent-1")
        .result("c1", "Read", true, "no such file")
        .by_task("agent-1")
        .edited("c2", "/repo/x", DIFF)
        .by_task("agent-1")
        .answer(report)
        .by_task("agent-1")
        .push(EventKind::TaskEnd { summary: Some("Found it.".into()) }, Content::empty())
        .by_task("agent-1")
        .result("t", "Task", false, report)
        .answer("Thanks to my helper.");
    let expected = "
#1  2026-03-06T10:00:00Z (3 days ago)
❯ go

  ▸ Task  look around  1 tool call, 1 failed  (5.0 s)
    ± x +3 -1
    Found it.
    b
    c
    d
    e
    f
    … 2 more lines

  Thanks to my helper.
";
    assert_eq!(script.folded(), expected);
}

#[test]
fn a_summary_stands_for_a_report_that_there_is_none_of() {
    let script = Script::default()
        .push(EventKind::TaskStart { title: None }, Content::empty())
        .by_task("a")
        .push(EventKind::TaskEnd { summary: Some("all well".into()) }, Content::empty())
        .by_task("a");
    assert_eq!(script.folded(), "\n  ▸ Task  0 tool calls  (1.0 s)\n    all well\n");
}

#[test]
fn a_task_that_never_ended_is_shown_with_what_its_agent_said_last() {
    let script = Script::default().answer("working on it").by_task("agent-9");
    assert_eq!(script.folded(), "\n  ▸ Task  0 tool calls\n    working on it\n");
}

#[test]
fn long_pastes_are_folded_and_full_shows_all_of_them() {
    let paste = (1..=100).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
    let script = Script::default().prompt(&paste);
    assert!(script.folded().ends_with("❯ line 30\n  … 70 more lines\n"), "{}", script.folded());
    assert!(script.written(Reading::Full, None).ends_with("❯ line 100\n"));
    assert!(script.written(Reading::Prompts, None).ends_with("❯ line 100\n"));
}

#[test]
fn one_line_more_is_shown_rather_than_counted() {
    let lines = |count: usize| (1..=count).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
    assert!(!Script::default().prompt(&lines(31)).folded().contains("more line"));
    assert!(Script::default().prompt(&lines(32)).folded().contains("… 2 more lines"));
}

#[test]
fn prompts_alone_are_numbered() {
    let script = Script::default().prompt("one").answer("no").shell("a", "ls").prompt("two");
    let expected = "
#1  2026-03-06T10:00:00Z (3 days ago)
❯ one

#2  2026-03-06T10:00:03Z (3 days ago)
❯ two
";
    assert_eq!(script.written(Reading::Prompts, None), expected);
}

#[test]
fn full_shows_reasoning_inputs_outputs_and_diffs() {
    let script = Script::default()
        .prompt("go")
        .push(EventKind::Thinking, Content::text("let me see"))
        .push(EventKind::SystemMessage, Content::text("a reminder"))
        .with(|event| drop(event.attributes.insert(attr::INJECTED.into(), json!("hook"))))
        .shell("c1", "make\nmake install")
        .result("c1", "Bash", true, "out\n\terr")
        .exit(2)
        .edit_call("c2", "/repo/x")
        .result("c2", "Edit", false, "done")
        .edited("c2", "/repo/x", DIFF)
        .push(EventKind::FileCreate { path: "/repo/y".into() }, Content::text("new\n"))
        .push(EventKind::TaskStart { title: Some("look".into()) }, Content::empty())
        .by_task("t")
        .answer("inside")
        .by_task("t");
    let expected = "
#1  2026-03-06T10:00:00Z (3 days ago)
❯ go

  · thinking
    let me see

  · system (hook)
    a reminder

  · Shell  make …
    make
    make install
  → Bash exit 2
    out
        err

  · Edit  x
    file_path: /repo/x
  → Edit ok
    done

  ± x +3 -1
    @@ -1,2 +1,4 @@
     a
    -b
    +c
    +d
    +e

  + y  1 line
    new

  ▸ Task  look

    inside
";
    assert_eq!(script.written(Reading::Full, None), expected);
}

#[test]
fn colours_are_on_whole_lines_and_only_where_there_are_colours() {
    let script = Script::default().prompt("one\ntwo").edited("a", "/repo/x", DIFF);
    let painted = script.painted(Reading::Full, Some(80), Palette::coloured());
    assert!(painted.lines().all(|line| line.matches("\u{1b}[").count() % 2 == 0), "{painted:?}");
    assert!(painted.contains("\u{1b}[32m+c\u{1b}[0m"), "{painted:?}");
    assert!(!script.written(Reading::Full, Some(80)).contains('\u{1b}'));
}

#[test]
fn nothing_in_a_session_reaches_the_terminal_as_a_control_sequence() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2Jx\u{202e}y\u{9b}31m\r";
    let script = Script::default()
        .prompt(evil)
        .answer(evil)
        .shell("a", evil)
        .result("a", evil, true, evil)
        .edit_call("b", evil)
        .edited("b", evil, &format!("@@\n+{evil}\n"))
        .push(EventKind::FileCreate { path: evil.into() }, Content::text(evil))
        .push(EventKind::FileDelete { path: evil.into() }, Content::empty())
        .push(EventKind::ToolCall { name: evil.into() }, Content::json(json!({evil: evil})))
        .push(EventKind::Custom { kind: evil.into() }, Content::text(evil))
        .push(EventKind::Other(json!({"type": evil})), Content::text(evil))
        .push(EventKind::SystemMessage, Content::text(evil))
        .with(|event| drop(event.attributes.insert(attr::INJECTED.into(), json!(evil))))
        .push(EventKind::TaskStart { title: Some(evil.into()) }, Content::text(evil))
        .by_task("t")
        .push(EventKind::TaskEnd { summary: Some(evil.into()) }, Content::text(evil))
        .by_task("t");
    for reading in [Reading::Folded, Reading::Full, Reading::Prompts] {
        let text = script.written(reading, Some(60));
        let wrong = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(wrong, None, "{reading:?}: {text:?}");
        assert!(!text.contains("owned"), "{reading:?}: {text:?}");
    }
}

#[test]
fn answers_are_wrapped_to_the_terminal_and_lines_of_work_fit_in_it() {
    let script = Script::default().answer(&"word ".repeat(40)).shell("a", &"x".repeat(300)).read("b", "/repo/y");
    let text = script.written(Reading::Folded, Some(60));
    assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
}
