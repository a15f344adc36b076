//! Opening a page in the user's browser.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use git_opensession::git::Config;
use git_opensession::git::process::{Ending, Launched, launch};
use git_opensession::settings::OpenTarget;

use crate::context::Context;
use crate::report::{Failure, Hint};

/// How long is waited for a program to say that there is no browser. One that stays longer has found one.
const PATIENCE: Duration = Duration::from_secs(1);

/// Browsers that can show a page as a window of its own.
const APP_BROWSERS: [&str; 6] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "brave-browser"];

/// Where pages are opened.
///
/// # Errors
/// When what is configured makes no sense.
pub fn target(context: &Context) -> Result<OpenTarget, Failure> {
    Ok(OpenTarget::read(&config(context))?.unwrap_or_default())
}

fn config(context: &Context) -> Config {
    let config = match context.repo() {
        Ok(repo) => context.config(&repo).ok(),
        Err(_) => Config::outside(&context.git_environment).ok(),
    };
    config.unwrap_or_default()
}

/// Opens a page where there is a screen. That it cannot be opened is no failure: its path is printed.
pub fn open(context: &Context, target: OpenTarget, page: &Path) {
    if target == OpenTarget::None || !has_screen(context) {
        return;
    }
    let opened = openers(target, &config(context), page).into_iter().any(|(program, arguments)| {
        let launched = launch(program.as_ref(), &arguments, &context.git_environment, PATIENCE);
        matches!(launched, Ok(Launched::Running | Launched::Ended(Ending::Exited(0))))
    });
    if !opened {
        let hint = Hint::command(["git", "config", "--global", "web.browser", "firefox"], "the browser git should use");
        context.talk.warn("no browser could be started; the page is where its path says", &[hint]);
    }
}

/// Programs that open a page, the first that can does.
fn openers(target: OpenTarget, config: &Config, page: &Path) -> Vec<(&'static str, Vec<OsString>)> {
    let mut openers = Vec::new();
    if target == OpenTarget::App {
        let app = format!("--app={}", file_url(page));
        openers.extend(APP_BROWSERS.map(|browser| (browser, vec![OsString::from(&app)])));
    }
    let of_git = ("git", vec!["web--browse".into(), page.into()]);
    if config.get("web.browser").is_some() {
        openers.push(of_git.clone());
    }
    openers.push(match () {
        () if cfg!(target_os = "macos") => ("open", vec![page.into()]),
        () if cfg!(windows) => ("explorer", vec![page.into()]),
        () => ("xdg-open", vec![page.into()]),
    });
    openers.push(of_git);
    openers
}

fn has_screen(context: &Context) -> bool {
    let is_set = |name| context.environment.variable(name).is_some();
    let is_remote = is_set("SSH_CONNECTION") && !is_set("DISPLAY");
    let has_one = cfg!(any(target_os = "macos", windows))
        || ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"].map(is_set).contains(&true);
    has_one && !is_remote && !is_set("CI")
}

fn file_url(page: &Path) -> String {
    let mut url = String::from("file://");
    for byte in OsStr::new(page).as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            url.push(char::from(*byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_an_address_that_no_browser_takes_for_an_option() {
        assert_eq!(file_url(Path::new("/tmp/a b/é?#.html")), "file:///tmp/a%20b/%C3%A9%3F%23.html");
    }

    #[test]
    fn the_users_own_browser_comes_first() {
        let config = Config::from_listing(b"global\0web.browser\nfirefox\0").expect("a listing");
        let of = |target, config: &Config| openers(target, config, Path::new("/p.html"))[0].0;
        assert_eq!(of(OpenTarget::Web, &config), "git");
        assert_eq!(of(OpenTarget::App, &config), "chromium");
        assert_ne!(of(OpenTarget::Web, &Config::default()), "git");
    }
}
