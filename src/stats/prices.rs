//! What tokens cost: a dated table of list prices, and the user's own above it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::tally::Tokens;

/// The table of the project, with its date and where it is from.
const OWN: &str = include_str!("prices.json");
const SCHEMA: &str = "opensession.prices/1";
/// The longest table that is read, in bytes.
const LONGEST: u64 = 4 << 20;

/// A price table that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the price table {}: {reason}", path.display())]
pub struct BadPrices {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// What each model's tokens cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices {
    models: BTreeMap<String, Price>,
    /// The day that the project's own table is of.
    pub date: String,
    /// Where that is from.
    pub sources: Vec<String>,
    /// The user's table, if there is one.
    pub override_path: Option<PathBuf>,
}

/// What a million tokens cost, in millionths of a dollar. What has no price of its own is not sold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Price {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    output: Option<u64>,
}

#[derive(Deserialize)]
struct Table {
    schema: String,
    #[serde(default)]
    date: String,
    #[serde(default = "dollar")]
    currency: String,
    #[serde(default = "million")]
    per: u64,
    #[serde(default)]
    sources: Vec<String>,
    models: BTreeMap<String, Row>,
}

fn dollar() -> String {
    "USD".to_owned()
}

fn million() -> u64 {
    1_000_000
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    input: Option<Value>,
    cache_read: Option<Value>,
    cache_write: Option<Value>,
    output: Option<Value>,
}

impl Prices {
    /// The project's own.
    ///
    /// # Errors
    /// Never, as a test holds.
    pub fn own() -> Result<Self, BadPrices> {
        let bad = |reason| BadPrices { path: PathBuf::from("prices.json"), reason };
        let table = read(OWN).map_err(bad)?;
        let models = rows(&table).map_err(bad)?;
        Ok(Self { models, date: table.date, sources: table.sources, override_path: None })
    }

    /// The project's own, with those of a file in front of it: what that says of a model counts.
    ///
    /// # Errors
    /// When the file cannot be read, or is no such table.
    pub fn with(path: &Path) -> Result<Self, BadPrices> {
        let bad = |reason| BadPrices { path: path.to_owned(), reason };
        let size = fs::metadata(path).map_err(|error| bad(error.to_string()))?.len();
        if size > LONGEST {
            return Err(bad(format!("it has {size} bytes, more than the {LONGEST} that are allowed")));
        }
        let text = fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
        let table = read(&text).map_err(bad)?;
        let mut all = Self::own()?;
        all.models.extend(rows(&table).map_err(bad)?);
        all.override_path = Some(path.to_owned());
        Ok(all)
    }

    /// What some tokens of a model cost, in millionths of a millionth of a dollar; `None` if any of them has no price.
    pub fn cost(&self, model: &str, tokens: &Tokens) -> Option<u128> {
        let price = self.find(model)?;
        let of = |count: u64, price: Option<u64>| match (count, price) {
            (0, _) => Some(0),
            (count, price) => Some(u128::from(count) * u128::from(price?)),
        };
        let parts = [
            of(tokens.input, price.input),
            of(tokens.cache_read, price.cache_read),
            of(tokens.cache_write, price.cache_write),
            of(tokens.output, price.output),
        ];
        parts.into_iter().sum()
    }

    /// The price of a model under the name that a log has: with or without who sells it, a date, a context size.
    fn find(&self, model: &str) -> Option<&Price> {
        let model = model.trim().to_ascii_lowercase();
        self.models.get(&model).or_else(|| self.models.get(plain(&model)))
    }
}

/// The name of a model alone: `us.anthropic.claude-opus-4-5-20251101-v1:0` and `claude-opus-4-5[1m]` are
/// `claude-opus-4-5`.
fn plain(model: &str) -> &str {
    let model = model.rsplit('/').next().unwrap_or(model);
    let model = model.split_once("anthropic.").map_or(model, |(_, model)| model);
    let model = model.split('[').next().unwrap_or(model);
    let model = model.split([':', '@']).next().unwrap_or(model);
    let model = ["-v1", "-v2", "-latest"].into_iter().find_map(|end| model.strip_suffix(end)).unwrap_or(model);
    without_date(model)
}

/// Without `-20251101` or `-2026-04-01` at its end.
fn without_date(model: &str) -> &str {
    let is_date = |text: &str| {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        digits == 8 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    };
    for length in [10, 8] {
        let Some(at) = model.len().checked_sub(length + 1) else { continue };
        let (Some(name), Some(end)) = (model.get(..at), model.get(at..)) else { continue };
        if end.strip_prefix('-').is_some_and(is_date) {
            return name;
        }
    }
    model
}

fn read(text: &str) -> Result<Table, String> {
    let table: Table = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match table {
        Table { schema, .. } if schema != SCHEMA => Err(format!("its schema is {schema:?}; it must be {SCHEMA:?}")),
        Table { currency, .. } if currency != "USD" => Err(format!("its currency is {currency:?}; it must be \"USD\"")),
        Table { per: 0, .. } => Err("its prices are per 0 tokens".to_owned()),
        table => Ok(table),
    }
}

fn rows(table: &Table) -> Result<BTreeMap<String, Price>, String> {
    let price = |(model, row): (&String, &Row)| {
        let of = |name: &str, value: &Option<Value>| {
            let Some(value) = value else { return Ok(None) };
            let millionths =
                dollars(value).and_then(|price| price.checked_mul(1_000_000)).map(|price| price / table.per);
            millionths.map(Some).ok_or_else(|| format!("{model}: {name} is {value}; it must be dollars, as \"1.25\""))
        };
        let (input, output) = (of("input", &row.input)?, of("output", &row.output)?);
        let (cache_read, cache_write) = (of("cache_read", &row.cache_read)?, of("cache_write", &row.cache_write)?);
        Ok((model.to_ascii_lowercase(), Price { input, cache_read, cache_write, output }))
    };
    table.models.iter().map(price).collect()
}

/// Dollars, `"1.25"` or `1.25`, as millionths.
fn dollars(value: &Value) -> Option<u64> {
    let text = match value {
        Value::String(text) => text.trim().trim_start_matches('$').to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(part) || part.len() > 6 {
        return None;
    }
    let part: u64 = format!("{part:0<6}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(input: u64, cache_read: u64, cache_write: u64, output: u64) -> Tokens {
        Tokens { input, cache_read, cache_write, output }
    }

    #[test]
    fn the_own_table_is_dated_says_where_it_is_from_and_has_a_price_for_what_it_names() {
        let own = Prices::own().expect("a table");
        assert_eq!(own.date.len(), 10);
        assert!(own.sources.iter().all(|source| source.starts_with("https://")) && own.sources.len() == 2);
        for (model, price) in &own.models {
            assert!(price.input.is_some() && price.output.is_some() && price.cache_read.is_some(), "{model}");
            assert!(price.cache_read < price.input && price.input < price.output, "{model}");
        }
    }

    #[test]
    fn a_cost_is_exact() {
        let own = Prices::own().expect("a table");
        let cost = own.cost("claude-opus-4-6", &tokens(1_000_000, 1_000_000, 1_000_000, 1_000_000));
        assert_eq!(cost, Some(36_750_000 * 1_000_000));
        assert_eq!(own.cost("gpt-5-codex", &tokens(1, 1, 0, 1)), Some(1_250_000 + 125_000 + 10_000_000));
    }

    #[test]
    fn what_has_no_price_costs_not_nothing() {
        let own = Prices::own().expect("a table");
        assert_eq!(own.cost("llama-99", &tokens(1, 0, 0, 0)), None);
        assert_eq!(own.cost("gpt-5-codex", &tokens(0, 0, 1, 0)), None, "it sells no cache writes");
        assert_eq!(own.cost("unknown", &tokens(0, 0, 0, 0)), None);
    }

    #[test]
    fn a_model_is_known_by_its_other_names() {
        for (name, known) in [
            ("claude-opus-4-5-20251101", "claude-opus-4-5"),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
            ("claude-sonnet-4-6[1m]", "claude-sonnet-4-6"),
            ("anthropic/claude-opus-5", "claude-opus-5"),
            ("claude-opus-4@20250514", "claude-opus-4"),
            ("gpt-5.2-2025-12-11", "gpt-5.2"),
            ("openai/GPT-5", "gpt-5"),
            ("gpt-5.1-codex-max", "gpt-5.1-codex-max"),
        ] {
            assert_eq!(plain(&name.to_ascii_lowercase()), known, "{name}");
        }
    }

    #[test]
    fn the_users_table_counts_before_the_own_one_and_nonsense_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("prices.json");
        let with = |models: &str| {
            fs::write(&path, format!("{{\"schema\":\"{SCHEMA}\",\"models\":{{{models}}}}}")).expect("a file");
            Prices::with(&path)
        };
        let prices =
            with(r#""llama-99":{"input":0.5,"output":"1"},"gpt-5":{"input":"$1","output":2}"#).expect("a table");
        assert_eq!(prices.cost("llama-99", &tokens(2, 0, 0, 0)), Some(1_000_000));
        assert_eq!(prices.cost("gpt-5", &tokens(0, 0, 0, 1)), Some(2_000_000));
        assert_eq!(prices.cost("gpt-5", &tokens(0, 1, 0, 1)), None, "the user's row is the whole row");
        assert!(prices.cost("o3", &tokens(1, 0, 0, 0)).is_some());
        for (models, word) in
            [(r#""x":{"input":"-1"}"#, "x: input"), (r#""x":{"in":1}"#, "unknown field"), ("1", "key")]
        {
            let error = with(models).expect_err("nonsense").to_string();
            assert!(error.contains(word) && error.contains("prices.json"), "{error}");
        }
        assert!(Prices::with(&folder.path().join("none")).is_err());
    }
}
