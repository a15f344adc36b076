//! Starting a program that stays when this one ends: a browser.

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Ending, ProcessError, group};
use crate::git::GitEnvironment;

/// How a program that was launched is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Launched {
    /// It runs on by itself.
    Running,
    /// It has ended already.
    Ended(Ending),
}

/// Starts any program with these arguments, in the user's own environment, a group of its own and with nothing of
/// this terminal, and leaves it to itself. Looks for as long as `patience` whether it gives up at once.
///
/// # Errors
///
/// When it cannot be started.
pub fn launch(
    program: &OsStr,
    arguments: &[OsString],
    environment: &GitEnvironment,
    patience: Duration,
) -> Result<Launched, ProcessError> {
    let name = || program.to_string_lossy().into_owned();
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(&environment.variables);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = group::spawn_free(&mut command);
    let mut child = started.map_err(|source| ProcessError::Start { program: name(), source })?;
    let until = Instant::now() + patience;
    loop {
        let ended = child.try_wait().map_err(|source| ProcessError::Wait { program: name(), source })?;
        match ended {
            Some(status) => return Ok(Launched::Ended(group::ending(status))),
            None if Instant::now() >= until => return Ok(Launched::Running),
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn of(script: &str, patience: u64) -> Launched {
        let variables = std::env::vars_os().filter(|(name, _)| name == "PATH").collect();
        let environment = GitEnvironment { home: None, variables };
        launch("sh".as_ref(), &["-c".into(), script.into()], &environment, Duration::from_millis(patience))
            .expect("it starts")
    }

    #[test]
    fn what_gives_up_at_once_is_told_from_what_stays() {
        assert_eq!(of("exit 3", 10_000), Launched::Ended(Ending::Exited(3)));
        assert_eq!(of("sleep 2", 20), Launched::Running);
    }
}
