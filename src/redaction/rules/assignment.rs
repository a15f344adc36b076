//! Values that their name says are secret: `DB_PASSWORD=...`, `"clientSecret": "..."`, `--token ...`.

use std::ops::Range;

use super::super::scan::Scan;
use super::super::text::{at, before, run_end, run_start, skip_blanks, skip_break, slice};
use super::join::{self, Join, is_quote_before};
use super::key::{Key, Place, Strength};
use super::shape::is_code;
use super::value::Value;
use super::verdict::{is_env, is_secret};
use super::{Find, Literal, Rule, prose};

pub(super) const PASSWORD: Rule = Rule {
    id: "password",
    description: "a value that its name says is a password",
    literals: &[
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "passwort",
        "kennwort",
        "pwd",
        "pass",
        "_pw",
        "pw=",
        "pw:",
    ],
    find: Find::Value(Strength::Password),
    hits: &[
        "DB_PASSWORD=hunter2",
        r#"password: "correct horse""#,
        r#"{"user": "ann", "password": "hunter2"}"#,
        "password = 'tr0ub4dor&3'",
        "my password is swordfish99",
        "MYSQL_PWD=letmein",
        "mysqldump --password=hunter2 db",
        "spring.datasource.password=s3cr3t!",
        "Server=db;User Id=sa;Password=Str0ng;",
        "<password>hunter2</password>",
        r#"os.environ["PGPASSWORD"] = "hunter2""#,
        r#"["mysqldump", "--password", "hunter2", "db"]"#,
    ],
    misses: &[
        "password = get_password()",
        "password: String",
        "password=$PASSWORD",
        "password: null",
        "fn login(user: &str, password: &str)",
        r#"password: "Enter your password""#,
        "PASSWORD=<your-password>",
        "password: z.string().min(8)",
        "const password = req.body.password;",
        "connect(user=user, password=password)",
        r#"url = "password=" + pw"#,
        "the password is required",
        "bypass: hunter2",
        r#"args = ["--password", "--user"]"#,
    ],
};

pub(super) const SECRET: Rule = Rule {
    id: "secret",
    description: "a value that its name says is a secret",
    literals: &["secret"],
    find: Find::Value(Strength::Secret),
    hits: &[
        r#""client_secret": "CANARYout2""#,
        "SECRET=abcd1234efgh",
        "clientSecret: 'Zx81-kk20'",
        "app_secret = \"9f86d081884c\"",
    ],
    misses: &[
        "secret: true",
        "const secret = await load()",
        "SECRET=${SECRET}",
        "secretName: db-credentials",
        "secret = env::var(\"SECRET\")",
    ],
};

pub(super) const TOKEN: Rule = Rule {
    id: "token",
    description: "a random value that its name says is a token",
    literals: &["token", "jwt"],
    find: Find::Value(Strength::Token),
    hits: &[
        "export API_TOKEN=\"one two three\"",
        "const TOKEN = \"CANARYnew0123456789abcdefgh\";",
        "https://example.com/cb?access_token=a1b2c3d4e5",
        "//registry.npmjs.org/:_authToken=2c1b5f5e-8a34-4b5c-9c7e-0d1e2f3a4b5c",
        "gh auth login --token 0123456789abcdef0123",
    ],
    misses: &[
        "token: String",
        "const token = await x",
        "token_count: 123",
        "max_tokens=4096",
        "Token::Ident => \"identifier\"",
        "token = self.next_token()",
    ],
};

pub(super) const KEY: Rule = Rule {
    id: "api-key",
    description: "a random value that its name says is a key",
    literals: &[
        "_key",
        "-key",
        "apikey",
        "accesskey",
        "privatekey",
        "secretkey",
        "signingkey",
        "encryptionkey",
        "accountkey",
        "authkey",
        "masterkey",
        "sharedkey",
        "api key",
        "access key",
        "secret key",
    ],
    find: Find::Value(Strength::Key),
    hits: &[
        "API_KEY=CANARYkv1234567890abcd",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "X-Api-Key: 4f9a8b7c6d5e",
        r#""apiKey": "0a1b2c3d4e5f60718293""#,
        "AccountKey=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9v==;",
    ],
    misses: &[
        "primary_key: 0a1b2c3d4e5f60718293",
        "api_key = os.environ[\"API_KEY\"]",
        "apiKey: string",
        "cache_key = \"user-1234\"",
        "ssh_key = ~/.ssh/id_ed25519",
    ],
};

pub(super) const CREDENTIAL: Rule = Rule {
    id: "credential",
    description: "a random value that its name says are credentials",
    literals: &["credential", "auth"],
    find: Find::Value(Strength::Credential),
    hits: &[
        r#"{"auths": {"ghcr.io": {"auth": "YW5uOmh1bnRlcjItaHVudGVyMg=="}}}"#,
        "_auth=YW5uOmh1bnRlcjItaHVudGVyMg==",
    ],
    misses: &["auth: basic", "credentials: include", "auth = Auth::new(user)", "author: ann1234567890abcdef"],
};

/// Bytes after a name in which its value begins.
const LEAD: usize = 64;

/// Looks at the value beside a name with a word of one strength.
pub(super) fn find(scan: &mut Scan<'_>, literal: Literal, strength: Strength) {
    let bytes = scan.bytes;
    // Most of these words are in code and prose, and end here.
    let next = at(bytes, literal.end);
    if (next.is_ascii_lowercase() && next != b's' && next != b'v') || scan.is_covered(literal.start, literal.end + LEAD)
    {
        return;
    }
    // `pw=` is noticed with its sign.
    let end = literal.end - usize::from(matches!(before(bytes, literal.end), b'=' | b':'));
    let Some(key) = Key::around(bytes, literal.start, end, strength) else { return };
    let Some((join, from)) = join::after(bytes, &key).filter(|(join, _)| !is_other_syntax(bytes, &key, *join)) else {
        return;
    };
    let Some((join, value)) = value_at(bytes, &key, join, from) else { return };
    if is_secret(bytes, &key, join, &value) {
        scan.secret(literal.rule, value.start, value.whole_end(bytes));
    }
}

/// `AWS::IAM::AccessKey` is a type, `arn:aws:...:secret:name` an address, `ok ? "pass" : "fail"` a choice.
fn is_other_syntax(bytes: &[u8], key: &Key, join: Join) -> bool {
    let previous = before(bytes, key.start);
    let is_choice = || {
        let quote = run_start(bytes, key.start, 8, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
        before(bytes, run_start(bytes, quote, 4, |byte| byte == b' ')) == b'?'
    };
    join == Join::Colon && (previous == b':' || (matches!(previous, b'"' | b'\'' | b' ') && is_choice()))
}

/// The part of the value of a map's key that is a secret: all of it, or nothing.
pub(super) fn pair(name: &[u8], literal: Literal, value: &[u8], strength: Strength) -> Option<Range<usize>> {
    let key = Key::around(name, literal.start, literal.end, strength).filter(|key| key.end == name.len())?;
    let join = if key.is_upper { Join::Pair } else { Join::Colon };
    is_secret(name, &key, join, &Value::whole(value)).then_some(0..value.len())
}

/// The value after a join, and what joins it: the lines of a block are a value, whatever they look like.
fn value_at<'t>(bytes: &'t [u8], key: &Key, join: Join, from: usize) -> Option<(Join, Value<'t>)> {
    match join {
        Join::Is => return Some((join, prose::value(bytes, key, from)?)),
        Join::Blank | Join::Cell => return Some((join, prose::after_blank(bytes, key, from)?)),
        Join::Tag => {
            let value = Value::unquoted(bytes, from, |byte| byte == b'<');
            return (slice(bytes, value.end, value.end + 2) == b"</").then_some((join, value));
        }
        _ => {}
    }
    if let Some(value) = Value::quoted(bytes, from) {
        // `"password=" + pw`: that quote ends a text and begins none.
        let is_end = !is_quote_before(bytes, key)
            && matches!(at(value.text, 0), b' ' | b',' | b')' | b';' | b'+' | b'.' | b']' | b'}' | b'\n');
        if is_end {
            return None;
        }
        return Some((join, value));
    }
    let ends: fn(u8) -> bool = match join {
        Join::Comma | Join::Call => return None,
        Join::Or => |byte| byte == b'}',
        _ if is_env(key, join) => |_| false,
        _ if key.place == Place::Query => |byte| matches!(byte, b'&' | b'#' | b')' | b']' | b'>' | b'<' | b',' | b';'),
        _ => |byte| matches!(byte, b',' | b';' | b'&' | b'<' | b'>' | b'}' | b'|'),
    };
    let block = run_end(bytes, from, |byte| matches!(byte, b'|' | b'>' | b'-' | b'+'));
    if let Some(next) = skip_break(bytes, block).filter(|_| join == Join::Colon && block > from) {
        return Some((Join::Pair, Value::unquoted(bytes, skip_blanks(bytes, next), ends)));
    }
    let value = Value::unquoted(bytes, from, ends);
    // `password: settings.password ?? "..."`
    let other = join::fallback(bytes, value.end).filter(|_| is_code(value.text));
    match other.and_then(|quote| Value::quoted(bytes, quote)) {
        Some(other) => Some((Join::Or, other)),
        None => Some((join, value)),
    }
}
