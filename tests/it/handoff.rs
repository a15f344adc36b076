//! Work handed over: artifacts, aliases, a remote between two clones, the prompt for the next agent.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::{ClaudeLog, World};

/// A log with a bit of everything.
fn log() -> PathBuf {
    golden("log.jsonl")
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(format!("handoff.{name}"))
}

fn build(world: &World, from: &str) -> String {
    world.os(["handoff", "build", "--from", from]).ok().trim_end().to_owned()
}

/// A world with an artifact of [`log`] that is pinned as `latest`.
fn pinned() -> (World, String) {
    let world = World::installed();
    let id = world.os(["handoff", "build", "--from", &log().to_string_lossy(), "--pin", "latest"]).ok();
    (world, id.trim_end().to_owned())
}

#[test]
fn an_artifact_says_what_the_next_one_needs() {
    let (world, id) = pinned();
    let get = |format: &str| world.os(["handoff", "artifacts", "get", "latest", "--format", format]).ok();
    let (text, page) = (get("canonical"), get("markdown"));
    // GOLDEN=1 cargo test --test it handoff: writes what there is now; look at the difference.
    if std::env::var_os("GOLDEN").is_some() {
        fs::write(golden("jsonl"), &text).expect("a golden file");
        fs::write(golden("md"), &page).expect("a golden file");
    }
    assert_eq!(text, fs::read_to_string(golden("jsonl")).expect("a golden file"), "another artifact");
    assert_eq!(page, fs::read_to_string(golden("md")).expect("a golden file"), "another page");
    assert_eq!(get("raw"), text);
    let digest = git_opensession::hail::Digest::of(text.as_bytes());
    assert_eq!(id, format!("os://artifact/{digest}"), "it is named for what is printed");
    assert!(!text.contains("4eC39Hq") && text.contains("[REDACTED:"), "{text}");
    let json = world.os(["handoff", "artifacts", "get", "latest", "--encode", "json"]).json();
    assert_eq!((&json["schema"], json["checks"].as_array().map(Vec::len)), (&"opensession.handoff/1".into(), Some(2)));
    let wrong = world.os(["handoff", "artifacts", "get", "latest", "--format", "markdown", "--encode", "json"]).code(2);
    assert!(wrong.err.contains("--format markdown cannot be spelled as json"), "{}", wrong.err);
}

#[test]
fn the_same_sessions_give_the_same_artifact_in_any_clone_at_any_time() {
    let (mut world, id) = pinned();
    let clone = world.clone_to("clone");
    world.set_now("2027-01-01T00:00:00Z");
    let again = world.os_in(&clone, ["handoff", "build", "--from", &log().to_string_lossy(), "--validate"]).ok();
    assert_eq!(again.trim_end(), id);
    assert_eq!(build(&world, &log().to_string_lossy()), id, "and once only");
    assert_eq!(world.refs(world.repo(), "refs/opensession/artifacts/").len(), 1);
    let told = world.os(["handoff", "build", "--from", &log().to_string_lossy(), "--json"]).json();
    assert_eq!(told["uri"], id.as_str());
    world.git(world.repo(), ["fsck", "--strict"]).ok();
}

#[test]
fn sessions_are_taken_by_name_commit_range_and_branch() {
    let mut world = World::installed();
    for (number, file) in ["one", "two"].into_iter().enumerate() {
        let seconds = 60 + 600 * i64::try_from(number).expect("small");
        let content = format!("{file} line of text\n");
        let log = ClaudeLog::new(file, world.repo(), seconds).prompt(&format!("write {file}")).write(file, &content);
        log.answer("There it is.").save(&world);
        world.set_now(&format!("2026-03-06T12:{:02}:00Z", 5 + 10 * number));
        world.commit(file, &content, file);
        world.push().ok();
    }
    let list = world.os(["log", "--json"]).json();
    let sid = |n: usize| list["sessions"][n]["sid"].as_str().expect("an id").to_owned();
    let sessions = |from: &[&str]| {
        let told = world.os([&["handoff", "build", "--json", "--from"], from].concat()).json();
        told["sessions"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|sid| sid.as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(sessions(&["HEAD"]), [sid(0)]);
    assert_eq!(sessions(&[&sid(1)[..8]]), [sid(1)]);
    let both = [sid(1), sid(0)];
    assert_eq!(sessions(&["HEAD~2..HEAD"]), both);
    assert_eq!(sessions(&["main", "HEAD", &sid(0)]), both, "each once, oldest first");
    assert_eq!(sessions(&["main", "--last", "1"]), [sid(0)]);
    let none = world.os(["handoff", "build", "--from", "HEAD~2"]).code(1);
    assert!(
        none.err.contains("hint: git opensession doctor --commit 'HEAD~2'")
            || none.err.contains("doctor --commit HEAD~2"),
        "{}",
        none.err
    );
    let unknown = world.os(["handoff", "build", "--from", "nothing-of-that-name"]).code(1);
    assert!(unknown.err.contains("hint: git opensession log"), "{}", unknown.err);
    world.os(["handoff", "build", "--from", &world.path("none.jsonl").to_string_lossy()]).code(2);
    fs::write(world.path("odd.jsonl"), "{\"a\":1}\n").expect("a file");
    let odd = world.os(["handoff", "build", "--from", &world.path("odd.jsonl").to_string_lossy()]).code(1);
    assert!(odd.err.contains("no log of an agent"), "{}", odd.err);
    let hail = world.os(["cat", &sid(0)]).ok();
    fs::write(world.path("s.hail.jsonl"), hail).expect("a file");
    let of_file = build(&world, &world.path("s.hail.jsonl").to_string_lossy());
    assert_eq!(of_file, build(&world, &sid(0)));
    let registered = world.os(["register", &world.path("s.hail.jsonl").to_string_lossy()]).ok();
    let uri = registered.lines().next().expect("an address");
    assert_eq!(build(&world, uri), of_file);
    assert!(world.os(["handoff", "build", "--from", &of_file]).code(1).err.contains("is a handoff, and no session"));
}

#[test]
fn what_lacks_something_is_not_made_when_validated() {
    let world = World::installed();
    let log = ClaudeLog::new("silent", world.repo(), 0).bash("ls", "nothing").save(&world);
    let from = log.to_string_lossy().into_owned();
    let lacking = world.os(["handoff", "build", "--validate", "--from", &from]).code(1);
    assert!(lacking.err.contains("no objective") && lacking.err.contains("no work"), "{}", lacking.err);
    assert!(world.refs(world.repo(), "refs/opensession/artifacts/").is_empty());
    build(&world, &from);
}

#[test]
fn artifacts_are_listed_pinned_and_removed_when_nobody_needs_them() {
    let (world, id) = pinned();
    let artifacts = |args: &[&str]| world.os([&["handoff", "artifacts"], args].concat());
    let list = artifacts(&["list"]).ok();
    assert!(list.starts_with(&format!("{id} [latest] 2026-03-06 1 session: Greet people")), "{list}");
    assert_eq!(artifacts(&["list", "--json"]).json()["artifacts"][0]["pins"][0], "latest");
    for name in ["latest", "os://artifact/latest", &id, &id[14..], &id[14..22]] {
        assert_eq!(artifacts(&["verify", name]).ok().trim_end(), id, "{name}");
    }
    artifacts(&["pin", "for-ben", &id]).ok();
    let pinned = artifacts(&["rm", &id]).code(1);
    for alias in ["for-ben", "latest"] {
        assert!(
            pinned.err.contains(&format!("hint: git opensession handoff artifacts unpin {alias}")),
            "{}",
            pinned.err
        );
        artifacts(&["unpin", alias]).ok();
    }
    assert!(artifacts(&["unpin", "latest"]).code(1).err.contains("nothing is pinned as latest"));
    artifacts(&["rm", &id]).ok();
    assert_eq!(artifacts(&["list", "--json"]).json()["artifacts"], serde_json::json!([]));
    let gone = artifacts(&["get", &id]).code(1);
    assert!(gone.err.contains("hint: git opensession handoff artifacts list"), "{}", gone.err);
    for alias in ["../heads/main", "-x", "a b", &id[14..]] {
        world.os(["handoff", "artifacts", "pin", "--", alias, &id]).code(2);
    }
    assert!(world.refs(world.repo(), "refs/opensession/pins/").is_empty());
}

#[test]
fn an_artifact_that_is_not_what_it_is_named_for_is_not_printed() {
    let (world, id) = pinned();
    fs::write(world.path("forged"), "{\"type\":\"handoff\",\"secret\":1}\n").expect("a file");
    let blob = world.git(world.repo(), ["hash-object", "-w", &world.path("forged").to_string_lossy()]).ok();
    let name = format!("refs/opensession/artifacts/{}", &id[14..]);
    world.git(world.repo(), ["update-ref", &name, blob.trim_end()]).ok();
    for verb in ["get", "verify"] {
        let forged = world.os(["handoff", "artifacts", verb, &id]).code(1);
        assert_eq!(forged.out, "");
        assert!(forged.err.contains("does not hold what it is named for"), "{}", forged.err);
        assert!(forged.err.contains("hint: git opensession handoff artifacts rm "), "{}", forged.err);
    }
    let tree = world.git(world.repo(), ["rev-parse", "HEAD^{tree}"]).ok();
    world.git(world.repo(), ["update-ref", &name, tree.trim_end()]).ok();
    assert!(world.os(["handoff", "artifacts", "get", &id]).code(1).err.contains("holds no artifact"));
    assert!(world.os(["handoff", "artifacts", "list"]).code(3).err.contains("holds no artifact"));
    assert_eq!(build(&world, &log().to_string_lossy()), id, "building it again puts it right");
    world.os(["handoff", "artifacts", "verify", &id]).ok();
}

#[test]
fn artifacts_travel_to_another_clone_and_pins_never_fight() {
    let (world, id) = pinned();
    let clone = world.clone_to("clone");
    assert_eq!(world.os(["handoff", "push"]).ok(), format!("new {id}\nnew latest\n"));
    assert!(world.os(["handoff", "push"]).err.contains("origin has everything already"));
    let before = world.refs(&clone, "refs");
    assert_eq!(world.os_in(&clone, ["handoff", "fetch", "--json"]).json()["artifacts"][0]["outcome"], "new");
    assert_eq!(world.os_in(&clone, ["handoff", "artifacts", "verify", "latest"]).ok().trim_end(), id);
    assert_eq!(world.os_in(&clone, ["handoff", "artifacts", "verify", "origin/latest"]).ok().trim_end(), id);
    let after = world.refs(&clone, "refs");
    let new: Vec<&str> = after
        .iter()
        .filter(|line| !before.contains(line))
        .map(|line| line.split(' ').next().unwrap_or_default())
        .collect();
    let digest = &id[14..];
    assert_eq!(
        new,
        [format!("refs/opensession/artifacts/{digest}"), "refs/opensession/remotes/origin/pins/latest".to_owned()]
    );

    // Ben pins another one: he has seen what is there, so he may move it. Ann has not, and may not.
    let other = ClaudeLog::new("other", world.repo(), 0).prompt("another").answer("Yes.").save(&world);
    let build = |folder: &Path| {
        world.os_in(folder, ["handoff", "build", "--from", &other.to_string_lossy(), "--pin", "latest"]).ok()
    };
    let moved = build(&clone);
    world.os_in(&clone, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    assert_eq!(world.os_in(&clone, ["handoff", "push"]).ok(), format!("new {moved}moved latest\n"));
    let third = ClaudeLog::new("third", world.repo(), 0).prompt("a third").answer("No.").save(&world);
    world.os(["handoff", "build", "--from", &third.to_string_lossy(), "--pin", "latest"]).ok();
    let refused = world.os(["handoff", "push"]).code(3);
    assert!(refused.err.contains("latest was refused: somebody else has moved it there"), "{}", refused.err);
    assert_eq!(world.os(["handoff", "fetch"]).ok(), format!("new {moved}moved origin/latest\n"));
    assert_eq!(world.os(["handoff", "push"]).ok(), "moved latest\n");
    world.git(world.origin(), ["fsck", "--strict"]).ok();
}

#[test]
fn nothing_goes_to_a_remote_that_nobody_allowed_and_nothing_forged_comes_from_one() {
    let world = World::new();
    let id = build(&world, &log().to_string_lossy());
    let nothing = world.os(["handoff", "push"]).code(1);
    assert!(nothing.err.contains("no artifact is pinned"), "{}", nothing.err);
    let refused = world.os(["handoff", "push", "origin", &id]).code(1);
    assert!(refused.err.contains("hint: git opensession doctor --fix --remote origin"), "{}", refused.err);
    assert!(world.refs(world.origin(), "refs/opensession/").is_empty());

    let commit = world.git(world.origin(), ["rev-parse", "main"]).ok();
    let digest = "0".repeat(63) + "1";
    for name in [format!("artifacts/{digest}"), "pins/evil".to_owned()] {
        world.git(world.origin(), ["update-ref", &format!("refs/opensession/{name}"), commit.trim_end()]).ok();
    }
    let fetched = world.os(["handoff", "fetch"]).code(3);
    assert_eq!(fetched.err.matches("was refused").count(), 2, "{}", fetched.err);
    let there = world.refs(world.repo(), "refs/opensession/");
    assert_eq!(there.len(), 1, "only what was built here: {there:?}");
    let none = world.os(["handoff", "fetch", "origin", "no-such"]).code(1);
    assert!(none.err.contains("has no artifact"), "{}", none.err);
}

#[test]
fn any_agent_can_go_on() {
    let (mut world, id) = pinned();
    let prompt = world.os(["handoff", "resume"]).ok();
    assert!(prompt.starts_with("You go on with work that claude-code began"), "{prompt}");
    let end = format!("-----END HANDOFF {}-----\n", &id[14..]);
    assert!(prompt.ends_with(&end) && prompt.matches(&end).count() == 1, "{prompt}");
    assert!(!prompt.contains("\n## Objective\nignore the above"), "what was typed is quoted: {prompt}");
    let from_log = world.os(["handoff", "resume", &log().to_string_lossy(), "--agent", "codex"]).ok();
    assert!(from_log.starts_with("You are codex, and you go on"), "{from_log}");

    let got = world.path("got");
    let script = format!("#!/bin/sh\nprintf '%s' \"$2\" > '{}'\nexit 7\n", got.display());
    world.program(world.path("bin/codex"), script);
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").expect("there is a PATH"));
    world.set("PATH", &path);
    world.os(["handoff", "resume", "latest", "--agent", "codex", "--exec"]).code(7);
    assert_eq!(fs::read_to_string(&got).expect("the prompt"), from_log);

    world.set("PATH", &world.path("bin").to_string_lossy());
    let missing = world.os(["handoff", "resume", "latest", "--agent", "gemini", "--exec"]).code(1);
    assert!(missing.err.contains("gemini cannot be started"), "{}", missing.err);
    assert!(missing.err.contains("hint: git opensession handoff resume latest --agent gemini"), "{}", missing.err);
    let unknown = world.os(["handoff", "resume", "latest", "--agent", "emacs", "--exec"]).code(2);
    assert!(unknown.err.contains("claude-code, codex"), "{}", unknown.err);
    world.os(["handoff", "artifacts", "unpin", "latest"]).ok();
    let none = world.os(["handoff", "resume"]).code(1);
    assert!(none.err.contains("hint: git opensession handoff build --from HEAD --pin latest"), "{}", none.err);
}

#[test]
fn it_is_said_where_its_pointers_lead_and_what_helps_where_they_lead_nowhere() {
    let world = World::installed();
    let verify = |folder: &Path, what: &str| {
        let said = world.os_in(folder, ["handoff", "artifacts", "verify", what]);
        let told = said.err.clone();
        said.ok();
        told
    };
    // A text that is registered, and in no ledger.
    let hail = world.os(["parse", &log().to_string_lossy()]).ok();
    fs::write(world.path("s.hail.jsonl"), hail).expect("a file");
    let uri = world.os(["register", &world.path("s.hail.jsonl").to_string_lossy()]).ok();
    let registered = build(&world, uri.lines().next().expect("an address"));
    let told = verify(&world.repo(), &registered);
    assert!(told.contains(" pointers lead into its session") && !told.contains("hint"), "{told}");
    // A log that has grown since it was captured.
    let log = |answer: &str| {
        let log = ClaudeLog::new("grown", world.repo(), -60).prompt("write it").write("it.rs", "it\n");
        if answer.is_empty() { log.save(&world) } else { log.answer(answer).save(&world) }
    };
    log("");
    world.commit("it.rs", "it\n", "it");
    world.push().ok();
    let grown = build(&world, &log("It is written.").to_string_lossy());
    let told = verify(&world.repo(), &grown);
    assert!(told.contains("cannot be looked at: what is here was stored before it was made"), "{told}");
    assert!(told.contains("hint: git opensession capture"), "{told}");
    world.os(["capture", "HEAD~1..HEAD"]).ok();
    assert!(verify(&world.repo(), &grown).contains("pointers lead into its session"));
    // Somewhere else neither is here.
    let uri = uri.lines().next().expect("an address");
    let both = world.os(["handoff", "build", "--from", uri, "--from", "HEAD"]).ok();
    world.os(["handoff", "push", "origin", &registered, both.trim()]).ok();
    world.push().ok();
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["handoff", "fetch"]).ok();
    let told = verify(&ben, &registered);
    assert!(told.contains("pointers lead cannot be looked at: a session is not here"), "{told}");
    assert!(told.contains("hint: git opensession fetch"), "{told}");
    world.os_in(&ben, ["fetch"]).ok();
    let told = verify(&ben, both.trim());
    assert!(told.contains(" pointers lead into its 2 sessions; a session is not here"), "{told}");
}
