//! An agent of our own, whose logs are easily written.
//!
//! One JSON object a line: `session` and `cwd` in the first; then `t` (seconds) with `say`, `edit` and `add`, `make`
//! and `add`, `run` and `id`, `out` and `id`. A line without line end is provisional. `panic` breaks the parser.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use crate::agents::{
    Checkpoint, Environment, LogFile, LogParser, Origin, ParseError, Parsed, Report, Sink, SkipReason,
};
use crate::session::{Agent, Attributes, Content, Context, Event, EventKind, HAIL_VERSION, Header, Timestamp, attr};

pub struct Fake {
    pub name: &'static str,
    pub version: u32,
    /// How long it takes to read a record.
    pub slow: std::time::Duration,
}

fn read_error(path: &Path) -> impl FnOnce(std::io::Error) -> ParseError {
    let path = path.to_owned();
    move |source| ParseError::Read { path, source }
}

impl Fake {
    fn first(&self, path: &Path) -> Result<Value, ParseError> {
        let mut line = String::new();
        BufReader::new(fs::File::open(path).map_err(read_error(path))?)
            .read_line(&mut line)
            .map_err(read_error(path))?;
        let first: Value = serde_json::from_str(&line).unwrap_or_default();
        assert!(first["panic_at_once"] != true, "a parser that breaks");
        if first["session"].is_string() {
            Ok(first)
        } else {
            Err(ParseError::NotThisAgent { path: path.to_owned(), agent: self.name })
        }
    }
}

impl LogParser for Fake {
    fn agent(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn roots(&self, environment: &Environment) -> Vec<PathBuf> {
        environment.folder("FAKE_LOGS", format!(".{}", self.name)).into_iter().collect()
    }

    fn logs(&self, environment: &Environment) -> Vec<LogFile> {
        let folders = self.roots(environment);
        let entries = folders.iter().flat_map(|root| fs::read_dir(root).into_iter().flatten().flatten());
        let mut logs: Vec<_> = entries
            .filter_map(|entry| {
                let metadata = fs::metadata(entry.path()).ok()?;
                let mtime = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos().cast_signed();
                Some(LogFile { path: entry.path(), size: metadata.len(), mtime })
            })
            .collect();
        logs.sort_by(|a, b| a.path.cmp(&b.path));
        logs
    }

    fn recognises(&self, _: &Path, head: &[u8]) -> bool {
        head.starts_with(b"{\"session\"")
    }

    fn origin(&self, path: &Path) -> Result<Option<Origin>, ParseError> {
        let first = self.first(path)?;
        let session_id = first["session"].as_str().unwrap_or_default().to_owned();
        Ok(Some(Origin { session_id, cwd: first["cwd"].as_str().map(PathBuf::from), started: None }))
    }

    fn parse(&self, path: &Path, from: Option<&Checkpoint>, sink: &mut dyn Sink) -> Result<Parsed, ParseError> {
        let first = self.first(path)?;
        let mut file = fs::File::open(path).map_err(read_error(path))?;
        let (mut offset, mut events) = from.map_or((0, 0), |from| (from.offset, from.events));
        let mut times = from.map(|from| from.state["times"].clone()).unwrap_or(json!([]));
        // What a real parser may remember: text.
        let mut last = from.map(|from| from.state["last"].clone()).unwrap_or_default();
        file.seek(SeekFrom::Start(offset)).map_err(read_error(path))?;
        let mut source = BufReader::new(file);
        let mut report = Report::default();
        let (mut emitted, mut settled) = (events, false);
        let mut checkpoint = json!({ "times": times, "last": last });
        loop {
            let mut line = Vec::new();
            let read = source.read_until(b'\n', &mut line).map_err(read_error(path))?;
            if read == 0 {
                break;
            }
            report.lines += 1;
            let whole = line.ends_with(b"\n");
            if !whole && !settled {
                settled = true;
                sink.settled();
            }
            match serde_json::from_slice::<Value>(&line) {
                Ok(record) => {
                    assert!(record["panic"] != true, "a parser that breaks");
                    if let Some(event) = event(&record, emitted) {
                        let at = event.timestamp.seconds();
                        let span = times.as_array().map(Vec::as_slice).unwrap_or_default();
                        let all = span.iter().filter_map(Value::as_i64).chain([at]);
                        times = json!([all.clone().min(), all.max()]);
                        last = record["say"].clone();
                        emitted += 1;
                        std::thread::sleep(self.slow);
                        if sink.event(event) == ControlFlow::Break(()) {
                            return Err(ParseError::Stopped);
                        }
                    } else if sink.goes_on() == ControlFlow::Break(()) {
                        return Err(ParseError::Stopped);
                    }
                }
                Err(_) => report.skip(report.lines, SkipReason::NotJson),
            }
            if whole {
                offset += read as u64;
                events = emitted;
                checkpoint = json!({ "times": times, "last": last });
            }
        }
        let moment = |at: usize| Timestamp::from_seconds(times[at].as_i64().unwrap_or_default());
        let header = Header {
            version: HAIL_VERSION.to_owned(),
            session_id: first["session"].as_str().unwrap_or_default().to_owned(),
            agent: Agent {
                provider: "nobody".into(),
                model: "unknown".into(),
                tool: self.name.to_owned(),
                tool_version: None,
            },
            context: Context {
                title: None,
                description: None,
                tags: Vec::new(),
                created_at: moment(0),
                updated_at: moment(1),
                related_session_ids: Vec::new(),
                attributes: Attributes::new(),
            },
            extra: BTreeMap::new(),
        };
        let checkpoint = Checkpoint { version: self.version, offset, events, state: checkpoint };
        Ok(Parsed { header, report, checkpoint })
    }
}

fn event(record: &Value, number: u64) -> Option<Event> {
    let at = Timestamp::from_seconds(record["t"].as_i64()?);
    let text = |key: &str| record[key].as_str().map(str::to_owned);
    let added = text("add").unwrap_or_default();
    let (kind, content) = if let Some(say) = text("say") {
        (EventKind::UserMessage, Content::text(say))
    } else if let Some(path) = text("edit") {
        let lines: Vec<_> = added.lines().map(|line| format!("+{line}")).collect();
        (EventKind::FileEdit { path, diff: Some(lines.join("\n")) }, Content::empty())
    } else if let Some(path) = text("make") {
        (EventKind::FileCreate { path }, Content::text(added))
    } else if let Some(command) = text("run") {
        (EventKind::ShellCommand { command, exit_code: None }, Content::empty())
    } else {
        let kind = EventKind::ToolResult { name: "Bash".into(), is_error: false, call_id: text("id") };
        (kind, Content::text(text("out")?))
    };
    let mut event = Event::new(format!("e{number}"), at, kind, content);
    if let Some(id) = text("id") {
        event.attributes.insert(attr::CALL_ID.into(), id.into());
    }
    if let Some(cwd) = text("cwd") {
        event.attributes.insert(attr::CWD.into(), cwd.into());
    }
    Some(event)
}
