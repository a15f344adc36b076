//! Many that share at the same moment: nothing is lost, and every address that was printed leads somewhere.

use super::*;

/// Everything is readable, now by anybody, and in the ledger after one more push.
fn all_there(world: &World, addresses: &[(String, String)]) {
    for (local_text, address) in addresses {
        assert_eq!(&world.os_in(world.root(), ["cat", address]).ok(), local_text, "{address}");
    }
    let last = registered(world, "last");
    world.os(["fetch"]).ok();
    let ben = world.clone_to("ben");
    pushed(world, world.repo(), &last);
    pushed(world, world.repo(), &last);
    for (local_text, address) in addresses {
        assert_eq!(&world.os_in(&ben, ["cat", address]).ok(), local_text, "{address}");
    }
    world.git(world.origin(), ["fsck", "--strict"]).ok();
    world.os_in(&ben, ["fetch"]).ok();
    world.os_in(&ben, ["fsck", "--remote", "origin"]).ok();
}

fn at_once(world: &World, folders: &[std::path::PathBuf]) -> Vec<(String, String)> {
    let locals: Vec<_> = (0..folders.len()).map(|n| registered_in(world, &folders[n], &format!("s{n}"))).collect();
    std::thread::scope(|scope| {
        let share = |folder: &Path, local: &str| {
            let text = world.os_in(folder, ["cat", local]).ok();
            (text, pushed(world, folder, local))
        };
        let threads: Vec<_> =
            folders.iter().zip(&locals).map(|(folder, local)| scope.spawn(move || share(folder, local))).collect();
        threads.into_iter().map(|thread| thread.join().expect("its share succeeds")).collect()
    })
}

#[test]
fn of_eight_clones_that_share_at_once_none_loses_anything() {
    let world = World::new();
    let folders: Vec<_> = (0..8).map(|n| world.clone_to(&format!("clone-{n}"))).collect();
    let addresses = at_once(&world, &folders);
    all_there(&world, &addresses);
    assert!(snapshots(&world, world.origin(), MAIN).len() >= 9, "all of them are in the ledger");
}

#[test]
fn of_eight_that_share_at_once_in_one_clone_none_loses_anything() {
    let world = World::new();
    let folders = vec![world.repo(); 8];
    let addresses = at_once(&world, &folders);
    assert_eq!(snapshots(&world, world.repo(), MAIN).len(), 8);
    all_there(&world, &addresses);
    assert_eq!(snapshots(&world, world.origin(), MAIN).len(), 9);
    assert!(world.refs(world.origin(), "refs/opensession/inbox/").is_empty(), "they wait for each other");
}

#[test]
fn what_lost_every_race_has_an_address_too() {
    let world = World::new();
    // Somebody holds the ledger over there, for all that can be seen from here.
    let lock = world.origin().join(format!("{MAIN}.lock"));
    fs::create_dir_all(lock.parent().expect("a folder")).expect("folders");
    for is_first in [true, false] {
        fs::write(&lock, "").expect("a lock");
        let local = registered(&world, if is_first { "s1" } else { "s2" });
        let text = world.os(["cat", &local]).ok();
        let answer = world.os(["share", &local, "--git", "--remote", "origin", "--push"]);
        assert!(answer.err.contains("beside the ledger of main"), "{answer:?}");
        let address = lines(answer).0;
        let ben = world.clone_to(if is_first { "ben" } else { "cam" });
        for folder in [&ben, &world.root()] {
            assert_eq!(world.os_in(folder, ["cat", &address]).ok(), text);
            let wrong = address.replace(".jsonl", "").replace("sessions/", "sessions/0");
            world.os_in(folder, ["cat", &wrong]).code(1);
        }
        // Whoever pushes next puts it in order: somebody else, who has seen it.
        fs::remove_file(&lock).expect("a lock");
        let other = registered_in(&world, &ben, if is_first { "s3" } else { "s4" });
        pushed(&world, &ben, &other);
        assert!(world.refs(world.origin(), "refs/opensession/inbox/").is_empty());
        assert_eq!(world.os_in(world.root(), ["cat", &address]).ok(), text);
    }
    assert_eq!(snapshots(&world, world.origin(), MAIN).len(), 4);
}
