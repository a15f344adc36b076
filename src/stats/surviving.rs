//! Which of the lines that sessions wrote are left.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;

use super::gather::Gathered;
use super::{Error, Request};
use crate::ledger::{Ledgers, Scope, SessionKey};
use crate::why::{Question, Verdict, Why};

/// Counts them, in the files of `HEAD` that the sessions have edited.
pub(super) fn count(request: &Request<'_>, gathered: &mut Gathered) -> Result<(), Error> {
    let Ok(head) = request.repo.rev_parse("HEAD") else { return Ok(()) };
    let tree = request.repo.commit(head)?.tree;
    let mut files: BTreeSet<String> = BTreeSet::new();
    for session in &gathered.sessions {
        files.extend(session.trail.edits.iter().filter_map(|edit| session.roots.relative(&edit.path)));
    }
    let mut places: HashMap<SessionKey, usize> = HashMap::new();
    for (place, session) in gathered.sessions.iter().enumerate() {
        places.insert(session.trail.session.key, place);
    }
    let ledgers = Ledgers::open(request.repo, Scope::All)?;
    let mut why = Why::new(request.repo, request.program, request.folder, &ledgers);
    for file in files {
        if request.repo.lookup(tree, file.as_bytes())?.is_none() {
            continue;
        }
        let name = OsString::from(&file);
        let question = Question { file: &name, lines: None, rev: Some("HEAD"), moves: false, copies: 0 };
        // A folder, a submodule, a binary file that git does not blame: no lines.
        let Ok(answer) = why.ask(&question) else { continue };
        for line in &answer.lines {
            let Verdict::Session(found) = &line.verdict else { continue };
            let session = places.get(&found.session).and_then(|place| gathered.sessions.get_mut(*place));
            if let Some(session) = session {
                *session.left.entry((found.edit, file.clone())).or_default() += 1;
            }
        }
    }
    for session in &mut gathered.sessions {
        session.is_looked_at = true;
    }
    Ok(())
}
