//! `config`: what the settings are, who says so, and setting them.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use git_opensession::git::process::Ending;
use git_opensession::git::{self, Config, OwnKey};
use git_opensession::settings::{self, Key, Listed, Setting, Shown, committed};
use git_opensession::view::{Safe, json};
use serde::Serialize;

use super::work::Work;
use crate::cli::{self, ConfigGet, ConfigInit, ConfigPlace, ConfigSet, ConfigUnset, ConfigVerb};
use crate::context::Context;
use crate::report::settings::{Place, Said, write_list};
use crate::report::{Exit, Failure, Former, Hint, SettingFailure};

pub fn run(context: &mut Context, arguments: &cli::Config) -> Result<Exit, Failure> {
    match &arguments.verb {
        ConfigVerb::Init(arguments) => init(context, arguments),
        ConfigVerb::Show(arguments) => {
            let config = config(context)?;
            let of = |setting| settings::effective(&config, &context.git_environment, &Key::Of(setting));
            let shown: Vec<Shown> = Setting::ALL.into_iter().map(of).collect();
            let listed: Vec<_> = shown.into_iter().map(|shown| Listed { shown, holds: true, unknown: None }).collect();
            list(context, &listed, "opensession.config/1", arguments.form)
        }
        ConfigVerb::List(arguments) => {
            let listed = settings::listed(&config(context)?, &context.git_environment);
            list(context, &listed, "opensession.config-list/1", arguments.form)
        }
        ConfigVerb::Get(arguments) => get(context, arguments),
        ConfigVerb::Set(arguments) => set(context, arguments),
        ConfigVerb::Unset(arguments) => unset(context, arguments),
        ConfigVerb::Other(words) => Err(other(words)),
    }
}

/// What was said to `config` and is none of its verbs.
fn other(words: &[OsString]) -> Failure {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["runtime", ..] => Former::Runtime.into(),
        ["summary", ..] => Former::Summary.into(),
        _ => SettingFailure::NoVerb { words }.into(),
    }
}

/// The configuration of this repository, or, outside of any, what holds everywhere.
fn config(context: &Context) -> Result<Config, Failure> {
    match context.repo() {
        Ok(repo) => context.config(&repo),
        Err(Failure::Git(git::Error::NotARepository { .. })) => Ok(Config::outside(&context.git_environment)?),
        Err(failure) => Err(failure),
    }
}

fn list(context: &mut Context, listed: &[Listed], schema: &str, form: cli::ListForm) -> Result<Exit, Failure> {
    let said: Vec<Said> = listed.iter().map(|listed| Said::of(context, listed)).collect();
    let is_text = form == cli::ListForm::default();
    context.out.write(|out, look| match form {
        cli::ListForm { json: true, .. } => json::write_list(out, schema, "settings", &said),
        cli::ListForm { jsonl: true, .. } => json::write_lines(out, &said),
        cli::ListForm { z, .. } => write_list(out, look, &said, z),
    })?;
    if is_text && said.is_empty() {
        context.talk.say("nothing is set; every setting and its default: see config show");
    }
    for listed in listed {
        warn(context, listed);
    }
    Ok(Exit::Done)
}

/// Says what of a value makes no sense.
fn warn(context: &Context, listed: &Listed) {
    let key = &listed.shown.key;
    if let Some(unknown) = &listed.unknown {
        let hints: Vec<_> = unknown.nearest.iter().map(|nearest| Hint::own(["config", "get", nearest], "")).collect();
        context.talk.warn(&format!("{key} is no setting: nobody reads it"), &hints);
    } else if let Some(wanted) = listed.shown.wanted {
        let value = listed.shown.value.as_deref().unwrap_or_default();
        let place = Place::of(context, &listed.shown.origin).to_string();
        context.talk.warn(&format!("{key} is {value:?} ({place}); it must be {wanted}"), &[]);
    }
}

fn get(context: &mut Context, arguments: &ConfigGet) -> Result<Exit, Failure> {
    let key = key(&arguments.key, &["config", "get"], &[])?;
    let shown = settings::effective(&config(context)?, &context.git_environment, &key);
    let listed = Listed { shown, holds: true, unknown: None };
    let said = Said::of(context, &listed);
    if arguments.json {
        context.out.write(|out, _| json::write_document(out, "opensession.config-get/1", &said))?;
    } else if let Some(value) = &listed.shown.value {
        let place = said.place.to_string();
        let value = Safe::line(value);
        let line = if arguments.show_origin { format!("{}\t{value}", Safe::line(&place)) } else { value.to_string() };
        context.out.write(|out, _| writeln!(out, "{line}"))?;
        if context.out.is_terminal() && !arguments.show_origin {
            context.talk.say(&format!("({place})"));
        }
    }
    warn(context, &listed);
    match &listed.shown.value {
        Some(_) => Ok(Exit::Done),
        None if arguments.json => Ok(Exit::No),
        None => Err(SettingFailure::NotSet { key: listed.shown.key.clone() }.into()),
    }
}

/// A key as it was typed. `verb` and `more` are what is around it in a command that would have been right.
fn key(asked: &str, verb: &[&str], more: &[&str]) -> Result<Key, Failure> {
    Key::parse(asked).map_err(|error| {
        let words = |key: &str| verb.iter().chain(&[key]).chain(more).map(|word| (*word).to_owned()).collect();
        let meant = error.nearest.map(words);
        SettingFailure::NotAKey { error, meant }.into()
    })
}

fn set(context: &mut Context, arguments: &ConfigSet) -> Result<Exit, Failure> {
    let place = flag(arguments.place);
    let more: Vec<&str> = [arguments.value.as_str()].into_iter().chain(place).collect();
    let key = key(&arguments.key, &["config", "set"], &more)?;
    if arguments.place.committed {
        let setting = committable(&key)?;
        let value = setting
            .check_committed(&arguments.value)
            .map_err(|error| SettingFailure::Bad { error, fix: Some((setting.key().to_owned(), place)) })?;
        let path = committed_path(context)?;
        committed::set(&path, setting, &value).map_err(SettingFailure::Edit)?;
        say_to_commit(context, &path)?;
        return told(context, &key, &value);
    }
    let value =
        key.check(&arguments.value).map_err(|error| SettingFailure::Bad { error, fix: Some((key.name(), place)) })?;
    if arguments.place.global {
        global(context, &["--replace-all"], &key, Some(&value))?;
    } else {
        repo(context, &key, Some(&arguments.value))?.set_config(&key.own()?, &value)?;
    }
    told(context, &key, &value)
}

/// The option that says where.
fn flag(place: ConfigPlace) -> Option<&'static str> {
    match place {
        ConfigPlace { committed: true, .. } => Some("--committed"),
        ConfigPlace { global: true, .. } => Some("--global"),
        _ => None,
    }
}

/// Says so where what was set does not hold: something stronger says otherwise.
fn told(context: &Context, key: &Key, value: &str) -> Result<Exit, Failure> {
    let shown = settings::effective(&config(context)?, &context.git_environment, key);
    if shown.value.as_deref().is_some_and(|holds| holds != value) {
        let place = Place::of(context, &shown.origin).to_string();
        let holds = shown.value.unwrap_or_default();
        context.talk.warn(&format!("{} stays {holds:?} here: {place} comes before it", key.name()), &[]);
    }
    Ok(Exit::Done)
}

fn unset(context: &mut Context, arguments: &ConfigUnset) -> Result<Exit, Failure> {
    let more: Vec<&str> = flag(arguments.place).into_iter().collect();
    let key = key(&arguments.key, &["config", "unset"], &more)?;
    let was_there = if arguments.place.committed {
        let setting = committable(&key)?;
        let path = committed_path(context)?;
        let was_there = committed::unset(&path, setting).map_err(SettingFailure::Edit)?;
        if was_there {
            say_to_commit(context, &path)?;
        }
        was_there
    } else if arguments.place.global {
        global(context, &["--unset-all"], &key, None)?
    } else {
        repo(context, &key, None)?.unset_config(&key.own()?)?
    };
    if !was_there {
        let shown = settings::effective(&config(context)?, &context.git_environment, &key);
        let place = Place::of(context, &shown.origin);
        return Err(SettingFailure::NotThere { key: key.name(), place }.into());
    }
    Ok(Exit::Done)
}

/// The repository; `value` is what was to be set.
fn repo(context: &Context, key: &Key, value: Option<&str>) -> Result<std::rc::Rc<git::Repo>, Failure> {
    context.repo().map_err(|failure| match failure {
        Failure::Git(error @ git::Error::NotARepository { .. }) => {
            let verb = if value.is_some() { "set" } else { "unset" };
            let words = ["config", verb, &key.name()].map(str::to_owned).into_iter();
            let words = words.chain(value.map(str::to_owned)).chain(["--global".to_owned()]);
            SettingFailure::NoRepository { error, everywhere: words.collect() }.into()
        }
        failure => failure,
    })
}

/// Changes the user's own configuration by git, which knows the file. Says whether the key was there.
fn global(context: &Context, how: &[&str], key: &Key, value: Option<&str>) -> Result<bool, Failure> {
    /// What git exits with for a key that is not there (git-config(1)).
    const NOT_THERE: i32 = 5;
    let key: OwnKey = key.own()?;
    let program = git::process::GitProgram::new(&context.git_environment, &context.cwd);
    let words = ["config", "--global"].iter().chain(how).copied().chain([key.as_str()]).chain(value);
    let said = program.command(words).run().map_err(SettingFailure::Process)?;
    match said.ending {
        Ending::Exited(0) => Ok(true),
        Ending::Exited(NOT_THERE) if value.is_none() => Ok(false),
        _ => Err(SettingFailure::Global { said: said.stderr }.into()),
    }
}

/// The setting of a key that the committed file may say.
fn committable(key: &Key) -> Result<Setting, Failure> {
    match key {
        Key::Of(setting) if setting.may_be_committed() => Ok(*setting),
        key => Err(SettingFailure::NotCommitted { key: key.name() }.into()),
    }
}

fn committed_path(context: &Context) -> Result<std::path::PathBuf, Failure> {
    let repo = context.repo()?;
    committed::path(&repo).ok_or_else(|| SettingFailure::NoWorkTree.into())
}

/// Says what is left to do with the committed file.
fn say_to_commit(context: &Context, path: &Path) -> Result<(), Failure> {
    let work = Work::new(context)?;
    let words = ["check-ignore", "-q", "--"].map(OsStr::new).into_iter().chain([path.as_os_str()]);
    let ignored = work.program.command(words);
    let is_ignored = ignored.run().map_err(SettingFailure::Process)?.succeeded();
    let shown = Place::path(context, path);
    if is_ignored {
        let add = Hint::command(["git", "add", "--force", &shown], "it is ignored here");
        context.talk.warn(&format!("{shown} is ignored by git: nobody else gets it before it is added"), &[add]);
    } else {
        context.talk.say(&format!("{shown} is written; it holds for all when it is committed"));
    }
    Ok(())
}

#[derive(Serialize)]
struct Inited<'a> {
    config: &'a str,
    base_url: &'a str,
}

fn init(context: &mut Context, arguments: &ConfigInit) -> Result<Exit, Failure> {
    let setting = Setting::BaseUrl;
    let url = setting
        .check_committed(&arguments.base_url)
        .map_err(|error| SettingFailure::Bad { error, fix: Some((setting.key().to_owned(), Some("--committed"))) })?;
    let path = committed_path(context)?;
    committed::set(&path, setting, &url).map_err(SettingFailure::Edit)?;
    let shown = Place::path(context, &path);
    if arguments.json {
        let told = Inited { config: &path.to_string_lossy(), base_url: &url };
        context.out.write(|out, _| json::write_document(out, "opensession.config-init/1", &told))?;
    } else {
        let lines = format!("config: {}\nbase_url: {url}\n", Safe::line(&shown));
        context.out.write(|out, _| out.write_all(lines.as_bytes()))?;
    }
    say_to_commit(context, &path)?;
    told(context, &Key::Of(setting), &url)
}
