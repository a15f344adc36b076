//! `stats`: what sessions add up to.

use std::path::PathBuf;

use git_opensession::git::Config;
use git_opensession::git::process::GitProgram;
use git_opensession::stats::{self, By, Cost, Prices, Report, Request, Tally, Tokens};
use git_opensession::view::{self, TableRow, Untrusted, json, number};
use serde::Serialize;

use super::shown;
use crate::cli::{self, StatsBy};
use crate::context::Context;
use crate::report::{Exit, Failure, Hint};

pub fn run(context: &mut Context, arguments: &cli::Stats) -> Result<Exit, Failure> {
    let repo = context.repo()?;
    let prices = prices(context, &context.config(&repo)?)?;
    let folder = repo.workdir().unwrap_or(repo.git_dir()).to_owned();
    let program = GitProgram::new(&context.git_environment, &folder);
    let by = arguments.by.map(by);
    let range = arguments.range.as_deref();
    let surviving = !arguments.no_blame;
    let request = Request { repo: &repo, program: &program, folder: &folder, range, by, surviving };
    let report = {
        let _progress = context.talk.progress("Adding up");
        stats::stats(&request)?
    };
    let mut unreadable = shown::warn_all(&context.talk, &report.unreadable);
    for (key, why) in &report.damaged {
        let hint = Hint::own(["fsck"], "look at the ledgers");
        context.talk.warn(&format!("the session {} cannot be read to its end: {why}", key.sid), &[hint]);
        unreadable += 1;
    }
    if arguments.json {
        let told = Told::new(arguments, by, &prices, &report);
        context.out.write(|out, _| json::write_document(out, "opensession.stats/1", &told))?;
    } else {
        text(context, by, &prices, &report)?;
    }
    Ok(if unreadable == 0 { Exit::Done } else { Exit::Partly })
}

fn by(by: StatsBy) -> By {
    match by {
        StatsBy::Author => By::Author,
        StatsBy::Agent => By::Agent,
        StatsBy::Model => By::Model,
        StatsBy::File => By::File,
    }
}

/// What rows are of, in a word.
fn word(by: By) -> &'static str {
    match by {
        By::Author => "author",
        By::Agent => "agent",
        By::Model => "model",
        By::File => "file",
    }
}

/// The project's price table, with the user's above it: that of `opensession.prices`, else one in the user's own
/// configuration folder.
fn prices(context: &Context, config: &Config) -> Result<Prices, Failure> {
    let home = context.environment.home.as_deref();
    if let Some(path) = config.get("opensession.prices") {
        let path = match (path.strip_prefix("~/"), home) {
            (Some(below), Some(home)) => home.join(below),
            _ => PathBuf::from(path),
        };
        return Ok(Prices::with(&path)?);
    }
    let folder = context.environment.variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let folder = folder.filter(|folder| folder.is_absolute()).or_else(|| Some(home?.join(".config")));
    let own = folder.map(|folder| folder.join("opensession/prices.json")).filter(|path| path.exists());
    Ok(match own {
        Some(path) => Prices::with(&path)?,
        None => Prices::own()?,
    })
}

fn text(context: &mut Context, by: Option<By>, prices: &Prices, report: &Report) -> Result<(), Failure> {
    let Some(by) = by else {
        let facts = facts(prices, &report.total);
        return context.out.write(|out, look| view::write_facts(out, look, &facts));
    };
    let headings: &[&'static str] = match by {
        By::File => &["SESSIONS", "EDITS", "WRITTEN", "LEFT"],
        _ => {
            &["SESSIONS", "PROMPTS", "CALLS", "INPUT", "CACHE READ", "CACHE WRITE", "OUTPUT", "COST", "WRITTEN", "LEFT"]
        }
    };
    let name = match by {
        By::Author => "AUTHOR",
        By::Agent => "AGENT",
        By::Model => "MODEL",
        By::File => "FILE",
    };
    let row =
        |(name, tally): &(String, Tally)| TableRow { name: name.as_str().into(), cells: cells(by, prices, tally) };
    let rows: Vec<TableRow> = report.rows.iter().map(row).collect();
    context.page();
    context.out.write(|out, look| view::write_table(out, look, headings, name, &rows))
}

fn cells(by: By, prices: &Prices, tally: &Tally) -> Vec<Untrusted> {
    let left = tally.lines_surviving.map_or_else(|| "-".to_owned(), number);
    let tokens = tally.tokens();
    let mut cells = vec![number(tally.sessions.len() as u64)];
    if by == By::File {
        cells.push(number(tally.edits));
    } else {
        cells.extend([tally.prompts, tally.tool_calls].map(number));
        cells.extend([tokens.input, tokens.cache_read, tokens.cache_write, tokens.output].map(number));
        cells.push(in_short(&tally.cost(prices)));
    }
    cells.extend([number(tally.lines_written), left]);
    cells.into_iter().map(Untrusted::from).collect()
}

fn facts(prices: &Prices, tally: &Tally) -> Vec<(&'static str, Untrusted)> {
    let Tokens { input, cache_read, cache_write, output } = tally.tokens();
    let tokens = if tally.tokens().is_empty() {
        "not recorded".to_owned()
    } else {
        let [input, read, write, output] = [input, cache_read, cache_write, output].map(number);
        format!("{input} in, {read} read from cache, {write} written to cache, {output} out")
    };
    let percent = |left: u64| (left * 100).checked_div(tally.lines_written).unwrap_or(0);
    let left = tally.lines_surviving.map(|left| format!(", {} left ({} %)", number(left), percent(left)));
    vec![
        ("Sessions", number(tally.sessions.len() as u64).into()),
        ("Prompts", number(tally.prompts).into()),
        ("Tool calls", number(tally.tool_calls).into()),
        ("Tokens", tokens.into()),
        ("Cost", at_length(prices, &tally.cost(prices)).into()),
        ("Edits", number(tally.edits).into()),
        ("Lines", format!("{} written{}", number(tally.lines_written), left.unwrap_or_default()).into()),
    ]
}

/// `$1.23`; `$1.23+` if some of it has no price.
fn in_short(cost: &Cost) -> String {
    match (cost.known, cost.without_price.is_empty()) {
        (None, true) => "-".to_owned(),
        (None, false) => "no price".to_owned(),
        (Some(known), true) => dollars(known),
        (Some(known), false) => format!("{}+", dollars(known)),
    }
}

fn at_length(prices: &Prices, cost: &Cost) -> String {
    let models = cost.without_price.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let own = prices.override_path.as_ref().map(|path| format!(", and {}", path.display())).unwrap_or_default();
    let list = format!("list prices of {}{own}", prices.date);
    match (cost.known, cost.without_price.is_empty()) {
        (None, true) => "no tokens, no cost".to_owned(),
        (None, false) => format!("no price for {models}"),
        (Some(known), true) => format!("{} ({list})", dollars(known)),
        (Some(known), false) => format!("{} ({list}), and no price for {models}", dollars(known)),
    }
}

/// Millionths of a millionth of a dollar, to the cent; what is less is not nothing.
fn dollars(picos: u128) -> String {
    const CENT: u128 = 10_000_000_000;
    if picos > 0 && picos < CENT {
        return "<$0.01".to_owned();
    }
    let cents = (picos + CENT / 2) / CENT;
    let whole = number(u64::try_from(cents / 100).unwrap_or(u64::MAX));
    format!("${whole}.{:02}", cents % 100)
}

/// The same, to the millionth of a dollar, for programs.
fn exact(picos: u128) -> String {
    let micros = (picos + 500_000) / 1_000_000;
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[derive(Serialize)]
struct Told<'a> {
    range: Option<&'a str>,
    by: Option<&'static str>,
    prices: ToldPrices<'a>,
    total: ToldTally,
    rows: Vec<ToldRow<'a>>,
}

#[derive(Serialize)]
struct ToldPrices<'a> {
    date: &'a str,
    currency: &'static str,
    sources: &'a [String],
    #[serde(rename = "override")]
    own: Option<String>,
}

#[derive(Serialize)]
struct ToldRow<'a> {
    name: &'a str,
    #[serde(flatten)]
    tally: ToldTally,
}

#[derive(Serialize)]
struct ToldTally {
    sessions: u64,
    edits: u64,
    lines_written: u64,
    /// `null` if nobody looked.
    lines_surviving: Option<u64>,
    #[serde(flatten)]
    talk: Option<ToldTalk>,
}

/// What cannot be told of a file.
#[derive(Serialize)]
struct ToldTalk {
    prompts: u64,
    tool_calls: u64,
    tokens: Tokens,
    cost: ToldCost,
}

#[derive(Serialize)]
struct ToldCost {
    /// Dollars, exact to the millionth; `null` if nothing has a price.
    usd: Option<String>,
    /// Models whose tokens are not in it.
    without_price: Vec<String>,
}

impl<'a> Told<'a> {
    fn new(arguments: &'a cli::Stats, by: Option<By>, prices: &'a Prices, report: &'a Report) -> Self {
        let tally = |tally: &Tally| {
            let cost = tally.cost(prices);
            let (usd, without_price) = (cost.known.map(exact), cost.without_price.into_iter().collect());
            let talk = ToldTalk {
                prompts: tally.prompts,
                tool_calls: tally.tool_calls,
                tokens: tally.tokens(),
                cost: ToldCost { usd, without_price },
            };
            ToldTally {
                sessions: tally.sessions.len() as u64,
                edits: tally.edits,
                lines_written: tally.lines_written,
                lines_surviving: tally.lines_surviving,
                talk: (by != Some(By::File)).then_some(talk),
            }
        };
        let own = prices.override_path.as_ref().map(|path| path.display().to_string());
        Self {
            range: arguments.range.as_deref(),
            by: by.map(word),
            prices: ToldPrices { date: &prices.date, currency: "USD", sources: &prices.sources, own },
            total: tally(&report.total),
            rows: report.rows.iter().map(|(name, of)| ToldRow { name, tally: tally(of) }).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_never_nothing_unless_it_is() {
        assert_eq!([0, 1, 9_999_999_999, 10_000_000_000].map(dollars), ["$0.00", "<$0.01", "<$0.01", "$0.01"]);
        assert_eq!(dollars(1_234_565_000_000_000), "$1,234.57");
        assert_eq!(exact(1_234_567_800_000), "1.234568");
        let none = Cost { known: None, without_price: ["m".to_owned()].into() };
        assert_eq!((in_short(&none), in_short(&Cost::default())), ("no price".to_owned(), "-".to_owned()));
        let some = Cost { known: Some(2_000_000_000_000), ..none };
        assert_eq!(in_short(&some), "$2.00+");
    }
}
