//! Running the user's `git` program: the only place that starts one.
//!
//! A child gets a process group of its own, so that a deadline ends it with all its helpers; it never
//! has a terminal to ask at; and it is waited for itself, not for the end of its output, which a helper
//! that stays behind (ssh's `ControlPersist`) may hold open for hours.

mod aloud;
mod ancestors;
pub(super) mod conversation;
mod group;
mod hand_over;
mod launch;
mod program;
pub mod text;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use aloud::Aloud;
pub use ancestors::ancestors;
pub use hand_over::hand_over;
pub use launch::{Launched, launch};
pub(super) use program::shell_quoted;
pub use program::{GitProgram, INTERNAL_MARK, Prompts, Version};

use super::Config;

/// A program that could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// What was to be started.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It could not be waited for.
    #[error("lost track of {program}: {source}")]
    Wait {
        /// What was started.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It ended when it was to answer.
    #[error("{program} has ended{}", because(said))]
    Ended {
        /// What was asked.
        program: String,
        /// The end of its standard error.
        said: String,
    },
    /// It does not answer.
    #[error("{program} does not answer")]
    Silent {
        /// What was asked.
        program: String,
    },
    /// `git --version` did not say one.
    #[error("this git does not say its version: {said:?}")]
    NoVersion {
        /// What it said instead.
        said: String,
    },
}

/// `: reason`, or nothing.
fn because(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this exit code.
    Exited(i32),
    /// By a signal.
    Signalled(i32),
    /// Its deadline came, and it was killed with all its children.
    TimedOut,
}

/// A program that has ended, and what it said.
#[derive(Debug, Clone)]
pub struct Finished {
    /// How it ended.
    pub ending: Ending,
    /// Its standard output, as far as the limit went; empty if it was streamed.
    pub stdout: Vec<u8>,
    /// Whether there was more output than the limit.
    pub truncated: bool,
    /// The end of its standard error, without credentials and control characters.
    pub stderr: String,
}

impl Finished {
    /// Whether it ended well.
    pub fn succeeded(&self) -> bool {
        self.ending == Ending::Exited(0)
    }
}

/// A git command to be run.
#[derive(Debug, Clone)]
#[must_use]
pub struct Command {
    program: GitProgram,
    arguments: Vec<OsString>,
    settings: Vec<(OsString, OsString)>,
    variables: Vec<(OsString, OsString)>,
    secrets: Vec<String>,
    stdin: Option<Vec<u8>>,
    deadline: Option<Instant>,
    limit: usize,
    foreground: bool,
}

/// Output kept unless a command says otherwise.
const STDOUT_LIMIT: usize = 16 << 20;
/// Standard error kept, from its end.
const STDERR_LIMIT: usize = 64 << 10;
/// How long output is read on when the program has ended and somebody else holds its pipes. On a busy machine the threads
/// that read them need some time to be run at all.
const DRAIN_QUIET: Duration = Duration::from_millis(250);
const DRAIN_LONGEST: Duration = Duration::from_secs(1);
/// How long a killed program may take to put its things in order.
const GRACE: Duration = Duration::from_millis(150);

impl Command {
    fn new(program: GitProgram, arguments: Vec<OsString>) -> Self {
        Self {
            program,
            arguments,
            settings: Vec::new(),
            variables: Vec::new(),
            secrets: Vec::new(),
            stdin: None,
            deadline: None,
            limit: STDOUT_LIMIT,
            foreground: false,
        }
    }

    /// Feeds it these bytes. Without this, its standard input is empty.
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = Some(bytes);
        self
    }

    /// Kills it, and all it started, at this moment.
    pub fn deadline(mut self, at: Option<Instant>) -> Self {
        self.deadline = at;
        self
    }

    /// Keeps at most so many bytes of its output; the rest is read and dropped.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// A setting handed over in the environment, where other users of the machine cannot read it
    /// (`GIT_CONFIG_COUNT`, git 2.31).
    pub(super) fn private_setting(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.settings.push((key.into(), value.into()));
        self
    }

    pub(super) fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Words that must not appear in what is handed out of its standard error.
    pub(super) fn secrets(mut self, secrets: Vec<String>) -> Self {
        self.secrets.extend(secrets);
        self
    }

    /// Makes sure that it asks nobody but whom it may ask. Set the deadline first: ssh and http learn of it, so that
    /// they end by themselves even if this process is killed.
    pub fn prompts(mut self, config: &Config, prompts: Prompts) -> Self {
        let timeout = self.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        self.variables.extend(self.program.silence(config, prompts, timeout));
        self.foreground = prompts == Prompts::Terminal;
        if let Some(timeout) = timeout {
            self = self
                .private_setting("http.lowSpeedLimit", "1")
                .private_setting("http.lowSpeedTime", (timeout.as_secs() + 1).to_string());
        }
        if prompts == Prompts::Never {
            self = self.private_setting("credential.interactive", "false");
        }
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    ///
    /// When it cannot be started. That it fails or is killed is no error but its ending.
    pub fn run(self) -> Result<Finished, ProcessError> {
        self.gather(None)
    }

    /// The same, and hands over what it says on standard error while it runs, line by line, without credentials and
    /// control characters.
    ///
    /// # Errors
    ///
    /// As [`Command::run`].
    pub fn run_aloud(self, said: &mut dyn FnMut(&str)) -> Result<Finished, ProcessError> {
        let aloud = Aloud::new(said, self.secrets.clone());
        self.gather(Some(aloud))
    }

    fn gather(self, aloud: Option<Aloud<'_>>) -> Result<Finished, ProcessError> {
        let limit = self.limit;
        let mut stdout = Vec::new();
        let mut truncated = false;
        let mut sink = |bytes: &[u8]| {
            let room = limit.saturating_sub(stdout.len());
            truncated |= bytes.len() > room;
            stdout.extend(bytes.iter().take(room));
        };
        let mut finished = self.go(&mut sink, aloud)?;
        finished.stdout = stdout;
        finished.truncated = truncated;
        Ok(finished)
    }

    /// Runs it to its end and hands its output over as it comes.
    ///
    /// # Errors
    ///
    /// As [`Command::run`].
    pub fn stream(self, sink: &mut dyn FnMut(&[u8])) -> Result<Finished, ProcessError> {
        self.go(sink, None)
    }

    fn go(self, sink: &mut dyn FnMut(&[u8]), aloud: Option<Aloud<'_>>) -> Result<Finished, ProcessError> {
        let name = self.program.name().to_string_lossy().into_owned();
        let wait_error = |source| ProcessError::Wait { program: name.clone(), source };
        let mut command = self.prepare();
        let mut child = group::spawn(&mut command, self.foreground)
            .map_err(|source| ProcessError::Start { program: name.clone(), source })?;
        let pipes = Pipes::open(child.child(), self.stdin);
        let gathered = Gathered { sink, aloud, stderr: Vec::new(), open: 2 };
        let (ending, stderr) = follow(&mut child, &pipes, self.deadline, gathered).map_err(wait_error)?;
        let stderr = text::presentable(&stderr, &self.secrets);
        Ok(Finished { ending, stdout: Vec::new(), truncated: false, stderr })
    }

    fn prepare(&self) -> std::process::Command {
        let mut command = std::process::Command::new(self.program.name());
        command.args(&self.arguments).current_dir(self.program.folder());
        command
            .env_clear()
            .envs(self.program.variables())
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        // Behind those the user's own environment defines.
        let given = self.program.variables().get(std::ffi::OsStr::new("GIT_CONFIG_COUNT"));
        let given = given.and_then(|count| count.to_str()?.parse::<usize>().ok()).unwrap_or(0);
        if !self.settings.is_empty() {
            command.env("GIT_CONFIG_COUNT", (given + self.settings.len()).to_string());
        }
        for (number, (key, value)) in (given..).zip(&self.settings) {
            command.env(format!("GIT_CONFIG_KEY_{number}"), key).env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// What comes from a child's pipes.
enum Message {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    /// One of the two pipes is at its end.
    End,
}

struct Pipes {
    messages: Receiver<Message>,
}

impl Pipes {
    /// Threads that read both outputs and write the input. They end with the pipes, at the latest when
    /// nobody listens any more.
    fn open(child: &mut Child, stdin: Option<Vec<u8>>) -> Self {
        let (sender, messages) = sync_channel(16);
        if let (Some(mut pipe), Some(bytes)) = (child.stdin.take(), stdin) {
            // A child that does not want its input is no failure.
            thread::spawn(move || pipe.write_all(&bytes));
        }
        if let Some(pipe) = child.stdout.take() {
            let sender = sender.clone();
            thread::spawn(move || pump(pipe, &sender, Message::Stdout));
        }
        if let Some(pipe) = child.stderr.take() {
            thread::spawn(move || pump(pipe, &sender, Message::Stderr));
        }
        Self { messages }
    }
}

fn pump(mut pipe: impl Read, sender: &SyncSender<Message>, wrap: fn(Vec<u8>) -> Message) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match pipe.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        let chunk = buffer.iter().take(read).copied().collect();
        if sender.send(wrap(chunk)).is_err() {
            return;
        }
    }
    // Nobody listens any more: nobody needs to know.
    let _ = sender.send(Message::End);
}

/// What was gathered while following a child.
struct Gathered<'sink, 'said> {
    sink: &'sink mut dyn FnMut(&[u8]),
    aloud: Option<Aloud<'said>>,
    stderr: Vec<u8>,
    open: u8,
}

impl Gathered<'_, '_> {
    fn take(&mut self, message: Message) {
        match message {
            Message::Stdout(bytes) => (self.sink)(&bytes),
            Message::Stderr(bytes) => {
                if let Some(aloud) = &mut self.aloud {
                    aloud.take(&bytes);
                }
                self.stderr.extend_from_slice(&bytes);
                let excess = self.stderr.len().saturating_sub(STDERR_LIMIT);
                self.stderr.drain(..excess);
            }
            Message::End => self.open = self.open.saturating_sub(1),
        }
    }
}

/// Waits for the child itself, taking in what it says; then for the rest of what it said.
fn follow(
    child: &mut group::Leader,
    pipes: &Pipes,
    deadline: Option<Instant>,
    mut gathered: Gathered<'_, '_>,
) -> io::Result<(Ending, Vec<u8>)> {
    let mut pause = Duration::from_millis(1);
    let ending = loop {
        if let Some(status) = child.child().try_wait()? {
            break group::ending(status);
        }
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            child.kill(GRACE)?;
            break Ending::TimedOut;
        }
        let wait = left.map_or(pause, |left| left.min(pause));
        if gathered.open == 0 {
            thread::sleep(wait);
        } else if let Ok(message) = pipes.messages.recv_timeout(wait) {
            // As a rule the end of the output is the end of the program: look again at once.
            pause = Duration::from_millis(1);
            gathered.take(message);
            continue;
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    let drained_by = Instant::now() + DRAIN_LONGEST;
    while gathered.open > 0 && Instant::now() < drained_by {
        match pipes.messages.recv_timeout(DRAIN_QUIET) {
            Ok(message) => gathered.take(message),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    if let Some(aloud) = gathered.aloud {
        aloud.finish();
    }
    Ok((ending, gathered.stderr))
}

#[cfg(unix)]
#[cfg(test)]
pub(crate) mod sealed;
#[cfg(unix)]
#[cfg(test)]
mod tests;
