//! Addresses: one spelling, both ways; and what must not become one.

use proptest::prelude::*;

use super::*;

const SHA: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn remote_of(url: &str) -> String {
    Remote::of_url(url).map_or_else(|error| error.to_string(), |remote| remote.to_string())
}

fn error_of(text: &str) -> String {
    text.parse::<Uri>().expect_err("no address").to_string()
}

#[test]
fn every_kind_of_address_reads_back_as_it_prints() {
    for text in [
        format!("os://src/local/{SHA}"),
        format!("os://artifact/{SHA}"),
        format!("os://src/gh/ann/greeter/ref/refs%2Fopensession%2Fbranches%2FbWFpbg/path/sessions/{SHA}.jsonl"),
        "os://src/gl/Z3JvdXAvc3ViL3JlcG8/ref/main/path/a/b%20c.jsonl".to_owned(),
        "os://src/git/aHR0cHM6Ly9naXQuZXhhbXBsZS9vL3IuZ2l0/ref/HEAD/path/%E6%97%A5.jsonl".to_owned(),
    ] {
        assert_eq!(text.parse::<Uri>().expect("an address").to_string(), text);
    }
}

#[test]
fn a_url_becomes_the_remote_it_names_and_its_login_is_dropped() {
    for url in [
        "https://github.com/ann/greeter",
        "https://github.com/ann/greeter.git/",
        "https://ann:ghp_token@github.com/ann/greeter.git",
        "https://token@GitHub.com:443/ann/greeter",
        "git@github.com:ann/greeter.git",
        "ssh://git@github.com/ann/greeter.git",
        "ssh://git@ssh.github.com:443/ann/greeter.git",
        "git://github.com/ann/greeter.git",
    ] {
        assert_eq!(remote_of(url), "gh/ann/greeter", "{url}");
    }
    for url in ["git@gitlab.com:group/sub/repo.git", "https://u:p@gitlab.com/group/sub/repo"] {
        assert_eq!(remote_of(url), "gl/Z3JvdXAvc3ViL3JlcG8", "{url}");
    }
    for (url, plain) in [
        ("https://u:p@git.example/o/r.git?private_token=x#y", "https://git.example/o/r.git"),
        ("HTTP://Git.Example:80/o/r", "http://git.example/o/r"),
        ("https://git.example:8443/o/r/", "https://git.example:8443/o/r"),
        ("ssh://git:pw@git.example:22/o/r.git", "ssh://git@git.example/o/r.git"),
        ("ssh://git.example:2222/o/r.git", "ssh://git.example:2222/o/r.git"),
        ("ann@Git.Example:o/r.git", "ann@git.example:o/r.git"),
        ("host:r", "host:r"),
        ("/srv/git/r.git", "/srv/git/r.git"),
        ("file:///srv/git/r.git", "file:///srv/git/r.git"),
        // Not the shape of a repository there: still a URL.
        ("https://github.com/ann", "https://github.com/ann"),
    ] {
        let remote = Remote::of_url(url).expect("a remote");
        assert_eq!((remote.url().as_str(), matches!(remote, Remote::Git(_))), (plain, true), "{url}");
    }
}

#[test]
fn what_others_could_not_clone_from_is_no_remote() {
    for url in [
        "",
        "../r",
        "r",
        "./a:b",
        "ext::sh -c evil",
        "ext::https://h/x",
        "evil://h/x",
        "https://",
        "https:///x",
        "https://h",
        "https://h/",
        "ssh://-oProxyCommand=x/y",
        "ssh://-x@h/y",
        "-oProxyCommand=x:y",
        "user:password@host:path",
        "/",
        "https://h/x\ny",
        "file://host/x",
    ] {
        assert!(Remote::of_url(url).is_err(), "{url}");
    }
}

#[test]
fn one_repository_is_the_same_under_the_names_it_has() {
    let same = |one: &str, other: &str| {
        Remote::of_url(one).expect("a remote").is_same(&Remote::of_url(other).expect("a remote"))
    };
    assert!(same("git@github.com:Ann/Greeter.git", "https://github.com/ann/greeter"));
    assert!(same("/srv/r.git", "/srv/r"));
    assert!(!same("/srv/r", "/srv/R"));
    assert!(!same("https://github.com/a/b", "https://gitlab.com/a/b"));
}

#[test]
fn what_is_no_address_is_told_with_what_would_be_one() {
    assert_eq!(error_of("https://x"), "not an address: it does not begin with os://");
    for text in ["os://", "os://src", "os://src/local", "os://src/svn/x", "os://artifact/a/b", "os://src/gh/o/r"] {
        assert!(error_of(text).starts_with("not an address"), "{text}");
    }
    let wrong = "os://src/local/abc";
    assert_eq!(error_of(wrong), "not an address: the name is not a SHA-256 of 64 hex digits");
    assert!(error_of(&format!("os://src/local/{}", SHA.replace('b', "+"))).contains("64 hex digits"));
    let right = format!("os://src/local/{SHA}");
    assert_eq!(
        error_of(&right.replace(SHA, &SHA.to_uppercase())),
        format!("not the spelling of an address: write {right}")
    );
    assert!(error_of("os://src/gh/o/r/ref/refs%2fx/path/a").ends_with("write os://src/gh/o/r/ref/refs%2Fx/path/a"));
    assert!(error_of("os://src/gh/o/r/ref/a%4/path/a").contains("begins no escape"));
    assert_eq!(error_of(&format!("os://src/local/{}", "a".repeat(20_000))), BadUri::TooLong.to_string());
}

#[test]
fn no_part_is_a_way_out_an_option_or_a_login() {
    let b64 = |url: &str| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, url);
    for text in [
        "os://src/gh/o/r/ref/main/path/../x".to_owned(),
        "os://src/gh/o/r/ref/main/path/a%2F..%2Fb".to_owned(),
        "os://src/gh/o/r/ref/main/path/".to_owned(),
        "os://src/gh/o/r/ref/main/path/a%00b".to_owned(),
        "os://src/gh/../r/ref/main/path/x".to_owned(),
        "os://src/gh/o/r.git/ref/main/path/x".to_owned(),
        "os://src/gh/-o/r/ref/main/path/x".to_owned(),
        "os://src/gh/o/r/ref/--upload-pack=x/path/x".to_owned(),
        "os://src/gh/o/r/ref/a%3Ab/path/x".to_owned(),
        "os://src/gh/o/r/ref/a%2F-b/path/x".to_owned(),
        "os://src/gh/o/r/ref/a..b/path/x".to_owned(),
        "os://src/gh/o/r/ref/a%20b/path/x".to_owned(),
        format!("os://src/gl/{}/ref/main/path/x", b64("alone")),
        format!("os://src/gl/{}/ref/main/path/x", b64("../x")),
        format!("os://src/git/{}/ref/main/path/x", b64("ext::sh -c evil")),
        format!("os://src/git/{}/ref/main/path/x", b64("https://u:p@h/x")),
        format!("os://src/git/{}/ref/main/path/x", b64("ssh://u:p@h/x")),
        format!("os://src/git/{}/ref/main/path/x", b64("../x")),
        format!("os://src/git/{}=/ref/main/path/x", b64("https://h/x")),
        "os://src/git/_w/ref/main/path/x".to_owned(),
    ] {
        assert!(text.parse::<Uri>().is_err(), "{text}");
    }
}

#[test]
fn only_what_is_remote_has_a_place_in_the_web() {
    let path = "/src/gh/o/r/ref/main/path/x";
    assert_eq!(RemoteSource::from_web_path(path).expect("a source").web_path(), path);
    for wrong in ["src/gh/o/r/ref/main/path/x", "/artifact/x", "/", "/src/gh/o/r/ref/m%61in/path/x"] {
        assert!(RemoteSource::from_web_path(wrong).is_err(), "{wrong}");
    }
    assert_eq!(RemoteSource::from_web_path(&format!("/src/local/{SHA}")), Err(BadUri::Shape));
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_][A-Za-z0-9._-]{0,8}[A-Za-z0-9]"
}

fn remote() -> impl Strategy<Value = Remote> {
    let git = prop_oneof![
        (prop_oneof!["https", "http", "ssh", "git"], "[a-z0-9.]{1,8}", "(/[ -.0-9A-Z_a-z~é日]{1,8}){1,3}")
            .prop_map(|(scheme, host, path)| format!("{scheme}://{host}{path}")),
        ("[a-z]{1,6}", "[a-z0-9.]{1,8}", "[A-Za-z0-9._/-]{1,12}")
            .prop_map(|(user, host, path)| format!("{user}@{host}:{path}")),
        "(/[ -.0-9A-Z_a-z~é日]{1,8}){1,3}",
    ];
    prop_oneof![
        (name(), name()).prop_map(|(owner, name)| Repository::new(&owner, &name).map(Remote::GitHub)),
        prop::collection::vec(name(), 2..4).prop_map(|parts| Project::new(&parts.join("/")).map(Remote::GitLab)),
        git.prop_map(|url| Remote::of_url(&url)),
    ]
    .prop_filter_map("some are no remotes", Result::ok)
}

fn uri() -> impl Strategy<Value = Uri> {
    let reference = "(refs/)?[!-~é日]{1,12}(/[!-~é日]{1,12}){0,2}"
        .prop_filter_map("not all are refs", |text| Reference::new(&text).ok());
    let path = prop::collection::vec(any::<String>(), 1..4)
        .prop_filter_map("not all are paths", |parts| SourcePath::of_parts(parts).ok());
    prop_oneof![
        any::<[u8; 32]>().prop_map(|bytes| Uri::Artifact(ObjectName::new(bytes))),
        any::<[u8; 32]>().prop_map(|bytes| Uri::Source(Source::Local(ObjectName::new(bytes)))),
        (remote(), reference, path).prop_map(|(remote, reference, path)| Uri::Source(Source::Remote(RemoteSource {
            remote,
            reference,
            path
        }))),
    ]
}

proptest! {
    #[test]
    fn printing_and_parsing_are_inverse(uri in uri()) {
        let text = uri.to_string();
        prop_assert_eq!(text.parse::<Uri>(), Ok(uri.clone()), "{}", text);
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{}", text);
        if let Uri::Source(Source::Remote(source)) = uri {
            prop_assert_eq!(RemoteSource::from_web_path(&source.web_path()), Ok(source));
        }
    }

    #[test]
    fn what_parses_prints_as_it_was(uri in uri(), at in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f, insert in any::<bool>()) {
        let mut bytes = uri.to_string().into_bytes();
        let at = at.index(bytes.len());
        if insert { bytes.insert(at, byte) } else { bytes[at] = byte }
        let text = String::from_utf8(bytes).expect("ASCII");
        if let Ok(read) = text.parse::<Uri>() {
            prop_assert_eq!(read.to_string(), text);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), parts in "os://(src|artifact|local|gh|gl|git|ref|path|%|[a-zA-Z0-9_%.-]{0,4}|/){0,16}") {
        for text in [text, parts] {
            if let Ok(read) = text.parse::<Uri>() {
                prop_assert_eq!(read.to_string(), text.clone());
            }
            let _ = RemoteSource::from_web_path(&text);
            let _ = Remote::of_url(&text);
        }
    }

    #[test]
    fn a_login_never_reaches_an_address(user in "[a-z]{4,8}", secret in "[A-Za-z0-9]{12,20}") {
        for url in [
            format!("https://{user}:{secret}@git.example/o/r"),
            format!("https://{secret}@git.example/o/r"),
            format!("https://git.example/o/r?token={secret}"),
            format!("ssh://{user}:{secret}@git.example/o/r"),
            format!("https://{user}:{secret}@github.com/o/r"),
        ] {
            let remote = Remote::of_url(&url).expect("a remote");
            prop_assert!(!remote.url().contains(&secret));
            prop_assert!(!remote.to_string().contains(&secret));
        }
    }
}
