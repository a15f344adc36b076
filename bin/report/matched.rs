//! By what a commit was recognised as one that a session is behind.

use git_opensession::ledger::{Link, Match};

/// How it was found, if that needs to be said: not by its id.
pub fn found_by(link: &Link) -> Option<String> {
    let short = |oid: git_opensession::git::Oid| oid.to_string().chars().take(12).collect::<String>();
    let commit = short(link.commit);
    let original = original(link).map(short);
    Some(match (link.matched, original) {
        (Match::Commit, _) => return None,
        (Match::Patch, Some(original)) => format!("{commit} has the same patch as {original}"),
        (Match::Patch, None) => format!("{commit} has a patch that the session is tied to"),
        (Match::Branch, _) => format!("{commit} is a squash of a branch that the session is behind"),
        (Match::Similar(share), original) => {
            let original = original.unwrap_or_else(|| "another commit".to_owned());
            format!("{commit} is similar to {original}: {} % of the lines are the same", share.get())
        }
    })
}

/// The commit that the session was tied to, if it is another one and known.
pub fn original(link: &Link) -> Option<git_opensession::git::Oid> {
    let anchor = link.evidence.as_ref()?.anchor.as_ref()?;
    anchor.commit().map(|commit| commit.id).filter(|original| *original != link.commit)
}
