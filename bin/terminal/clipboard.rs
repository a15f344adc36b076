//! The clipboard: whatever program of the desktop is there, else the terminal itself.

use std::path::Path;
use std::time::{Duration, Instant};

use git_opensession::git::GitEnvironment;
use git_opensession::git::process::GitProgram;

/// Programs that put their standard input into a clipboard. One that is for another desktop gives up at once.
pub const PROGRAMS: [(&str, &[&str]); 5] = [
    ("wl-copy", &[]),
    ("xclip", &["-selection", "clipboard", "-in"]),
    ("xsel", &["--clipboard", "--input"]),
    ("pbcopy", &[]),
    ("clip.exe", &[]),
];

/// A program that takes longer has no clipboard.
const PATIENCE: Duration = Duration::from_secs(3);

/// Puts a text into the clipboard, with the first program that can; its name. `None`: none of them is there, or can.
pub fn copy(text: &str, environment: &GitEnvironment, folder: &Path) -> Option<&'static str> {
    let programs = GitProgram::new(environment, folder);
    let found = PROGRAMS.into_iter().find(|(program, arguments)| {
        let command = programs.clone().named(*program).command(arguments.iter().copied());
        let ended = command.stdin(text.as_bytes().to_vec()).deadline(Some(Instant::now() + PATIENCE)).run();
        ended.is_ok_and(|ended| ended.succeeded())
    });
    found.map(|(program, _)| program)
}
