//! What is known of a session but its conversation.

use super::markup::Markup;
use crate::session::Stats;
use crate::view::Untrusted;
use crate::view::page::{Link, Page, SHORT_COMMIT, SHORT_SID, short};
use crate::view::when::{counted, iso, number, span};

/// What a session is called where there is room for a line.
pub(super) fn title<'a>(page: &Page<'a>) -> &'a str {
    match page.header.context.title.as_deref().map(str::trim) {
        Some(title) if !title.is_empty() => title,
        _ => page.header.session_id.as_str(),
    }
}

/// The list of several sessions, at the top of their page.
pub(super) fn list(pages: &[Page<'_>]) -> Markup {
    let mut html = Markup::new();
    html.html("<nav class=\"sessions\" aria-label=\"Sessions\">\n<ol>\n");
    for (at, page) in pages.iter().enumerate() {
        html.html("<li><a href=\"#session-").show(at + 1).html("\">").line(title(page)).html("</a> <span>");
        html.line(&page.header.agent.tool).html(", ").show(iso(page.header.context.created_at)).html(", ");
        html.show(counted(page.stats.user_message_count, "prompt")).html("</span></li>\n");
    }
    html.html("</ol>\n</nav>\n");
    html
}

/// The head of the session with this number.
pub(super) fn head(page: &Page<'_>, place: usize) -> Markup {
    let mut html = Markup::new();
    html.html("<header class=\"head\">\n<h2 id=\"session-")
        .show(place)
        .html("\">")
        .line(title(page))
        .html("</h2>\n<dl>\n");
    let agent = &page.header.agent;
    let version = agent.tool_version.as_deref().unwrap_or_default();
    field(&mut html, "Agent", |html| html.line(&format!("{} {version}", agent.tool)));
    field(&mut html, "Model", |html| html.line(&agent.model));
    field(&mut html, "Time", |html| time(html, page));
    field(&mut html, "Tokens", |html| html.show(tokens(page.stats)));
    field(&mut html, "Work", |html| html.show(work(page.stats)));
    field(&mut html, "Files", |html| files(html, page.stats));
    if let Some(found_by) = &page.found_by {
        field(&mut html, "Found", |html| html.line(found_by.raw()));
    }
    if !page.branches.is_empty() {
        let branches = page.branches.iter().map(Untrusted::raw).collect::<Vec<_>>().join(", ");
        field(&mut html, "Ledger", |html| html.line(&branches));
    }
    if !page.redacted.is_empty() {
        let rules = page.redacted.iter().map(|(rule, count)| format!("{} {}", number(*count), rule.raw()));
        let rules = rules.collect::<Vec<_>>().join(", ");
        field(&mut html, "Redacted", |html| html.line(&rules));
    }
    field(&mut html, "Session", |html| html.html("<code>").show(short(page.sid, SHORT_SID)).html("</code>"));
    for link in page.links {
        field(&mut html, "Commit", |html| commit(html, link));
    }
    html.html("</dl>\n</header>\n");
    html
}

fn field(html: &mut Markup, name: &'static str, value: impl for<'m> FnOnce(&'m mut Markup) -> &'m mut Markup) {
    html.html("<div><dt>").html(name).html("</dt><dd>");
    value(html);
    html.html("</dd></div>\n");
}

fn time<'m>(html: &'m mut Markup, page: &Page<'_>) -> &'m mut Markup {
    html.html("<time>").show(iso(page.header.context.created_at)).html("</time>");
    if page.stats.duration_seconds > 0 {
        html.html(", ").show(span(page.stats.duration_seconds.saturating_mul(1000))).html(" long");
    }
    html
}

/// An agent that does not count its tokens has not spent none.
fn tokens(stats: &Stats) -> String {
    let counts = [
        (stats.total_input_tokens, "in"),
        (stats.total_output_tokens, "out"),
        (stats.cache_read_tokens, "read from cache"),
        (stats.cache_write_tokens, "written to cache"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", number(*count)));
    let told = told.collect::<Vec<_>>().join(", ");
    if told.is_empty() { "not recorded".to_owned() } else { told }
}

fn work(stats: &Stats) -> String {
    let mut told = vec![counted(stats.user_message_count, "prompt"), counted(stats.tool_call_count, "tool call")];
    if stats.task_count > 0 {
        told.push(counted(stats.task_count, "task"));
    }
    told.join(", ")
}

fn files<'m>(html: &'m mut Markup, stats: &Stats) -> &'m mut Markup {
    html.show(number(stats.files_changed)).html(" changed");
    if stats.files_changed > 0 {
        html.html(", <span class=\"lines\">+")
            .show(stats.lines_added)
            .html(" -")
            .show(stats.lines_removed)
            .html("</span>");
    }
    html
}

fn commit<'m>(html: &'m mut Markup, link: &Link) -> &'m mut Markup {
    html.html("<code>").show(short(&link.commit, SHORT_COMMIT)).html("</code>");
    if let Some(subject) = &link.subject {
        html.html(" ").line(subject.raw());
    }
    let words = link.words();
    if !words.is_empty() {
        html.html(" <span class=\"why\">(").line(&words).html(")</span>");
    }
    html
}
