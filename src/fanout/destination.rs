//! Where a push goes, and whether sessions may go there.

use std::ffi::OsStr;
use std::path::Path;

use crate::git::remote::Endpoint;
use crate::git::{Config, Error, OwnKey, RemoteUrl};

/// The remote repository a push goes to.
#[derive(Debug, Clone)]
pub struct Destination {
    name: Option<String>,
    url: RemoteUrl,
    digest: String,
    key: String,
}

/// Whether the user lets sessions go to a remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Yes.
    Given,
    /// No.
    Refused,
    /// Nobody has said.
    Unasked,
}

impl Destination {
    /// From the two arguments of a pre-push hook: the remote's name, or again its address, and its address.
    /// Relative addresses are below `base`, the folder git runs hooks in.
    pub fn of_push(name: &OsStr, url: &OsStr, config: &Config, base: &Path) -> Self {
        let url = RemoteUrl::new(url);
        let digest = url.digest(base);
        let name = name.to_str().filter(|name| addresses(config, name, "url").next().is_some());
        // What is fetched under a remote's name says something about this address only if the remote has no other.
        let only = |name: &&str| {
            addresses(config, name, "url").count() == 1 && addresses(config, name, "pushurl").next().is_none()
        };
        let key = name.filter(only).map_or_else(|| format!("url-{digest}"), str::to_owned);
        Self { name: name.map(str::to_owned), url, digest, key }
    }

    /// The configured remote's name, if the push goes to one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its address. Prints itself without credentials.
    pub fn url(&self) -> &RemoteUrl {
        &self.url
    }

    /// What what is known of it is filed under ([`crate::ledger::tracking_prefix`]): the remote's name; or, for a
    /// push by address and for a remote with several, `url-` and the digest.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What its address is filed under: the same for all spellings of one address, whatever the credentials.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What it is called in a message: its name, or its address without credentials.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.url.to_string())
    }

    /// How git reaches it.
    pub fn endpoint(&self, config: &Config) -> Endpoint {
        Endpoint::new(self.url.clone(), self.name(), config)
    }

    /// The configuration key that holds the consent: `opensession.remote.<digest>.fanout`.
    ///
    /// # Errors
    ///
    /// Never in practice: a digest is a valid part of a key.
    pub fn consent_key(&self) -> Result<OwnKey, Error> {
        OwnKey::new(&format!("opensession.remote.{}.fanout", self.digest))
    }

    /// What the user has said about it.
    ///
    /// # Errors
    ///
    /// When the configured value is neither yes nor no.
    pub fn consent(&self, config: &Config) -> Result<Consent, Error> {
        let said = config.get_bool(&format!("opensession.remote.{}.fanout", self.digest))?;
        Ok(match said {
            Some(true) => Consent::Given,
            Some(false) => Consent::Refused,
            None => Consent::Unasked,
        })
    }
}

fn addresses<'a>(config: &'a Config, name: &str, variable: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let mut values: Vec<&str> = Vec::new();
    for entry in config.all(&format!("remote.{name}.{variable}")) {
        match entry.value.as_deref() {
            // An empty value makes git forget the ones before it (git 2.46).
            None | Some("") => values.clear(),
            Some(value) => values.push(value),
        }
    }
    values.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(entries: &[(&str, &str)]) -> Config {
        let listing: Vec<_> = entries.iter().map(|(key, value)| format!("local\0{key}\n{value}\0")).collect();
        Config::from_listing(listing.concat().as_bytes()).unwrap()
    }

    fn destination(name: &str, url: &str, config: &Config) -> Destination {
        Destination::of_push(OsStr::new(name), OsStr::new(url), config, Path::new("/work"))
    }

    #[test]
    fn a_remote_with_one_address_is_filed_under_its_name() {
        let config = config(&[("remote.origin.url", "https://u:tok@h/x.git")]);
        let found = destination("origin", "https://u:tok@h/x.git", &config);
        assert_eq!((found.key(), found.label().as_str()), ("origin", "origin"));
    }

    #[test]
    fn a_push_by_address_is_filed_under_its_digest_and_shown_without_credentials() {
        let found = destination("https://u:tok@h/x.git", "https://u:tok@h/x.git", &config(&[]));
        assert_eq!(found.key(), format!("url-{}", RemoteUrl::new("https://h/x").digest(Path::new("/"))));
        assert_eq!((found.name(), found.label().as_str()), (None, "https://h/x.git"));
        assert!(!format!("{found:?}").contains("tok"));
    }

    #[test]
    fn each_of_several_addresses_of_a_remote_is_a_destination_of_its_own() {
        for more in ["remote.r.url", "remote.r.pushurl"] {
            let config = config(&[("remote.r.url", "/a"), (more, "/b")]);
            let (one, two) = (destination("r", "/a", &config), destination("r", "/b", &config));
            assert!(one.key() != two.key() && one.key() != "r" && two.key() != "r");
            assert_eq!(one.label(), "r");
        }
    }

    #[test]
    fn consent_belongs_to_the_address_and_not_to_the_name_or_the_token() {
        let digest = RemoteUrl::new("https://h/x").digest(Path::new("/"));
        let key = format!("opensession.remote.{digest}.fanout");
        let config = config(&[("remote.origin.url", "https://other/"), (&key, "true")]);
        let consent = |url: &str| destination("origin", url, &config).consent(&config).unwrap();
        assert_eq!(consent("https://h/x.git"), Consent::Given);
        assert_eq!(consent("https://u:new-token@h/x.git"), Consent::Given);
        assert_eq!(consent("https://other/"), Consent::Unasked);
        assert_eq!(destination("h", "https://h/x", &config).consent_key().unwrap().as_str(), key);
    }

    #[test]
    fn consent_can_be_refused_and_must_be_a_yes_or_a_no() {
        let digest = RemoteUrl::new("/a").digest(Path::new("/work"));
        let key = format!("opensession.remote.{digest}.fanout");
        let refused = config(&[(&key, "no")]);
        assert_eq!(destination("/a", "/a", &refused).consent(&refused).unwrap(), Consent::Refused);
        let odd = config(&[(&key, "perhaps")]);
        assert!(destination("/a", "/a", &odd).consent(&odd).is_err());
    }
}
