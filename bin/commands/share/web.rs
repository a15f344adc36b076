//! `share --web`: where a web viewer shows what others can read.

use git_opensession::git::{self, Config};
use git_opensession::settings::BaseUrl;
use git_opensession::uri::Source;
use git_opensession::view::json;
use serde::Serialize;

use super::super::addressed;
use super::copied::Copied;
use crate::cli::Share;
use crate::context::Context;
use crate::report::{Exit, Failure, Sharing};

pub fn run(context: &mut Context, arguments: &Share) -> Result<Exit, Failure> {
    let Some(Source::Remote(source)) = addressed::source(&arguments.what)? else {
        return Err(Sharing::NotRemote { what: arguments.what.clone() }.into());
    };
    let config = match context.repo() {
        Ok(repo) => context.config(&repo)?,
        Err(Failure::Git(git::Error::NotARepository { .. })) => Config::outside(&context.git_environment)?,
        Err(failure) => return Err(failure),
    };
    let site = BaseUrl::read(&config)?.ok_or(Sharing::NoSite)?;
    let url = format!("{site}{}", source.web_path());
    let copied = arguments.copy.then(|| Copied::copy(context, &url));
    if arguments.json {
        let told = Told { uri: source.to_string(), url: &url, copied };
        context.out.write(|out, _| json::write_document(out, "opensession.share-web/1", &told))?;
    } else {
        context.out.write(|out, _| writeln!(out, "{url}"))?;
    }
    if let Some(copied) = copied {
        copied.say(context);
    }
    Ok(Copied::exit(copied, Exit::Done))
}

/// Where a session is shown, for programs.
#[derive(Serialize)]
struct Told<'a> {
    uri: String,
    url: &'a str,
    /// As `share` tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    copied: Option<Copied>,
}
