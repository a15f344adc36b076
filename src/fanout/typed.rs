//! A `git push` as somebody has typed it, and how it is said again with ledgers in it.

use std::ffi::OsString;

use super::PushUpdate;
use super::words::{self, Word};
use crate::git::remote::{Rehearsal, TypedRef};
use crate::git::{Oid, OwnRef, RefName, Repo};

/// Options that are the user's own for the rehearsal, too: they say what is pushed.
const WHAT: [&str; 12] = [
    "all",
    "branches",
    "delete",
    "follow-tags",
    "force",
    "force-if-includes",
    "force-with-lease",
    "mirror",
    "prune",
    "receive-pack",
    "set-upstream",
    "tags",
];
/// Those that say how it is done: for the rehearsal they mean nothing.
const HOW: [&str; 6] = ["force-if-includes", "progress", "push-option", "recurse-submodules", "signed", "verify"];
/// Those that say how it is done, and how the remote is reached.
const REACHING: [&str; 4] = ["ipv4", "ipv6", "receive-pack", "thin"];

/// What somebody has typed behind `git push`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypedPush {
    options: Vec<(&'static str, bool, Option<String>)>,
    remote: Option<String>,
    refspecs: Vec<String>,
}

/// A push that cannot carry ledgers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPush {
    /// It is none.
    #[error("git push has no option {option}")]
    Unknown {
        /// The option.
        option: String,
    },
    /// An option without its value.
    #[error("--{option} wants a value")]
    NoValue {
        /// The option.
        option: &'static str,
    },
    /// It is not to be one.
    #[error("--no-atomic is the opposite of what --with is for: branch and sessions together, or nothing")]
    NotAtomic,
    /// It would itself move a ref in which sessions are.
    #[error("this push would itself {what} {name}, which holds sessions, and that cannot be made safe here{}", because(*option))]
    Ours {
        /// What it would do: `delete`, `overwrite`, `move`.
        what: &'static str,
        /// The ref.
        name: RefName,
        /// The option that brings it in.
        option: Option<&'static str>,
    },
    /// It would write a password into the configuration.
    #[error("the branch cannot follow an address with a password in it: it would be stored")]
    FollowsPassword,
}

/// `: --prune takes it in`, or nothing.
fn because(option: Option<&'static str>) -> String {
    option.map(|option| format!(": --{option} takes it in")).unwrap_or_default()
}

impl TypedPush {
    /// Reads it.
    ///
    /// # Errors
    /// When git would not understand it, or it is not to be atomic.
    pub fn read(arguments: &[String]) -> Result<Self, BadPush> {
        let mut typed = Self::default();
        let mut operands = Vec::new();
        for word in words::read(arguments) {
            match word {
                Word::Unknown(option) => return Err(BadPush::Unknown { option }),
                Word::Operand(operand) => operands.push(operand),
                Word::Option {
                    name: option @ ("push-option" | "repo" | "exec" | "receive-pack"),
                    is_on: true,
                    value: None,
                } => {
                    return Err(BadPush::NoValue { option });
                }
                // Two names of one option.
                Word::Option { name: "exec", is_on, value } => typed.options.push(("receive-pack", is_on, value)),
                Word::Option { name, is_on, value } => typed.options.push((name, is_on, value)),
            }
        }
        if typed.last("atomic") == Some(false) {
            return Err(BadPush::NotAtomic);
        }
        let mut operands = operands.into_iter();
        typed.remote = operands.next().or_else(|| typed.value("repo"));
        typed.refspecs = operands.collect();
        Ok(typed)
    }

    /// The remote, if one was named.
    pub fn remote(&self) -> Option<&str> {
        self.remote.as_deref()
    }

    /// The refspecs, as they were typed.
    pub fn refspecs(&self) -> &[String] {
        &self.refspecs
    }

    /// Whether nothing is to be moved.
    pub fn is_dry_run(&self) -> bool {
        self.is_on("dry-run")
    }

    /// Whether only what is wrong is to be said.
    pub fn is_quiet(&self) -> bool {
        self.is_on("quiet")
    }

    /// Whether what the remote has already is to be said, too.
    pub fn is_verbose(&self) -> bool {
        self.is_on("verbose")
    }

    /// The options for a rehearsal.
    pub fn rehearsal(&self) -> Vec<String> {
        let said = self.options.iter().filter(|(name, ..)| WHAT.contains(name) || REACHING.contains(name));
        said.map(|(name, is_on, value)| spelled(name, *is_on, value.as_deref())).collect()
    }

    /// The options for the push itself: those that say how it is done, and a lease for each ref by its name.
    pub fn options(&self, rehearsal: &Rehearsal) -> Vec<String> {
        let said = self.options.iter().filter(|(name, ..)| HOW.contains(name) || REACHING.contains(name));
        let mut options: Vec<String> =
            said.map(|(name, is_on, value)| spelled(name, *is_on, value.as_deref())).collect();
        options.extend(rehearsal.sets_upstream.then(|| "--set-upstream".to_owned()));
        options.extend(rehearsal.refs.iter().filter_map(|found| self.lease(&found.target)));
        options
    }

    /// The refspecs for the push itself, one for each ref, forced only where the user forces.
    pub fn refspecs_of(&self, rehearsal: &Rehearsal) -> Vec<OsString> {
        let forces = self.is_on("force") || self.is_on("mirror");
        let refspec = |found: &TypedRef| {
            let is_leased = self.lease(&found.target).is_some();
            found.refspec(forces || (found.is_forced() && !is_leased))
        };
        rehearsal.refs.iter().map(refspec).collect()
    }

    /// `--force-with-lease` for this ref: a bare one is for all, and one with a name for that. The last one counts.
    fn lease(&self, target: &RefName) -> Option<String> {
        let mut lease = None;
        let mut is_named = false;
        for (_, is_on, value) in self.options.iter().filter(|(name, ..)| *name == "force-with-lease") {
            match value.as_deref().map(|value| value.split_once(':').unwrap_or((value, ""))) {
                _ if !is_on => (lease, is_named) = (None, false),
                None if !is_named => lease = Some(format!("--force-with-lease={target}")),
                None => {}
                Some((name, _)) if !stands_for(name, target) => {}
                Some((name, _)) => {
                    // With a colon, even one with nothing behind it, the value that is expected is said.
                    let expected = value.as_deref().and_then(|value| value.strip_prefix(name)).unwrap_or_default();
                    (lease, is_named) = (Some(format!("--force-with-lease={target}{expected}")), true);
                }
            }
        }
        lease
    }

    /// Whether this push can carry ledgers.
    ///
    /// # Errors
    /// When it would itself move one of our refs.
    pub fn check(&self, rehearsal: &Rehearsal) -> Result<(), BadPush> {
        let Some(found) = rehearsal.refs.iter().find(|found| is_ours(&found.target)) else { return Ok(()) };
        let what = match () {
            () if found.is_delete() => "delete",
            () if found.is_forced() || self.is_on("force") || self.is_on("mirror") => "overwrite",
            () => "move",
        };
        let option = ["mirror", "prune"].into_iter().find(|option| self.is_on(option));
        Err(BadPush::Ours { what, name: found.target.clone(), option })
    }

    fn last(&self, wanted: &str) -> Option<bool> {
        self.options.iter().rev().find(|(name, ..)| *name == wanted).map(|(_, is_on, _)| *is_on)
    }

    fn is_on(&self, wanted: &str) -> bool {
        self.last(wanted) == Some(true)
    }

    fn value(&self, wanted: &str) -> Option<String> {
        self.options.iter().rev().find(|(name, ..)| *name == wanted).and_then(|(.., value)| value.clone())
    }
}

/// Whether it is a ref in which sessions are, wherever a remote keeps them.
fn is_ours(target: &RefName) -> bool {
    let name = target.as_bytes();
    name.starts_with(b"refs/opensession/")
        || (name.starts_with(b"refs/heads/opensession/") && OwnRef::new(target.clone()).is_ok())
}

/// Whether a short name stands for a ref (gitrevisions(7)).
fn stands_for(short: &str, name: &RefName) -> bool {
    let prefixes = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];
    prefixes.into_iter().any(|prefix| format!("{prefix}{short}").as_bytes() == name.as_bytes())
}

fn spelled(name: &str, is_on: bool, value: Option<&str>) -> String {
    match (is_on, value) {
        (true, Some(value)) => format!("--{name}={value}"),
        (true, None) => format!("--{name}"),
        (false, _) => format!("--no-{name}"),
    }
}

/// What a rehearsed push is about to change, as a hook would be told.
pub fn updates_of(repo: &Repo, rehearsal: &Rehearsal) -> Vec<PushUpdate> {
    let moved = rehearsal.refs.iter().filter(|found| !found.is_up_to_date() && found.rejection().is_none());
    moved.filter_map(|found| update_of(repo, found)).collect()
}

/// `None` if it is not known what is pushed: then nothing is to be captured for it.
fn update_of(repo: &Repo, found: &TypedRef) -> Option<PushUpdate> {
    let target = found.target.clone();
    let old = found.ids.map(|(old, _)| old);
    if found.is_delete() {
        return Some(PushUpdate { source: None, new: None, target, old });
    }
    let source = String::from_utf8_lossy(&found.source).into_owned();
    let of_source = || -> Option<Oid> {
        let name = RefName::new(&found.source).ok();
        let of_ref = name.and_then(|name| repo.read_ref(&name).ok().flatten());
        of_ref.or_else(|| repo.rev_parse(&source).ok())
    };
    let new = found.ids.map(|(_, new)| new).or_else(of_source)?;
    Some(PushUpdate { source: Some(source), new: Some(new), target, old })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::remote::{Change, RefOutcome};

    fn read(line: &str) -> Result<TypedPush, BadPush> {
        TypedPush::read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    fn found(source: &str, target: &str, change: Change) -> TypedRef {
        let target = RefName::new(target).unwrap();
        let (source, outcome) = (source.as_bytes().to_vec(), RefOutcome::Pushed(change));
        TypedRef { source, target, ids: None, outcome, summary: String::new() }
    }

    /// What a push becomes that moves `main` (by force, if `change` says so), and makes the tag `v1`.
    fn said_again(line: &str, change: Change) -> String {
        let typed = read(line).unwrap();
        let refs = vec![
            found("refs/heads/main", "refs/heads/main", change),
            found("refs/tags/v1", "refs/tags/v1", Change::New),
        ];
        let rehearsal = Rehearsal { refs, sets_upstream: false };
        let refspecs = typed.refspecs_of(&rehearsal).into_iter().map(|refspec| refspec.into_string().unwrap());
        typed.options(&rehearsal).into_iter().chain(refspecs).collect::<Vec<_>>().join(" ")
    }

    const PLAIN: &str = "refs/heads/main:refs/heads/main refs/tags/v1:refs/tags/v1";
    const FORCED: &str = "+refs/heads/main:refs/heads/main +refs/tags/v1:refs/tags/v1";

    #[test]
    fn the_remote_the_refspecs_and_a_dry_run_are_told_apart() {
        let typed = read("-u origin main v1 -n").unwrap();
        assert_eq!((typed.remote(), typed.refspecs().len(), typed.is_dry_run()), (Some("origin"), 2, true));
        assert_eq!(read("--repo there").unwrap().remote(), Some("there"));
        assert_eq!(read("--repo there here").unwrap().remote(), Some("here"));
        assert_eq!(read("").unwrap(), TypedPush::default());
    }

    #[test]
    fn what_is_pushed_is_for_the_rehearsal_and_how_for_the_push() {
        let typed = read("--all --prune -o ci.skip --no-verify --exec rp -4 -q --atomic").unwrap();
        assert_eq!(typed.rehearsal(), ["--all", "--prune", "--receive-pack=rp", "--ipv4"]);
        let options = typed.options(&Rehearsal::default());
        assert_eq!(options, ["--push-option=ci.skip", "--no-verify", "--receive-pack=rp", "--ipv4"]);
    }

    #[test]
    fn force_is_said_of_each_ref_of_the_user_and_of_no_other() {
        assert_eq!(said_again("origin main v1", Change::FastForward), PLAIN);
        assert_eq!(said_again("-f origin main v1", Change::Forced), FORCED);
        assert_eq!(said_again("--mirror origin", Change::Forced), FORCED);
        assert_eq!(said_again("-f --no-force origin", Change::FastForward), PLAIN);
        let one = "+refs/heads/main:refs/heads/main refs/tags/v1:refs/tags/v1";
        assert_eq!(said_again("origin +main v1", Change::Forced), one);
    }

    #[test]
    fn a_lease_is_said_of_each_ref_by_its_name() {
        let of_main = |lease: &str| format!("--force-with-lease=refs/heads/main{lease} {PLAIN}");
        let both = "--force-with-lease=refs/heads/main --force-with-lease=refs/tags/v1";
        assert_eq!(said_again("--force-with-lease origin", Change::Forced), format!("{both} {PLAIN}"));
        assert_eq!(said_again("--force-with-lease=main origin", Change::Forced), of_main(""));
        assert_eq!(said_again("--force-with-lease=main:12ab origin", Change::Forced), of_main(":12ab"));
        assert_eq!(said_again("--force-with-lease=main: origin", Change::Forced), of_main(":"));
        assert_eq!(said_again("--force-with-lease=other:12 origin", Change::FastForward), PLAIN);
        assert_eq!(said_again("--force-with-lease --no-force-with-lease origin", Change::FastForward), PLAIN);
        let named_first = said_again("--force-with-lease=main:12 --force-with-lease origin", Change::Forced);
        assert!(named_first.starts_with("--force-with-lease=refs/heads/main:12 "), "{named_first}");
    }

    #[test]
    fn a_push_that_moves_our_refs_itself_is_refused_by_name() {
        let check = |line: &str, target: &str, change| {
            let refs = vec![
                found("", "refs/heads/x", Change::Deleted),
                found(if change == Change::Deleted { "" } else { "x" }, target, change),
            ];
            read(line).unwrap().check(&Rehearsal { refs, sets_upstream: false })
        };
        for (line, target, change, words) in [
            ("--prune", "refs/opensession/branches/eA", Change::Deleted, "delete refs/opensession/branches/eA"),
            ("--prune", "refs/opensession/branches/eA", Change::Deleted, "--prune takes it in"),
            ("--mirror", "refs/opensession/local", Change::New, "overwrite refs/opensession/local"),
            (
                "a b",
                "refs/heads/opensession/branches/eA",
                Change::FastForward,
                "move refs/heads/opensession/branches/eA",
            ),
        ] {
            let refused = check(line, target, change).unwrap_err().to_string();
            assert!(refused.contains(words), "{refused}");
        }
        assert_eq!(check("--prune", "refs/heads/opensession/feature", Change::New), Ok(()));
        assert_eq!(check("--prune", "refs/heads/other", Change::Deleted), Ok(()));
    }

    #[test]
    fn what_git_would_not_understand_is_refused() {
        for (line, words) in [
            ("--json", "has no option --json"),
            ("-x", "has no option -x"),
            ("-o", "--push-option wants a value"),
            ("--no-atomic", "--no-atomic is the opposite"),
        ] {
            let refused = read(line).unwrap_err().to_string();
            assert!(refused.contains(words), "{refused}");
        }
    }
}
