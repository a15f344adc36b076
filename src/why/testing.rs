//! Edits and evidence for tests.

use super::trail::{Edit, Hunk, HunkLine};
use crate::ledger::{Evidence, EvidenceKind, Percent, Window};
use crate::session::Timestamp;

/// An edit at a second; its lines begin with `+` (written), a space (there before), or `-` (taken out).
pub fn edit(second: i64, path: &str, lines: &[&str]) -> Edit {
    let mut hunk = Hunk::default();
    for line in lines {
        let text = line[1..].to_owned();
        if !line.starts_with('+') {
            hunk.old.push(text.clone());
        }
        if !line.starts_with('-') {
            let old = (!line.starts_with('+')).then(|| hunk.old.len() - 1);
            hunk.lines.push(HunkLine { text, old });
        }
    }
    Edit {
        event: format!("e{second}"),
        at: Timestamp::from_seconds(second),
        path: path.to_owned(),
        prompt: None,
        task: None,
        hunks: vec![hunk],
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
        anchor: None,
    }
}
