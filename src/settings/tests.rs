use std::path::Path;

use proptest::prelude::*;

use super::committed::{Problem, ProblemKind, parse};
use super::*;
use crate::git::{ConfigScope, GitEnvironment};

fn git(entries: &[(&str, &str, &str)]) -> Config {
    let listing: Vec<_> = entries.iter().map(|(scope, key, value)| format!("{scope}\0{key}\n{value}\0")).collect();
    Config::from_listing(listing.concat().as_bytes()).unwrap()
}

fn environment(variables: &[(&str, &str)]) -> GitEnvironment {
    let mut environment = GitEnvironment::default();
    environment.variables.extend(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    environment
}

fn with_committed(config: Config, text: &str) -> Config {
    let said = parse(text);
    assert_eq!(said.problems, [], "{text}");
    let entries = said.entries.into_iter().map(|(setting, value)| (setting.key().to_owned(), value));
    config.with_committed(Path::new("/repo/.opensession/config.toml"), entries)
}

#[test]
fn the_strongest_that_says_something_holds() {
    let strict = Key::parse("strict").unwrap();
    let of = |config: &Config, environment: &GitEnvironment| {
        let shown = effective(config, environment, &strict);
        (shown.value.unwrap(), shown.origin)
    };
    let (nobody, loud) = (environment(&[]), environment(&[("OPENSESSION_STRICT", "1")]));
    let mut config = Config::default();
    assert_eq!(of(&config, &nobody), ("false".to_owned(), Origin::Default));
    config = with_committed(config, "strict = true");
    let committed = Origin::Committed("/repo/.opensession/config.toml".into());
    assert_eq!(of(&config, &nobody), ("true".to_owned(), committed));
    config = with_committed(git(&[("system", "opensession.strict", "off")]), "strict = true");
    let system = Origin::File { scope: ConfigScope::System, path: None };
    assert_eq!(of(&config, &nobody), ("off".to_owned(), system));
    assert!(!Settings::read(&config, &nobody).unwrap().strict, "what holds is what a push reads");
    let (value, origin) = of(&config, &loud);
    assert_eq!((value.as_str(), origin), ("1", Origin::Variable("OPENSESSION_STRICT")));
    config = git(&[("local", "opensession.strict", "on"), ("command", "opensession.strict", "no")]);
    assert_eq!(of(&config, &nobody), ("no".to_owned(), Origin::Command));
}

#[test]
fn every_verb_gets_what_the_committed_file_may_say() {
    let text = "fanout_mode = \"git_notes\"\nstrict = true\ndeadline = 30\nsecret_scan = \"block\"\n\
                [share]\nbase_url = \"https://Sessions.Example.org/team/\"\n";
    let config = with_committed(Config::default(), text);
    let settings = Settings::read(&config, &environment(&[])).unwrap();
    assert!(settings.strict);
    assert_eq!((settings.deadline.as_secs(), settings.secret_scan), (30, SecretScan::Block));
    assert_eq!(FanoutMode::read(&config).unwrap(), Some(FanoutMode::GitNotes));
    let url = BaseUrl::read(&config).unwrap().unwrap();
    assert_eq!(url.to_string(), "https://sessions.example.org/team");
    assert_eq!(parse("share.base_url = 'http://localhost:8788'").entries.len(), 1, "dotted keys are tables");
    assert_eq!(parse("share = { base_url = 'http://localhost:8788' }").entries.len(), 1);
}

fn problems(text: &str) -> Vec<Problem> {
    let said = parse(text);
    assert_eq!(said.entries, [], "{text}");
    said.problems
}

#[test]
fn the_committed_file_decides_nothing_that_is_a_persons_own() {
    for line in [
        "namespace = \"refs/heads/opensession/branches\"",
        "open_target = \"app\"",
        "share.auto_push_consent = true",
        "remote.0123456789abcdef.fanout = true",
        "opensession.namespace = \"refs/heads/opensession/branches\"",
    ] {
        let found = problems(line);
        assert!(matches!(found[..], [Problem { line: Some(1), .. }]), "{line}: {found:?}");
        let is_unknown = matches!(found[0].kind, ProblemKind::Unknown { .. });
        assert!(is_unknown == line.starts_with("opensession"), "{line}: {found:?}");
    }
    for (line, wanted) in [("secret_scan = \"off\"", "warn or block"), ("deadline = \"61s\"", "a minute at most")] {
        let found = problems(line);
        assert!(found[0].kind.to_string().contains(wanted), "{line}: {found:?}");
    }
}

#[test]
fn what_does_not_count_is_named_with_its_line() {
    let said =
        parse("strict = true\n\n[share]\nbase_ulr = \"https://x.example\"\n[a.b.c.d.e]\nf = 1\n[share.base_url]\n");
    let lines: Vec<_> = said.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(said.entries, [(Setting::Strict, "true".to_owned())]);
    assert_eq!(lines, [Some(4), Some(5)], "{:?}", said.problems);
    assert_eq!(said.problems[0].kind.to_string(), "\"share.base_ulr\" is no setting; is \"share.base_url\" meant?");
    assert_eq!(said.problems[1].kind.to_string(), "\"a.b.c.d\" is no setting");

    let found = problems("x = 1\ny = [\n");
    assert!(matches!(&found[..], [Problem { line: Some(2..), kind: ProblemKind::Syntax(_) }]), "{found:?}");
    let found = problems("strict = \"perhaps\"\ndeadline = []\nshare.base_url = \"https://ann:s3cret@x.example\"\n");
    let said: Vec<_> = found.iter().map(|problem| problem.kind.to_string()).collect();
    assert_eq!(said[0], "\"strict\" is \"perhaps\"; it must be true or false");
    assert!(said[1].starts_with("\"deadline\" is \"array\"; it must be seconds"), "{said:?}");
    assert!(said[2].contains("https://x.example") && !said[2].contains("s3cret"), "{said:?}");
    assert!(problems("fanout-mode = 'git_notes'")[0].kind.to_string().ends_with("is \"fanout_mode\" meant?"));
}

#[test]
fn a_key_is_known_however_it_is_typed() {
    for typed in ["opensession.share.base-url", "share.base_url", "Share.Base-URL", " share.base-url "] {
        assert_eq!(Key::parse(typed), Ok(Key::Of(Setting::BaseUrl)), "{typed}");
    }
    for setting in Setting::ALL {
        assert_eq!(Key::parse(setting.key()), Ok(Key::Of(setting)));
        assert_eq!(Key::parse(&setting.committed_name()), Ok(Key::Of(setting)));
        if let Some(default) = setting.default() {
            assert_eq!(setting.check(default).unwrap(), default, "a default is a value");
        }
    }
    let consent = Key::parse("remote.0123456789ABCDEF.fanout").unwrap();
    assert_eq!(consent.name(), "opensession.remote.0123456789abcdef.fanout");
    assert!(consent.own().is_ok() && consent.check("yes").unwrap() == "true" && consent.check("").is_err());
}

#[test]
fn a_name_that_is_no_key_has_one_that_is_like_it() {
    for (typed, nearest) in [
        ("strickt", Some("opensession.strict")),
        ("base-url", Some("opensession.share.base-url")),
        ("fanout", Some("opensession.fanout-mode")),
        ("secretscan", Some("opensession.secret-scan")),
        ("zzz", None),
        ("a.b.c.d", None),
        ("", None),
    ] {
        assert_eq!(Key::parse(typed).unwrap_err().nearest, nearest, "{typed}");
    }
}

#[test]
fn only_values_that_mean_something_are_good() {
    for (setting, good, bad) in [
        (Setting::Strict, ["YES", "0"], ["perhaps", ""]),
        (Setting::Deadline, ["500ms", "2.5"], ["0", "2h"]),
        (Setting::SecretScan, ["OFF", "block"], ["on", ""]),
        (Setting::FanoutMode, ["git_notes", "hidden_ref"], ["git-notes", ""]),
        (Setting::OpenTarget, ["none", "app"], ["moon", " "]),
    ] {
        for value in good {
            let spelled = setting.check(value).unwrap();
            assert_eq!(setting.check(&spelled).unwrap(), spelled, "one spelling");
        }
        for value in bad {
            let error = setting.check(value).unwrap_err().to_string();
            assert!(error.starts_with(setting.key()) && error.contains("; it must be "), "{error}");
        }
    }
}

#[test]
fn a_site_is_an_address_of_the_web_and_nothing_more() {
    for (text, spelled) in [
        ("https://opensession.io/", "https://opensession.io"),
        ("HTTP://Host.Example:8788/a/b//", "http://host.example:8788/a/b"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("http://127.0.0.1", "http://127.0.0.1"),
    ] {
        assert_eq!(BaseUrl::parse(text).unwrap().to_string(), spelled);
    }
    for bad in [
        "",
        "opensession.io",
        "ftp://x.example",
        "javascript://x",
        "https://",
        "https:///x",
        "https://u:p@x.example",
        "https://token@x.example",
        "https://x.example?a=b",
        "https://x.example/#a",
        "https://x.example/a b",
        "https://x.example/\u{1b}[2J",
        "https://x.example:0",
        "https://x.example:99999",
        "https://-x",
        "https://[::zz]",
        "https://ex\u{e4}mple.org",
    ] {
        assert_eq!(BaseUrl::parse(bad), None, "{bad:?}");
    }
}

#[test]
fn all_that_is_said_is_listed_the_strongest_last() {
    let config = with_committed(
        git(&[
            ("global", "opensession.strict", "false"),
            ("local", "opensession.strickt", "true"),
            ("local", "opensession.share.base-url", "https://ann:s3cret@x.example"),
        ]),
        "strict = true",
    );
    let listed = listed(&config, &environment(&[("OPENSESSION_STRICT", "on")]));
    let told: Vec<_> = listed.iter().map(|it| (it.shown.key.as_str(), it.shown.value.as_deref(), it.holds)).collect();
    assert_eq!(
        told,
        [
            ("opensession.share.base-url", Some("https://x.example"), true),
            ("opensession.strickt", Some("true"), false),
            ("opensession.strict", Some("true"), false),
            ("opensession.strict", Some("false"), false),
            ("opensession.strict", Some("on"), true),
        ]
    );
    assert!(listed[0].shown.wanted.is_some(), "credentials have no place there");
    assert_eq!(listed[1].unknown.as_ref().and_then(|unknown| unknown.nearest), Some("opensession.strict"));
}

#[test]
fn one_value_of_the_file_changes_and_all_else_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".opensession/config.toml");
    let text = || std::fs::read_to_string(&path).unwrap();
    assert!(!committed::unset(&path, Setting::Strict).unwrap() && !path.exists());
    assert!(committed::set(&path, Setting::BaseUrl, "https://x.example").unwrap());
    assert_eq!(text(), "[share]\nbase_url = \"https://x.example\"\n");
    assert!(!committed::set(&path, Setting::BaseUrl, "https://x.example").unwrap(), "nothing has changed");
    assert!(committed::set(&path, Setting::Strict, "true").unwrap());
    assert_eq!(parse(&text()).problems, []);
    assert!(committed::unset(&path, Setting::Strict).unwrap() && committed::unset(&path, Setting::BaseUrl).unwrap());
    assert_eq!(text(), "");

    let before =
        "# ours\nunknown = 1  # stays\n\n[share] # of all\n# the site\nbase_url = 'https://old.example' # moved\n";
    std::fs::write(&path, before).unwrap();
    committed::set(&path, Setting::BaseUrl, "https://new.example").unwrap();
    assert_eq!(text(), before.replace("'https://old.example'", "\"https://new.example\""));
    std::fs::write(&path, "share = 1\n").unwrap();
    assert!(matches!(
        committed::set(&path, Setting::BaseUrl, "https://x.example"),
        Err(committed::EditError::NoTable { .. })
    ));
    std::fs::write(&path, "a = 1\nb =\n").unwrap();
    let error = committed::unset(&path, Setting::Strict).unwrap_err();
    assert!(matches!(error, committed::EditError::Syntax { line: 2, .. }), "{error}");
    assert_eq!(text(), "a = 1\nb =\n");
}

#[cfg(unix)]
#[test]
fn what_is_no_plain_file_is_neither_read_nor_written() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside) = (folder.path().join(".opensession"), folder.path().join("outside"));
    std::fs::create_dir_all(&inside).unwrap();
    std::fs::write(&outside, "strict = true\n").unwrap();
    let path = inside.join("config.toml");
    std::os::unix::fs::symlink(&outside, &path).unwrap();
    let not_a_file = [Problem { line: None, kind: ProblemKind::NotAFile }];
    assert_eq!((committed::read(&path).entries.len(), &committed::read(&path).problems[..]), (0, &not_a_file[..]));
    assert!(committed::set(&path, Setting::Strict, "false").is_err());
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "strict = true\n");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(committed::read(&path).problems, not_a_file);
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, vec![b'#'; 70_000]).unwrap();
    assert_eq!(committed::read(&path).problems[0].kind, ProblemKind::TooLarge);
}

#[test]
fn no_table_is_too_deep() {
    for depth in [4, 80, 1000, 30_000] {
        let said = parse(&format!("{} = 1\n", vec!["a"; depth].join(".")));
        assert!(said.entries.is_empty() && said.problems.len() == 1, "{depth}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_file_is_too_odd(text in "[\\PC\\n]{0,200}") {
        for problem in parse(&text).problems {
            prop_assert!(!problem.kind.to_string().is_empty());
        }
    }
}
