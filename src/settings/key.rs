//! The keys: what each is for, what it may be, and whether the committed file may say it.

use super::committed::without_credentials;
use super::{BadSetting, BaseUrl, FanoutMode, OpenTarget, Require, SecretScan, push};
use crate::git::{OwnKey, parse_bool};
use crate::ledger::Namespace;

const PREFIX: &str = "opensession.";
/// The path of the user's own price table, above the project's.
const PRICES_KEY: &str = "opensession.prices";
/// The end of a consent's key: `opensession.remote.<digest>.fanout`.
const CONSENT: (&str, &str) = ("opensession.remote.", ".fanout");

/// A setting that has a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// How sessions travel.
    FanoutMode,
    /// Whether any failure of ours fails the push.
    Strict,
    /// How long everything of ours may take.
    Deadline,
    /// What is done about secrets in pushed changes.
    SecretScan,
    /// Which pushed commits strict mode wants a session of.
    Require,
    /// The user's own prices of tokens.
    Prices,
    /// Where remotes keep ledgers.
    Namespace,
    /// Where pages are opened.
    OpenTarget,
    /// The site that shows shared sessions.
    BaseUrl,
    /// Whether `share --quick` pushes without a question.
    AutoPush,
    /// After how many days `cleanup` lets go of sessions of branches that are gone.
    HiddenTtl,
    /// After how many days `cleanup` removes handoffs that are not pinned.
    ArtifactTtl,
    /// The remote whose ledgers `cleanup` cleans, too.
    CleanupRemote,
}

/// A key of `opensession.*` that means something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A setting's.
    Of(Setting),
    /// Whether an address may have sessions; with the address' digest.
    Consent(String),
}

/// A name that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no setting {asked:?}")]
pub struct NotAKey {
    /// What was asked for.
    pub asked: String,
    /// The key that is most like it.
    pub nearest: Option<&'static str>,
}

impl Setting {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::FanoutMode,
        Self::Strict,
        Self::Deadline,
        Self::SecretScan,
        Self::Require,
        Self::Prices,
        Self::Namespace,
        Self::OpenTarget,
        Self::BaseUrl,
        Self::AutoPush,
        Self::HiddenTtl,
        Self::ArtifactTtl,
        Self::CleanupRemote,
    ];

    /// Its key in git's configuration.
    pub const fn key(self) -> &'static str {
        match self {
            Self::FanoutMode => FanoutMode::KEY,
            Self::Strict => push::STRICT_KEY,
            Self::Deadline => push::DEADLINE_KEY,
            Self::SecretScan => push::SECRET_SCAN_KEY,
            Self::Require => push::REQUIRE_KEY,
            Self::Prices => PRICES_KEY,
            Self::Namespace => push::NAMESPACE_KEY,
            Self::OpenTarget => OpenTarget::KEY,
            Self::BaseUrl => BaseUrl::KEY,
            Self::AutoPush => "opensession.share.auto-push-consent",
            Self::HiddenTtl => "opensession.cleanup.hidden-ttl-days",
            Self::ArtifactTtl => "opensession.cleanup.artifact-ttl-days",
            Self::CleanupRemote => "opensession.cleanup.remote",
        }
    }

    /// Its variable of the environment, which comes before git's configuration.
    pub const fn variable(self) -> Option<&'static str> {
        match self {
            Self::Strict => Some(push::STRICT_VARIABLE),
            _ => None,
        }
    }

    /// What it is where nobody says anything; `None` if it is nothing then.
    pub const fn default(self) -> Option<&'static str> {
        match self {
            Self::FanoutMode => Some("hidden_ref"),
            Self::Strict | Self::AutoPush => Some("false"),
            Self::Deadline => Some("10s"),
            Self::SecretScan => Some("warn"),
            Self::Namespace => Some("refs/opensession/branches"),
            Self::OpenTarget => Some("web"),
            Self::BaseUrl
            | Self::HiddenTtl
            | Self::ArtifactTtl
            | Self::CleanupRemote
            | Self::Require
            | Self::Prices => None,
        }
    }

    /// Whether the committed file may say it. What decides who gets what, where it is kept, or what runs on somebody's
    /// machine is for that person alone to say.
    pub const fn may_be_committed(self) -> bool {
        matches!(
            self,
            Self::FanoutMode | Self::Strict | Self::Deadline | Self::SecretScan | Self::Require | Self::BaseUrl
        )
    }

    /// Its name in the committed file, dots for tables: `share.base_url`.
    pub fn committed_name(self) -> String {
        self.key().trim_start_matches(PREFIX).replace('-', "_")
    }

    /// What it may be.
    pub const fn wanted(self) -> &'static str {
        match self {
            Self::FanoutMode => FanoutMode::WANTED,
            Self::Strict | Self::AutoPush => "true or false",
            Self::Deadline => push::DEADLINE_WANTED,
            Self::SecretScan => push::SECRET_SCAN_WANTED,
            Self::Require => push::REQUIRE_WANTED,
            Self::Prices => "the path of a price table",
            Self::Namespace => push::NAMESPACE_WANTED,
            Self::OpenTarget => OpenTarget::WANTED,
            Self::BaseUrl => BaseUrl::WANTED,
            Self::HiddenTtl | Self::ArtifactTtl => "a number of days",
            Self::CleanupRemote => "the name of a remote",
        }
    }

    /// The value in its one spelling.
    ///
    /// # Errors
    /// [`BadSetting::Value`] if it means nothing.
    pub fn check(self, value: &str) -> Result<String, BadSetting> {
        let good = match self {
            Self::FanoutMode => FanoutMode::parse(value).map(|mode| mode.as_str().to_owned()),
            Self::Strict | Self::AutoPush => parse_bool(value).map(|yes| yes.to_string()),
            Self::Deadline => push::parse_deadline(value).map(|_| value.trim().to_owned()),
            Self::SecretScan => SecretScan::parse(value).map(|scan| scan.as_str().to_owned()),
            Self::Require => Require::parse(value).map(|require| require.as_str().to_owned()),
            Self::Prices => Some(value.trim().to_owned()),
            Self::Namespace => Namespace::parse(value).map(|_| value.to_owned()),
            Self::OpenTarget => OpenTarget::parse(value).map(|target| target.as_str().to_owned()),
            Self::BaseUrl => BaseUrl::parse(value).map(|url| url.to_string()),
            Self::HiddenTtl | Self::ArtifactTtl => value.trim().parse::<u32>().ok().map(|days| days.to_string()),
            Self::CleanupRemote => Some(value.to_owned()).filter(|name| !name.contains(char::is_control)),
        };
        good.filter(|_| !value.trim().is_empty()).ok_or_else(|| self.bad(value, self.wanted()))
    }

    /// The same for the committed file: it may make things stricter than they are without it, not laxer, and may not
    /// keep anybody waiting.
    ///
    /// # Errors
    /// [`BadSetting::Value`] if it means nothing, or means too much.
    pub fn check_committed(self, value: &str) -> Result<String, BadSetting> {
        let checked = self.check(value)?;
        match self {
            Self::SecretScan if SecretScan::parse(value) == Some(SecretScan::Off) => {
                Err(self.bad(value, "warn or block: only git's configuration can turn it off"))
            }
            Self::Deadline if push::parse_deadline(value) > Some(push::LONGEST_COMMITTED_DEADLINE) => {
                Err(self.bad(value, "a minute at most: only git's configuration can make it longer"))
            }
            _ => Ok(checked),
        }
    }

    fn bad(self, value: &str, wanted: &'static str) -> BadSetting {
        BadSetting::Value { name: self.key(), value: without_credentials(value), wanted }
    }
}

impl Key {
    /// A key as it is typed: with `opensession.` or without, in any letter case, with `_` for `-` as in the committed
    /// file.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let lower = text.trim().to_ascii_lowercase();
        let short = lower.strip_prefix(PREFIX).unwrap_or(&lower);
        let asked = format!("{PREFIX}{}", short.replace('_', "-"));
        if let Some(setting) = Setting::ALL.into_iter().find(|setting| setting.key() == asked) {
            return Ok(Self::Of(setting));
        }
        let digest = asked.strip_prefix(CONSENT.0).and_then(|rest| rest.strip_suffix(CONSENT.1));
        if let Some(digest) = digest.filter(|digest| is_digest(digest)) {
            return Ok(Self::Consent(digest.to_owned()));
        }
        Err(NotAKey { asked: text.to_owned(), nearest: nearest(&asked) })
    }

    /// The key in git's configuration.
    pub fn name(&self) -> String {
        match self {
            Self::Of(setting) => setting.key().to_owned(),
            Self::Consent(digest) => format!("{}{digest}{}", CONSENT.0, CONSENT.1),
        }
    }

    /// The same, as one that may be written.
    ///
    /// # Errors
    /// Never in practice: every key is one of ours.
    pub fn own(&self) -> crate::git::Result<OwnKey> {
        OwnKey::new(&self.name())
    }

    /// The value in its one spelling.
    ///
    /// # Errors
    /// [`BadSetting::Value`] if it means nothing.
    pub fn check(&self, value: &str) -> Result<String, BadSetting> {
        match self {
            Self::Of(setting) => setting.check(value),
            Self::Consent(_) => match parse_bool(value) {
                Some(yes) if !value.trim().is_empty() => Ok(yes.to_string()),
                _ => Err(BadSetting::Value {
                    name: "opensession.remote.<digest>.fanout",
                    value: value.to_owned(),
                    wanted: "true or false",
                }),
            },
        }
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The key that is most like this one, if any is.
fn nearest(asked: &str) -> Option<&'static str> {
    const ALIKE: f64 = 0.7;
    let short = |key: &str| key.trim_start_matches(PREFIX).to_owned();
    let alike = |setting: Setting| {
        let (asked, key) = (short(asked), short(setting.key()));
        let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
        let whole = strsim::jaro_winkler(&asked, &key);
        // `base-url` is meant for `share.base-url`. A letter or two are like anything.
        let by_last = if last(&asked).len() > 2 { strsim::jaro_winkler(&last(&asked), &last(&key)) } else { 0.0 };
        whole.max(by_last)
    };
    let likeness = Setting::ALL.into_iter().map(|setting| (alike(setting), setting.key()));
    likeness.filter(|(alike, _)| *alike >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, key)| key)
}
