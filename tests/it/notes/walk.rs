//! Random walks of two clones, with a model that knows what must be there.

use std::collections::BTreeMap;

use super::*;

/// A small generator of numbers: the same walk for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn walk(seed: u64, steps: usize) {
    let world = noting();
    let clones = [clone_on(&world, "ann"), clone_on(&world, "ben")];
    let mut dice = Dice(seed);
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    let mut done = Vec::new();
    for step in 0..steps {
        let who = usize::try_from(dice.roll(2)).expect("a small number");
        let clone = &clones[who];
        let what = dice.roll(8);
        done.push((who, what));
        match what {
            0 | 1 => {
                let session = format!("s{seed}x{step}");
                told.insert(work_in(&world, clone, &session), format!("do {session}"));
            }
            2 => drop(world.os_in(clone, ["capture"]).ok()),
            3 => drop(push_from(&world, clone).ok()),
            4 => drop(world.os_in(clone, ["fetch"]).ok()),
            5 => drop(world.os_in(clone, ["push"]).ok()),
            6 => drop(world.os_in(clone, ["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]).ok()),
            _ => notes_mode(&world, clone),
        }
    }
    for clone in clones.iter().chain(&clones) {
        notes_mode(&world, clone);
        push_from(&world, clone).ok();
        world.os_in(clone, ["push"]).ok();
        world.os_in(clone, ["fetch"]).ok();
    }
    for side in clones.iter().chain([&world.origin()]) {
        for (commit, title) in &told {
            assert_eq!(titles(&world, side, commit), [title.clone()].into(), "{done:?} in {}", side.display());
        }
        let listed = world.git(side, ["notes", "--ref=opensession", "list"]).ok();
        let noted = listed.lines().count();
        assert!(noted >= told.len(), "{listed}");
    }
}

#[test]
fn any_order_of_capture_push_fetch_and_mode_switch_loses_nothing() {
    for seed in 1..=3 {
        walk(seed, 16);
    }
}
