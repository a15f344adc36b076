//! What is said of a repository's health, and of what would be set up.

use std::fmt::Write as _;

use git_opensession::doctor::{
    Belongings, Change, ENDING_SOON, Examination, MANY_LEDGERS, RemoteState, Removal, Setup, State,
};
use git_opensession::fanout::Consent;
use git_opensession::git::hooks::{HookFile, HookFolder, Notice, Plan, Step};
use git_opensession::settings::FanoutMode;
use git_opensession::view::{Safe, counted, json};
use serde::Serialize;

use super::{Exit, Failure, Hint};
use crate::context::Context;
use crate::terminal::Talk;

/// How good a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Note,
    Warning,
    Problem,
}

/// A line of the report.
#[derive(Debug, Serialize)]
struct Line {
    topic: &'static str,
    level: Level,
    text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    next: Vec<String>,
}

/// Tells what was found. The answer is no where something keeps sessions from travelling.
pub fn tell(
    context: &mut Context,
    examination: &Examination,
    belongings: &Belongings<'_>,
    as_json: bool,
) -> Result<Exit, Failure> {
    let program = context.talk.program().to_owned();
    let mut lines = Lines { program: &program, lines: Vec::new() };
    lines.git(examination);
    lines.hook(examination);
    lines.mode(examination);
    lines.remotes(examination);
    lines.agents(examination);
    lines.ledgers(examination);
    lines.head(examination);
    lines.belongings(belongings);
    let lines = lines.lines;
    let worst = lines.iter().map(|line| line.level).max().unwrap_or(Level::Ok);
    if as_json {
        #[derive(Serialize)]
        struct Findings<'a> {
            findings: &'a [Line],
        }
        let findings = Findings { findings: &lines };
        context.out.write(|out, _| json::write_document(out, "opensession.doctor/1", &findings))?;
    } else {
        context.out.write(|out, _| out.write_all(written(&lines).as_bytes()))?;
    }
    Ok(if worst == Level::Problem { Exit::No } else { Exit::Done })
}

fn written(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let mark = match line.level {
            Level::Ok => "ok     ",
            Level::Note => "note   ",
            Level::Warning => "warning",
            Level::Problem => "problem",
        };
        let _ = writeln!(text, "{mark}  {:<8} {}", line.topic, Safe::line(&line.text));
        for next in &line.next {
            let _ = writeln!(text, "                  {next}");
        }
    }
    text
}

struct Lines<'a> {
    program: &'a str,
    lines: Vec<Line>,
}

impl Lines<'_> {
    fn add(&mut self, topic: &'static str, level: Level, text: impl Into<String>, next: &[Hint]) {
        let next = next.iter().map(|hint| hint.line(self.program)).collect();
        self.lines.push(Line { topic, level, text: text.into(), next });
    }

    fn git(&mut self, examination: &Examination) {
        let version = examination.git;
        self.add("git", Level::Ok, format!("version {version}"), &[]);
    }

    fn hook(&mut self, examination: &Examination) {
        let hook = &examination.hook;
        let fix = [Hint::own(["doctor", "--fix"], "")];
        if hook.is_installed() {
            let level = if hook.file == HookFile::Edited { Level::Note } else { Level::Ok };
            let edited = if level == Level::Note { "; it was edited by hand" } else { "" };
            let kept = match hook.kept.len() {
                0 => String::new(),
                n => format!("; {} that was there before runs first", counted(n as u64, "hook")),
            };
            self.add("hook", level, format!("every push calls us{edited}{kept}"), &[]);
            if let Some(after) = hook.runs_after() {
                let text = format!("{} runs after ours: sessions have gone even if it says no", after.display());
                let first = Hint::own(["doctor", "--fix"], "have it run first");
                let hints: &[Hint] = if matches!(hook.folder, HookFolder::Own(_)) { &[first] } else { &[] };
                self.add("hook", Level::Note, text, hints);
            }
            return;
        }
        let text = match &hook.folder {
            HookFolder::Off => "core.hooksPath is /dev/null: git runs no hooks here".to_owned(),
            HookFolder::WorkTree(folder) | HookFolder::Outside(folder) => {
                format!("no push calls us; hooks are in {}, which is not ours to write", folder.display())
            }
            HookFolder::Own(_) if hook.config.disabled => "hook.opensession.enabled is false".to_owned(),
            HookFolder::Own(_) => "no push calls us".to_owned(),
        };
        self.add("hook", Level::Problem, text, &fix);
    }

    fn mode(&mut self, examination: &Examination) {
        match examination.mode {
            Some(FanoutMode::HiddenRef) => self.add("mode", Level::Ok, "sessions travel on hidden refs", &[]),
            Some(FanoutMode::GitNotes) => {
                let text = "sessions travel on hidden refs, and git log --notes=opensession points to them";
                self.add("mode", Level::Ok, text, &[]);
            }
            None => {
                let fix = Hint::own(["doctor", "--fix", "--fanout-mode", "hidden_ref"], "");
                self.add("mode", Level::Problem, "nobody has chosen how sessions travel", &[fix]);
            }
        }
    }

    fn remotes(&mut self, examination: &Examination) {
        if examination.remotes.is_empty() {
            self.add("remote", Level::Note, "there is none: sessions stay here", &[]);
        }
        for RemoteState { destination, consent, waiting, held } in &examination.remotes {
            let label = destination.label();
            let waits = match waiting {
                0 => String::new(),
                n => format!("; {} to be pushed", counted(*n as u64, "ledger")),
            };
            let held = match held {
                0 => String::new(),
                1 => "; 1 ledger waits for a push of its branch".to_owned(),
                n => format!("; {n} ledgers wait for pushes of their branches"),
            };
            match consent {
                Consent::Given if *waiting > 0 => {
                    let push = Hint::own(["push", &label], "or let the next git push do it");
                    self.add("remote", Level::Note, format!("{label} may have sessions{waits}{held}"), &[push]);
                }
                Consent::Given => self.add("remote", Level::Ok, format!("{label} may have sessions{held}"), &[]),
                Consent::Refused => {
                    self.add("remote", Level::Ok, format!("{label} gets no sessions, as you said"), &[]);
                }
                Consent::Unasked => {
                    let allow = Hint::own(["doctor", "--fix", "--remote", &label], "allow it");
                    self.add(
                        "remote",
                        Level::Warning,
                        format!("{label} gets no sessions: nobody has allowed it"),
                        &[allow],
                    );
                }
            }
        }
    }

    fn agents(&mut self, examination: &Examination) {
        for state in &examination.agents {
            let logs = counted(state.logs as u64, "log");
            match (state.logs, state.keeps_days) {
                (0, _) => self.add("agent", Level::Note, format!("{}: no logs here", state.agent), &[]),
                (_, Some(days)) if state.ending_soon > 0 => {
                    let ending = state.ending_soon;
                    let text = format!(
                        "{}: {logs}, {ending} of which it deletes within {ending_soon} days (it keeps them for {days})",
                        state.agent,
                        ending_soon = ENDING_SOON
                    );
                    let capture = Hint::own(["capture"], "what is captured stays");
                    self.add("agent", Level::Warning, text, &[capture]);
                }
                (_, Some(days)) => {
                    self.add("agent", Level::Ok, format!("{}: {logs}, kept for {days} days", state.agent), &[]);
                }
                (_, None) => self.add("agent", Level::Ok, format!("{}: {logs}", state.agent), &[]),
            }
        }
    }

    fn ledgers(&mut self, examination: &Examination) {
        let ledgers = &examination.ledgers;
        let text = format!("{} here, {} fetched", counted(ledgers.local as u64, "ledger"), ledgers.fetched);
        let many = ledgers.local.max(ledgers.fetched) >= MANY_LEDGERS;
        let more = if many { "; every push of everybody pays for so many" } else { "" };
        let level = if many { Level::Warning } else { Level::Ok };
        let into = ledgers.branch.as_ref().map_or_else(|| "main".to_owned(), ToString::to_string);
        let fold = Hint::own(["fold", "--into", &into], "takes in those of branches that are gone or merged");
        self.add("ledgers", level, format!("{text}{more}"), if many { std::slice::from_ref(&fold) } else { &[] });
        for error in &ledgers.unreadable {
            self.add("ledgers", Level::Problem, error.to_string(), &[]);
        }
        for torn in &ledgers.torn {
            let remove =
                Hint::command(["rm", &torn.file.to_string_lossy()], "then git push, or capture, stores it anew");
            let text = format!("the file of {} holds no ref, and nothing can be stored there", torn.name);
            self.add("ledgers", Level::Problem, text, &[remove]);
        }
    }

    fn head(&mut self, examination: &Examination) {
        let Some((oid, sessions)) = examination.head else { return };
        let short: String = oid.to_string().chars().take(12).collect();
        match sessions {
            0 => {
                let why = Hint::own(["doctor", "--commit", "HEAD"], "why");
                self.add("HEAD", Level::Note, format!("{short} has no session"), &[why]);
            }
            n => {
                let show = Hint::own(["show"], "");
                self.add("HEAD", Level::Ok, format!("{short} has {}", counted(n as u64, "session")), &[show]);
            }
        }
    }
}

impl Lines<'_> {
    /// Neither is needed for a push: what is not there is only told.
    fn belongings(&mut self, belongings: &Belongings<'_>) {
        let fix = [Hint::own(["doctor", "--fix"], "")];
        match belongings.manual() {
            State::Present(at) => self.add("manual", Level::Ok, at.display().to_string(), &[]),
            State::Absent(_) => self.add("manual", Level::Note, "git opensession --help finds no man page", &fix),
            State::Stale(_) => self.add("manual", Level::Note, "the man page is of another version", &fix),
            State::Foreign(at) => self.add("manual", Level::Ok, format!("{} is not of ours", at.display()), &[]),
            State::NoPlace => {
                let print = Hint::own(["docs", "man"], "print it");
                self.add("manual", Level::Note, "this program is in no bin of yours that has room for it", &[print]);
            }
        }
        match belongings.link() {
            State::Present(at) => self.add("link", Level::Ok, at.display().to_string(), &[]),
            State::Absent(at) => self.add("link", Level::Note, format!("there is no {}", at.display()), &fix),
            State::Stale(at) => {
                self.add("link", Level::Note, format!("{} leads to another binary", at.display()), &fix);
            }
            State::Foreign(at) => self.add("link", Level::Note, format!("{} is not of ours", at.display()), &[]),
            State::NoPlace => {}
        }
    }
}

/// Says what would be set up.
pub fn tell_setup(talk: &Talk, setup: &Setup, changes: &[Change]) {
    if setup.is_empty() && changes.is_empty() {
        talk.say("all is set up");
    }
    hook_steps(talk, &setup.hook);
    if let Some(mode) = setup.mode {
        talk.say(&format!("set opensession.fanout-mode to {mode}"));
    }
    if let Some(open) = setup.open {
        talk.say(&format!("set opensession.open-target to {}", open.as_str()));
    }
    for destination in &setup.allow {
        talk.say(&format!("let sessions go to {} ({})", destination.label(), destination.url()));
    }
    own_folders(talk, changes);
}

fn own_folders(talk: &Talk, changes: &[Change]) {
    for change in changes {
        talk.say(&match change {
            Change::Link { at, to } => format!("link {} to {}", at.display(), to.display()),
            Change::Manual { at, .. } => format!("write the man page {}", at.display()),
            Change::Remove(at) => format!("remove {}", at.display()),
        });
    }
}

/// Says what would be taken out.
pub fn tell_removal(talk: &Talk, removal: &Removal, changes: &[Change]) {
    if removal.is_empty() && changes.is_empty() {
        talk.say("nothing of ours is set up here");
    }
    hook_steps(talk, &removal.hook);
    for key in &removal.keys {
        talk.say(&format!("unset {}", key.as_str()));
    }
    own_folders(talk, changes);
}

fn hook_steps(talk: &Talk, plan: &Plan) {
    for step in &plan.steps {
        talk.say(&match step {
            Step::MakeFolder(folder) => format!("make the folder {}", folder.display()),
            Step::Keep { from, to } => format!("keep the hook {} as {}; it runs first", from.display(), to.display()),
            Step::SetAside { from, to } => format!("put the edited hook {} aside as {}", from.display(), to.display()),
            Step::Write { path, .. } => format!("write the hook {}", path.display()),
            Step::Restore { from, to } => format!("put {} back as {}", from.display(), to.display()),
            Step::Remove(path) => format!("remove {}", path.display()),
            Step::RemoveFolder(path) => format!("remove the folder {}", path.display()),
            // A script of thirty lines, for git.
            Step::SetConfig { key, .. } if key.ends_with(".command") => format!("set {key} to call this program"),
            Step::SetConfig { key, value } => format!("set {key} to {value}"),
            Step::UnsetConfig => "unset hook.opensession.*".to_owned(),
        });
    }
    for notice in &plan.notices {
        talk.say(&match notice {
            Notice::EditedLeft(path) => format!("{} was edited by hand; it is left as it is", path.display()),
            Notice::EditedKept(path) => format!("the edited hook is kept as {}", path.display()),
            Notice::LeftBeside(path) => format!("{} is from before; it is not ours to remove", path.display()),
            Notice::NotExecutable(path) => {
                format!("{} is not executable: git does not run it, nor do we", path.display())
            }
            Notice::Managed(manager) => {
                format!(
                    "{} may replace our hook; better add to {}:\n{}",
                    manager.name(),
                    manager.place_in_words(),
                    manager.lines()
                )
            }
            Notice::Disabled => "hook.opensession.enabled is false: our hook does not run".to_owned(),
            Notice::RunsAfter(path) => {
                format!("git runs {} after ours: sessions have gone even if it says no", path.display())
            }
        });
    }
}
