//! A session in a file of the user's: HAIL, or the log of an agent.
//!
//! Whichever it is, what comes out of it is redacted, canonical HAIL, so that it can be shown as what a ledger
//! holds. It waits in a spool that the caller provides; memory does not grow with the file.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::agents::LogParser;
use crate::hail::{self, LineError, LineErrorKind, Reader};
use crate::parse::{self, Log};
use crate::redaction::{Findings, Redactor};
use crate::session::{Header, Stats, StatsFold};

/// A session that was read from a file, redacted.
#[derive(Debug)]
pub struct SessionFile<S> {
    /// Who, with what, when.
    pub header: Header,
    /// What its events add up to.
    pub stats: Stats,
    /// What was taken out.
    pub findings: Findings,
    /// How many lines of the file could not be read.
    pub skipped: u64,
    spool: S,
}

/// A file that holds no session.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is a log that cannot be parsed.
    #[error(transparent)]
    Log(#[from] parse::Error),
    /// It is HAIL that cannot be read.
    #[error("cannot read the session")]
    Hail(#[from] LineError),
    /// The spool.
    #[error("cannot keep the session aside")]
    Spool(#[source] io::Error),
}

/// Whether the first line of a text is meant as the header of HAIL, of whatever version, good or bad.
pub fn is_hail(text: impl BufRead) -> bool {
    match Reader::new(text) {
        Ok(_) => true,
        Err(error) => matches!(error.kind, LineErrorKind::Version | LineErrorKind::Malformed { .. }),
    }
}

/// Reads a log into `spool`, which is empty.
///
/// # Errors
/// When it cannot be parsed, or the spool be written.
pub fn of_log<S: Read + Write + Seek>(
    path: &Path,
    parser: &dyn LogParser,
    is_named: bool,
    redactor: &Redactor,
    mut spool: S,
    events: impl Read + Write + Seek,
) -> Result<SessionFile<S>, Error> {
    let log = Log { path, parser, is_named, redactor: Some(redactor) };
    let parsed = parse::to_hail(&log, events, &mut spool)?;
    let (header, stats, findings) = (parsed.header, parsed.stats, parsed.findings);
    Ok(SessionFile { header, stats, findings, skipped: parsed.report.skipped_count, spool })
}

/// Reads HAIL into `spool`, which is empty. A line that cannot be read is counted and passed over.
///
/// # Errors
/// When the header cannot be read, or the spool be written.
pub fn of_hail<S: Read + Write + Seek>(
    text: impl BufRead,
    redactor: &Redactor,
    mut spool: S,
) -> Result<SessionFile<S>, Error> {
    let reader = Reader::new(text)?;
    let (mut findings, mut fold, mut skipped) = (Findings::default(), StatsFold::default(), 0);
    let header = redactor.header(reader.header().clone(), &mut findings).into_inner();
    let mut out = io::BufWriter::new(&mut spool);
    hail::write_header(&header, &mut out).map_err(Error::Spool)?;
    for event in reader {
        let Ok(event) = event else {
            skipped += 1;
            continue;
        };
        let event = redactor.event(event, &mut findings).into_inner();
        fold.add(&event);
        hail::write_event(&event, &mut out).map_err(Error::Spool)?;
    }
    let stats = fold.stats();
    hail::write_stats(&stats, &mut out).map_err(Error::Spool)?;
    out.flush().map_err(Error::Spool)?;
    drop(out);
    Ok(SessionFile { header, stats, findings, skipped, spool })
}

impl<S: Read + Seek> SessionFile<S> {
    /// Its events, from the first.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn events(&mut self) -> Result<Reader<BufReader<&mut S>>, Error> {
        self.spool.seek(SeekFrom::Start(0)).map_err(Error::Spool)?;
        Ok(Reader::new(BufReader::new(&mut self.spool))?)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::redaction::Person;

    const HEADER: &str = concat!(
        r#"{"type":"header","version":"hail-1.0.0","session_id":"s","agent":{"provider":"p","model":"m","tool":"t"},"#,
        r#""context":{"tags":[],"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}}"#,
        "\n"
    );

    fn event(id: &str, text: &str) -> String {
        format!(
            "{{\"type\":\"event\",\"event_id\":\"{id}\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"event_type\":\
             {{\"type\":\"UserMessage\"}},\"content\":{{\"blocks\":[{{\"type\":\"Text\",\"text\":\"{text}\"}}]}}}}\n"
        )
    }

    #[test]
    fn hail_is_redacted_counted_anew_and_read_past_a_bad_line() {
        let secret = format!("ghp_{}", "a1B2".repeat(9));
        let text = format!("{HEADER}{}nonsense\n{}", event("1", &secret), event("2", "hi"));
        let redactor = Redactor::new(&Person::default());
        let mut file = of_hail(text.as_bytes(), &redactor, Cursor::new(Vec::new())).expect("a session");
        assert_eq!((file.stats.event_count, file.skipped), (2, 1));
        assert_eq!(file.findings.iter().map(|(_, count)| count).sum::<u64>(), 1);
        let again = |file: &mut SessionFile<Cursor<Vec<u8>>>| {
            let events = file.events().expect("a text").map(|event| event.expect("an event"));
            events.flat_map(|event| event.content.texts().map(str::to_owned).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        let texts = again(&mut file);
        assert!(!texts[0].contains("ghp_") && texts[1] == "hi", "{texts:?}");
        assert_eq!(again(&mut file), texts);
    }

    #[test]
    fn hail_is_known_by_its_first_line() {
        assert!(is_hail(HEADER.as_bytes()));
        assert!(is_hail(HEADER.replace("1.0.0", "9.0.0").as_bytes()));
        assert!(is_hail(&b"{\"type\":\"header\"}\n"[..]));
        assert!(!is_hail(&b"{\"type\":\"user\"}\n"[..]));
        assert!(!is_hail(&b""[..]));
    }
}
