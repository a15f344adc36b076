//! Sessions as one page of HTML that needs nothing else: no server, no network, no other file.
//!
//! What was said is plain HTML, so that a browser finds it and a reader without scripts can read it. What was done is
//! a line each that opens; what is in it lies packed in its section until the reader comes near. Nothing of a session
//! is trusted: text is escaped on its only way in, Markdown may make no tag and no address of its own, and should
//! both fail, the page's policy lets nothing run or load but the script and the style that are in it, by their hash.

mod diff;
mod head;
mod markdown;
mod markup;
mod row;
mod section;
#[cfg(test)]
mod tests;
mod timeline;

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use markup::Markup;
use timeline::{Marks, Timeline};

use super::page::Page;
use crate::session::Event;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// The parts of the page around its sessions.
const TOOLS: &str = include_str!("tools.html");
const HELP: &str = include_str!("help.html");

/// Writes a page, session by session and event by event, and holds no more of it than a section.
pub struct Document<'w> {
    out: &'w mut dyn Write,
    marks: Marks,
    sessions: usize,
    open: Option<Timeline>,
}

impl<'w> Document<'w> {
    /// Begins the page of some sessions. `about` is what was asked for, for the title of the window.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn begin(out: &'w mut dyn Write, about: &str, pages: &[Page<'_>]) -> io::Result<Self> {
        let mut html = Markup::new();
        html.html("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        html.html("<meta http-equiv=\"Content-Security-Policy\" content=\"").show(policy()).html("\">\n");
        html.html("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        html.html(
            "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n",
        );
        html.html("<meta name=\"generator\" content=\"git-opensession\">\n<title>");
        match pages {
            [page] => html.line(head::title(page)),
            _ => html.line(about),
        };
        html.html("</title>\n<style>").html(STYLE).html("</style>\n</head>\n<body>\n").html(TOOLS);
        html.html("<main id=\"main\">\n<h1>").line(about).html("</h1>\n");
        if pages.len() > 1 {
            html.add(&head::list(pages));
        }
        html.write(out)?;
        Ok(Self { out, marks: Marks::default(), sessions: 0, open: None })
    }

    /// Begins the next session.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn session(&mut self, page: &Page<'_>) -> io::Result<()> {
        self.end_session()?;
        self.sessions += 1;
        let cwd = page.header.context.attributes.get("cwd").and_then(serde_json::Value::as_str);
        self.open = Some(Timeline::new(cwd));
        self.out.write_all(b"<div class=\"session\">\n")?;
        head::head(page, self.sessions).write(self.out)
    }

    /// Writes the next event of the session.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        match &mut self.open {
            Some(timeline) => timeline.event(event, &mut self.marks, self.out),
            None => Ok(()),
        }
    }

    /// Says something about the session where it stands: that the rest cannot be read.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        if let Some(timeline) = &mut self.open {
            timeline.write(self.out)?;
        }
        Markup::new().html("<p class=\"note\" role=\"note\">").text(text).html("</p>\n").write(self.out)
    }

    /// Ends the page.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn finish(mut self) -> io::Result<()> {
        self.end_session()?;
        let mut html = Markup::new();
        html.html("</main>\n<nav id=\"rail\" aria-label=\"Prompts\">\n<h2>Prompts</h2>\n<ol>\n");
        for (anchor, text) in &self.marks.prompts {
            html.html("<li><a href=\"#").text(anchor).html("\">").line(text).html("</a></li>\n");
        }
        html.html("</ol>\n</nav>\n").html(HELP).html("<script>").html(SCRIPT).html("</script>\n</body>\n</html>\n");
        html.write(self.out)?;
        self.out.flush()
    }

    fn end_session(&mut self) -> io::Result<()> {
        match self.open.take() {
            Some(mut timeline) => {
                timeline.write(self.out)?;
                self.out.write_all(b"</div>\n")
            }
            None => Ok(()),
        }
    }
}

/// What the page may do: run this one script, use this one style, and nothing else at all.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
}
