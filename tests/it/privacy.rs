//! Nothing secret or personal leaves the log, and nobody without this program notices anything.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::push::{behind, id, ids, line, reader};
use crate::world::{ClaudeLog, CodexLog, World};

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";

/// Random characters, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet = alphabet.as_bytes();
        let one = |_| {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(self.0 >> 33).expect("31 bits") % alphabet.len();
            char::from(alphabet[at])
        };
        (0..length).map(one).collect()
    }

    fn word(&mut self, length: usize) -> String {
        self.roll(&[UPPER, LOWER, DIGITS].concat(), length)
    }

    fn hex(&mut self, length: usize) -> String {
        self.roll(HEX, length)
    }

    fn base64(&mut self, length: usize) -> String {
        self.roll(&[UPPER, LOWER, DIGITS, "+/"].concat(), length)
    }
}

/// A secret, and a text as it stands in.
struct Planted {
    kind: &'static str,
    secret: String,
    text: String,
}

/// Tokens that are known by what they begin with, in a text that says nothing about them.
fn tokens(dice: &mut Dice) -> Vec<Planted> {
    let mut all = vec![
        ("AWS key id", format!("{}{}", "AKIA", dice.roll(&[UPPER, "234567"].concat(), 16))),
        ("GitHub classic", format!("{}{}", concat!("gh", "p_"), dice.word(36))),
        ("GitHub OAuth", format!("{}{}", concat!("gh", "o_"), dice.word(36))),
        ("GitHub app", format!("{}{}", concat!("gh", "s_"), dice.word(36))),
        ("GitHub fine", format!("{}{}_{}", concat!("github", "_pat_"), dice.word(22), dice.word(59))),
        ("GitLab", format!("{}{}", concat!("gl", "pat-"), dice.word(20))),
    ];
    let numbers = dice.roll(DIGITS, 12);
    all.extend([
        ("Slack bot", format!("{}{numbers}-{numbers}-{}", concat!("xo", "xb-"), dice.word(24))),
        ("Slack hook", format!("https://hooks.slack.com/{}/T0{}/B0{}/{}", "services", numbers, numbers, dice.word(24))),
        ("Stripe secret", format!("{}{}", concat!("sk_", "live_"), dice.word(24))),
        ("Stripe restricted", format!("{}{}", concat!("rk_", "live_"), dice.word(24))),
        ("OpenAI", format!("{}{}{}{}", concat!("sk-", "proj-"), dice.word(20), concat!("T3Blb", "kFJ"), dice.word(20))),
        ("Anthropic", format!("{}{}AA", concat!("sk-", "ant-api03-"), dice.word(93))),
        ("Google AI", format!("{}{}", concat!("AI", "za"), dice.word(35))),
        ("Hugging Face", format!("{}{}", concat!("h", "f_"), dice.roll(&[UPPER, LOWER].concat(), 34))),
        ("npm", format!("{}{}", concat!("np", "m_"), dice.word(36))),
        ("PyPI", format!("{}{}", concat!("pypi-", "AgEIcHlwaS5vcmc"), dice.word(80))),
        ("Docker", format!("{}{}", concat!("dckr", "_pat_"), dice.word(27))),
        ("SendGrid", format!("{}{}.{}", concat!("S", "G."), dice.word(22), dice.word(43))),
        ("Telegram", format!("{}:{}{}", dice.roll("123456789", 10), "AA", dice.word(33))),
        ("Azure secret", format!("{}{}{}", dice.word(3), concat!("8", "Q~"), dice.word(34))),
        ("DigitalOcean", format!("{}{}", concat!("dop", "_v1_"), dice.hex(64))),
        ("Shopify", format!("{}{}", concat!("shp", "at_"), dice.hex(32))),
        ("Linear", format!("{}{}", concat!("lin", "_api_"), dice.word(40))),
        ("Vault", format!("{}{}", concat!("hv", "s."), dice.word(90))),
        ("Google OAuth", format!("{}{}", concat!("GOC", "SPX-"), dice.word(28))),
    ]);
    let part = |text: &str| base64_of(text.as_bytes());
    let payload = part(&format!("{{\"sub\":\"{}\",\"iat\":1516239022}}", dice.word(12)));
    all.push(("JWT", format!("{}.{payload}.{}", part("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"), dice.word(43))));
    let text = |secret: &str| format!("it says {secret} here");
    all.into_iter().map(|(kind, secret)| Planted { kind, text: text(&secret), secret }).collect()
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Secrets that are known by what stands around them.
fn keyed(dice: &mut Dice) -> Vec<Planted> {
    type Around = fn(&str) -> String;
    let forms: [(&'static str, usize, Around); 17] = [
        ("AWS secret", 40, |s| format!("aws_secret_access_key = {s}")),
        ("a password", 16, |s| format!("password={s}")),
        ("a quoted password", 18, |s| format!("\"db_password\": \"{s}\",")),
        ("YAML", 20, |s| format!("  DATABASE_PASSWORD: {s}")),
        ("an export", 32, |s| format!("export DEPLOY_TOKEN={s}")),
        ("code", 32, |s| format!("const apiKey = '{s}';")),
        ("bearer", 40, |s| format!("Authorization: Bearer {s}")),
        ("API key header", 32, |s| format!("X-Api-Key: {s}")),
        ("curl header", 32, |s| format!("curl -H 'Authorization: token {s}' https://api.example.com/v1")),
        ("curl user", 18, |s| format!("curl -u ann:{s} https://api.example.com/v1")),
        ("URL", 20, |s| format!("https://ann:{s}@git.example.com/x.git")),
        ("database URL", 20, |s| format!("postgres://app:{s}@db.example.com:5432/app")),
        ("query", 32, |s| format!("https://api.example.com/v1/items?access_token={s}&page=2")),
        ("netrc", 18, |s| format!("machine git.example.com login ann password {s}")),
        ("npmrc", 36, |s| format!("//registry.example.com/:_authToken={s}")),
        ("cookie", 40, |s| format!("Cookie: sessionid={s}; theme=dark")),
        ("client secret", 32, |s| format!("client_secret: \"{s}\"")),
    ];
    let mut planted: Vec<Planted> = forms
        .into_iter()
        .map(|(kind, length, around)| {
            let secret = dice.word(length);
            Planted { kind, text: around(&secret), secret }
        })
        .collect();
    let secret = base64_of(format!("ann:{}", dice.word(20)).as_bytes());
    planted.push(Planted { kind: "basic", text: format!("Authorization: Basic {secret}"), secret });
    let secret = format!("{}==", dice.base64(86));
    let text =
        format!("DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={secret};EndpointSuffix=core.windows.net");
    planted.push(Planted { kind: "Azure storage", text, secret });
    for kind in ["RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY"] {
        let lines: Vec<String> = (0..6).map(|_| dice.base64(64)).collect();
        let text = format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----", lines.join("\n"));
        planted.extend(lines.into_iter().map(|secret| Planted { kind, secret, text: text.clone() }));
    }
    planted
}

/// What is no secret, and must be there afterwards.
const ORDINARY: &[&str] = &[
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "123e4567-e89b-12d3-a456-426614174000",
    "let token = next_token(&mut lexer)?;",
    "password: string;",
    "fn parse_secret(input: &str) -> Result<Secret, Error> {",
    "https://example.com/docs/tokens?page=2#passwords",
    "sha512-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMg==",
    "src/auth/password_reset_token_generator.rs",
    "max_tokens=4096",
    "v18.17.1-alpha.20260306",
];

/// The account's name: no word of any language.
const ACCOUNT: &str = "zeldaqx";

/// Every text in every place where an agent's log can have one.
fn plant(world: &World, planted: &[Planted]) {
    let mut claude = ClaudeLog::new(&id(1), world.repo(), -600);
    let mut codex = CodexLog::new(&id(2), world.repo(), -600);
    for (n, Planted { text, .. }) in planted.iter().enumerate() {
        let in_json = json!({"status": 200, "body": json!({"answer": text}).to_string()}).to_string();
        let diff = format!("@@ -1 +1,2 @@\n context\n+{}", text.replace('\n', "\n+"));
        claude = claude.prompt(&format!("Number {n}. Look:\n{text}\nand go on")).think(text).answer(text);
        claude = claude.bash(text, &in_json).bash("git diff", &diff).write(&format!("notes/{n}.txt"), text);
        claude = claude.edit(&format!("edited/{n}.txt"), text, &format!("{text} and more"));
        let input = json!({"url": format!("https://example.com/?q={n}"), "prompt": text});
        claude = claude.tool("WebFetch", &input, text, &json!({"result": text, "code": 200}));
        codex = codex.prompt(text).answer(text).shell(text, &in_json, 0).shell("env", text, 1);
        codex = codex.add_file(&format!("codex/{n}.txt"), text);
    }
    claude = claude.answer(&ORDINARY.join("\n"));
    let home = world.home().display().to_string();
    let personal = format!(
        "see {home}/notes.txt and /Users/{ACCOUNT}/x and /home/{ACCOUNT}/y and C:\\Users\\{ACCOUNT}\\z\n\
         -rw-r--r-- 1 {ACCOUNT} staff 12 Mar  6 12:00 a.txt"
    );
    claude = claude.prompt(&personal).bash("ls -l", &personal);
    claude.write("one.rs", &line(1)).save(world);
    codex.answer(&personal).add_file("two.rs", &line(2)).save(world);
    fs::write(world.path("work/one.rs"), line(1)).expect("a file");
    world.git(world.repo(), ["add", "one.rs"]).ok();
    world.commit("two.rs", &line(2), "both");
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// Everything in the files below a folder, compressed or not.
fn content_below(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for path in files_below(folder) {
        let bytes = fs::read(&path).expect("a file");
        all.extend(zstd::decode_all(bytes.as_slice()).unwrap_or_default());
        all.extend(bytes);
        all.push(b'\n');
    }
    all
}

#[test]
fn of_forty_kinds_of_secrets_in_every_place_of_two_logs_none_is_kept() {
    let mut world = World::installed();
    world.set("USER", ACCOUNT);
    let mut dice = Dice(42);
    let planted: Vec<Planted> = tokens(&mut dice).into_iter().chain(keyed(&mut dice)).collect();
    let mut kinds: Vec<_> = planted.iter().map(|planted| planted.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert!(kinds.len() >= 40, "{}", kinds.len());
    plant(&world, &planted);
    world.set("OPENSESSION_STRICT", "1");
    let pushed = world.git(world.repo(), ["push", "origin", "main"]).code(0);
    let ben = reader(&world, "ben");
    assert_eq!(behind(&world, &ben, "HEAD"), ids([1, 2]));

    let mut places = vec![
        ("the repository", world.everything_in(world.repo())),
        ("the remote", world.everything_in(world.origin())),
        ("the clone", world.everything_in(&ben)),
        (".git", content_below(&world.path("work/.git/opensession"))),
        ("the report", pushed.err.into_bytes()),
    ];
    for verb in [&["show", "HEAD", "--full"][..], &["show", "HEAD", "--json"], &["log"]] {
        places.push(("the output", world.os_in(&ben, verb).ok().into_bytes()));
    }
    let home = world.home().display().to_string();
    let mut left = Vec::new();
    for (place, content) in &places {
        let content = String::from_utf8_lossy(content);
        let mut look_for = |kind: &str, secret: &str| {
            if let Some(at) = content.find(secret) {
                let around: String =
                    content[..at].chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
                left.push(format!("{kind} in {place}: ...{around}{secret}"));
            }
        };
        for Planted { kind, secret, .. } in &planted {
            look_for(kind, secret);
            // The greater part of it is as good as all of it.
            look_for(kind, &secret[secret.len() / 3..]);
        }
        look_for("the home folder", &home);
        look_for("the account", ACCOUNT);
    }
    assert!(left.is_empty(), "{} left:\n{}", left.len(), left.join("\n"));

    let kept = String::from_utf8_lossy(&places[1].1).into_owned();
    for ordinary in ORDINARY {
        assert!(kept.contains(ordinary), "{ordinary} is no secret");
    }
    assert!(kept.contains("~/notes.txt") && kept.contains("/Users/user/x") && kept.contains("/home/user/y"));
}

#[test]
fn the_work_tree_and_the_temporary_folder_are_left_as_they_were() {
    let world = World::installed();
    plant(&world, &keyed(&mut Dice(7)));
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    world.os(["show", "HEAD", "--full"]).ok();
    world.os(["log"]).ok();
    world.os(["doctor"]);
    assert_eq!(world.git(world.repo(), ["status", "--porcelain", "--ignored"]).ok(), "");
    assert_eq!(files_below(&world.path("tmp")), Vec::<PathBuf>::new());
    assert_eq!(world.git(world.repo(), ["log", "-1", "--format=%B"]).ok().trim(), "both", "no word is added");
    let mut home: Vec<_> =
        fs::read_dir(world.home()).expect("home").map(|e| e.expect("an entry").file_name()).collect();
    home.sort();
    assert_eq!(home, [".claude", ".codex", ".gitconfig", ".local"], "the link is all that is new");
}

#[test]
fn somebody_without_this_program_notices_nothing() {
    let world = World::installed();
    // Two remotes with the same commits; sessions go to one of them only.
    world.git(world.root(), ["clone", "-q", "origin.git", "carl"]).ok();
    plant(&world, &keyed(&mut Dice(7)));
    world.git(world.root(), ["init", "-q", "--bare", "plain.git"]).ok();
    world.git(world.repo(), ["push", "-q", "--no-verify", "../plain.git", "main"]).ok();
    world.git(world.repo(), ["push", "-q", "origin", "main"]).ok();
    assert_eq!(world.refs(world.origin(), "refs/opensession/").len(), 1);

    let looks = |remote: &str, folder: &str| {
        let mut seen =
            vec![world.git(world.root(), ["clone", &format!("file://{}", world.path(remote).display()), folder])];
        for command in [
            &["branch", "-a", "-vv"][..],
            &["status"],
            &["log", "--all", "--decorate", "--format=%H %D %B"],
            &["for-each-ref"],
            &["fetch", "--all"],
            &["tag"],
            &["pull"],
            &["count-objects"],
        ] {
            seen.push(world.git(world.path(folder), command));
        }
        let text = seen.into_iter().map(|answer| format!("{}{}{}", answer.code, answer.out, answer.err));
        text.collect::<String>().replace(folder, "FOLDER").replace(remote, "REMOTE")
    };
    assert_eq!(looks("origin.git", "clone-of-it"), looks("plain.git", "clone-of-other"));

    let fetched = world.git(world.path("carl"), ["fetch"]).code(0);
    assert!(!format!("{}{}", fetched.out, fetched.err).contains("opensession/"), "{}", fetched.err);
    for side in [world.repo(), world.origin(), world.path("carl")] {
        let said = world.git(side, ["fsck", "--strict", "--full"]);
        assert_eq!((said.code, said.err.as_str()), (0, ""));
    }
}
