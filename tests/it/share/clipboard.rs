//! `--copy`: the address in the clipboard, by whatever program is there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

#[test]
fn the_first_program_that_can_takes_the_address() {
    let mut world = World::new();
    let local = registered(&world, "s1");
    let (bin, taken) = (world.path("bin"), world.path("taken"));
    let tools = std::env::var("PATH").expect("there is a PATH");
    world.program(bin.join("wl-copy"), "#!/bin/sh\necho 'no display' >&2\nexit 1\n");
    world.program(bin.join("xclip"), format!("#!/bin/sh\ncat > '{}'\necho \"$@\" > '{0}.words'\n", taken.display()));
    world.set("PATH", &format!("{}:{tools}", bin.display()));
    let answer = world.os(["share", &local, "--git", "--remote", "origin", "--copy"]);
    assert!(answer.err.contains("the address is in the clipboard (xclip)"), "{answer:?}");
    let (address, rest) = lines(answer);
    assert_eq!((fs::read_to_string(&taken).expect("it was taken"), rest.len()), (address.clone(), 1), "nothing but it");
    assert_eq!(fs::read_to_string(world.path("taken.words")).expect("words"), "-selection clipboard -in\n");
    let told = world.os(["share", &local, "--git", "--remote", "origin", "--push", "--copy", "--json"]).json();
    assert_eq!((&told["copied"], &told["uri"]), (&"xclip".into(), &address.into()));
}

#[test]
fn a_program_that_stays_in_the_background_holds_nobody_up() {
    let mut world = World::new();
    let local = registered(&world, "s1");
    let tools = std::env::var("PATH").expect("there is a PATH");
    // As xclip does: it owns the selection until somebody else takes it, with the outputs it got.
    world.program(world.path("bin/wl-copy"), "#!/bin/sh\ncat >/dev/null\nsleep 60 &\nexit 0\n");
    world.set("PATH", &format!("{}:{tools}", world.path("bin").display()));
    let started = std::time::Instant::now();
    world.os(["share", &local, "--git", "--remote", "origin", "--copy"]).ok();
    assert!(started.elapsed() < std::time::Duration::from_secs(30));
}

#[test]
fn where_nobody_takes_it_that_is_said_and_the_terminal_is_asked_where_there_is_one() {
    let mut world = World::new();
    let local = registered(&world, "s1");
    // A machine of which is known that it has none of them.
    for program in ["git", "sh", "script", "cat", "env"] {
        let found = world.run("sh", world.root(), ["-c", &format!("command -v {program}")]).out;
        if !found.is_empty() {
            fs::create_dir_all(world.path("bin")).expect("a folder");
            std::os::unix::fs::symlink(found.trim_end(), world.path("bin").join(program)).expect("a link");
        }
    }
    world.set("PATH", &world.path("bin").display().to_string());
    let words = ["share", &local, "--git", "--remote", "origin", "--copy"];
    let answer = world.os(words).code(3);
    assert!(answer.err.contains("not in the clipboard") && answer.err.contains("xclip, xsel, pbcopy"), "{answer:?}");
    let address = answer.out.lines().next().expect("it is printed all the same").to_owned();
    if !world.path("bin/script").exists() {
        return;
    }
    let line =
        format!("script -qec \"{} {}\" /dev/null </dev/null", env!("CARGO_BIN_EXE_git-opensession"), words.join(" "));
    let said = world.run(world.path("bin/sh"), world.repo(), ["-c", &line]).out;
    let order = format!("\u{1b}]52;c;{}\u{7}", STANDARD.encode(&address));
    assert!(said.contains(&order) && said.contains("the terminal was asked"), "{said:?}");
}
