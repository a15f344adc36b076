//! AI coding sessions kept where the code is: in git.
//!
//! The library is what the program `git opensession` is made of. It never prints, prompts, exits, reads the clock or
//! looks into the environment: home folder, variables, author and time come in as values, results and errors go out
//! as values. No type of a git library is in a signature.
//!
//! # Capture
//!
//! A [capture](mod@capture) finds the sessions behind commits in the logs of the [agents], takes secrets out, and
//! appends them to the [ledger] of the branch.
//!
//! ```
//! use git_opensession::agents::{self, Environment};
//! use git_opensession::capture::{Request, capture, targets_by_hand};
//! use git_opensession::git::{GitEnvironment, Repo, Signature};
//! use git_opensession::redaction::{Person, Redactor};
//!
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/scene.rs"));
//! # fn main() -> Done {
//! # let scene = Scene::new()?;
//! # let (folder, home, variables) = (scene.folder(), scene.home(), scene.variables.clone());
//! # let time = 1_772_798_460;
//! # let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
//! let environment = Environment { home: Some(home.clone()), variables: variables.clone() };
//! let git = GitEnvironment { home: Some(home.clone()), variables };
//! let repo = Repo::open(&folder, &git)?;
//! let config = repo.config(&git)?;
//! let redactor = Redactor::new(&Person { home: Some(home), ..Person::default() });
//! let signature = Signature { identity: config.committer(&git), time, offset: 0 };
//! let request = Request {
//!     repo: &repo, config: &config, git: &git, environment: &environment,
//!     parsers: agents::ALL, redactor: &redactor, signature: &signature, deadline,
//! };
//! let captured = capture(&request, targets_by_hand(&repo, &config, Some("HEAD"), None)?)?;
//! assert_eq!(captured.links.len(), 1);
//! assert_eq!(captured.links[0].agent, "claude-code");
//! # Ok(())
//! # }
//! ```
//!
//! # Read
//!
//! A [`Browser`](browse::Browser) finds sessions by what a person names: a commit, a branch, the beginning of an id.
//! Events stream: no session is ever in memory as a whole. They may have been written by anybody, so text goes to a
//! terminal only through [`view::Safe`].
//!
//! ```
//! use git_opensession::browse::Browser;
//! use git_opensession::git::{GitEnvironment, Repo};
//! use git_opensession::session::EventKind;
//!
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/scene.rs"));
//! # use git_opensession::{agents, capture, redaction};
//! # fn main() -> Done {
//! # let scene = Scene::new()?;
//! # let (folder, home, variables) = (scene.folder(), scene.home(), scene.variables.clone());
//! # let environment = agents::Environment { home: Some(home.clone()), variables: variables.clone() };
//! let git = GitEnvironment { home: Some(home), variables };
//! let repo = Repo::open(&folder, &git)?;
//! # let config = repo.config(&git)?;
//! # let redactor = redaction::Redactor::new(&redaction::Person::default());
//! # let signature =
//! #     git_opensession::git::Signature { identity: config.committer(&git), time: 1_772_798_460, offset: 0 };
//! # let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
//! # let request = capture::Request {
//! #     repo: &repo, config: &config, git: &git, environment: &environment,
//! #     parsers: agents::ALL, redactor: &redactor, signature: &signature, deadline,
//! # };
//! # capture::capture(&request, capture::targets_by_hand(&repo, &config, Some("HEAD"), None)?)?;
//! let browser = Browser::open(&repo)?;
//! let mut prompts = Vec::new();
//! for found in browser.behind(&browser.resolve("HEAD")?)?.found {
//!     for event in browser.ledgers().text(&found.session)?.events()? {
//!         let event = event?;
//!         if event.kind == EventKind::UserMessage {
//!             prompts.extend(event.content.texts().map(str::to_owned));
//!         }
//!     }
//! }
//! assert_eq!(prompts, ["make it say hello"]);
//! # Ok(())
//! # }
//! ```
//!
//! A program that does this is in `examples/sessions_behind.rs`.
//!
//! # Share
//!
//! A [`Snapshot`](hail::Snapshot) is a whole session, looked through for secrets: only that can be [shared](mod@share).
//! It becomes a plain file in the ledger of a branch, and has an [address](uri) that is read wherever the remote is.
//!
//! ```
//! use git_opensession::capture::ledger_branch;
//! use git_opensession::git::{GitEnvironment, Repo, Signature};
//! use git_opensession::hail::Snapshot;
//! use git_opensession::ledger::{Appender, Namespace};
//! use git_opensession::redaction::{Person, Redactor};
//! use git_opensession::share::share;
//! use git_opensession::store::SHARE_LIMIT;
//! use git_opensession::uri::Remote;
//!
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guide/scene.rs"));
//! # fn main() -> Done {
//! # let scene = Scene::new()?;
//! # let (folder, home, variables) = (scene.folder(), scene.home(), scene.variables.clone());
//! # let time = 1_772_798_460;
//! # let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
//! # let hail = scene.hail();
//! let git = GitEnvironment { home: Some(home.clone()), variables };
//! let repo = Repo::open(&folder, &git)?;
//! let config = repo.config(&git)?;
//! let signature = Signature { identity: config.committer(&git), time, offset: 0 };
//! let by = Appender { signature: &signature, lock: None, deadline };
//! let redactor = Redactor::new(&Person { home: Some(home), ..Person::default() });
//! let snapshot = Snapshot::read(hail.as_bytes(), &redactor, SHARE_LIMIT)?;
//! let shared = share(&repo, &ledger_branch(&config, repo.head()?)?, &snapshot, &by)?;
//! let address = shared.address(Remote::of_url("git@github.com:ann/greeter.git")?, Namespace::Hidden)?;
//! assert!(address.to_string().starts_with("os://src/gh/ann/greeter/ref/refs%2Fopensession%2Fbranches%2FbWFpbg/path/"));
//! assert_eq!(address.path.in_tree(), format!("sessions/{}.jsonl", snapshot.digest()));
//! # Ok(())
//! # }
//! ```
//!
//! [`share::push`] brings it to a remote, and nothing else with it. A program that registers a session and shares it is in
//! `examples/register_and_share.rs`.
//! # Features
//!
//! Both are on by default; `default-features = false` gives the library alone.
//!
//! - `view-html`: the module `view::html`, sessions as a page.
//! - `cli`: what only the program needs.

pub mod agents;
pub mod anchor;
pub mod browse;
pub mod capture;
pub mod cleanup;
pub mod doctor;
pub mod fanout;
pub mod fetch;
pub mod fold;
pub mod fsck;
pub mod git;
pub mod hail;
pub mod handoff;
pub mod honour;
pub mod inspect;
pub mod ledger;
pub mod link;
pub mod lookup;
pub mod notes;
pub mod parse;
pub mod pre_push;
pub mod prune;
pub mod purge;
pub mod redact;
pub mod redaction;
pub mod relink;
pub mod rolling;
pub mod session;
pub mod session_file;
pub mod settings;
pub mod share;
pub mod source;
pub mod stats;
pub mod store;
pub mod sync;
pub mod uri;
pub mod verify;
pub mod view;
pub mod why;
