//! `completion`: a script for a shell.
//!
//! The script completes `git-opensession`. That `git opensession` is completed too is up to git's own completion,
//! which looks for something of that name: a function in bash, a file on `fpath` with a description in zsh,
//! the completion of the program in fish. What must not happen is that the script takes over
//! `git` itself: it would, if it were made from a command that is called "git opensession".

use clap_complete::Shell;

use crate::cli::{Cli, Completion, NAME};
use crate::context::Context;
use crate::report::Failure;

/// What git's completion for bash calls for `git opensession`, with `words`, `cword`, `cur`, `prev` and
/// `__git_cmd_idx` (git 2.30) set. git completes without a space after a word, so words bring their own.
const BASH_GLUE: &str = r#"
_git_opensession() {
    local i=${__git_cmd_idx:-1}
    local COMP_WORDS=("git-opensession" "${words[@]:i+1}") COMP_CWORD=$((cword - i))
    _git__opensession git-opensession "$cur" "$prev"
    for i in "${!COMPREPLY[@]}"; do
        [[ -d ${COMPREPLY[i]} ]] || COMPREPLY[i]+=" "
    done
}
"#;

/// What git's completion for zsh shows beside the command; it reads the second line of the file.
const ZSH_DESCRIPTION: &str = "#description keep AI coding sessions in git\n";

pub fn run(context: &mut Context, arguments: &Completion) -> Result<(), Failure> {
    let script = script(arguments.shell);
    context.out.write(|out, _| out.write_all(script.as_bytes()))
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::shown_command(), NAME, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        // clap_complete 4.6 has two spellings of a name with a hyphen, and so no completion below a verb.
        Shell::Bash => script.replace("git__subcmd__opensession", "git__opensession") + BASH_GLUE,
        Shell::Zsh => match script.split_once('\n') {
            Some((first, rest)) => format!("{first}\n{ZSH_DESCRIPTION}{rest}"),
            None => script,
        },
        _ => script,
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn no_script_takes_over_git() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            assert!(script.contains("git-opensession"), "{shell}");
            assert!(!script.contains("git opensession "), "{shell} names the command with a space");
        }
        let bash = script(Shell::Bash);
        let registered: Vec<_> = bash.lines().map(str::trim).filter(|line| line.starts_with("complete ")).collect();
        assert!(
            !registered.is_empty() && registered.iter().all(|line| line.ends_with(" git-opensession")),
            "{registered:?}"
        );
    }

    #[test]
    fn every_verb_that_bash_recognises_is_completed() {
        let bash = script(Shell::Bash);
        let states: Vec<_> = bash.lines().filter_map(|line| line.trim().strip_prefix("cmd=\"git__")).collect();
        assert!(states.len() > 10, "{states:?}");
        for state in states {
            let case = format!("git__{})", state.trim_end_matches('"'));
            assert!(bash.lines().any(|line| line.trim() == case), "no case for {case}");
        }
    }

    #[test]
    fn the_hidden_verb_is_not_offered() {
        for shell in Shell::value_variants() {
            // What there is below it, and nowhere else.
            assert!(!script(*shell).contains("pre-push"), "{shell}");
        }
    }

    #[test]
    fn zsh_finds_a_description_on_the_second_line() {
        let zsh = script(Shell::Zsh);
        let mut lines = zsh.lines();
        assert_eq!(lines.next(), Some("#compdef git-opensession"));
        assert!(lines.next().is_some_and(|line| line.starts_with("#description ")));
    }
}
