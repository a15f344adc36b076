//! Taking things out of ledgers: purged, pruned, redacted again, folded; and killed on the way.

mod beside;
mod copies;
mod expired;
mod fold;
mod killed;
mod prune;
mod purge;
mod redact;
mod stale;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use crate::world::World;

/// The ledger of `main`.
const MAIN: &str = "refs/opensession/branches/bWFpbg";
/// The ledger of `topic`.
const TOPIC: &str = "refs/opensession/branches/dG9waWM";

/// A world in which the sessions `one` and `two` were pushed, each with its commit.
fn pushed() -> World {
    let world = World::installed();
    world.work("one", "one.rs");
    world.work("two", "two.rs");
    world.push().ok();
    assert_eq!(world.titles(world.repo()), ["write one.rs", "write two.rs"]);
    world
}

/// The name of the session with that title.
#[track_caller]
fn sid(world: &World, title: &str) -> String {
    let list = world.os(["log", "--json"]).json();
    let sessions = list["sessions"].as_array().expect("a list of sessions");
    let found = sessions.iter().find(|session| session["title"] == title).expect("the session is there");
    found["sid"].as_str().or(found["id"].as_str()).expect("a name").to_owned()
}

/// Everything that can be reached from the refs of a repository, segments unpacked.
pub fn reachable(world: &World, repository: impl AsRef<Path>) -> Vec<u8> {
    let list = world.git(&repository, ["rev-list", "--objects", "--all"]).ok();
    let oids: BTreeSet<&str> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    let mut command = world.command("git", &repository);
    command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("git starts");
    let mut input = child.stdin.take().expect("an input");
    let asked: String = oids.into_iter().flat_map(|oid| [oid, "\n"]).collect();
    let writer = std::thread::spawn(move || input.write_all(asked.as_bytes()));
    let output = child.wait_with_output().expect("git ends").stdout;
    writer.join().expect("no panic").expect("git reads it");
    let (mut all, mut rest) = (Vec::new(), output.as_slice());
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        let size: usize = head.rsplit(' ').next().and_then(|size| size.parse().ok()).expect("a size");
        let content = &rest[end + 1..end + 1 + size];
        all.extend(zstd::decode_all(content).unwrap_or_else(|_| content.to_vec()));
        rest = &rest[end + 2 + size..];
    }
    all
}

/// Whether a text is anywhere in what the refs of a repository reach.
pub fn reaches(world: &World, repository: impl AsRef<Path>, text: &str) -> bool {
    contains(&reachable(world, repository), text)
}

pub fn contains(all: &[u8], text: &str) -> bool {
    all.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Whether a text is in any object of the repository once git has collected its garbage.
fn is_left(world: &World, repository: impl AsRef<Path>, text: &str) -> bool {
    world.git(&repository, ["gc", "-q", "--prune=now"]).ok();
    contains(&world.everything_in(repository), text)
}
