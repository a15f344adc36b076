//! Ledgers that several clones push to, and remotes that do not take them.

use std::fs;
use std::path::Path;

use super::*;

/// Another clone has pushed its own sessions first.
fn diverged() -> (Scene, String) {
    let scene = Scene::new();
    let other = scene.world.repository("other");
    let head = scene.head();
    let theirs = capture_in(&scene.world, &other, MAIN, &[(7, &head)]);
    scene.world.git(&other, &format!("push -q {} {MAIN}:{MAIN}", scene.origin.display()));
    (scene, theirs)
}

/// The sessions that a ledger's links are of.
fn linked(scene: &Scene, repository: &Path, name: &str) -> Vec<String> {
    let listed = scene.world.git(repository, &format!("ls-tree -r --name-only {name}:v2/c"));
    let sid = |path: &str| path.rsplit_once("-0").unwrap().1.trim_start_matches('0').to_owned();
    let mut sids: Vec<_> = listed.lines().map(sid).collect();
    sids.sort();
    sids
}

#[test]
fn sessions_of_somebody_else_are_joined_and_pushed_on_top_of_theirs() {
    let (scene, theirs) = diverged();
    scene.capture(MAIN, &[(1, &scene.head())]);
    let report = scene.run(&scene.plan(&[scene.update("refs/heads/main")]));
    assert_eq!(report.failures().count(), 0, "{report:?}");
    let joined = scene.tip_at(&scene.origin, MAIN);
    assert_eq!(scene.tip_at(&scene.origin, &format!("{MAIN}^1")), Some(theirs));
    assert_eq!(scene.tip_at(&scene.origin, &format!("{MAIN}^2")), None, "theirs is the only parent");
    assert_eq!(linked(&scene, &scene.origin, MAIN), ["1", "7"]);
    assert_eq!(scene.tip_at(&scene.repository, MAIN), joined, "the live ledger has moved along");
    assert_eq!(scene.tip_at(&scene.repository, SEEN), joined);
    assert!(scene.plan(&[scene.update("refs/heads/main")]).is_empty());
}

#[test]
fn what_loses_every_race_is_left_in_the_inbox_and_joined_by_the_next_push() {
    let scene = Scene::new();
    let tip = scene.capture(MAIN, &[(1, &scene.head())]);
    let lock = scene.origin.join(format!("{MAIN}.lock"));
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    fs::write(&lock, "").unwrap();
    scene.world.script(scene.origin.join("hooks/pre-receive"), "#!/bin/sh\necho x >> tries\ncat >/dev/null\n");
    let report = scene.run(&scene.plan(&[scene.update("refs/heads/main")]));
    assert!(matches!(&report.ledgers[0].outcome, LedgerOutcome::Left(_)), "{report:?}");
    assert_eq!(report.failures().count(), 0, "it is there");
    assert_eq!(fs::read_to_string(scene.origin.join("tries")).unwrap(), "x\n".repeat(5), "four tries, and the inbox");
    let inbox = format!("refs/opensession/inbox/bWFpbg/{tip}");
    assert_eq!(scene.tip_at(&scene.origin, &inbox), Some(tip.clone()));
    let seen = format!("refs/opensession/remotes/origin/inbox/bWFpbg/{tip}");
    assert_eq!(scene.tip_at(&scene.repository, &seen), Some(tip));

    // Another clone sees it, and has something of its own.
    fs::remove_file(&lock).unwrap();
    let other = scene.world.repository("other");
    let head = scene.world.git(&other, "rev-parse HEAD");
    scene.world.git(&other, &format!("remote add origin {}", scene.origin.display()));
    scene.world.git(&other, "fetch -q origin refs/opensession/inbox/*:refs/opensession/remotes/origin/inbox/*");
    capture_in(&scene.world, &other, MAIN, &[(2, &head)]);
    let other = Scene { world: scene.world, repository: other, origin: scene.origin };
    let line = format!("refs/heads/main {head} refs/heads/main {}\n", "0".repeat(40));
    let report = other.run(&other.plan(&PushUpdate::read_all(line.as_bytes()).unwrap()));
    assert_eq!(report.failures().count(), 0, "{report:?}");
    assert_eq!(linked(&other, &other.origin, MAIN), ["1", "2"]);
    for (repository, name) in [(&other.origin, &inbox), (&other.repository, &seen)] {
        assert_eq!(other.tip_at(repository, name), None, "it is in the ledger now");
    }
}

#[test]
fn a_ledger_that_is_behind_takes_in_what_was_left_and_what_is_no_inbox_is_passed_over() {
    let scene = Scene::new();
    let tip = scene.capture(MAIN, &[(1, &scene.head())]);
    scene.run(&scene.plan(&[scene.update("refs/heads/main")]));
    scene.git(&format!("update-ref refs/opensession/remotes/origin/inbox/bWFpbg/{} {tip}", "1".repeat(40)));
    assert!(scene.plan(&[scene.update("refs/heads/main")]).is_empty(), "it is not what it is named for");
}

#[test]
fn what_was_purged_there_is_not_published_by_a_clone_that_knows_nothing_of_it() {
    let (scene, _) = diverged();
    let other = scene.world.path("other");
    let sid = format!("{:032x}", 1);
    scene.world.git(&other, &format!("read-tree {MAIN}"));
    let blob = scene.world.git(&other, "hash-object -w --stdin");
    scene.world.git(&other, &format!("update-index --add --cacheinfo 100644,{blob},v2/x/{sid}"));
    let tree = scene.world.git(&other, "write-tree");
    let purged = scene.world.git(&other, &format!("commit-tree {tree} -m purged"));
    scene.world.git(&other, &format!("push -q -f {} {purged}:{MAIN}", scene.origin.display()));

    let head = scene.head();
    scene.capture(MAIN, &[(1, &head), (2, &head)]);
    scene.capture(TOPIC, &[(1, &head), (3, &head)]);
    let plan = scene.plan(&[scene.update("refs/heads/main"), scene.update("refs/heads/topic")]);
    let meet = || scene.fanout(&scene.destination(), None, |fanout| fanout.meet(&plan)).unwrap();
    assert!(meet(), "something came");
    assert_eq!(linked(&scene, &scene.repository, MAIN), ["2", "7"]);
    assert_eq!(linked(&scene, &scene.repository, TOPIC), ["3"], "in every ledger");
    assert_eq!(scene.git(&format!("rev-list --count {TOPIC}")), "1", "and out of its history");
    assert!(!meet(), "once is enough");
}

#[test]
fn a_refusal_is_remembered_until_it_is_asked_again() {
    let scene = Scene::new();
    scene.world.script(scene.origin.join("hooks/pre-receive"), "#!/bin/sh\necho x >> asked\ncat >/dev/null\nexit 1\n");
    let asked = || fs::read_to_string(scene.origin.join("asked")).unwrap_or_default().lines().count();
    scene.capture(MAIN, &[(1, &scene.head())]);
    let push = |asks_again| {
        let plan = scene.plan(&[scene.update("refs/heads/main")]);
        scene.fanout(&scene.destination(), None, |fanout| Fanout { asks_again, ..fanout }.run(&plan))
    };
    let told = |report: &Report| match &report.ledgers[0].outcome {
        LedgerOutcome::Refused { reason, is_new } => (reason.clone(), *is_new),
        other => panic!("{other:?}"),
    };
    let reason = "pre-receive hook declined".to_owned();
    assert_eq!((told(&push(false)), asked()), ((reason.clone(), true), 1));
    assert_eq!((told(&push(false)), asked()), ((reason.clone(), false), 1), "the remote is not asked");
    scene.capture(MAIN, &[(2, &scene.head())]);
    assert_eq!((told(&push(false)), asked()), ((reason.clone(), false), 1), "it is no matter of size");
    assert_eq!((told(&push(true)), asked()), ((reason.clone(), true), 2), "asked by hand");
    scene.git("config opensession.fanout-mode git_notes");
    assert_eq!((told(&push(false)), asked()), ((reason.clone(), true), 3), "something has changed");
    assert!(Refusals::forget_all(&scene.repo()));
    fs::remove_file(scene.origin.join("hooks/pre-receive")).unwrap();
    assert_eq!(push(false).failures().count(), 0);
    assert!(!Refusals::forget_all(&scene.repo()), "there is nothing to forget");
}

#[test]
fn what_is_too_large_is_tried_again_when_it_is_another() {
    let scene = Scene::new();
    scene.capture(MAIN, &[(1, &scene.head())]);
    let plan = scene.plan(&[scene.update("refs/heads/main")]);
    let target = plan.pushes[0].target.clone();
    let (repo, config, to) = (scene.repo(), scene.config(), scene.destination());
    let (one, other): (Oid, Oid) = (scene.head().parse().unwrap(), "1".repeat(40).parse().unwrap());
    let mut refusals = Refusals::open(&repo, &config, &to);
    refusals.remember(&target, one, "GH001: Large files detected", &[]);
    refusals.save();
    let read = Refusals::open(&repo, &config, &to);
    assert!(read.known(&target, one).is_some() && read.known(&target, other).is_none());
}

#[test]
fn a_host_that_takes_only_branches_gets_them_as_branches() {
    let scene = Scene::new();
    scene.git("config opensession.namespace refs/heads/opensession/branches");
    scene.world.git(&scene.origin, "config receive.hideRefs refs/opensession");
    let tip = scene.capture(MAIN, &[(1, &scene.head())]);
    let report = scene.run(&scene.plan(&[scene.update("refs/heads/main")]));
    assert_eq!(report.failures().count(), 0, "{report:?}");
    assert_eq!(scene.tip_at(&scene.origin, "refs/heads/opensession/branches/bWFpbg"), Some(tip.clone()));
    assert_eq!(scene.tip_at(&scene.repository, SEEN), Some(tip), "here it is where it always is");
    assert_eq!(scene.git("for-each-ref refs/heads --format=%(refname)"), "refs/heads/main");
    assert!(scene.plan(&[scene.update("refs/heads/main")]).is_empty());
    scene.git("config opensession.namespace refs/heads");
    let planned = Plan::new(&scene.repo(), &scene.config(), &scene.destination(), &[]);
    assert!(matches!(planned, Err(FanoutError::Setting(_))), "{planned:?}");
}
