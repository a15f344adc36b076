//! The processes above this one.

use std::ffi::OsString;

use super::GitProgram;

/// How far up to look: a hook is called through a shell or two, a hook manager, and git.
const HIGHEST: usize = 24;

/// The command lines of the processes above this one, the parent first. They end early where the
/// platform does not show them; git's program is only used for the environment `ps` gets.
///
/// On Linux they come from `/proc` and are exact. Elsewhere `ps` prints them, where arguments with spaces in
/// them fall apart.
pub fn ancestors(git: &GitProgram) -> Vec<Vec<OsString>> {
    let mut found = Vec::new();
    let mut process = std::process::id();
    while found.len() < HIGHEST {
        let Some(parent) = platform::parent(git, process).filter(|parent| *parent > 1) else { break };
        let Some(line) = platform::command_line(git, parent) else { break };
        found.push(line);
        process = parent;
    }
    found
}

#[cfg(target_os = "linux")]
mod platform {
    use std::ffi::OsString;
    use std::fs;
    use std::os::unix::ffi::OsStringExt;

    use super::GitProgram;

    pub(super) fn parent(_git: &GitProgram, process: u32) -> Option<u32> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
    }

    pub(super) fn command_line(_git: &GitProgram, process: u32) -> Option<Vec<OsString>> {
        let mut line = fs::read(format!("/proc/{process}/cmdline")).ok()?;
        if line.last() == Some(&0) {
            line.pop();
        }
        Some(line.split(|&byte| byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect())
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::ffi::OsString;
    use std::time::{Duration, Instant};

    use super::GitProgram;

    pub(super) fn parent(git: &GitProgram, process: u32) -> Option<u32> {
        ps(git, "ppid=", process)?.trim().parse().ok()
    }

    pub(super) fn command_line(git: &GitProgram, process: u32) -> Option<Vec<OsString>> {
        Some(ps(git, "args=", process)?.split_whitespace().map(OsString::from).collect())
    }

    fn ps(git: &GitProgram, column: &str, process: u32) -> Option<String> {
        let deadline = Instant::now() + Duration::from_secs(1);
        let ps = git.clone().named("ps").command(["-o", column, "-p", &process.to_string()]);
        let finished = ps.deadline(Some(deadline)).run().ok().filter(super::super::Finished::succeeded)?;
        String::from_utf8(finished.stdout).ok()
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::super::sealed::World;
    use super::*;

    #[test]
    fn the_parent_of_this_process_is_among_them() {
        let world = World::new();
        let all = ancestors(&world.program(world.path("")));
        assert!(!all.is_empty() && all.iter().all(|line| !line.is_empty()), "{all:?}");
    }
}
