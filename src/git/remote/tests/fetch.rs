//! Fetching into the tracking namespace.

use super::*;

#[test]
fn fetching_fills_the_tracking_namespace_and_touches_nothing_else() {
    let scene = Scene::new();
    let other = scene.world.repository("other");
    let origin = scene.origin.display();
    scene.world.git(&other, "tag -a -m x v1");
    scene.world.git(&other, &format!("push -q {origin} HEAD:{LEDGER} HEAD:refs/opensession/branches/eA main v1"));
    let mine = scene.commit("mine", None);
    scene.world.git(&scene.repository, &format!("update-ref {LEDGER} {mine}"));
    scene.world.git(&scene.repository, "update-ref refs/opensession/remotes/other/branches/eA HEAD");
    let config = fs::read(scene.repository.join(".git/config")).unwrap();
    let before = scene.refs(&scene.repository);
    let fetch = |which: &str| {
        let repo = scene.repo();
        scene.network(None, |network| network.fetch(&repo, &scene.endpoint(), TRACKING, &wanted(which)))
    };
    let report = fetch("*").unwrap();
    let names: Vec<_> = report.moved.iter().map(|moved| moved.name.to_string()).collect();
    assert_eq!(names, [format!("{TRACKING}bWFpbg"), format!("{TRACKING}eA")]);
    assert!(report.moved.iter().all(|moved| moved.old.is_none() && moved.new.is_some()));
    let mut after = before;
    after.extend(names);
    after.sort();
    assert_eq!(scene.refs(&scene.repository), after);
    assert_eq!(scene.world.git(&scene.repository, &format!("rev-parse {LEDGER}")), mine);
    assert!(!scene.repository.join(".git/FETCH_HEAD").exists());
    assert_eq!(fs::read(scene.repository.join(".git/config")).unwrap(), config);
    assert_eq!(fetch("*").unwrap(), FetchReport::default());
    // What is gone there goes here, in this namespace only; but not when ledgers are asked for by name.
    scene.world.git(&scene.origin, "update-ref -d refs/opensession/branches/eA");
    assert_eq!(fetch("bWFpbg").unwrap(), FetchReport::default());
    let gone = fetch("*").unwrap().moved;
    assert!(matches!(gone.as_slice(), [Moved { old: Some(_), new: None, .. }]), "{gone:?}");
    let error = fetch("eA").unwrap_err();
    let is_missing = |name: &str| name == "refs/opensession/branches/eA";
    assert!(matches!(&error, FetchError::Remote(RemoteError::NoSuchRef { name, .. }) if is_missing(name)), "{error}");
}

#[test]
fn a_history_rewritten_over_there_moves_the_tracking_ref_by_force() {
    let scene = Scene::new();
    let (one, other) = (scene.commit("one", None), scene.commit("other", None));
    scene.push(&[to(&one, LEDGER)]);
    let fetch = || {
        let repo = scene.repo();
        scene.network(None, |network| network.fetch(&repo, &scene.endpoint(), TRACKING, &wanted("*"))).unwrap()
    };
    fetch();
    scene.push(&[RefPush { lease: Lease::At(one.parse().unwrap()), ..to(&other, LEDGER) }]);
    let moved = fetch().moved;
    assert_eq!(moved[0].new.map(|oid| oid.to_string()), Some(other));
}

#[test]
fn a_tracking_ref_that_is_locked_is_waited_for_and_a_lock_left_by_a_killed_git_is_removed() {
    let scene = Scene::new();
    scene.push(&[to(&scene.commit("one", None), LEDGER)]);
    let lock = scene.repository.join(format!(".git/{TRACKING}bWFpbg.lock"));
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    let fetch = |millis| {
        let repo = scene.repo();
        scene.network(millis, |network| network.fetch(&repo, &scene.endpoint(), TRACKING, &wanted("*")))
    };
    let hold = || fs::File::create(&lock).unwrap();
    // Held for good: the lock is named, and stays.
    hold();
    let error = fetch(Some(500)).unwrap_err();
    assert!(
        matches!(&error, FetchError::Local(crate::git::Error::RefLocked { lock: named, .. }) if *named == lock),
        "{error}"
    );
    assert!(lock.exists());
    // Held for a moment.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(150));
            fs::remove_file(&lock).unwrap();
        });
        assert_eq!(fetch(None).unwrap().moved.len(), 1);
    });
    // Left behind long ago.
    scene.push(&[to(&scene.commit("two", Some("HEAD")), "refs/opensession/branches/eA")]);
    let other = scene.repository.join(format!(".git/{TRACKING}eA.lock"));
    let old = std::time::SystemTime::now() - Duration::from_secs(11 * 60);
    fs::File::create(&other).unwrap().set_modified(old).unwrap();
    assert_eq!(fetch(None).unwrap().moved.len(), 1);
    assert!(!other.exists());
}

#[test]
fn a_lock_of_all_refs_is_waited_for_and_named() {
    let scene = Scene::new();
    let one = scene.commit("one", None);
    scene.push(&[to(&one, LEDGER), to(&one, "refs/opensession/branches/eA")]);
    let fetch = |millis| {
        let repo = scene.repo();
        scene.network(millis, |network| network.fetch(&repo, &scene.endpoint(), TRACKING, &wanted("*")))
    };
    fetch(None).unwrap();
    scene.world.git(&scene.repository, "pack-refs --all");
    scene.world.git(&scene.repository, "config core.packedRefsTimeout 0");
    scene.world.git(&scene.origin, &format!("update-ref -d {LEDGER}"));
    let lock = scene.repository.join(".git/packed-refs.lock");
    let old = std::time::SystemTime::now() - Duration::from_secs(11 * 60);
    fs::File::create(&lock).unwrap().set_modified(old).unwrap();
    let error = fetch(Some(3000)).unwrap_err();
    assert!(
        matches!(&error, FetchError::Local(crate::git::Error::RefLocked { lock: named, .. }) if *named == lock),
        "{error}"
    );
    assert!(lock.exists(), "it is the user's as well");
    fs::remove_file(&lock).unwrap();
    assert_eq!(fetch(None).unwrap().moved.len(), 1);
}

#[test]
fn a_malicious_tree_is_not_let_in() {
    let scene = Scene::new();
    let evil = scene.world.repository("evil");
    let blob = scene.world.git(&evil, "hash-object -w --stdin");
    let raw: Vec<u8> = [b"100644 ..\0".to_vec(), hex(&blob)].concat();
    fs::write(scene.world.path("tree"), raw).unwrap();
    let tree = scene.world.git(&evil, "hash-object -t tree -w --literally ../tree");
    let commit = scene.world.git(&evil, &format!("commit-tree {tree} -m evil"));
    scene.world.git(&evil, &format!("push -q {} {commit}:{LEDGER}", scene.origin.display()));
    let repo = scene.repo();
    let error =
        scene.network(None, |network| network.fetch(&repo, &scene.endpoint(), TRACKING, &wanted("*"))).unwrap_err();
    assert!(error.to_string().contains("hasDotdot"), "{error}");
    assert_eq!(scene.refs(&scene.repository), ["refs/heads/main"]);
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

#[test]
fn shallow_and_partial_clones_stay_what_they_are() {
    let scene = Scene::new();
    let world = &scene.world;
    world.commit(&scene.repository, "two");
    world.git(&scene.repository, "push -q origin main");
    scene.push(&[to(&scene.commit("one", None), LEDGER)]);
    world.git(&scene.origin, "config uploadpack.allowFilter true");
    for (clone, how) in [("shallow", "--depth=1"), ("partial", "--filter=blob:none")] {
        world.git(world.path(""), &format!("clone -q {how} file://{} {clone}", scene.origin.display()));
        let path = world.path(clone);
        let state = || (fs::read(path.join(".git/config")).unwrap(), fs::read(path.join(".git/shallow")).ok());
        let before = state();
        let repo = Repo::open(&path, &world.environment).unwrap();
        let config = repo.config(&world.environment).unwrap();
        let git = world.program(&path);
        let network = Network { git: &git, config: &config, prompts: Prompts::Never, deadline: None };
        let endpoint =
            Endpoint::new(RemoteUrl::new(format!("file://{}", scene.origin.display())), Some("origin"), &config);
        let report = network.fetch(&repo, &endpoint, TRACKING, &wanted("*")).unwrap();
        assert_eq!((report.moved.len(), state()), (1, before), "{clone}");
        let next = world.git(&path, &format!("commit-tree {TRACKING}bWFpbg^{{tree}} -p {TRACKING}bWFpbg -m {clone}"));
        let report = network.push(&endpoint, &[to(&next, LEDGER)], Atomic::No).unwrap();
        assert_eq!(only(&report), &RefOutcome::Pushed(Change::FastForward));
    }
}

/// Commits of that many ledgers at the remote, of which some are not sound. The names of the refs there.
fn planted(scene: &Scene, count: usize, bad: &[usize]) -> Vec<String> {
    let evil = scene.world.repository("evil");
    let blob = scene.world.git(&evil, "hash-object -w --stdin");
    let commit = |entry: &str| {
        let raw: Vec<u8> = [format!("100644 {entry}\0").as_bytes(), &hex(&blob)].concat();
        fs::write(scene.world.path("tree"), raw).unwrap();
        let tree = scene.world.git(&evil, "hash-object -t tree -w --literally ../tree");
        scene.world.git(&evil, &format!("commit-tree {tree} -m x"))
    };
    let evil_commit = commit("..");
    let one = |n: usize| {
        let commit = if bad.contains(&n) { evil_commit.clone() } else { commit(&format!("file{n}")) };
        (commit, format!("refs/opensession/branches/n{n:02}"))
    };
    let (commits, names): (Vec<_>, Vec<_>) = (0..count).map(one).unzip();
    let refspecs: Vec<_> = commits.iter().zip(&names).map(|(commit, name)| format!("{commit}:{name}")).collect();
    scene.world.git(&evil, &format!("push -q -f {} {}", scene.origin.display(), refspecs.join(" ")));
    names
}

#[test]
fn what_is_not_sound_keeps_nothing_else_from_being_fetched() {
    let scene = Scene::new();
    let names = planted(&scene, 20, &[0, 7, 8]);
    let repo = scene.repo();
    let fetch = |known: &KnownUnsound| {
        let fetched = |network: &Network<'_>| {
            network.fetch_around(&repo, &scene.endpoint(), TRACKING, &wanted("*"), known).unwrap()
        };
        scene.network(None, fetched)
    };
    let first = fetch(&KnownUnsound::new());
    let bad: Vec<_> = [0, 7, 8].iter().map(|n: &usize| names[*n].clone()).collect();
    let mut told: Vec<_> = first.unsound.iter().map(|unsound| unsound.name.clone()).collect();
    told.sort();
    assert_eq!((told, first.left.len(), first.moved.len()), (bad.clone(), 0, 17));
    assert!(first.unsound.iter().all(|unsound| unsound.reason.contains("hasDotdot")), "{:?}", first.unsound);
    // What is known is told, and not asked for; what is gone there goes here.
    scene.world.git(&scene.origin, &format!("update-ref -d {}", names[3]));
    let known = first.unsound.iter().map(|unsound| (unsound.oid, "of old".to_owned())).collect();
    let second = fetch(&known);
    let told: Vec<_> = second.unsound.iter().map(|unsound| (&unsound.name, unsound.reason.as_str())).collect();
    assert_eq!(told, bad.iter().map(|name| (name, "of old")).collect::<Vec<_>>());
    assert!(matches!(second.moved.as_slice(), [Moved { old: Some(_), new: None, .. }]), "{:?}", second.moved);
    assert_eq!(fetch(&known).moved, []);
}

#[test]
fn what_is_gone_before_it_is_fetched_is_passed_over_and_nobody_is_asked_for_ever() {
    let scene = Scene::new();
    let names = planted(&scene, 3, &[]);
    let repo = scene.repo();
    let there = || -> Vec<Wanted> {
        let listed =
            scene.world.git(&scene.origin, "for-each-ref refs/opensession/branches/ --format=%(objectname)_%(refname)");
        let wanted = |line: &str| {
            let (oid, name) = line.split_once('_').unwrap();
            let ours = name.replace("refs/opensession/branches/", TRACKING);
            Wanted { oid: oid.parse().unwrap(), mapping: Mapping::new(name, ours).unwrap() }
        };
        listed.lines().map(wanted).collect()
    };
    let wanted = there();
    scene.world.git(&scene.origin, &format!("update-ref -d {}", names[1]));
    let known = KnownUnsound::new();
    let fetch = |wanted: Vec<Wanted>| {
        scene.network(None, |network| network.fetch_sound(&repo, &scene.endpoint(), TRACKING, wanted, &known)).unwrap()
    };
    let report = fetch(wanted);
    assert_eq!((report.moved.len(), report.unsound.len(), report.left.len()), (2, 0, 0));
    // Every one of them is bad: after so many tries the rest is left.
    planted(&scene, 50, &(0..50).collect::<Vec<_>>());
    let report = fetch(there());
    assert!(!report.unsound.is_empty() && !report.left.is_empty());
    assert_eq!(report.unsound.len() + report.left.len(), 50);
}
