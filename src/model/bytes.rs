//! Text out of bytes: what is taken for UTF-8, and by which name what is not is called.

/// Why bytes are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// They begin as another encoding does.
    #[error(
        "it is {encoding}, expected UTF-8: save it as that, or convert it, as with `iconv -f {encoding} -t UTF-8`"
    )]
    Encoding {
        /// Its name.
        encoding: &'static str,
    },
    /// A byte that UTF-8 cannot have there.
    #[error(
        "the byte 0x{byte:02x} is not UTF-8, expected UTF-8: save it as that, or convert it, as with \
         `iconv -f LATIN1 -t UTF-8` where it is Latin-1"
    )]
    Byte {
        /// The byte.
        byte: u8,
    },
    /// A byte of zeros.
    #[error("found a NUL byte, expected text: the file is binary, damaged, or cut off while it was written")]
    Nul,
    /// A carriage return that ends no line.
    #[error("found a carriage return that no line feed follows, expected lines that end with LF or CRLF")]
    LoneReturn,
}

impl NotText {
    /// Returns the encoding that bytes begin as, other than UTF-8: by their byte order mark, or by the zeros beside an
    /// ASCII character. `None` where they may be UTF-8.
    pub fn encoding(bytes: &[u8]) -> Option<NotText> {
        let encoding = match bytes {
            [0xFF, 0xFE, 0, 0, ..] | [1..=0x7F, 0, 0, 0, ..] => "UTF-32LE",
            [0, 0, 0xFE, 0xFF, ..] | [0, 0, 0, 1..=0x7F, ..] => "UTF-32BE",
            [0xFF, 0xFE, ..] | [1..=0x7F, 0, 1..=0x7F, 0, ..] => "UTF-16LE",
            [0xFE, 0xFF, ..] | [0, 1..=0x7F, 0, 1..=0x7F, ..] => "UTF-16BE",
            _ => return None,
        };
        Some(NotText::Encoding { encoding })
    }
}

/// Takes bytes for a line of text, with its end where it has one. White space at the end is left.
///
/// # Errors
///
/// Refuses what is not UTF-8, a NUL byte, and a carriage return within the line, with the column, in bytes from 1.
pub fn line_text(line: &[u8]) -> Result<&str, (usize, NotText)> {
    if let Some(encoding) = NotText::encoding(line) {
        return Err((1, encoding));
    }
    let text = std::str::from_utf8(line).map_err(|error| {
        let at = error.valid_up_to();
        (at + 1, NotText::Byte { byte: line[at] })
    })?;
    if let Some(at) = text.find('\0') {
        return Err((at + 1, NotText::Nul));
    }
    match text.trim_end_matches(['\n', '\r']).find('\r') {
        Some(at) => Err((at + 1, NotText::LoneReturn)),
        None => Ok(text),
    }
}

/// Returns a text without the byte order mark that it may begin with.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{FEFF}').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_encodings_are_named() {
        let utf16 =
            |text: &str, order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<_>>();
        let utf32 = |text: &str, order: fn(u32) -> [u8; 4]| {
            text.chars().flat_map(|c| order(u32::from(c))).collect::<Vec<_>>()
        };
        for mark in ["", "\u{FEFF}"] {
            let text = format!("{mark}{{\"do\"");
            for (bytes, name) in [
                (utf16(&text, u16::to_le_bytes), "UTF-16LE"),
                (utf16(&text, u16::to_be_bytes), "UTF-16BE"),
                (utf32(&text, u32::to_le_bytes), "UTF-32LE"),
                (utf32(&text, u32::to_be_bytes), "UTF-32BE"),
            ] {
                assert_eq!(NotText::encoding(&bytes), Some(NotText::Encoding { encoding: name }), "{mark:?}");
            }
            assert_eq!(NotText::encoding(text.as_bytes()), None);
        }
        assert_eq!(NotText::encoding(b""), None);
        assert_eq!(NotText::encoding(b"{\0"), None, "a NUL byte alone is no encoding");
    }

    #[test]
    fn what_is_no_line_is_told_by_its_column() {
        assert_eq!(line_text(b"{}\r\n"), Ok("{}\r\n"));
        assert_eq!(line_text("\u{FEFF}{}\n".as_bytes()).map(without_mark), Ok("{}\n"));
        assert_eq!(line_text(b"caf\xe9\n"), Err((4, NotText::Byte { byte: 0xe9 })));
        assert_eq!(line_text(b"a\0b\n"), Err((2, NotText::Nul)));
        assert_eq!(line_text(b"{}\r{}\n"), Err((3, NotText::LoneReturn)));
    }
}
