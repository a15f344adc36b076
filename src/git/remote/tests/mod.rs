mod fetch;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::*;
use crate::git::process::sealed::World;
use crate::git::{OwnRef, Repo};

/// A repository `r` and a bare `origin`, its remote.
struct Scene {
    world: World,
    repository: PathBuf,
    origin: PathBuf,
}

const LEDGER: &str = "refs/opensession/branches/bWFpbg";
const TRACKING: &str = "refs/opensession/remotes/origin/branches/";

/// All ledgers, or one of them, into [`TRACKING`].
fn wanted(which: &str) -> Vec<Mapping> {
    vec![Mapping::new(format!("refs/opensession/branches/{which}"), format!("{TRACKING}{which}")).unwrap()]
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let repository = world.repository("r");
        let origin = world.bare("origin.git");
        world.git(&repository, &format!("remote add origin {}", origin.display()));
        Self { world, repository, origin }
    }

    fn repo(&self) -> Repo {
        Repo::open(&self.repository, &self.world.environment).unwrap()
    }

    fn config(&self) -> Config {
        self.repo().config(&self.world.environment).unwrap()
    }

    /// Does something with the network of the repository.
    fn network<T>(&self, millis: Option<u64>, run: impl FnOnce(&Network<'_>) -> T) -> T {
        let git = self.world.program(&self.repository);
        let config = self.config();
        let deadline = millis.map(|millis| Instant::now() + Duration::from_millis(millis));
        run(&Network { git: &git, config: &config, prompts: Prompts::Never, deadline })
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::new(RemoteUrl::new(&self.origin), Some("origin"), &self.config())
    }

    fn push_to(&self, endpoint: &Endpoint, refs: &[RefPush]) -> Result<PushReport, RemoteError> {
        self.network(None, |network| network.push(endpoint, refs, Atomic::No))
    }

    fn push(&self, refs: &[RefPush]) -> PushReport {
        self.push_to(&self.endpoint(), refs).unwrap()
    }

    /// A commit without parents, or with one.
    fn commit(&self, message: &str, parent: Option<&str>) -> String {
        let tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        self.world.git(&self.repository, "hash-object -t tree -w /dev/null");
        let parent = parent.map(|parent| format!(" -p {parent}")).unwrap_or_default();
        self.world.git(&self.repository, &format!("commit-tree {tree} -m {message}{parent}"))
    }

    fn refs(&self, repository: &Path) -> Vec<String> {
        self.world.git(repository, "for-each-ref --format=%(refname)").lines().map(str::to_owned).collect()
    }
}

fn name(text: &str) -> OwnRef {
    OwnRef::new(RefName::new(text).unwrap()).unwrap()
}

fn to(source: &str, target: &str) -> RefPush {
    RefPush { source: Some(source.parse().unwrap()), target: name(target), lease: Lease::FastForward }
}

fn only(report: &PushReport) -> &RefOutcome {
    assert_eq!(report.refs.len(), 1);
    &report.refs[0].1
}

fn rejected(report: &PushReport) -> (RejectionKind, &str) {
    match only(report) {
        RefOutcome::Rejected(rejection) => (rejection.kind, &rejection.reason),
        RefOutcome::Pushed(change) => panic!("{change:?}"),
    }
}

#[test]
fn a_ref_is_new_then_moves_on_then_is_there_already_then_goes() {
    let scene = Scene::new();
    let one = scene.commit("one", None);
    let two = scene.commit("two", Some(&one));
    assert_eq!(only(&scene.push(&[to(&one, LEDGER)])), &RefOutcome::Pushed(Change::New));
    assert_eq!(only(&scene.push(&[to(&two, LEDGER)])), &RefOutcome::Pushed(Change::FastForward));
    assert_eq!(only(&scene.push(&[to(&two, LEDGER)])), &RefOutcome::Pushed(Change::UpToDate));
    let delete = RefPush { source: None, ..to(&two, LEDGER) };
    assert_eq!(only(&scene.push(&[delete])), &RefOutcome::Pushed(Change::Deleted));
    assert_eq!(scene.refs(&scene.origin), [""; 0]);
}

#[test]
fn several_refs_have_their_own_outcomes() {
    let scene = Scene::new();
    let one = scene.commit("one", None);
    let other = scene.commit("other", None);
    scene.push(&[to(&one, LEDGER)]);
    let second = "refs/opensession/branches/eA";
    let report = scene.push(&[to(&other, LEDGER), to(&other, second)]);
    assert!(matches!(&report.refs[0].1, RefOutcome::Rejected(r) if r.kind == RejectionKind::NonFastForward));
    assert_eq!(report.refs[1], (name(second), RefOutcome::Pushed(Change::New)));
    assert_eq!(report.rejected().count(), 1);
}

#[test]
fn what_the_remote_has_and_we_do_not_is_to_be_fetched_first() {
    let scene = Scene::new();
    let other = scene.world.repository("other");
    scene.world.git(&other, &format!("push -q {} HEAD:{LEDGER}", scene.origin.display()));
    scene.world.commit(&other, "more");
    scene.world.git(&other, &format!("push -q {} HEAD:{LEDGER}", scene.origin.display()));
    let report = scene.push(&[to(&scene.commit("mine", None), LEDGER)]);
    assert_eq!(rejected(&report), (RejectionKind::FetchFirst, "fetch first"));
}

#[test]
fn a_lease_holds_only_for_the_value_that_was_seen() {
    let scene = Scene::new();
    let (one, other, third) = (scene.commit("one", None), scene.commit("other", None), scene.commit("third", None));
    let push = |source: &str, lease| scene.push(&[RefPush { lease, ..to(source, LEDGER) }]);
    assert_eq!(only(&push(&one, Lease::Absent)), &RefOutcome::Pushed(Change::New));
    assert_eq!(rejected(&push(&other, Lease::Absent)).0, RejectionKind::StaleLease);
    assert_eq!(rejected(&push(&other, Lease::At(third.parse().unwrap()))).0, RejectionKind::StaleLease);
    assert_eq!(only(&push(&other, Lease::At(one.parse().unwrap()))), &RefOutcome::Pushed(Change::Forced));
}

#[test]
fn a_hidden_namespace_is_a_refusal_with_its_reason() {
    let scene = Scene::new();
    scene.world.git(&scene.origin, "config receive.hideRefs refs/opensession");
    let report = scene.push(&[to(&scene.commit("one", None), LEDGER)]);
    assert_eq!(rejected(&report), (RejectionKind::Refused, "deny updating a hidden ref"));
    assert!(!RejectionKind::Refused.is_retryable());
}

#[test]
fn a_remote_hooks_no_is_quoted_without_controls_and_credentials() {
    let scene = Scene::new();
    scene.world.script(
        scene.origin.join("hooks/pre-receive"),
        "#!/bin/sh\nprintf '=====\\n\\033[31mno hidden refs\\033[0m see https://u:secret@h/x?token=y\\n' >&2\nexit 1\n",
    );
    let report = scene.push(&[to(&scene.commit("one", None), LEDGER)]);
    assert_eq!(rejected(&report), (RejectionKind::Refused, "pre-receive hook declined"));
    assert_eq!(report.remote_says, ["no hidden refs see https://h/x"]);
}

#[test]
fn a_locked_ref_over_there_is_a_lost_race() {
    let scene = Scene::new();
    let lock = scene.origin.join(format!("{LEDGER}.lock"));
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    fs::write(&lock, "").unwrap();
    let report = scene.push(&[to(&scene.commit("one", None), LEDGER)]);
    assert_eq!(rejected(&report).0, RejectionKind::LockFailure);
}

#[test]
fn nothing_of_the_users_push_settings_goes_along() {
    let scene = Scene::new();
    let one = scene.commit("one", None);
    let git = |args: &str| scene.world.git(&scene.repository, args);
    git(&format!("tag -a -m note ledger-tag {one}"));
    for setting in [
        "remote.origin.mirror true",
        "remote.origin.push refs/heads/*:refs/heads/*",
        "remote.origin.prune true",
        "push.followTags true",
        "push.pushOption merge_request.create",
        "push.recurseSubmodules only",
        "push.gpgSign true",
        "push.useForceIfIncludes true",
    ] {
        git(&format!("config {setting}"));
    }
    scene.world.script(scene.repository.join(".git/hooks/pre-push"), "#!/bin/sh\nexit 1\n");
    assert_eq!(only(&scene.push(&[to(&one, LEDGER)])), &RefOutcome::Pushed(Change::New));
    assert_eq!(scene.refs(&scene.origin), [LEDGER]);
}

#[test]
fn of_two_push_addresses_only_the_one_meant_gets_it() {
    let scene = Scene::new();
    let second = scene.world.bare("second.git");
    for url in [&scene.origin, &second] {
        scene.world.git(&scene.repository, &format!("remote set-url --add --push origin {}", url.display()));
    }
    let endpoint = Endpoint::new(RemoteUrl::new(&second), Some("origin"), &scene.config());
    scene.push_to(&endpoint, &[to(&scene.commit("one", None), LEDGER)]).unwrap();
    assert_eq!((scene.refs(&second), scene.refs(&scene.origin)), (vec![LEDGER.to_owned()], vec![]));
}

#[test]
fn an_address_that_git_has_rewritten_is_not_rewritten_again() {
    let scene = Scene::new();
    let trap = scene.world.bare("trap.git");
    let (origin, trap) = (scene.origin.display(), trap.display());
    for key in ["insteadOf", "pushInsteadOf"] {
        scene.world.git(&scene.repository, &format!("config url.{trap}.{key} {origin}"));
    }
    let short = scene.world.path("").join("origin");
    scene.world.git(&scene.repository, &format!("config url.{trap}x.insteadOf {}", short.display()));
    scene.push(&[to(&scene.commit("one", None), LEDGER)]);
    assert_eq!(scene.refs(&scene.origin), [LEDGER]);
}

#[test]
fn branch_names_and_paths_that_look_like_options_are_none() {
    let scene = Scene::new();
    let odd = scene.world.path("-odd dir");
    fs::rename(scene.world.bare("odd"), &odd).unwrap();
    let endpoint = Endpoint::new(RemoteUrl::new("../-odd dir"), None, &scene.config());
    let target = "refs/opensession/branches/-x$(touch${IFS}pwn)";
    scene.push_to(&endpoint, &[to(&scene.commit("one", None), target)]).unwrap();
    assert_eq!(scene.refs(&odd), [target]);
}

#[test]
fn a_remote_that_is_gone_is_said_so() {
    let scene = Scene::new();
    let endpoint = Endpoint::new(RemoteUrl::new("/no/such/place"), None, &scene.config());
    let error = scene.push_to(&endpoint, &[to(&scene.commit("one", None), LEDGER)]).unwrap_err();
    assert!(matches!(error, RemoteError::NotFound { .. }) && error.is_network(), "{error}");
    let endpoint = Endpoint::new(RemoteUrl::new("http://127.0.0.1:1/x"), None, &scene.config());
    let error = scene.push_to(&endpoint, &[to(&scene.commit("one", None), LEDGER)]).unwrap_err();
    assert!(matches!(error, RemoteError::Unreachable { .. }), "{error}");
}

#[test]
fn a_remote_that_hangs_meets_the_deadline() {
    let mut scene = Scene::new();
    let ssh = scene.world.script("ssh", "#!/bin/sh\necho \"$@\" > ssh-was-here\nsleep 60\n");
    scene.world.environment.variables.insert("GIT_SSH_COMMAND".into(), format!("'{}'", ssh.display()).into());
    let endpoint = Endpoint::new(RemoteUrl::new("git@host.invalid:x"), None, &scene.config());
    let one = scene.commit("one", None);
    let start = Instant::now();
    let error =
        scene.network(Some(700), |network| network.push(&endpoint, &[to(&one, LEDGER)], Atomic::No)).unwrap_err();
    assert!(matches!(error, RemoteError::TimedOut { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
    let said = fs::read_to_string(scene.repository.join("ssh-was-here")).unwrap();
    assert!(said.starts_with("-o BatchMode=yes -o ConnectTimeout=1 "), "{said}");
}

/// The `Authorization` of a request, and the command lines seen while it waited.
type Request = (Option<String>, Vec<String>);

/// A web server for one client that knows one user. It says which `Authorization` headers came and all
/// command lines of this machine that were seen meanwhile and hold one of the words.
fn serve(words: &'static [&'static str]) -> (u16, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            loop {
                let mut authorization = None;
                let mut lines = 0;
                for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                    let Ok(line) = line else { break };
                    if line.is_empty() {
                        break;
                    }
                    lines += 1;
                    authorization = line.strip_prefix("Authorization: ").map(str::to_owned).or(authorization);
                }
                if lines == 0 {
                    break;
                }
                let answer = if authorization.is_some() { "403 Forbidden" } else { "401 Unauthorized" };
                if sender.send((authorization, command_lines_with(words))).is_err() {
                    return;
                }
                let head = "WWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n";
                let _ = write!(stream, "HTTP/1.1 {answer}\r\n{head}\r\n");
            }
        }
    });
    (port, receiver)
}

/// Command lines of git processes that hold one of the words.
fn command_lines_with(words: &[&str]) -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| words.iter().any(|word| line.contains(word))).collect()
}

#[test]
fn a_token_in_the_address_reaches_the_server_and_nobody_else() {
    let mut scene = Scene::new();
    // A store of the user's must not get what stood in the address only.
    let store = scene.world.path("store");
    scene.world.git(&scene.repository, &format!("config credential.helper store\\ --file={}", store.display()));
    scene.world.environment.variables.insert("no_proxy".into(), "*".into());
    let (port, seen) = serve(&["s3cr3t", "s3cr%33t"]);
    let url = format!("http://bot%40x:s3cr%33t@127.0.0.1:{port}/x.git");
    let endpoint = Endpoint::new(RemoteUrl::new(&url), None, &scene.config());
    let error = scene.push_to(&endpoint, &[to(&scene.commit("one", None), LEDGER)]).unwrap_err();
    assert!(matches!(error, RemoteError::Denied { .. }), "{error}");
    let requests: Vec<_> = seen.try_iter().collect();
    // printf 'bot@x:s3cr3t' | base64
    let answers: Vec<_> = requests.iter().filter_map(|(answer, _)| answer.as_deref()).collect();
    assert_eq!(answers, ["Basic Ym90QHg6czNjcjN0"], "{requests:?}");
    assert!(requests.iter().all(|(_, lines)| lines.is_empty()), "{requests:?}");
    for text in [error.to_string(), format!("{error:?}"), format!("{endpoint:?}")] {
        assert!(!text.contains("s3cr") && !text.contains("bot"), "{text}");
    }
    assert!(!store.exists());
}

#[test]
fn without_credentials_nobody_is_asked() {
    let mut scene = Scene::new();
    let ask = scene.world.script("ask", "#!/bin/sh\ntouch asked\necho x\n");
    for variable in ["GIT_ASKPASS", "SSH_ASKPASS"] {
        scene.world.environment.variables.insert(variable.into(), ask.clone().into());
    }
    scene.world.git(&scene.repository, &format!("config core.askPass {}", ask.display()));
    let (port, _seen) = serve(&[]);
    let endpoint = Endpoint::new(RemoteUrl::new(format!("http://127.0.0.1:{port}/x")), None, &scene.config());
    let error = scene.push_to(&endpoint, &[to(&scene.commit("one", None), LEDGER)]).unwrap_err();
    assert!(matches!(error, RemoteError::Denied { .. }), "{error}");
    assert!(!scene.repository.join("asked").exists());
    // But in CI the program may be asked, if that is wished.
    let git = scene.world.program(&scene.repository);
    let config = scene.config();
    let network = Network { git: &git, config: &config, prompts: Prompts::Askpass, deadline: None };
    let one = scene.commit("one", None);
    assert!(network.push(&endpoint, &[to(&one, LEDGER)], Atomic::No).is_err());
    assert!(scene.repository.join("asked").exists());
}

#[test]
fn refs_that_hang_together_move_all_or_not_at_all() {
    let scene = Scene::new();
    let (one, two) = (scene.commit("one", None), scene.commit("two", None));
    let inbox = "refs/opensession/inbox/bWFpbg/x";
    scene.push(&[to(&one, inbox)]);
    let delete = |at: &str| RefPush { source: None, lease: Lease::At(at.parse().unwrap()), ..to(&one, inbox) };
    let push = |refs: &[RefPush]| {
        scene.network(None, |network| network.push(&scene.endpoint(), refs, Atomic::Yes)).unwrap().refs
    };
    for (name, outcome) in push(&[to(&two, LEDGER), delete(&two)]) {
        let RefOutcome::Rejected(rejection) = outcome else { panic!("{name} moved alone") };
        assert!(rejection.kind.is_retryable(), "{name}: {rejection:?}");
    }
    let expected = [RefOutcome::Pushed(Change::New), RefOutcome::Pushed(Change::Deleted)];
    assert_eq!(
        push(&[to(&two, LEDGER), delete(&one)]).into_iter().map(|(_, outcome)| outcome).collect::<Vec<_>>(),
        expected
    );
    // Over there somebody else is faster with one of the two.
    scene.push(&[to(&one, inbox)]);
    scene
        .world
        .script(scene.origin.join("hooks/pre-receive"), format!("#!/bin/sh\ncat >/dev/null\ntouch {LEDGER}.lock\n"));
    let three = scene.commit("three", Some(&two));
    for (name, outcome) in push(&[to(&three, LEDGER), delete(&one)]) {
        let RefOutcome::Rejected(rejection) = outcome else { panic!("{name} moved alone") };
        assert!(rejection.kind.is_retryable(), "{name}: {rejection:?}");
    }
}

#[test]
fn the_refs_of_a_remote_can_be_listed() {
    let scene = Scene::new();
    let one = scene.commit("one", None);
    scene.push(&[to(&one, LEDGER), to(&one, "refs/opensession/branches/eA")]);
    let list =
        |patterns: &[&str]| scene.network(None, |network| network.ls_remote(&scene.endpoint(), patterns)).unwrap();
    let oid: Oid = one.parse().unwrap();
    let all = [RefName::new(LEDGER).unwrap(), RefName::new("refs/opensession/branches/eA").unwrap()];
    assert_eq!(list(&["refs/opensession/branches/*"]), all.clone().map(|name| (name, oid)));
    assert_eq!(list(&[LEDGER]).len(), 1);
    assert_eq!(list(&["refs/nothing/*"]), []);
}

#[test]
fn what_a_remote_needs_to_be_reached_is_taken_over() {
    let scene = Scene::new();
    let wrapper = scene.world.script("receive", "#!/bin/sh\ntouch wrapped\nexec git-receive-pack \"$@\"\n");
    scene.world.git(&scene.repository, &format!("config remote.origin.receivepack {}", wrapper.display()));
    scene.push(&[to(&scene.commit("one", None), LEDGER)]);
    assert!(scene.repository.join("wrapped").exists() || scene.origin.join("wrapped").exists());
}

#[test]
fn the_addresses_of_a_remote_are_those_git_would_use() {
    let scene = Scene::new();
    let git = |args: &str| scene.world.git(&scene.repository, args);
    let of = |remote: &str, direction| {
        let found = addresses(&scene.world.program(&scene.repository), remote, direction).unwrap();
        found.iter().map(|url| url.expose().to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    git("config remote.origin.url gh:o/r");
    git("config url.https://u:t@github.com/.insteadOf gh:");
    git("config url.git@github.com:.pushInsteadOf gh:");
    assert_eq!(of("origin", Direction::Fetch), ["https://u:t@github.com/o/r"]);
    assert_eq!(of("origin", Direction::Push), ["git@github.com:o/r"]);
    git("remote set-url --add --push origin /one");
    git("remote set-url --add --push origin /two");
    assert_eq!(of("origin", Direction::Push), ["/one", "/two"]);
    assert_eq!(of("gh:x/y", Direction::Push), ["https://u:t@github.com/x/y"]);
    assert_eq!(of("../-odd", Direction::Fetch), ["../-odd"]);
}
