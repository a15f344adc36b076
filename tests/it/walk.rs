//! Two people, one remote, and everything in any order: what must be there at the end is, and nothing else.
//!
//! A walk takes random steps (work, push, capture, fetch, sync, purge, prune, fold, another mode) in two clones with
//! homes of their own, beside a model that knows only what a user was promised. No step may fail: there is no error that
//! somebody has to solve by hand. `OPENSESSION_WALK=<seed>:<steps>` walks another way.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::rolling::{contains, reachable};
use crate::world::{Answer, ClaudeLog, NOW, World};
use git_opensession::session::Timestamp;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// One of the two, with a home and a clone.
struct Person {
    name: &'static str,
    home: PathBuf,
    repo: PathBuf,
}

/// What was promised about a session.
struct Session {
    commit: String,
    /// Seconds from the beginning of the world.
    at: i64,
    gone: bool,
    /// Gone for good, and not only expired.
    purged: bool,
}

struct Walk {
    world: World,
    people: [Person; 2],
    sessions: BTreeMap<usize, Session>,
    /// Branches that were merged, and whose ledgers may still be there.
    merged: usize,
    random: u64,
    now: i64,
    diary: Vec<String>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let world = World::new();
        let people = ["ann", "ben"].map(|name| {
            let person = Person { name, home: world.path(format!("home-{name}")), repo: world.clone_to(name) };
            fs::create_dir(&person.home).expect("a home");
            let config = fs::read_to_string(world.home().join(".gitconfig")).expect("a git config");
            fs::write(person.home.join(".gitconfig"), config.replace("Ann", name)).expect("a git config");
            person
        });
        let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut walk = Self { world, people, sessions: BTreeMap::new(), merged: 0, random, now: 0, diary: Vec::new() };
        for who in 0..2 {
            walk.os(who, &["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"]);
        }
        walk
    }

    /// A random number below `limit` (xorshift64).
    fn below(&mut self, limit: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 16).unwrap_or_default() % limit
    }

    fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.now += HOUR + i64::try_from(self.below(6)).expect("small") * HOUR;
            let who = self.below(2);
            match self.below(100) {
                0..25 => drop(self.work(who)),
                25..47 => self.push(who),
                47..55 => self.os(who, &["capture"]),
                55..64 => self.os(who, &["fetch"]),
                64..75 => self.os(who, &["sync"]),
                75..82 => self.grow(who),
                82..87 => self.topic(who),
                87..90 => self.os(who, &["fold", "--into", "main", "--yes"]),
                90..94 => self.purge(who),
                94..96 => self.prune(who),
                _ => self.switch_mode(who),
            }
        }
    }

    /// Runs a command as one of them. It must be done, whatever came before.
    fn run(&mut self, who: usize, program: &str, args: &[&str]) -> String {
        let answer = self.answer(who, program, args);
        let diary = &self.diary;
        assert!(
            answer.code == 0,
            "{} failed with {}\n--- out\n{}--- err\n{}--- the way to it\n{}",
            diary.last().map_or("", String::as_str),
            answer.code,
            answer.out,
            answer.err,
            diary.join("\n"),
        );
        answer.out
    }

    fn answer(&mut self, who: usize, program: &str, args: &[&str]) -> Answer {
        let Person { name, home, repo } = &self.people[who];
        self.diary.push(format!("{} {name}: {program} {}", self.now / HOUR, args.join(" ")));
        self.world.set("HOME", &home.to_string_lossy());
        let start: Timestamp = NOW.parse().expect("a timestamp");
        self.world.set_now(&Timestamp::from_seconds(start.seconds() + self.now).to_string());
        let program = if program == "os" { env!("CARGO_BIN_EXE_git-opensession") } else { program };
        self.world.run(program, repo, args)
    }

    fn git(&mut self, who: usize, args: &[&str]) -> String {
        self.run(who, "git", args)
    }

    fn os(&mut self, who: usize, args: &[&str]) {
        self.run(who, "os", args);
    }

    /// A new session writes a file, and it is committed.
    fn work(&mut self, who: usize) -> usize {
        let number = self.sessions.len();
        let file = format!("{number}.txt");
        self.write_log(who, number, self.now, &["begun"]);
        fs::write(self.people[who].repo.join(&file), content(number, "begun")).expect("a file");
        self.git(who, &["add", &file]);
        self.git(who, &["commit", "-q", "-m", &file]);
        let commit = self.git(who, &["rev-parse", "HEAD"]).trim().to_owned();
        self.sessions.insert(number, Session { commit, at: self.now, gone: false, purged: false });
        number
    }

    /// The last session of somebody goes on, for another commit.
    fn grow(&mut self, who: usize) {
        let number = self.work(who);
        self.write_log(who, number, self.now, &["begun", "gone on"]);
        let file = format!("{number}.txt");
        fs::write(self.people[who].repo.join(&file), content(number, "gone on")).expect("a file");
        self.os(who, &["capture"]);
        self.git(who, &["commit", "-q", "-am", "again"]);
    }

    fn write_log(&self, who: usize, number: usize, at: i64, parts: &[&str]) {
        let Person { home, repo, .. } = &self.people[who];
        let mut log = ClaudeLog::new(&id(number), repo, at - 60);
        for part in parts {
            log = log.prompt(&title(number)).write(&format!("{number}.txt"), &content(number, part)).answer(part);
        }
        let slug: String = repo.to_string_lossy().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let folder = home.join(".claude/projects").join(slug);
        fs::create_dir_all(&folder).expect("folders");
        fs::write(folder.join(format!("{}.jsonl", id(number))), log.text()).expect("a log");
    }

    /// Takes over what the other has pushed, and pushes.
    fn push(&mut self, who: usize) {
        self.git(who, &["pull", "-q", "--no-rebase", "--no-edit", "origin", "main"]);
        self.git(who, &["push", "-q", "origin", "main"]);
    }

    /// Work on a branch that is pushed, merged, and deleted here and there.
    fn topic(&mut self, who: usize) {
        let branch = format!("topic/{}", self.merged);
        self.merged += 1;
        self.git(who, &["switch", "-q", "-c", &branch]);
        self.work(who);
        self.git(who, &["push", "-q", "origin", &branch]);
        self.git(who, &["switch", "-q", "main"]);
        self.git(who, &["merge", "-q", "--no-ff", "--no-edit", &branch]);
        self.push(who);
        self.git(who, &["branch", "-q", "-d", &branch]);
        self.git(who, &["push", "-q", "origin", "--delete", &branch]);
    }

    /// One of the sessions that somebody sees goes for good.
    fn purge(&mut self, who: usize) {
        let seen = self.seen(who);
        let Some(&number) = seen.get(self.below(seen.len().max(1))) else { return };
        let sid = self.listed(who).get(&number).cloned().expect("it is listed");
        self.os(who, &["purge", &sid, "--yes"]);
        let session = self.sessions.get_mut(&number).expect("a session");
        (session.gone, session.purged) = (true, true);
    }

    /// All that is older than four days expires.
    fn prune(&mut self, who: usize) {
        let floor = (self.now - 4 * DAY).max(0);
        let start: Timestamp = NOW.parse().expect("a timestamp");
        let day = |at: i64| Timestamp::from_seconds(start.seconds() + at).to_string()[..10].to_owned();
        self.os(who, &["prune", "--older-than", &day(floor), "--apply"]);
        for session in self.sessions.values_mut().filter(|session| day(session.at - 60) < day(floor)) {
            session.gone = true;
        }
    }

    fn switch_mode(&mut self, who: usize) {
        let mode = ["hidden_ref", "git_notes"][self.below(2)];
        self.git(who, &["config", "opensession.fanout-mode", mode]);
    }

    /// The sessions that somebody sees, each with its name.
    fn listed(&mut self, who: usize) -> BTreeMap<usize, String> {
        let list: serde_json::Value = serde_json::from_str(&self.run(who, "os", &["log", "--json"])).expect("JSON");
        let sessions = list["sessions"].as_array().expect("a list of sessions").iter();
        let number = |title: &str| title.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number");
        sessions
            .map(|session| {
                let (title, sid) = (session["title"].as_str(), session["sid"].as_str());
                (number(title.expect("a title")), sid.expect("a name").to_owned())
            })
            .collect()
    }

    fn seen(&mut self, who: usize) -> Vec<usize> {
        self.listed(who).into_keys().collect()
    }

    /// Both push and sync, and then both, and a clone made just now, see what was promised.
    fn arrive(&mut self) {
        for who in [0, 1, 0] {
            self.push(who);
        }
        for who in [0, 1, 0, 1] {
            self.os(who, &["sync"]);
        }
        let promised: Vec<usize> =
            self.sessions.iter().filter(|(_, session)| !session.gone).map(|(number, _)| *number).collect();
        for who in [0, 1] {
            self.check(who, &promised);
        }
        self.check_notes(&promised);
        self.people[1].repo = self.world.clone_to("cid");
        self.people[1].home = self.world.home();
        self.os(1, &["fetch"]);
        self.check(1, &promised);
        self.world.git(self.world.origin(), ["fsck", "--strict"]).ok();
    }

    /// Whatever modes there were on the way: with notes, every session is noted at its commit, none that has expired is noted
    /// anywhere, and nothing that was purged is anywhere, in what the remote has or in what they have.
    fn check_notes(&mut self, promised: &[usize]) {
        for who in [0, 1, 0, 1] {
            self.git(who, &["config", "opensession.fanout-mode", "git_notes"]);
            self.os(who, &["sync"]);
        }
        let origin = self.world.origin();
        for repository in [&origin, &self.people[0].repo, &self.people[1].repo] {
            for number in promised {
                let commit = &self.sessions[number].commit;
                let noted = self.world.git(repository, ["notes", "--ref=opensession", "show", commit]);
                assert!(noted.out.contains(&title(*number)), "{commit} has no note of {number}: {}", noted.out);
            }
            let pattern = title("[0-9]*\"");
            let told = self.world.git(repository, ["grep", "-h", "-o", &pattern, "refs/notes/opensession"]).out;
            for (number, _) in self.sessions.iter().filter(|(_, session)| session.gone) {
                let (place, diary) = (repository.display(), self.diary.join("\n"));
                let is_noted = told.lines().any(|line| line == format!("{}\"", title(*number)));
                assert!(!is_noted, "{number} is still noted in {place}; the way to it:\n{diary}");
            }
            let reached = reachable(&self.world, repository);
            for (number, session) in self.sessions.iter().filter(|(_, session)| session.purged) {
                let title = title(*number) + "\"";
                let is_there = contains(&reached, &title);
                let (place, diary) = (repository.display(), self.diary.join("\n"));
                assert!(!is_there, "{title} is in {place}, commit {}; the way to it:\n{diary}", session.commit);
            }
        }
    }

    fn check(&mut self, who: usize, promised: &[usize]) {
        let seen = self.seen(who);
        assert_eq!(
            seen,
            promised,
            "{} sees other sessions; the way to it:\n{}",
            self.people[who].name,
            self.diary.join("\n")
        );
        self.os(who, &["fsck"]);
        for number in promised {
            let commit = self.sessions[number].commit.clone();
            let shown = self.run(who, "os", &["show", &commit, "--prompts"]);
            assert!(shown.contains(&title(*number)), "{commit} does not lead to session {number}:\n{shown}");
        }
    }
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn title(number: impl std::fmt::Display) -> String {
    format!("Write the file of session {number}")
}

fn content(number: usize, part: &str) -> String {
    format!("the work of session {number}\nthat has {part}, and how\n")
}

#[test]
fn whatever_two_people_do_in_whatever_order_nothing_is_lost_and_nothing_comes_back() {
    let given = std::env::var("OPENSESSION_WALK").ok();
    let parsed = given.as_deref().and_then(|text| text.split_once(':'));
    let walks = match parsed {
        Some((seed, steps)) => vec![(seed.parse().expect("a seed"), steps.parse().expect("a number of steps"))],
        None => vec![(1, 40)],
    };
    for (seed, steps) in walks {
        let mut walk = Walk::new(seed);
        walk.steps(steps);
        walk.arrive();
    }
}
