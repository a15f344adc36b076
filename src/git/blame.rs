//! Which commit each line of a file is from: the user's `git blame`, read as it finds out.
//!
//! It is git's own, and not libgit2's: renames are followed as git follows them, and what the user has set for it
//! (`blame.ignoreRevsFile`) counts.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

use super::process::GitProgram;
use super::{Error, Oid, Result};

/// What is asked.
#[derive(Debug, Clone)]
pub struct BlameRequest<'a> {
    /// The file, as seen from the folder that git starts in.
    pub path: &'a OsStr,
    /// The revision; `None` for the file in the work tree.
    pub rev: Option<&'a str>,
    /// Only these lines, from 1, both included.
    pub lines: Option<(u32, u32)>,
    /// Follow lines that moved within a file (`-M`).
    pub moves: bool,
    /// Follow lines that came from other files: so many `-C`.
    pub copies: u8,
}

/// Lines that stand together in the file, and stood together in the commit they are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlameRun {
    /// The commit; `None` if the lines are not committed.
    pub commit: Option<Oid>,
    /// The path of the file in that commit, exact bytes.
    pub path: Vec<u8>,
    /// The first line in the file of that commit, from 1.
    pub origin: u32,
    /// The first line in the file that was asked for, from 1.
    pub line: u32,
    /// How many lines.
    pub count: u32,
}

/// What git blame says of a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlamedCommit {
    /// Who wrote it.
    pub author: String,
    /// When it was written, in seconds since 1970-01-01T00:00:00Z.
    pub author_time: i64,
    /// When it was committed, in the same way.
    pub commit_time: i64,
    /// The first line of its message.
    pub summary: String,
}

/// The most lines that are read: more of a file is no source.
const MOST_LINES: u32 = 10_000_000;

impl GitProgram {
    /// Blames a file. `sink` gets each run as it is found, in no order of lines, while git goes on.
    ///
    /// # Errors
    /// [`Error::Git`] with git's words: no such file, no such revision, fewer lines.
    pub fn blame(&self, request: &BlameRequest<'_>, sink: &mut dyn FnMut(BlameRun, &BlamedCommit)) -> Result<()> {
        let subject = request.path.to_string_lossy().into_owned();
        let mut reading = Reading::default();
        let command = self.command(arguments(request)).variable("GIT_NO_LAZY_FETCH", "1");
        let finished = command.stream(&mut |bytes| reading.take(bytes, sink));
        let finished = finished.map_err(Error::process("blame", &subject))?;
        let failed = |reason: String| Error::Git { doing: "blame", subject: subject.clone(), reason };
        if !finished.succeeded() {
            let said = finished.stderr.lines().next().unwrap_or_default();
            let said = said.strip_prefix("fatal: ").unwrap_or(said);
            return Err(failed(if said.is_empty() { "git says not why".to_owned() } else { said.to_owned() }));
        }
        if reading.is_odd { Err(failed("git blame says what cannot be understood".to_owned())) } else { Ok(()) }
    }
}

fn arguments(request: &BlameRequest<'_>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> =
        ["blame", "--incremental", "--no-textconv", "--no-progress"].map(Into::into).into();
    if request.moves {
        arguments.push("-M".into());
    }
    arguments.extend(std::iter::repeat_n(OsString::from("-C"), usize::from(request.copies)));
    arguments.extend(request.lines.map(|(first, last)| OsString::from(format!("-L{first},{last}"))));
    // A revision that begins with `-` is none.
    arguments.extend(request.rev.map(|rev| if rev.starts_with('-') { "--".into() } else { rev.into() }));
    arguments.push("--".into());
    arguments.push(request.path.to_owned());
    arguments
}

/// The stream of `git blame --incremental`: a run, then what is new of its commit, `filename` last.
#[derive(Default)]
struct Reading {
    rest: Vec<u8>,
    run: Option<BlameRun>,
    commits: HashMap<Option<Oid>, BlamedCommit>,
    is_odd: bool,
}

impl Reading {
    fn take(&mut self, bytes: &[u8], sink: &mut dyn FnMut(BlameRun, &BlamedCommit)) {
        self.rest.extend_from_slice(bytes);
        let Some(end) = memchr::memrchr(b'\n', &self.rest) else { return };
        let after = self.rest.split_off(end + 1);
        let whole = std::mem::replace(&mut self.rest, after);
        for line in whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.line(line, sink);
        }
    }

    fn line(&mut self, line: &[u8], sink: &mut dyn FnMut(BlameRun, &BlamedCommit)) {
        let Some(run) = &mut self.run else {
            self.run = run_of(line);
            self.is_odd |= self.run.is_none();
            return;
        };
        let (key, value) = match line.iter().position(|byte| *byte == b' ') {
            Some(at) => line.split_at_checked(at).unwrap_or((line, &[])),
            None => (line, [].as_slice()),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let commit = self.commits.entry(run.commit).or_default();
        match key {
            b"author" => commit.author = String::from_utf8_lossy(value).into_owned(),
            b"author-time" => commit.author_time = number(value).unwrap_or_default(),
            b"committer-time" => commit.commit_time = number(value).unwrap_or_default(),
            b"summary" => commit.summary = String::from_utf8_lossy(value).into_owned(),
            b"filename" => {
                run.path = unquoted(value);
                if let Some(run) = self.run.take() {
                    sink(run, commit);
                }
            }
            _ => {}
        }
    }
}

/// `<commit> <line there> <line here> <count>`
fn run_of(line: &[u8]) -> Option<BlameRun> {
    let text = str::from_utf8(line).ok()?;
    let mut words = text.split(' ');
    let commit = Oid::from_hex_or_zero(words.next()?).ok()?;
    let mut next = || words.next()?.parse::<u32>().ok().filter(|number| *number <= MOST_LINES);
    let (origin, line, count) = (next()?, next()?, next()?);
    (origin > 0 && line > 0).then_some(BlameRun { commit, path: Vec::new(), origin, line, count })
}

fn number(bytes: &[u8]) -> Option<i64> {
    str::from_utf8(bytes).ok()?.parse().ok()
}

/// A path as git quotes it where it holds what would break the line: `"a\tb"`, `"gr\303\274n"`.
fn unquoted(path: &[u8]) -> Vec<u8> {
    let Some(inner) = path.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else { return path.to_vec() };
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            plain.push(byte);
            continue;
        }
        match bytes.next() {
            Some(first @ b'0'..=b'7') => {
                let mut code = u32::from(first - b'0');
                for _ in 0..2 {
                    if let Some(digit) = bytes.next_if(|byte| matches!(byte, b'0'..=b'7')) {
                        code = code * 8 + u32::from(digit - b'0');
                    }
                }
                plain.push(u8::try_from(code & 0xff).unwrap_or_default());
            }
            Some(letter) => plain.push(match letter {
                b'a' => 7,
                b'b' => 8,
                b't' => b'\t',
                b'n' => b'\n',
                b'v' => 11,
                b'f' => 12,
                b'r' => b'\r',
                other => other,
            }),
            None => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::testing::Sandbox;
    use super::*;

    fn blamed(program: &GitProgram, request: &BlameRequest<'_>) -> Result<Vec<(BlameRun, BlamedCommit)>> {
        let mut found = Vec::new();
        program.blame(request, &mut |run, commit| found.push((run, commit.clone())))?;
        found.sort_by_key(|(run, _)| run.line);
        Ok(found)
    }

    fn of<'a>(path: &'a str, rev: Option<&'a str>) -> BlameRequest<'a> {
        BlameRequest { path: OsStr::new(path), rev, lines: None, moves: false, copies: 0 }
    }

    fn program(sandbox: &Sandbox, folder: &Path) -> GitProgram {
        GitProgram::new(&sandbox.environment(&[]), folder)
    }

    #[test]
    fn every_line_has_its_commit_its_path_there_and_its_number_there() {
        let sandbox = Sandbox::new();
        sandbox.write("dir/grün \"x\".txt", b"one\ntwo\n");
        let first = sandbox.commit_at("first\n\nbody", 1_700_000_000);
        sandbox.git(&["mv", "dir/grün \"x\".txt", "new.txt"]);
        sandbox.write("new.txt", b"zero\none\ntwo\n");
        let second = sandbox.commit_at("second", 1_700_000_060);
        sandbox.write("new.txt", b"zero\none\nTWO\n");
        let here = program(&sandbox, &sandbox.path());
        let found = blamed(&here, &of("new.txt", None)).expect("it can be blamed");
        let runs: Vec<_> = found.iter().map(|(run, _)| (run.commit, run.origin, run.line, run.count)).collect();
        assert_eq!(runs, [(Some(second), 1, 1, 1), (Some(first), 1, 2, 1), (None, 3, 3, 1)]);
        assert_eq!(String::from_utf8_lossy(&found[1].0.path), "dir/grün \"x\".txt");
        assert_eq!((found[1].1.summary.as_str(), found[1].1.commit_time), ("first", 1_700_000_000));
        let committed = blamed(&here, &of("new.txt", Some("HEAD"))).expect("it can be blamed");
        assert_eq!(committed.iter().map(|(run, _)| run.count).sum::<u32>(), 3);
        assert!(committed.iter().all(|(run, _)| run.commit.is_some()));
        let some = BlameRequest { lines: Some((2, 2)), ..of("new.txt", Some("HEAD")) };
        assert_eq!(blamed(&here, &some).expect("it can be blamed").len(), 1);
    }

    #[test]
    fn what_cannot_be_blamed_is_said_in_gits_words() {
        let sandbox = Sandbox::new();
        sandbox.commit_file("a", "1\n");
        let here = program(&sandbox, &sandbox.path());
        for (request, word) in [
            (of("gone", None), "gone"),
            (of("a", Some("nowhere")), "nowhere"),
            (of("a", Some("--output=x")), "a"),
            (BlameRequest { lines: Some((7, 9)), ..of("a", None) }, "1 line"),
        ] {
            let error = blamed(&here, &request).expect_err("it cannot be blamed").to_string();
            assert!(error.starts_with("cannot blame ") && error.contains(word), "{error}");
        }
        assert!(!sandbox.path().join("x").exists());
    }

    #[test]
    fn a_stream_is_read_wherever_it_is_cut() {
        let stream = "1111111111111111111111111111111111111111 3 1 2\nauthor Ann\nauthor-time 5\ncommitter-time 6\n\
                      summary say\nboundary\nfilename \"a\\tb\\303\\274\"\n\
                      1111111111111111111111111111111111111111 9 3 1\nfilename c\n";
        for cut in 0..stream.len() {
            let (mut reading, mut found) = (Reading::default(), Vec::new());
            for part in [&stream.as_bytes()[..cut], &stream.as_bytes()[cut..]] {
                reading.take(part, &mut |run, commit| found.push((run.path, run.line, commit.clone())));
            }
            let commit = BlamedCommit { author: "Ann".into(), author_time: 5, commit_time: 6, summary: "say".into() };
            assert_eq!(found, [("a\tbü".into(), 1, commit.clone()), (b"c".to_vec(), 3, commit)]);
            assert!(!reading.is_odd);
        }
    }
}
