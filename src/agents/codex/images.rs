//! Images: what they were is kept, their bytes are not.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

use crate::session::Block;

/// An image by its address: a `data:` URL becomes the hash and size of its bytes.
pub(super) fn block(url: &str) -> Block {
    let Some(data) = url.strip_prefix("data:") else {
        return Block::Image { url: url.to_owned(), alt: None, mime: "image/*".to_owned() };
    };
    let (head, body) = data.split_once(',').unwrap_or((data, ""));
    let media_type = head.split(';').next().filter(|mime| !mime.is_empty()).unwrap_or("image/*");
    base64_block(body, media_type, head.ends_with(";base64"))
}

/// An image that is base64 without an address, as a generated one is.
pub(super) fn generated(base64: &str) -> Block {
    base64_block(base64, "image/png", true)
}

fn base64_block(body: &str, media_type: &str, is_base64: bool) -> Block {
    let decoded = if is_base64 { STANDARD.decode(body).or_else(|_| STANDARD_NO_PAD.decode(body)).ok() } else { None };
    let bytes = decoded.as_deref().unwrap_or(body.as_bytes());
    let mut uri = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        uri.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
    }
    uri.extend(["?size=", &bytes.len().to_string()]);
    Block::Reference { uri, media_type: media_type.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_images_bytes() {
        let block = block("data:image/png;base64,YWJj");
        let uri = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad?size=3".to_owned();
        assert_eq!(block, Block::Reference { uri, media_type: "image/png".to_owned() });
    }

    #[test]
    fn an_image_elsewhere_stays_there_and_a_broken_one_still_has_a_name() {
        assert!(matches!(block("https://x/y.png"), Block::Image { .. }));
        assert!(matches!(block("data:image/png;base64,?"), Block::Reference { uri, .. } if uri.ends_with("?size=1")));
        assert!(matches!(block("data:"), Block::Reference { uri, .. } if uri.ends_with("?size=0")));
    }
}
