//! Digests of contents.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::quoted::Quoted;

/// Which function made a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256: the Merkle tree, the contents of commands and of files that are imported.
    Sha256,
    /// BLAKE3: files that phases read and write.
    Blake3,
}

impl Algorithm {
    const fn name(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "sha256",
            Algorithm::Blake3 => "blake3",
        }
    }
}

/// A 256-bit digest, written `sha256:` or `blake3:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Quoted<'_>", into = "String")]
pub struct Digest {
    algorithm: Algorithm,
    bytes: [u8; 32],
}

impl Digest {
    /// Makes a digest from what its function returned.
    pub const fn new(algorithm: Algorithm, bytes: [u8; 32]) -> Self {
        Digest { algorithm, bytes }
    }

    /// Computes the SHA-256 of some bytes.
    pub fn sha256(bytes: &[u8]) -> Self {
        Digest { algorithm: Algorithm::Sha256, bytes: Sha256::digest(bytes).into() }
    }

    /// Computes the leaf of the Merkle tree that a line of the log is: SHA-256(0x00 ‖ line) (RFC 6962, section 2.1).
    pub fn leaf(line: impl AsRef<[u8]>) -> Self {
        let bytes = Sha256::new().chain_update([0]).chain_update(line).finalize().into();
        Digest { algorithm: Algorithm::Sha256, bytes }
    }

    /// Returns the 32 bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.bytes) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(self.algorithm.name())?;
        f.write_str(":")?;
        f.write_str(std::str::from_utf8(&digits).expect("ASCII"))
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let error = || DigestError { found: super::escape(&text.chars().take(80).collect::<String>()) };
        let (name, digits) = text.split_once(':').ok_or_else(error)?;
        let algorithm = [Algorithm::Sha256, Algorithm::Blake3]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(error)?;
        if digits.len() != 64 {
            return Err(error());
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or_else(error);
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
        }
        Ok(Digest { algorithm, bytes })
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl TryFrom<Quoted<'_>> for Digest {
    type Error = DigestError;

    fn try_from(text: Quoted<'_>) -> Result<Self, DigestError> {
        text.0.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

/// A text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a digest; expected `sha256:` or `blake3:` and 64 hexadecimal digits")]
pub struct DigestError {
    found: String,
}
