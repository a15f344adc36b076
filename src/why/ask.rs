//! From a file to whose its lines are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::attribute::{Candidate, File, Made, attribute};
use super::place::Roots;
use super::trail::{self, Trail};
use super::verdict::{Answer, Attribution, Line, NotKnown, Verdict};
use crate::git::process::GitProgram;
use crate::git::{self, BlameRequest, BlameRun, BlamedCommit, EntryKind, Oid, Repo};
use crate::ledger::{self, Evidence, Ledgers, Link, Match, SessionKey};
use crate::lookup::Lookup;

/// The largest file that is looked at, in bytes.
const LARGEST: u64 = 256 << 20;

/// Some lines of a file, from 1, both included.
pub type Lines = (u32, u32);

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The file, as seen from the folder of [`Why::new`].
    pub file: &'a OsStr,
    /// Only these lines.
    pub lines: Option<Lines>,
    /// The revision; `None` for the file in the work tree, or for `HEAD` where there is none.
    pub rev: Option<&'a str>,
    /// Follow lines that moved within a file.
    pub moves: bool,
    /// Follow lines that came from other files: so many `-C` for git blame.
    pub copies: u8,
}

/// Why nothing can be said at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not in this repository.
    #[error("{} is outside the repository", path.display())]
    Outside {
        /// The file.
        path: PathBuf,
    },
    /// No such file in that revision, or no file.
    #[error("there is no file {} in {rev}", path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
        /// The revision, or "the work tree".
        rev: String,
    },
    /// A line that the file does not have.
    #[error("{} has {} lines, and no line {line}", path.display(), count)]
    NoLine {
        /// The file.
        path: PathBuf,
        /// How many lines it has.
        count: usize,
        /// What was asked for.
        line: u32,
    },
    /// The ledgers cannot be listed.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// git, or the repository.
    #[error(transparent)]
    Git(#[from] git::Error),
}

/// Asks about files of one repository, and remembers the sessions it has read.
pub struct Why<'a> {
    repo: &'a Repo,
    program: &'a GitProgram,
    folder: PathBuf,
    ledgers: &'a Ledgers<'a>,
    lookup: Lookup<'a, 'a>,
    links: HashMap<Oid, Rc<Vec<Tie>>>,
    trails: BTreeMap<SessionKey, Option<Rc<Trail>>>,
    unreadable: Vec<ledger::Error>,
    damaged: Vec<(SessionKey, String)>,
}

/// A session tied to a commit.
#[derive(Debug, Clone)]
struct Tie {
    key: SessionKey,
    evidence: Option<Rc<Evidence>>,
    matched: Match,
}

impl<'a> Why<'a> {
    /// With the sessions of these ledgers. `folder` is where the paths of questions begin, and where `program` starts.
    pub fn new(repo: &'a Repo, program: &'a GitProgram, folder: &Path, ledgers: &'a Ledgers<'a>) -> Self {
        let lookup = Lookup::new(repo, ledgers);
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let (links, trails) = (HashMap::new(), BTreeMap::new());
        let (unreadable, damaged) = (Vec::new(), Vec::new());
        Self { repo, program, folder, ledgers, lookup, links, trails, unreadable, damaged }
    }

    /// Answers.
    ///
    /// # Errors
    /// When there is no such file, revision or line, and when git cannot be run. A session that cannot be read is told
    /// in the answer.
    pub fn ask(&mut self, question: &Question<'_>) -> Result<Answer, Error> {
        let rev = question.rev.or_else(|| self.repo.workdir().is_none().then_some("HEAD"));
        let path = self.path_of(question.file)?;
        let content = self.content(question, rev, &path)?;
        let lines = lines_of(&content);
        if let Some((first, last)) = question.lines {
            let beyond = [first, last].into_iter().find(|line| *line == 0 || *line as usize > lines.len());
            if let Some(line) = beyond {
                return Err(Error::NoLine { path: question.file.into(), count: lines.len(), line });
            }
        }
        let (moves, copies) = (question.moves, question.copies);
        let request = BlameRequest { path: question.file, rev, lines: question.lines, moves, copies };
        let (mut runs, mut commits) = (Vec::new(), BTreeMap::new());
        let program = self.program;
        program.blame(&request, &mut |run, commit| {
            if let Some(oid) = run.commit {
                // While git goes on with the next lines, the sessions behind these are read.
                self.prepare(oid, commit);
                commits.entry(oid).or_insert_with(|| commit.clone());
            }
            runs.push(run);
        })?;
        runs.sort_unstable_by_key(|run| run.line);
        let mut answer = Answer { path, commits, ..Answer::default() };
        answer.lines = lines_in(&runs, &lines);
        self.decide(&mut answer, &lines);
        let keys: BTreeSet<SessionKey> = answer
            .commits
            .keys()
            .filter_map(|commit| self.links.get(commit))
            .flat_map(|ties| ties.iter().map(|tie| tie.key))
            .collect();
        let trail = |key: SessionKey| Some((key, self.trails.get(&key)?.clone()?));
        answer.trails = keys.into_iter().filter_map(trail).collect();
        answer.unreadable = std::mem::take(&mut self.unreadable);
        answer.damaged = std::mem::take(&mut self.damaged);
        Ok(answer)
    }

    /// The sessions behind a commit. One with links of its own needs no looking for what it once was.
    fn sessions_behind(&self, commit: Oid, committed_at: i64) -> Result<Vec<Link>, ledger::Error> {
        let links = self.ledgers.links(commit, Some(committed_at))?;
        if links.is_empty() { self.lookup.behind(commit) } else { Ok(links) }
    }

    /// Looks up the sessions behind a commit, and reads those that were not read yet.
    fn prepare(&mut self, commit: Oid, blamed: &BlamedCommit) {
        if self.links.contains_key(&commit) {
            return;
        }
        let found = self.sessions_behind(commit, blamed.commit_time).unwrap_or_else(|error| {
            self.unreadable.push(error);
            Vec::new()
        });
        let ties: Vec<Tie> = found
            .into_iter()
            .map(|link| Tie { key: link.key, evidence: link.evidence.map(Rc::new), matched: link.matched })
            .collect();
        for tie in &ties {
            if !self.trails.contains_key(&tie.key) {
                let trail = self.read(tie.key);
                self.trails.insert(tie.key, trail);
            }
        }
        self.links.insert(commit, Rc::new(ties));
    }

    fn trail(&self, key: SessionKey) -> Option<&Trail> {
        self.trails.get(&key)?.as_deref()
    }

    fn read(&mut self, key: SessionKey) -> Option<Rc<Trail>> {
        let session = match self.ledgers.session(key) {
            Ok(session) => session?,
            Err(error) => {
                self.unreadable.push(error);
                return None;
            }
        };
        match Trail::read(self.ledgers, session) {
            Ok(trail) => Some(Rc::new(trail)),
            Err(trail::Error::Ledger(error)) => {
                self.unreadable.push(error);
                None
            }
            Err(error) => {
                self.damaged.push((key, chain(&error)));
                None
            }
        }
    }

    /// Says of every committed line whose it is.
    fn decide(&self, answer: &mut Answer, file: &[String]) {
        let file = File::new(file);
        let mut groups: BTreeMap<(Oid, Rc<[u8]>), Vec<usize>> = BTreeMap::new();
        for (place, line) in answer.lines.iter().enumerate() {
            if let Some(commit) = line.commit {
                groups.entry((commit, Rc::clone(&line.path))).or_default().push(place);
            }
        }
        for ((commit, path), places) in groups {
            let Some(ties) = self.links.get(&commit) else { continue };
            let blamed = answer.commits.get(&commit).cloned().unwrap_or_default();
            let mut wrote = Wrote::gather(self, &path, ties);
            let wanted: Vec<usize> =
                places.iter().filter_map(|place| Some(answer.lines.get(*place)?.number as usize - 1)).collect();
            let made = Made { author_time: blamed.author_time, commit_time: blamed.commit_time };
            let mut hits = attribute(&file, &wanted, made, &wrote.candidates());
            if hits.len() < wanted.len() && wrote.add_renamed(self, commit, &path, ties) {
                hits = attribute(&file, &wanted, made, &wrote.candidates());
            }
            let mut verdicts: HashMap<usize, Attribution> =
                hits.into_iter().filter_map(|hit| Some((hit.line, wrote.attribution(&hit)?))).collect();
            for place in places {
                let Some(line) = answer.lines.get_mut(place) else { continue };
                let found = verdicts.remove(&(line.number as usize - 1));
                line.verdict = found.map_or_else(|| wrote.otherwise.clone(), Verdict::Session);
            }
        }
    }

    /// The path from the root of the repository.
    fn path_of(&self, file: &OsStr) -> Result<Vec<u8>, Error> {
        let Some(root) = self.repo.workdir() else { return Ok(file.as_encoded_bytes().to_vec()) };
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let whole = self.folder.join(file);
        let mut path = PathBuf::new();
        for part in whole.components() {
            match part {
                Component::ParentDir => _ = path.pop(),
                Component::CurDir => {}
                part => path.push(part),
            }
        }
        // An absolute path may go through a link; the last part may be one that git tracks.
        let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
        let real = folder.zip(path.file_name()).map(|(folder, name)| folder.join(name));
        let below = path.strip_prefix(&root).ok().map(Path::to_path_buf);
        let below = below.or_else(|| real?.strip_prefix(&root).ok().map(Path::to_path_buf));
        let below = below.ok_or_else(|| Error::Outside { path: file.into() })?;
        let parts: Vec<&[u8]> = below.components().map(|part| part.as_os_str().as_encoded_bytes()).collect();
        Ok(parts.join(&b'/'))
    }

    fn content(&self, question: &Question<'_>, rev: Option<&str>, path: &[u8]) -> Result<Vec<u8>, Error> {
        let none = |rev: &str| Error::NoFile { path: question.file.into(), rev: rev.to_owned() };
        let Some(rev) = rev else {
            let whole = self.folder.join(question.file);
            return fs::read(whole).map_err(|_| none("the work tree"));
        };
        let tree = self.repo.commit(self.repo.rev_parse(rev)?)?.tree;
        let entry = self.repo.lookup(tree, path)?;
        let is_file = |kind| matches!(kind, EntryKind::File | EntryKind::Executable | EntryKind::Link);
        let entry = entry.filter(|entry| is_file(entry.kind)).ok_or_else(|| none(rev))?;
        Ok(self.repo.blob(entry.oid, LARGEST)?)
    }

    /// Whether a commit has a file; where that cannot be told, it has.
    fn has_file(&self, commit: Oid, path: &str) -> bool {
        let tree = self.repo.commit(commit).map(|commit| commit.tree);
        tree.and_then(|tree| self.repo.lookup(tree, path.as_bytes())).map_or(true, |found| found.is_some())
    }
}

/// What the sessions behind a commit wrote to one of its files.
struct Wrote<'t> {
    edits: Vec<Written<'t>>,
    /// Whose a line is that none of them wrote.
    otherwise: Verdict,
}

struct Written<'t> {
    trail: &'t Trail,
    edit: usize,
    is_renamed: bool,
    tie: &'t Tie,
}

impl<'t> Wrote<'t> {
    /// The edits of the file.
    fn gather(why: &'t Why<'_>, path: &[u8], ties: &'t [Tie]) -> Self {
        let path = String::from_utf8_lossy(path);
        let mut edits = Vec::new();
        let mut is_all_known = true;
        for tie in ties {
            let Some(trail) = why.trail(tie.key) else {
                is_all_known = false;
                continue;
            };
            let roots = Roots::of(&trail.edits, &trail.folders, tie.evidence.as_deref());
            let of_file = trail.edits.iter().enumerate().filter(|(_, edit)| roots.inside(&edit.path, &path));
            is_all_known &= of_file.clone().all(|(_, edit)| !edit.is_blind);
            let written = |(edit, _)| Written { trail, edit, is_renamed: false, tie };
            edits.extend(of_file.map(written));
        }
        let otherwise = match (ties.is_empty(), is_all_known, edits.is_empty()) {
            (true, ..) => Verdict::Unknown(NotKnown::NoSession),
            (_, false, _) => Verdict::Unknown(NotKnown::NotAll),
            (.., true) => Verdict::Unknown(NotKnown::NotEdited),
            (.., false) => Verdict::Human,
        };
        Self { edits, otherwise }
    }

    /// Adds the edits of files that the commit has no more, which may be the same one under an older name; whether there
    /// are any.
    fn add_renamed(&mut self, why: &'t Why<'_>, commit: Oid, path: &[u8], ties: &'t [Tie]) -> bool {
        let path = String::from_utf8_lossy(path);
        let extension = |path: &str| Path::new(path).extension().map(OsStr::to_owned);
        let wanted = extension(&path);
        let before = self.edits.len();
        let mut gone: HashMap<String, bool> = HashMap::new();
        for (tie, trail) in ties.iter().filter_map(|tie| Some((tie, why.trail(tie.key)?))) {
            let roots = Roots::of(&trail.edits, &trail.folders, tie.evidence.as_deref());
            let others = trail.edits.iter().enumerate().filter(|(_, edit)| {
                let other = roots.relative(&edit.path).filter(|other| *other != path && extension(other) == wanted);
                other.is_some_and(|other| *gone.entry(other).or_insert_with_key(|other| !why.has_file(commit, other)))
            });
            let written = |(edit, _)| Written { trail, edit, is_renamed: true, tie };
            self.edits.extend(others.map(written));
        }
        self.edits.len() > before
    }

    fn candidates(&self) -> Vec<Candidate<'t>> {
        let edit = |written: &Written<'t>| {
            Some(Candidate { edit: written.trail.edits.get(written.edit)?, is_renamed: written.is_renamed })
        };
        self.edits.iter().filter_map(edit).collect()
    }

    fn attribution(&self, hit: &super::attribute::Hit) -> Option<Attribution> {
        let Written { trail, edit, is_renamed, tie } = self.edits.get(hit.edit)?;
        let link = tie.evidence.clone();
        let confidence = Attribution::weigh(hit, *is_renamed, link.as_deref(), tie.matched);
        Some(Attribution {
            session: trail.session.key,
            edit: *edit,
            sameness: hit.sameness,
            around: hit.around,
            is_renamed: *is_renamed,
            link,
            matched: tie.matched,
            confidence,
        })
    }
}

/// The lines of a text, without their ends.
fn lines_of(content: &[u8]) -> Vec<String> {
    let mut lines: Vec<String> = content
        .split(|byte| *byte == b'\n')
        .map(|line| String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned())
        .collect();
    // After the last line feed there is no line.
    lines.pop_if(|last| last.is_empty());
    lines
}

fn lines_in(runs: &[BlameRun], lines: &[String]) -> Vec<Line> {
    let mut paths: HashMap<&[u8], Rc<[u8]>> = HashMap::new();
    let mut found = Vec::with_capacity(lines.len());
    for run in runs {
        let path = paths.entry(&run.path).or_insert_with(|| Rc::from(run.path.as_slice()));
        let verdict = match run.commit {
            Some(_) => Verdict::Unknown(NotKnown::NoSession),
            None => Verdict::Uncommitted,
        };
        for by in 0..run.count {
            let number = run.line + by;
            let text = lines.get(number as usize - 1).cloned().unwrap_or_default();
            let (commit, path, origin) = (run.commit, Rc::clone(path), run.origin + by);
            found.push(Line { number, text, commit, path, origin, verdict: verdict.clone() });
        }
    }
    found
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push_str(": ");
        said.push_str(&error.to_string());
        cause = error.source();
    }
    said
}
