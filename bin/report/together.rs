//! Why a push of branch and sessions together came to nothing, or to half.

use std::fmt;

use git_opensession::fanout::BadPush;
use git_opensession::ledger::Namespace;

use super::{Exit, Hint};

/// Why `push --with` ended early. Unless it says otherwise, the remote has nothing of it.
#[derive(Debug)]
pub enum Together {
    /// What stands behind `--with`.
    Bad(BadPush),
    /// git would not do this push.
    GitSays { reason: String, words: Vec<String> },
    /// A remote with more than one address.
    Addresses { remote: String, count: usize },
    /// Strict mode, or a secret.
    Blocked { by: &'static str },
    /// A ref that the remote does not take, and why.
    Rejected { label: String, name: String, reason: String },
    /// A remote that does not take what sessions are in.
    Refused { label: String, name: String, reason: String, push: Vec<String>, is_strict: bool },
    /// A remote that has taken the branch, and refused the rest.
    Torn { label: String },
    /// Others were faster every time.
    Raced { label: String, again: Vec<String> },
    /// Something of ours cannot be made ready.
    NotReady,
    /// A remote that does no several refs as one.
    NotAtomic { label: String, push: Vec<String> },
    /// A hook of the user's.
    HookSaidNo,
}

impl Together {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Bad(BadPush::Ours { .. }) => Exit::No,
            Self::Bad(_) | Self::Addresses { .. } => Exit::Usage,
            Self::Torn { .. } => Exit::Partly,
            Self::NotReady | Self::GitSays { .. } => Exit::Fatal,
            _ => Exit::No,
        }
    }

    /// What may help.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Bad(BadPush::Unknown { .. } | BadPush::NoValue { .. }) => {
                vec![Hint::command(
                    ["git", "push", "-h"],
                    "what git push understands; what is ours stands before --with",
                )]
            }
            Self::Bad(BadPush::NotAtomic) => {
                vec![Hint::command(["git", "push"], "branches by themselves; the hook carries the sessions")]
            }
            Self::Bad(BadPush::Ours { .. }) => {
                vec![Hint::own(["push", "--with", "REMOTE", "BRANCH"], "name the branches; their sessions go along")]
            }
            Self::Bad(BadPush::FollowsPassword) => {
                vec![Hint::command(["git", "remote", "add", "NAME", "URL"], "give it a name, and push to that")]
            }
            Self::GitSays { words, .. } => {
                let git = ["git", "push", "--dry-run"].map(str::to_owned).into_iter();
                vec![Hint::command(git.chain(words.iter().cloned()), "what git says in full")]
            }
            Self::Addresses { remote, .. } => {
                let words = ["git", "remote", "get-url", "--push", "--all", remote];
                vec![Hint::command(words, "name one of them instead of the remote")]
            }
            Self::Rejected { label, reason, .. } if is_behind(reason) => {
                vec![Hint::command(["git", "fetch", label], "then rebase or merge, and push again")]
            }
            Self::Refused { name, reason, push, is_strict, .. } => {
                let alone: &[&str] = if *is_strict { &["env", "OPENSESSION_STRICT=0"] } else { &[] };
                let alone = alone.iter().map(|word| (*word).to_owned()).chain(push.iter().cloned());
                let mut hints = vec![Hint::command(alone, "the branch without its sessions")];
                if reason.contains("hidden ref") && name.starts_with("refs/opensession/") {
                    let [_, heads] = Namespace::NAMES;
                    let words = ["git", "config", "opensession.namespace", heads];
                    hints.push(Hint::command(words, "for a host that takes only branches"));
                }
                hints
            }
            Self::Raced { again, .. } => vec![Hint::own(again.iter().cloned(), "tries it again")],
            Self::NotAtomic { push, .. } => {
                vec![Hint::command(push.iter().cloned(), "the branch; the hook carries the sessions beside it")]
            }
            Self::Torn { .. } => vec![Hint::own(["push"], "asks it again for the sessions")],
            Self::NotReady => vec![Hint::own(["doctor"], "looks at the ledgers")],
            Self::Rejected { .. } | Self::Blocked { .. } | Self::HookSaidNo => Vec::new(),
        }
    }
}

/// Whether the remote has something that is not here yet.
fn is_behind(reason: &str) -> bool {
    ["fetch first", "non-fast-forward", "stale info"].contains(&reason)
}

impl fmt::Display for Together {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bad(bad) => bad.fmt(f),
            Self::GitSays { reason, .. } => write!(f, "nothing is pushed: git push says: {reason}"),
            Self::Addresses { remote, count } => {
                write!(f, "{remote} has {count} addresses, and one push reaches one of them as a whole")
            }
            Self::Blocked { by } => write!(f, "nothing is pushed: {by}"),
            Self::Rejected { label, name, reason } => {
                write!(f, "nothing was pushed: {label} does not take {name} ({reason})")
            }
            Self::Refused { label, name, reason, .. } => {
                write!(f, "nothing was pushed: {label} does not take {name}, which holds the sessions ({reason})")
            }
            Self::Torn { label } => {
                write!(f, "{label} has taken a part and refused the rest, though it was asked for all or nothing")
            }
            Self::Raced { label, .. } => {
                write!(f, "nothing was pushed: others pushed sessions to {label} at the same time, again and again")
            }
            Self::NotReady => f.write_str("nothing was pushed: the sessions cannot be made ready"),
            Self::NotAtomic { label, .. } => {
                write!(f, "nothing was pushed: {label} cannot take several refs as one (--atomic)")
            }
            Self::HookSaidNo => {
                f.write_str("nothing was pushed: git push failed before it came to any ref; it said why")
            }
        }
    }
}
