//! The person: home folder and user name, made neutral where they stand in paths.
//!
//! - The person's home becomes `~` where a path begins with it: `/home/ann/x`, `C:\Users\ann\x`,
//!   `/c/Users/ann/x`, `file:///home/ann/x`, `%2Fhome%2Fann%2Fx`, with its separators escaped any
//!   number of times, and `-home-ann-x` as agents name their folders. What follows it stays, so that
//!   paths stay unique and readable.
//! - The name in any other home becomes `user`: the person's own (`/mnt/backup/home/ann`) and that of
//!   others (`/Users/bob/x` is `/Users/user/x`), but not the names that name nobody (`runner`, `shared`).
//! - The name alone becomes `user` only in the places of a terminal that can be nothing else: the owner
//!   in `ls -l`, `USER=ann`, `ann@host:~$`. In prose a name is left alone: it may be a word.
//!
//! A home of one component (`/`, `/root`, `/app`) names nobody unless it is the user's name.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::paths::{begins_path, drive_start, ends_part, is_drive, is_name, separator, separator_before};
use super::rules::{Find, Rule, index_of};
use super::scan::{By, Scan};
use super::terminal::{is_alone, is_in_terminal};
use super::text::{at, before, has, run_end, slice, word_starts};

/// Whose sessions these are.
///
/// Folders that are no absolute path, and empty names, are left out of account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The home folder.
    pub home: Option<PathBuf>,
    /// The name of the account.
    pub user: Option<String>,
    /// Other spellings of the home folder: where a link leads, what it is in a container.
    pub other_homes: Vec<PathBuf>,
    /// Other names of the account: on another machine, an earlier one.
    pub other_users: Vec<String>,
}

pub(super) const HOME: Rule = Rule {
    id: "home",
    description: "the person's home folder, which becomes `~`",
    hits: &[],
    misses: &[],
    literals: &[],
    find: Find::Elsewhere,
};

pub(super) const USER: Rule = Rule {
    id: "user",
    description: "a person's name in a path or in a listing, which becomes `user`",
    hits: &[],
    misses: &[],
    literals: &[],
    find: Find::Elsewhere,
};

/// Names that name nobody.
const NOBODY: &str = "\
    user users username user-name name me you someone root admin administrator runner runneradmin ubuntu \
    debian fedora ec2-user azureuser vagrant vscode codespace gitpod node app appuser git jenkins circleci \
    travis docker dev developer test tester guest nobody shared public default all linuxbrew sandbox oai agent \
    claude codex jovyan coder build builder ci deploy www your-name yourname your_name your-username \
    yourusername youruser pi";

/// A home folder, taken apart.
#[derive(Debug)]
struct Home {
    /// Of a Windows path.
    drive: Option<u8>,
    parts: Vec<String>,
    /// Which part is looked for: the longest, of those of equal length the last.
    sign: usize,
    /// The folder's name where agents keep its sessions: every sign is a `-`.
    slug: String,
}

/// What a literal of a person's stands for.
#[derive(Debug, Clone, Copy)]
enum Sign {
    /// A part of a home.
    Home(usize),
    Slug,
    /// The folder that homes are in.
    Homes,
    Name,
}

/// The people to be made neutral.
#[derive(Debug)]
pub(super) struct People {
    homes: Vec<Home>,
    names: Vec<String>,
    signs: Vec<(String, Sign)>,
    home: usize,
    user: usize,
}

impl People {
    pub(super) fn new(person: &Person) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut homes = Vec::new();
        let given =
            person.user.iter().chain(&person.other_users).map(|name| name.trim().to_owned()).collect::<Vec<_>>();
        for folder in person.home.iter().chain(&person.other_homes) {
            if let Some(home) = Home::new(folder, &given) {
                if home.is_under_homes() {
                    names.extend(home.parts.last().cloned());
                }
                homes.push(home);
            }
        }
        names.extend(given);
        names.sort();
        names.dedup();
        names.retain(|name| name.len() > 1 && !is_nobody(name.as_bytes()) && !name.contains(['/', '\\', '\n']));
        let mut signs: Vec<(String, Sign)> =
            ["home", "users", "documents and settings", "media"].map(|homes| (homes.to_owned(), Sign::Homes)).into();
        for (index, home) in homes.iter().enumerate() {
            signs.extend(home.parts.get(home.sign).map(|part| (part.clone(), Sign::Home(index))));
            if home.slug.len() > 4 {
                signs.push((home.slug.clone(), Sign::Slug));
            }
        }
        signs.extend(names.iter().map(|name| (name.clone(), Sign::Name)));
        Self { homes, names, signs, home: index_of(HOME.id), user: index_of(USER.id) }
    }

    /// What the automaton has to notice.
    pub(super) fn literals(&self) -> impl Iterator<Item = &str> {
        self.signs.iter().map(|(literal, _)| literal.as_str())
    }

    /// Looks at the text around a literal.
    pub(super) fn find(&self, scan: &mut Scan<'_>, literal: usize, range: Range<usize>) {
        let bytes = scan.bytes;
        match self.signs.get(literal) {
            Some((_, Sign::Home(index))) => {
                let found = self.homes.get(*index).and_then(|home| home.around(bytes, &range));
                if let Some(found) = found {
                    scan.push(self.home, found, By::Home);
                }
            }
            Some((_, Sign::Slug)) => {
                // `-root-` alone may be an option; in a path it is a folder's name.
                let has_more = slice(bytes, range.start + 1, range.end).contains(&b'-');
                let begins = match before(bytes, range.start) {
                    b'/' | b'\\' => true,
                    previous => has_more && previous != b'-' && word_starts(bytes, range.start),
                };
                if begins && !at(bytes, range.end).is_ascii_alphanumeric() {
                    scan.push(self.home, range, By::Home);
                }
            }
            Some((_, Sign::Homes)) => {
                let name = self.name_in_homes(bytes, &range);
                if let Some(name) = name {
                    scan.push(self.user, name, By::User);
                }
            }
            Some((name, Sign::Name)) => {
                let is_name = slice(bytes, range.start, range.end) == name.as_bytes() && is_alone(bytes, &range);
                if is_name && is_in_terminal(bytes, &range) {
                    scan.push(self.user, range, By::User);
                }
            }
            None => {}
        }
    }

    /// The name of a person after a folder of homes.
    fn name_in_homes(&self, bytes: &[u8], folder: &Range<usize>) -> Option<Range<usize>> {
        let lead = separator_before(bytes, folder.start);
        if lead == 0 {
            return slug_name(bytes, folder);
        }
        let start = folder.end + separator(bytes, folder.end);
        if start == folder.end {
            return None;
        }
        let is_own = |name: &&String| has(bytes, start, name.as_bytes()) && ends_part(bytes, start + name.len());
        if let Some(own) = self.names.iter().find(is_own) {
            return Some(start..start + own.len());
        }
        let end = run_end(slice(bytes, 0, start + 64), start, is_name);
        let is_windows = at(bytes, folder.end) == b'\\' && is_drive(bytes, folder.start - lead);
        let end = if is_windows { spaced_name(bytes, end) } else { end };
        let name = slice(bytes, start, end);
        let is_deeper = separator(bytes, end) > 0;
        let is_home = match at(bytes, folder.start) {
            // Web applications have a /home, too: only with more of a path behind it.
            b'h' => {
                is_deeper
                    && begins_path(bytes, folder.start - lead)
                    && slice(bytes, folder.start, folder.end) == b"home"
            }
            b'U' | b'D' => {
                is_windows || begins_path(bytes, folder.start - lead) || is_drive(bytes, folder.start - lead)
            }
            _ => false,
        };
        let is_somebody = name.len() > 1
            && !is_nobody(name)
            && at(name, 0).is_ascii_alphanumeric()
            && ends_part(bytes, end)
            && !name.ends_with(b".");
        (is_home && is_somebody).then_some(start..end)
    }
}

impl Home {
    fn new(folder: &Path, users: &[String]) -> Option<Self> {
        let text = folder.to_str()?.trim_end_matches(['/', '\\']);
        let (drive, rest) = match text.as_bytes() {
            [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic() => {
                (Some(drive.to_ascii_lowercase()), text.get(2..)?)
            }
            [b'/', ..] => (None, text),
            _ => return None,
        };
        let separators: &[char] = if drive.is_some() { &['/', '\\'] } else { &['/'] };
        let parts: Vec<String> =
            rest.split(separators).filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect();
        if parts.iter().any(|part| part == "..") {
            return None;
        }
        let is_named = parts.last().is_some_and(|last| last == "root" || users.iter().any(|user| user == last));
        if parts.is_empty() || (parts.len() == 1 && !is_named) {
            return None;
        }
        let sign = parts.iter().enumerate().max_by_key(|(_, part)| part.len()).map_or(0, |(index, _)| index);
        let slug = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        Some(Self { drive, parts, sign, slug })
    }

    /// Whether the last part is a person's name.
    fn is_under_homes(&self) -> bool {
        self.parts.len() > 1
            && self
                .parts
                .iter()
                .rev()
                .nth(1)
                .is_some_and(|parent| parent.eq_ignore_ascii_case("home") || parent.eq_ignore_ascii_case("users"))
    }

    /// The whole home around its part at `range`, if a path begins with it there.
    fn around(&self, bytes: &[u8], range: &Range<usize>) -> Option<Range<usize>> {
        let (head, tail) = (self.parts.get(..self.sign)?, self.parts.get(self.sign + 1..)?);
        let is_same = |from: usize, part: &str| {
            let text = slice(bytes, from, from + part.len());
            if self.drive.is_some() { text.eq_ignore_ascii_case(part.as_bytes()) } else { text == part.as_bytes() }
        };
        if !is_same(range.start, self.parts.get(self.sign)?) {
            return None;
        }
        let mut end = range.end;
        for part in tail {
            let from = end + separator(bytes, end);
            if from == end || !is_same(from, part) {
                return None;
            }
            end = from + part.len();
        }
        let mut start = range.start;
        for part in head.iter().rev() {
            let part_end = start - separator_before(bytes, start);
            let from = part_end.checked_sub(part.len())?;
            if part_end == start || !is_same(from, part) {
                return None;
            }
            start = from;
        }
        let root = start - separator_before(bytes, start);
        if root == start || !ends_part(bytes, end) {
            return None;
        }
        let start = match self.drive {
            None => begins_path(bytes, root).then_some(root)?,
            Some(drive) => drive_start(bytes, root, drive)?,
        };
        Some(start..end)
    }
}

fn is_nobody(name: &[u8]) -> bool {
    static NAMES: LazyLock<Vec<&[u8]>> = LazyLock::new(|| NOBODY.split_ascii_whitespace().map(str::as_bytes).collect());
    NAMES.iter().any(|nobody| name.eq_ignore_ascii_case(nobody))
}

/// The rest of a name with blanks in it, as Windows has them: up to the next backslash.
fn spaced_name(bytes: &[u8], end: usize) -> usize {
    let last = run_end(slice(bytes, 0, end + 32), end, |byte| is_name(byte) || byte == b' ');
    if at(bytes, last) == b'\\' && at(bytes, end) == b' ' { last } else { end }
}

/// The name in a folder of an agent's that is named after another one: `-Users-bob-work`.
fn slug_name(bytes: &[u8], folder: &Range<usize>) -> Option<Range<usize>> {
    let lead = folder.start.checked_sub(1).filter(|&lead| at(bytes, lead) == b'-')?;
    let is_folder = matches!(slice(bytes, folder.start, folder.end), b"home" | b"Users");
    let is_first = matches!(before(bytes, lead), b'/' | b'\\' | b'"' | b'\'' | b'`')
        || slice(bytes, lead.saturating_sub(2), lead).first().is_some_and(u8::is_ascii_alphabetic)
            && before(bytes, lead) == b'-';
    if !is_folder || !is_first || at(bytes, folder.end) != b'-' {
        return None;
    }
    let start = folder.end + 1;
    let end = run_end(slice(bytes, 0, start + 64), start, |byte| byte.is_ascii_alphanumeric());
    (end > start + 1 && at(bytes, end) == b'-' && !is_nobody(slice(bytes, start, end))).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::super::{Findings, Redactor};
    use super::*;

    fn neutral(person: &Person, text: &str) -> String {
        Redactor::new(person).text(text, &mut Findings::new()).into_owned()
    }

    fn unix(home: &str, user: &str) -> Person {
        Person { home: Some(home.into()), user: Some(user.into()), ..Person::default() }
    }

    #[track_caller]
    fn check(person: &Person, pairs: &[(&str, &str)]) {
        let redactor = Redactor::new(person);
        for (text, expected) in pairs {
            let once = redactor.text(text, &mut Findings::new()).into_owned();
            assert_eq!(&once, expected, "{text}");
            assert_eq!(redactor.text(&once, &mut Findings::new()), once, "{text} twice");
        }
    }

    #[test]
    fn the_home_becomes_a_tilde_where_a_path_begins_with_it() {
        check(
            &unix("/home/ann", "ann"),
            &[
                ("/home/ann", "~"),
                ("/home/ann/", "~/"),
                ("cd /home/ann/work/app && ls", "cd ~/work/app && ls"),
                ("see /home/ann.", "see ~."),
                (
                    "HOME=/home/ann\nPATH=/home/ann/bin:/usr/bin:/home/ann/.cargo/bin",
                    "HOME=~\nPATH=~/bin:/usr/bin:~/.cargo/bin",
                ),
                ("\"/home/ann/x\" '/home/ann/y' `/home/ann/z` (/home/ann/w)", "\"~/x\" '~/y' `~/z` (~/w)"),
                (r"\n/home/ann/x\n", r"\n~/x\n"),
                (r#"{"cwd":"\/home\/ann\/x"}"#, r#"{"cwd":"~\/x"}"#),
                ("file:///home/ann/x", "file://~/x"),
                ("%2Fhome%2Fann%2Fx", "~%2Fx"),
                ("cc -I/home/ann/include", "cc -I~/include"),
                ("rsync host:/home/ann/x", "rsync host:~/x"),
                ("\u{1b}[34m/home/ann/x\u{1b}[0m", "\u{1b}[34m~/x\u{1b}[0m"),
                ("~/.claude/projects/-home-ann-work-app/x.jsonl", "~/.claude/projects/~-work-app/x.jsonl"),
                ("/home/ann→ /home/ann… /home/ann，x", "~→ ~… ~，x"),
            ],
        );
    }

    #[test]
    fn what_only_looks_like_the_home_is_left_alone() {
        check(
            &unix("/home/ann", "ann"),
            &[
                ("/home/anna /home/annex/x /home/ann-x /home/ann_x", "/home/anna /home/user/x /home/ann-x /home/ann_x"),
                ("/home/änn /home/annä", "/home/änn /home/annä"),
                ("https://example.com/home/page", "https://example.com/home/page"),
                ("ann planned an annotation; Ann said so, ann", "ann planned an annotation; Ann said so, ann"),
                ("src/ann/mod.rs -ann- ann.rs", "src/ann/mod.rs -ann- ann.rs"),
                (
                    "mail ann@example.com or git@example.com:ann/app.git",
                    "mail ann@example.com or git@example.com:ann/app.git",
                ),
            ],
        );
    }

    #[test]
    fn the_name_becomes_user_where_it_stands_for_the_person() {
        check(
            &unix("/home/ann", "ann"),
            &[
                ("/mnt/backup/home/ann/x", "/mnt/backup/home/user/x"),
                ("/home/ann/home/ann/x", "~/home/user/x"),
                ("https://example.com/home/ann", "https://example.com/home/user"),
                ("drwxr-xr-x 2 ann ann 4096 Jan  1 00:00 ann", "drwxr-xr-x 2 user user 4096 Jan  1 00:00 ann"),
                ("  12→-rw-r--r--@ 1 ann  staff  9 Jan  1 00:00 a", "  12→-rw-r--r--@ 1 user  staff  9 Jan  1 00:00 a"),
                ("-rw-r--r-- ann/ann 12 2026-01-01 a", "-rw-r--r-- user/user 12 2026-01-01 a"),
                ("USER=ann\nLOGNAME=ann\nNAME=ann", "USER=user\nLOGNAME=user\nNAME=ann"),
                ("ann@host:~/app$ ls", "user@host:~/app$ ls"),
            ],
        );
    }

    #[test]
    fn the_homes_of_others_are_made_neutral_and_those_of_nobody_left_alone() {
        check(
            &unix("/home/ann", "ann"),
            &[
                ("/Users/bob/x /Users/bob", "/Users/user/x /Users/user"),
                ("/home/bob/x", "/home/user/x"),
                // A web application may have this page.
                ("/home/settings", "/home/settings"),
                (
                    "/home/runner/work /Users/Shared/x /home/user/x /Users/runner/x",
                    "/home/runner/work /Users/Shared/x /home/user/x /Users/runner/x",
                ),
                (r"C:\Users\Bob Lee\x", r"C:\Users\user\x"),
                (r"c:\\Users\\bob\\x", r"c:\\Users\\user\\x"),
                (
                    "C:/Users/bob/x /c/Users/bob/x /mnt/c/Users/bob/x",
                    "C:/Users/user/x /c/Users/user/x /mnt/c/Users/user/x",
                ),
                ("/home/$USER/x /home/<name>/x /Users/{id}", "/home/$USER/x /home/<name>/x /Users/{id}"),
                ("~/.claude/projects/-Users-bob-work/x", "~/.claude/projects/-Users-user-work/x"),
                ("GET /users/bob", "GET /users/bob"),
            ],
        );
    }

    #[test]
    fn a_windows_home_is_found_in_all_its_spellings() {
        check(
            &unix(r"C:\Users\Ann Lee", "ann"),
            &[
                (r"C:\Users\Ann Lee\x", r"~\x"),
                (r"c:\users\ann lee\x", r"~\x"),
                (r"C:\\Users\\Ann Lee\\x", r"~\\x"),
                ("C:/Users/Ann Lee/x", "~/x"),
                ("/c/Users/Ann Lee/x /mnt/c/Users/Ann Lee/x", "~/x ~/x"),
                ("file:///c%3A/Users/Ann Lee/x", "file:///~/x"),
                ("C--Users-Ann-Lee-work", "~-work"),
            ],
        );
    }

    #[test]
    fn a_home_that_names_nobody_mangles_nothing() {
        for home in ["", "/", "relative/home", "home", ".", "/app", "/home", "/Users", "/a/..", "C:"] {
            for text in
                ["/app/src/main.rs", "/", "a/b //c", "relative/home", "/home", "/Users", "/a", "C:/x", "- home -"]
            {
                assert_eq!(neutral(&unix(home, ""), text), text, "{home}");
            }
        }
    }

    #[test]
    fn root_at_home_mangles_no_text() {
        check(
            &unix("/root", "root"),
            &[
                ("cd /root/app", "cd ~/app"),
                ("/root", "~"),
                ("the root of /rooted/tree and /srv/root/x", "the root of /rooted/tree and /srv/root/x"),
                ("drwx------ 2 root root 4096 Jan  1 00:00 x", "drwx------ 2 root root 4096 Jan  1 00:00 x"),
                ("ls -root- --root /", "ls -root- --root /"),
            ],
        );
    }

    #[test]
    fn a_user_whose_name_is_a_word_mangles_no_text() {
        for name in ["test", "main", "src", "user", "a", "ab"] {
            let person = unix(&format!("/home/{name}"), name);
            for text in [
                "run the main test of the user in src/main.rs",
                "src/test/main/a/ab.rs",
                "test: main, user = src",
                "fn main() { test(a, ab) }",
            ] {
                assert_eq!(neutral(&person, text), text, "{name}");
            }
            assert_eq!(neutral(&person, &format!("/home/{name}/x")), "~/x");
        }
    }

    #[test]
    fn homes_outside_the_usual_folders_are_found_too() {
        check(
            &Person {
                home: Some("/tmp/z".into()),
                other_homes: vec!["/data/people/ann.lee".into(), "/var/home/ann/".into()],
                other_users: vec!["alee".into()],
                ..Person::default()
            },
            &[
                ("/tmp/z/.claude /tmp/zz /tmp/z", "~/.claude /tmp/zz ~"),
                ("/data/people/ann.lee/x", "~/x"),
                ("projects/-data-people-ann-lee-x", "projects/~-x"),
                ("/var/home/ann/x /home/ann/x", "~/x /home/user/x"),
                ("/Users/alee", "/Users/user"),
            ],
        );
    }
}
