//! Whole events: planted secrets of all kinds in all places, and nothing else changed.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use super::{Findings, Person, Redactor, rules};
use crate::session::{Agent, Block, Content, Context, Event, EventKind, HAIL_VERSION, Header, Timestamp};

fn redactor() -> &'static Redactor {
    static ANN: LazyLock<Redactor> = LazyLock::new(|| {
        Redactor::new(&Person { home: Some("/home/ann".into()), user: Some("ann".into()), ..Person::default() })
    });
    &ANN
}

fn redacted(text: &str) -> String {
    redactor().text(text, &mut Findings::new()).into_owned()
}

fn event(kind: EventKind, content: Content) -> Event {
    Event::new("e1", Timestamp::EPOCH, kind, content)
}

/// Texts with one secret each, which has `CANARY` in it, and where such texts are found.
#[rustfmt::skip]
const PLANTED: &[(&str, &str)] = &[
    // Prompts.
    ("a key in a prompt", "Please use API_KEY=CANARYusertextkv1234567890abcd and go on"),
    ("a password told", "my password is CANARYusertextprose99"),
    ("a password told in passing", "log in as ann, the password is 'CANARY horse', then look"),
    ("a password with a colon", "user: ann\npassword: CANARY99x\n"),
    ("a token told", "The token is CANARY0a1b2c3d4e5f6071"),
    ("a Markdown list", "- **Password:** `CANARYmd99`\n- **User:** ann"),
    ("a Markdown table", "| name | value |\n|---|---|\n| password | CANARYtab99 |\n"),
    ("two blanks", "Password  CANARY77xyz"),
    ("an Anthropic key", concat!("sk-", "ant-api03-CANARYusertextsk0123456789abcdefghij")),
    ("a GitHub token", concat!("gh", "p_CANARYusertextghp0123456789abcdefghi")),
    ("a GitHub token in a sentence", concat!("(the token is gh", "p_CANARYthinking0123456789abcdefghijk).")),
    ("an AWS id", concat!("AK", "IACANARYUSERTEXT01")),
    ("a Slack token after a line number", concat!("  1→SLACK=xo", "xb-CANARYreadresult-0123456789")),
    ("a Stripe key in a file", concat!("STRIPE_KEY=sk_", "live_CANARYwritecontent0123456789\n")),
    ("a key of a model", concat!("OPENAI_API_KEY=\"sk-", "proj-CANARY0123456789_abcdefghij-klmnop\"")),
    // Commands.
    ("an exported password", "export DB_PASSWORD=CANARYbashcmdkv99"),
    ("an exported phrase", "export API_TOKEN=\"CANARYbashcmd quoted two words\""),
    ("a header in a command", "curl -H 'Authorization: Bearer CANARYbashcmdhdr' https://example.com"),
    ("another header", "curl -H \"X-Api-Key: CANARY12345\" https://example.com"),
    ("a login", "curl -u ann:CANARYlogin99 https://example.com"),
    ("an option", "psql --password CANARYopt99 -h db"),
    ("a short option", "mysql -uroot -p'CANARY correct horse' app"),
    ("a container's environment", "docker run -e POSTGRES_PASSWORD=CANARYdock1 -d postgres"),
    ("a variable before a command", "PGPASSWORD=CANARYpg99 psql -h db"),
    ("a PowerShell variable", "$env:API_TOKEN = 'CANARY0a1b2c3d4e5f6071'"),
    ("a here-document", "cat > .env <<'EOF'\nSECRET=CANARYenvfile123\nEOF"),
    ("sshpass", "sshpass -p CANARYssh99 ssh ann@host"),
    // Outputs.
    ("an environment", "PATH=/usr/bin\nAWS_SECRET_ACCESS_KEY=CANARYbashout0123456789\nLANG=C"),
    ("JSON", r#"{"password": "CANARYbashoutjson", "user": "ann"}"#),
    ("JSON of a client", r#"{"client_secret": "CANARYbashoutjson2"}"#),
    ("JSON in JSON", r#"{"body": "{\"password\": \"CANARYnested1\"}"}"#),
    ("JSON in JSON in JSON", r#"{"body": "{\"body\": \"{\\\"password\\\": \\\"CANARYnested2\\\"}\"}"}"#),
    ("JSON with escaped signs", r#"{"q": "password\u003dCANARYuni99\u0026x\u003d1"}"#),
    ("a table of pairs", r#"[{"name": "DB_PASSWORD", "value": "CANARYpair99"}]"#),
    ("YAML of pairs", "env:\n  - name: DB_PASSWORD\n    value: CANARYyaml99\n"),
    ("YAML", "database:\n  password: CANARYyaml98\n"),
    ("a block of YAML", "password: |\n  CANARYblock99\n"),
    ("TOML", "[registry]\ntoken = \"CANARY0a1b2c3d4e5f6071\"\n"),
    ("an ini file", "[default]\naws_secret_access_key = CANARYK7MDENG/bPxRfiCY0123456789abcdefgh\n"),
    ("XML", "<server><username>ann</username><password>CANARYxml99</password></server>"),
    ("properties", "spring.datasource.password=CANARYspring99"),
    ("a netrc", "machine example.com login ann password CANARYnetrc"),
    ("a netrc on lines", "machine example.com\n  login ann\n  password CANARYnetrc\n"),
    ("an npmrc", "//registry.npmjs.org/:_authToken=CANARY0a1b2c3d4e5f6071"),
    ("a pgpass", "db.internal:5432:app:ann:CANARYpgpass"),
    ("Docker's config", r#"{"auths": {"ghcr.io": {"auth": "YW5uOkNBTkFSWWRvY2tlcjk5"}}}"#),
    ("a connection string", "Server=db;Database=app;User Id=sa;Password=CANARYsql99;Encrypt=true"),
    ("an Azure connection string", "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=CANARYb2JhcmJhenF1eGZvb2JhcmJhenF1eGZvb2JhcmJhenF1eGZvbw==;"),
    // Code and diffs.
    ("a constant", "const TOKEN = \"CANARYeditnew0123456789abcdefgh\";"),
    ("a diff", "@@ -1 +1 @@\n-password = load()\n+password = \"CANARYdiff99\"\n"),
    ("a diff of an environment", "+DB_PASSWORD=CANARYdiff98\n"),
    ("Rust", "let password: &str = \"CANARYrust99\";"),
    ("Python", "client = Client(user=\"ann\", password='CANARYpy99')"),
    ("a default", "pw = os.environ.get(\"DB_PASSWORD\", \"CANARYdef99\")"),
    ("a map", "env[\"API_SECRET\"] = \"CANARYmap99\""),
    ("Ruby", "config = { :password => 'CANARYruby99' }"),
    ("Go", "password := \"CANARYgo99\""),
    ("a call", "req.Header.Set(\"Authorization\", \"Bearer CANARYgohdr\")"),
    ("SQL", "CREATE USER ann WITH PASSWORD 'CANARYsqluser';"),
    ("MySQL", "CREATE USER ann IDENTIFIED BY 'CANARYmysql9';"),
    // URLs and headers.
    ("a URL", "postgres://admin:CANARYusertexturlpw@db.internal/prod"),
    ("a clone", "git clone https://oauth2:CANARYclone@example.com/r.git"),
    ("a query", "https://example.com/cb?access_token=CANARYquery1&x=1"),
    ("a signed URL", "https://b.s3.amazonaws.com/o?X-Amz-Signature=CANARY0a1b2c3d4e5f60718293a4b5c6"),
    ("an escaped query", "https://example.com/login?next=%2Fcb%3Faccess_token%3DCANARYquery2"),
    ("a request", "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Token CANARYhdr\r\n"),
    ("a cookie", "Cookie: theme=dark; sessionid=CANARY0a1b2c"),
    ("a set cookie", "Set-Cookie: auth_token=CANARY0a1b2c; Path=/; HttpOnly"),
    // Keys.
    ("a PEM block", concat!("-----BEGIN RSA PRIVATE", " KEY-----\nCANARYusertextpemMIIEowIBAAKCAQEA\n-----END RSA PRIVATE", " KEY-----")),
    ("a PEM block on one line", concat!("{\"private_key\": \"-----BEGIN PRIVATE", " KEY-----\\nCANARYpemMIIEvQIBADANBgkqhkiG9w0\\n-----END PRIVATE", " KEY-----\\n\"}")),
    ("a PEM block cut short", concat!("-----BEGIN OPENSSH PRIVATE", " KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz\nCANARYc2gtZWQyNTUxOQ\n")),
    ("a PEM block in a diff", concat!("+-----BEGIN EC PRIVATE", " KEY-----\n+CANARYpemMHcCAQEEIGa1b2c3d4e5f6a7b8\n+-----END EC PRIVATE", " KEY-----\n")),
    ("a PEM block in a listing", concat!("     1\t-----BEGIN PRIVATE", " KEY-----\n     2\tCANARYpemMIIEvQIBADANBgkqhkiG9w0\n     3\t-----END PRIVATE", " KEY-----\n")),
    ("the end of a PEM block", concat!("CANARYpemMIIEvQIBADANBgkqhkiG9w0abcdefghijklmnopqrstuvwxyz012345\nabcd==\n-----END RSA PRIVATE", " KEY-----\n")),
    ("an age key", concat!("AGE-SECRET", "-KEY-1CANARYPQYQSZPQRRZ5YQSZPQRRZ5YQSZPQRRZ5YQSZPQRRZ5YQSZPQRRZ5YQS9")),
    // Colours, as a terminal puts them.
    ("colours", "\u{1b}[32mDB_PASSWORD\u{1b}[0m=\u{1b}[31mCANARYcolour99\u{1b}[0m"),
];

#[test]
fn no_planted_secret_survives_in_any_text() {
    let left: Vec<String> = PLANTED
        .iter()
        .map(|(what, text)| format!("{what}: {}", redacted(text)))
        .filter(|text| text.contains("CANARY") || !text.contains("[REDACTED:"))
        .collect();
    assert!(left.is_empty(), "{}", left.join("\n"));
}

#[test]
fn no_planted_secret_survives_in_any_place_of_an_event() {
    let redactor = redactor();
    for (what, text) in PLANTED {
        for (place, event) in events_with(text) {
            let mut findings = Findings::new();
            let line = serde_json::to_string(redactor.event(event, &mut findings).get()).expect("an event is JSON");
            assert!(!line.contains("CANARY"), "{what} in {place}: {line}");
            assert!(findings.secrets() > 0, "{what} in {place}");
        }
    }
}

/// The text in every place that an event has for one.
fn events_with(text: &str) -> Vec<(&'static str, Event)> {
    let t = || text.to_owned();
    let of = |kind: EventKind| event(kind, Content::empty());
    let with = |block: Block| event(EventKind::AgentMessage, Content { blocks: vec![block] });
    let escaped = serde_json::to_string(&json!({ "output": text, "metadata": { "exit_code": 0 } })).expect("JSON");
    let mut with_attributes = of(EventKind::Thinking);
    with_attributes.attributes = BTreeMap::from([("note".to_owned(), json!({ "deep": [text] }))]);
    let mut with_extra = of(EventKind::Thinking);
    with_extra.extra = BTreeMap::from([("later".to_owned(), json!([{ "text": text }]))]);
    let mut with_ids = of(EventKind::Thinking);
    (with_ids.event_id, with_ids.task_id) = (t(), Some(t()));
    vec![
        ("a text", with(Block::Text { text: t() })),
        ("code", with(Block::Code { code: t(), language: Some(t()), start_line: None })),
        ("an image", with(Block::Image { url: t(), alt: Some(t()), mime: t() })),
        ("a video", with(Block::Video { url: t(), mime: t() })),
        ("a sound", with(Block::Audio { url: t(), mime: t() })),
        ("a file", with(Block::File { path: t(), content: Some(t()) })),
        ("a reference", with(Block::Reference { uri: t(), media_type: t() })),
        ("a value", with(Block::Json { data: json!({ "a": { "b": [1, text] } }) })),
        ("a key", with(Block::Json { data: json!({ text: true }) })),
        ("JSON in a value", with(Block::Json { data: json!({ "arguments": escaped }) })),
        ("an unknown block", with(Block::Other(json!({ "type": "Hologram", "text": text })))),
        ("a call", of(EventKind::ToolCall { name: t() })),
        ("a result", of(EventKind::ToolResult { name: t(), is_error: false, call_id: Some(t()) })),
        ("a read", of(EventKind::FileRead { path: t() })),
        ("a code search", of(EventKind::CodeSearch { query: t() })),
        ("a file search", of(EventKind::FileSearch { pattern: t() })),
        ("an edit", of(EventKind::FileEdit { path: t(), diff: Some(t()) })),
        ("a creation", of(EventKind::FileCreate { path: t() })),
        ("a deletion", of(EventKind::FileDelete { path: t() })),
        ("a command", of(EventKind::ShellCommand { command: t(), exit_code: None })),
        ("an image prompt", of(EventKind::ImageGenerate { prompt: t() })),
        ("a video prompt", of(EventKind::VideoGenerate { prompt: t() })),
        ("a sound prompt", of(EventKind::AudioGenerate { prompt: t() })),
        ("a web search", of(EventKind::WebSearch { query: t() })),
        ("a fetch", of(EventKind::WebFetch { url: t() })),
        ("a task", of(EventKind::TaskStart { title: Some(t()) })),
        ("a task's end", of(EventKind::TaskEnd { summary: Some(t()) })),
        ("a kind", of(EventKind::Custom { kind: t() })),
        ("an unknown kind", of(EventKind::Other(json!({ "type": "Teleport", "data": { "to": text } })))),
        ("attributes", with_attributes),
        ("unknown fields", with_extra),
        ("ids", with_ids),
    ]
}

#[test]
fn no_planted_secret_survives_in_a_header() {
    let redactor = redactor();
    for (what, text) in PLANTED {
        let t = || (*text).to_owned();
        let map = || BTreeMap::from([("cwd".to_owned(), json!(text))]);
        let header = Header {
            version: HAIL_VERSION.to_owned(),
            session_id: t(),
            agent: Agent { provider: t(), model: t(), tool: t(), tool_version: Some(t()) },
            context: Context {
                title: Some(t()),
                description: Some(t()),
                tags: vec![t()],
                created_at: Timestamp::EPOCH,
                updated_at: Timestamp::EPOCH,
                related_session_ids: vec![t()],
                attributes: map(),
            },
            extra: map(),
        };
        let line =
            serde_json::to_string(redactor.header(header, &mut Findings::new()).get()).expect("a header is JSON");
        assert!(!line.contains("CANARY"), "{what}: {line}");
    }
}

fn json_redacted(mut value: Value) -> Value {
    redactor().json(&mut value, &mut Findings::new());
    value
}

#[test]
fn what_a_key_says_is_secret_is_one_however_it_looks() {
    let given = json!({
        "user": "ann", "password": "swordfish", "pin": 1, "pwd": 12_345_678, "max_tokens": 4096, "token_count": 7,
        "headers": { "Authorization": "Bearer abc", "X-Api-Key": "k-1234", "Accept": "*/*" },
        "env": [{ "name": "DB_PASSWORD", "value": "swordfish" }, { "name": "LANG", "value": "C" }],
        "argv": ["mysql", "--password", "correct horse", "-h", "db"],
        "pairs": [["Authorization", "Bearer abc"]],
        "secret": "$SECRET", "ok": { "password": null, "secret": true },
    });
    let expected = json!({
        "user": "ann", "password": "[REDACTED:password]", "pin": 1, "pwd": "[REDACTED:password]", "max_tokens": 4096, "token_count": 7,
        "headers": { "Authorization": "Bearer [REDACTED:authorization]", "X-Api-Key": "[REDACTED:api-key]", "Accept": "*/*" },
        "env": [{ "name": "DB_PASSWORD", "value": "[REDACTED:password]" }, { "name": "LANG", "value": "C" }],
        "argv": ["mysql", "--password", "[REDACTED:password]", "-h", "db"],
        "pairs": [["Authorization", "Bearer [REDACTED:authorization]"]],
        "secret": "$SECRET", "ok": { "password": null, "secret": true },
    });
    assert_eq!(json_redacted(given), expected);
}

#[test]
fn two_keys_that_are_secrets_stay_two() {
    let given = json!({ concat!("gh", "p_0123456789abcdefghijABCDEFGHIJ012345"): 1, concat!("gh", "o_0123456789abcdefghijABCDEFGHIJ012345"): 2 });
    let expected = json!({ "[REDACTED:github-token]": 2, "[REDACTED:github-token]#2": 1 });
    assert_eq!(json_redacted(given), expected);
}

#[test]
fn what_is_nested_too_deep_is_taken_out_unseen() {
    let mut value = json!("my password is CANARY99");
    for _ in 0..1000 {
        value = Value::Array(vec![value]);
    }
    assert!(!format!("{:?}", json_redacted(value)).contains("CANARY"));
}

#[test]
fn ordinary_texts_are_left_alone() {
    let redactor = redactor();
    for text in [
        "",
        "é",
        "the quick brown fox",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "2c1b5f5e-8a34-4b5c-9c7e-0d1e2f3a4b5c",
        "toolu_01A09q90qw90lq917835lq9 msg_01XFDUDYJgAACzvnptvVoYEL req_011CQ",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        "integrity sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
        "fn parse(token: &Token, password: Option<&str>) -> Result<Secret, Error> {",
        "let token = lexer.next_token()?; let key = map.key(); assert_eq!(token.kind, Token::Eof);",
        "if (password !== confirmPassword) { throw new Error('Passwords do not match'); }",
        "\"input_tokens\":12345,\"output_tokens\":678,\"cache_read_input_tokens\":90",
        "author = \"Somebody\"\nauthors = [\"a\"]\nkeywords = [\"git\"]",
        "https://example.com/a/b?x=1&y=2#z http://localhost:8080/users/1",
        "ssh://git@example.com:22/r.git git@example.com:org/app.git user@example.com",
        "the key=value pairs, a pass through, first pass: done, a secret: it works",
        "FROM node:20\nENV NODE_ENV=production\nRUN npm ci",
    ] {
        let mut findings = Findings::new();
        assert_eq!(redactor.text(text, &mut findings), text);
        assert!(findings.is_empty());
    }
}

#[test]
fn findings_count_and_never_quote() {
    let mut findings = Findings::new();
    redactor().text("DB_PASSWORD=hunter2 in /home/ann/app and PGPASSWORD=swordfish9", &mut findings);
    assert_eq!(serde_json::to_value(&findings).expect("counts"), json!({ "home": 1, "password": 2 }));
    assert_eq!(findings.secrets(), 2);
}

#[test]
fn a_scan_tells_rule_and_place() {
    let hits = redactor().scan("é DB_PASSWORD=hunter2 /home/ann");
    assert_eq!(hits.len(), 1);
    assert_eq!((hits[0].rule, hits[0].range.clone()), ("password", 15..22));
}

#[test]
fn time_grows_with_the_length_and_not_with_its_square() {
    let redactor = redactor();
    let began = Instant::now();
    for part in [
        "a",
        "=",
        "\\",
        "\"",
        "%41",
        "password=",
        "password=\"",
        "password=\\\"",
        "token: ",
        "sk-",
        "AKIA",
        "://",
        "://a:b",
        "eyJ",
        "QUJD",
        "Authorization: Bearer ",
        "cookie: a=b;",
        "{\"kty\"",
        "curl -u ",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----END PRIVATE KEY-----",
        "/home/ann/",
        "identified by '",
        "&quot;",
        "login x password ",
        "wBYFFx49/a2zeDh0gT0XL+rxt8+/+1qR90ngaLyqKQJqB65WbQDceZP/72GZXJGo\n",
        "wBYFFx49/a2zeDh0gT0XL+rxt8+/+1qR90ngaLyqKQJqB65WbQDceZP/72GZXJGo\\n",
    ] {
        redactor.text(&part.repeat(200_000 / part.len()), &mut Findings::new());
    }
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

/// A file in base64 is longer than any key, and is left alone as a whole.
#[test]
fn lines_of_base64_that_are_too_many_for_a_key_are_none() {
    let line = "wBYFFx49/a2zeDh0gT0XL+rxt8+/+1qR90ngaLyqKQJqB65WbQDceZP/72GZXJGo\n";
    let redactor = redactor();
    for (count, hits) in [(3, 0), (4, 1), (200, 1), (300, 0), (3000, 0)] {
        assert_eq!(redactor.scan(&line.repeat(count)).len(), hits, "{count} lines");
    }
}

/// All literals and examples of the rules.
fn of_rules() -> Vec<&'static str> {
    rules().iter().flat_map(|rule| rule.literals.iter().chain(rule.hits).chain(rule.misses)).copied().collect()
}

/// Texts with much of what rules look for, in any order.
fn noisy_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        prop::sample::select(vec![
            "password",
            "PASSWORD",
            "token",
            "SECRET",
            "api_key",
            "Authorization",
            "Bearer ",
            "Basic ",
            "cookie",
            "=",
            ": ",
            "\"",
            "'",
            "\\\"",
            "\\n",
            "\n",
            " ",
            "://",
            "@",
            "/home/ann",
            "/home/bob",
            "/Users/",
            "C:\\Users\\",
            "ann",
            "-----BEGIN RSA PRIVATE",
            " KEY-----",
            "-----END ",
            "--password ",
            "curl -u ",
            "%3D",
            "%22",
            "\\u003d",
            "&quot;",
            "\u{1b}[31m",
            "[REDACTED:password]",
            "é",
            "→",
            "~",
            "user",
            "is ",
            "my ",
            "eyJ",
            "sk-",
            "AKIA",
            "${X}",
            "{",
            "}",
            ",",
            ";",
            "&",
            "?key=",
            "x",
        ])
        .prop_map(str::to_owned),
        prop::sample::select(of_rules()).prop_map(str::to_owned),
        "[a-zA-Z0-9]{1,24}",
        "[ -~]{1,12}",
    ];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    // Always the same texts: rules that weigh shapes find the one that is not settled in a million, and a test must not
    // fail by chance.
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn redacting_what_is_redacted_changes_nothing(text in noisy_text()) {
        let once = redacted(&text);
        prop_assert_eq!(redacted(&once), once);
    }

    #[test]
    fn redacting_json_again_and_again_settles(texts in prop::collection::vec(noisy_text(), 6)) {
        let [a, b, c, d, e, f] = <[String; 6]>::try_from(texts).expect("six");
        let once = json_redacted(json!({ a: b, "name": c, "value": d, "argv": [e, f], "password": "x" }));
        // What a replacement stands beside may look like something else now: `sk_live_...--password x`.
        let twice = json_redacted(once);
        prop_assert_eq!(json_redacted(twice.clone()), twice);
    }

    #[test]
    fn hits_are_in_order_and_on_character_boundaries(text in noisy_text()) {
        let mut end = 0;
        for hit in redactor().scan(&text) {
            prop_assert!(end <= hit.range.start && hit.range.start < hit.range.end);
            prop_assert!(text.get(hit.range.clone()).is_some());
            end = hit.range.end;
        }
    }
}
