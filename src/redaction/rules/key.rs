//! Names of secrets: whether `DB_PASSWORD`, `clientSecret` or `x-api-key` is one, and `token_count` is not.

use super::super::text::{at, before, escape_ends, has, is_one_of, is_word, run_end, slice};
use super::join::may_follow;

/// Bytes of a name looked at on either side of the word that makes it a secret's.
const REACH: usize = 64;

/// What a name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Strength {
    /// A password: any text at all may be one.
    Password,
    /// A secret of any kind: long enough texts are.
    Secret,
    /// Usually random, but also a word of parsers and of paging.
    Token,
    /// An API key or the like.
    Key,
    /// Any kind of credentials: only random text is one for sure.
    Credential,
}

/// Where a name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Anywhere else.
    Text,
    /// `--token`, `-Password`
    Flag,
    /// `?token=`, `&token=`
    Query,
    /// `X-Api-Key`, `Private-Token`
    Header,
}

/// A name in a text that says that its value is a secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub start: usize,
    pub end: usize,
    pub strength: Strength,
    /// `API_TOKEN`: a variable of the environment, or a constant.
    pub is_upper: bool,
    pub place: Place,
}

/// Parts after which a name is still that of the secret itself.
const TAILS: &str = "\
    value raw plain plaintext cleartext text str string b64 base64 dev development prod production staging \
    stage test testing live sandbox old new current default local main primary secondary backup confirm \
    confirmation again ro rw env override base";

/// Parts before `password` or `secret` that say that the value only tells of one.
const ABOUT: &str = "\
    no has is show hide forgot reset hashed encrypted detect scan";

/// What `pass` is joined to without a sign: it also ends other words (`bypass`, `compass`).
const PASSES: &str = "\
    db user my root admin pg mysql sudo smtp mail ftp redis key ssh require become rpc";

/// Parts before `auth` that leave it the secret itself.
const AUTHS: &str = "\
    basic http docker registry npm proxy";

/// Names of headers that do not begin with `X-`.
const HEADERS: &str = "\
    private-token job-token deploy-token api-key apikey";

/// Parts before the word that make it another thing: paging, parsing, databases.
const OTHER_TOKENS: &str = "\
    starting lock creation idempotency next page nextpage continuation cursor sync start end eos bos eof pad unk sep mask cls cancellation cancel \
    stop special peek lex syntax prev previous last first max min num input output prompt completion total \
    design theme color no has is missing invalid expired unexpected change";

/// Parts before `key` that make it a secret.
const SECRET_KEYS: &str = "\
    api access private secret signing signature encryption encrypt decryption cipher crypt master account auth \
    shared sharedaccess service storage app application client license licence hmac jwt cookie session webhook \
    deploy admin root user subscription ssh gpg aes rsa tls ssl write read ingest ingestion stripe openai \
    anthropic claude gemini google aws azure gcp github gitlab slack twilio sendgrid mailgun mailchimp datadog \
    sentry algolia supabase firebase heroku cloudflare npm nuget rails laravel django flask dd mistral groq \
    deepseek openrouter huggingface cohere replicate pinecone tavily serpapi resend postmark mapbox maps \
    linear notion airtable figma discord telegram";

/// Parts before `_KEY` in capitals that say that it is no secret: any other `*_KEY` may be one.
const OPEN_KEYS: &str = "\
    public pub publishable primary foreign unique cache sort partition hash row index registry idempotency \
    dedupe lookup group map object s3 bucket config settings routing host hot press error message event \
    metadata label tag translation i18n locale query param header field column composite natural storage \
    feature flag test react arrow enter escape shift ctrl alt meta";

impl Key {
    /// The name around the word at `start..end`, if the word is what the name is about.
    pub(super) fn around(bytes: &[u8], start: usize, end: usize, strength: Strength) -> Option<Self> {
        let key_end = tail_end(bytes, start, end).filter(|&end| may_follow(at(bytes, end)))?;
        let mut from = start;
        while start - from < REACH {
            let previous = before(bytes, from);
            // In `\npassword` and `%26password` the escape's last letters are none of the name's.
            if !(is_word(previous) || previous == b'-') || escape_ends(bytes, from) {
                break;
            }
            from -= 1;
        }
        let is_flag = at(bytes, from) == b'-';
        let from = run_end(bytes, from, |byte| byte == b'-').min(start);
        if !is_about(slice(bytes, from, start), slice(bytes, start, end), strength) {
            return None;
        }
        let name = slice(bytes, from, key_end);
        let is_upper = name.iter().all(|byte| !byte.is_ascii_lowercase());
        let is_header = (name.len() > 5 && has(name, 0, b"x-")) || is_one_of(name, HEADERS);
        let place = match before(bytes, from) {
            b'?' | b'&' => Place::Query,
            _ if is_flag => Place::Flag,
            _ if is_header => Place::Header,
            _ => Place::Text,
        };
        Some(Self { start: from, end: key_end, strength, is_upper, place })
    }
}

/// Where the name ends whose word is at `start..end`; `None` if what follows makes it another thing.
fn tail_end(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    let mut from = run_end(slice(bytes, 0, end + 4), end, |byte| byte.is_ascii_digit());
    if matches!(at(bytes, from), b's' | b'S') && !is_word(at(bytes, from + 1)) {
        from += 1;
    }
    for _ in 0..3 {
        let gap = usize::from(matches!(at(bytes, from), b'_' | b'-'));
        let letters = from + gap;
        let part_end = run_end(slice(bytes, 0, letters + 20), letters, |byte| byte.is_ascii_alphanumeric());
        let part = slice(bytes, letters, part_end);
        if part.is_empty() {
            break;
        }
        let is_apart = gap == 1 || at(part, 0).is_ascii_uppercase();
        let is_tail = is_apart && (is_one_of(part, TAILS) || part.iter().all(u8::is_ascii_digit));
        if !is_tail && !is_key_id(bytes, start, part) {
            return None;
        }
        from = part_end;
    }
    let (next, then) = (at(bytes, from), at(bytes, from + 1));
    let goes_on = is_word(next) || (matches!(next, b'.' | b'-') && is_word(then));
    (!goes_on).then_some(from)
}

/// A Google service account's `private_key_id`.
fn is_key_id(bytes: &[u8], word: usize, part: &[u8]) -> bool {
    part == b"id" && word.checked_sub(7).is_some_and(|start| slice(bytes, start, word) == b"private")
}

/// Whether a name with `head` before its word is about what the word says.
fn is_about(head: &[u8], word: &[u8], strength: Strength) -> bool {
    let stem = head.strip_suffix(b"_").or(head.strip_suffix(b"-")).unwrap_or(head);
    let last = last_part(stem);
    match strength {
        Strength::Password if is_one_of(word, "pass pw") => {
            let is_joined = head.len() == stem.len() && !stem.is_empty() && !is_hump(stem, word);
            !is_joined || is_one_of(stem, PASSES)
        }
        // The folder one is in.
        Strength::Password if word == b"PWD" && (stem.is_empty() || stem == b"OLD") => false,
        Strength::Password | Strength::Secret => !is_one_of(last, ABOUT),
        Strength::Token => !is_one_of(last, OTHER_TOKENS),
        Strength::Key if !word.starts_with(b"_") && !word.starts_with(b"-") => true,
        Strength::Key => is_one_of(last, SECRET_KEYS) || (is_shouted(head) && !is_one_of(last, OPEN_KEYS)),
        Strength::Credential if is_one_of(word, "auth") => stem.is_empty() || is_one_of(last, AUTHS),
        Strength::Credential => true,
    }
}

/// The last part of a name in snake, kebab or camel case.
fn last_part(name: &[u8]) -> &[u8] {
    let part = name.rsplit(|byte| matches!(byte, b'_' | b'-')).next().unwrap_or_default();
    if part.iter().all(|byte| !byte.is_ascii_lowercase()) {
        return part;
    }
    let hump = part.iter().rposition(u8::is_ascii_uppercase).unwrap_or(0);
    slice(part, hump, part.len())
}

fn is_hump(stem: &[u8], word: &[u8]) -> bool {
    at(word, 0).is_ascii_uppercase() && stem.last().is_some_and(u8::is_ascii_lowercase)
}

fn is_shouted(head: &[u8]) -> bool {
    !head.is_empty() && head.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_key(name: &str, word: &str, strength: Strength) -> bool {
        let start = name.to_lowercase().rfind(word).expect("the word is in the name");
        Key::around(name.as_bytes(), start, start + word.len(), strength).is_some()
    }

    #[test]
    fn names_of_secrets_are_told_from_names_with_the_same_words() {
        for (word, strength, names) in [
            (
                "password",
                Strength::Password,
                "password DB_PASSWORD userPassword password2 passwordValue spring-password",
            ),
            ("pass", Strength::Password, "pass DB_PASS dbpass dbPass smtp-pass"),
            ("secret", Strength::Secret, "secret CLIENT_SECRET clientSecret secrets"),
            ("token", Strength::Token, "token API_TOKEN accessToken access_token authtoken TOKEN_PROD"),
            ("_key", Strength::Key, "api_key STRIPE_KEY secret_access_key private_key_id"),
        ] {
            for name in names.split(' ') {
                assert!(is_key(name, word, strength), "{name}");
            }
        }
        for (word, strength, names) in [
            ("password", Strength::Password, "password_file passwordField showPassword password.txt password-reset"),
            ("pass", Strength::Password, "bypass compass passed passes_test"),
            ("secret", Strength::Secret, "secretName secret_scan has_secret secretary"),
            ("token", Strength::Token, "token_count tokenizer max_tokens nextToken token_type tokens_used"),
            ("_key", Strength::Key, "primary_key cache_key CACHE_KEY _key_bindings sort_key"),
        ] {
            for name in names.split(' ') {
                assert!(!is_key(name, word, strength), "{name}");
            }
        }
    }

    #[test]
    fn an_escape_before_a_name_is_no_part_of_it() {
        let text = br"x\npassword";
        let key = Key::around(text, 3, 11, Strength::Password).expect("a name");
        assert_eq!(key.start, 3);
    }
}
