//! Everything that cannot be shared: why, and the command that helps.

use super::*;

/// What was said, whole, of a share that failed.
#[track_caller]
fn refused(answer: Answer, code: i32) -> String {
    let answer = answer.code(code);
    assert_eq!(answer.out, "");
    answer.err
}

#[test]
fn each_failure_names_its_reason_and_the_next_command() {
    let world = World::new();
    let local = registered(&world, "s1");
    let before = world.refs(world.repo(), "refs/opensession/branches/");
    let to_origin = format!("hint: git opensession share {local} --git --remote origin\n");

    let said = refused(world.os(["share", &local]), 2);
    assert!(said.contains("--git with --remote, or --quick") && said.contains(&to_origin), "{said}");
    let said = refused(world.os(["share", &local, "--push"]), 2);
    assert!(said.contains(&to_origin), "{said}");
    let said = refused(world.os(["share", &local, "--git"]), 2);
    assert!(said.contains("--git needs the remote") && said.contains(&to_origin), "{said}");
    let said = refused(world.os_in(world.root(), ["share", &local, "--git", "--remote", "origin"]), 1);
    assert!(
        said.contains("this is no git repository") && said.contains("hint: cd ") && said.contains(&to_origin),
        "{said}"
    );
    let said = refused(world.os(["share", &local, "--git", "--remote", "nowhere"]), 2);
    assert!(said.contains("there is no remote \"nowhere\"") && said.contains("hint: git remote -v"), "{said}");
    let unknown = format!("os://src/local/{}", "ab".repeat(32));
    let said = refused(world.os(["share", &unknown, "--git", "--remote", "origin"]), 1);
    assert!(said.contains("is not registered here") && said.contains("hint: git opensession register"), "{said}");
    let artifact = format!("os://artifact/{}", "ab".repeat(32));
    let said = refused(world.os(["share", &artifact, "--git", "--remote", "origin"]), 1);
    assert!(said.contains("is a handoff"), "{said}");
    let said = refused(world.os(["share", "os://src/elsewhere", "--git", "--remote", "origin"]), 2);
    assert!(said.contains("not an address"), "{said}");
    let said = refused(world.os(["share", "HEAD", "--git", "--remote", "origin"]), 1);
    assert!(said.contains("no session is known behind") && said.contains("hint: git opensession doctor --commit HEAD"));
    let said = refused(world.os(["share", &local, "--git", "--remote", "ext::sh -c touch% x"]), 1);
    assert!(said.contains("no address can lead to"), "{said}");
    assert!(!world.repo().join("x").exists());
    let right = format!("sessions/{}.jsonl", &local["os://src/local/".len()..]);
    let said = refused(world.os(["share", &local, "--git", "--remote", "origin", "--path", "talks/mine.jsonl"]), 2);
    assert!(said.contains(&format!("its path is {right}")), "{said}");
    assert_eq!(world.refs(world.repo(), "refs/opensession/branches/"), before, "nothing was written");
    world.os(["share", &local, "--git", "--remote", "origin", "--path", &right]).ok();
    world.git(world.repo(), ["remote", "remove", "origin"]).ok();
    let said = refused(world.os(["share", &local, "--git"]), 2);
    assert!(said.contains("has no remote"), "{said}");
}

#[test]
fn what_was_registered_with_its_secrets_stays_here() {
    let world = World::new();
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let text =
        fs::read_to_string(hail(&world, "s1")).expect("HAIL").replace("Done.", &format!("the token is {secret}"));
    fs::write(world.path("with.jsonl"), &text).expect("a file");
    let raw = world.os(["register", "--no-redact", "../with.jsonl"]).ok().trim_end().to_owned();
    let said = refused(world.os(["share", &raw, "--git", "--remote", "origin", "--push"]), 1);
    assert!(
        said.contains("was registered with --no-redact") && said.contains("hint: git opensession register"),
        "{said}"
    );
    let redacted = world.os(["register", "../with.jsonl"]).ok().trim_end().to_owned();
    pushed(&world, world.repo(), &redacted);
    assert!(!String::from_utf8_lossy(&world.everything_in(world.origin())).contains(secret));
}

#[test]
fn whoever_shares_is_taken_out_of_what_was_registered_as_nobodys() {
    let mut world = World::new();
    world.set("USER", "zoe");
    let text = fs::read_to_string(hail(&world, "s1"))
        .expect("HAIL")
        .replace("Done.", "see /mnt/backup/home/zoe/x and /srv/me");
    let home = world.home().display().to_string();
    fs::write(world.path("with.jsonl"), text.replace("/srv/me", &format!("{home}/notes"))).expect("a file");
    let local = world.os(["register", "../with.jsonl"]).ok().trim_end().to_owned();
    let answer = world.os(["share", &local, "--git", "--remote", "origin", "--push"]);
    assert!(answer.err.contains("taken out: this is another text"), "{answer:?}");
    let address = lines(answer).0;
    assert!(!address.contains(&local["os://src/local/".len()..]), "it is another text, so it has another name");
    let told = world.os_in(world.root(), ["cat", &address]).ok();
    assert!(!told.contains(&home) && told.contains("~/notes"), "{told}");
}

#[test]
fn a_session_of_more_than_fifty_megabytes_is_refused_with_the_reason() {
    let world = World::new();
    let text = fs::read_to_string(hail(&world, "s1")).expect("HAIL");
    let long = text.replacen("write s1.txt", &"many words ".repeat(5_000_000), 1);
    // As it would be registered.
    let digest = git_opensession::hail::Digest::of(long.as_bytes());
    fs::write(world.path("long.jsonl"), long).expect("a file");
    let store = format!(
        "f=$(printf '100644 blob %s\\t{digest}.jsonl\\n' $(git hash-object -w ../long.jsonl) | git mktree) && \
         t=$(printf '040000 tree %s\\tsessions\\n' $f | git mktree) && \
         git update-ref refs/opensession/local $(git commit-tree -m x $t)"
    );
    world.run("sh", world.repo(), ["-c", &store]).ok();
    let local = format!("os://src/local/{digest}");
    let said = refused(world.os(["share", &local, "--git", "--remote", "origin", "--push"]), 1);
    assert!(said.contains(&format!("{local} has more than 50 MB")) && said.contains("forges warn"), "{said}");
    assert!(world.refs(world.repo(), "refs/opensession/branches/").is_empty());
}

#[test]
fn a_beginning_that_several_sessions_have_lists_them_for_every_verb() {
    use git_opensession::ledger::Sid;
    let world = World::new();
    // Two ids whose names begin alike.
    let mut seen = std::collections::BTreeMap::new();
    let (one, two) = (0..)
        .find_map(|n| {
            let id = format!("{n:08}-0000-4000-8000-00000000000a");
            let begin = Sid::new("claude-code", &id).to_string()[..4].to_owned();
            seen.insert(begin, id.clone()).map(|before| (before, id))
        })
        .expect("there are some");
    world.work(&one, "one.txt");
    world.work(&two, "two.txt");
    world.os(["capture"]).ok();
    let [one, two] = [one, two].map(|id| Sid::new("claude-code", &id).to_string());
    let begin = &one[..4];
    for verb in ["show", "cat", "inspect", "view"] {
        let said = refused(world.os([verb, begin]), 2);
        assert!(said.contains(&format!("{begin:?} is the beginning of 2 sessions")), "{said}");
        for sid in [&one, &two] {
            assert!(said.contains(&format!("hint: git opensession {verb} {sid}\n")), "{verb}: {said}");
        }
    }
    let said = refused(world.os(["share", begin, "--git", "--remote", "origin"]), 2);
    for sid in [&one, &two] {
        assert!(said.contains(&format!("hint: git opensession share {sid} --git --remote origin\n")), "{said}");
    }
    world.os(["share", &one[..12], "--git", "--remote", "origin"]).ok();
}

#[test]
fn a_remote_that_does_not_take_it_is_quoted_and_has_no_address() {
    let world = World::new();
    let local = registered(&world, "s1");
    world.program(
        world.origin().join("hooks/pre-receive"),
        "#!/bin/sh\ncat >/dev/null\necho 'no transcripts here' >&2\nexit 1\n",
    );
    let answer = world.os(["share", &local, "--git", "--remote", "origin", "--push"]).code(3);
    assert_eq!(answer.out, "", "where nobody can read it there is no address");
    assert!(answer.err.contains("origin says: pre-receive hook declined"), "{answer:?}");
    assert!(answer.err.contains("remote: no transcripts here") && answer.err.contains("run this again"), "{answer:?}");
    let told = world.os(["share", &local, "--git", "--remote", "origin", "--push", "--json"]).code(3);
    let told: serde_json::Value = serde_json::from_str(&told.out).expect("a document");
    assert_eq!(told["pushes"][0]["outcome"], "refused");
    fs::remove_file(world.origin().join("hooks/pre-receive")).expect("a hook");
    pushed(&world, world.repo(), &local);

    fs::rename(world.origin(), world.path("away.git")).expect("it goes away");
    let other = registered(&world, "s2");
    world.os(["share", &other, "--git", "--remote", "origin"]).ok();
    let answer = world.os(["share", &other, "--git", "--remote", "origin", "--push"]).code(4);
    assert!(answer.out.is_empty() && answer.err.contains("there is no repository at"), "{answer:?}");
}
