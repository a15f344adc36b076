//! The arguments of `git push`, read as git reads them.

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// An option.
    Option {
        /// Its whole name: any unambiguous beginning stands for it.
        name: &'static str,
        /// False for its `--no-` form.
        is_on: bool,
        /// Its value.
        value: Option<String>,
    },
    /// What looks like an option, and is none that is known here.
    Unknown(String),
    /// The remote, or a refspec.
    Operand(String),
}

/// Whether an option has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    /// It has none.
    None,
    /// Behind a `=`, or not at all.
    Optional,
    /// Behind a `=`, or in the next word.
    Needed,
}

/// Long options (builtin/push.c).
const LONG: [(&str, Value); 28] = [
    ("all", Value::None),
    ("atomic", Value::None),
    ("branches", Value::None),
    ("delete", Value::None),
    ("dry-run", Value::None),
    ("exec", Value::Needed),
    ("follow-tags", Value::None),
    ("force", Value::None),
    ("force-if-includes", Value::None),
    ("force-with-lease", Value::Optional),
    ("ipv4", Value::None),
    ("ipv6", Value::None),
    ("mirror", Value::None),
    ("no-verify", Value::None),
    ("porcelain", Value::None),
    ("progress", Value::None),
    ("prune", Value::None),
    ("push-option", Value::Needed),
    ("quiet", Value::None),
    ("receive-pack", Value::Needed),
    ("recurse-submodules", Value::Needed),
    ("repo", Value::Needed),
    ("set-upstream", Value::None),
    ("signed", Value::Optional),
    ("tags", Value::None),
    ("thin", Value::None),
    ("verbose", Value::None),
    ("verify", Value::None),
];
/// Short ones, and what they stand for.
const SHORT: [(char, &str); 8] = [
    ('4', "ipv4"),
    ('6', "ipv6"),
    ('d', "delete"),
    ('f', "force"),
    ('n', "dry-run"),
    ('q', "quiet"),
    ('u', "set-upstream"),
    ('v', "verbose"),
];

/// Reads what stands behind `git push`.
pub(super) fn read(arguments: &[String]) -> Vec<Word> {
    let mut read = Vec::new();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        if matches!(word.as_str(), "--" | "--end-of-options") {
            read.extend(rest.by_ref().cloned().map(Word::Operand));
        } else if let Some(long) = word.strip_prefix("--") {
            read.push(read_long(long, &mut rest));
        } else if let Some(cluster) = word.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
            read_cluster(cluster, &mut rest, &mut read);
        } else {
            read.push(Word::Operand(word.clone()));
        }
    }
    read
}

fn read_long<'a>(long: &str, rest: &mut impl Iterator<Item = &'a String>) -> Word {
    let (spelled, given) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
    let Some((name, wants, is_on)) = long_option(spelled) else { return Word::Unknown(format!("--{long}")) };
    let value = match wants {
        Value::Needed if is_on && given.is_none() => rest.next().cloned(),
        _ => given,
    };
    Word::Option { name, is_on, value }
}

fn read_cluster<'a>(cluster: &str, rest: &mut impl Iterator<Item = &'a String>, read: &mut Vec<Word>) {
    for (at, letter) in cluster.char_indices() {
        if letter == 'o' {
            // It ends a cluster: what follows, here or in the next word, is its value.
            let here = cluster.get(at + 1..).filter(|here| !here.is_empty()).map(str::to_owned);
            let value = here.or_else(|| rest.next().cloned());
            read.push(Word::Option { name: "push-option", is_on: true, value });
            return;
        }
        read.push(match SHORT.iter().find(|(short, _)| *short == letter) {
            Some((_, name)) => Word::Option { name, is_on: true, value: None },
            None => Word::Unknown(format!("-{letter}")),
        });
    }
}

/// The option that a word stands for, whether a value follows it, and false for its `--no-` form.
fn long_option(word: &str) -> Option<(&'static str, Value, bool)> {
    let (name, wants, is_on) = match (beginning(word), word.strip_prefix("no-")) {
        (Some((name, wants)), _) => (name, wants, true),
        (None, Some(word)) => beginning(word).map(|(name, wants)| (name, wants, false))?,
        (None, None) => return None,
    };
    Some(if name == "no-verify" { ("verify", wants, !is_on) } else { (name, wants, is_on) })
}

fn beginning(word: &str) -> Option<(&'static str, Value)> {
    let exact = LONG.iter().find(|(name, _)| *name == word);
    let mut begun = LONG.iter().filter(|(name, _)| name.starts_with(word));
    let only = begun.next().filter(|_| begun.next().is_none());
    exact.or(only).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(name: &'static str) -> Word {
        Word::Option { name, is_on: true, value: None }
    }

    fn with(name: &'static str, value: &str) -> Word {
        Word::Option { name, is_on: true, value: Some(value.to_owned()) }
    }

    fn of(line: &str) -> Vec<Word> {
        read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_told_from_the_remote_and_its_refspecs() {
        let operand = |text: &str| Word::Operand(text.to_owned());
        assert_eq!(of("-u origin main"), [on("set-upstream"), operand("origin"), operand("main")]);
        assert_eq!(of("origin -fd x"), [operand("origin"), on("force"), on("delete"), operand("x")]);
        assert_eq!(of("-o ci.skip -oa -fo b"), {
            let [first, second, third] = ["ci.skip", "a", "b"].map(|value| with("push-option", value));
            [first, second, on("force"), third]
        });
        assert_eq!(of("--repo x --exec=y -- -n"), [with("repo", "x"), with("exec", "y"), operand("-n")]);
        assert_eq!(of("-"), [operand("-")]);
    }

    #[test]
    fn beginnings_and_their_opposites_are_understood() {
        let off = |name| Word::Option { name, is_on: false, value: None };
        assert_eq!(
            of("--dry --no-dry --no-verify --verify"),
            [on("dry-run"), off("dry-run"), off("verify"), on("verify")]
        );
        assert_eq!(
            of("--force-with-lease --force-with-l=a:b"),
            [on("force-with-lease"), with("force-with-lease", "a:b")]
        );
        assert_eq!(of("--recurse-submodules no --no-recurse-submodules x").len(), 3);
        assert_eq!(of("--nonsense=1 -x"), [Word::Unknown("--nonsense=1".into()), Word::Unknown("-x".into())]);
    }
}
