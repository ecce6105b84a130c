//! Specs that clients send compressed.
//! The dictionary that some clients compress with is not at hand, so only frames without one can be read.

use std::io::Read;

/// More than this is not a configuration.
const LIMIT: u64 = 64 << 20;

/// A compressed text cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the text cannot be decompressed; it is damaged, or compressed with a dictionary")]
pub struct UnpackError;

/// The text in a zstd frame.
///
/// # Errors
/// When it is none, needs a dictionary, or is too long.
pub fn unpack(frame: &[u8]) -> Result<String, UnpackError> {
    let decoder = ruzstd::decoding::StreamingDecoder::new(frame).map_err(|_| UnpackError)?;
    let mut text = String::new();
    let length = decoder.take(LIMIT + 1).read_to_string(&mut text).map_err(|_| UnpackError)?;
    if length as u64 > LIMIT { Err(UnpackError) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    #[test]
    fn frames_become_text() {
        let text = "machine: {}\n".repeat(1000);
        let frame = compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
        assert!(frame.len() < text.len());
        assert_eq!(unpack(&frame).unwrap(), text);
        assert!(unpack(&frame[..frame.len() / 2]).is_err());
        assert!(unpack(&[1, 2]).is_err());
        assert!(unpack(&[]).is_err());
    }

    #[test]
    fn a_bomb_is_refused() {
        let frame = compress_to_vec(std::io::repeat(b' ').take(LIMIT + 1), CompressionLevel::Fastest);
        assert!(unpack(&frame).is_err());
    }
}
