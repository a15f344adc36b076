//! What each verb understands.
#![expect(clippy::struct_excessive_bools, reason = "each is a flag that a user may give or not")]

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use git_opensession::agents;

/// The profile that looks at the log.
const AUTO: &str = "auto";

/// Every agent whose logs are read, and [`AUTO`].
fn profiles() -> impl Iterator<Item = &'static str> {
    std::iter::once(AUTO).chain(agents::ALL.iter().map(|parser| parser.agent()))
}

/// How a list is printed, for programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
#[group(multiple = false)]
pub struct ListForm {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Print a line of JSON for each
    #[arg(long)]
    pub jsonl: bool,
    /// End each with NUL instead of a line break, and cut nothing short
    #[arg(short)]
    pub z: bool,
}

#[derive(Debug, Args)]
pub struct Parse {
    /// The log; - for standard input
    #[arg(value_name = "LOG", value_hint = ValueHint::FilePath)]
    pub log: PathBuf,
    /// The agent that wrote it; auto looks at the log
    #[arg(long, value_name = "AGENT", default_value = AUTO, value_parser = PossibleValuesParser::new(profiles()))]
    pub profile: String,
    /// Print the header and the first events, for reading
    #[arg(long, conflicts_with_all = ["out", "report"])]
    pub preview: bool,
    /// Write to a file
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Print what was read, skipped and redacted instead of the session
    #[arg(long)]
    pub report: bool,
    /// Print the report as JSON
    #[arg(long, requires = "report")]
    pub json: bool,
    /// Leave secrets, home folder and user name where they are
    #[arg(long)]
    pub no_redact: bool,
}

#[derive(Debug, Args)]
pub struct Capture {
    /// Only sessions behind these commits (`main..topic`); else all that are not pushed yet
    #[arg(value_name = "RANGE")]
    pub range: Option<String>,
    /// The branch whose ledger takes them; else the upstream's, else the current one
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<String>,
    /// Print what was captured as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Log {
    /// Only sessions behind these commits (`main..topic`, `v1.2`)
    #[arg(value_name = "RANGE")]
    pub range: Option<String>,
    /// At most so many
    #[arg(short = 'n', long, value_name = "COUNT")]
    pub max_count: Option<usize>,
    /// Only of this agent
    #[arg(long, value_name = "AGENT")]
    pub agent: Option<String>,
    /// Only from the ledger of this branch
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<String>,
    #[command(flatten)]
    pub form: ListForm,
}

#[derive(Debug, Args)]
pub struct Relink {
    /// Only these commits (`main..topic`, `v1.2`); else all that HEAD reaches
    #[arg(value_name = "RANGE")]
    pub range: Option<String>,
    /// Also where a commit is only similar: half or more of its lines are the same
    #[arg(long)]
    pub similar: bool,
    /// The branch whose ledger takes the links; else the upstream's, else the current one
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<String>,
    /// Print what would be tied, and write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print what was tied as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    /// A commit, a session id (or its beginning), or a branch
    #[arg(value_name = "WHAT", default_value = "HEAD")]
    pub what: String,
    /// Everything: reasoning, inputs and outputs of tools, diffs
    #[arg(long, conflicts_with_all = ["prompts", "json", "jsonl"])]
    pub full: bool,
    /// Only what humans typed
    #[arg(long, conflicts_with_all = ["json", "jsonl"])]
    pub prompts: bool,
    /// Print one JSON document
    #[arg(long, conflicts_with = "jsonl")]
    pub json: bool,
    /// Print a line of JSON for each session
    #[arg(long)]
    pub jsonl: bool,
}

#[derive(Debug, Args)]
pub struct Cat {
    /// An os:// address, a session id (or its beginning), or a commit with one session behind it
    #[arg(value_name = "SESSION")]
    pub session: String,
}

#[derive(Debug, Args)]
pub struct Fetch {
    /// The remote; else the one that `git fetch` would take
    #[arg(value_name = "REMOTE")]
    pub remote: Option<String>,
    /// Print what came as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Push {
    /// The remote; else the one that `git push` would take
    #[arg(value_name = "REMOTE")]
    pub remote: Option<String>,
    /// Say what would be pushed, and push nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print what was pushed as JSON
    #[arg(long)]
    pub json: bool,
    /// Do this `git push`, and push the sessions behind it with it: all of it or nothing
    ///
    /// Everything behind --with is for git push. Sessions are captured, and secrets looked for, as the hook does it; then
    /// branch and sessions go in one atomic push, and the hook has nothing left to do. --force and its kin are said of the
    /// branches only; what would move ledgers by itself (--mirror, --prune) is refused.
    #[arg(long, value_name = "GIT PUSH ARGUMENTS", num_args = 0.., allow_hyphen_values = true)]
    #[arg(conflicts_with = "remote")]
    pub with: Option<Vec<String>>,
}

#[derive(Debug, Args)]
pub struct Doctor {
    /// Set up what is missing: prints its plan, then asks
    #[arg(long, conflicts_with_all = ["uninstall", "commit"])]
    pub fix: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// How git is told of the hook; else as it is now, or as it does least harm
    #[arg(long, value_name = "WAY", requires = "fix")]
    pub hook: Option<HookWay>,
    /// How sessions travel
    #[arg(long, value_name = "MODE", requires = "fix")]
    pub fanout_mode: Option<FanoutMode>,
    /// Where `view` opens pages
    #[arg(long, value_name = "TARGET", requires = "fix")]
    pub open_target: Option<OpenTarget>,
    /// As in OpenSession 0.2.x: local opens pages in the browser, app in a window of their own
    #[arg(long, value_name = "PROFILE", requires = "fix")]
    pub profile: Option<SetupProfile>,
    /// The remote that may have sessions: its name or address; else the one a push goes to
    #[arg(long, value_name = "REMOTE", requires = "fix")]
    pub remote: Option<OsString>,
    /// Take out everything that --fix put in, byte for byte
    #[arg(long, conflicts_with = "commit")]
    pub uninstall: bool,
    /// Say why this commit has a session, or none
    #[arg(long, value_name = "REV")]
    pub commit: Option<String>,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// How git is told of the hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HookWay {
    /// By a hook file, which any git reads; a hook that is there already runs first, and its "no" is final
    File,
    /// By the repository's configuration, which git reads from 2.54 on; hook files run after ours
    Config,
}

/// How sessions travel to a remote; the names are those of `opensession.fanout-mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum FanoutMode {
    /// On hidden refs only
    HiddenRef,
    /// On hidden refs, and as pointers in git notes
    GitNotes,
}

/// Where pages are opened; the names are those of `opensession.open-target`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OpenTarget {
    /// In a tab of the browser
    Web,
    /// In a window of its own, where a browser can do that
    App,
    /// Nowhere: their paths are printed
    None,
}

/// What OpenSession 0.2.x called a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SetupProfile {
    /// Pages in the browser
    Local,
    /// Pages in a window of their own
    App,
}

#[derive(Debug, Args)]
pub struct Hook {
    #[command(subcommand)]
    pub event: HookEvent,
}

#[derive(Debug, Subcommand)]
pub enum HookEvent {
    /// Before a push: captures, and pushes ledgers along; standard input is as githooks(5) says
    PrePush {
        /// The remote's name, or its URL
        remote: OsString,
        /// The remote's URL
        url: OsString,
    },
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Keep the repositories, and say where they are
    #[arg(long)]
    pub keep: bool,
}

#[derive(Debug, Args)]
pub struct Completion {
    /// The shell
    pub shell: clap_complete::Shell,
}
