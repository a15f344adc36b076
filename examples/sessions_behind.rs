//! Lists the sessions behind a commit: `cargo run --example sessions_behind -- HEAD`.

#![allow(clippy::print_stdout, reason = "a program prints; the library never does")]

use std::env;
use std::error::Error;

use git_opensession::browse::Browser;
use git_opensession::git::{GitEnvironment, Repo};
use git_opensession::view::Safe;

fn main() -> Result<(), Box<dyn Error>> {
    let revision = env::args().nth(1).unwrap_or_else(|| "HEAD".to_owned());
    let git = GitEnvironment { home: env::home_dir(), variables: env::vars_os().collect() };
    let repo = Repo::open(&env::current_dir()?, &git)?;
    let browser = Browser::open(&repo)?;
    let findings = browser.behind(&browser.resolve(&revision)?)?;
    for found in &findings.found {
        let header = &found.session.meta.header;
        // Whatever is in a session may have been written by anybody: it goes to a terminal made safe.
        let title = header.context.title.as_deref().unwrap_or("(no title)");
        println!("{}\t{}\t{}", found.session.key.sid, Safe::line(&header.agent.tool), Safe::line(title));
    }
    // What cannot be read is named, and keeps nothing else from being listed.
    match findings.unreadable.into_iter().next() {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}
