//! How sessions travel, and where pages are opened.

use std::fmt;

use super::BadSetting;
use crate::git::Config;

/// How sessions travel to a remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FanoutMode {
    /// On hidden refs only.
    HiddenRef,
    /// On hidden refs, and as pointers in git notes.
    GitNotes,
}

impl FanoutMode {
    /// The key in git's configuration.
    pub const KEY: &'static str = "opensession.fanout-mode";
    pub(super) const WANTED: &'static str = "hidden_ref or git_notes";

    /// As configured; `None` if nobody has chosen.
    ///
    /// # Errors
    /// When the value is none of the two.
    pub fn read(config: &Config) -> Result<Option<Self>, BadSetting> {
        read(config, Self::KEY, Self::WANTED, Self::parse)
    }

    /// From its spelling in the configuration.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "hidden_ref" => Some(Self::HiddenRef),
            "git_notes" => Some(Self::GitNotes),
            _ => None,
        }
    }

    /// Its spelling in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HiddenRef => "hidden_ref",
            Self::GitNotes => "git_notes",
        }
    }
}

impl fmt::Display for FanoutMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where pages are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OpenTarget {
    /// In a tab of the browser.
    #[default]
    Web,
    /// In a window of its own, where a browser can do that.
    App,
    /// Nowhere.
    None,
}

impl OpenTarget {
    /// The key in git's configuration.
    pub const KEY: &'static str = "opensession.open-target";
    pub(super) const WANTED: &'static str = "web, app or none";

    /// As configured; `None` if nobody has chosen.
    ///
    /// # Errors
    /// When it is none of the three.
    pub fn read(config: &Config) -> Result<Option<Self>, BadSetting> {
        read(config, Self::KEY, Self::WANTED, Self::parse)
    }

    /// From its spelling in the configuration.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "web" => Some(Self::Web),
            "app" => Some(Self::App),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// Its spelling in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::App => "app",
            Self::None => "none",
        }
    }
}

fn read<T>(
    config: &Config,
    name: &'static str,
    wanted: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, BadSetting> {
    let Some(value) = config.get(name) else { return Ok(None) };
    parse(value).map(Some).ok_or_else(|| BadSetting::Value { name, value: value.to_owned(), wanted })
}
