//! Objects, asked of one `git cat-file --batch-command`.

use super::{Plumbing, succeeded};
use crate::git::backend::Objects;
use crate::git::batch::PendingObject;
use crate::git::object_format::ObjectFormat;
use crate::git::pack::pack_of;
use crate::git::process::ProcessError;
use crate::git::process::conversation::Conversation;
use crate::git::{Error, ObjectHeader, ObjectKind, Oid, Result};

/// With these words a git before 2.45 ends, when it must not fetch an object that a promisor remote has.
const PROMISED: &str = "from promisor remote";

/// What git says to a name.
pub(super) enum Answer {
    /// The object it names.
    Object(Oid, ObjectHeader),
    /// Nothing is called so, or it is not here.
    Missing,
    /// More than one object is called so.
    Ambiguous,
}

impl Objects for Plumbing {
    fn format(&self) -> ObjectFormat {
        self.format
    }

    fn header(&self, oid: Oid) -> Result<ObjectHeader> {
        match self.look_up(&oid.to_string())? {
            Answer::Object(_, header) => Ok(header),
            Answer::Missing | Answer::Ambiguous if self.has_file_of(oid) => Err(unreadable(oid)),
            Answer::Missing | Answer::Ambiguous => Err(Error::Missing(oid)),
        }
    }

    fn read(&self, oid: Oid) -> Result<Vec<u8>> {
        let question = format!("contents {oid}\n");
        let answer = self.ask(|talk| {
            talk.ask(question.as_bytes())?;
            let Some((_, header)) = parse(&talk.line()?) else { return Ok(None) };
            let content = talk.bytes(usize::try_from(header.size).unwrap_or(usize::MAX))?;
            talk.bytes(1)?;
            Ok(Some((header.kind, content)))
        });
        match answer {
            // git does not compare what it reads with the id.
            Ok(Some((kind, content))) if self.format.hash_object(kind, &content)? == oid => Ok(content),
            Ok(Some(_)) => Err(Error::Damaged { oid, reason: "its bytes have another id".to_owned() }),
            Ok(None) if self.has_file_of(oid) => Err(unreadable(oid)),
            Ok(None) => Err(Error::Missing(oid)),
            Err(ProcessError::Ended { said, .. }) if said.contains(PROMISED) => Err(Error::Missing(oid)),
            Err(ProcessError::Ended { said, .. }) if said.contains("corrupt") => {
                Err(Error::Damaged { oid, reason: said })
            }
            Err(error) => Err(cannot_ask(error)),
        }
    }

    fn exists(&self, oid: Oid) -> Result<bool> {
        Ok(matches!(self.look_up(&oid.to_string())?, Answer::Object(..)))
    }

    fn renew(&self, objects: Vec<PendingObject>) -> Result<Vec<PendingObject>> {
        let (mut known, mut new) = (Vec::new(), Vec::new());
        for object in objects {
            let list = if self.exists(object.oid)? { &mut known } else { &mut new };
            list.push(object);
        }
        if !known.is_empty() {
            // What is there is not written again, but made young.
            let doing = "write objects that are there already in";
            let unpack = self.command(["unpack-objects", "-q"]).stdin(pack_of(self.format, &known)?);
            let finished = unpack.run().map_err(Error::process(doing, self.common_dir.display()))?;
            succeeded(finished, doing, self.common_dir.display())?;
        }
        Ok(new)
    }

    fn refresh(&self) -> Result<()> {
        // git looks at its packs again before it says that something is missing.
        Ok(())
    }
}

impl Plumbing {
    /// What a name (of gitrevisions(7), in one line) names.
    pub(super) fn look_up(&self, name: &str) -> Result<Answer> {
        let question = format!("info {name}\n");
        let answer = self.ask(|talk| {
            talk.ask(question.as_bytes())?;
            talk.line()
        });
        let answer = match answer {
            Err(ProcessError::Ended { said, .. }) if said.contains(PROMISED) => return Ok(Answer::Missing),
            answer => answer.map_err(cannot_ask)?,
        };
        Ok(match parse(&answer) {
            Some((oid, header)) => Answer::Object(oid, header),
            None if answer.ends_with(b" ambiguous") => Answer::Ambiguous,
            None => Answer::Missing,
        })
    }

    /// Asks the git that answers for objects. One that has died since the last question is started once more.
    fn ask<T>(&self, question: impl Fn(&mut Conversation) -> Result<T, ProcessError>) -> Result<T, ProcessError> {
        let mut slot = self.talk.borrow_mut();
        if let Some(mut talk) = slot.take() {
            match question(&mut talk) {
                Ok(answer) => {
                    *slot = Some(talk);
                    return Ok(answer);
                }
                // Somebody has ended it.
                Err(ProcessError::Ended { said, .. }) if said.is_empty() => {}
                // It has a reason, which will be the same.
                Err(error) => return Err(error),
            }
        }
        let mut talk = self.git.command(["cat-file", "--batch-command"]).converse()?;
        let answer = question(&mut talk)?;
        *slot = Some(talk);
        Ok(answer)
    }

    /// Whether there is a file for the object, readable or not.
    fn has_file_of(&self, oid: Oid) -> bool {
        let name = oid.to_string();
        let (folder, rest) = name.split_at(2);
        self.common_dir.join("objects").join(folder).join(rest).exists()
    }
}

/// `<id> <kind> <size>`.
fn parse(line: &[u8]) -> Option<(Oid, ObjectHeader)> {
    let line = std::str::from_utf8(line).ok()?;
    let (oid, rest) = line.split_once(' ')?;
    let (kind, size) = rest.split_once(' ')?;
    let kinds = [ObjectKind::Blob, ObjectKind::Tree, ObjectKind::Commit, ObjectKind::Tag];
    let kind = kinds.into_iter().find(|known| known.as_str() == kind)?;
    Some((oid.parse().ok()?, ObjectHeader { kind, size: size.parse().ok()? }))
}

fn unreadable(oid: Oid) -> Error {
    Error::Damaged { oid, reason: "git cannot read its file".to_owned() }
}

fn cannot_ask(error: ProcessError) -> Error {
    if let ProcessError::Ended { said, .. } = &error
        && said.contains("unknown option")
    {
        return Error::Unsupported {
            what: "SHA-256 object ids or reftables, with a git older than 2.36".to_owned(),
            advice: "update git",
        };
    }
    Error::process("read objects with", "git cat-file")(error)
}
