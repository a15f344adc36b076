mod joining;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::git::process::sealed::World;
use crate::git::process::{Prompts, ancestors};
use crate::git::remote::Network;
use crate::git::{BranchName, Config, DiffLimits, Identity, Oid, Repo, Signature, WalkLimits};
use crate::ledger::LedgerRef;

const MAIN: &str = "refs/opensession/branches/bWFpbg";
const TOPIC: &str = "refs/opensession/branches/dG9waWM";
const SEEN: &str = "refs/opensession/remotes/origin/branches/bWFpbg";

/// A repository `r` with a remote `origin` and a pushed `main`.
struct Scene {
    world: World,
    repository: PathBuf,
    origin: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let repository = world.repository("r");
        let origin = world.bare("origin.git");
        world.git(&repository, &format!("remote add origin {}", origin.display()));
        world.git(&repository, "push -q origin main");
        Self { world, repository, origin }
    }

    fn git(&self, args: &str) -> String {
        self.world.git(&self.repository, args)
    }

    fn repo(&self) -> Repo {
        Repo::open(&self.repository, &self.world.environment).unwrap()
    }

    fn config(&self) -> Config {
        self.repo().config(&self.world.environment).unwrap()
    }

    fn destination(&self) -> Destination {
        self.destination_at("origin", &self.origin)
    }

    fn destination_at(&self, name: &str, url: &Path) -> Destination {
        Destination::of_push(OsStr::new(name), url.as_os_str(), &self.config(), &self.repository)
    }

    fn plan(&self, updates: &[PushUpdate]) -> Plan {
        Plan::new(&self.repo(), &self.config(), &self.destination(), updates).unwrap()
    }

    fn run(&self, plan: &Plan) -> Report {
        self.run_until(plan, &self.destination(), None)
    }

    fn run_until(&self, plan: &Plan, to: &Destination, millis: Option<u64>) -> Report {
        self.fanout(to, millis, |fanout| fanout.run(plan))
    }

    fn fanout<T>(&self, to: &Destination, millis: Option<u64>, run: impl FnOnce(Fanout<'_>) -> T) -> T {
        let (repo, config) = (self.repo(), self.config());
        let git = self.world.program(&self.repository);
        let deadline = millis.map(|millis| Instant::now() + Duration::from_millis(millis));
        let network = Network { git: &git, config: &config, prompts: Prompts::Never, deadline };
        run(Fanout { repo: &repo, network, destination: to, signature: &signature(), asks_again: false })
    }

    /// Adds sessions to a ledger, each of them linked to a commit; the ledger's new tip.
    fn capture(&self, ledger: &str, sessions: &[(u32, &str)]) -> String {
        capture_in(&self.world, &self.repository, ledger, sessions)
    }

    fn head(&self) -> String {
        self.git("rev-parse HEAD")
    }

    fn tip_at(&self, repository: &Path, name: &str) -> Option<String> {
        let out = self.world.raw_git(repository, ["rev-parse", "--verify", "--quiet", name]);
        out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
    }

    /// What git would tell the hook about a push of `main` to `target`.
    fn update(&self, target: &str) -> PushUpdate {
        let zero = "0".repeat(40);
        let line = format!("refs/heads/main {} {target} {zero}\n", self.head());
        PushUpdate::read_all(line.as_bytes()).unwrap().remove(0)
    }
}

fn signature() -> Signature {
    Signature { identity: Identity::new("A", "a@x"), time: 1_700_000_000, offset: 0 }
}

fn capture_in(world: &World, repository: &Path, ledger: &str, sessions: &[(u32, &str)]) -> String {
    let mut stream = vec![format!("commit {ledger}\ncommitter A <a@example.com> 1700000000 +0000\ndata 1\nx\n")];
    let old = world.raw_git(repository, ["rev-parse", "--verify", "--quiet", ledger]);
    if old.status.success() {
        stream.push(format!("from {ledger}^0\n"));
    }
    for (number, commit) in sessions {
        let sid = format!("{number:032x}");
        let (head, rest) = commit.split_at(2);
        let meta = format!("v2/s/2026/01/02/{sid}/m.1.5-0011223{}.json", number % 10);
        let link = format!("v2/c/2026-01/{head}/{rest}/20260102-{sid}");
        stream.extend([meta, link].map(|path| format!("M 100644 inline {path}\ndata 2\n{{}}\n")));
    }
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(repository)
        .env_clear()
        .envs(&world.environment.variables)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    import.stdin.take().unwrap().write_all(stream.concat().as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    world.git(repository, &format!("rev-parse {ledger}"))
}

#[test]
fn a_ledger_of_the_pushed_branch_goes_along_and_the_next_push_needs_no_network() {
    let scene = Scene::new();
    let head = scene.head();
    let tip = scene.capture(MAIN, &[(1, &head), (2, &head)]);
    let plan = scene.plan(&[scene.update("refs/heads/main")]);
    assert_eq!(plan.pushes.len(), 1);
    let report = scene.run(&plan);
    assert_eq!(report.summary().as_deref(), Some("2 sessions (1 commit) -> origin"));
    assert_eq!(report.failures().count(), 0);
    assert_eq!(scene.tip_at(&scene.origin, MAIN), Some(tip.clone()));
    assert_eq!(scene.tip_at(&scene.repository, SEEN), Some(tip));
    assert!(scene.plan(&[scene.update("refs/heads/main")]).is_empty());
    // Only what is new is counted.
    scene.capture(MAIN, &[(3, &head)]);
    let report = scene.run(&scene.plan(&[scene.update("refs/heads/main")]));
    assert_eq!(report.summary().as_deref(), Some("1 session (1 commit) -> origin"));
}

#[test]
fn an_empty_plan_starts_no_process() {
    let scene = Scene::new();
    let (repo, config) = (scene.repo(), scene.config());
    let git = scene.world.program(&scene.repository).named("/no/such/git");
    let network = Network { git: &git, config: &config, prompts: Prompts::Never, deadline: None };
    let (destination, signature) = (&scene.destination(), &signature());
    let report = Fanout { repo: &repo, network, destination, signature, asks_again: false }.run(&Plan::default());
    assert_eq!((report.summary(), report.ledgers.len()), (None, 0));
}

#[test]
fn the_ledger_of_a_branch_that_is_not_published_is_held_back() {
    let scene = Scene::new();
    let main = scene.update("refs/heads/main");
    scene.git("checkout -q -b topic");
    let secret = scene.world.commit(&scene.repository, "secret");
    scene.capture(TOPIC, &[(1, &secret)]);
    let plan = scene.plan(&[main]);
    assert!(plan.is_empty());
    assert_eq!(plan.held.iter().map(ToString::to_string).collect::<Vec<_>>(), [TOPIC]);
    assert_eq!(scene.plan(&[scene.update("refs/heads/topic")]).pushes.len(), 1);
}

#[test]
fn what_an_earlier_push_left_behind_goes_with_the_next_one_once_the_branch_is_there() {
    let scene = Scene::new();
    scene.capture(MAIN, &[(1, &scene.head())]);
    assert_eq!(scene.plan(&[]).pushes.len(), 1, "the remote has main already");
    scene.world.commit(&scene.repository, "not-pushed-yet");
    assert!(scene.plan(&[]).is_empty(), "main is ahead of the remote");
    scene.git("reset -q --hard origin/main");
    scene.git("checkout -q -b follower --track origin/main");
    assert_eq!(scene.plan(&[]).pushes.len(), 1);
    scene.world.commit(&scene.repository, "on-a-branch-that-follows-main");
    assert!(scene.plan(&[]).is_empty(), "its sessions are in the ledger of main, too");
}

#[test]
fn a_head_pushed_to_another_name_takes_the_ledger_of_that_name() {
    let scene = Scene::new();
    scene.capture(TOPIC, &[(1, &scene.head())]);
    let plan = scene.plan(&[scene.update("refs/heads/topic")]);
    assert_eq!(plan.pushes[0].commits, [scene.head().parse::<Oid>().unwrap()]);
    assert_eq!(plan.pushes[0].ledger, LedgerRef::local(&BranchName::new("topic").unwrap()));
}

#[test]
fn a_delete_or_an_older_tag_takes_no_ledger_of_unpublished_commits_along() {
    let scene = Scene::new();
    let old = scene.head();
    scene.world.commit(&scene.repository, "ahead");
    scene.capture(MAIN, &[(1, &scene.head())]);
    let zero = "0".repeat(40);
    let lines = format!("(delete) {zero} refs/heads/x {old}\nrefs/tags/v0 {old} refs/tags/v0 {zero}\n");
    assert!(scene.plan(&PushUpdate::read_all(lines.as_bytes()).unwrap()).is_empty());
}

#[test]
fn a_tag_that_publishes_all_commits_of_a_branch_takes_its_ledger_along() {
    let scene = Scene::new();
    scene.world.commit(&scene.repository, "ahead");
    scene.capture(MAIN, &[(1, &scene.head())]);
    assert_eq!(scene.plan(&[scene.update("refs/tags/v1")]).pushes.len(), 1);
}

#[test]
fn the_ledger_of_a_detached_head_goes_with_its_commit() {
    let scene = Scene::new();
    scene.git("checkout -q --detach");
    let head = scene.world.commit(&scene.repository, "detached");
    let ledger = LedgerRef::local(&BranchName::new(format!("detached@{}", &head[..8])).unwrap());
    scene.capture(&ledger.to_string(), &[(1, &head)]);
    assert!(scene.plan(&[]).is_empty());
    assert_eq!(scene.plan(&[scene.update("refs/tags/v1")]).pushes.len(), 1);
}

#[test]
fn a_ref_that_the_users_own_push_moves_is_left_to_it() {
    let scene = Scene::new();
    scene.capture(MAIN, &[(1, &scene.head())]);
    assert!(scene.plan(&[scene.update("refs/heads/main"), scene.update(MAIN)]).pushes.is_empty());
}

#[test]
fn several_ledgers_go_in_one_push() {
    let scene = Scene::new();
    let head = scene.head();
    scene.capture(MAIN, &[(1, &head)]);
    scene.capture(TOPIC, &[(1, &head), (2, &head)]);
    let wrapper = scene.world.script("receive", "#!/bin/sh\necho x >> receives\nexec git-receive-pack \"$@\"\n");
    scene.git(&format!("config remote.origin.receivepack {}", wrapper.display()));
    let report = scene.run(&scene.plan(&[scene.update("refs/heads/main"), scene.update("refs/heads/topic")]));
    assert_eq!(report.summary().as_deref(), Some("2 sessions (1 commit) -> origin"), "{report:?}");
    assert_eq!(fs::read_to_string(scene.repository.join("receives")).unwrap(), "x\n");
}

#[test]
fn a_remote_that_refuses_hidden_refs_is_asked_once_and_quoted() {
    let scene = Scene::new();
    scene.world.git(&scene.origin, "config receive.hideRefs refs/opensession");
    scene.capture(MAIN, &[(1, &scene.head())]);
    let report = scene.run(&scene.plan(&[scene.update("refs/heads/main")]));
    assert_eq!(report.summary(), None);
    let failures: Vec<_> = report.failures().map(|failure| failure.to_string()).collect();
    let head = &scene.head()[..12];
    let told = format!("sessions of main (commit {head}, {MAIN}) wait: origin says: deny updating a hidden ref");
    assert_eq!(failures, [told]);
    assert!(!report.is_network_failure());
    assert_eq!(scene.tip_at(&scene.repository, SEEN), None);
}

#[test]
fn a_remote_that_has_more_than_we_have_has_ours_too() {
    let scene = Scene::new();
    let tip = scene.capture(MAIN, &[(1, &scene.head())]);
    scene.capture(MAIN, &[(1, &"1".repeat(40))]);
    scene.git(&format!("push -q origin {MAIN}:{MAIN}"));
    scene.git(&format!("update-ref {MAIN} {tip}"));
    let report = scene.run(&scene.plan(&[scene.update("refs/heads/main")]));
    assert_eq!(report.ledgers[0].outcome, LedgerOutcome::AlreadyThere, "{report:?}");
    assert_eq!(report.failures().count(), 0);
    assert!(scene.plan(&[scene.update("refs/heads/main")]).is_empty(), "and it is known now");
}

#[test]
fn a_race_that_is_lost_once_is_won_the_next_time() {
    let scene = Scene::new();
    scene.capture(MAIN, &[(1, &scene.head())]);
    let lock = scene.origin.join(format!("{MAIN}.lock"));
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    fs::write(&lock, "").unwrap();
    // The second push finds the lock gone.
    scene.world.script(
        scene.origin.join("hooks/pre-receive"),
        format!("#!/bin/sh\ncat >/dev/null\n[ -e seen ] && rm -f {MAIN}.lock\ntouch seen\n"),
    );
    let report = scene.run(&scene.plan(&[scene.update("refs/heads/main")]));
    assert_eq!(report.summary().as_deref(), Some("1 session (1 commit) -> origin"), "{report:?}");
}

#[test]
fn a_remote_that_hangs_costs_the_deadline_and_no_more() {
    let mut scene = Scene::new();
    scene.capture(MAIN, &[(1, &scene.head())]);
    let ssh = scene.world.script("ssh", "#!/bin/sh\nsleep 60\n");
    scene.world.environment.variables.insert("GIT_SSH_COMMAND".into(), ssh.into());
    let to = scene.destination_at("git@h.invalid:x", Path::new("git@h.invalid:x"));
    let plan = Plan::new(&scene.repo(), &scene.config(), &to, &[scene.update("refs/heads/main")]).unwrap();
    let start = Instant::now();
    let report = scene.run_until(&plan, &to, Some(500));
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert!(report.is_network_failure(), "{report:?}");
    assert!(report.failures().next().unwrap().to_string().ends_with("git@h.invalid:x did not answer in time"));
}

#[test]
fn a_remote_that_is_gone_is_a_failure_of_the_network() {
    let scene = Scene::new();
    scene.capture(MAIN, &[(1, &scene.head())]);
    fs::rename(&scene.origin, scene.world.path("elsewhere")).unwrap();
    let report = scene.run(&scene.plan(&[scene.update("refs/heads/main")]));
    assert!(report.is_network_failure(), "{report:?}");
    assert_eq!(report.summary(), None);
}

#[test]
fn a_push_by_address_and_a_second_address_have_a_memory_of_their_own() {
    let scene = Scene::new();
    scene.capture(MAIN, &[(1, &scene.head())]);
    let updates = [scene.update("refs/heads/main")];
    scene.run(&scene.plan(&updates));
    let second = scene.world.bare("second.git");
    let to = scene.destination_at(second.to_str().unwrap(), &second);
    let plan = Plan::new(&scene.repo(), &scene.config(), &to, &updates).unwrap();
    assert_eq!(plan.pushes.len(), 1, "what origin has says nothing about another repository");
    let report = scene.run_until(&plan, &to, None);
    assert_eq!(report.summary(), Some(format!("1 session (1 commit) -> {}", second.display())));
    assert!(Plan::new(&scene.repo(), &scene.config(), &to, &updates).unwrap().is_empty());
}

#[test]
fn a_hook_called_by_our_own_git_knows_it() {
    let world = World::new();
    assert!(!is_internal(&world.environment));
    let inner = world.program(world.path("")).named("env").command(["-u", "none"]).run().unwrap();
    let mark = String::from_utf8_lossy(&inner.stdout).into_owned();
    let mark = mark.lines().find_map(|line| line.strip_prefix("OPENSESSION_INTERNAL=")).unwrap();
    let mut environment = world.environment.clone();
    environment.variables.insert("OPENSESSION_INTERNAL".into(), mark.into());
    assert!(is_internal(&environment));
}

#[test]
fn a_dry_run_can_be_seen_from_inside_of_the_hook() {
    let scene = Scene::new();
    let shown = scene.world.path("shown");
    // As ancestors() does it, but from the hook itself.
    let script = format!(
        "#!/bin/sh\np=$PPID\nwhile [ \"$p\" -gt 1 ]; do tr '\\0' '\\t' < /proc/$p/cmdline; echo; \
         p=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$p/status); done > '{}'\n",
        shown.display()
    );
    scene.world.script(scene.repository.join(".git/hooks/pre-push"), script);
    scene.world.raw_git(&scene.repository, ["config", "alias.publish", "push -fn"]);
    let seen = |args: &str| {
        scene.git(args);
        let lines = fs::read_to_string(&shown).unwrap();
        let lines = lines.lines().map(|line| line.trim_end_matches('\t').split('\t').map(Into::into).collect());
        DryRun::of(&lines.collect::<Vec<_>>())
    };
    assert_eq!(seen("push --dry-run origin HEAD:new"), DryRun::Yes);
    assert_eq!(seen("publish origin HEAD:new"), DryRun::Yes);
    assert_eq!(seen("push origin HEAD:new"), DryRun::No);
    let own = ancestors(&scene.world.program(&scene.repository));
    assert!(!own.is_empty());
}

/// A scanner that knows one secret, and a key of several lines.
fn scanner(text: &str) -> Vec<Suspect> {
    let find = |needle: &str, rule| {
        text.match_indices(needle).map(move |(at, _)| Suspect { rule, range: at..at + 1 }).collect()
    };
    let mut all: Vec<Suspect> = find("S3CRET", "one-secret");
    all.extend::<Vec<Suspect>>(find("BEGIN\nbody\nEND", "a-key"));
    all
}

fn scan(scene: &Scene, updates: &[PushUpdate]) -> SecretFindings {
    let limits = WalkLimits::commits(100);
    scan_push(&scene.repo(), updates, Some("origin"), limits, DiffLimits::default(), &scanner).unwrap()
}

fn write_and_commit(scene: &Scene, name: &str, text: &str) -> String {
    fs::write(scene.repository.join(name), text).unwrap();
    scene.git("add -A");
    scene.world.commit(&scene.repository, "change")
}

#[test]
fn secrets_that_the_pushed_commits_add_are_named_by_file_line_and_rule_only() {
    let scene = Scene::new();
    write_and_commit(&scene, "a\u{1b}[31m.txt", "x\nkey = S3CRET\nBEGIN\nbody\nEND\n");
    let found = scan(&scene, &[scene.update("refs/heads/new")]);
    let lines: Vec<_> = found.findings.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["a.txt:2: one-secret", "a.txt:3: a-key"], "on a branch that is new over there, too");
    assert!(!format!("{found:?}").contains("S3CRET") && !found.truncated);
}

#[test]
fn a_secret_that_was_pushed_before_or_is_only_removed_is_not_named() {
    let scene = Scene::new();
    write_and_commit(&scene, "a.txt", "S3CRET\n");
    scene.git("push -q origin main");
    assert_eq!(scan(&scene, &[scene.update("refs/heads/new")]), SecretFindings::default());
    let old = scene.head();
    write_and_commit(&scene, "a.txt", "gone\n");
    let line = format!("refs/heads/main {} refs/heads/main {old}\n", scene.head());
    let update = PushUpdate::read_all(line.as_bytes()).unwrap();
    assert_eq!(scan(&scene, &update), SecretFindings::default());
}

#[test]
fn a_secret_in_the_history_counts_even_if_a_later_commit_takes_it_out() {
    let scene = Scene::new();
    let guilty = write_and_commit(&scene, "a.txt", "S3CRET\n");
    write_and_commit(&scene, "a.txt", "gone\n");
    let found = scan(&scene, &[scene.update("refs/heads/main")]);
    assert_eq!(found.findings.iter().map(|finding| finding.commit.to_string()).collect::<Vec<_>>(), [guilty]);
}

#[test]
fn a_tag_of_a_blob_and_a_delete_have_nothing_to_scan() {
    let scene = Scene::new();
    let blob = scene.git("rev-parse HEAD^{tree}");
    let zero = "0".repeat(40);
    let lines = format!("refs/tags/t {blob} refs/tags/t {zero}\n(delete) {zero} refs/heads/x {}\n", scene.head());
    let updates = PushUpdate::read_all(lines.as_bytes()).unwrap();
    assert_eq!(scan(&scene, &updates), SecretFindings::default());
}
