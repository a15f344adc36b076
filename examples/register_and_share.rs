//! Registers a session and shares it at a remote: `cargo run --example register_and_share -- session.hail.jsonl origin`.
//!
//! It prints the two addresses: that on this machine, and that for everybody who can read the remote, once
//! `git opensession share` has pushed it there.

#![allow(clippy::print_stdout, reason = "a program prints; the library never does")]

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::time::{Duration, Instant, SystemTime};

use git_opensession::capture::ledger_branch;
use git_opensession::git::{GitEnvironment, RemoteUrl, Repo, Signature};
use git_opensession::hail::Snapshot;
use git_opensession::ledger::{Appender, Namespace};
use git_opensession::redaction::{Person, Redactor};
use git_opensession::share::share;
use git_opensession::source::remote_of;
use git_opensession::store::{SHARE_LIMIT, Store};
use git_opensession::uri::Source;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let file = arguments.next().ok_or("which session? name a file of HAIL")?;
    let remote = arguments.next().unwrap_or_else(|| "origin".to_owned());

    let folder = env::current_dir()?;
    let git = GitEnvironment { home: env::home_dir(), variables: env::vars_os().collect() };
    let repo = Repo::open(&folder, &git)?;
    let config = repo.config(&git)?;
    let url = config.get(&format!("remote.{remote}.url")).ok_or("there is no such remote")?;
    let time = i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs())?;
    let signature = Signature { identity: config.committer(&git), time, offset: 0 };
    let by = Appender { signature: &signature, lock: None, deadline: Instant::now() + Duration::from_secs(10) };

    // Only what went through a redactor can be shared: there is no other way to a snapshot.
    let redactor = Redactor::new(&Person { home: env::home_dir(), ..Person::default() });
    let snapshot = Snapshot::read(BufReader::new(File::open(file)?), &redactor, SHARE_LIMIT)?;
    Store::of(&repo).put(&snapshot, &by)?;
    println!("{}", Source::Local(snapshot.digest().into()));

    // The same blob: nothing is written a second time.
    let shared = share(&repo, &ledger_branch(&config, repo.head()?)?, &snapshot, &by)?;
    let remote = remote_of(&RemoteUrl::new(url), repo.workdir().unwrap_or(&folder))?;
    println!("{}", shared.address(remote, Namespace::default())?);
    Ok(())
}
