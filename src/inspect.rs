//! What is in a session, added up: `inspect`.

use std::collections::BTreeMap;
use std::io::BufRead;

use crate::hail::{Digest, HashedSource, LineError, LineErrorKind, Reader};
use crate::session::{EventKind, Header, Stats, StatsFold};

/// A session without its conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Who, with what, when.
    pub header: Header,
    /// What its events add up to.
    pub stats: Stats,
    /// The files it changed, by path.
    pub files: BTreeMap<String, FileChange>,
    /// Tool calls that failed.
    pub failed_calls: u64,
    /// The digest of its text.
    pub digest: Digest,
    /// The size of its text, in bytes.
    pub bytes: u64,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileChange {
    /// How it began.
    pub kind: ChangeKind,
    /// Lines added, all edits together.
    pub lines_added: u64,
    /// Lines removed, all edits together.
    pub lines_removed: u64,
}

/// How a file was changed first, or that it is gone at last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Created,
    /// It was there.
    Edited,
    /// It is gone.
    Deleted,
}

/// Adds up a session's text.
///
/// # Errors
/// At the first bad line, and when it ends before its statistics.
pub fn inspect(text: impl BufRead) -> Result<Summary, LineError> {
    let mut reader = Reader::new(HashedSource::new(text))?;
    let mut all = StatsFold::default();
    let mut files: BTreeMap<String, (ChangeKind, StatsFold)> = BTreeMap::new();
    let mut failed_calls = 0;
    while let Some(event) = reader.next().transpose()? {
        all.add(&event);
        failed_calls += u64::from(matches!(&event.kind, EventKind::ToolResult { is_error: true, .. }));
        let Some(path) = event.kind.edited_path() else { continue };
        let (kind, fold) = files.entry(path.to_owned()).or_insert_with(|| (first(&event.kind), StatsFold::default()));
        if matches!(event.kind, EventKind::FileDelete { .. }) {
            *kind = ChangeKind::Deleted;
        } else if *kind == ChangeKind::Deleted {
            *kind = first(&event.kind);
        }
        fold.add(&event);
    }
    if reader.stats().is_none() {
        return Err(LineError { line: reader.line(), kind: LineErrorKind::CutOff });
    }
    let (digest, bytes) = reader.source().taken();
    let files = files.into_iter().map(|(path, (kind, fold))| {
        let Stats { lines_added, lines_removed, .. } = fold.stats();
        (path, FileChange { kind, lines_added, lines_removed })
    });
    Ok(Summary {
        header: reader.header().clone(),
        stats: all.stats(),
        files: files.collect(),
        failed_calls,
        digest,
        bytes,
    })
}

fn first(kind: &EventKind) -> ChangeKind {
    match kind {
        EventKind::FileCreate { .. } => ChangeKind::Created,
        EventKind::FileDelete { .. } => ChangeKind::Deleted,
        _ => ChangeKind::Edited,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_what_became_of_them() {
        let header = concat!(
            r#"{"type":"header","version":"hail-1.0.0","session_id":"s","agent":{"provider":"p","model":"m","tool":"t"},"#,
            r#""context":{"tags":[],"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}}"#
        );
        let event = |kind: &str, data: &str| {
            format!(
                r#"{{"type":"event","event_id":"e","timestamp":"2026-01-01T00:00:00Z","event_type":{{"type":"{kind}","data":{data}}},"content":{{"blocks":[]}}}}"#
            )
        };
        let lines = [
            header.to_owned(),
            event("FileEdit", r#"{"path":"a","diff":"-x\n+y\n+z\n"}"#),
            event("FileEdit", r#"{"path":"a","diff":"+w\n"}"#),
            event("FileCreate", r#"{"path":"b"}"#),
            event("FileDelete", r#"{"path":"b"}"#),
            event("ToolResult", r#"{"name":"Bash","is_error":true}"#),
            r#"{"type":"stats"}"#.to_owned(),
        ];
        let text = lines.join("\n") + "\n";
        let summary = inspect(text.as_bytes()).expect("HAIL");
        assert_eq!((summary.digest, summary.bytes), (Digest::of(text.as_bytes()), text.len() as u64));
        assert_eq!((summary.stats.event_count, summary.failed_calls, summary.stats.files_changed), (5, 1, 2));
        assert_eq!(
            summary.files.get("a"),
            Some(&FileChange { kind: ChangeKind::Edited, lines_added: 3, lines_removed: 1 })
        );
        assert_eq!(summary.files.get("b").map(|file| file.kind), Some(ChangeKind::Deleted));
        assert!(inspect(lines[..2].join("\n").as_bytes()).is_err(), "cut off");
    }
}
