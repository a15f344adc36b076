//! Percent-encoding by RFC 3986, in one spelling: what is unreserved stays, all else is `%XX` in capitals.

use std::fmt::Write as _;

use super::BadUri;

/// One part of an address.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // A string takes everything.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Reads [`encode`], and spellings that mean the same.
pub(super) fn decode(part: &'static str, text: &str) -> Result<String, BadUri> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let escape = rest.split_first_chunk::<2>().and_then(|([high, low], after)| {
            rest = after;
            u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
        });
        bytes.push(escape.ok_or_else(|| BadUri::part(part, "has a % that begins no escape"))?);
    }
    String::from_utf8(bytes).map_err(|_| BadUri::part(part, "is not UTF-8"))
}

fn digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(16)
}
