//! What git's words mean. They are English: it runs with `LC_ALL=C`.

use std::path::PathBuf;

use super::{Ending, Finished, RefName, RejectionKind, RemoteError, RemoteUrl};

/// Longest reason that is quoted, in characters.
const LONGEST: usize = 300;

const DENIED: [&str; 13] = [
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "terminal prompts disabled",
    "unable to get password from user",
    "Permission denied",
    "Permission to ",
    "Host key verification failed",
    "Access denied",
    "access denied",
    "returned error: 401",
    "returned error: 403",
    "not authorized",
];
const NOT_FOUND: [&str; 5] = [
    "does not appear to be a git repository",
    "epository not found",
    "returned error: 404",
    "' not found",
    "No such file or directory",
];
const UNREACHABLE: [&str; 21] = [
    "Could not resolve",
    "Name or service not known",
    "onnection refused",
    "timed out",
    "etwork is unreachable",
    "No route to host",
    "Failed to connect",
    "Couldn't connect",
    "onnection reset",
    "onnection closed",
    "unable to connect",
    "early EOF",
    "hung up",
    "RPC failed",
    "roken pipe",
    "SSL",
    "certificate",
    "returned error: 5",
    "returned error: 429",
    "unable to access",
    "Could not read from remote repository",
];
/// What git says of objects that its check does not let in (builtin/index-pack.c, builtin/unpack-objects.c).
const UNSOUND: &str = "fatal: fsck error in pack";
/// Lines that say nothing by themselves.
const EMPTY_WORDS: [&str; 4] = [
    "Please make sure you have the correct access rights",
    "and the repository exists",
    "error: failed to push some refs to",
    "Could not read from remote repository",
];

/// Why a command that talks to a remote ended badly.
pub(super) fn failure(url: &RemoteUrl, finished: &Finished) -> RemoteError {
    let url = url.to_string();
    if finished.ending == Ending::TimedOut {
        return RemoteError::TimedOut { url };
    }
    let said = &finished.stderr;
    if said.contains("mismatched algorithms: ") {
        return RemoteError::OtherFormat { url };
    }
    // The server knows nothing of that, and may complain that we hung up.
    if said.lines().any(|line| line.starts_with(UNSOUND)) {
        let reason = telling_line(said).unwrap_or_default();
        return RemoteError::Unsound { url, reason };
    }
    if let Some(reason) = line_with(said, &DENIED) {
        return RemoteError::Denied { url, reason };
    }
    if let Some(reason) = line_with(said, &NOT_FOUND) {
        return RemoteError::NotFound { url, reason };
    }
    if let Some(reason) = line_with(said, &UNREACHABLE) {
        return RemoteError::Unreachable { url, reason };
    }
    let reason = telling_line(said).unwrap_or_else(|| format!("{:?}", finished.ending));
    RemoteError::Failed { url, reason }
}

/// Refs of this repository that git could not move, for a lock was held.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Locked {
    /// The ref; `None` if git did not say which.
    pub name: Option<RefName>,
    /// The lock file that was there: the ref's own, or that of all refs; `None` if git did not say: that of a reftable.
    pub lock: Option<PathBuf>,
}

/// Whether a command failed over a lock here (refs/files-backend.c, refs/reftable-backend.c and lockfile.c of git have the
/// words).
pub(super) fn locked(finished: &Finished) -> Option<Locked> {
    finished.stderr.lines().find_map(|line| {
        if line.ends_with("cannot lock references") {
            return Some(Locked { name: None, lock: None });
        }
        let (said, lock) = line.split_once("Unable to create '")?;
        let (lock, _) = lock.split_once("': File exists")?;
        let moved = said.split_once("cannot lock ref '").map(|(_, said)| said.trim_end_matches("': "));
        let deleted = || said.split_once("could not delete reference ").map(|(_, said)| said.trim_end_matches(": "));
        let name = moved.or_else(deleted)?;
        Some(Locked { name: Some(RefName::new(name).ok()?), lock: Some(lock.into()) })
    })
}

fn line_with(said: &str, words: &[&str]) -> Option<String> {
    said.lines().find(|line| words.iter().any(|word| line.contains(word))).map(quoted)
}

/// The first line in which git complains, else the last one with words in it.
pub(super) fn telling_line(said: &str) -> Option<String> {
    let telling = |line: &&str| !line.trim().is_empty() && !EMPTY_WORDS.iter().any(|words| line.contains(words));
    let complaint = |line: &&str| line.starts_with("fatal: ") || line.starts_with("error: ");
    let mut lines = said.lines().filter(telling);
    let first = lines.clone().find(complaint);
    first.or_else(|| lines.next_back()).map(quoted)
}

/// A line fit to be quoted: without git's own prefix, not too long. Controls and credentials are gone already.
pub(super) fn quoted(line: &str) -> String {
    let line = line.trim();
    let line = ["fatal: ", "error: ", "ssh: "].iter().find_map(|prefix| line.strip_prefix(prefix)).unwrap_or(line);
    let mut short: String = line.chars().take(LONGEST).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

/// What a remote's own answer for a ref (`ng` of its report) is about.
///
/// The words are those of receive-pack.c and refs.c of git; hosts add their own, which are refusals.
pub(super) fn remote_rejection(reason: &str) -> RejectionKind {
    const RACES: [&str; 8] = [
        "failed to update ref",
        "failed to lock",
        "cannot lock ref",
        "incorrect old value",
        "reference already exists",
        "expected old value",
        // Of refs that hang together with one that has lost.
        "atomic push fail",
        "transaction failed",
    ];
    const FAULTS: [&str; 7] = [
        "unpacker error",
        "unable to migrate",
        "internal server error",
        "Internal Server Error",
        "failed to write",
        "missing necessary objects",
        "bad pack",
    ];
    if reason.contains("non-fast-forward") {
        return RejectionKind::NonFastForward;
    }
    if RACES.iter().any(|words| reason.contains(words)) {
        return RejectionKind::LockFailure;
    }
    if FAULTS.iter().any(|words| reason.contains(words)) {
        return RejectionKind::ServerFault;
    }
    RejectionKind::Refused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(stderr: &str) -> RemoteError {
        let finished =
            Finished { ending: Ending::Exited(128), stdout: Vec::new(), truncated: false, stderr: stderr.to_owned() };
        failure(&RemoteUrl::new("https://u:p@h/x"), &finished)
    }

    #[test]
    fn the_usual_failures_are_told_apart() {
        for (said, told) in [
            (
                "fatal: could not read Username for 'https://h': terminal prompts disabled\n",
                "https://h/x wants other credentials: could not read Username for 'https://h': terminal prompts disabled",
            ),
            (
                "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\nPlease make sure",
                "https://h/x wants other credentials: git@h: Permission denied (publickey).",
            ),
            (
                "ssh: Could not resolve hostname h: Name or service not known\nfatal: Could not read from remote repository.\n",
                "cannot reach https://h/x: Could not resolve hostname h: Name or service not known",
            ),
            (
                "fatal: unable to access 'https://h/x/': Failed to connect to h port 443\n",
                "cannot reach https://h/x: unable to access 'https://h/x/': Failed to connect to h port 443",
            ),
            (
                "remote: Repository not found.\nfatal: repository 'https://h/x/' not found\n",
                "there is no repository at https://h/x: remote: Repository not found.",
            ),
            (
                "hint: x\nfatal: remote said something new\nerror: failed to push some refs to 'h'\n",
                "git could not talk to https://h/x: remote said something new",
            ),
            (
                "error: object 12: hasDotdot: contains '..'\nfatal: fsck error in packed object\nfatal: early EOF\n",
                "what https://h/x has is not sound: object 12: hasDotdot: contains '..'",
            ),
            ("", "git could not talk to https://h/x: Exited(128)"),
        ] {
            assert_eq!(failed(said).to_string(), told);
        }
    }

    #[test]
    fn a_lock_that_is_held_here_is_told_from_one_over_there() {
        let said = |stderr: &str| {
            let stderr = stderr.to_owned();
            locked(&Finished { ending: Ending::Exited(1), stdout: Vec::new(), truncated: false, stderr })
        };
        let here =
            "error: cannot lock ref 'refs/x/y': Unable to create '/r s/.git/refs/x/y.lock': File exists.\n\nAnother";
        let name = RefName::new("refs/x/y").ok();
        let lock = Some("/r s/.git/refs/x/y.lock".into());
        assert_eq!(said(here), Some(Locked { name: name.clone(), lock }));
        let packed = "error: could not delete reference refs/x/y: Unable to create '/r/packed-refs.lock': File exists.";
        assert_eq!(said(packed), Some(Locked { name, lock: Some("/r/packed-refs.lock".into()) }));
        assert_eq!(
            said("error: cannot lock references\nFrom x"),
            Some(Locked { name: None, lock: None }),
            "a reftable"
        );
        for other in ["cannot lock ref 'refs/x': is at 1 but expected 2", "Unable to create 'x.lock': File exists", ""]
        {
            assert_eq!(said(other), None, "{other}");
        }
    }

    #[test]
    fn only_lost_races_are_tried_again() {
        for (reason, kind) in [
            ("failed to update ref", RejectionKind::LockFailure),
            ("cannot lock ref 'refs/x': is at 1 but expected 2", RejectionKind::LockFailure),
            ("incorrect old value provided", RejectionKind::LockFailure),
            ("unpacker error", RejectionKind::ServerFault),
            ("deny updating a hidden ref", RejectionKind::Refused),
            ("pre-receive hook declined", RejectionKind::Refused),
            ("funny refname", RejectionKind::Refused),
            ("prohibited by Gerrit: not permitted: create", RejectionKind::Refused),
            ("shallow update not allowed", RejectionKind::Refused),
            ("something a host invents tomorrow", RejectionKind::Refused),
        ] {
            assert_eq!(remote_rejection(reason), kind, "{reason}");
        }
    }

    #[test]
    fn a_quoted_line_has_an_end() {
        assert_eq!(quoted(&"ä".repeat(1000)).chars().count(), LONGEST + 1);
    }
}
