//! What was named on the command line, where an address may stand for a session.

use std::rc::Rc;

use git_opensession::browse::{self, Browser, Found, Subject};
use git_opensession::git::process::GitProgram;
use git_opensession::git::{self, Config, Repo, Signature};
use git_opensession::source::{Here, Sources};
use git_opensession::store::Stores;
use git_opensession::uri::{Source, Uri};

use super::{shown, work};
use crate::context::Context;
use crate::report::{Failure, Sharing};

/// The address that a text is, if it is meant as one.
///
/// # Errors
/// When it is meant as one and is none, or is that of something else than a session.
pub fn source(text: &str) -> Result<Option<Source>, Failure> {
    if !Uri::is_meant(text) {
        return Ok(None);
    }
    match text.parse::<Uri>() {
        Ok(Uri::Source(source)) => Ok(Some(source)),
        Ok(uri @ Uri::Artifact(_)) => Err(Sharing::Artifact { uri: uri.to_string() }.into()),
        Err(error) => Err(Sharing::BadUri { text: text.to_owned(), error }.into()),
    }
}

/// What is needed to read addresses, in a repository or out of one.
pub struct Reading {
    pub stores: Stores,
    pub here: Option<(Rc<Repo>, Config)>,
    program: GitProgram,
    signature: Signature,
}

impl Reading {
    /// Of the current folder.
    ///
    /// # Errors
    /// When a store, or the repository that one is in, cannot be used.
    pub fn new(context: &Context) -> Result<Self, Failure> {
        let repo = match context.repo() {
            Ok(repo) => Some(repo),
            Err(Failure::Git(git::Error::NotARepository { .. })) => None,
            Err(failure) => return Err(failure),
        };
        let stores = Stores::open(repo.clone(), &context.git_environment)?;
        let here = match repo {
            Some(repo) => {
                let config = context.config(&repo)?;
                Some((repo, config))
            }
            None => None,
        };
        let program = GitProgram::new(&context.git_environment, &context.cwd);
        let outside = Config::default();
        let config = here.as_ref().map_or(&outside, |(_, config)| config);
        let identity = config.committer(&context.git_environment);
        let signature = Signature { identity, time: context.now.seconds(), offset: 0 };
        Ok(Self { stores, here, program, signature })
    }

    /// The text of a session, verified.
    ///
    /// # Errors
    /// When it is nowhere, or not what its address says.
    pub fn read(&self, context: &Context, source: &Source) -> Result<Vec<u8>, Failure> {
        let (program, signature) = (&self.program, &self.signature);
        let here = self.here.as_ref().map(|(repo, config)| Here { repo, config, program, signature });
        let (environment, prompts) = (&context.git_environment, work::prompts(context));
        let sources = Sources { stores: &self.stores, here, environment, prompts };
        let _progress = context.talk.progress("Reading the session");
        Ok(sources.read(source)?)
    }
}

/// What a text names that is no address.
///
/// # Errors
/// When it names nothing, or is the beginning of several sessions' names: then `verb` is offered for each.
pub fn resolve(browser: &Browser<'_>, asked: &str, verb: &'static str) -> Result<Subject, Failure> {
    browser.resolve(asked).map_err(|error| match error {
        browse::Error::Ambiguous { text, candidates } => {
            Failure::Ambiguous { text, sessions: candidates, verb, rest: Vec::new() }
        }
        error => error.into(),
    })
}

/// The one session that is behind a text that is no address.
///
/// # Errors
/// When there is none, or several, or it cannot be read.
pub fn only_session(
    context: &Context,
    repo: &Repo,
    browser: &Browser<'_>,
    asked: &str,
    verb: &'static str,
) -> Result<Found, Failure> {
    let subject = resolve(browser, asked, verb)?;
    let mut findings = browser.behind(&subject)?;
    let unreadable = shown::warn_unreadable(&context.talk, browser, &findings);
    let what = || shown::subject(repo, &subject);
    match (findings.found.pop(), findings.found.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) if unreadable > 0 => Err(Failure::NothingReadable { what: what() }),
        (None, _) => Err(Failure::NoSession { asked: asked.to_owned(), what: what() }),
        (Some(last), false) => {
            findings.found.push(last);
            let sessions = findings.found.iter().map(|found| found.session.key).collect();
            Err(Failure::Several { what: what(), sessions, verb, rest: Vec::new() })
        }
    }
}
