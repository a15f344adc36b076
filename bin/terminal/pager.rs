//! The pager: git's own.
//!
//! This is the one place outside the library's git room that starts a program. The pager is part of
//! the terminal, like its width and its colours, and the library knows of no terminal.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use git_opensession::agents::Environment;

/// A pager that is running, and takes what is written to it.
#[derive(Debug)]
pub struct Pager {
    child: Child,
    input: Option<ChildStdin>,
}

impl Pager {
    /// Starts the pager that git would start. `None` where git would start none, or it cannot be
    /// started: the output goes to the terminal then.
    pub fn start(environment: &Environment) -> Option<Self> {
        let command = git_answer(&["var", "GIT_PAGER"])?;
        if command.is_empty() || command == "cat" {
            return None;
        }
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).stdin(Stdio::piped());
        // As git does it (pager.c), with -K: this program cannot outlive Ctrl-C, so less should not.
        for (name, value) in [("LESS", "FRXK"), ("LV", "-c")] {
            if !environment.variables.contains_key(OsStr::new(name)) {
                shell.env(name, value);
            }
        }
        let mut child = shell.spawn().ok()?;
        let input = child.stdin.take();
        Some(Self { child, input })
    }

    /// Waits until the user has closed it.
    pub fn finish(mut self) {
        // Only an end of its input lets it end by itself.
        drop(self.input.take());
        // How it ended is between it and the user.
        let _ = self.child.wait();
    }
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.input {
            Some(input) => input.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.input.as_mut().map_or(Ok(()), Write::flush)
    }
}

fn git_answer(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(text.trim_end_matches('\n').to_owned())
}
