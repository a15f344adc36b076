//! The command line: what may be said, and how it is read.

mod asking;
mod cleanup;
mod config;
mod docs;
mod former;
mod fsck;
mod handoff;
mod keeping;
mod program;
mod share;
mod sync;
mod verbs;
mod view;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueHint};

use git_opensession::git;

pub use asking::*;
pub use cleanup::*;
pub use config::*;
pub use docs::{Docs, DocsPage};
pub use former::Former;
pub use fsck::Fsck;
pub use handoff::*;
pub use keeping::*;
pub use program::Program;
pub use share::*;
pub use sync::Sync;
pub use verbs::*;
pub use view::View;

use crate::terminal::ColourChoice;

/// The name of the binary.
pub const NAME: &str = "git-opensession";

/// Keep AI coding sessions where the code is: in git, redacted, linked to the commits they produced.
///
/// Without a verb: what is captured, what is linked, what is not pushed yet, and what to do next.
#[derive(Debug, Parser)]
#[command(name = NAME, version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Option<AnyVerb>,
}

/// What can be done, by anybody.
#[derive(Debug, Subcommand)]
pub enum AnyVerb {
    #[command(flatten)]
    Shown(Verb),
    /// What git calls
    #[command(hide = true)]
    Hook(Hook),
    /// Let go of what belongs to no branch any more, by the name that it had in OpenSession 0.2
    #[command(hide = true)]
    Cleanup(Cleanup),
    /// Of OpenSession 0.2.x
    #[command(hide = true)]
    Summary(Former),
    /// Of OpenSession 0.2.x
    #[command(hide = true)]
    Review(Former),
    /// Of OpenSession 0.2.x
    #[command(hide = true)]
    Setup(Former),
}

/// What every verb understands.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Colours: always, never, or auto (on a terminal)
    #[arg(long, global = true, value_name = "WHEN", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "always", hide_possible_values = true)]
    pub color: Option<ColourChoice>,
    /// No pager for long output
    #[arg(long, global = true)]
    pub no_pager: bool,
    /// Run as if started in this folder
    #[arg(short = 'C', global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// Say nothing but errors and warnings
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// What a user can do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Turn an agent's log into HAIL, the canonical text of a session
    Parse(Parse),
    /// Take up the sessions of this repository into its ledger, without pushing
    Capture(Capture),
    /// List sessions, newest first; or those behind commits
    Log(Log),
    /// Show the conversation behind a commit, a branch, or a session's own id
    Show(Show),
    /// Show sessions as a page in the browser: one file of HTML that needs nothing else
    View(View),
    /// Say why a line is there: its commit, the session that wrote it, what was asked for
    #[command(visible_alias = "blame")]
    Why(Why),
    /// Add up sessions: prompts, tool calls, tokens, what they cost, lines written and left
    Stats(Stats),
    /// Check that commits have sessions, pushed and redacted by today's rules: for CI
    Verify(Verify),
    /// Print a session's canonical text, by its id, its commit or its address
    Cat(Cat),
    /// Keep a session's canonical text on this machine, under an address
    Register(Register),
    /// Show what is in a session: times, counts, files, commits
    Inspect(Inspect),
    /// Share a session: an address that others can read
    ///
    /// The session goes, looked through for secrets once more, as one plain file into the ledger of the current branch.
    /// Without --push there is no network; the next push that carries the ledger takes it along. With --push this one
    /// session goes, and nothing else that the ledger has: --push with a remote you name is your consent for that one push;
    /// --quick asks once, and remembers a yes as opensession.share.auto-push-consent. Neither lets other sessions go there.
    Share(Share),
    /// Fetch the ledgers of a remote
    Fetch(Fetch),
    /// Push ledgers to a remote, by hand
    Push(Push),
    /// Fetch, join and push the ledgers of a remote
    Sync(Sync),
    /// Check ledgers, here or fetched from a remote, against every rule
    Fsck(Fsck),
    /// Take sessions out of every ledger, for good
    Purge(Purge),
    /// Redact again what was stored by older rules
    Redact(Redact),
    /// Let go of old sessions
    Prune(Prune),
    /// Take the ledgers of branches that are done into that of another
    Fold(Fold),
    /// Tie rewritten commits to their sessions, for good
    Relink(Relink),
    /// Show, set and commit settings
    Config(Config),
    /// Hand work over: to the next agent, to a colleague
    Handoff(Handoff),
    /// Check that all is well; or set up, or take down
    Doctor(Doctor),
    /// Show it all at work in a temporary repository
    Demo(Demo),
    /// Print the first steps, completion, or the man page
    Docs(Docs),
    /// Print a completion script for a shell
    Completion(Completion),
}

impl Cli {
    /// Reads the command line. What cannot be read, and requests for help, are clap's errors.
    pub fn read(program: &Program, arguments: &[OsString]) -> Result<Self, clap::Error> {
        if let Some(cli) = Self::as_git_calls(arguments) {
            return Ok(cli);
        }
        let matches = Self::command_of(program).try_get_matches_from(with_counts(arguments))?;
        Self::from_arg_matches(&matches)
    }

    /// The command line of the hook, which is part of every push: the tree of all commands takes longer to make than most of
    /// what such a push has to do.
    fn as_git_calls(arguments: &[OsString]) -> Option<Self> {
        let [_, hook, event, remote, url] = arguments else { return None };
        let is_option = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
        (hook == "hook" && event == "pre-push" && ![remote, url].into_iter().any(is_option)).then(|| {
            let event = HookEvent::PrePush { remote: remote.clone(), url: url.clone() };
            Self { global: Global::default(), verb: Some(AnyVerb::Hook(Hook { event })) }
        })
    }

    /// The command tree under the name this program was called by.
    pub fn command_of(program: &Program) -> clap::Command {
        static LONG_VERSION: LazyLock<String> =
            LazyLock::new(|| format!("{}\nlibgit2 {}", env!("CARGO_PKG_VERSION"), git::libgit2_version()));
        Self::command().bin_name(program.shown()).long_version(LONG_VERSION.as_str())
    }

    /// The command tree without what only git calls, under the name of the file: for completion,
    /// which would offer hidden verbs, too.
    pub fn shown_command() -> clap::Command {
        let command = clap::Command::default().name(NAME).version(env!("CARGO_PKG_VERSION"));
        // Last, or what is said of the global options becomes what is said of the program.
        Global::augment_args(Verb::augment_subcommands(command))
            .about("Keep AI coding sessions where the code is: in git")
            .long_about(None::<&str>)
    }
}

/// `log -20` is `log -n 20`, as in git.
fn with_counts(arguments: &[OsString]) -> Vec<OsString> {
    let log = arguments.iter().position(|argument| argument == "log").unwrap_or(arguments.len());
    let end = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let is_count = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let spelled = |(at, argument): (usize, &OsString)| {
        let count = argument.to_str().and_then(|text| text.strip_prefix('-')).filter(|text| is_count(text));
        match count {
            Some(count) if log < at && at < end => OsString::from(format!("-n{count}")),
            _ => argument.clone(),
        }
    };
    arguments.iter().enumerate().map(spelled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Cli, clap::Error> {
        let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
        Cli::read(&Program::called(arguments.first().map(OsString::as_os_str)), &arguments)
    }

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
        Cli::shown_command().debug_assert();
    }

    #[test]
    fn usage_follows_the_name_it_was_called_by() {
        let usage = |name: &str| read(&[name, "show", "-h"]).expect_err("help is an error to clap").to_string();
        assert!(usage("/usr/bin/git-opensession").contains("Usage: git opensession show "));
        assert!(usage("opensession").contains("Usage: opensession show "));
    }

    #[test]
    fn colour_without_a_value_is_always_and_takes_no_word_that_is_not_its_own() {
        let cli = read(&["opensession", "--color", "log"]).expect("a command line");
        assert_eq!(cli.global.color, Some(ColourChoice::Always));
        assert!(matches!(cli.verb, Some(AnyVerb::Shown(Verb::Log(_)))));
        let cli = read(&["opensession", "log", "--color=never"]).expect("a command line");
        assert_eq!(cli.global.color, Some(ColourChoice::Never));
    }

    #[test]
    fn a_count_is_typed_as_in_git() {
        let count = |line: &[&str]| match read(line).expect("a command line").verb {
            Some(AnyVerb::Shown(Verb::Log(log))) => log.max_count,
            _ => None,
        };
        assert_eq!(count(&["opensession", "log", "-20"]), Some(20));
        assert_eq!(count(&["opensession", "-C", "x", "log", "-3", "HEAD~2.."]), Some(3));
        assert_eq!(count(&["opensession", "log", "-n", "7"]), Some(7));
        assert!(read(&["opensession", "show", "-3"]).is_err());
        assert!(read(&["opensession", "log", "-3x"]).is_err());
    }

    #[test]
    fn what_git_calls_is_read_as_clap_would() {
        for line in [
            &["git-opensession", "hook", "pre-push", "origin", "https://example.com/x.git"][..],
            &["git-opensession", "hook", "pre-push", "", "a b"],
        ] {
            let arguments: Vec<OsString> = line.iter().map(OsString::from).collect();
            let fast = Cli::as_git_calls(&arguments).expect("it is the hook's");
            let matches = Cli::command().try_get_matches_from(&arguments).expect("a command line");
            let by_clap = Cli::from_arg_matches(&matches).expect("a command line");
            assert_eq!(format!("{fast:?}"), format!("{by_clap:?}"));
        }
        for other in [
            &["git-opensession", "hook", "pre-push", "origin", "--help"][..],
            &["git-opensession", "hook", "pre-push", "-q", "origin"],
            &["git-opensession", "hook", "pre-push", "origin"],
            &["git-opensession", "hook", "post-commit", "origin", "url"],
        ] {
            assert!(Cli::as_git_calls(&other.iter().map(OsString::from).collect::<Vec<_>>()).is_none(), "{other:?}");
        }
    }

    #[test]
    fn nonsense_is_a_usage_error() {
        for line in [
            &["opensession", "frobnicate"][..],
            &["opensession", "show", "--full", "--prompts"],
            &["opensession", "log", "--json", "-z"],
            &["opensession", "parse"],
            &["opensession", "doctor", "--fix", "--uninstall"],
            &["opensession", "--color=sometimes"],
        ] {
            assert_eq!(read(line).expect_err("nonsense").exit_code(), 2, "{line:?}");
        }
    }

    #[test]
    fn the_long_version_tells_of_libgit2() {
        let told =
            |flag: &str| read(&["git-opensession", flag]).expect_err("the version is an error to clap").to_string();
        assert_eq!(told("-V"), concat!("git-opensession ", env!("CARGO_PKG_VERSION"), "\n"));
        assert!(told("--version").contains("\nlibgit2 1."));
    }

    #[test]
    fn without_a_verb_there_is_none() {
        assert!(read(&["git-opensession"]).expect("a command line").verb.is_none());
    }
}
