//! Where registered sessions are: in this repository, and beside all repositories.

use std::path::PathBuf;
use std::rc::Rc;

use super::{Error, Object, Store};
use crate::git::{GitEnvironment, Repo};
use crate::ledger::Sid;
use crate::uri::ObjectName;

/// The user's store, in the data folder.
const STORE: &str = "store.git";

/// The stores that can be read here: that of the repository, then the user's own.
pub struct Stores {
    repos: Vec<Rc<Repo>>,
}

impl Stores {
    /// Those that are there.
    ///
    /// # Errors
    /// When the user's store is there and cannot be opened.
    pub fn open(repo: Option<Rc<Repo>>, environment: &GitEnvironment) -> Result<Self, Error> {
        let own = Store::open_own(environment)?;
        Ok(Self { repos: repo.into_iter().chain(own.map(Rc::new)).collect() })
    }

    /// A registered session, from the first store that has it.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn get(&self, name: ObjectName) -> Result<Option<Object>, Error> {
        for repo in &self.repos {
            if let Some(object) = Store::of(repo).get(name)? {
                return Ok(Some(object));
            }
        }
        Ok(None)
    }

    /// What is registered of a session in any of them. A text that is damaged is passed over.
    ///
    /// # Errors
    /// When a store cannot be listed.
    pub fn of_session(&self, session: Sid) -> Result<Vec<Object>, Error> {
        let mut found = Vec::new();
        for repo in &self.repos {
            let store = Store::of(repo);
            let names = store.sessions()?.into_iter().filter(|(sid, ..)| *sid == session);
            found.extend(names.filter_map(|(_, name, _)| store.get(name).ok().flatten()));
        }
        Ok(found)
    }
}

impl Store<'_> {
    /// The repository of the user's own store, if there is one.
    ///
    /// # Errors
    /// When it is there and cannot be opened.
    pub fn open_own(environment: &GitEnvironment) -> Result<Option<Repo>, Error> {
        let Some(folder) = data_folder(environment) else { return Ok(None) };
        Ok(Repo::open_private(&folder.join(STORE), environment)?)
    }

    /// The repository of the user's own store, made if need be.
    ///
    /// # Errors
    /// [`Error::NoPlace`] without a home folder; when it cannot be made.
    pub fn make_own(environment: &GitEnvironment) -> Result<Repo, Error> {
        let folder = data_folder(environment).ok_or(Error::NoPlace)?;
        Ok(Repo::make_private(&folder.join(STORE), environment)?)
    }
}

/// This project's folder for data: in `XDG_DATA_HOME`, or `~/.local/share`.
pub fn data_folder(environment: &GitEnvironment) -> Option<PathBuf> {
    folder(environment, "XDG_DATA_HOME", ".local/share")
}

/// This project's folder for what can be had again: in `XDG_CACHE_HOME`, or `~/.cache`.
pub fn cache_folder(environment: &GitEnvironment) -> Option<PathBuf> {
    folder(environment, "XDG_CACHE_HOME", ".cache")
}

/// By the XDG base directory specification: a variable that is no absolute path does not count.
fn folder(environment: &GitEnvironment, variable: &str, below_home: &str) -> Option<PathBuf> {
    let set = environment.variable(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = set.or_else(|| environment.home.as_ref().map(|home| home.join(below_home)));
    base.map(|base| base.join("opensession"))
}
