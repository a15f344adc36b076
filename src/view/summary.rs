//! A session without its conversation, for a reader.

use std::io;

use super::look::{Look, Pen, Role};
use super::page::{Page, field};
use super::when::{counted, number, size};
use super::{Safe, Untrusted, write_head};

/// What a summary adds to the head of a page.
#[derive(Debug, Clone)]
pub struct Summary<'a> {
    /// The address it was read by, if it was.
    pub address: Option<&'a str>,
    /// The digest of its text.
    pub digest: &'a str,
    /// The size of its text, in bytes.
    pub bytes: u64,
    /// How many events it has.
    pub events: u64,
    /// Tool calls that failed.
    pub failed_calls: u64,
    /// The files it changed: a letter as in `git status --short`, the path, lines added and removed.
    pub files: &'a [(char, Untrusted, u64, u64)],
}

/// Writes the head of a session's page, and what its text adds up to.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_summary(out: &mut dyn io::Write, look: &Look, page: &Page<'_>, summary: &Summary<'_>) -> io::Result<()> {
    write_head(out, look, page)?;
    let mut pen = Pen::new(out, look.clone());
    if let Some(address) = summary.address {
        field(&mut pen, "Address:", &Safe::line(address))?;
    }
    field(&mut pen, "Digest:", &Safe::made_of_safe(format!("sha256 {}", Safe::line(summary.digest))))?;
    let events = format!("{}, {}", counted(summary.events, "event"), size(summary.bytes));
    field(&mut pen, "Text:", &Safe::made_of_safe(events))?;
    if summary.failed_calls > 0 {
        field(&mut pen, "Failed:", &Safe::made_of_safe(counted(summary.failed_calls, "tool call")))?;
    }
    for (at, (letter, path, added, removed)) in summary.files.iter().enumerate() {
        let lines = match (added, removed) {
            (0, 0) => String::new(),
            (added, removed) => format!("  +{} -{}", number(*added), number(*removed)),
        };
        let line = Safe::made_of_safe(format!("{letter} {}{lines}", Safe::line(path.raw())));
        pen.say(Role::Meta, if at == 0 { "Changed:  " } else { "          " })?;
        pen.put(Role::Text, &line)?;
        pen.newline()?;
    }
    Ok(())
}
