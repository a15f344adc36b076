//! How a push with sessions behaves: what the configuration and the environment say.

use std::time::Duration;

use super::BadSetting;
use crate::git::{Config, GitEnvironment};
use crate::ledger::Namespace;

/// What is done about secrets in the pushed changes themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecretScan {
    /// They are not looked for.
    Off,
    /// They are named.
    #[default]
    Warn,
    /// They are named, and nothing is pushed.
    Block,
}

/// Which commits must have a session behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Require {
    /// All of them.
    All,
    /// Those that say that an agent wrote them.
    Agent,
}

/// The settings of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Whether any failure fails the push: `OPENSESSION_STRICT`, else `opensession.strict`.
    pub strict: bool,
    /// How long everything of ours may take together: `opensession.deadline`.
    pub deadline: Duration,
    /// `opensession.secret-scan`.
    pub secret_scan: SecretScan,
    /// `opensession.require`: what strict mode wants a session of, too.
    pub require: Option<Require>,
}

pub(super) const STRICT_VARIABLE: &str = "OPENSESSION_STRICT";
pub(super) const STRICT_KEY: &str = "opensession.strict";
pub(super) const DEADLINE_KEY: &str = "opensession.deadline";
pub(super) const DEADLINE_WANTED: &str = "seconds (10) or milliseconds (500ms), at most an hour";
pub(super) const SECRET_SCAN_KEY: &str = "opensession.secret-scan";
pub(super) const SECRET_SCAN_WANTED: &str = "off, warn or block";
pub(super) const REQUIRE_KEY: &str = "opensession.require";
pub(super) const REQUIRE_WANTED: &str = "all or agent";
pub(super) const NAMESPACE_KEY: &str = "opensession.namespace";
pub(super) const NAMESPACE_WANTED: &str = "refs/opensession/branches or refs/heads/opensession/branches";

const DEADLINE: Duration = Duration::from_secs(10);
const LONGEST_DEADLINE: Duration = Duration::from_secs(3600);
/// As long as the committed file may keep a push waiting.
pub(super) const LONGEST_COMMITTED_DEADLINE: Duration = Duration::from_secs(60);

impl SecretScan {
    /// From its spelling in the configuration, in any letter case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "off" => Some(Self::Off),
            "warn" => Some(Self::Warn),
            "block" => Some(Self::Block),
            _ => None,
        }
    }

    /// Its spelling in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Block => "block",
        }
    }
}

impl Require {
    /// As configured; `None` if nobody requires any.
    ///
    /// # Errors
    ///
    /// When the value is none of the two.
    pub fn read(config: &Config) -> Result<Option<Self>, BadSetting> {
        let Some(value) = config.get(REQUIRE_KEY) else { return Ok(None) };
        Self::parse(value).map(Some).ok_or_else(|| bad(REQUIRE_KEY, value, REQUIRE_WANTED))
    }

    /// From its spelling in the configuration, in any letter case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "all" => Some(Self::All),
            "agent" => Some(Self::Agent),
            _ => None,
        }
    }

    /// Its spelling in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Agent => "agent",
        }
    }
}

impl Settings {
    /// Reads all of them.
    ///
    /// # Errors
    ///
    /// When one of them cannot be understood. [`Settings::read_strict`] says whether that must fail the push.
    pub fn read(config: &Config, environment: &GitEnvironment) -> Result<Self, BadSetting> {
        Ok(Self {
            strict: Self::read_strict(config, environment)?,
            deadline: read_deadline(config)?,
            secret_scan: read_secret_scan(config)?,
            require: Require::read(config)?,
        })
    }

    /// Whether strict mode is on. The variable counts before the configuration; empty, it does not count.
    ///
    /// # Errors
    ///
    /// When the value is neither a yes nor a no. Whoever sets it wants something: take that for a yes.
    pub fn read_strict(config: &Config, environment: &GitEnvironment) -> Result<bool, BadSetting> {
        let Some(value) = environment.variable(STRICT_VARIABLE) else {
            return Ok(config.get_bool(STRICT_KEY)?.unwrap_or(false));
        };
        let value = value.to_string_lossy().trim().to_ascii_lowercase();
        match value.as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" | "" => Ok(false),
            _ => {
                Err(BadSetting::Value { name: STRICT_VARIABLE, value, wanted: "1, true, yes, on or 0, false, no, off" })
            }
        }
    }
}

/// Where remotes keep our refs: `opensession.namespace`.
///
/// # Errors
///
/// When it is none of the two that there are.
pub fn read_namespace(config: &Config) -> Result<Namespace, BadSetting> {
    let Some(value) = config.get(NAMESPACE_KEY) else { return Ok(Namespace::default()) };
    Namespace::parse(value).ok_or_else(|| bad(NAMESPACE_KEY, value, NAMESPACE_WANTED))
}

fn read_deadline(config: &Config) -> Result<Duration, BadSetting> {
    let Some(text) = config.get(DEADLINE_KEY) else { return Ok(DEADLINE) };
    parse_deadline(text).ok_or_else(|| bad(DEADLINE_KEY, text, DEADLINE_WANTED))
}

/// Seconds (`10`, `2.5`, `10s`) or milliseconds (`500ms`), at most an hour.
pub(super) fn parse_deadline(text: &str) -> Option<Duration> {
    let trimmed = text.trim();
    let (number, unit) = match (trimmed.strip_suffix("ms"), trimmed.strip_suffix('s')) {
        (Some(number), _) => (number, 0.001),
        (None, Some(number)) => (number, 1.0),
        (None, None) => (trimmed, 1.0),
    };
    let seconds = number.trim().parse::<f64>().ok().filter(|number| *number > 0.0);
    let deadline = seconds.and_then(|number| Duration::try_from_secs_f64(number * unit).ok());
    deadline.filter(|deadline| *deadline <= LONGEST_DEADLINE)
}

fn read_secret_scan(config: &Config) -> Result<SecretScan, BadSetting> {
    let Some(value) = config.get(SECRET_SCAN_KEY) else { return Ok(SecretScan::default()) };
    SecretScan::parse(value).ok_or_else(|| bad(SECRET_SCAN_KEY, value, SECRET_SCAN_WANTED))
}

fn bad(name: &'static str, value: &str, wanted: &'static str) -> BadSetting {
    BadSetting::Value { name, value: value.to_owned(), wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entries: &[(&str, &str)], strict: Option<&str>) -> Result<Settings, BadSetting> {
        let listing: Vec<_> = entries.iter().map(|(key, value)| format!("local\0{key}\n{value}\0")).collect();
        let mut environment = GitEnvironment::default();
        environment.variables.extend(strict.map(|value| (STRICT_VARIABLE.into(), value.into())));
        Settings::read(&Config::from_listing(listing.concat().as_bytes()).unwrap(), &environment)
    }

    #[test]
    fn strict_is_read_in_any_letter_case() {
        for yes in ["1", "true", "True", "TRUE", "yes", "YES", "on", "oN"] {
            assert!(read(&[], Some(yes)).unwrap().strict, "{yes}");
        }
        for no in ["0", "false", "No", "OFF"] {
            assert!(!read(&[("opensession.strict", "true")], Some(no)).unwrap().strict, "{no}");
        }
        assert!(read(&[("opensession.strict", "yes")], Some("")).unwrap().strict, "an empty variable says nothing");
        assert!(!read(&[], None).unwrap().strict);
        let error = read(&[], Some("enabled")).unwrap_err();
        assert!(error.to_string().starts_with("OPENSESSION_STRICT is \"enabled\"; it must be "), "{error}");
    }

    #[test]
    fn the_deadline_has_units_and_bounds() {
        let deadline = |text| read(&[("opensession.deadline", text)], None).map(|settings| settings.deadline);
        assert_eq!(read(&[], None).unwrap().deadline, Duration::from_secs(10));
        for (text, millis) in [("3", 3000), ("2.5", 2500), ("4s", 4000), ("500ms", 500), (" 7 s ", 7000)] {
            assert_eq!(deadline(text).unwrap(), Duration::from_millis(millis), "{text}");
        }
        for bad in ["0", "-1", "", "ms", "soon", "nan", "inf", "1e9", "1h"] {
            assert!(deadline(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn there_are_two_namespaces() {
        let read = |entries: &[(&str, &str)]| {
            let listing: Vec<_> = entries.iter().map(|(key, value)| format!("local\0{key}\n{value}\0")).collect();
            read_namespace(&Config::from_listing(listing.concat().as_bytes()).unwrap())
        };
        assert_eq!(read(&[]).unwrap(), Namespace::Hidden);
        assert_eq!(read(&[("opensession.namespace", "refs/heads/opensession/branches")]).unwrap(), Namespace::Heads);
        let error = read(&[("opensession.namespace", "refs/heads")]).unwrap_err();
        assert!(error.to_string().starts_with("opensession.namespace is \"refs/heads\"; it must be "), "{error}");
    }

    #[test]
    fn the_secret_scan_warns_unless_told_otherwise() {
        let scan = |text| read(&[("opensession.secret-scan", text)], None).map(|settings| settings.secret_scan);
        assert_eq!(read(&[], None).unwrap().secret_scan, SecretScan::Warn);
        assert_eq!((scan("OFF").unwrap(), scan("block").unwrap()), (SecretScan::Off, SecretScan::Block));
        assert!(scan("maybe").is_err());
    }
}
