//! Every reading is compared with what git itself lists.

use super::*;
use crate::git::testing::{Sandbox, run};

/// What git itself lists in a folder, with these variables.
fn listed(sandbox: &Sandbox, folder: &Path, variables: &[(&str, &str)]) -> Config {
    let mut command = sandbox.command(folder, &["config", "--list", "-z", "--show-scope"]);
    Config::from_listing(run(command.envs(variables.iter().copied()), b"").as_bytes()).unwrap()
}

fn same(sandbox: &Sandbox, folder: &Path, variables: &[(&str, &str)]) -> Config {
    let environment = sandbox.environment(variables);
    let ours = sandbox.open_in(folder).config(&environment).unwrap();
    let without_files = |config: &Config| {
        let entries = config.entries.iter().map(|entry| ConfigEntry { file: None, ..entry.clone() });
        Config { entries: entries.collect() }
    };
    assert_eq!(without_files(&ours), listed(sandbox, folder, variables), "{variables:?}");
    ours
}

const ODD: &str = "\u{feff}# a comment\nlone = 1\n[Core \"Sub.Section \\\"q\\\" \\\\x\"] Key=inline\n\tbare\n\tempty =\n  quoted = \" a ; b # c \" ; d\n\
    \tescaped = \"tab\\tnl\\nq\\\"b\\\\\"\n\tcontinued = one \\\n  two\n\ttrailing = x   \t # no\n[old.Style]\n\tname-1 = yes\r\n\
    [user]\n\temail = \"a\" b \"c\"\n[user] ; again\n\tname = Zoë\n\tname = second\n[branch \"Feature/X\"]\n\tmerge = refs/heads/main";

#[test]
fn an_odd_file_reads_as_git_reads_it() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.home().join(".gitconfig"), ODD).unwrap();
    let config = same(&sandbox, &sandbox.path(), &[]);
    assert_eq!(config.get("core.Sub.Section \"q\" \\x.KEY"), Some("inline"));
    assert_eq!(config.get_bool("core.Sub.Section \"q\" \\x.bare").unwrap(), Some(true));
    assert_eq!(config.get_bool("core.Sub.Section \"q\" \\x.empty").unwrap(), Some(false));
    assert_eq!(config.get("USER.name"), Some("second"));
    assert_eq!(config.all("user.name").count(), 2);
    assert_eq!(config.get("branch.Feature/X.merge"), Some("refs/heads/main"));
    assert_eq!(config.get("branch.feature/x.merge"), None, "letter case counts in a subsection");
    assert_eq!(config.last("user.email").map(|entry| entry.scope), Some(ConfigScope::Global));
}

#[test]
fn all_scopes_are_read_in_gits_order() {
    let sandbox = Sandbox::new();
    let write = |path: &str, value: &str| {
        let path = sandbox.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("[a]\n\tb = {value}\n")).unwrap();
    };
    write(".gitconfig", "home");
    write(".config/git/config", "xdg");
    write("other/git/config", "other xdg");
    write("system", "system");
    write("global", "global");
    sandbox.commit_file("a", "1");
    sandbox.git(&["config", "extensions.worktreeConfig", "true"]);
    sandbox.git(&["worktree", "add", "-q", "../linked"]);
    let linked = sandbox.home().join("linked");
    sandbox.git_in(&linked, &["config", "--worktree", "a.b", "worktree"]);
    sandbox.git(&["config", "--worktree", "a.b", "main worktree"]);
    let home = |name: &str| sandbox.home().join(name).to_str().unwrap().to_owned();
    let (other, system, global) = (home("other"), home("system"), home("global"));
    for folder in [sandbox.path(), linked] {
        same(&sandbox, &folder, &[]);
        same(&sandbox, &folder, &[("XDG_CONFIG_HOME", &other)]);
        same(&sandbox, &folder, &[("GIT_CONFIG_NOSYSTEM", "0"), ("GIT_CONFIG_SYSTEM", &system)]);
        same(&sandbox, &folder, &[("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_SYSTEM", &system)]);
        same(&sandbox, &folder, &[("GIT_CONFIG_GLOBAL", &global)]);
        same(&sandbox, &folder, &[("GIT_CONFIG_GLOBAL", "")]);
        same(&sandbox, &folder, &[("GIT_CONFIG_GLOBAL", "/dev/null")]);
    }
}

#[test]
fn every_value_knows_its_file_even_an_included_one() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.home().join(".gitconfig"), "[a]\n\tb = 1\n[include]\n\tpath = more\n").unwrap();
    fs::write(sandbox.home().join("more"), "[a]\n\tb = 2\n").unwrap();
    sandbox.git(&["config", "a.b", "3"]);
    let config = sandbox.open().config(&sandbox.environment(&[("GIT_CONFIG_PARAMETERS", "'a.b=4'")])).unwrap();
    let files: Vec<_> = config.all("a.b").map(|entry| entry.file.as_deref().map(Path::to_path_buf)).collect();
    let (home, own) = (sandbox.home(), sandbox.open().common_dir().join("config"));
    assert_eq!(files, [Some(home.join(".gitconfig")), Some(home.join("more")), Some(own), None]);
}

#[test]
fn the_committed_file_is_the_weakest() {
    let file = Path::new("/x/config.toml");
    let config = Config::from_listing(b"system\0a.b\n1\0").unwrap();
    let config = config.with_committed(file, [("A.b".to_owned(), "2".to_owned()), ("a.c".to_owned(), "3".to_owned())]);
    assert_eq!((config.get("a.b"), config.get("a.c")), (Some("1"), Some("3")));
    let last = config.last("a.c").unwrap();
    assert_eq!((last.scope, last.file.as_deref()), (ConfigScope::Committed, Some(file)));
    assert!(ConfigScope::Committed < ConfigScope::System);
}

#[test]
fn the_command_line_and_counted_variables_are_read() {
    let sandbox = Sandbox::new();
    let counted = [
        ("GIT_CONFIG_COUNT", "2"),
        ("GIT_CONFIG_KEY_0", "Opensession.Strict"),
        ("GIT_CONFIG_VALUE_0", "true"),
        ("GIT_CONFIG_KEY_1", "x.Y z.w"),
        ("GIT_CONFIG_VALUE_1", ""),
        ("GIT_CONFIG_PARAMETERS", "'opensession.strict'='off' 'a.b=c=d'  'e.f'= 'g.h' 'q.q'='it'\\''s'\\!' x'"),
    ];
    let config = same(&sandbox, &sandbox.path(), &counted);
    assert_eq!(config.get_bool("opensession.strict").unwrap(), Some(false));
    assert_eq!(config.get("q.q"), Some("it's! x"));
    // What git really hands to its children.
    sandbox.git(&["config", "alias.env", "!printf %s \"$GIT_CONFIG_PARAMETERS\""]);
    let exported = sandbox.git(&["-c", "a.B'c d.e=it's a\nline!", "-c", "bare.key", "env"]);
    let config = same(&sandbox, &sandbox.path(), &[("GIT_CONFIG_PARAMETERS", &exported)]);
    assert_eq!(config.get("a.B'c d.e"), Some("it's a\nline!"));
    for bad in [[("GIT_CONFIG_PARAMETERS", "'open")], [("GIT_CONFIG_PARAMETERS", "bare")], [("GIT_CONFIG_COUNT", "1")]]
    {
        let read = sandbox.open().config(&sandbox.environment(&bad));
        assert!(matches!(read, Err(Error::Config { .. })), "{bad:?}");
    }
}

#[test]
fn includes_and_their_conditions_are_followed_as_git_does() {
    let sandbox = Sandbox::new();
    sandbox.commit_file("a", "1");
    sandbox.git(&["remote", "add", "origin", "https://example.com/team/x.git"]);
    sandbox.git(&["branch", "feature/one"]);
    let home = sandbox.home();
    let conditions = [
        "gitdir:~/repo/",
        "gitdir:repo/.git",
        "gitdir:**/repo/**",
        "gitdir:/nowhere/",
        "gitdir:./",
        "gitdir/i:~/REPO/",
        "gitdir:~/REPO/",
        "onbranch:main",
        "onbranch:feature/",
        "onbranch:*",
        "hasconfig:remote.*.url:https://example.com/**",
        "hasconfig:remote.*.url:https://other.example/**",
        "unknown:x",
    ];
    let mut text = String::from("[include]\n\tpath = first.inc\n\tpath = missing\n\tpath = ~/first.inc\n");
    for (number, condition) in conditions.iter().enumerate() {
        text.extend(["[includeIf \"", condition, "\"]\n\tpath = cond", &number.to_string(), "\n"]);
        fs::write(home.join(format!("cond{number}")), format!("[cond]\n\thit = {condition}\n")).unwrap();
    }
    fs::write(home.join(".gitconfig"), text).unwrap();
    fs::write(home.join("first.inc"), "[a]\n\tb = first\n[include]\n\tpath = sub/second.inc\n").unwrap();
    fs::create_dir(home.join("sub")).unwrap();
    fs::write(home.join("sub/second.inc"), "[a]\n\tb = second\n").unwrap();
    let config = same(&sandbox, &sandbox.path(), &[]);
    assert_eq!(config.all("cond.hit").count(), 8);
    sandbox.git(&["checkout", "-q", "feature/one"]);
    same(&sandbox, &sandbox.path(), &[]);
    let absolute = format!("'include.path'='{}'", home.join("first.inc").display());
    same(&sandbox, &sandbox.path(), &[("GIT_CONFIG_PARAMETERS", &absolute)]);
    // A file that includes itself is an error, and no endless loop.
    fs::write(home.join(".gitconfig"), "[include]\n\tpath = .gitconfig\n").unwrap();
    let read = sandbox.open().config(&sandbox.environment(&[]));
    assert!(matches!(read, Err(Error::Config { reason, .. }) if reason == "included too deeply"));
}

#[test]
fn a_file_that_does_not_parse_is_named_with_its_line() {
    let sandbox = Sandbox::new();
    let cases = [
        ("[a]\n\tb = \"open\n", 2),
        ("[a]\n[b\n", 2),
        ("[a]\n\tb = \\x\n", 2),
        ("= no name", 1),
        ("[a]\n\n b c\n", 3),
        ("[a \"x]\n", 1),
    ];
    for (text, line) in cases {
        fs::write(sandbox.home().join(".gitconfig"), text).unwrap();
        let failed = sandbox.command(sandbox.home(), &["config", "--list"]).output().unwrap();
        assert!(!failed.status.success(), "git refuses it too: {text:?}");
        let error = sandbox.open().config(&sandbox.environment(&[])).err().unwrap().to_string();
        assert!(error.ends_with(&format!(".gitconfig: line {line} does not parse")), "{text:?}: {error}");
    }
}

#[test]
fn booleans_and_numbers_are_gits() {
    for (text, expected) in [
        ("TRUE", Some(true)),
        ("on", Some(true)),
        ("2k", Some(true)),
        ("0", Some(false)),
        ("", Some(false)),
        ("maybe", None),
        ("k", None),
    ] {
        assert_eq!(parse_bool(text), expected, "{text}");
    }
    for (text, expected) in [
        ("-3", Some(-3)),
        ("2k", Some(2048)),
        ("1G", Some(1 << 30)),
        ("1t", None),
        ("", None),
        ("9223372036854775807k", None),
    ] {
        assert_eq!(parse_int(text), expected, "{text}");
    }
}

#[test]
fn only_our_own_keys_can_be_written() {
    for good in
        ["opensession.strict", "opensession.remote.ab12.fanout", "hook.opensession.command", "OPENSESSION.Fanout-Mode"]
    {
        assert!(OwnKey::new(good).is_ok(), "{good}");
    }
    assert_eq!(OwnKey::new("OpenSession.Remote.aB.Fanout").unwrap().as_str(), "opensession.Remote.aB.fanout");
    for bad in [
        "core.hooksPath",
        "opensession",
        "opensessions.x",
        "hook.other.command",
        "hook.opensession",
        "user.opensession.x",
        "opensession.",
        "opensession.a b",
        "opensession.x\ny.z",
        "hook.opensession.x.y",
        "opensession.1x",
    ] {
        assert!(matches!(OwnKey::new(bad), Err(Error::Config { .. })), "{bad}");
    }
}

#[test]
fn what_is_written_is_what_git_would_write_and_undone_byte_for_byte() {
    let texts = [
        String::new(),
        "[core]\n\tbare = false\n".to_owned(),
        "# top\n[core]\n\tbare = false\n\n; end\n".to_owned(),
        "[opensession]\n\tother = 1\n[core]\n\tx = y\n".to_owned(),
        "[core]\r\n\tbare = false\r\n".to_owned(),
    ];
    for (text, value) in texts.iter().flat_map(|text| ["simple", " a; \"b\" \\ c#\t\n "].map(|value| (text, value))) {
        let sandbox = Sandbox::new();
        let path = sandbox.path().join(".git/config");
        let base = fs::read(&path).unwrap();
        let before = [base.as_slice(), text.as_bytes()].concat();
        fs::write(&path, &before).unwrap();
        let keys = ["opensession.fanout-mode", "opensession.remote.ab12.fanout", "hook.opensession.command"];
        let keys = keys.map(|key| OwnKey::new(key).unwrap());
        let repo = sandbox.open();
        for key in &keys {
            repo.set_config(key, value).unwrap();
            assert_eq!(sandbox.git(&["config", "--local", "-z", key.as_str()]), format!("{value}\0"));
        }
        if !text.contains('\r') {
            let ours = fs::read(&path).unwrap();
            fs::write(&path, &before).unwrap();
            for key in &keys {
                sandbox.git(&["config", "--local", key.as_str(), value]);
            }
            assert_eq!(String::from_utf8(fs::read(&path).unwrap()), String::from_utf8(ours), "as git");
        }
        repo.set_config(&keys[0], "changed").unwrap();
        repo.add_config(&keys[0], "second").unwrap();
        assert_eq!(sandbox.git(&["config", "--get-all", keys[0].as_str()]), "changed\nsecond");
        repo.set_config(&keys[0], "one").unwrap();
        assert_eq!(sandbox.git(&["config", "--get-all", keys[0].as_str()]), "one");
        for key in &keys {
            assert!(repo.unset_config(key).unwrap());
            assert!(!repo.unset_config(key).unwrap());
        }
        assert_eq!(String::from_utf8(fs::read(&path).unwrap()), String::from_utf8(before), "undone");
        assert!(!path.with_extension("lock").exists());
    }
}

#[test]
fn a_locked_or_broken_configuration_is_left_alone() {
    let sandbox = Sandbox::new();
    let repo = sandbox.open();
    let key = OwnKey::new("opensession.strict").unwrap();
    let path = sandbox.path().join(".git/config");
    let lock = path.with_extension("lock");
    fs::write(&lock, "somebody else's").unwrap();
    assert!(matches!(repo.set_config(&key, "1"), Err(Error::Io { path, .. }) if path.ends_with("config.lock")));
    assert_eq!(fs::read(&lock).unwrap(), b"somebody else's");
    fs::remove_file(&lock).unwrap();
    fs::write(&path, "[core]\n\tbroken").unwrap();
    fs::write(&path, "[core\n").unwrap();
    assert!(matches!(repo.set_config(&key, "1"), Err(Error::Config { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"[core\n");
    assert!(!lock.exists());
    assert!(matches!(repo.set_config(&key, "a\0b"), Err(Error::Config { .. })));
}

#[test]
fn a_section_with_more_in_it_stays() {
    let file = |text: &str| ConfigFile::parse(text.as_bytes().to_vec()).unwrap();
    let unset = |text: &str| String::from_utf8(file(text).unset("opensession.x")).unwrap();
    assert_eq!(unset("[opensession]\n\tx = 1\n\ty = 2\n"), "[opensession]\n\ty = 2\n");
    assert_eq!(unset("[opensession]\n\t# why\n\tx = 1\n"), "[opensession]\n\t# why\n");
    assert_eq!(unset("[opensession] x = 1\n\ty = 2\n"), "[opensession]\n\ty = 2\n");
    assert_eq!(unset("[a]\n[opensession] x = 1\n[b]\n"), "[a]\n[b]\n");
    assert_eq!(unset("[opensession]\n\tx = 1\n[b]\n\tc\n[OpenSession]\n\tX = 2"), "[b]\n\tc\n");
    let set = |text: &str| String::from_utf8(file(text).set("opensession.x", "9")).unwrap();
    assert_eq!(set("[opensession] x = 1\n"), "[opensession]\n\tx = 9\n");
    assert_eq!(
        set("[opensession]\n\tx = 1\n[b]\n[opensession]\n\tx = 2 \\\n 3\n\ty\n"),
        "[opensession]\n[b]\n[opensession]\n\tx = 9\n\ty\n"
    );
    assert_eq!(set("[a]\n\tb = c"), "[a]\n\tb = c\n[opensession]\n\tx = 9\n");
    assert_eq!(set("[opensession]"), "[opensession]\n\tx = 9\n");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_bytes_parse_or_fail_and_an_edit_changes_its_own_key_alone(
        text in "([\\[\\]a-c\"\\\\=;# \n\r\t.]|\\[opensession\\]\n|\tx = 1\n|\\[b \"c\"\\]|\ty = \"z\"\n){0,25}"
    ) {
        let Ok(file) = ConfigFile::parse(text.into_bytes()) else { return Ok(()) };
        let key = "opensession.x";
        let others = |file: &ConfigFile| {
            let others = file.entries().iter().filter(|entry| entry.key != key);
            others.map(|entry| (entry.key.clone(), entry.value.clone())).collect::<Vec<_>>()
        };
        for (edited, values) in [(file.set(key, "v"), vec![Some("v")]), (file.unset(key), vec![])] {
            let edited = ConfigFile::parse(edited).expect("an edited file still parses");
            proptest::prop_assert_eq!(others(&edited), others(&file));
            let mine: Vec<_> = edited.entries().iter().filter(|entry| entry.key == key).collect();
            proptest::prop_assert_eq!(mine.iter().map(|entry| entry.value.as_deref()).collect::<Vec<_>>(), values);
        }
    }
}
