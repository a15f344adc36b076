//! The user's `git` program and the world it runs in.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Command, ProcessError};
use crate::git::{Config, GitEnvironment};

/// Set to `1` for everything this project starts: a hook of ours that sees it does nothing.
pub const INTERNAL_MARK: &str = "OPENSESSION_INTERNAL";

/// Whom git may ask for credentials it does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prompts {
    /// Nobody.
    #[default]
    Never,
    /// The user's askpass program: for CI, where it is a script that knows the answer. (On a desktop it may
    /// open a window.)
    Askpass,
    /// The person at the terminal: for what he has typed himself. Without a deadline, and in his own process
    /// group, for only that may read from the terminal.
    Terminal,
}

/// The user's `git` program, the environment it gets, and the folder it starts in.
#[derive(Debug, Clone)]
pub struct GitProgram {
    name: OsString,
    variables: BTreeMap<OsString, OsString>,
    folder: PathBuf,
}

/// A version of git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// `2` in `2.54.1`.
    pub major: u32,
    /// `54` in `2.54.1`.
    pub minor: u32,
    /// `1` in `2.54.1`; 0 if there is none.
    pub patch: u32,
}

/// Variables of one command of the user's that would mislead ours: what `git commit` or `git push`
/// says of itself to its hook, and traces that would go to standard error.
const MISLEADING: [&str; 8] = [
    "GIT_PREFIX",
    "GIT_INDEX_FILE",
    "GIT_REFLOG_ACTION",
    "GIT_EDITOR",
    "GIT_LITERAL_PATHSPECS",
    "GIT_PUSH_OPTION_COUNT",
    "GIT_CURL_VERBOSE",
    "LANGUAGE",
];

impl GitProgram {
    /// `git` as the `PATH` of this environment finds it, to be started in `folder`. The environment is
    /// all that a child gets: it should be the caller's whole one.
    #[must_use]
    pub fn new(environment: &GitEnvironment, folder: &Path) -> Self {
        let mut variables = environment.variables.clone();
        variables.retain(|name, value| !is_misleading(name, value));
        if let Some(home) = &environment.home {
            variables.entry("HOME".into()).or_insert_with(|| home.into());
        }
        for (name, value) in [("LC_ALL", "C"), (INTERNAL_MARK, "1"), ("GIT_TERMINAL_PROMPT", "0"), ("GIT_PAGER", "cat")]
        {
            variables.insert(name.into(), value.into());
        }
        Self { name: "git".into(), variables, folder: folder.to_owned() }
    }

    /// The same, with another program than the one `PATH` finds.
    #[must_use]
    pub fn named(mut self, name: impl Into<OsString>) -> Self {
        self.name = name.into();
        self
    }

    /// The same, started in another folder.
    #[must_use]
    pub fn in_folder(&self, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..self.clone() }
    }

    /// The same, with a variable of its own.
    #[must_use]
    pub(in crate::git) fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// The same, without some variables.
    #[must_use]
    pub(in crate::git) fn without(mut self, names: &[&str]) -> Self {
        self.variables.retain(|name, _| !names.iter().any(|unwanted| name == unwanted));
        self
    }

    /// The folder it starts in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it is started as.
    pub(super) fn name(&self) -> &OsStr {
        &self.name
    }

    pub(super) fn variables(&self) -> &BTreeMap<OsString, OsString> {
        &self.variables
    }

    /// A variable that is set and not empty.
    fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// A git command, not yet run: `command(["rev-parse", "HEAD"])`.
    pub fn command<I, S>(&self, arguments: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: Into<OsString>,
    {
        Command::new(self.clone(), arguments.into_iter().map(Into::into).collect())
    }

    /// The version of this git.
    ///
    /// # Errors
    ///
    /// When it cannot be run, or says no version.
    pub fn version(&self, deadline: Option<Instant>) -> Result<Version, ProcessError> {
        let finished = self.command(["--version"]).deadline(deadline).run()?;
        let said = String::from_utf8_lossy(&finished.stdout).trim().to_owned();
        Version::parse(&said).ok_or(ProcessError::NoVersion { said })
    }

    /// The variables that keep a network command from asking anybody but whom it may ask.
    pub(super) fn silence(
        &self,
        config: &Config,
        prompts: Prompts,
        timeout: Option<Duration>,
    ) -> Vec<(OsString, OsString)> {
        if prompts == Prompts::Terminal {
            return vec![("GIT_TERMINAL_PROMPT".into(), "1".into())];
        }
        let mut set: Vec<(OsString, OsString)> =
            vec![("GCM_INTERACTIVE".into(), "never".into()), ("SSH_ASKPASS_REQUIRE".into(), "never".into())];
        if prompts == Prompts::Never {
            // Set but empty: git then looks neither at core.askPass nor at SSH_ASKPASS.
            set.push(("GIT_ASKPASS".into(), OsString::new()));
            set.push(("SSH_ASKPASS".into(), OsString::new()));
        }
        set.extend(self.batch_ssh(config, timeout).map(|ssh| ("GIT_SSH_COMMAND".into(), ssh)));
        set
    }

    /// The user's ssh command with batch mode, in git's order of precedence (`GIT_SSH_COMMAND`,
    /// `core.sshCommand`, `GIT_SSH`, `ssh`). `None` where it is not plainly ssh: then only the deadline helps.
    fn batch_ssh(&self, config: &Config, timeout: Option<Duration>) -> Option<OsString> {
        let variant = self.variable("GIT_SSH_VARIANT").and_then(OsStr::to_str).or_else(|| config.get("ssh.variant"));
        if variant.is_some_and(|variant| !matches!(variant, "ssh" | "auto")) {
            return None;
        }
        let command = if let Some(command) = self.variable("GIT_SSH_COMMAND") {
            plain_ssh(command.to_str()?)?
        } else if let Some(command) = config.get("core.sshcommand") {
            plain_ssh(command)?
        } else if let Some(program) = self.variable("GIT_SSH") {
            let program = program.to_str()?;
            is_ssh_program(program).then(|| shell_quoted(program))?
        } else {
            "ssh".to_owned()
        };
        let timeout = timeout.map(|timeout| format!(" -o ConnectTimeout={}", timeout.as_secs().max(1)));
        Some(format!("{command} -o BatchMode=yes{}", timeout.unwrap_or_default()).into())
    }
}

/// The command, if options can be put behind it: assignments, then `ssh`, then its own options, and
/// nothing a shell would take for an end or a comment.
fn plain_ssh(command: &str) -> Option<String> {
    let command = command.trim();
    if command.contains([';', '|', '&', '<', '>', '(', ')', '`', '#', '\n']) {
        return None;
    }
    let program = command.split_whitespace().find(|word| !is_assignment(word))?;
    is_ssh_program(program.trim_matches(['"', '\''])).then(|| command.to_owned())
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn is_ssh_program(program: &str) -> bool {
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    name.strip_suffix(".exe").unwrap_or(&name) == "ssh"
}

/// A text as one word of a POSIX shell.
pub(in crate::git) fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn is_misleading(name: &OsStr, value: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    // A trace into a file is the user's; one to standard error would be taken for git's words.
    let trace = name.starts_with("GIT_TRACE") && !Path::new(value).is_absolute();
    trace || MISLEADING.contains(&name)
}

impl Version {
    /// The oldest git this project works with: it knows `GIT_CONFIG_COUNT` and `--no-write-fetch-head`.
    pub const OLDEST: Self = Self { major: 2, minor: 31, patch: 0 };
    /// The first git that runs hooks named in its configuration (`hook.<name>.command`).
    pub const CONFIG_HOOKS: Self = Self { major: 2, minor: 54, patch: 0 };

    /// From what `git --version` prints: `git version 2.39.3 (Apple Git-146)`, `2.54.0.windows.1`, `2.54.0-rc1`.
    #[must_use]
    pub fn parse(said: &str) -> Option<Self> {
        let text = said.trim().strip_prefix("git version ")?;
        let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        let major = numbers.next()?.ok()?;
        let minor = numbers.next()?.ok()?;
        let patch = numbers.next().and_then(Result::ok).unwrap_or(0);
        Some(Self { major, minor, patch })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
impl GitProgram {
    pub(super) fn batch_ssh_for_test(&self, config: &Config) -> Option<String> {
        self.batch_ssh(config, None).map(|command| command.to_string_lossy().into_owned())
    }
}
