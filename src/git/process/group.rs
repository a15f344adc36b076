//! A child with a process group of its own, which can be ended as a whole.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use super::Ending;

/// The first process of a group. Dropped before it has ended, it takes the group with it.
pub(super) struct Leader {
    child: Child,
    alone: bool,
}

/// Starts a program in a group of its own; or in this one, for it to read from the terminal.
pub(super) fn spawn(command: &mut Command, foreground: bool) -> io::Result<Leader> {
    #[cfg(unix)]
    if !foreground {
        std::os::unix::process::CommandExt::process_group(command, 0);
    }
    command.spawn().map(|child| Leader { child, alone: foreground })
}

/// Starts a program in a group of its own that is not ended with this one.
pub(super) fn spawn_free(command: &mut Command) -> io::Result<Child> {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command.spawn()
}

impl Leader {
    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Asks the whole group to end, and after `grace` makes it.
    pub(super) fn kill(&mut self, grace: Duration) -> io::Result<()> {
        self.signal(Force::Ask);
        let until = Instant::now() + grace;
        while Instant::now() < until && !has_ended(&self.child) {
            std::thread::sleep(Duration::from_millis(5));
        }
        // The leader is not reaped yet, so its number still means this group and no other.
        self.signal(Force::Make);
        // It may hang in the system (a dead network disk): then it is left there.
        let until = Instant::now() + Duration::from_secs(1);
        while self.child.try_wait()?.is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Only reached when waiting for it failed: there is nobody left to tell.
            let _ = self.kill(Duration::ZERO);
        }
    }
}

#[derive(Clone, Copy)]
enum Force {
    Ask,
    Make,
}

impl Leader {
    /// Signals the group, or only the child if it has none of its own.
    #[cfg(unix)]
    fn signal(&mut self, force: Force) {
        use rustix::process::{Pid, Signal, kill_process, kill_process_group};
        let signal = match force {
            Force::Ask => Signal::TERM,
            Force::Make => Signal::KILL,
        };
        let pid = Pid::from_child(&self.child);
        // It may have ended by itself.
        let _ = if self.alone { kill_process(pid, signal) } else { kill_process_group(pid, signal) };
    }

    #[cfg(not(unix))]
    fn signal(&mut self, force: Force) {
        if matches!(force, Force::Make) {
            // It may have ended by itself.
            let _ = self.child.kill();
        }
    }
}

/// Whether it has ended, without reaping it.
#[cfg(unix)]
fn has_ended(child: &Child) -> bool {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    !matches!(waitid(WaitId::Pid(Pid::from_child(child)), options), Ok(None))
}

#[cfg(not(unix))]
fn has_ended(_child: &Child) -> bool {
    false
}

/// How a program ended by itself.
pub(super) fn ending(status: ExitStatus) -> Ending {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return Ending::Signalled(signal);
    }
    Ending::Exited(status.code().unwrap_or(-1))
}
