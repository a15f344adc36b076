//! A push that somebody has typed, with refs of ours in it.
//!
//! First it is rehearsed (`git push --dry-run`), for what it would move. Then it is done with refspecs that are spelled out,
//! ours behind the user's: so nothing that he says of all refs (`--force`, `--mirror`, `--prune`) is said of ours.

use std::ffi::OsString;

use super::push::{Change, RefOutcome, RefPush, Rejection, read_outcome, remote_lines};
use super::{Endpoint, NAME, Network, RemoteError, in_time, os_string, reason};
use crate::git::process::{Command, Ending, INTERNAL_MARK, ProcessError, text};
use crate::git::{Oid, OwnRef, RefName};

/// What tells a hook of ours that its work is done already. Hooks of others run, as for any push.
const CARRIED: &str = "carried";

/// The remote of such a push.
#[derive(Debug, Clone, Copy)]
pub struct TypedRemote<'a> {
    /// As it was typed: the name of a remote that is configured, or an address.
    pub name: &'a str,
    /// Whether it is configured.
    pub is_configured: bool,
    /// How it is reached.
    pub endpoint: &'a Endpoint,
}

/// A ref that somebody pushes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedRef {
    /// What it is to be, as git says it: a ref, or an expression; empty for a ref that is deleted.
    pub source: Vec<u8>,
    /// The ref over there.
    pub target: RefName,
    /// What it was and what it is to be, if it moves on from one to the other.
    pub ids: Option<(Oid, Oid)>,
    /// What comes of it.
    pub outcome: RefOutcome,
    /// git's words for that: `[new branch]`, `1a2b3c4..5d6e7f8`.
    pub summary: String,
}

/// What a push would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rehearsal {
    /// Every ref.
    pub refs: Vec<TypedRef>,
    /// Whether branches are to follow what they are pushed to.
    pub sets_upstream: bool,
}

/// What came of a push with refs of ours in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypedReport {
    /// The user's refs.
    pub refs: Vec<TypedRef>,
    /// Ours, in the order given.
    pub own: Vec<(OwnRef, RefOutcome)>,
    /// What the remote said, if it rejected any: at most five lines.
    pub remote_says: Vec<String>,
}

/// Why a push did not come to refs at all.
#[derive(Debug, thiserror::Error)]
pub enum TypedError {
    /// The remote lets no refs hang together.
    #[error("{url} cannot do several refs as one (--atomic)")]
    NotAtomic {
        /// The remote.
        url: String,
    },
    /// A hook of the user's said no.
    #[error("a pre-push hook of this repository said no")]
    HookSaidNo,
    /// Anything else.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

impl From<ProcessError> for TypedError {
    fn from(error: ProcessError) -> Self {
        Self::Remote(error.into())
    }
}

impl Rejection {
    /// Whether it is only for another ref of the same push.
    pub fn is_for_another(&self) -> bool {
        self.reason.starts_with("atomic push fail")
    }
}

impl Network<'_> {
    /// What a push with these options and refspecs would do. No hook runs, and nothing is moved.
    ///
    /// # Errors
    /// When the remote cannot be talked to, or git does not understand what was typed.
    pub fn rehearse(
        &self,
        remote: TypedRemote<'_>,
        options: &[String],
        refspecs: &[String],
    ) -> Result<Rehearsal, RemoteError> {
        const FIXED: [&str; 6] =
            ["--dry-run", "--porcelain", "--no-verify", "--no-progress", "--no-signed", "--recurse-submodules=no"];
        // Whole ids, for what is to be captured.
        let mut arguments: Vec<OsString> = ["-c", "core.abbrev=no", "push"].map(OsString::from).into();
        arguments.extend(options.iter().map(OsString::from));
        arguments.extend(FIXED.map(OsString::from));
        arguments.extend(["--".into(), remote.in_command_line()]);
        arguments.extend(refspecs.iter().map(OsString::from));
        let finished = self.typed_command(remote, arguments).run()?;
        in_time(remote.endpoint, &finished)?;
        let refs = typed_refs(&finished.stdout);
        // 1 is for refs that are rejected, and then they are told.
        let is_told =
            matches!(finished.ending, Ending::Exited(0)) || (finished.ending == Ending::Exited(1) && !refs.is_empty());
        if !is_told {
            return Err(reason::failure(remote.endpoint.url(), &finished));
        }
        let is_upstream = |line: &[u8]| line.starts_with(b"Would set upstream of ");
        let sets_upstream = finished.stdout.split(|byte| *byte == b'\n').any(is_upstream);
        Ok(Rehearsal { refs, sets_upstream })
    }

    /// Pushes the user's refs and ours in one atomic push. What git and the hooks say is handed over line by line as they
    /// say it.
    ///
    /// # Errors
    /// When it did not come to an answer for each ref.
    pub fn push_typed(
        &self,
        remote: TypedRemote<'_>,
        options: &[String],
        refspecs: &[OsString],
        own: &[RefPush],
        said: &mut dyn FnMut(&str),
    ) -> Result<TypedReport, TypedError> {
        if refspecs.is_empty() && own.is_empty() {
            // Without any, git would push what it pushes by default.
            return Ok(TypedReport::default());
        }
        let mut arguments: Vec<OsString> =
            ["push", "--atomic", "--porcelain", "--no-follow-tags"].map(OsString::from).into();
        arguments.extend(options.iter().map(OsString::from));
        arguments.extend(["--".into(), remote.in_command_line()]);
        arguments.extend(refspecs.iter().cloned());
        arguments.extend(own.iter().map(RefPush::refspec).map(OsString::from));
        let command = self.typed_command(remote, arguments).variable(INTERNAL_MARK, CARRIED);
        // What to do about a rejection is said by us.
        let command = command.private_setting("advice.pushUpdateRejected", "false");
        let finished = command.run_aloud(said)?;
        in_time(remote.endpoint, &finished).map_err(TypedError::from)?;
        // What git says of branches that follow others now.
        let told =
            |line: &&String| !line.is_empty() && !line.contains('\t') && !line.starts_with("To ") && *line != "Done";
        text::report_lines(&finished.stdout).iter().filter(told).for_each(|line| said(line));
        let mut refs = typed_refs(&finished.stdout);
        let url = remote.endpoint.url();
        if refs.is_empty() && finished.ending == Ending::Exited(1) {
            return Err(TypedError::HookSaidNo);
        }
        if finished.stderr.contains("does not support --atomic push") {
            return Err(TypedError::NotAtomic { url: url.to_string() });
        }
        let take = |push: &RefPush| {
            let at = refs.iter().position(|found| found.target.as_bytes() == push.target.to_string().as_bytes())?;
            Some((push.target.clone(), refs.remove(at).outcome))
        };
        let own: Option<Vec<_>> = own.iter().map(take).collect();
        let Some(own) = own.filter(|_| matches!(finished.ending, Ending::Exited(0 | 1))) else {
            return Err(reason::failure(url, &finished).into());
        };
        let is_rejected = matches!(finished.ending, Ending::Exited(1));
        let remote_says = if is_rejected { remote_lines(&finished.stderr).collect() } else { Vec::new() };
        Ok(TypedReport { refs, own, remote_says })
    }

    fn typed_command(&self, remote: TypedRemote<'_>, arguments: Vec<OsString>) -> Command {
        if remote.is_secret() {
            return self.command_for(remote.endpoint, arguments);
        }
        let secrets = remote.endpoint.url.secrets();
        let command = self.git.command(arguments).deadline(self.deadline).prompts(self.config, self.prompts);
        let mirror = format!("remote.{}.mirror", remote.name);
        // A mirror takes no refspecs.
        let is_mirror = remote.is_configured && self.config.get(&mirror).is_some();
        let command = command.secrets(secrets);
        if is_mirror { command.private_setting(mirror, "false") } else { command }
    }
}

impl TypedRemote<'_> {
    /// Whether it is an address that nobody else on this machine may see.
    pub fn is_secret(&self) -> bool {
        !self.is_configured && self.endpoint.url.without_login().1.is_some()
    }

    /// As it may stand in a command line. An address with a password in it may not.
    fn in_command_line(self) -> OsString {
        if self.is_secret() { NAME.into() } else { self.name.into() }
    }
}

/// The lines of `--porcelain` (git-push(1)), as exact bytes.
fn typed_refs(stdout: &[u8]) -> Vec<TypedRef> {
    let line = |line: &[u8]| {
        let mut parts = line.splitn(3, |byte| *byte == b'\t');
        let (flag, refs, summary) = (parts.next()?, parts.next()?, parts.next()?);
        let colon = refs.iter().rposition(|byte| *byte == b':')?;
        let (source, target) = refs.split_at(colon);
        let target = RefName::new(target.get(1..)?).ok()?;
        let flag = str::from_utf8(flag).ok()?;
        let summary = text::report_lines(summary).concat();
        let ids = ids_of(&summary);
        let outcome = read_outcome(flag, &summary);
        Some(TypedRef { source: source.to_vec(), target, ids, outcome, summary })
    };
    stdout.split(|byte| *byte == b'\n').filter_map(line).collect()
}

/// The ids of `<old>..<new>` and `<old>...<new> (forced update)`, if they are whole.
fn ids_of(summary: &str) -> Option<(Oid, Oid)> {
    let (old, new) = summary.split_whitespace().next()?.split_once("..")?;
    Some((old.parse().ok()?, new.trim_start_matches('.').parse().ok()?))
}

impl TypedRef {
    /// Why it is rejected.
    pub fn rejection(&self) -> Option<&Rejection> {
        match &self.outcome {
            RefOutcome::Rejected(rejection) => Some(rejection),
            RefOutcome::Pushed(_) => None,
        }
    }

    /// Whether nothing of it is over there any more.
    pub fn is_delete(&self) -> bool {
        self.source.is_empty()
    }

    /// Whether the remote has it already.
    pub fn is_up_to_date(&self) -> bool {
        self.outcome == RefOutcome::Pushed(Change::UpToDate)
    }

    /// Whether it does not follow on what is there.
    pub fn is_forced(&self) -> bool {
        self.outcome == RefOutcome::Pushed(Change::Forced)
    }

    /// It as a refspec of its own.
    pub fn refspec(&self, is_forced: bool) -> OsString {
        let force: &[u8] = if is_forced { b"+" } else { b"" };
        os_string(&[force, &self.source, b":", self.target.as_bytes()].concat())
    }
}
