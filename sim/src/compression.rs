//! Specs that clients send compressed: with the dictionary that Omni's own tools use, or without one.

use ruzstd::decoding::{Dictionary, FrameDecoder, StreamingDecoder};
use std::io::Read;

/// What Omni's own tools compress with; where it comes from stands beside it.
const DICTIONARY: &[u8] = include_bytes!("compression/config.1.zdict");

/// More than this is not a configuration.
const LIMIT: u64 = 64 << 20;

/// A compressed text cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the text cannot be decompressed; it is damaged, or compressed with a dictionary that Omni does not use")]
pub struct UnpackError;

/// The text in a zstd frame.
///
/// # Errors
/// When it is none, needs another dictionary, or is too long.
pub fn unpack(frame: &[u8]) -> Result<String, UnpackError> {
    read(frame, FrameDecoder::new()).or_else(|_| {
        let mut decoder = FrameDecoder::new();
        let dictionary = Dictionary::decode_dict(DICTIONARY).map_err(|_| UnpackError)?;
        decoder.add_dict(dictionary).map_err(|_| UnpackError)?;
        read(frame, decoder)
    })
}

fn read(frame: &[u8], decoder: FrameDecoder) -> Result<String, UnpackError> {
    let decoder = StreamingDecoder::new_with_decoder(frame, decoder).map_err(|_| UnpackError)?;
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

    /// A frame of the encoder, the dictionary and the window that Omni's client library in Go uses.
    #[test]
    fn frames_of_omni_s_own_tools_become_text() {
        let frame = include_bytes!("../tests/fixtures/compression/patch.zst");
        let text = include_str!("../tests/fixtures/compression/patch.yaml");
        assert!(read(frame, FrameDecoder::new()).is_err(), "it needs the dictionary");
        assert_eq!(unpack(frame).unwrap(), text);
        assert!(unpack(&frame[..frame.len() - 9]).is_err());
    }

    #[test]
    fn a_bomb_is_refused() {
        let frame = compress_to_vec(std::io::repeat(b' ').take(LIMIT + 1), CompressionLevel::Fastest);
        assert!(unpack(&frame).is_err());
    }
}
