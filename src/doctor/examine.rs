//! What there is to be seen.

use super::agents::AgentState;
use super::setup;
use super::{Patient, Result};
use crate::fanout::{Consent, Destination, Plan};
use crate::git::hooks::Inspection;
use crate::git::process::Version;
use crate::git::{BranchName, Oid, TornRef};
use crate::ledger::{self, Ledgers, Scope};
use crate::lookup::Lookup;
use crate::settings::FanoutMode;

/// From so many ledgers on, every push of everybody pays for them: about 120 bytes each are advertised.
pub const MANY_LEDGERS: usize = 200;

/// A repository's health.
#[derive(Debug)]
pub struct Examination {
    /// The version of git.
    pub git: Version,
    /// The hook.
    pub hook: Inspection,
    /// `opensession.fanout-mode`.
    pub mode: Option<FanoutMode>,
    /// The remotes.
    pub remotes: Vec<RemoteState>,
    /// The agents.
    pub agents: Vec<AgentState>,
    /// The ledgers.
    pub ledgers: LedgerState,
    /// HEAD's commit and how many sessions it has.
    pub head: Option<(Oid, usize)>,
}

/// A remote.
#[derive(Debug)]
pub struct RemoteState {
    /// Where a push to it goes.
    pub destination: Destination,
    /// Whether sessions may go there.
    pub consent: Consent,
    /// How many ledgers wait to be pushed there.
    pub waiting: usize,
    /// How many have something that it lacks, and wait until their branch is pushed there.
    pub held: usize,
}

/// The ledgers of this repository.
#[derive(Debug, Default)]
pub struct LedgerState {
    /// How many there are here.
    pub local: usize,
    /// How many were fetched from remotes.
    pub fetched: usize,
    /// The branch that is checked out: that into whose ledger others can be folded.
    pub branch: Option<BranchName>,
    /// What cannot be read.
    pub unreadable: Vec<ledger::Error>,
    /// Those whose ref files hold no ref: nothing can be stored there.
    pub torn: Vec<TornRef>,
}

/// Looks at everything; changes nothing.
///
/// # Errors
/// When git cannot be asked, or the repository not be read.
pub fn examine(patient: &Patient<'_>) -> Result<Examination> {
    let version = patient.program.version(Some(patient.deadline))?;
    let ledgers = Ledgers::open(patient.repo, Scope::All)?;
    let mut remotes = Vec::new();
    for destination in setup::destinations(patient)? {
        let consent = destination.consent(patient.config)?;
        let plan = Plan::new(patient.repo, patient.config, &destination, &[])?;
        let (waiting, held) = (plan.pushes.len(), plan.held.len());
        remotes.push(RemoteState { destination, consent, waiting, held });
    }
    Ok(Examination {
        git: version,
        hook: Inspection::new(patient.program, version)?,
        mode: FanoutMode::read(patient.config)?,
        remotes,
        agents: patient.parsers.iter().map(|parser| AgentState::of(*parser, patient)).collect(),
        head: head(patient, &ledgers)?,
        ledgers: ledger_state(patient, ledgers)?,
    })
}

fn ledger_state(patient: &Patient<'_>, ledgers: Ledgers<'_>) -> Result<LedgerState> {
    let local = patient.repo.refs(ledger::LOCAL_PREFIX)?.len();
    let fetched = patient.repo.refs(ledger::REMOTES_PREFIX)?.len();
    let branch = patient.repo.head()?.branch().cloned();
    let torn = ledger::check::torn(patient.repo, Scope::All);
    Ok(LedgerState { local, fetched, branch, unreadable: ledgers.into_unreadable(), torn })
}

fn head(patient: &Patient<'_>, ledgers: &Ledgers<'_>) -> Result<Option<(Oid, usize)>> {
    let Ok(oid) = patient.repo.rev_parse("HEAD") else { return Ok(None) };
    Ok(Some((oid, Lookup::new(patient.repo, ledgers).behind(oid)?.len())))
}
