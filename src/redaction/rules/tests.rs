//! Every rule finds its examples, whatever they are embedded in, and nothing in its counterexamples.

use super::{Rule, rules};
use crate::redaction::{Person, Redactor};

fn redactor() -> Redactor {
    Redactor::new(&Person::default())
}

/// A text as the inside of a JSON string.
fn escaped(text: &str) -> String {
    let quoted = serde_json::to_string(text).expect("any text is a JSON string");
    quoted[1..quoted.len() - 1].to_owned()
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// What is left of the example when what was found in it is taken out.
fn found(redactor: &Redactor, text: &str) -> Vec<String> {
    redactor.scan(text).into_iter().map(|hit| text[hit.range].to_owned()).collect()
}

fn secret_rules() -> impl Iterator<Item = &'static Rule> {
    rules().iter().filter(|rule| !matches!(rule.id, "home" | "user"))
}

#[test]
fn every_rule_finds_its_examples() {
    let redactor = redactor();
    for rule in secret_rules() {
        assert!(!rule.hits.is_empty() && !rule.misses.is_empty(), "{} has examples", rule.id);
        for example in rule.hits {
            let hits = redactor.scan(example);
            assert!(hits.iter().any(|hit| hit.rule == rule.id), "{}: {example}\n{hits:?}", rule.id);
        }
    }
}

#[test]
fn no_rule_finds_anything_in_a_counterexample() {
    let redactor = redactor();
    for rule in secret_rules() {
        for example in rule.misses {
            assert_eq!(found(&redactor, example), [""; 0], "{}: {example}", rule.id);
        }
    }
}

type Embed = fn(&str) -> String;

/// The ways an example is embedded in another text.
const EMBEDDINGS: &[(&str, Embed)] = &[
    ("prose", |text| format!("Please look at this:\n{text}\nand tell me what is wrong.")),
    ("JSON", |text| format!("{{\"output\": \"see\\n{}\\nthere\"}}", escaped(text))),
    ("JSON in JSON", |text| escaped(&format!("{{\"output\": \"see\\n{}\\n\"}}", escaped(text)))),
    ("JSON in JSON in JSON", |text| escaped(&escaped(&format!("{{\"output\": \"\\n{}\\n\"}}", escaped(text))))),
    ("a diff", |text| {
        format!(
            "@@ -1,2 +1,3 @@\n context\n{}\n-old",
            text.lines().map(|line| format!("+{line}")).collect::<Vec<_>>().join("\n")
        )
    }),
    ("a listing", |text| {
        text.lines().enumerate().map(|(at, line)| format!("{:6}→{line}", at + 9)).collect::<Vec<_>>().join("\n")
    }),
    ("a command", |text| format!("cd /srv && {text}")),
    ("a URL", |text| format!("https://example.com/login?next=%2Fhome&state={}&lang=en", percent(text))),
    ("a page", |text| format!("<pre>{}</pre>", text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;"))),
    ("colour", |text| format!("\x1b[32m{text}\x1b[0m")),
];

#[test]
fn examples_are_found_whatever_they_are_embedded_in() {
    let redactor = redactor();
    let mut missed = Vec::new();
    for rule in secret_rules() {
        for example in rule.hits {
            let plain: usize = redactor.scan(example).iter().map(|hit| hit.range.len()).sum();
            for (name, embed) in EMBEDDINGS {
                let text = embed(example);
                let embedded: usize = redactor.scan(&text).iter().map(|hit| hit.range.len()).sum();
                if embedded < plain {
                    missed.push(format!("{} in {name}: {text}\n  {:?}", rule.id, found(&redactor, &text)));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn rule_ids_are_unique_and_literals_are_those_of_the_examples() {
    let mut ids: Vec<_> = rules().iter().map(|rule| rule.id).collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count);
    for rule in rules() {
        assert!(
            rule.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            "{}",
            rule.id
        );
        assert!(rule.literals.iter().all(|literal| literal.len() > 2 && literal.is_ascii()), "{}", rule.id);
    }
}

#[test]
fn all_expressions_compile() {
    for (index, rule) in rules().iter().enumerate() {
        if let super::Find::Token(token) = rule.find {
            assert!(super::expression(index, token.pattern).is_some(), "{}", rule.id);
        }
    }
}
