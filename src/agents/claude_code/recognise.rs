//! Telling a log of Claude Code from others, and where it is from, by its first records.

use std::path::Path;

use super::raw::{shape, text};
use super::reading::{moment, session_id};
use super::record::Record;
use crate::agents::jsonl::{self, Line, LineEnd, Lines, values};
use crate::agents::{Origin, ParseError};

/// How many lines tell where a log is from, if they tell at all.
const FIRST_LINES: u64 = 500;

/// Whether a record is of this agent; `None` if its type says nothing and nothing speaks against it.
pub(super) fn is_ours(record: &Record<'_>) -> Option<bool> {
    let is_named = record.uuid.is_some() || record.session_id.is_some();
    Some(match text(record.kind).unwrap_or_default().as_ref() {
        // Others have these types, too, but another body.
        "user" | "assistant" => is_named && record.message().is_some_and(|message| message.content.is_some()),
        "attachment" => is_named && record.attachment.is_some(),
        "summary" => record.summary.is_some() && record.leaf_uuid.is_some(),
        "file-history-snapshot" => true,
        "system" if is_named && record.subtype.is_some() => return None,
        "progress" | "queue-operation" | "custom-title" | "agent-name" | "last-prompt" | "mode" | "permission-mode"
        | "pr-link" | "frame-link"
            if record.session_id.is_some() =>
        {
            return None;
        }
        _ => false,
    })
}

/// Whether a record names its session as ours do, but is of a type that nobody knows yet.
fn is_new(record: &Record<'_>) -> bool {
    let kind = text(record.kind).unwrap_or_default();
    record.session_id.is_some() && !matches!(kind.as_ref(), "" | "user" | "assistant" | "attachment" | "summary")
}

/// Whether the first bytes of a file look like a log of this agent. They may end anywhere.
pub(super) fn recognises(head: &[u8]) -> bool {
    let mut lines = Lines::new(head, 0);
    let mut looks_like = false;
    while let Ok(Some(line)) = lines.read() {
        let (text, _) = line.text();
        for record in values::<Record<'_>>(&text, line.end) {
            match record.as_ref().map(is_ours) {
                Ok(Some(false)) if record.as_ref().is_ok_and(is_new) => {}
                Ok(Some(verdict)) if verdict || !looks_like => return verdict,
                Ok(None) => looks_like = true,
                // The first record alone is longer than the head.
                Err(_) if line.number == 1 && line.end == LineEnd::Open => return begins_like_ours(&line),
                _ => {}
            }
        }
    }
    looks_like
}

/// Whether the beginning of a record has the fields of this agent's envelope.
fn begins_like_ours(line: &Line<'_>) -> bool {
    let has = |needle: &str| memchr::memmem::find(line.bytes, needle.as_bytes()).is_some();
    let has_envelope = has("\"parentUuid\":") && (has("\"sessionId\":") || has("\"isSidechain\":"));
    (has_envelope || has("\"type\":\"file-history-snapshot\"") || has("\"leafUuid\":")) && !has("\"parts\":")
}

/// Where a log is from; `None` if its first records are not of this agent.
pub(super) fn origin(path: &Path) -> Result<Option<Origin>, ParseError> {
    let failed = |source| ParseError::Read { path: path.to_owned(), source };
    let mut lines = jsonl::open(path)?.lines(0).map_err(failed)?;
    let mut origin = Origin { session_id: session_id(path), cwd: None, started: None };
    let mut is_known = false;
    while let Some(line) = lines.read().map_err(failed)? {
        let (line_text, _) = line.text();
        for record in values::<Record<'_>>(&line_text, line.end).flatten() {
            is_known |= is_ours(&record) != Some(false);
            origin.started = origin.started.or_else(|| moment(&record));
            if origin.cwd.is_none() {
                origin.cwd = text(record.cwd).filter(|cwd| !cwd.is_empty()).map(|cwd| cwd.as_ref().into());
            }
        }
        let is_complete = is_known && origin.cwd.is_some() && origin.started.is_some();
        if is_complete || line.number >= FIRST_LINES {
            break;
        }
    }
    Ok(is_known.then_some(origin))
}

/// The session that the first record of a subagent's file names.
pub(super) fn parent_session(path: &Path) -> Option<String> {
    first_record(path, 0, |record| super::raw::words(record.session_id))
}

/// What the first readable record from a byte offset on tells.
pub(super) fn first_record<T>(path: &Path, offset: u64, tell: impl Fn(&Record<'_>) -> Option<T>) -> Option<T> {
    let mut lines = jsonl::open(path).ok()?.lines(offset).ok()?;
    while let Ok(Some(line)) = lines.read() {
        let (text, _) = line.text();
        if let Some(told) = values::<Record<'_>>(&text, line.end).flatten().find_map(|record| tell(&record)) {
            return Some(told);
        }
        if line.number >= FIRST_LINES {
            break;
        }
    }
    None
}

/// What lies beside a subagent's file about it.
pub(super) struct Meta {
    /// What it was asked to do, in a few words, else what kind of agent it is.
    pub title: Option<String>,
    /// The call that started it.
    pub call: Option<String>,
}

/// Reads `agent-<id>.meta.json` beside `agent-<id>.jsonl`.
pub(super) fn meta(agent_file: &Path) -> Option<Meta> {
    use super::raw::{Raw, words};
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct MetaFile<'a> {
        #[serde(borrow)]
        agent_type: Raw<'a>,
        #[serde(borrow)]
        description: Raw<'a>,
        #[serde(borrow)]
        tool_use_id: Raw<'a>,
    }
    let mut lines = jsonl::open(&agent_file.with_extension("meta.json")).ok()?.lines(0).ok()?;
    let mut bytes = Vec::new();
    while let Ok(Some(line)) = lines.read() {
        bytes.extend_from_slice(line.bytes);
        bytes.push(b' ');
        if bytes.len() > 64 << 10 {
            return None;
        }
    }
    let whole: &serde_json::value::RawValue = serde_json::from_slice(&bytes).ok()?;
    let meta: MetaFile<'_> = shape(Some(whole))?;
    Some(Meta { title: words(meta.description).or_else(|| words(meta.agent_type)), call: words(meta.tool_use_id) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = r#"{"parentUuid":null,"sessionId":"s","type":"user","message":{"role":"user","content":"hi"},"uuid":"u1","timestamp":"2026-01-02T03:04:05Z","cwd":"/r"}"#;

    #[test]
    fn a_log_may_begin_with_records_of_many_types() {
        for first in [
            r#"{"type":"file-history-snapshot","messageId":"m","snapshot":{}}"#,
            r#"{"type":"summary","summary":"x","leafUuid":"u"}"#,
            r#"{"type":"progress","sessionId":"s","data":{}}"#,
            r#"{"type":"queue-operation","sessionId":"s","operation":"enqueue"}"#,
            r#"{"type":"custom-title","sessionId":"s","customTitle":"x"}"#,
            r#"{"type":"mode","sessionId":"s","mode":"normal"}"#,
            r#"{"type":"system","sessionId":"s","uuid":"u","subtype":"local_command"}"#,
            USER,
        ] {
            assert!(recognises(first.as_bytes()), "{first}");
            assert!(recognises(format!("\n{first}\n{USER}\n").as_bytes()), "{first}");
        }
        assert!(recognises(&USER.as_bytes()[..60]), "cut off in its first record");
        let new = r#"{"type":"not-known-yet","sessionId":"s","uuid":"u","data":{}}"#;
        assert!(recognises(format!("{new}\n{new}\n{USER}\n").as_bytes()));
        assert!(!recognises(format!("{new}\n{new}\n").as_bytes()), "nothing speaks for it");
        let other = r#"{"type":"user","sessionId":"s","uuid":"u","message":{"role":"user","parts":[]}}"#;
        assert!(!recognises(format!("{new}\n{other}\n{USER}\n").as_bytes()));
    }

    #[test]
    fn logs_of_others_are_not_recognised() {
        for first in [
            "",
            "[1,2,3]",
            "no json",
            r#"{"timestamp":"2026-01-02T03:04:05Z","type":"session_meta","payload":{"id":"x"}}"#,
            r#"{"type":"header","version":"hail-1.0.0","session_id":"s"}"#,
            r#"{"uuid":"u","parentUuid":null,"sessionId":"s","type":"user","message":{"role":"user","parts":[]}}"#,
            r#"{"type":"session","id":"x","version":3}"#,
            r#"{"event":"no-repo","properties":{},"user_id":"u"}"#,
            r#"{"type":"user","id":"1","content":[{"text":"hi"}]}"#,
        ] {
            assert!(!recognises(first.as_bytes()), "{first}");
        }
    }

    #[test]
    fn the_origin_is_what_the_first_records_tell_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("the id.jsonl");
        let first = r#"{"type":"file-history-snapshot","messageId":"m","snapshot":{}}"#;
        std::fs::write(&path, format!("{first}\nbroken\n{USER}\n")).unwrap();
        let origin = origin(&path).unwrap().expect("it is one of ours");
        assert_eq!(origin.session_id, "the id");
        assert_eq!(origin.cwd.as_deref(), Some(Path::new("/r")));
        assert_eq!(origin.started.unwrap().to_string(), "2026-01-02T03:04:05Z");
        std::fs::write(&path, "[1,2,3]\n").unwrap();
        assert_eq!(super::origin(&path).unwrap(), None);
    }

    #[test]
    fn a_subagents_meta_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agent-a1.jsonl");
        assert!(meta(&file).is_none());
        let json = "{\n \"agentType\": \"Explore\",\n \"toolUseId\": \"c1\"\n}";
        std::fs::write(folder.path().join("agent-a1.meta.json"), json).unwrap();
        let read = meta(&file).expect("it is there");
        assert_eq!((read.title.as_deref(), read.call.as_deref()), (Some("Explore"), Some("c1")));
    }
}
