//! Markdown of somebody else as HTML: no tag of his, no address but those that only lead away.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::markup::Markup;
use crate::view::Safe;

/// Where a link may lead to.
const SCHEMES: [&str; 3] = ["https://", "http://", "mailto:"];

/// How line breaks within a paragraph are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breaks {
    /// As the author typed them.
    Kept,
    /// As spaces, which is what Markdown says.
    Spaces,
}

/// A text in Markdown.
pub(super) fn markdown(text: &str, breaks: Breaks) -> Markup {
    let text = Safe::text(text);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut links = Links::default();
    let events = Parser::new_ext(text.as_str(), options).map(|event| harmless(event, breaks, &mut links));
    let mut written = String::with_capacity(text.as_str().len() * 3 / 2);
    html::push_html(&mut written, events);
    Markup::made(written)
}

/// What the open links and images are written as: the end of each has to fit its beginning.
#[derive(Default)]
struct Links {
    open: Vec<Written>,
}

enum Written {
    Link,
    /// Its text, and behind it where it leads to.
    Text(String),
}

fn harmless<'t>(event: Event<'t>, breaks: Breaks, links: &mut Links) -> Event<'t> {
    match event {
        // Raw HTML is shown, not obeyed.
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::SoftBreak if breaks == Breaks::Kept => Event::HardBreak,
        Event::Start(Tag::Heading { level, .. }) => {
            Event::Start(Tag::Heading { level: below(level), id: None, classes: Vec::new(), attrs: Vec::new() })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
        Event::Start(Tag::Link { dest_url, .. }) => links.begin(&dest_url),
        // Nothing is loaded from anywhere: an image is its text and its address.
        Event::Start(Tag::Image { dest_url, .. }) => links.begin_text(&dest_url),
        Event::End(TagEnd::Link | TagEnd::Image) => links.end(),
        other => other,
    }
}

impl Links {
    fn begin<'t>(&mut self, address: &str) -> Event<'t> {
        let lower = address.trim().to_ascii_lowercase();
        if !SCHEMES.iter().any(|scheme| lower.starts_with(scheme)) {
            return self.begin_text(address);
        }
        self.open.push(Written::Link);
        let mut tag = Markup::new();
        tag.html("<a rel=\"noopener noreferrer nofollow\" target=\"_blank\" href=\"").text(address.trim()).html("\">");
        made(&tag)
    }

    fn begin_text<'t>(&mut self, address: &str) -> Event<'t> {
        self.open.push(Written::Text(address.to_owned()));
        Event::Text(CowStr::Borrowed(""))
    }

    fn end<'t>(&mut self) -> Event<'t> {
        match self.open.pop() {
            Some(Written::Link) => made(Markup::new().html("</a>")),
            Some(Written::Text(address)) if !address.is_empty() => Event::Text(format!(" ({address})").into()),
            _ => Event::Text(CowStr::Borrowed("")),
        }
    }
}

/// Our own HTML, past the author's: that was turned into text before.
fn made<'t>(html: &Markup) -> Event<'t> {
    Event::InlineHtml(html.as_str().to_owned().into())
}

/// Headings of a message are below those of the page.
fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H4,
        HeadingLevel::H2 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html_of(text: &str) -> String {
        markdown(text, Breaks::Spaces).as_str().trim_end().to_owned()
    }

    #[test]
    fn what_markdown_is_for_is_kept() {
        assert_eq!(html_of("# a\n*b* `c<d`"), "<h4>a</h4>\n<p><em>b</em> <code>c&lt;d</code></p>");
        assert_eq!(html_of("```sh\nx && y\n```"), "<pre><code class=\"language-sh\">x &amp;&amp; y\n</code></pre>");
        assert_eq!(markdown("a\nb", Breaks::Kept).as_str(), "<p>a<br />\nb</p>\n");
    }

    #[test]
    fn html_is_shown_and_not_obeyed() {
        for evil in ["<script>alert(1)</script>", "a <img src=x onerror=alert(1)> b", "<b onclick='x'>y</b>", "<!-- x"]
        {
            let html = html_of(evil);
            let tags: Vec<_> = html.split('<').skip(1).map(|tag| tag.split('>').next().unwrap_or_default()).collect();
            assert!(tags.iter().all(|tag| matches!(*tag, "p" | "/p")), "{evil}: {html}");
        }
    }

    #[test]
    fn links_lead_only_away() {
        let link = html_of("[x](https://example.org/?a=1&b=\")");
        assert!(link.contains("href=\"https://example.org/?a=1&amp;b=&quot;\""), "{link}");
        assert!(link.contains("rel=\"noopener noreferrer nofollow\""), "{link}");
        for evil in
            ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd"]
        {
            for text in
                [format!("[x]({evil})"), format!("<{evil}>"), format!("![x]({evil})"), format!("[x]: {evil}\n\n[x]")]
            {
                let html = html_of(&text);
                assert!(!html.contains("href") && !html.contains("src="), "{text}: {html}");
            }
        }
        assert_eq!(html_of("![shot](https://x.org/a.png)"), "<p>shot (https://x.org/a.png)</p>");
        assert_eq!(html_of("[a ![b](c) d](https://x.org)").matches("</a>").count(), 1);
    }
}
