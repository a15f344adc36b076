use super::sealed::World;
use rustix::process::{Pid, test_kill_process};

use super::*;

/// A world whose `git` is this script.
fn fake(script: &str) -> (World, GitProgram) {
    let world = World::new();
    let path = world.script("git", format!("#!/bin/sh\n{script}\n"));
    let program = world.program(world.path("")).named(path);
    (world, program)
}

fn with(more: &[(&str, &str)]) -> (World, GitProgram) {
    let mut world = World::new();
    for (name, value) in more {
        world.environment.variables.insert(name.into(), value.into());
    }
    let program = world.program(world.path(""));
    (world, program)
}

fn soon(millis: u64) -> Instant {
    Instant::now() + Duration::from_millis(millis)
}

#[test]
fn output_and_exit_code_come_back() {
    let (_world, git) = fake("cat; echo oops >&2; exit 3");
    let done = git.command(["x"]).stdin(b"in\n".to_vec()).run().unwrap();
    assert_eq!(
        (done.ending, done.stdout.as_slice(), done.stderr.as_str()),
        (Ending::Exited(3), &b"in\n"[..], "oops\n")
    );
    assert!(!done.truncated && !done.succeeded());
}

#[test]
fn without_input_standard_input_is_empty() {
    let (_world, git) = fake("cat; echo end");
    let done = git.command(["x"]).run().unwrap();
    assert_eq!(done.stdout, b"end\n");
}

#[test]
fn a_program_that_ignores_a_large_input_and_writes_a_large_output_does_not_stall() {
    let (_world, git) = fake("head -c 3000000 /dev/zero");
    let done = git.command(["x"]).stdin(vec![b'x'; 1 << 20]).limit(1 << 20).run().unwrap();
    assert_eq!((done.stdout.len(), done.truncated, done.ending), (1 << 20, true, Ending::Exited(0)));
}

#[test]
fn output_can_be_streamed() {
    let mut seen = 0;
    let (_world, git) = fake("head -c 3000000 /dev/zero");
    let done = git.command(["x"]).stream(&mut |b| seen += b.len()).unwrap();
    assert_eq!((seen, done.stdout.len()), (3_000_000, 0));
}

#[test]
fn the_deadline_ends_the_whole_group_even_if_it_ignores_the_polite_signal() {
    let (world, git) = fake("trap '' TERM\nsh -c 'trap \"\" TERM; echo $$ > child; sleep 60' & echo begun; wait");
    let start = Instant::now();
    let done = git.command(["x"]).deadline(Some(soon(400))).run().unwrap();
    assert_eq!((done.ending, done.stdout.as_slice()), (Ending::TimedOut, &b"begun\n"[..]));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let child = std::fs::read_to_string(world.path("child")).unwrap();
    let child = Pid::from_raw(child.trim().parse().unwrap()).unwrap();
    // Gone, or a zombie that nobody has reaped yet.
    let gone = (0..200).any(|_| {
        thread::sleep(Duration::from_millis(5));
        let state = std::fs::read_to_string(format!("/proc/{}/stat", child.as_raw_nonzero()));
        test_kill_process(child).is_err() || state.is_ok_and(|state| state.contains(") Z "))
    });
    assert!(gone, "the grandchild lives on");
}

#[test]
fn a_helper_that_stays_behind_with_the_pipes_is_not_waited_for() {
    let (_world, git) = fake("echo out; echo err >&2; sleep 5 & exit 0");
    let start = Instant::now();
    let done = git.command(["x"]).run().unwrap();
    assert_eq!(
        (done.ending, done.stdout.as_slice(), done.stderr.as_str()),
        (Ending::Exited(0), &b"out\n"[..], "err\n")
    );
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let error = with(&[]).1.named("/no/such/git").command(["x"]).run().unwrap_err();
    assert!(error.to_string().starts_with("cannot start /no/such/git: "), "{error}");
}

#[test]
fn a_signal_is_told_from_an_exit_code() {
    let (_world, git) = fake("kill -9 $$");
    let done = git.command(["x"]).run().unwrap();
    assert_eq!(done.ending, Ending::Signalled(9));
}

#[test]
fn standard_error_never_holds_credentials_or_controls_and_keeps_its_end() {
    let (_world, git) = fake(
        "head -c 100000 /dev/zero | tr '\\0' x >&2; printf '\\n\\033[31mfatal: https://u:t0ken@h/x said t0ken' >&2",
    );
    let done = git.command(["x"]).secrets(vec!["t0ken".to_owned()]).run().unwrap();
    assert!(done.stderr.ends_with("x\nfatal: https://h/x said ***"), "{}", &done.stderr[65000..]);
    assert!(done.stderr.len() <= STDERR_LIMIT);
}

#[test]
fn private_settings_come_behind_those_of_the_environment_and_not_into_the_arguments() {
    let (_world, git) = with(&[("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "a.b"), ("GIT_CONFIG_VALUE_0", "one")]);
    let done = git
        .command(["config", "--get-regexp", "^(a|url)[.]"])
        .private_setting("url.https://u:t=1@h/.insteadOf", "x://")
        .run()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout), "a.b one\nurl.https://u:t=1@h/.insteadof x://\n");
}

#[test]
fn what_the_users_command_says_of_itself_is_not_passed_on() {
    let (world, git) = with(&[
        ("GIT_PREFIX", "sub/"),
        ("GIT_INDEX_FILE", "index.lock"),
        ("GIT_TRACE", "1"),
        ("GIT_TRACE2_EVENT", "/tmp/trace"),
        ("GIT_DIR", "/r/.git"),
        ("GIT_CONFIG_PARAMETERS", "'a.b=c'"),
        ("LC_ALL", "de_DE.UTF-8"),
    ]);
    let git = git.named(world.script("git", "#!/bin/sh\nenv\n"));
    let done = git.command(["x"]).run().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    for kept in [
        "GIT_DIR=/r/.git",
        "GIT_CONFIG_PARAMETERS='a.b=c'",
        "GIT_TRACE2_EVENT=/tmp/trace",
        "LC_ALL=C",
        "OPENSESSION_INTERNAL=1",
        "GIT_TERMINAL_PROMPT=0",
    ] {
        assert!(said.lines().any(|line| line == kept), "{kept} in {said}");
    }
    for gone in ["GIT_PREFIX", "GIT_INDEX_FILE", "GIT_TRACE="] {
        assert!(!said.contains(gone), "{gone}");
    }
}

#[test]
fn versions_of_every_vendor_are_read() {
    for (said, version) in [
        ("git version 2.47.3", (2, 47, 3)),
        ("git version 2.39.3 (Apple Git-146)", (2, 39, 3)),
        ("git version 2.54.0.windows.1", (2, 54, 0)),
        ("git version 2.54.0-rc1", (2, 54, 0)),
        ("git version 3.0\n", (3, 0, 0)),
    ] {
        let (major, minor, patch) = version;
        assert_eq!(Version::parse(said), Some(Version { major, minor, patch }), "{said}");
    }
    assert_eq!(Version::parse("hub version 1"), None);
    assert!(Version::parse("git version 2.9.5").unwrap() < Version::OLDEST);
}

#[test]
fn only_plain_ssh_is_put_into_batch_mode() {
    let batch = |vars: &[(&str, &str)], config: &str| {
        let config = Config::from_listing(config.as_bytes()).unwrap();
        with(vars).1.batch_ssh_for_test(&config)
    };
    assert_eq!(batch(&[], "").as_deref(), Some("ssh -o BatchMode=yes"));
    assert_eq!(batch(&[("GIT_SSH_COMMAND", "ssh -i 'k y'")], "").as_deref(), Some("ssh -i 'k y' -o BatchMode=yes"));
    assert_eq!(batch(&[("GIT_SSH", "/opt/a b/ssh")], "").as_deref(), Some("'/opt/a b/ssh' -o BatchMode=yes"));
    let configured = "local\0core.sshcommand\nLANG=C /usr/bin/ssh -4\0";
    assert_eq!(batch(&[], configured).as_deref(), Some("LANG=C /usr/bin/ssh -4 -o BatchMode=yes"));
    assert_eq!(batch(&[("GIT_SSH_COMMAND", "ssh -6")], configured).as_deref(), Some("ssh -6 -o BatchMode=yes"));
    for other in ["plink -batch", "/x/wrapper.sh", "ssh -i k; true", "ssh # note", "sh -c 'ssh'"] {
        assert_eq!(batch(&[("GIT_SSH_COMMAND", other)], ""), None, "{other}");
    }
    assert_eq!(batch(&[("GIT_SSH_VARIANT", "putty")], ""), None);
}
