//! The canonical form, on generated sessions and on texts that are none.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::session::{Agent, Attributes, Block, Content, Context, Event, EventKind, HAIL_VERSION, Header, Session};
use crate::session::{StatsFold, Timestamp};

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{0,12}", any::<String>(), Just("\u{202e}\0\u{7f}\"\\\n\u{2028}é日本".to_owned())]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no NaN", |f| f.is_finite()).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    prop::collection::btree_map("[a-z._]{1,8}", value(), 0..3)
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    (-62_000_000_000_i64..253_000_000_000, 0..1_000_000_000_u32).prop_map(|(seconds, nanos)| {
        let whole = Timestamp::from_seconds(seconds).to_string();
        format!("{}.{nanos:09}Z", whole.trim_end_matches('Z')).parse().expect("a timestamp in range")
    })
}

fn kind() -> impl Strategy<Value = EventKind> {
    prop_oneof![
        Just(EventKind::UserMessage),
        Just(EventKind::Thinking),
        Just(EventKind::AgentMessage),
        Just(EventKind::SystemMessage),
        (text(), 0..12_usize).prop_map(|(text, nth)| kind_of_text(nth, text)),
        prop::option::of(text()).prop_map(|summary| EventKind::TaskEnd { summary }),
        text().prop_map(|name| EventKind::ToolCall { name }),
        (text(), any::<bool>(), prop::option::of(text())).prop_map(|(name, is_error, call_id)| EventKind::ToolResult {
            name,
            is_error,
            call_id
        }),
        (text(), prop::option::of(text())).prop_map(|(path, diff)| EventKind::FileEdit { path, diff }),
        (text(), prop::option::of(any::<i32>()))
            .prop_map(|(command, exit_code)| EventKind::ShellCommand { command, exit_code }),
        prop::option::of(text()).prop_map(|title| EventKind::TaskStart { title }),
        value().prop_map(|data| EventKind::Other(json!({"type": "Teleport", "data": data}))),
    ]
}

/// The kinds that hold one text.
fn kind_of_text(nth: usize, text: String) -> EventKind {
    match nth {
        0 => EventKind::FileRead { path: text },
        1 => EventKind::CodeSearch { query: text },
        2 => EventKind::FileSearch { pattern: text },
        3 => EventKind::FileCreate { path: text },
        4 => EventKind::FileDelete { path: text },
        5 => EventKind::ImageGenerate { prompt: text },
        6 => EventKind::VideoGenerate { prompt: text },
        7 => EventKind::AudioGenerate { prompt: text },
        8 => EventKind::WebSearch { query: text },
        9 => EventKind::WebFetch { url: text },
        _ => EventKind::Custom { kind: text },
    }
}

fn block() -> impl Strategy<Value = Block> {
    prop_oneof![
        text().prop_map(|text| Block::Text { text }),
        (text(), prop::option::of(any::<u32>())).prop_map(|(code, start_line)| Block::Code {
            code,
            language: None,
            start_line
        }),
        value().prop_map(|data| Block::Json { data }),
        (text(), prop::option::of(text()), text()).prop_map(|(url, alt, mime)| Block::Image { url, alt, mime }),
        (text(), text()).prop_map(|(url, mime)| Block::Video { url, mime }),
        (text(), text()).prop_map(|(url, mime)| Block::Audio { url, mime }),
        (text(), prop::option::of(text())).prop_map(|(path, content)| Block::File { path, content }),
        (text(), prop::option::of(text())).prop_map(|(code, language)| Block::Code {
            code,
            language,
            start_line: None
        }),
        (text(), text()).prop_map(|(uri, media_type)| Block::Reference { uri, media_type }),
        value().prop_map(|more| Block::Other(json!({"type": "Hologram", "more": more}))),
    ]
}

prop_compose! {
    fn event()(
        event_id in text(), timestamp in timestamp(), kind in kind(), task_id in prop::option::of(text()),
        blocks in prop::collection::vec(block(), 0..3), duration_ms in prop::option::of(any::<u64>()),
        attributes in attributes(), extra in prop::collection::btree_map("x_[a-z]{1,4}", value(), 0..2),
    ) -> Event {
        Event { event_id, timestamp, kind, task_id, content: Content { blocks }, duration_ms, attributes, extra }
    }
}

prop_compose! {
    fn header()(
        session_id in text(), model in text(), tool_version in prop::option::of(text()),
        title in prop::option::of(text()), tags in prop::collection::vec(text(), 0..2),
        created_at in timestamp(), updated_at in timestamp(),
        related_session_ids in prop::collection::vec(text(), 0..2), attributes in attributes(),
        extra in prop::collection::btree_map("x_[a-z]{1,4}", value(), 0..2),
    ) -> Header {
        let agent = Agent { provider: "anthropic".into(), model, tool: "claude-code".into(), tool_version };
        let context =
            Context { title, description: None, tags, created_at, updated_at, related_session_ids, attributes };
        Header { version: HAIL_VERSION.into(), session_id, agent, context, extra }
    }
}

prop_compose! {
    fn session()(header in header(), events in prop::collection::vec(event(), 0..6)) -> Session {
        Session { header, events }
    }
}

fn written(session: &Session) -> Vec<u8> {
    let mut out = Vec::new();
    write_session(session, &mut out).expect("a vector takes everything");
    out
}

fn read(text: &[u8]) -> Session {
    Reader::new(text).and_then(Reader::read_to_end).expect("a canonical text can be read")
}

/// The line as serde derives it: what the spelling by hand must be equal to.
#[derive(serde::Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Derived<'a> {
    Event(&'a Event),
}

fn both_spellings(event: &Event) -> (String, String) {
    let mut by_hand = Vec::new();
    write_event(event, &mut by_hand).expect("a vector takes everything");
    let derived = serde_json::to_string(&Derived::Event(event)).expect("an event can be written");
    (String::from_utf8(by_hand).expect("canonical text is UTF-8"), derived + "\n")
}

proptest! {
    #[test]
    fn an_event_is_spelled_as_serde_derives_it(event in event()) {
        let (by_hand, derived) = both_spellings(&event);
        prop_assert_eq!(by_hand, derived);
    }

    #[test]
    fn every_string_is_escaped_as_serde_escapes_it(
        text in "([ -~]|[\\x00-\\x1f]|[\\x7f-\\xff]|\"|\\\\|[\\u{2028}日😀]){0,40}",
    ) {
        let (by_hand, derived) = both_spellings(&Event::new(
            text.clone(), Timestamp::EPOCH, EventKind::UserMessage, Content::text(text),
        ));
        prop_assert_eq!(by_hand, derived);
    }

    #[test]
    fn reading_what_was_written_gives_the_same_session_and_the_same_bytes(session in session()) {
        let text = written(&session);
        let again = read(&text);
        prop_assert_eq!(&again, &session);
        prop_assert_eq!(written(&again), text);
    }

    #[test]
    fn the_order_of_keys_in_the_source_does_not_matter(session in session()) {
        let text = String::from_utf8(written(&session)).expect("canonical text is UTF-8");
        // Every map written backwards, as a hash map might.
        let mut reversed = String::new();
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).expect("each line is JSON");
            reversed += &backwards(&value);
            reversed.push('\n');
        }
        prop_assert_eq!(written(&read(reversed.as_bytes())), text.into_bytes());
    }

    #[test]
    fn a_canonical_text_has_no_blank_line_and_ends_with_a_line_feed(session in session()) {
        let text = written(&session);
        prop_assert_eq!(text.last(), Some(&b'\n'));
        let lines = text.strip_suffix(b"\n").unwrap_or(&text).split(|&byte| byte == b'\n');
        prop_assert_eq!(lines.filter(|line| line.first() == Some(&b'{')).count(), session.events.len() + 2);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(reader) = Reader::new(text.as_slice()) {
            prop_assert!(reader.count() <= text.len());
        }
    }

    #[test]
    fn cut_anywhere_a_text_is_an_error_and_never_another_session(session in session(), at in 0.0..1.0_f64) {
        let text = written(&session);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            reason = "a place in a small text")]
        let cut = ((text.len() - 1) as f64 * at) as usize;
        prop_assert!(Reader::new(&text[..cut]).and_then(Reader::read_to_end).is_err());
    }
}

/// JSON with the keys of every map in reverse order.
fn backwards(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let fields: Vec<_> =
                map.iter().rev().map(|(key, value)| format!("{}:{}", json!(key), backwards(value))).collect();
            format!("{{{}}}", fields.join(" , "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(backwards).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

const HEADER: &str = r#"{"type":"header","version":"hail-1.0.0","session_id":"s","agent":{"provider":"p","model":"m","tool":"t"},"context":{"tags":[],"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}}"#;
const EVENT: &str = r#"{"type":"event","event_id":"e","timestamp":"2026-01-01T00:00:00Z","event_type":{"type":"UserMessage"},"content":{"blocks":[]}}"#;

#[test]
fn the_canonical_text_is_what_opensession_0_2_writes_for_a_plain_session() {
    let stats = r#"{"type":"stats","event_count":1,"message_count":1,"tool_call_count":0,"task_count":0,"duration_seconds":0,"total_input_tokens":0,"total_output_tokens":0,"user_message_count":1,"files_changed":0,"lines_added":0,"lines_removed":0}"#;
    let text = format!("{HEADER}\n{EVENT}\n{stats}\n");
    assert_eq!(String::from_utf8(written(&read(text.as_bytes()))).as_deref(), Ok(text.as_str()));
}

#[test]
fn every_byte_at_every_place_of_a_word_is_escaped_as_serde_escapes_it() {
    for byte in 0..0x80_u8 {
        for at in 0..17 {
            let text: String = (0..17).map(|n| if n == at { char::from(byte) } else { 'é' }).collect();
            let (by_hand, derived) =
                both_spellings(&Event::new("", Timestamp::EPOCH, EventKind::Thinking, Content::text(text)));
            assert_eq!(by_hand, derived, "byte {byte} at {at}");
        }
    }
}

#[test]
fn a_bad_line_is_named_and_the_lines_after_it_are_read() {
    let text = format!("{HEADER}\n{EVENT}\n{{\"type\":\"event\",oops\n\n{EVENT}\n{{\"type\":\"stats\"}}\n");
    let items: Vec<_> = Reader::new(text.as_bytes()).expect("the header is good").collect();
    assert_eq!(items.len(), 3);
    let error = items[1].as_ref().expect_err("the second line is bad");
    assert_eq!(error.to_string(), "line 3: not a HAIL line: no valid JSON at column 17");
    assert!(items[0].is_ok() && items[2].is_ok());
}

#[test]
fn what_is_not_hail_is_told_apart() {
    let error = |text: &str| match Reader::new(text.as_bytes()) {
        Ok(reader) => reader.read_to_end().map(|_| ()).expect_err("this is no HAIL").to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(error(""), "line 1: no HAIL: the text is empty");
    assert_eq!(error("\n\n"), "line 1: no HAIL: the text is empty");
    assert_eq!(error("{\"type\":\"user\"}\n"), "line 1: no HAIL: the first line is not a header");
    assert_eq!(error("[1,2,3]\n"), "line 1: no HAIL: the first line is not a header");
    assert_eq!(error(&HEADER.replace("1.0.0", "9.0.0")), "line 1: HAIL of a version other than hail-1.0.0");
    assert_eq!(error(HEADER), "line 1: the text ends without its stats line: it was cut off");
    let misplaced = "a line where none may be: the text goes header, events, stats";
    assert_eq!(error(&format!("{HEADER}\n{HEADER}\n")), format!("line 2: {misplaced}"));
    assert_eq!(error(&format!("{HEADER}\n{{\"type\":\"stats\"}}\n{EVENT}\n")), format!("line 3: {misplaced}"));
}

#[test]
fn the_digest_of_a_written_session_is_that_of_its_bytes() {
    let session = read(format!("{HEADER}\n{EVENT}\n{{\"type\":\"stats\"}}\n").as_bytes());
    let mut hashed = Hashed::new(Vec::new());
    write_session(&session, &mut hashed).expect("a vector takes everything");
    let (text, digest, bytes) = hashed.finish();
    assert_eq!((digest, bytes), (Digest::of(&text), text.len() as u64));
}

#[test]
fn a_million_blank_lines_are_passed_over() {
    let text = format!("{HEADER}\n{}{EVENT}\n{{\"type\":\"stats\"}}\n", "\n".repeat(1_000_000));
    assert_eq!(read(text.as_bytes()).events.len(), 1);
}

#[test]
fn statistics_are_folded_and_not_believed() {
    let text = format!("{HEADER}\n{EVENT}\n{{\"type\":\"stats\",\"event_count\":77}}\n");
    let session = read(text.as_bytes());
    let mut fold = StatsFold::default();
    fold.add(&session.events[0]);
    assert_eq!(session.stats(), fold.stats());
    assert_eq!(session.stats().event_count, 1);
}
