//! Handing the terminal over to another program.

use std::path::Path;
#[cfg(unix)]
use std::process::Command;

use super::ProcessError;

/// Becomes another program, as the `PATH` of this process finds it: it inherits the terminal, the environment and the
/// number of this process, and its exit code is that of this process. Comes back only with the reason why it could not.
#[cfg(unix)]
pub fn hand_over(program: &str, arguments: &[String], folder: &Path) -> ProcessError {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    // What git says of itself to `git opensession`.
    command.args(arguments).current_dir(folder).env_remove("GIT_PREFIX");
    ProcessError::Start { program: program.to_owned(), source: command.exec() }
}

/// Says that this system cannot do it.
#[cfg(not(unix))]
pub fn hand_over(program: &str, _: &[String], _: &Path) -> ProcessError {
    ProcessError::Start { program: program.to_owned(), source: std::io::ErrorKind::Unsupported.into() }
}
