//! `git opensession`: the command line.

mod cli;
mod commands;
mod context;
mod report;
mod terminal;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::error::ErrorKind;
use git_opensession::agents::Environment;

use cli::{Cli, Program};
use context::Context;
use report::{Exit, Failure};
use terminal::{ColourChoice, ColourConfig, Talk, Terminals};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    let program = Program::called(arguments.first().map(OsString::as_os_str));
    let environment = context::environment();
    match Cli::read(&program, &arguments) {
        Ok(cli) => run(&cli, &program, &environment),
        Err(error) => say_what_clap_says(&error, &environment, &arguments),
    }
    .into()
}

fn run(cli: &Cli, program: &Program, environment: &Environment) -> Exit {
    let mut context = match Context::new(&cli.global, program, environment.clone()) {
        Ok(context) => context,
        Err(failure) => {
            let talk = Talk::plain(environment, program.shown().to_owned());
            talk.failure(&failure);
            return failure.exit();
        }
    };
    let ended = commands::run(&mut context, cli.verb.as_ref());
    let Context { out, talk, .. } = context;
    // What was written before a failure is still wanted, and its own failure comes first.
    let ended = out.finish().and(ended);
    ended.unwrap_or_else(|failure| {
        talk.failure(&failure);
        failure.exit()
    })
}

/// Help, the version, and usage errors, in clap's words.
fn say_what_clap_says(error: &clap::Error, environment: &Environment, arguments: &[OsString]) -> Exit {
    let is_asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let terminals = Terminals::detect();
    let is_terminal = if is_asked_for { terminals.stdout } else { terminals.stderr };
    let choice = ColourChoice::resolve(colour_flag(arguments), environment, &ColourConfig::default());
    let text = error.render();
    let text = if choice.is_on(is_terminal, environment) { text.ansi().to_string() } else { text.to_string() };
    if !is_asked_for {
        let _ = io::stderr().lock().write_all(text.as_bytes());
        return Exit::Usage;
    }
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::output) {
        Ok(()) => Exit::Done,
        Err(failure) => failure.exit(),
    }
}

/// `--color` of a command line that clap did not read to its end.
fn colour_flag(arguments: &[OsString]) -> Option<ColourChoice> {
    arguments.iter().filter_map(|word| word.to_str()).find_map(|word| match word {
        "--color" | "--color=always" => Some(ColourChoice::Always),
        "--color=auto" => Some(ColourChoice::Auto),
        "--color=never" => Some(ColourChoice::Never),
        _ => None,
    })
}
