//! The two ends of the program that a human sees: data on stdout, talk on stderr.

pub mod clipboard;
mod colour;
mod output;
mod pager;
mod progress;
mod talk;

pub use colour::{ColourChoice, ColourConfig};
pub use output::Output;
pub use progress::Progress;
pub use talk::Talk;

use std::io::IsTerminal as _;

use git_opensession::agents::Environment;

/// Which of the three streams are terminals, and how wide.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terminals {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
}

impl Terminals {
    /// Of this process.
    pub fn detect() -> Self {
        Self {
            stdin: std::io::stdin().is_terminal(),
            stdout: std::io::stdout().is_terminal(),
            stderr: std::io::stderr().is_terminal(),
        }
    }
}

/// The width of the terminal: `COLUMNS` (which git sets behind its pager), the terminal's own, or 80.
fn columns(environment: &Environment) -> usize {
    let set = environment.variable("COLUMNS").and_then(|value| value.to_str()?.parse().ok());
    let of_terminal = || {
        let size = rustix::termios::tcgetwinsize(std::io::stdout())
            .or_else(|_| rustix::termios::tcgetwinsize(std::io::stderr()));
        size.ok().map(|size| usize::from(size.ws_col))
    };
    set.or_else(of_terminal).filter(|columns| *columns > 0).unwrap_or(80)
}

/// A variable that is on unless it says no, as git reads booleans of the environment.
fn is_on(environment: &Environment, name: &str) -> bool {
    let off = ["0", "false", "no", "off"];
    environment.variable(name).is_some_and(|value| !off.iter().any(|no| value.eq_ignore_ascii_case(no)))
}
