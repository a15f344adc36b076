//! Notes that others write, too: other clones, and people with `git notes`.

use super::*;

#[test]
fn two_clones_that_went_two_ways_lose_nothing() {
    let world = noting();
    let (ann, ben) = (clone_on(&world, "ann"), clone_on(&world, "ben"));
    let of_ann = work_in(&world, &ann, "a1");
    let of_ben = work_in(&world, &ben, "b1");
    push_from(&world, &ann).ok();
    let said = world.git(&ben, ["push", "origin", "HEAD"]);
    assert!(said.err.contains("1 session (1 commit) -> origin"), "{}", said.err);
    said.ok();
    for (commit, title) in [(&of_ann, "do a1"), (&of_ben, "do b1")] {
        assert_eq!(titles(&world, world.origin(), commit), [title.to_owned()].into());
        assert_eq!(titles(&world, &ben, commit), [title.to_owned()].into(), "and the live notes have both");
    }
    let parents = world.git(world.origin(), ["rev-list", "--parents", "-1", NOTES]).ok();
    assert_eq!(parents.split_whitespace().count(), 2, "one parent: the remote's tip");
    world.os_in(&ann, ["fetch"]).ok();
    assert_eq!(titles(&world, &ann, &of_ben), ["do b1".to_owned()].into());
    assert_eq!(
        world.refs(&ann, NOTES)[0].split(' ').next_back(),
        world.refs(world.origin(), NOTES)[0].split(' ').next_back()
    );
}

#[test]
fn no_fetch_loses_notes_that_were_not_pushed() {
    let world = noting();
    let (ann, ben) = (clone_on(&world, "ann"), clone_on(&world, "ben"));
    let of_ben = work_in(&world, &ben, "b1");
    push_from(&world, &ben).ok();
    let of_ann = work_in(&world, &ann, "a1");
    world.os_in(&ann, ["capture"]).ok();
    world.git(&ann, ["fetch", "-q", "--prune"]).ok();
    assert_eq!(titles(&world, &ann, &of_ann), ["do a1".to_owned()].into());
    world.os_in(&ann, ["fetch"]).ok();
    for (commit, title) in [(&of_ann, "do a1"), (&of_ben, "do b1")] {
        assert_eq!(titles(&world, &ann, commit), [title.to_owned()].into());
    }
    push_from(&world, &ann).ok();
    assert_eq!(titles(&world, world.origin(), &of_ann), ["do a1".to_owned()].into());
}

#[test]
fn without_notes_mode_what_a_remote_has_is_kept_beside() {
    let world = noting();
    work_in(&world, world.repo(), "one");
    world.push().ok();
    let ben = world.clone_to("ben");
    world.os_in(&ben, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok();
    world.os_in(&ben, ["fetch"]).ok();
    assert_eq!((world.refs(&ben, NOTES).len(), world.refs(&ben, TRACKED).len()), (0, 1));
    let reader = world.clone_to("reader");
    let fetched = world.os_in(&reader, ["fetch"]);
    assert!(fetched.err.contains("git log --notes=opensession"), "{}", fetched.err);
    assert_eq!(world.refs(&reader, NOTES).len(), 1, "who has chosen nothing can read them");
    world.git(world.origin(), ["update-ref", "-d", NOTES]).ok();
    world.os_in(&ben, ["fetch"]).ok();
    assert_eq!(world.refs(&ben, TRACKED), [""; 0], "gone there, gone here");
}

#[test]
fn what_people_write_by_hand_is_kept() {
    let world = noting();
    let commit = work_in(&world, world.repo(), "one");
    let notes = |args: &[&str]| world.git(world.repo(), [&["notes", "--ref=opensession"], args].concat()).ok();
    notes(&["add", "-m", "Reviewed-by: Zoe\n\n  in two paragraphs", &commit]);
    notes(&["add", "-m", "of another commit", "HEAD~1"]);
    world.push().ok();
    let text = note(&world, world.origin(), &commit);
    assert!(text.starts_with("Reviewed-by: Zoe\n\n  in two paragraphs\n{\""), "{text}");
    assert_eq!(note(&world, world.origin(), "main~1"), "of another commit\n");
    notes(&["append", "-m", "and I agree", &commit]);
    world.os(["push"]).ok();
    assert!(note(&world, world.origin(), &commit).contains("and I agree"));
    notes(&["remove", "HEAD~1"]);
    world.os(["push"]).ok();
    assert_eq!(note(&world, world.origin(), "main~1"), "", "and what they remove is removed");
}

#[test]
fn notes_are_shared_with_people_who_merge_them_by_hand() {
    let world = noting();
    let shared = world.head(world.repo());
    let ann = clone_on(&world, "ann");
    // Carl has nothing of ours: git alone.
    let carl = world.clone_to("carl");
    let by_hand = |args: &[&str]| world.git(&carl, [&["notes", "--ref=opensession"], args].concat()).ok();
    by_hand(&["add", "-m", "carl was here", &shared]);
    let of_ann = work_in(&world, &ann, "a1");
    push_from(&world, &ann).ok();

    // He fetches theirs beside his own, merges, and pushes: as git-notes(1) has it.
    world.git(&carl, ["fetch", "-q", "origin", &format!("+{NOTES}:refs/notes/theirs")]).ok();
    by_hand(&["merge", "-q", "-s", "cat_sort_uniq", "theirs"]);
    world.git(&carl, ["push", "-q", "origin", NOTES]).ok();

    // Meanwhile she went on, and so did he.
    let more_of_ann = work_in(&world, &ann, "a2");
    push_from(&world, &ann).ok();
    by_hand(&["append", "-m", "twice", &shared]);
    world.git(&carl, ["fetch", "-q", "origin", &format!("+{NOTES}:refs/notes/theirs")]).ok();
    by_hand(&["merge", "-q", "-s", "cat_sort_uniq", "theirs"]);
    world.git(&carl, ["push", "-q", "origin", NOTES]).ok();
    world.os_in(&ann, ["fetch"]).ok();

    for side in [&carl, &ann, &world.origin()] {
        assert_eq!(titles(&world, side, &of_ann), ["do a1".to_owned()].into());
        assert_eq!(titles(&world, side, &more_of_ann), ["do a2".to_owned()].into());
        let of_carl = note(&world, side, &shared);
        assert!(of_carl.contains("carl was here") && of_carl.contains("twice"), "{of_carl}");
        world.git(side, ["fsck", "--strict"]).ok();
    }
}

#[test]
fn a_hostile_remote_s_notes_harm_nobody() {
    let world = noting();
    let mine = work_in(&world, world.repo(), "one");
    world.push().ok();
    let ben = clone_on(&world, "ben");
    world.os_in(&ben, ["fetch"]).ok();
    let line = note(&world, &ben, &mine);
    // The greater line of the same session, with a title that a terminal would obey.
    let evil = line.replace("do one", "\u{9b}2Jgot\u{202e} you").replace("\"events\":", "\"events\":9");
    let huge = "x".repeat(2 << 20);
    let evil_world = world.clone_to("evil");
    world.git(&evil_world, ["fetch", "-q", "origin", &format!("{NOTES}:{NOTES}")]).ok();
    world.git(&evil_world, ["notes", "--ref=opensession", "add", "-f", "-m", &evil, &mine]).ok();
    std::fs::write(world.path("tmp/huge"), &huge).expect("a file");
    let file = world.path("tmp/huge").display().to_string();
    world.git(&evil_world, ["notes", "--ref=opensession", "add", "-F", &file, "HEAD~1"]).ok();
    world.git(&evil_world, ["push", "-q", "origin", NOTES]).ok();
    let own = work_in(&world, &ben, "two");
    world.os_in(&ben, ["fetch"]).ok();
    push_from(&world, &ben).ok();
    assert_eq!(titles(&world, &ben, &own), ["do two".to_owned()].into());
    assert_eq!(titles(&world, world.origin(), &own), ["do two".to_owned()].into());
}

#[test]
fn a_sync_brings_notes_together() {
    let world = noting();
    let (ann, ben) = (clone_on(&world, "ann"), clone_on(&world, "ben"));
    let of_ann = work_in(&world, &ann, "a1");
    push_from(&world, &ann).ok();
    let of_ben = work_in(&world, &ben, "b1");
    world.os_in(&ben, ["capture"]).ok();
    world.git(&ben, ["push", "-q", "--no-verify", "origin", "HEAD"]).ok();
    world.os_in(&ben, ["sync"]).ok();
    world.os_in(&ann, ["sync"]).ok();
    for side in [&ann, &ben, &world.origin()] {
        assert_eq!(titles(&world, side, &of_ann), ["do a1".to_owned()].into());
        assert_eq!(titles(&world, side, &of_ben), ["do b1".to_owned()].into());
    }
    assert_eq!(world.os_in(&ann, ["sync"]).ok(), "origin: in sync\n");
}

#[test]
fn a_host_that_takes_only_branches_keeps_the_notes_among_them() {
    let world = noting();
    for hidden in ["refs/notes", "refs/opensession"] {
        world.git(world.origin(), ["config", "--add", "receive.hideRefs", hidden]).ok();
    }
    let ben = world.clone_to("ben");
    for clone in [&world.repo(), &ben] {
        world.git(clone, ["config", "opensession.namespace", "refs/heads/opensession/branches"]).ok();
    }
    let commit = work_in(&world, world.repo(), "one");
    world.push().ok();
    assert_eq!(world.refs(world.origin(), "refs/heads/opensession/notes").len(), 1);
    world.os_in(&ben, ["fetch"]).ok();
    assert_eq!(titles(&world, &ben, &commit), ["do one".to_owned()].into());
}
