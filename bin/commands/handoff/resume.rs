//! `handoff resume`: the prompt that goes on with the work, and the agent that gets it.

use git_opensession::git::Repo;
use git_opensession::git::process;
use git_opensession::handoff::resume::{launcher, prompt};
use git_opensession::handoff::{Artifact, Store, StoreError, Wanted};

use super::{Place, build};
use crate::cli::Resume;
use crate::context::Context;
use crate::report::{Exit, Failure, HandoffFailure};

/// What is resumed if nothing is named.
const LATEST: &str = "latest";

pub fn run(context: &mut Context, arguments: &Resume) -> Result<Exit, Failure> {
    let start = match arguments.agent.as_deref().filter(|_| arguments.exec) {
        Some(agent) => Some(launcher(agent).ok_or_else(|| HandoffFailure::UnknownAgent { agent: agent.to_owned() })?),
        None => None,
    };
    let place = Place::to_read(context)?;
    let folder = place.repo.workdir().unwrap_or(&context.cwd).to_path_buf();
    let artifact = artifact(context, &place.repo, &arguments.what).map_err(|failure| place.explain(failure))?;
    let prompt = prompt(&artifact, arguments.agent.as_deref());
    let Some(launcher) = start else {
        context.out.write(|out, _| out.write_all(prompt.as_bytes()))?;
        return Ok(Exit::Done);
    };
    let error = process::hand_over(launcher.program, &launcher.arguments(&prompt), &folder);
    let (agent, what) = (launcher.agent.to_owned(), arguments.what.clone());
    Err(HandoffFailure::Start { agent, what, error }.into())
}

/// An artifact that is here; else one that is made of what was named, and not stored.
fn artifact(context: &Context, repo: &Repo, what: &str) -> Result<Artifact, Failure> {
    let store = Store::new(repo);
    match store.find(what) {
        Ok(id) => Ok(store.get(id)?),
        Err(StoreError::Unknown { .. }) if what == LATEST => Err(HandoffFailure::NothingToResume.into()),
        // Meant as an artifact.
        Err(error @ StoreError::Unknown { .. }) if what.starts_with("os://artifact/") => Err(error.into()),
        Err(StoreError::Unknown { .. }) if !matches!(Wanted::of(what), Wanted::Id(_)) => {
            Ok(build::make(context, repo, &[what.to_owned()], None)?.artifact)
        }
        Err(error) => Err(error.into()),
    }
}
