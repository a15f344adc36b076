//! Some events of the page, and the packed bodies of what is folded among them.
//!
//! Measured with 20,000 events and 40 MB of text: as one tree of elements a browser needs half a minute and a
//! gigabyte. Packed in sections, of which only those near the window are taken apart and drawn, it needs less than a
//! second and a quarter of the memory, and what was said can still be found by the browser itself.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::markup::Markup;

/// So many events are one section.
pub(super) const EVENTS: usize = 50;

/// What is drawn at once, and what waits, packed.
#[derive(Default)]
pub(super) struct Section {
    shown: Markup,
    bodies: Vec<Markup>,
}

impl Section {
    /// Adds something that is shown as it is.
    pub(super) fn show(&mut self, html: &Markup) {
        self.shown.add(html);
    }

    /// Adds something folded: `summary` is its line, `opening` its `<details` up to its last attribute.
    pub(super) fn fold(&mut self, opening: &Markup, summary: &Markup, body: Markup) {
        self.shown.add(opening);
        if body.is_empty() {
            self.shown.html(" data-empty=\"\"");
        } else {
            self.shown.html(" data-body=\"").show(self.bodies.len()).html("\"");
            self.bodies.push(body);
        }
        self.shown.html("><summary>").add(summary).html("</summary></details>\n");
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// Writes the section. The same events give the same bytes: the packed part has no name and no date.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"<section class=\"part\">\n")?;
        self.shown.write(out)?;
        if !self.bodies.is_empty() {
            let mut packed = GzEncoder::new(Vec::new(), Compression::default());
            serde_json::to_writer(&mut packed, &self.bodies.iter().map(Markup::as_str).collect::<Vec<_>>())?;
            // A block of data: a browser runs nothing of a type that it does not know.
            out.write_all(b"<script type=\"application/gzip\">")?;
            out.write_all(STANDARD.encode(packed.finish()?).as_bytes())?;
            out.write_all(b"</script>\n")?;
        }
        out.write_all(b"</section>\n")
    }
}
