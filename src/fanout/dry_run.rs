//! Is this a `git push --dry-run`, or what else? git gives its hook no sign, but the command line shows.

use std::ffi::OsString;

use super::words::{self, Word};

/// What the command lines above a hook say about the push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryRun {
    /// It is one: nothing may be published.
    Yes,
    /// It is none.
    No,
    /// No `git push` is to be seen.
    Unknown,
}

/// Options of git itself whose value is the next word (git.c, `handle_options`).
const GIT_VALUED: [&str; 9] = [
    "-C",
    "-c",
    "--git-dir",
    "--work-tree",
    "--namespace",
    "--super-prefix",
    "--config-env",
    "--attr-source",
    "--list-cmds",
];

/// The options that let a push overwrite what is over there.
const FORCING: [&str; 3] = ["force", "force-with-lease", "mirror"];

impl DryRun {
    /// Looks for the nearest `git push` in these command lines, nearest first
    /// ([`crate::git::process::ancestors`]).
    pub fn of(command_lines: &[Vec<OsString>]) -> Self {
        match nearest_push(command_lines).map(|arguments| says(&arguments, "dry-run")) {
            Some(true) => Self::Yes,
            Some(false) => Self::No,
            None => Self::Unknown,
        }
    }
}

/// Whether the nearest `git push` of these command lines may overwrite what it does not know: it has a `--force` of
/// some kind or a `+`; or none is to be seen.
pub fn may_force(command_lines: &[Vec<OsString>]) -> bool {
    let Some(arguments) = nearest_push(command_lines) else { return true };
    words::read(&arguments).iter().any(|word| match word {
        Word::Option { name, is_on, .. } => *is_on && FORCING.contains(name),
        Word::Operand(operand) => operand.starts_with('+'),
        Word::Unknown(_) => false,
    })
}

/// Whether the nearest `git push` of these command lines makes what is over there a mirror of what is here.
pub fn is_mirror(command_lines: &[Vec<OsString>]) -> bool {
    nearest_push(command_lines).is_some_and(|arguments| says(&arguments, "mirror"))
}

/// What stands behind the nearest `push`.
fn nearest_push(command_lines: &[Vec<OsString>]) -> Option<Vec<String>> {
    let words = |line: &Vec<OsString>| line.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut lines = command_lines.iter().map(words);
    lines.find_map(|line: Vec<String>| push_arguments(&line).map(<[String]>::to_vec))
}

/// What stands behind `push`, if this is a `git push`. An alias is expanded already: git starts itself again
/// for it.
fn push_arguments(line: &[String]) -> Option<&[String]> {
    let (program, mut rest) = line.split_first()?;
    match base_name(program) {
        "git-push" => return Some(rest),
        "git" => {}
        _ => return None,
    }
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        if word == "push" {
            return Some(rest);
        }
        if !word.starts_with('-') {
            return None;
        }
        if GIT_VALUED.contains(&word.as_str()) {
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    None
}

fn base_name(program: &str) -> &str {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    name.strip_suffix(".exe").unwrap_or(name)
}

/// Whether these arguments of `git push` have an option; as with git, the last word on it counts.
fn says(arguments: &[String], option: &str) -> bool {
    let said = words::read(arguments).into_iter().rev().find_map(|word| match word {
        Word::Option { name, is_on, .. } if name == option => Some(is_on),
        _ => None,
    });
    said.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> DryRun {
        let lines: Vec<Vec<OsString>> =
            lines.iter().map(|line| line.split(' ').map(OsString::from).collect()).collect();
        DryRun::of(&lines)
    }

    #[test]
    fn every_spelling_of_a_dry_run_is_seen() {
        for line in [
            "git push -n",
            "git push --dry-run origin main",
            "git push origin main -n",
            "git push -fn origin",
            "git push -nf",
            "git push -vno ci.skip origin",
            "git push --dry",
            "git push --dr origin",
            "/usr/lib/git-core/git push -n",
            "git-push -n",
            "C:\\Program_Files\\Git\\git.exe push -n",
            "git -C /x -c a.b=push --git-dir /y --no-pager push -n",
            "git push --no-dry-run -n",
            "git push --repo n -n",
        ] {
            assert_eq!(of(&[line]), DryRun::Yes, "{line}");
        }
    }

    #[test]
    fn a_mirror_is_seen() {
        let mirrors = |line: &str| is_mirror(&[line.split(' ').map(OsString::from).collect()]);
        assert!(mirrors("git push --mirror origin") && mirrors("git push origin --mirr"));
        assert!(!mirrors("git push --mirror --no-mirror") && !mirrors("git push mirror"));
    }

    #[test]
    fn values_that_look_like_it_are_not_taken_for_it() {
        for line in [
            "git push",
            "git push -o n origin",
            "git push -on origin",
            "git push -fo -n origin",
            "git push --repo -n",
            "git push --rep -n",
            "git push --push-option --dry-run",
            "git push --receive-pack -n origin",
            "git push --recurse-submodules -n",
            "git push -- -n",
            "git push --no-verify",
            "git push -n --no-dry-run",
            "git push --force-with-lease=-n origin",
            "git push origin n",
            "git push --signed=no -u origin main",
        ] {
            assert_eq!(of(&[line]), DryRun::No, "{line}");
        }
    }

    #[test]
    fn a_push_that_may_overwrite_is_told_from_one_that_cannot() {
        let may = |line: &str| may_force(&[line.split(' ').map(OsString::from).collect()]);
        for line in [
            "git push -f",
            "git push -uf origin",
            "git push --force-with",
            "git push --force-with-lease=a:b",
            "git push origin +main",
            "git push --mirror",
            "sh hook",
        ] {
            assert!(may(line), "{line}");
        }
        for line in ["git push", "git push origin main", "git push -u origin f", "git push --follow-tags"] {
            assert!(!may(line), "{line}");
        }
    }

    #[test]
    fn the_nearest_push_counts_and_other_programs_are_passed_over() {
        assert_eq!(of(&["sh .git/hooks/pre-push origin x", "git push origin", "git -c x=y push -n"]), DryRun::No);
        assert_eq!(of(&["sh hook", "node husky", "git push -n", "bash"]), DryRun::Yes);
        assert_eq!(of(&["sh hook", "git stash push -n", "git log -n", "bash", ""]), DryRun::Unknown);
        assert_eq!(of(&[]), DryRun::Unknown);
    }
}
