//! The arithmetic of `git patch-id --stable`: which bytes of a patch are hashed, and what is summed.
//!
//! The lines of a patch are hashed without white space: of its headers all but `index` and `@@`, of its hunks all. The
//! hashes of its files are summed, so that their order does not matter. Where git's own rule is a matter of chance it
//! is followed all the same, for an id is only of use if it is git's:
//!
//! - a file without hunks (a new mode, an empty file) has one hash together with the next one;
//! - a binary file is hashed by the ids of its contents, and the file after it without its first line;
//! - of a line, what comes after a NUL is not hashed.

use super::{LineChange, PatchId};
use crate::git::object_format::{Checksum, ObjectFormat};
use crate::git::{EntryKind, Oid};

/// So many bytes are hashed at once.
const ENOUGH: usize = 8 << 10;

/// The id of a patch that is read from its beginning to its end.
pub(super) struct PatchHash {
    format: ObjectFormat,
    hash: Checksum,
    /// What is to be hashed next: many short texts are hashed at once.
    waiting: Vec<u8>,
    sum: Vec<u8>,
    /// What came before.
    last: Last,
}

/// What the last file of a patch left behind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing: there was none.
    Begin,
    /// A header without hunks.
    Header,
    /// Hunks.
    Hunks,
    /// A binary file.
    Binary,
}

impl PatchHash {
    pub fn new(format: ObjectFormat) -> Self {
        let (hash, last) = (Checksum::new(format), Last::Begin);
        Self { format, sum: vec![0; hash.value().len()], hash, waiting: Vec::with_capacity(2 * ENOUGH), last }
    }

    /// The header of a file: its name and modes.
    pub fn file(&mut self, path: &[u8], old: Option<EntryKind>, new: Option<EntryKind>) {
        if self.last == Last::Hunks {
            self.flush();
        }
        if self.last != Last::Binary {
            self.text(&[b"diff --git ".as_slice(), &quoted(b"a/", path), &quoted(b"b/", path)].concat());
        }
        self.last = Last::Header;
        match (old.map(mode), new.map(mode)) {
            (None, Some(new)) => self.text(format!("new file mode {new}").as_bytes()),
            (Some(old), None) => self.text(format!("deleted file mode {old}").as_bytes()),
            (Some(old), Some(new)) if old != new => {
                self.text(format!("old mode {old} new mode {new}").as_bytes());
            }
            _ => {}
        }
    }

    /// The two lines before the first hunk of a file; whether it is there before, and after.
    pub fn sides(&mut self, path: &[u8], there: [bool; 2]) {
        let [old, new] = there;
        self.text(b"---");
        self.text(if old { quoted(b"a/", path) } else { b"/dev/null".to_vec() }.as_slice());
        self.text(b"+++");
        self.text(if new { quoted(b"b/", path) } else { b"/dev/null".to_vec() }.as_slice());
        self.last = Last::Hunks;
    }

    /// A line of a hunk; `None`: it is there before and after.
    pub fn line(&mut self, change: Option<LineChange>, text: &[u8]) {
        match change {
            Some(LineChange::Added) => self.text(b"+"),
            Some(LineChange::Removed) => self.text(b"-"),
            None => {}
        }
        self.text(text);
    }

    /// The contents of a binary file.
    pub fn binary(&mut self, old: Option<Oid>, new: Option<Oid>) {
        for oid in [old, new] {
            match oid {
                Some(oid) => self.text(oid.to_string().as_bytes()),
                None => self.text(&vec![b'0'; self.sum.len() * 2]),
            }
        }
        self.flush();
        self.last = Last::Binary;
    }

    /// The id; `None` if there was no file.
    pub fn finish(mut self) -> Option<PatchId> {
        if self.last == Last::Begin {
            return None;
        }
        self.flush();
        Oid::from_bytes(&self.sum).ok().map(PatchId)
    }

    /// Hashes a text without white space, up to a NUL.
    fn text(&mut self, text: &[u8]) {
        let text = memchr::memchr(0, text).and_then(|end| text.get(..end)).unwrap_or(text);
        self.waiting.extend(text.iter().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r')));
        if self.waiting.len() >= ENOUGH {
            self.hash.update(&self.waiting);
            self.waiting.clear();
        }
    }

    /// Adds the hash so far to the sum, byte by byte with what is carried, and begins another.
    fn flush(&mut self) {
        self.hash.update(&self.waiting);
        self.waiting.clear();
        let hash = std::mem::replace(&mut self.hash, Checksum::new(self.format)).value();
        let mut carry = 0;
        for (sum, byte) in self.sum.iter_mut().zip(hash) {
            carry += u16::from(*sum) + u16::from(byte);
            *sum = carry.to_le_bytes()[0];
            carry >>= 8;
        }
    }
}

fn mode(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Tree => "040000",
        EntryKind::File => "100644",
        EntryKind::Executable => "100755",
        EntryKind::Link => "120000",
        EntryKind::Submodule => "160000",
    }
}

/// A path as git prints it where `core.quotePath` is not set: in quotes, with what is no plain ASCII as backslash and
/// digits.
fn quoted(prefix: &[u8], path: &[u8]) -> Vec<u8> {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if path.iter().all(is_plain) {
        return [prefix, path].concat();
    }
    let mut text = vec![b'"'];
    text.extend_from_slice(prefix);
    for &byte in path {
        let letter = match byte {
            0x07 => b'a',
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0b => b'v',
            0x0c => b'f',
            b'\r' => b'r',
            b'"' | b'\\' => byte,
            byte if is_plain(&byte) => {
                text.push(byte);
                continue;
            }
            byte => {
                text.extend_from_slice(format!("\\{byte:03o}").as_bytes());
                continue;
            }
        };
        text.extend([b'\\', letter]);
    }
    text.push(b'"');
    text
}
