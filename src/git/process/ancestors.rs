//! The processes above this one.

use std::collections::HashMap;
use std::ffi::OsString;
use std::time::{Duration, Instant};

use super::GitProgram;

/// How far up to look: a hook is called through a shell or two, a hook manager, and git.
const HIGHEST: usize = 24;
/// How long `ps` may take. On a busy machine that is long; and without its answer a dry run would publish.
const PATIENCE: Duration = Duration::from_secs(5);
/// All processes, without headers and in full. (POSIX; only `-ww` is of BSD and of Linux.)
const PS: [&str; 8] = ["-A", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "args="];
/// The same for a `ps` that knows little: that of busybox shows all processes anyway.
const PS_OF_BUSYBOX: [&str; 2] = ["-o", "pid,ppid,args"];

/// A process as others see it.
struct Process {
    parent: u32,
    line: Vec<OsString>,
}

/// The command lines of the processes above this one, the parent first. They end early where the
/// platform does not show them; git's program is only used for the environment `ps` gets.
///
/// On Linux they come from `/proc` and are exact. Where there is none `ps` prints them, and arguments with spaces in
/// them fall apart.
pub fn ancestors(git: &GitProgram) -> Vec<Vec<OsString>> {
    #[cfg(target_os = "linux")]
    {
        let found = climb(std::process::id(), proc::look);
        if !found.is_empty() {
            return found;
        }
    }
    by_ps(git, std::process::id())
}

/// From process to process, up to the one that has no other above it.
fn climb(from: u32, mut look: impl FnMut(u32) -> Option<Process>) -> Vec<Vec<OsString>> {
    let mut found = Vec::new();
    let mut next = look(from).map(|process| process.parent);
    while let Some(above) = next.filter(|above| *above > 1 && found.len() < HIGHEST) {
        let Some(Process { parent, line }) = look(above) else { break };
        found.push(line);
        next = Some(parent);
    }
    found
}

#[cfg(target_os = "linux")]
mod proc {
    use std::ffi::OsString;
    use std::fs;
    use std::os::unix::ffi::OsStringExt;

    use super::Process;

    pub(super) fn look(process: u32) -> Option<Process> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()?;
        let mut line = fs::read(format!("/proc/{process}/cmdline")).ok()?;
        if line.last() == Some(&0) {
            line.pop();
        }
        let line = line.split(|&byte| byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect();
        Some(Process { parent, line })
    }
}

/// What `ps` says is above a process.
fn by_ps(git: &GitProgram, from: u32) -> Vec<Vec<OsString>> {
    let deadline = Instant::now() + PATIENCE;
    let ps = |arguments: &[&str]| {
        let command = git.clone().named("ps").command(arguments.iter().copied()).deadline(Some(deadline));
        command.run().ok().filter(super::Finished::succeeded)
    };
    let Some(finished) = ps(&PS).or_else(|| ps(&PS_OF_BUSYBOX)) else { return Vec::new() };
    let mut processes = read_ps(&String::from_utf8_lossy(&finished.stdout));
    climb(from, |process| processes.remove(&process))
}

/// The lines `<pid> <ppid> <args>`. A header is none.
fn read_ps(said: &str) -> HashMap<u32, Process> {
    let process = |line: &str| {
        let mut words = line.split_whitespace();
        let (number, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some((number, Process { parent, line: words.map(OsString::from).collect() }))
    };
    said.lines().filter_map(process).collect()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::super::sealed::World;
    use super::*;

    /// procps 4 on Debian.
    const LINUX: &str = "      1       0 /sbin/init splash\n      2       0 [kthreadd]\n   2211       1 /usr/lib/systemd/systemd --user\n   \
        3120    2211 bash\n  40100    3120 git push -n origin main\n  40107   40100 /bin/sh .git/hooks/pre-push origin ../o\n  \
        SELF   40107 git-opensession hook pre-push origin ../o\n  40111    SELF ps -A -ww -o pid= -o ppid= -o args=\n";
    /// macOS: a login shell with its dash, and git of the command line tools.
    const MACOS: &str = "    1     0 /sbin/launchd\n  480     1 /System/Applications/Utilities/Terminal.app/Contents/MacOS/Terminal\n  \
        501   480 login -pf ann\n  502   501 -zsh\n12340   502 /Library/Developer/CommandLineTools/usr/bin/git push --dry-run\n\
        12346 12340 /bin/sh .git/hooks/pre-push origin git@example.com:o/r.git\n SELF 12346 git-opensession hook pre-push\n";
    /// FreeBSD: kernel processes in brackets, and a child of process 0.
    const BSD: &str = "    0     0 [kernel]\n    1     0 /sbin/init\n  912     1 -sh (sh)\n 1200   912 git push -n\n \
        1204  1200 /bin/sh .git/hooks/pre-push origin /srv/o\n SELF  1204 git-opensession hook pre-push origin /srv/o\n";
    /// busybox has a header and knows only these columns.
    const BUSYBOX: &str = "PID   PPID  COMMAND\n    1     0 {init} /bin/sh\n   20     1 git push -n\n   25    20 {pre-push} /bin/sh \
        .git/hooks/pre-push origin /o\n SELF    25 git-opensession hook\n";

    /// What is above this process, if `ps` is a program that prints this, and knows `-A` or not.
    fn told(recorded: &str, knows_all: bool) -> Vec<String> {
        let world = World::new();
        let own = std::process::id();
        std::fs::write(world.path("ps.txt"), recorded.replace("SELF", &own.to_string())).unwrap();
        let refuse = if knows_all { "" } else { "case $1 in -A) exit 1;; esac; " };
        world.script("bin/ps", format!("#!/bin/sh\n{refuse}cat '{}'\n", world.path("ps.txt").display()));
        let mut environment = world.environment.clone();
        let path = format!("{}:/usr/bin:/bin", world.path("bin").display());
        environment.variables.insert("PATH".into(), path.into());
        let lines = by_ps(&GitProgram::new(&environment, &world.path("")), own);
        let joined = |line: Vec<OsString>| line.join(std::ffi::OsStr::new(" ")).into_string().unwrap();
        lines.into_iter().map(joined).collect()
    }

    #[test]
    fn the_parent_of_this_process_is_among_them() {
        let world = World::new();
        let all = ancestors(&world.program(world.path("")));
        assert!(!all.is_empty() && all.iter().all(|line| !line.is_empty()), "{all:?}");
    }

    #[test]
    fn ps_of_every_system_is_read() {
        let hook = "/bin/sh .git/hooks/pre-push origin";
        assert_eq!(
            told(LINUX, true),
            [&format!("{hook} ../o"), "git push -n origin main", "bash", "/usr/lib/systemd/systemd --user"]
        );
        let git = "/Library/Developer/CommandLineTools/usr/bin/git push --dry-run";
        assert_eq!(told(MACOS, true)[..2], [format!("{hook} git@example.com:o/r.git"), git.to_owned()]);
        assert_eq!(told(MACOS, true)[2..4], ["-zsh", "login -pf ann"]);
        assert_eq!(told(BSD, true), [&format!("{hook} /srv/o"), "git push -n", "-sh (sh)"]);
        assert_eq!(told(BUSYBOX, false), ["{pre-push} /bin/sh .git/hooks/pre-push origin /o", "git push -n"]);
    }

    #[test]
    fn a_ps_that_says_nothing_sensible_says_nothing() {
        for nonsense in ["", "ps: nonsense\n", "SELF SELF x\n", "SELF 5 x\n5 SELF y\n", "SELF 99999999999 x\n"] {
            assert!(told(nonsense, true).len() <= 1, "{nonsense:?}");
        }
    }

    /// The `ps` of this machine, if it has one, says what `/proc` says.
    #[cfg(target_os = "linux")]
    #[test]
    fn ps_and_proc_agree() {
        let world = World::new();
        let program = world.program(world.path(""));
        if program.clone().named("ps").command(["-A"]).run().is_err() {
            return;
        }
        let words = |lines: Vec<Vec<OsString>>| -> Vec<Vec<String>> {
            let split = |line: Vec<OsString>| {
                let line = line.join(std::ffi::OsStr::new(" "));
                line.to_string_lossy().split_whitespace().map(str::to_owned).collect()
            };
            lines.into_iter().map(split).collect()
        };
        let own = std::process::id();
        assert_eq!(words(by_ps(&program, own))[0], words(climb(own, proc::look))[0]);
    }
}
