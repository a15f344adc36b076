//! A program that is asked one thing after another, and answers each on its standard output.

use std::io::{self, Write};
use std::process::ChildStdin;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::{Command, Message, Pipes, ProcessError, STDERR_LIMIT, group, text};

/// An answer that has not begun, or does not go on, after this time will not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A program that waits for the next question. Dropped, it is at its end; should this process be killed, the end of its
/// standard input tells it so.
pub(in crate::git) struct Conversation {
    stdin: ChildStdin,
    /// Ends it with all it started. After the input, so that it can end by itself.
    _leader: group::Leader,
    pipes: Pipes,
    answer: Vec<u8>,
    stderr: Vec<u8>,
    program: String,
}

impl Command {
    /// Starts it, to be asked.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(in crate::git) fn converse(mut self) -> Result<Conversation, ProcessError> {
        self.stdin = Some(Vec::new());
        let program = self.program.name().to_string_lossy().into_owned();
        let mut command = self.prepare();
        let failed = |source| ProcessError::Start { program: program.clone(), source };
        let mut leader = group::spawn(&mut command, false).map_err(failed)?;
        let stdin = leader.child().stdin.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        let pipes = Pipes::open(leader.child(), None);
        Ok(Conversation { stdin, _leader: leader, pipes, answer: Vec::new(), stderr: Vec::new(), program })
    }
}

impl Conversation {
    /// Asks.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Ended`] if nobody listens any more.
    pub fn ask(&mut self, question: &[u8]) -> Result<(), ProcessError> {
        if self.stdin.write_all(question).and_then(|()| self.stdin.flush()).is_err() {
            // What it said at its end is worth more than that the pipe is broken.
            while self.hear().is_ok() {}
            return Err(self.ended());
        }
        Ok(())
    }

    /// The next line of the answer, without its end.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Ended`], [`ProcessError::Silent`].
    pub fn line(&mut self) -> Result<Vec<u8>, ProcessError> {
        let mut searched = 0;
        loop {
            let end = self.answer.iter().skip(searched).position(|byte| *byte == b'\n');
            if let Some(end) = end.map(|end| end + searched) {
                let mut line: Vec<u8> = self.answer.drain(..=end).collect();
                line.pop();
                return Ok(line);
            }
            searched = self.answer.len();
            self.hear()?;
        }
    }

    /// The next bytes of the answer.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Ended`], [`ProcessError::Silent`].
    pub fn bytes(&mut self, count: usize) -> Result<Vec<u8>, ProcessError> {
        while self.answer.len() < count {
            self.hear()?;
        }
        let rest = self.answer.split_off(count);
        Ok(std::mem::replace(&mut self.answer, rest))
    }

    /// Takes in what comes next.
    fn hear(&mut self) -> Result<(), ProcessError> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.pipes.messages.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Message::Stdout(bytes)) => {
                    self.answer.extend(bytes);
                    return Ok(());
                }
                Ok(Message::Stderr(bytes)) => {
                    self.stderr.extend_from_slice(&bytes);
                    let excess = self.stderr.len().saturating_sub(STDERR_LIMIT);
                    self.stderr.drain(..excess);
                }
                // Of the two pipes, the other may still hold the reason.
                Ok(Message::End) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
                Err(RecvTimeoutError::Timeout) => return Err(ProcessError::Silent { program: self.program.clone() }),
            }
        }
    }

    fn ended(&self) -> ProcessError {
        let said = text::presentable(&self.stderr, &[]).trim().to_owned();
        ProcessError::Ended { program: self.program.clone(), said }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::super::sealed::World;
    use super::*;

    fn talk(world: &World, script: &str) -> Conversation {
        let program = world.script("program", format!("#!/bin/sh\n{script}\n"));
        world.program(world.path("")).named(program).command([] as [&str; 0]).converse().unwrap()
    }

    #[test]
    fn one_question_after_another_is_answered() {
        let world = World::new();
        let mut talk = talk(&world, "while read -r line; do echo \"<$line>\"; printf abc; done");
        for question in ["one", "two three"] {
            talk.ask(format!("{question}\n").as_bytes()).unwrap();
            assert_eq!(talk.line().unwrap(), format!("<{question}>").into_bytes());
            assert_eq!(talk.bytes(2).unwrap(), b"ab");
            assert_eq!(talk.bytes(1).unwrap(), b"c");
        }
    }

    #[test]
    fn a_program_that_dies_is_no_hang_and_its_last_words_are_told() {
        let world = World::new();
        let mut talk = talk(&world, "read -r line; echo 'fatal: no more' >&2; exit 3");
        talk.ask(b"anybody there\n").unwrap();
        let told = |error| matches!(error, ProcessError::Ended { said, .. } if said == "fatal: no more");
        assert!(told(talk.line().unwrap_err()));
        assert!(told(talk.bytes(1).unwrap_err()));
    }

    #[test]
    fn a_program_ends_with_its_conversation() {
        let world = World::new();
        let mut talk = talk(&world, "echo $$; cat >/dev/null; sleep 60");
        let pid = String::from_utf8(talk.line().unwrap()).unwrap();
        let started = Instant::now();
        drop(talk);
        assert!(started.elapsed() < Duration::from_secs(5));
        let alive = std::process::Command::new("kill").args(["-0", &pid]).stderr(std::process::Stdio::null()).status();
        assert!(!alive.unwrap().success());
    }
}
