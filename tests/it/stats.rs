//! `stats`: what sessions add up to, and what they cost.

use std::fs;

use serde_json::Value;

use crate::world::{ClaudeLog, CodexLog, World};

const GREET: &str = "pub fn greet(name: &str) -> String {\n    format!(\"hello, {name}\")\n}\n";

/// A world with a session of Claude Code that wrote a file, of which a human changed a line since, and one of Codex.
fn worked() -> World {
    let mut world = World::installed();
    ClaudeLog::new("aaaa", world.repo(), 60)
        .prompt("greet people")
        .write("greet.rs", GREET)
        .answer("Done.")
        .prompt("thanks")
        .answer("Welcome.")
        .save(&world);
    world.set_now("2026-03-06T12:05:00Z");
    world.commit("greet.rs", GREET, "greet by name");
    CodexLog::new("bbbb", world.repo(), 400)
        .prompt("test it")
        .shell("ls", "greet.rs", 0)
        .answer("Tested.")
        .save(&world);
    world.set_now("2026-03-06T12:08:00Z");
    world.commit("greet.rs", &GREET.replace("hello", "good day"), "a better greeting");
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    world
}

fn row<'j>(json: &'j Value, name: &str) -> &'j Value {
    let rows = json["rows"].as_array().expect("rows");
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name} in {json}"))
}

#[test]
fn prompts_calls_tokens_lines_and_cost_are_added_up() {
    let world = worked();
    let json = world.os(["stats", "--json"]).json();
    assert_eq!(json["schema"], "opensession.stats/1");
    let total = &json["total"];
    assert_eq!(
        (total["sessions"].as_u64(), total["prompts"].as_u64(), total["tool_calls"].as_u64()),
        (Some(2), Some(3), Some(2))
    );
    // Claude: three messages of 10 + 20 + 30 in and 5 out. Codex: one of 70 in, 30 of them cached, and 30 out.
    let tokens = serde_json::json!({"input": 70, "cache_read": 120, "cache_write": 60, "output": 45});
    assert_eq!(total["tokens"], tokens, "{json}");
    assert_eq!((total["lines_written"].as_u64(), total["lines_surviving"].as_u64()), (Some(3), Some(2)));
    // 30 * 5 + 90 * 0.5 + 60 * 6.25 + 15 * 25, and 40 * 1.25 + 30 * 0.125 + 30 * 10, in millionths.
    assert_eq!(total["cost"]["usd"], "0.001299");
    assert_eq!(total["cost"]["without_price"], serde_json::json!([]));
    let date = json["prices"]["date"].as_str().expect("a date").to_owned();
    let told = world.os(["stats"]).ok();
    let words = [
        "Sessions    2\n",
        "Prompts     3\n",
        "3 written, 2 left (66 %)\n",
        &format!("<$0.01 (list prices of {date})\n"),
    ];
    for words in words {
        assert!(told.contains(words), "{words:?} in {told}");
    }
    assert_eq!(world.os(["stats", "--json", "--no-blame"]).json()["total"]["lines_surviving"], Value::Null);
}

#[test]
fn rows_are_by_what_was_asked_for_and_only_of_the_range() {
    let world = worked();
    let by = |what: &str| world.os(["stats", "--json", "--by", what]).json();
    let agents = by("agent");
    assert_eq!(
        (row(&agents, "claude-code")["prompts"].as_u64(), row(&agents, "codex")["prompts"].as_u64()),
        (Some(2), Some(1))
    );
    assert_eq!(row(&by("model"), "claude-opus-4-6")["lines_surviving"], 2);
    assert_eq!(row(&by("model"), "gpt-5-codex")["tokens"]["output"], 30);
    assert_eq!(row(&by("author"), "Ann Example <ann@example.com>")["sessions"], 2);
    let files = by("file");
    let file = row(&files, "greet.rs");
    assert_eq!(
        (file["edits"].as_u64(), file["lines_written"].as_u64(), file["lines_surviving"].as_u64()),
        (Some(1), Some(3), Some(2))
    );
    assert!(file.get("tokens").is_none(), "tokens are of no file");
    let first = world.os(["stats", "--json", "HEAD~2..HEAD~1"]).json();
    assert_eq!(first["total"]["sessions"], 1, "{first}");
    let table = world.os(["stats", "--by", "agent"]).ok();
    assert!(table.lines().all(|line| line.split('\t').count() == 11), "{table}");
    assert_eq!(world.os(["stats", "nonsense.."]).code, 2);
}

#[test]
fn a_table_of_ones_own_counts_and_what_has_no_price_says_so() {
    let world = worked();
    let table = world.path("prices.json");
    let models = r#"{"claude-opus-4-6":{"input":"1000","cache_read":"0","cache_write":"0","output":"0"},"gpt-5-codex":{"input":"1"}}"#;
    fs::write(&table, format!("{{\"schema\":\"opensession.prices/1\",\"models\":{models}}}")).expect("a file");
    world.git(world.repo(), ["config", "opensession.prices", &table.to_string_lossy()]).ok();
    let total = world.os(["stats", "--json"]).json()["total"].clone();
    assert_eq!(total["cost"]["usd"], "0.030000");
    assert_eq!(total["cost"]["without_price"], serde_json::json!(["gpt-5-codex"]));
    let told = world.os(["stats"]).ok();
    assert!(told.contains("$0.03 (list prices of ") && told.contains(", and no price for gpt-5-codex\n"), "{told}");
    let by_model = world.os(["stats", "--by", "model"]).ok();
    assert!(
        by_model.lines().any(|line| line.starts_with("gpt-5-codex\t") && line.contains("\tno price\t")),
        "{by_model}"
    );

    fs::write(&table, "{}").expect("a file");
    let bad = world.os(["stats"]).code(2);
    assert!(
        bad.err.contains("prices.json") && bad.err.contains("hint: git config --unset opensession.prices"),
        "{}",
        bad.err
    );
    world.git(world.repo(), ["config", "--unset", "opensession.prices"]).ok();
    let own = world.home().join(".config/opensession");
    fs::create_dir_all(&own).expect("folders");
    fs::write(own.join("prices.json"), format!("{{\"schema\":\"opensession.prices/1\",\"models\":{models}}}"))
        .expect("a file");
    assert_eq!(world.os(["stats", "--json"]).json()["total"]["cost"]["usd"], "0.030000");
}

#[test]
fn nothing_adds_up_to_nothing() {
    let world = World::new();
    let json = world.os(["stats", "--json", "--by", "agent"]).json();
    assert_eq!((json["total"]["sessions"].as_u64(), &json["rows"]), (Some(0), &serde_json::json!([])));
    assert!(world.os(["stats"]).ok().contains("no tokens, no cost"));
}
