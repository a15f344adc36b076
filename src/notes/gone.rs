//! Which sessions no note may point to any more: those that were purged, and those that have expired.
//!
//! A line says of which day its session is, and in whose ledger it lies. So whoever knows the floor of that ledger knows
//! whether the line may stay, though nothing of the session is left to be looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::line::NoteLine;
use crate::hail::Digest;
use crate::ledger::{LedgerRef, Ledgers, Retention, Sid};

/// What is no longer kept of the sessions that notes point to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gone {
    purged: BTreeSet<Sid>,
    /// Of each ledger that is known, by the name of the live one: what it has let expire.
    ledgers: BTreeMap<String, Retention>,
}

impl Gone {
    /// What these ledgers no longer keep.
    pub fn of(ledgers: &Ledgers<'_>) -> Self {
        let mut gone = Self::default();
        for view in ledgers.views() {
            gone.purged.extend(view.tombstones());
            let Some(branch) = view.branch() else { continue };
            gone.expire(&LedgerRef::local(branch), view.retention());
        }
        gone
    }

    /// And these sessions.
    #[must_use]
    pub fn and_purged(mut self, sessions: BTreeSet<Sid>) -> Self {
        self.purged.extend(sessions);
        self
    }

    /// Lets expire what a ledger no longer keeps.
    pub fn expire(&mut self, ledger: &LedgerRef, retention: &Retention) {
        let known = self.ledgers.entry(ledger.to_local().to_string()).or_default();
        let (floor, kept) = (retention.floor, retention.kept.clone());
        *known = std::mem::take(known).and(&Retention { floor, kept, ..Retention::default() });
    }

    /// Whether everything is kept.
    pub fn is_empty(&self) -> bool {
        self.purged.is_empty() && self.ledgers.values().all(|retention| retention.floor.is_none())
    }

    /// Whether a line may not stay.
    pub fn has(&self, line: &NoteLine) -> bool {
        self.purged.contains(&line.sid) || self.is_expired(line)
    }

    /// Whether the session of a line has expired in its ledger. One that was folded into another is not known any more: then
    /// it counts what any ledger says.
    pub fn is_expired(&self, line: &NoteLine) -> bool {
        match self.ledgers.get(&line.ledger) {
            Some(retention) => retention.is_expired(line.key()),
            None => self.ledgers.values().any(|retention| retention.is_expired(line.key())),
        }
    }

    /// What tells this from anything else that is gone.
    pub fn mark(&self) -> Digest {
        let mut text = String::new();
        for sid in &self.purged {
            // A string takes everything.
            let _ = writeln!(text, "{sid}");
        }
        for (ledger, retention) in &self.ledgers {
            let Some(floor) = retention.floor else { continue };
            let _ = write!(text, "{ledger} {floor}");
            for key in &retention.kept {
                let _ = write!(text, " {key}");
            }
            text.push('\n');
        }
        Digest::of(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::tests::line;
    use super::*;
    use crate::git::BranchName;
    use crate::ledger::Day;

    fn ledger(branch: &str) -> LedgerRef {
        LedgerRef::local(&BranchName::new(branch).expect("a branch name"))
    }

    fn floor(day: u8) -> Retention {
        Retention { floor: Day::new(2026, 3, day), ..Retention::default() }
    }

    #[test]
    fn a_line_goes_when_its_session_is_purged_or_below_the_floor_of_its_ledger() {
        // Of main, and of the sixth of March.
        let line = line("one", 1, "x");
        let mut gone = Gone::default();
        assert!(gone.is_empty() && !gone.has(&line));
        gone.expire(&ledger("main"), &floor(6));
        gone.expire(&ledger("topic"), &floor(7));
        assert!(!gone.is_empty() && !gone.has(&line), "the floor of another ledger is not its own");
        gone.expire(&ledger("main"), &Retention { kept: [line.key()].into(), ..floor(7) });
        assert!(!gone.has(&line), "it is kept by name");
        gone.expire(&ledger("main"), &floor(8));
        assert!(gone.has(&line) && gone.is_expired(&line));
        assert!(Gone::default().and_purged([line.sid].into()).has(&line));
    }

    #[test]
    fn a_line_of_a_ledger_that_is_gone_goes_by_the_floor_of_any() {
        let line = line("one", 1, "x");
        let mut gone = Gone::default();
        gone.expire(&ledger("other"), &floor(6));
        assert!(!gone.has(&line));
        gone.expire(&ledger("another"), &floor(7));
        assert!(gone.has(&line));
    }

    #[test]
    fn a_mark_tells_what_is_gone_apart() {
        let mut gone = Gone::default();
        let mut marks = vec![gone.mark()];
        gone.expire(&ledger("main"), &floor(6));
        marks.push(gone.mark());
        gone.expire(&ledger("main"), &Retention { kept: [line("one", 1, "x").key()].into(), ..floor(7) });
        marks.push(gone.mark());
        gone = gone.and_purged([line("two", 1, "x").sid].into());
        marks.push(gone.mark());
        marks.sort();
        marks.dedup();
        assert_eq!(marks.len(), 4);
        assert_eq!(gone.mark(), gone.clone().mark());
    }
}
