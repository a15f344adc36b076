use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::session::{Agent, Attributes, Content, Context, EventKind, HAIL_VERSION, Header, Stats, Timestamp, attr};

const EVIL: &str = "</script></style></textarea><script>alert(1)</script><img src=x onerror=alert(1)>\"'><b style=x>\
                    [x](javascript:alert(1))\u{0}\u{202e}\u{2066}&lt;";

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(1_772_791_200 + second)
}

fn header(title: &str) -> Header {
    let agent = Agent {
        provider: "p".into(),
        model: title.into(),
        tool: "claude-code".into(),
        tool_version: Some(title.into()),
    };
    let context = Context {
        title: Some(title.into()),
        description: None,
        tags: Vec::new(),
        created_at: at(0),
        updated_at: at(60),
        related_session_ids: Vec::new(),
        attributes: Attributes::from([("cwd".into(), json!("/repo"))]),
    };
    Header { version: HAIL_VERSION.into(), session_id: "s".into(), agent, context, extra: BTreeMap::new() }
}

fn page(header: &Header) -> Page<'_> {
    static STATS: LazyLock<Stats> = LazyLock::new(Stats::default);
    let (sid, stats) = ("3f2a9c1b8d0011223344556677889900", &*STATS);
    Page { sid, header, stats, links: &[], branches: &[], redacted: &[], found_by: None }
}

fn event(id: &str, kind: EventKind, text: &str) -> Event {
    Event::new(id, at(0), kind, if text.is_empty() { Content::empty() } else { Content::text(text) })
}

fn of_call(mut event: Event, id: &str) -> Event {
    event.attributes.insert(attr::CALL_ID.into(), json!(id));
    event
}

fn shell(id: &str, command: &str) -> Event {
    of_call(event(id, EventKind::ShellCommand { command: command.into(), exit_code: None }, ""), id)
}

fn result(id: &str, of: &str, is_error: bool, text: &str) -> Event {
    event(id, EventKind::ToolResult { name: "Bash".into(), is_error, call_id: Some(of.into()) }, text)
}

fn document(title: &str, events: &[Event]) -> String {
    let header = header(title);
    let mut out = Vec::new();
    let mut document = Document::begin(&mut out, title, &[page(&header)]).expect("a vector takes all");
    document.session(&page(&header)).expect("a vector takes all");
    for event in events {
        document.event(event).expect("a vector takes all");
    }
    document.finish().expect("a vector takes all");
    String::from_utf8(out).expect("text")
}

/// The page between its tools and its script, and what is packed in it.
fn content(html: &str) -> (String, Vec<String>) {
    let main =
        html.split("<main id=\"main\">").nth(1).and_then(|rest| rest.split("<dialog").next()).expect("a main part");
    let mut bodies = Vec::new();
    let mut shown = String::new();
    for (at, part) in main.split("<script type=\"application/gzip\">").enumerate() {
        let (packed, rest) = if at == 0 { ("", part) } else { part.split_once("</script>").expect("an end") };
        shown.push_str(rest);
        if !packed.is_empty() {
            let bytes = STANDARD.decode(packed).expect("base64");
            let mut text = String::new();
            GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("gzip");
            bodies.extend(serde_json::from_str::<Vec<String>>(&text).expect("a list of texts"));
        }
    }
    (shown, bodies)
}

/// The names of all tags in a piece of HTML.
fn tags(html: &str) -> Vec<&str> {
    let names = html.split('<').skip(1).map(|tag| tag.split([' ', '>', '\n']).next().unwrap_or_default());
    names.map(|name| name.trim_start_matches('/')).collect()
}

#[test]
fn what_was_said_is_plain_and_what_was_done_is_a_line_that_opens() {
    let mut exit = result("e4", "c1", true, "1 test failed");
    exit.attributes.insert(attr::EXIT_CODE.into(), json!(101));
    exit.duration_ms = Some(1_250);
    let (shown, bodies) = content(&document(
        "Fix it",
        &[
            event("e1", EventKind::UserMessage, "Please *fix* it"),
            event("e2", EventKind::AgentMessage, "I'll run the `tests`."),
            shell("c1", "cargo test"),
            exit,
        ],
    ));
    assert!(shown.contains("id=\"e-e1\">\n<h3><a href=\"#e-e1\">Prompt 1</a>"), "{shown}");
    assert!(shown.contains("<p>Please <em>fix</em> it</p>"), "{shown}");
    assert!(shown.contains("<p>I'll run the <code>tests</code>.</p>"), "{shown}");
    let line = shown.lines().find(|line| line.starts_with("<details")).expect("a line of work");
    assert_eq!(
        line,
        "<details class=\"event work\" id=\"e-c1\" data-body=\"0\"><summary><i id=\"e-e4\"></i><span class=\"mark\">·</span> \
         <b>Bash</b> <code>cargo test</code> <span class=\"bad\">exit 101</span> <span class=\"took\">1.2 s</span>\
         </summary></details>"
    );
    assert!(bodies[0].contains("<pre tabindex=\"0\">1 test failed</pre>"), "{bodies:?}");
    assert!(shown.contains("<li><a href=\"#e-e1\">Please *fix* it</a></li>"), "the list of prompts: {shown}");
}

#[test]
fn an_edit_is_its_file_its_lines_and_its_diff() {
    let diff = "@@ -1,2 +1,3 @@\n a\n-let x = one();\n+let x = two();\n+new\n".to_owned();
    let call = of_call(
        Event::new("e1", at(0), EventKind::ToolCall { name: "Edit".into() }, Content::json(json!({"file_path": "x"}))),
        "c",
    );
    let edit = of_call(event("e2", EventKind::FileEdit { path: "/repo/src/a.rs".into(), diff: Some(diff) }, ""), "c");
    let (shown, bodies) = content(&document("t", &[call, edit, result("e3", "c", false, "done")]));
    assert!(
        shown.contains("<b>src/a.rs</b> <span class=\"lines\">+2 -1</span> <span class=\"ok\">ok</span>"),
        "{shown}"
    );
    assert_eq!(shown.matches("<details").count(), 1, "{shown}");
    assert!(bodies[0].starts_with("<pre class=\"diff\""), "{bodies:?}");
    assert!(bodies[0].contains(">output</p>"), "{bodies:?}");
}

#[test]
fn a_result_without_its_call_and_a_call_without_its_result_are_lines_too() {
    let (shown, _) =
        content(&document("t", &[shell("c1", "sleep"), result("e2", "gone", true, "<e>no such call</e>")]));
    assert!(shown.contains("<b>Shell</b> <code>sleep</code></summary>"), "{shown}");
    assert!(shown.contains("failed: no such call"), "{shown}");
}

#[test]
fn a_long_session_is_in_sections_and_results_still_find_their_calls() {
    let mut events = Vec::new();
    for n in 0..250 {
        events.push(shell(&format!("c{n}"), "ls"));
        events.push(result(&format!("r{n}"), &format!("c{n}"), false, "out"));
    }
    let (shown, bodies) = content(&document("t", &events));
    assert_eq!(shown.matches("<section class=\"part\">").count(), 5, "{shown}");
    assert_eq!((shown.matches("<details").count(), bodies.len()), (250, 250));
}

#[test]
fn several_sessions_have_a_list_and_no_anchor_is_there_twice() {
    let (one, two) = (header("One"), header("Two"));
    let pages = [page(&one), page(&two)];
    let mut out = Vec::new();
    let mut document = Document::begin(&mut out, "HEAD~2..", &pages).expect("a vector takes all");
    for page in &pages {
        document.session(page).expect("a vector takes all");
        document.event(&event("same", EventKind::UserMessage, "hi")).expect("a vector takes all");
        document.note("cut <off>").expect("a vector takes all");
    }
    document.finish().expect("a vector takes all");
    let html = String::from_utf8(out).expect("text");
    assert!(html.contains("<title>HEAD~2..</title>"), "{html}");
    for anchor in ["session-1", "session-2", "e-same", "e-same~2"] {
        assert_eq!(html.matches(&format!("id=\"{anchor}\"")).count(), 1, "{anchor}");
        assert!(html.contains(&format!("href=\"#{anchor}\"")), "{anchor}");
    }
    assert_eq!(html.matches("cut &lt;off&gt;").count(), 2);
}

/// An event of each kind that carries this text everywhere it can.
fn everything(text: &str) -> Vec<Event> {
    let told = || text.to_owned();
    let kinds = vec![
        EventKind::UserMessage,
        EventKind::AgentMessage,
        EventKind::SystemMessage,
        EventKind::Thinking,
        EventKind::ToolCall { name: told() },
        EventKind::ToolResult { name: told(), is_error: true, call_id: Some(told()) },
        EventKind::FileRead { path: told() },
        EventKind::CodeSearch { query: told() },
        EventKind::FileSearch { pattern: told() },
        EventKind::FileEdit { path: told(), diff: Some(format!("@@\n-{text}\n+x{text}\n")) },
        EventKind::FileCreate { path: told() },
        EventKind::FileDelete { path: told() },
        EventKind::ShellCommand { command: told(), exit_code: Some(1) },
        EventKind::WebFetch { url: told() },
        EventKind::TaskStart { title: Some(told()) },
        EventKind::TaskEnd { summary: Some(told()) },
        EventKind::Custom { kind: told() },
        EventKind::Other(json!({"type": text})),
    ];
    let mut events = Vec::new();
    for kind in kinds {
        let mut event = event(text, kind, text);
        event.attributes.insert(attr::CALL_ID.into(), json!(text));
        event.attributes.insert(attr::INJECTED.into(), json!(text));
        event.content.blocks.push(crate::session::Block::Json { data: json!({text: text}) });
        events.push(event.clone());
        event.task_id = Some(told());
        events.push(event);
    }
    events
}

/// The only tags that a page has, whatever is in the session.
const OURS: &str = "a article b blockquote br code dd del details div dl dt em footer h1 h2 h3 h4 h5 h6 header hr i input ins \
                    li main nav ol p pre section span strong summary table tbody td th thead time tr ul";

#[test]
fn nothing_of_a_session_becomes_markup() {
    let (shown, bodies) = content(&document(EVIL, &everything(EVIL)));
    for html in std::iter::once(&shown).chain(&bodies) {
        let foreign: Vec<_> =
            tags(html).into_iter().filter(|tag| !OURS.split_whitespace().any(|our| our == *tag)).collect();
        assert!(foreign.is_empty(), "{foreign:?} in {html}");
        for wrong in ["<b style", "<img", "<script>", "href=\"javascript", "\u{0}", "\u{202e}", "\u{2066}"] {
            assert!(!html.contains(wrong), "{wrong:?} in {html}");
        }
    }
    assert!(shown.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "it is still there, as text");
}

#[test]
fn the_policy_lets_the_script_and_the_style_of_the_page_in_and_nothing_else() {
    let html = document("t", &[event("e", EventKind::UserMessage, "hi")]);
    let policy = html.split("Content-Security-Policy\" content=\"").nth(1).and_then(|rest| rest.split('"').next());
    let policy = policy.expect("a policy").replace("&#39;", "'");
    let between =
        |from: &str, to: &str| html.split(from).nth(1).and_then(|rest| rest.split(to).next()).expect("it is there");
    for (text, name) in
        [(between("<style>", "</style>"), "style-src"), (between("<script>", "</script>"), "script-src")]
    {
        let hash = STANDARD.encode(Sha256::digest(text.as_bytes()));
        assert!(policy.contains(&format!("{name} 'sha256-{hash}'")), "{policy}");
        assert!(!text.contains('\r'), "browsers hash what they read, and they read LF");
    }
    assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
    let all = tags(&html);
    assert!(!all.iter().any(|tag| matches!(*tag, "link" | "img" | "iframe" | "form" | "object")), "{all:?}");
    assert!(!html.contains(" style=") && !html.contains(" onclick="), "the policy forbids both");
    assert!(!SCRIPT.contains("</script") && !SCRIPT.contains("<!--") && !STYLE.contains("</style"));
    assert!(SCRIPT.lines().count() + STYLE.lines().count() < 600, "a page, not an application");
}

#[test]
fn the_same_session_gives_the_same_bytes() {
    let events = everything("x\ny");
    assert_eq!(document("t", &events), document("t", &events));
}

#[test]
fn every_part_that_the_script_looks_for_is_there() {
    let html = document("t", &[]);
    for id in SCRIPT.split("one(\"#").skip(1).filter_map(|rest| rest.split(['"', ' ']).next()) {
        assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_becomes_markup(text in "[<>&\"'/a-c!\\[\\]()`*_#:=\\- \n\u{0}\u{202e}]{0,60}") {
        let (shown, bodies) = content(&document(&text, &everything(&text)));
        for html in std::iter::once(&shown).chain(&bodies) {
            for tag in tags(html) {
                prop_assert!(OURS.split_whitespace().any(|our| our == tag), "{:?} of {:?}", tag, text);
            }
        }
    }
}
