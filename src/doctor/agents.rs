//! The agents on this machine, and how long they keep their logs.

use super::Patient;
use crate::agents::LogParser;

/// Logs that an agent will delete within so many days are worth a warning.
pub const ENDING_SOON: u32 = 7;

const NANOS_PER_DAY: i128 = 24 * 60 * 60 * 1_000_000_000;

/// An agent, as far as its logs tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentState {
    /// The agent.
    pub agent: &'static str,
    /// How many logs there are, of all repositories.
    pub logs: usize,
    /// After how many days the agent deletes a log, if it does.
    pub keeps_days: Option<u32>,
    /// How many logs it will delete within [`ENDING_SOON`] days.
    pub ending_soon: usize,
}

impl AgentState {
    /// Looks at an agent's folders. No log is opened.
    pub(super) fn of(parser: &dyn LogParser, patient: &Patient<'_>) -> Self {
        let logs = parser.logs(patient.environment);
        let keeps_days = parser.keeps_days(patient.environment);
        let ending = |days: u32| {
            let now = i128::from(patient.now.seconds()) * 1_000_000_000;
            let last = now - (i128::from(days) - i128::from(ENDING_SOON)) * NANOS_PER_DAY;
            logs.iter().filter(|log| log.mtime < last).count()
        };
        Self { agent: parser.agent(), logs: logs.len(), keeps_days, ending_soon: keeps_days.map_or(0, ending) }
    }
}
