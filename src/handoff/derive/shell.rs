//! What a shell command does, as far as its words tell: a check, a mere look, or something else.

use crate::handoff::{CheckKind, Outcome};

/// One program of a script, and how it is tied to what follows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Step {
    words: Vec<String>,
    /// Its exit code is that of the script, if the script ends well: only `&&` follows.
    counts: bool,
    /// It writes into a file.
    writes: bool,
}

/// What is known of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// What it checks, if it checks something.
    pub(super) check: Option<CheckKind>,
    /// Check commands with one identity are the same check: the words that matter.
    pub(super) identity: Vec<String>,
    /// The script's exit code is that of its checks.
    pub(super) is_telling: bool,
    /// It only looks at things.
    pub(super) only_looks: bool,
}

/// Programs in front of others.
const WRAPPERS: &[&str] = &[
    "sudo", "time", "env", "nice", "npx", "bunx", "rtk", "xvfb-run", "command", "exec", "stdbuf", "timeout", "uv",
    "poetry", "pipenv", "bundle", "hatch", "pdm", "rye",
];

/// Programs that change nothing.
const LOOKING: &[&str] = &[
    "ls", "cat", "head", "tail", "grep", "egrep", "rg", "find", "fd", "pwd", "cd", "echo", "printf", "wc", "which",
    "sed", "awk", "tree", "stat", "file", "jq", "sort", "uniq", "cut", "diff", "date", "true", "false", "sleep", "du",
    "df", "ps", "test", "[", "less", "nl", "xxd", "od", "type", "whoami", "id", "uname", "tr", "column", "basename",
    "dirname", "readlink", "realpath", "export", "set", "wait", "pgrep", "lsof", "strings", "cmp", "comm",
];

/// git's commands that change nothing.
const GIT_LOOKING: &[&str] = &[
    "status",
    "log",
    "diff",
    "show",
    "rev-parse",
    "blame",
    "ls-files",
    "grep",
    "describe",
    "cat-file",
    "ls-tree",
    "for-each-ref",
    "rev-list",
    "merge-base",
    "shortlog",
    "reflog",
    "ls-remote",
    "branch",
    "remote",
];

/// Looks at a command of a session that was in `cwd`.
pub(super) fn look(command: &str, cwd: Option<&str>) -> Known {
    let steps = steps(command);
    let kind = |step: &Step| check_kind(&essential(&step.words));
    let checks: Vec<&Step> = steps.iter().filter(|step| kind(step).is_some()).collect();
    let mut identity = Vec::new();
    if let Some(Step { words, .. }) = steps.first().filter(|step| step.words.first().is_some_and(|word| word == "cd")) {
        identity.extend(words.get(1).filter(|to| Some(to.as_str()) != cwd).cloned());
    }
    for step in &checks {
        let quiet = |word: &&str| !matches!(*word, "-q" | "--quiet" | "-v" | "--verbose" | "-s" | "--silent");
        identity.extend(essential(&step.words).into_iter().filter(quiet).map(str::to_owned));
    }
    Known {
        check: checks.iter().filter_map(|step| kind(step)).min(),
        identity,
        is_telling: checks.iter().all(|step| step.counts),
        only_looks: !steps.is_empty() && steps.iter().all(|step| !step.writes && is_look(&essential(&step.words))),
    }
}

/// What the output of a check says, where its exit code says nothing.
pub(super) fn verdict(output: &str) -> Outcome {
    const BAD: &[&str] = &[
        "test result: FAILED",
        "error: could not compile",
        "error[E",
        "FAILED (",
        "FAILURES!",
        "BUILD FAILED",
        "npm ERR!",
        "error TS",
        "--- FAIL",
        "FAIL\t",
        "Traceback (most recent call last)",
    ];
    const GOOD: &[&str] = &[
        "test result: ok",
        "Finished `",
        "BUILD SUCCESS",
        "All checks passed",
        "Success: no issues",
        "no issues found",
        "\nok  \t",
        "\nOK (",
        "\nOK\n",
    ];
    let output = format!("\n{output}\n");
    if BAD.iter().any(|words| output.contains(words)) || counts(&output, "failed").any(|count| count > 0) {
        return Outcome::Failed;
    }
    let passed = counts(&output, "passed").any(|count| count > 0);
    if passed || GOOD.iter().any(|words| output.contains(words)) { Outcome::Passed } else { Outcome::Unknown }
}

/// The numbers in front of a word: `3 failed`.
fn counts<'t>(output: &'t str, word: &'t str) -> impl Iterator<Item = u64> + 't {
    output.match_indices(word).filter_map(|(at, _)| {
        let before = output.get(..at)?.trim_end_matches(' ');
        let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    })
}

/// The programs of a script. Quotes are taken off, nothing is expanded; a here-document ends what is looked at.
fn steps(script: &str) -> Vec<Step> {
    let script = script.split("<<").next().unwrap_or_default();
    let mut steps: Vec<Step> = Vec::new();
    let (mut step, mut word, mut quote) = (Step::default(), None::<String>, None);
    let mut chars = script.chars().peekable();
    let end_word = |step: &mut Step, word: &mut Option<String>| step.words.extend(word.take());
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(chars.next().filter(|next| *next != '\n')),
            (None, '>') => {
                if word.as_ref().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'&')) {
                    word = None;
                }
                end_word(&mut step, &mut word);
                chars.next_if_eq(&'>');
                while chars.next_if_eq(&' ').is_some() {}
                let to: String = std::iter::from_fn(|| chars.next_if(|c| !" \n;|)".contains(*c))).collect();
                step.writes |= !to.starts_with('&') && to != "/dev/null";
            }
            (None, '&') if word.is_none() && chars.next_if_eq(&'>').is_some() => {
                while chars.next_if_eq(&' ').is_some() {}
                let to: String = std::iter::from_fn(|| chars.next_if(|c| !" \n;|)".contains(*c))).collect();
                step.writes |= to != "/dev/null";
            }
            (None, ';' | '\n' | '|' | '&' | '(' | ')') => {
                end_word(&mut step, &mut word);
                let and = c == '&' && chars.next_if_eq(&'&').is_some();
                if c == '|' {
                    chars.next_if_eq(&'|');
                }
                end_step(&mut steps, &mut step, and);
            }
            (None, c) if c.is_whitespace() => end_word(&mut step, &mut word),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    end_word(&mut step, &mut word);
    end_step(&mut steps, &mut step, true);
    steps
}

/// Ends a program. One that is followed by anything but `&&` has no exit code that counts, nor have those before it.
fn end_step(steps: &mut Vec<Step>, step: &mut Step, and: bool) {
    let step = std::mem::take(step);
    if step.words.is_empty() {
        return;
    }
    steps.push(Step { counts: true, ..step });
    if !and {
        for step in steps {
            step.counts = false;
        }
    }
}

/// The words without assignments, and without programs that only run others.
fn essential(words: &[String]) -> Vec<&str> {
    let mut rest: &[String] = words;
    while let Some((first, after)) = rest.split_first() {
        let name = base_name(first);
        let assigns = first.split_once('=').is_some_and(|(name, _)| !name.is_empty() && !name.contains(['/', '-']));
        if !assigns && !WRAPPERS.contains(&name) {
            break;
        }
        rest = after;
        while let Some((next, after)) = rest.split_first() {
            let runs = matches!(next.as_str(), "run" | "exec") || next.starts_with('-');
            let number = name == "timeout" && next.starts_with(|c: char| c.is_ascii_digit());
            if assigns || !(runs || number) {
                break;
            }
            rest = after;
        }
    }
    rest.iter().map(String::as_str).collect()
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn is_look(words: &[&str]) -> bool {
    let Some((first, rest)) = words.split_first() else { return true };
    match base_name(first) {
        "sed" => !rest.iter().any(|word| word.starts_with("-i") || *word == "--in-place"),
        "find" => !rest.iter().any(|word| matches!(*word, "-delete" | "-exec")),
        "git" => rest.iter().find(|word| !word.starts_with('-')).is_none_or(|name| GIT_LOOKING.contains(name)),
        name => LOOKING.contains(&name),
    }
}

/// What a program checks.
fn check_kind(words: &[&str]) -> Option<CheckKind> {
    use CheckKind::{Build, Lint, Test};
    let (first, rest) = words.split_first()?;
    let mut plain = rest.iter().copied().filter(|word| !word.starts_with(['-', '+']));
    let (one, two) = (plain.next().unwrap_or_default(), plain.next().unwrap_or_default());
    let has = |flag: &str| rest.iter().any(|word| word.starts_with(flag));
    match base_name(first) {
        "cargo" => match one {
            "test" | "nextest" | "t" => Some(Test),
            "build" | "check" | "b" | "c" => Some(Build),
            "clippy" | "deny" => Some(Lint),
            "fmt" if has("--check") => Some(Lint),
            _ => None,
        },
        "npm" | "pnpm" | "yarn" | "bun" | "deno" | "just" | "task" | "mise" | "make" | "gmake" | "rake" => {
            by_name(if one == "run" { two } else { one })
        }
        "python" | "python3" | "py" if has("-m") => match one {
            "pytest" | "unittest" => Some(Test),
            "mypy" | "ruff" | "flake8" | "pylint" | "black" => Some(Lint),
            "compileall" | "py_compile" | "build" => Some(Build),
            _ => None,
        },
        "go" => match one {
            "test" => Some(Test),
            "build" => Some(Build),
            "vet" => Some(Lint),
            _ => None,
        },
        "pytest" | "py.test" | "tox" | "nox" | "jest" | "vitest" | "mocha" | "rspec" | "phpunit" | "ctest" | "bats"
        | "playwright" | "cypress" => Some(Test),
        "ninja" | "webpack" | "tsup" => Some(Build),
        "gradle" | "gradlew" | "mvn" | "mvnw" | "dotnet" | "swift" | "mix" | "zig" | "bazel" | "sbt" | "flutter"
        | "stack" | "cabal" | "xcodebuild" | "vite" | "next" | "astro" | "ng" => by_name(one),
        "cmake" if has("--build") => Some(Build),
        "tsc" | "eslint" | "ruff" | "mypy" | "pyright" | "flake8" | "pylint" | "golangci-lint" | "shellcheck"
        | "rubocop" | "biome" | "stylelint" | "svelte-check" | "vue-tsc" | "hadolint" | "actionlint" | "oxlint" => {
            Some(Lint)
        }
        "black" | "prettier" | "gofmt" | "rustfmt" | "isort" if has("--check") || has("-c") || has("-l") => Some(Lint),
        _ => None,
    }
}

/// What a task of a project is for, by its name: `test:unit`, `lint-fix`, `typecheck`.
fn by_name(task: &str) -> Option<CheckKind> {
    let first = task.split([':', '-', '_', '.']).next().unwrap_or_default();
    match first {
        "test" | "tests" | "t" | "spec" | "e2e" | "verify" => Some(CheckKind::Test),
        "build" | "compile" | "package" => Some(CheckKind::Build),
        "lint" | "typecheck" | "type" | "types" | "tsc" | "check" | "analyze" | "credo" => Some(CheckKind::Lint),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(command: &str) -> Option<CheckKind> {
        look(command, None).check
    }

    #[test]
    fn checks_are_known_by_their_words() {
        for (command, expected) in [
            ("cargo test -p x", Some(CheckKind::Test)),
            ("cd web && npm run build", Some(CheckKind::Build)),
            ("RUST_LOG=debug timeout 60 cargo clippy -- -D warnings", Some(CheckKind::Lint)),
            ("cargo fmt --check && cargo test", Some(CheckKind::Test)),
            ("uv run pytest -x", Some(CheckKind::Test)),
            ("npx tsc --noEmit", Some(CheckKind::Lint)),
            ("python3 -m pytest", Some(CheckKind::Test)),
            ("./gradlew test", Some(CheckKind::Test)),
            ("cargo fmt", None),
            ("echo 'cargo test'", None),
            ("git commit -m 'cargo test; npm test'", None),
            ("cat > x <<'E'\ncargo test\nE", None),
            ("npm install", None),
        ] {
            assert_eq!(kind(command), expected, "{command}");
        }
    }

    #[test]
    fn an_exit_code_tells_of_a_check_only_if_nothing_comes_between() {
        for (command, expected) in [
            ("cargo test", true),
            ("cd x && cargo test 2>&1", true),
            ("cargo test && git commit -m x", true),
            ("cargo test | tail -5", false),
            ("cargo test 2>&1 | tail; echo $?", false),
            ("cargo test; ls", false),
            ("cargo test || true", false),
        ] {
            assert_eq!(look(command, None).is_telling, expected, "{command}");
        }
    }

    #[test]
    fn looking_around_is_no_work() {
        for looks in ["ls -la", "cd x && git log | head", "sed -n 1,5p a", "grep -r x . 2>/dev/null", "FOO=1 cat a"] {
            assert!(look(looks, None).only_looks, "{looks}");
        }
        for works in ["sed -i s/a/b/ f", "echo x > f", "git commit -m x", "rm f", "find . -delete", "cat a && rm a"] {
            assert!(!look(works, None).only_looks, "{works}");
        }
    }

    #[test]
    fn the_same_check_has_one_identity() {
        let identity = |command: &str| look(command, Some("/r")).identity.join(" ");
        assert_eq!(identity("cd /r && cargo test -q 2>&1 | tail"), "cargo test");
        assert_eq!(identity("cd web && npm test"), "web npm test");
    }

    #[test]
    fn output_tells_where_the_exit_code_does_not() {
        assert_eq!(verdict("test result: ok. 3 passed; 0 failed"), Outcome::Passed);
        assert_eq!(verdict("test result: FAILED. 3 passed; 1 failed"), Outcome::Failed);
        assert_eq!(verdict("== 2 failed, 3 passed in 1s"), Outcome::Failed);
        assert_eq!(verdict("Ran 3 tests\n\nOK"), Outcome::Passed);
        assert_eq!(verdict("hello"), Outcome::Unknown);
    }
}
