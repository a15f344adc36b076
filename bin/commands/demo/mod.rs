//! `demo`: the main job on a stage of its own: a temporary home, an origin and two clones.
//!
//! Everything is real: git, the hook, the push, two agents' logs as the agents write them. The clock stands still, so
//! that every run prints the same.

mod stage;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use stage::{Play, Stage};

use crate::cli::Demo;
use crate::context::Context;
use crate::report::{Failure, Stumble};

const CLAUDE_CODE: &str = include_str!("claude-code.jsonl");
const CODEX: &str = include_str!("codex.jsonl");

/// What is planted in the logs. In two parts, so that nobody's scanner takes this file for a leak.
const PLANTED: [(&str, &str, &str); 5] = [
    ("@@STRIPE@@", "sk_live_", "51NqDemoKeyThatIsNotReal42"),
    ("@@AWS_ID@@", "AKIA", "Q3DEMOKEYNOTREAL"),
    ("@@AWS_SECRET@@", "wJalrXUtnFEMI/K7MDENG", "/bPxRfiCYDEMOKEYQ3a"),
    ("@@PASSWORD@@", "correct-horse-", "battery-staple-9"),
    ("@@BEARER@@", "d3m0-B34r3r-", "T0k3n-n0t-r34l-8842"),
];

const BEFORE: &str = "#!/bin/sh\necho \"hello\"\n";
const GREETS: &str = "#!/bin/sh\nname=${1:-world}\necho \"hello, $name\"\n";
const TEST: &str = "#!/bin/sh\nset -e\ntest \"$(sh greet.sh Ann)\" = \"hello, Ann\"\n\
                    test \"$(sh greet.sh)\" = \"hello, world\"\necho ok\n";

pub fn run(context: &mut Context, arguments: &Demo) -> Result<(), Failure> {
    let mut stage = Stage::new(context.environment.clone(), arguments.keep).map_err(Failure::Demo)?;
    let mut told = String::new();
    perform(&mut stage, &mut told).map_err(Failure::Demo)?;
    if let Some(folder) = stage.kept() {
        let folder = folder.display();
        let own = std::env::current_exe().map_or_else(|_| "git-opensession".into(), |path| path.display().to_string());
        let _ = writeln!(told, "\nkept: cd {folder}/ben && HOME={folder} {own} log");
    }
    context.out.write(|out, _| out.write_all(told.as_bytes()))
}

fn perform(stage: &mut Stage, told: &mut String) -> Result<(), Stumble> {
    let mut play = Play::new(told);
    play.say("git opensession demo: one origin, two clones, two agents. All of it is real, offline and temporary.\n");

    let ann = stage.path("ann");
    stage.at("2026-03-06T09:00:00Z");
    play.command("git clone origin.git ann");
    stage.git(".", &["init", "-q", "--bare", "-b", "main", "origin.git"])?;
    stage.git(".", &["clone", "-q", "origin.git", "ann"])?;
    write(&ann.join("greet.sh"), BEFORE)?;
    stage.commit("ann", "greet.sh", "Say hello")?;
    stage.git("ann", &["push", "-q", "-u", "origin", "main"])?;

    play.command("git opensession doctor --fix --yes --fanout-mode hidden_ref");
    let fixed = stage.own("ann", &["doctor", "--fix", "--yes", "--fanout-mode", "hidden_ref"])?;
    play.answer(fixed.lines().last().unwrap_or_default());

    plant(stage, &ann)?;
    play.command("git commit -am \"Greet people by name\"    # after a session with Claude Code");
    stage.at("2026-03-06T09:10:00Z");
    write(&ann.join("greet.sh"), GREETS)?;
    stage.commit("ann", "greet.sh", "Greet people by name")?;
    play.command("git commit -am \"Test the greeting\"       # after a session with Codex");
    stage.at("2026-03-06T09:25:00Z");
    write(&ann.join("greet_test.sh"), TEST)?;
    stage.commit("ann", "greet_test.sh", "Test the greeting")?;

    play.command("git push origin main");
    let pushed = stage.git("ann", &["push", "-q", "origin", "main"])?;
    play.answers(&pushed);

    play.command("git clone origin.git ben && cd ben && git opensession fetch");
    stage.git(".", &["clone", "-q", "origin.git", "ben"])?;
    let fetched = stage.own("ben", &["fetch"])?;
    play.answers(&fetched);

    play.command("git opensession log HEAD~2..");
    let list = stage.own("ben", &["log", "HEAD~2.."])?;
    for line in list.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        play.answer(&format!("{}  {:<11}  {}", field(0), field(2), short(fields.last().copied().unwrap_or_default())));
    }

    play.command("git opensession show HEAD~1 --prompts");
    let shown = stage.own("ben", &["show", "HEAD~1", "--prompts"])?;
    for line in shown.lines().filter(|line| line.starts_with(['❯', '#'])) {
        play.answer(line);
    }

    play.command("git cat-file --batch-all-objects --batch   # in origin.git, segments unpacked, and searched");
    let everything = stage.everything_in("origin.git")?;
    let found = PLANTED.iter().filter(|(_, head, tail)| everything.holds(&format!("{head}{tail}"))).count();
    play.answer(&format!("{found} of the {} planted secrets are in its {} objects", PLANTED.len(), everything.objects));

    play.command("git rev-list --objects refs/opensession/branches/bWFpbg");
    let (objects, bytes) = stage.weight("origin.git", "refs/opensession/branches/bWFpbg")?;
    // Whole kilobytes: the length of the temporary folder's name is in some ids.
    let kilobytes = bytes.div_ceil(1000);
    play.answer(&format!("the ledger of main: {objects} objects, {kilobytes} KB; both sessions whole"));
    Ok(())
}

/// The two logs, where the agents keep theirs.
fn plant(stage: &Stage, repo: &std::path::Path) -> Result<(), Stumble> {
    let repo = repo.display().to_string();
    let filled = |log: &str| {
        PLANTED
            .iter()
            .fold(log.replace("{{REPO}}", &repo), |log, (mark, head, tail)| log.replace(mark, &format!("{head}{tail}")))
    };
    let slug: String = repo.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let claude = format!(".claude/projects/{slug}/6f1c2f0e-52c4-4f0b-9d8e-1f4e6a0c7b21.jsonl");
    write(&stage.path(&claude), &filled(CLAUDE_CODE))?;
    let codex = ".codex/sessions/2026/03/06/rollout-2026-03-06T09-20-00-019cd1e0-7a10-7c31-8f00-5d0c6b7a9e42.jsonl";
    write(&stage.path(codex), &filled(CODEX))
}

fn write(path: &PathBuf, text: &str) -> Result<(), Stumble> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| fs::write(path, text)).map_err(|source| Stumble::File { path: path.clone(), source })
}

/// A title that fits on the line.
fn short(title: &str) -> String {
    const WIDTH: usize = 60;
    let mut short: String = title.chars().take(WIDTH).collect();
    if short.len() < title.len() {
        short.push('…');
    }
    short
}
