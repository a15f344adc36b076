//! `handoff artifacts`: the artifacts that are here.

use std::io::Write;
use std::rc::Rc;

use git_opensession::browse::Browser;
use git_opensession::handoff::{Alias, Artifact, ArtifactId, Detail, Held, Listed, Store, StoreError, markdown};
use git_opensession::store::Stores;
use git_opensession::view::json::{self, EscapedJson};
use git_opensession::view::{Safe, counted, day, fit};
use serde::Serialize;

use super::Place;
use crate::cli::{Artifacts, ArtifactsVerb, Encoding, Format, Get};
use crate::context::Context;
use crate::report::{Exit, Failure, HandoffFailure, Hint, chain};

pub fn run(context: &mut Context, arguments: &Artifacts) -> Result<Exit, Failure> {
    let place = Place::to_read(context)?;
    let store = Store::new(&place.repo);
    match &arguments.verb {
        ArtifactsVerb::List(arguments) => return list(context, &store, arguments.json),
        ArtifactsVerb::Get(arguments) => get(context, &store, arguments)?,
        ArtifactsVerb::Verify(arguments) => verify(context, &store, store.find(&arguments.artifact)?)?,
        ArtifactsVerb::Pin(arguments) => {
            let alias: Alias = arguments.alias.parse()?;
            let id = store.find(&arguments.artifact)?;
            let before = store.pin(&alias, id)?;
            context.out.write(|out, _| writeln!(out, "{id}"))?;
            if let Some(before) = before {
                context.talk.say(&format!("{alias} was pinned to {before}"));
            }
        }
        ArtifactsVerb::Unpin(arguments) => {
            let alias: Alias = arguments.alias.parse()?;
            let was = store.unpin(&alias)?.map(|id| format!("; it was {id}")).unwrap_or_default();
            context.talk.say(&format!("{alias} is pinned no more{was}"));
        }
        ArtifactsVerb::Rm(arguments) => {
            let id = store.find(&arguments.artifact)?;
            store.remove(id)?;
            context.talk.say(&format!("{id} is removed"));
        }
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct ToldArtifact<'a> {
    uri: String,
    pins: &'a [String],
    sessions: Option<Vec<&'a str>>,
    objective: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl<'a> ToldArtifact<'a> {
    fn of(listed: &'a Listed) -> Self {
        let artifact = listed.artifact.as_ref().ok();
        Self {
            uri: listed.id.to_string(),
            pins: &listed.pins,
            sessions: artifact.map(|artifact| artifact.sources.iter().map(|source| source.session.as_str()).collect()),
            objective: artifact.and_then(objective),
            problem: listed.artifact.as_ref().err().map(|error| chain(error)),
        }
    }
}

fn objective(artifact: &Artifact) -> Option<&str> {
    artifact.prompts.first().map(|prompt| prompt.text.as_str())
}

fn list(context: &mut Context, store: &Store<'_>, as_json: bool) -> Result<Exit, Failure> {
    let listed = store.list()?;
    if as_json {
        let told = listed.iter().map(ToldArtifact::of);
        context.out.write(|out, _| json::write_list(out, "opensession.handoff-artifacts/1", "artifacts", told))?;
    } else {
        context.out.write(|out, look| {
            listed.iter().try_for_each(|listed| {
                let line = line(listed);
                match look.columns {
                    Some(columns) => writeln!(out, "{}", fit(&Safe::line(&line), columns)),
                    None => writeln!(out, "{}", Safe::line(&line)),
                }
            })
        })?;
        if listed.is_empty() {
            context
                .talk
                .say(&format!("no artifact is here; make one: {} handoff build --from HEAD", context.talk.program()));
        }
    }
    let broken = listed.iter().filter_map(|listed| listed.artifact.as_ref().err());
    let broken = broken.inspect(|error| context.talk.warn(&chain(*error), &[])).count();
    Ok(if broken > 0 { Exit::Partly } else { Exit::Done })
}

/// `os://artifact/... [latest] 2026-03-06 2 sessions: what was asked for`
fn line(listed: &Listed) -> String {
    let pins = if listed.pins.is_empty() { String::new() } else { format!(" [{}]", listed.pins.join(", ")) };
    let Ok(artifact) = &listed.artifact else { return format!("{}{pins} cannot be read", listed.id) };
    let updated = artifact.sources.iter().map(|source| source.updated).max().map(day).unwrap_or_default();
    let sessions = counted(artifact.sources.len() as u64, "session");
    let objective: String = objective(artifact).unwrap_or("no prompt").chars().take(120).collect();
    format!("{}{pins} {updated} {sessions}: {objective}", listed.id)
}

fn get(context: &mut Context, store: &Store<'_>, arguments: &Get) -> Result<(), Failure> {
    let form = match (arguments.format, arguments.encode) {
        (Format::Markdown, None | Some(Encoding::Md)) | (Format::Canonical, Some(Encoding::Md)) => Encoding::Md,
        (Format::Canonical, Some(Encoding::Json)) => Encoding::Json,
        (Format::Canonical | Format::Raw, None | Some(Encoding::Jsonl)) => Encoding::Jsonl,
        (Format::Markdown | Format::Raw, Some(encoding)) => {
            let format = format!("{:?}", arguments.format).to_lowercase();
            let encoding = format!("{encoding:?}").to_lowercase();
            return Err(HandoffFailure::Form { format, encoding }.into());
        }
    };
    let id = store.find(&arguments.artifact)?;
    // All of it is held against its name before the first byte is printed.
    let text = store.text(id)?;
    let artifact = Artifact::parse(&text).map_err(|why| StoreError::Bad { id, why });
    match form {
        Encoding::Md => {
            let page = markdown(&artifact?, Detail::Full);
            context.page();
            context.out.write(|out, _| out.write_all(page.as_bytes()))
        }
        Encoding::Json => {
            let value = artifact?.to_json();
            context.out.write(|out, _| json::write_document(out, "opensession.handoff/1", &value))
        }
        Encoding::Jsonl => {
            if arguments.format == Format::Canonical {
                artifact?;
            }
            lines(context, &text)
        }
    }
}

/// On a terminal the same JSON, without what a terminal would obey; elsewhere the very bytes.
fn lines(context: &mut Context, text: &str) -> Result<(), Failure> {
    let is_terminal = context.out.is_terminal();
    context.out.write(|out, _| {
        if !is_terminal {
            return out.write_all(text.as_bytes());
        }
        let mut escaped = EscapedJson::new(out);
        escaped.write_all(text.as_bytes())?;
        escaped.finish()
    })
}

/// Digest, text, required parts; and what of its pointers can be followed here.
fn verify(context: &mut Context, store: &Store<'_>, id: ArtifactId) -> Result<(), Failure> {
    let artifact = store.get(id)?;
    let Place { repo, .. } = Place::to_read(context)?;
    let stores = Stores::open(Some(Rc::clone(&repo)), &context.git_environment)?;
    let held = Held::of(&artifact, &Browser::open(&repo)?, &stores);
    let lacks = held.missing(&artifact);
    if !lacks.is_empty() {
        return Err(HandoffFailure::Missing(lacks).into());
    }
    context.out.write(|out, _| writeln!(out, "{id}"))?;
    context.talk.say(&format!("it is what it is named for; {}", followed(&artifact, &held)));
    if held.sessions() < artifact.sources.len() {
        let mut hints = vec![Hint::own(["fetch"], "get what others have pushed")];
        if held.earlier > 0 {
            hints.insert(0, Hint::own(["capture"], "store what is new in the agents' logs"));
        }
        context.talk.advise(&hints);
    }
    Ok(())
}

/// `all 9 pointers lead into its session`, or what keeps them from being followed.
fn followed(artifact: &Artifact, held: &Held) -> String {
    let (all, pointers) = (artifact.sources.len(), artifact.pointers().count());
    let its = |count: usize| if count == 1 { "its session".to_owned() } else { format!("its {count} sessions") };
    let why = match (held.earlier, all - held.sessions()) {
        (0, 1) => "a session is not here".to_owned(),
        (0, gone) => format!("{gone} sessions are not here"),
        (earlier, gone) if earlier == gone => "what is here was stored before it was made".to_owned(),
        (_, gone) => format!("{gone} sessions are not here, or not as long yet"),
    };
    match (held.sessions(), held.followed(artifact)) {
        (here, _) if here == all => format!("all {pointers} pointers lead into {}", its(all)),
        (0, _) => format!("where its {pointers} pointers lead cannot be looked at: {why}"),
        (_, followed) => format!("{followed} of {pointers} pointers lead into {}; {why}", its(all)),
    }
}
