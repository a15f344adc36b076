//! What a command may know of the process it runs in, looked up once and handed in as values.

use std::cell::Cell;
use std::env;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;

use git_opensession::agents::Environment;
use git_opensession::git::{Config, GitEnvironment, Repo};
use git_opensession::redaction::Person;
use git_opensession::session::Timestamp;
use git_opensession::settings;
use git_opensession::view::Palette;

use crate::cli::{Global, Program};
use crate::report::{Failure, committed};
use crate::terminal::{ColourChoice, ColourConfig, Output, Talk, Terminals};

/// The world of a command.
pub struct Context {
    /// The home folder and the environment variables.
    pub environment: Environment,
    /// The same, for git.
    pub git_environment: GitEnvironment,
    /// The repository of the current folder, if it is in one that can be used.
    repo: Option<Rc<Repo>>,
    /// The current folder, after `-C`.
    pub cwd: PathBuf,
    /// The moment at which it began.
    pub now: Timestamp,
    /// stdout.
    pub out: Output,
    /// stderr.
    pub talk: Talk,
    /// Whether it was told what of the committed file does not count.
    has_warned: Cell<bool>,
}

impl Context {
    /// Of this process, as the global options want it.
    ///
    /// # Errors
    /// When the folder of `-C` cannot be entered, or the clock is set to nonsense.
    pub fn new(global: &Global, program: &Program, environment: Environment) -> Result<Self, Failure> {
        let cwd = enter(global.directory.as_ref())?;
        let now = now(&environment)?;
        let git_environment =
            GitEnvironment { home: environment.home.clone(), variables: environment.variables.clone() };
        let repo = Repo::open(&cwd, &git_environment).ok().map(Rc::new);
        let config = match &repo {
            Some(repo) => repo.config(&git_environment),
            None => Config::outside(&git_environment),
        };
        // A configuration that does not parse is for the verbs that need it to complain about.
        let config = config.unwrap_or_default();
        let colours = ColourConfig::read(&config);
        let terminals = Terminals::detect();
        let choice = ColourChoice::resolve(global.color, &environment, &colours);
        let palette = |is_terminal| {
            if choice.is_on(is_terminal, &environment) { colours.palette() } else { Palette::plain() }
        };
        let shown = program.shown().to_owned();
        let talk = Talk::new(terminals, &environment, palette(terminals.stderr), shown, global.quiet);
        let may_page = !global.no_pager && config.get_bool("pager.opensession").ok().flatten() != Some(false);
        let out = Output::new(terminals, &environment, palette(terminals.stdout), now, may_page);
        Ok(Self { environment, git_environment, repo, cwd, now, out, talk, has_warned: Cell::new(false) })
    }

    /// The repository of the current folder.
    ///
    /// # Errors
    /// Why there is none that can be used.
    pub fn repo(&self) -> Result<Rc<Repo>, Failure> {
        match &self.repo {
            Some(repo) => Ok(Rc::clone(repo)),
            None => Ok(Rc::new(Repo::open(&self.cwd, &self.git_environment)?)),
        }
    }

    /// The settings that hold in a repository: git's configuration, and below it what the committed file may say.
    ///
    /// # Errors
    /// When git's configuration cannot be read. What does not count in the committed file is a warning, once.
    pub fn config(&self, repo: &Repo) -> Result<Config, Failure> {
        let settings::Reading { config, problems } = settings::read(repo, &self.git_environment)?;
        if !self.has_warned.replace(true) {
            committed::warn(&self.talk, &problems);
        }
        Ok(config)
    }

    /// The person whose sessions these are: who runs this program.
    pub fn person(&self) -> Person {
        let home = self.environment.home.clone();
        let real = home.as_ref().and_then(|home| home.canonicalize().ok());
        let other_homes = real.into_iter().filter(|real| Some(real) != home.as_ref()).collect();
        let mut users = ["USER", "LOGNAME", "USERNAME"]
            .into_iter()
            .filter_map(|name| self.environment.variable(name).and_then(|user| user.to_str()).map(str::to_owned));
        let user = users.next();
        let other_users = users.filter(|other| Some(other) != user.as_ref()).collect();
        Person { home, user, other_homes, other_users }
    }

    /// Puts git's pager in front of the output that follows.
    pub fn page(&mut self) {
        self.out.page(&self.environment);
    }
}

/// The environment of this process.
pub fn environment() -> Environment {
    Environment { home: env::home_dir(), variables: env::vars_os().collect() }
}

fn enter(directory: Option<&PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(directory) = directory.filter(|directory| !directory.as_os_str().is_empty()) {
        // Like `git -C`: every path of the command line is relative to it, and so is every child.
        env::set_current_dir(directory).map_err(|source| Failure::Folder { path: directory.clone(), source })?;
    }
    env::current_dir().map_err(|source| Failure::Folder { path: PathBuf::from("."), source })
}

/// The clock; or, for tests, what `OPENSESSION_NOW` says.
fn now(environment: &Environment) -> Result<Timestamp, Failure> {
    const FROZEN: &str = "OPENSESSION_NOW";
    if let Some(frozen) = environment.variable(FROZEN) {
        let frozen = frozen.to_str().and_then(|text| text.parse().ok());
        return frozen.ok_or(Failure::Variable { name: FROZEN, expected: "an RFC 3339 timestamp" });
    }
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Ok(Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)))
}
