//! How many lines are whose.

use std::collections::BTreeMap;

use super::verdict::{Answer, Verdict};
use crate::git::Oid;
use crate::ledger::SessionKey;

/// Lines, counted by whose they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Count {
    /// All of them.
    pub lines: u64,
    /// By the program of the agent.
    pub agents: BTreeMap<String, u64>,
    /// By session.
    #[serde(skip)]
    pub sessions: BTreeMap<SessionKey, u64>,
    /// A human's.
    pub human: u64,
    /// Nobody knows whose.
    pub unknown: u64,
    /// Not committed.
    pub uncommitted: u64,
}

/// The lines of a file, counted, and those of each commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// All lines.
    pub all: Count,
    /// By commit.
    pub commits: BTreeMap<Oid, Count>,
}

impl Count {
    fn add(&mut self, verdict: &Verdict, agent: Option<&str>) {
        self.lines += 1;
        match verdict {
            Verdict::Session(attribution) => {
                *self.agents.entry(agent.unwrap_or("unknown").to_owned()).or_default() += 1;
                *self.sessions.entry(attribution.session).or_default() += 1;
            }
            Verdict::Human => self.human += 1,
            Verdict::Unknown(_) => self.unknown += 1,
            Verdict::Uncommitted => self.uncommitted += 1,
        }
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) {
        self.lines += other.lines;
        self.human += other.human;
        self.unknown += other.unknown;
        self.uncommitted += other.uncommitted;
        for (agent, count) in &other.agents {
            *self.agents.entry(agent.clone()).or_default() += count;
        }
        for (session, count) in &other.sessions {
            *self.sessions.entry(*session).or_default() += count;
        }
    }
}

impl Summary {
    /// Counts the lines of an answer.
    pub fn of(answer: &Answer) -> Self {
        let mut summary = Self::default();
        for line in &answer.lines {
            let agent = match &line.verdict {
                Verdict::Session(attribution) => answer.trails.get(&attribution.session),
                _ => None,
            };
            let agent = agent.map(|trail| trail.session.meta.header.agent.tool.as_str());
            summary.all.add(&line.verdict, agent);
            if let Some(commit) = line.commit {
                summary.commits.entry(commit).or_default().add(&line.verdict, agent);
            }
        }
        summary
    }

    /// Adds what was counted in another file.
    pub fn merge(&mut self, other: &Self) {
        self.all.merge(&other.all);
        for (commit, count) in &other.commits {
            self.commits.entry(*commit).or_default().merge(count);
        }
    }
}
