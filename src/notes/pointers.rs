//! The lines that the links of the live ledgers want.

use std::collections::{BTreeMap, BTreeSet};

use super::gone::Gone;
use super::line::{NoteLine, Pointer};
use super::{MOST, Result};
use crate::git::{ChangeStatus, Oid, Repo};
use crate::ledger::{Evidence, EvidenceKind, LedgerPath, LedgerView, Ledgers, SessionKey, StoredSession};

/// The lines of each commit.
pub(super) type Pointers = BTreeMap<Oid, Vec<NoteLine>>;

/// Gathers the lines of what is new in a ledger since `known`: of every new link, and of every commit of a session that
/// grew.
pub(super) fn since(
    repo: &Repo,
    ledgers: &Ledgers<'_>,
    view: &LedgerView<'_>,
    known: Option<Oid>,
    found: &mut Pointers,
) -> Result<()> {
    // A ledger that was rolled since may have forgotten the commit it had then: then all of it is new.
    let known = known.and_then(|known| repo.commit(known).ok()).map(|commit| commit.tree);
    let changes = repo.tree_changes(known, Some(repo.commit(view.tip())?.tree), MOST)?;
    let mut links: BTreeMap<(Oid, SessionKey), Option<EvidenceKind>> = BTreeMap::new();
    let mut grown = BTreeSet::new();
    for file in changes.files.iter().filter(|file| file.status != ChangeStatus::Deleted) {
        match (LedgerPath::parse(&file.path), file.new) {
            (Some(LedgerPath::CommitLink(_, commit, key)), Some((_, blob))) => {
                let bytes = repo.blob(blob, Evidence::READ_LIMIT).ok();
                let evidence = bytes.and_then(|bytes| Evidence::read(&bytes)).map(|evidence| evidence.kind);
                links.insert((commit, key), evidence);
            }
            (Some(LedgerPath::Meta(key, _)), _) if known.is_some() => drop(grown.insert(key)),
            _ => {}
        }
    }
    for key in grown {
        for link in ledgers.links_of(key)? {
            let kind = link.evidence.map(|evidence| evidence.kind);
            links.entry((link.commit, key)).or_insert(kind);
        }
    }
    let mut sessions = BTreeMap::new();
    for ((commit, key), evidence) in links {
        // A session that cannot be read has no line; the ledger says what is wrong with it.
        let session = sessions.entry(key).or_insert_with(|| ledgers.session(key).ok().flatten());
        let Some(session) = session else { continue };
        found.entry(commit).or_default().push(line(view, session, evidence));
    }
    Ok(())
}

/// The line of a session of a live ledger.
fn line(view: &LedgerView<'_>, session: &StoredSession, evidence: Option<EvidenceKind>) -> NoteLine {
    let branch = view.branch().map(ToString::to_string).unwrap_or_default();
    let meta = &session.meta;
    NoteLine::new(&Pointer {
        agent: &meta.header.agent.tool,
        branch: &branch,
        events: meta.events(),
        evidence: evidence.unwrap_or(EvidenceKind::Window),
        ledger: view.label(),
        rules: meta.redaction,
        sha256: meta.events_sha256,
        key: session.key,
        title: meta.header.context.title.as_deref(),
    })
}

/// What takes the place of a line whose own ledger has let the session expire: the greatest line of the ledgers that keep it.
/// What cannot be read keeps nothing.
pub(super) fn kept(repo: &Repo, ledgers: &Ledgers<'_>, gone: &Gone, commit: Oid, key: SessionKey) -> Option<NoteLine> {
    let at = repo.commit(commit).ok().map(|commit| commit.commit_time);
    let lines = ledgers.views().filter_map(|view| {
        let evidence = view.tie(commit, at, key).ok().flatten()?;
        let session = ledgers.session(key).ok().flatten()?;
        Some(line(view, &session, Some(evidence)))
    });
    // A ledger here may not know yet what is known of it.
    lines.filter(|line| !gone.has(line)).max_by_key(NoteLine::rank)
}
