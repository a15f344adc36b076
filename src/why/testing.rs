//! Edits and evidence for tests.

use super::trail::{Edit, Hunk, HunkLine};
use crate::ledger::{Evidence, EvidenceKind, Percent, Window};
use crate::session::Timestamp;

/// An edit at a second; its lines begin with `+` (written) or a space (there before).
pub fn edit(second: i64, path: &str, lines: &[&str]) -> Edit {
    let line = |line: &&str| HunkLine { text: line[1..].to_owned(), is_added: line.starts_with('+') };
    Edit {
        event: format!("e{second}"),
        at: Timestamp::from_seconds(second),
        path: path.to_owned(),
        prompt: None,
        task: None,
        hunks: vec![Hunk { lines: lines.iter().map(line).collect() }],
        is_blind: false,
    }
}

/// Evidence that names these files.
pub fn evidence(files: &[&str]) -> Evidence {
    Evidence {
        kind: EvidenceKind::Wrote,
        confidence: Percent::ALL,
        lines: 1,
        share: None,
        files: files.iter().map(|&file| file.to_owned()).collect(),
        more_files: 0,
        window: Window { first: Timestamp::EPOCH, last: Timestamp::EPOCH },
    }
}
