//! `docs quickstart`: the first steps, with the logs that are really there.

use std::fmt::Write as _;
use std::path::PathBuf;

use git_opensession::agents;
use git_opensession::view::counted;

use crate::cli::Cli;
use crate::context::Context;
use crate::report::{Failure, Hint};

/// An agent on this machine.
struct Found {
    agent: &'static str,
    logs: u64,
    newest: PathBuf,
}

pub fn run(context: &mut Context) -> Result<(), Failure> {
    let found = found(context);
    let text = text(context.talk.program(), &found);
    context.out.write(|out, _| out.write_all(text.as_bytes()))
}

fn found(context: &Context) -> Vec<Found> {
    let of = |parser: &&dyn agents::LogParser| {
        let logs = parser.logs(&context.environment);
        let newest = logs.iter().max_by(|one, two| (one.mtime, &one.path).cmp(&(two.mtime, &two.path)))?;
        Some(Found { agent: parser.agent(), logs: logs.len() as u64, newest: newest.path.clone() })
    };
    agents::ALL.iter().filter_map(of).collect()
}

fn text(program: &str, found: &[Found]) -> String {
    let mut text = String::from("# The first steps. Lines without # can be pasted into a shell.\n");
    let agents = found.iter().map(|one| format!("{} ({})", one.agent, counted(one.logs, "log")));
    let agents = agents.collect::<Vec<_>>().join(", ");
    let _ = match found {
        [] => {
            let known = agents::ALL.iter().map(|parser| parser.agent()).collect::<Vec<_>>().join(", ");
            writeln!(text, "# No logs of an agent are here yet ({known}). See it at work without:\n{program} demo")
        }
        _ => writeln!(text, "# Agents on this machine: {agents}"),
    };
    let mut steps = |about: &str, commands: &[Hint]| {
        let _ = writeln!(text, "\n# {about}");
        for command in commands {
            let _ = writeln!(text, "{}", command.line(program));
        }
    };
    steps(
        "1. In your repository, once: look, then set up. It prints its plan, then asks.",
        &[Hint::own(["doctor"], ""), Hint::own(["doctor", "--fix"], "")],
    );
    steps(
        "2. Work with your agent, commit, push as ever: the sessions go along.",
        &[Hint::command(["git", "push"], "")],
    );
    steps(
        "3. Read them, here and in any other clone.",
        &[
            Hint::own(["fetch"], ""),
            Hint::own(["log"], ""),
            Hint::own(["show", "HEAD"], ""),
            Hint::own(["view", "HEAD"], ""),
        ],
    );
    steps(
        "4. Give a colleague the address of one of them. It asks before it pushes, and nothing else goes along.",
        &[Hint::own(["share", "HEAD", "--quick"], "")],
    );
    if let Some(Found { agent, newest, .. }) = found.first() {
        steps("5. Or by hand, from one log: its canonical text, and a page of it.", &by_hand(agent, newest));
    }
    text
}

fn by_hand(agent: &str, log: &std::path::Path) -> Vec<Hint> {
    const HAIL: &str = "./session.hail.jsonl";
    let log = log.to_string_lossy();
    let mut steps =
        vec![Hint::own(["parse", "--profile", agent, &log, "--out", HAIL], ""), Hint::own(["view", HAIL], "")];
    // Where the verb is part of this program.
    if Cli::shown_command().find_subcommand("register").is_some() {
        steps.push(Hint::own(["register", HAIL], "prints the address of the session"));
    }
    steps
}
