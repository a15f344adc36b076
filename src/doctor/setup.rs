//! What would be set up, doing it, and taking it out again.

use std::ffi::OsStr;
use std::path::Path;

use super::{Error, Patient, Result};
use crate::fanout::{Consent, Destination};
use crate::git::hooks::{Inspection, Install, Plan as HookPlan, Way};
use crate::git::{BranchName, ConfigScope, Head, OwnKey, Repo};
use crate::settings::{FanoutMode, OpenTarget};

/// What is to be set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The hook.
    pub hook: HookPlan,
    /// The fanout mode, if it is to change.
    pub mode: Option<FanoutMode>,
    /// Where pages are to be opened, if that is to change.
    pub open: Option<OpenTarget>,
    /// Where sessions are to be allowed to go.
    pub allow: Vec<Destination>,
}

/// What somebody wants to be set up.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The program that the hook calls.
    pub binary: &'a Path,
    /// How git is told of the hook; `None` leaves it as it is, or to us.
    pub way: Option<Way>,
    /// How sessions travel.
    pub mode: FanoutMode,
    /// Where pages are opened; `None` leaves it as it is.
    pub open: Option<OpenTarget>,
    /// The remote, by name or by address; `None` is the one that a push of this branch goes to.
    pub remote: Option<&'a OsStr>,
}

impl Setup {
    /// Plans it: the hook, the settings, and consent for one remote. Where there is no remote yet, none is allowed.
    ///
    /// # Errors
    /// When the hook cannot be put in, or there is no such remote.
    pub fn plan(patient: &Patient<'_>, wish: &Wish<'_>) -> Result<Self> {
        let Wish { binary, way, mode, open, remote } = *wish;
        let version = patient.program.version(Some(patient.deadline))?;
        let inspection = Inspection::new(patient.program, version)?;
        let hook = inspection.plan_install(&Install { binary, replace_edited: false, way })?;
        let mode = (FanoutMode::read(patient.config)? != Some(mode)).then_some(mode);
        let opens = OpenTarget::read(patient.config)?.unwrap_or_default();
        let open = open.filter(|open| *open != opens);
        let mut allow = match remote {
            Some(remote) => named(patient, remote)?,
            None => default_remote(patient)?,
        };
        let mut kept = Vec::new();
        for destination in allow.drain(..) {
            if destination.consent(patient.config)? != Consent::Given {
                kept.push(destination);
            }
        }
        Ok(Self { hook, mode, open, allow: kept })
    }

    /// Whether all is as it should be.
    pub fn is_empty(&self) -> bool {
        self.hook.is_empty() && self.mode.is_none() && self.open.is_none() && self.allow.is_empty()
    }

    /// Does it.
    ///
    /// # Errors
    /// When the hook cannot be written, or the configuration.
    pub fn apply(&self, repo: &Repo) -> Result<()> {
        self.hook.apply()?;
        if let Some(mode) = self.mode {
            repo.set_config(&OwnKey::new(FanoutMode::KEY)?, mode.as_str())?;
        }
        if let Some(open) = self.open {
            repo.set_config(&OwnKey::new(OpenTarget::KEY)?, open.as_str())?;
        }
        for destination in &self.allow {
            repo.set_config(&destination.consent_key()?, "true")?;
        }
        Ok(())
    }
}

/// What is to be taken out: the hook, and the keys that a [`Setup`] sets. What a person has set besides, and sessions,
/// stay.
#[derive(Debug, Clone)]
pub struct Removal {
    /// The hook.
    pub hook: HookPlan,
    /// Keys of the repository's configuration.
    pub keys: Vec<OwnKey>,
}

impl Removal {
    /// Plans it.
    ///
    /// # Errors
    /// When the hook cannot be looked at.
    pub fn plan(patient: &Patient<'_>) -> Result<Self> {
        let version = patient.program.version(Some(patient.deadline))?;
        let hook = Inspection::new(patient.program, version)?.plan_uninstall();
        let here = patient.config.with_prefix("opensession.").filter(|entry| entry.scope == ConfigScope::Local);
        let here = here.filter(|entry| is_of_setup(&entry.key, entry.value.as_deref()));
        let mut keys: Vec<OwnKey> = here.filter_map(|entry| OwnKey::new(&entry.key).ok()).collect();
        keys.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        keys.dedup_by(|a, b| a.as_str() == b.as_str());
        Ok(Self { hook, keys })
    }

    /// Whether there is nothing to take out.
    pub fn is_empty(&self) -> bool {
        self.hook.is_empty() && self.keys.is_empty()
    }

    /// Does it.
    ///
    /// # Errors
    /// When the hook or the configuration cannot be written.
    pub fn apply(&self, repo: &Repo) -> Result<()> {
        self.hook.apply()?;
        for key in &self.keys {
            repo.unset_config(key)?;
        }
        Ok(())
    }
}

/// Whether a [`Setup`] sets a key to that value.
fn is_of_setup(key: &str, value: Option<&str>) -> bool {
    let is_consent = key.starts_with("opensession.remote.") && key.ends_with(".fanout") && value == Some("true");
    key == FanoutMode::KEY || key == OpenTarget::KEY || is_consent
}

/// Where pushes to the configured remotes go; a remote with several addresses is several.
pub(super) fn destinations(patient: &Patient<'_>) -> Result<Vec<Destination>> {
    let mut found = Vec::new();
    for name in patient.config.remotes() {
        found.extend(addresses(patient, name)?);
    }
    Ok(found)
}

/// The addresses that a push to a remote goes to, as the hook would get them.
fn addresses(patient: &Patient<'_>, name: &str) -> Result<Vec<Destination>> {
    let said = patient.program.command(["remote", "get-url", "--push", "--all", "--", name]);
    let said = said.deadline(Some(patient.deadline)).run()?;
    let urls = String::from_utf8_lossy(&said.stdout).into_owned();
    let of = |url: &str| Destination::of_push(OsStr::new(name), OsStr::new(url), patient.config, patient.repo.base());
    Ok(urls.lines().map(of).collect())
}

fn named(patient: &Patient<'_>, remote: &OsStr) -> Result<Vec<Destination>> {
    let name = remote.to_string_lossy();
    if patient.config.remotes().iter().any(|known| *known == name) {
        return addresses(patient, &name);
    }
    if !name.contains([':', '/']) {
        return Err(Error::NoRemote { name: name.into_owned() });
    }
    Ok(vec![Destination::of_push(remote, remote, patient.config, patient.repo.base())])
}

fn default_remote(patient: &Patient<'_>) -> Result<Vec<Destination>> {
    let branch: Option<BranchName> = match patient.repo.head()? {
        Head::Branch { name, .. } | Head::Unborn { name } => Some(name),
        Head::Detached { .. } => None,
    };
    match patient.config.push_remote(branch.as_ref()) {
        Some(remote) if patient.config.remotes().contains(&remote) => addresses(patient, remote),
        _ => Ok(Vec::new()),
    }
}
