//! The site that shows shared sessions: `share.base_url` of the committed file, or `opensession.share.base-url`.

use std::fmt;

use super::{BadSetting, Setting};
use crate::git::Config;

/// An address of the web, without credentials, query and a slash at its end: `https://opensession.io`. It prints itself
/// as text that a path (`/src/...`) can be put behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    pub(super) const KEY: &'static str = "opensession.share.base-url";
    pub(super) const WANTED: &'static str =
        "an address of the web without credentials, query and fragment, as https://opensession.io";

    /// As configured; `None` if nobody has said it.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(config: &Config) -> Result<Option<Self>, BadSetting> {
        let Some(value) = config.get(Self::KEY) else { return Ok(None) };
        Self::parse(value).map(Some).ok_or_else(|| BadSetting::Value {
            name: Setting::BaseUrl.key(),
            value: crate::git::RemoteUrl::new(value).to_string(),
            wanted: Self::WANTED,
        })
    }

    /// From its text; `None` if it is none. Slashes at the end fall away, and scheme and host are in small letters.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") {
            return None;
        }
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let is_plain = |text: &str, more: &[u8]| text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !name.ends_with(':') && !port.contains(']') => (name, Some(port)),
            _ => (host, None),
        };
        let is_name = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => name.starts_with(|first: char| first.is_ascii_alphanumeric()) && is_plain(name, b"-."),
        };
        let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        // Letters of other alphabets, and whatever a terminal or a page would take for more than text, are to be encoded.
        let is_path = is_plain(path, b"/-._~%!$&'()*+,;=:@");
        (is_name && is_port && is_path)
            .then(|| Self(format!("{scheme}://{}{}", host.to_ascii_lowercase(), path.trim_end_matches('/'))))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
