//! What stands where a secret will be, or stands for one that is elsewhere: `$TOKEN`, `<token>`, `xxxx`.

use super::super::text::{at, has, is_one_of, is_word, run_end};

/// Whether a text is put together from others: `$X`, `${x}`, `{{x}}`, `%s`, `%X%`, `{x}`.
pub(super) fn is_put_in(text: &[u8], is_format: bool, is_single: bool) -> bool {
    let name_end = |from: usize| run_end(text, from, |byte| is_word(byte) || matches!(byte, b'.' | b':' | b'-'));
    let starts = |start: &[u8]| text.starts_with(start);
    let is_all_in = |open: u8, close: u8| text.first() == Some(&open) && text.last() == Some(&close);
    (starts(b"$") && !is_single && name_end(1) + usize::from(starts(b"$env")) >= text.len())
        || ["${", "$(", "{{", "#{", "$$", "%(", "%{", "<%", "@{", "\\("].iter().any(|open| starts(open.as_bytes()))
        || ["${{", "${", "$(", "{{", "#{"].iter().any(|open| memchr::memmem::find(text, open.as_bytes()).is_some())
        || (is_format && text.contains(&b'{'))
        || is_all_in(b'<', b'>')
        || is_all_in(b'{', b'}')
        || is_all_in(b'[', b']')
        || (is_all_in(b'%', b'%') && text.len() > 2)
        || (starts(b"%") && matches!(at(text, 1), b's' | b'd' | b'r' | b'v' | b'q' | b'@') && !is_word(at(text, 2)))
        || (matches!(at(text, 0), b'<' | b'[')
            && text.len() > 1
            && text.iter().skip(1).all(|&byte| is_word(byte) || matches!(byte, b'-' | b'/')))
}

/// Words that stand where a secret will be.
const PLACEHOLDERS: &str = "\
    null nil none undefined nan true false yes no on off n/a na todo tbd fixme unset empty blank missing \
    required optional omitted hidden masked removed disabled enabled default unknown redacted changeme \
    change_me change-me changeit placeholder example password passwd passphrase pwd pass secret token api_key \
    api-key apikey key credentials credential auth bearer basic jwt oauth oauth2 string str number boolean \
    bool integer int object array any bytes buffer char void never text varchar self this super await async \
    new function return var let const static value input hash sha256 sha512 sha1 md5 bcrypt argon2 argon2id \
    scrypt pbkdf2 hs256 rs256 es256 utf8 utf-8 base64 hex ascii latin1 file env prompt stdin keyring keychain \
    vault x25519 ed25519 rsa2048 base64url sha512crypt md5crypt p256 secp256k1";

/// How a text that stands where a secret will be begins.
const PLACEHOLDER_STARTS: &str = "\
    your_ your- yourapi yourpass yourtoken yoursecret <your my-api-key my_api_key enter_ enter- insert_ \
    insert- replace_ replace- replace_me put_your put-your add_your example_ example- placeholder changeme \
    change-me change_me redacted [redacted (redacted *** ... the_ some_ some- todo xxx";

/// Whether a text only shows where a secret would be.
pub(super) fn is_placeholder(text: &[u8]) -> bool {
    if text.iter().all(|byte| {
        matches!(
            byte,
            b'x' | b'X' | b'*' | b'.' | b'-' | b'_' | b'?' | b'#' | b'0' | b'=' | b'/' | b':' | b'|' | b'<' | b'>'
        )
    }) {
        return true;
    }
    if text.first().is_some_and(|first| text.iter().all(|byte| byte == first)) {
        return true;
    }
    let is_mark = std::str::from_utf8(text)
        .is_ok_and(|text| text.chars().all(|c| matches!(c, '•' | '●' | '…' | '█' | '∗' | '*' | '.')));
    is_mark
        || is_one_of(text, PLACEHOLDERS)
        || PLACEHOLDER_STARTS.split(' ').any(|start| has(text, 0, start.as_bytes()))
        || memchr::memmem::find(text, b"REDACTED").is_some()
        || (text.len() < 40 && [&b"xxx"[..], b"XXX"].iter().any(|end| text.ends_with(end)))
        || (memchr::memmem::find(text, b"...").is_some() && text.len() < 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_told_from_secrets() {
        for text in [
            "$TOKEN",
            "${TOKEN}",
            "$(pass show x)",
            "{{ token }}",
            "<your-token>",
            "%PASSWORD%",
            "%s",
            "{password}",
            "a${B}c",
            "[REDACTED:token]",
        ] {
            assert!(is_put_in(text.as_bytes(), false, false) || is_placeholder(text.as_bytes()), "{text}");
        }
        for text in [
            "xxxx",
            "****",
            "••••",
            "...",
            "changeme",
            "your-api-key",
            "null",
            "String",
            "ghp_xxx",
            "REDACTED",
            "aaaa",
            "password",
        ] {
            assert!(is_placeholder(text.as_bytes()), "{text}");
        }
        for text in ["hunter2", "$ecret!", "p<ss>word1", "correct horse", "50%off", "secret99"] {
            assert!(
                !is_put_in(text.as_bytes(), false, text.starts_with('$')) && !is_placeholder(text.as_bytes()),
                "{text}"
            );
        }
    }
}
