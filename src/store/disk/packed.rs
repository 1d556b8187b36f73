//! A file that is written once and never changed: blocks of whatever it keeps, then sections that say what is where.
//!
//! ```text
//!  magic 8 │ version 4 │ checksum 4 │ blocks … │ sections … │ directory │ trailer
//!  directory: (kind 2, version 2, start 8, length 8, checksum 4) a section
//!  trailer:   start of the directory 8 │ sections 4 │ checksum of the directory and these 4 │ magic 8
//! ```
//!
//! Nothing lies between the parts. A section of a kind or a version that is not known is passed over, so that later
//! versions may add what earlier ones do without. Blocks have checksums of their own.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::bytes::{Reader, Writer, crc};
use super::{damaged, io_error};
use crate::store::StoreError;

pub(super) const HEADER_BYTES: u64 = 16;
const ENTRY_BYTES: usize = 2 + 2 + 8 + 8 + 4;
const TRAILER_BYTES: usize = 8 + 4 + 4 + 8;
const END: &[u8; 8] = b"phaseend";
/// The version of the layout. A file of a later one is refused.
const VERSION: u32 = 1;

/// Where a section is.
#[derive(Debug, Clone, Copy)]
struct Section {
    kind: u16,
    version: u16,
    start: u64,
    length: u64,
    crc: u32,
}

/// A file in the making.
pub(super) struct PackedWriter {
    file: BufWriter<File>,
    path: PathBuf,
    at: u64,
    sections: Vec<Section>,
}

impl PackedWriter {
    /// Begins a file; one of that name is overwritten.
    pub(super) fn create(path: &Path, magic: &[u8; 8]) -> Result<Self, StoreError> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path);
        let file = BufWriter::with_capacity(64 << 10, file.map_err(io_error("create", path))?);
        let mut packed = PackedWriter { file, path: path.to_owned(), at: 0, sections: Vec::new() };
        let mut header = Writer::default();
        header.bytes(magic);
        header.bytes(&VERSION.to_le_bytes());
        header.checksum();
        packed.put(&header.finish())?;
        Ok(packed)
    }

    /// Adds bytes, and returns where they begin.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<u64, StoreError> {
        let start = self.at;
        self.file.write_all(bytes).map_err(io_error("write", &self.path))?;
        self.at += bytes.len() as u64;
        Ok(start)
    }

    /// Adds a section, once all blocks are there.
    pub(super) fn section(&mut self, kind: u16, version: u16, bytes: &[u8]) -> Result<(), StoreError> {
        let start = self.put(bytes)?;
        self.sections.push(Section { kind, version, start, length: bytes.len() as u64, crc: crc(bytes) });
        Ok(())
    }

    /// Ends the file. It is not durable yet.
    pub(super) fn finish(mut self) -> Result<File, StoreError> {
        let mut directory = Writer::default();
        for section in &self.sections {
            directory.u16(section.kind);
            directory.u16(section.version);
            directory.u64(section.start);
            directory.u64(section.length);
            directory.bytes(&section.crc.to_le_bytes());
        }
        directory.u64(self.at);
        directory.u32(self.sections.len());
        directory.checksum();
        directory.bytes(END);
        self.put(&directory.finish())?;
        self.file.into_inner().map_err(|error| io_error("write", &self.path)(error.into_error()))
    }
}

/// A file that is there.
#[derive(Debug)]
pub(super) struct Packed {
    file: File,
    path: PathBuf,
    sections: Vec<Section>,
    length: u64,
    directory: u64,
}

impl Packed {
    /// Opens a file, and checks its front and its end.
    pub(super) fn open(path: &Path, magic: &[u8; 8]) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(io_error("open", path))?;
        let length = file.metadata().map_err(io_error("read", path))?.len();
        let mut packed = Packed { file, path: path.to_owned(), sections: Vec::new(), length, directory: 0 };
        let end_bytes = (TRAILER_BYTES as u64).min(length);
        let header = packed.read(0, HEADER_BYTES.min(length))?;
        let trailer = packed.read(length - end_bytes, end_bytes)?;
        packed.check_header(&header, magic)?;
        let (directory, count) = parse_trailer(&trailer).ok_or_else(|| packed.damaged("its end"))?;
        let bytes = (count as u64).checked_mul(ENTRY_BYTES as u64);
        let fits = bytes.and_then(|bytes| directory.checked_add(bytes)?.checked_add(TRAILER_BYTES as u64));
        if fits != Some(length) || directory < HEADER_BYTES {
            return Err(packed.damaged("its end"));
        }
        let bytes = packed.read(directory, length - directory)?;
        packed.directory = directory;
        packed.sections = parse_directory(&bytes, count).ok_or_else(|| packed.damaged("its directory"))?;
        match packed.are_contiguous() {
            true => Ok(packed),
            false => Err(packed.damaged("its directory")),
        }
    }

    fn check_header(&self, header: &[u8], magic: &[u8; 8]) -> Result<(), StoreError> {
        let mut reader = Reader::new(header);
        let found = (reader.take(8), reader.u32(), reader.u32());
        let (Some(found), Some(version), Some(sum)) = found else { return Err(self.damaged("its front")) };
        if found != magic || sum != crc(&header[..12]) {
            return Err(self.damaged("its front"));
        }
        match version {
            VERSION => Ok(()),
            found if found > VERSION => Err(StoreError::NewerFormat { found, known: VERSION }),
            _ => Err(self.damaged("its front")),
        }
    }

    /// Says whether the sections follow one another up to the directory.
    fn are_contiguous(&self) -> bool {
        let ends = self.sections.iter().map(|section| section.start.checked_add(section.length));
        let starts = self.sections.iter().skip(1).map(|section| section.start);
        ends.eq(starts.chain([self.directory]).map(Some)) && self.blocks_end() >= HEADER_BYTES
    }

    /// Returns where the blocks end.
    pub(super) fn blocks_end(&self) -> u64 {
        self.sections.first().map_or(self.directory, |section| section.start)
    }

    /// Returns a section of a version that is known; none where there is no such.
    pub(super) fn section(&self, kind: u16, version: u16) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.sections.iter().find(|section| (section.kind, section.version) == (kind, version));
        found.map(|section| self.section_bytes(section)).transpose()
    }

    /// Returns a section without which the file is of no use.
    pub(super) fn needed(&self, kind: u16, version: u16) -> Result<Vec<u8>, StoreError> {
        self.section(kind, version)?.ok_or_else(|| self.damaged("its directory"))
    }

    /// Returns where a section is, for whoever reads parts of it.
    pub(super) fn place(&self, kind: u16, version: u16) -> Option<(u64, u64)> {
        let found = self.sections.iter().find(|section| (section.kind, section.version) == (kind, version));
        found.map(|section| (section.start, section.length))
    }

    /// Reads every section, known or not.
    pub(super) fn check_sections(&self) -> Result<(), StoreError> {
        self.sections.iter().try_for_each(|section| self.section_bytes(section).map(drop))
    }

    fn section_bytes(&self, section: &Section) -> Result<Vec<u8>, StoreError> {
        let bytes = self.read(section.start, section.length)?;
        match crc(&bytes) == section.crc {
            true => Ok(bytes),
            false => Err(self.damaged(&format!("its section {}", section.kind))),
        }
    }

    /// Reads some bytes, all of them.
    pub(super) fn read(&self, start: u64, length: u64) -> Result<Vec<u8>, StoreError> {
        if start.checked_add(length).is_none_or(|end| end > self.length) {
            return Err(self.damaged("its end"));
        }
        let length = usize::try_from(length).map_err(|_| self.damaged("its directory"))?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start).map_err(io_error("read", &self.path))?;
        Ok(bytes)
    }

    /// Says that something in it is not what was written.
    pub(super) fn damaged(&self, what: &str) -> StoreError {
        damaged(format!(
            "`{}` is not as it was written: {what} does not match its checksum",
            self.path.display()
        ))
    }
}

fn parse_trailer(trailer: &[u8]) -> Option<(u64, usize)> {
    let mut reader = Reader::new(trailer);
    let (directory, count, _) = (reader.u64()?, reader.u32()?, reader.u32()?);
    (reader.rest() == END).then_some((directory, count as usize))
}

fn parse_directory(bytes: &[u8], count: usize) -> Option<Vec<Section>> {
    let summed = bytes.get(..bytes.len() - 12)?;
    let sum = bytes.get(bytes.len() - 12..bytes.len() - 8)?;
    if crc(summed).to_le_bytes() != *sum {
        return None;
    }
    let mut reader = Reader::new(bytes);
    let sections = (0..count).map(|_| {
        let (kind, version, start) = (reader.u16()?, reader.u16()?, reader.u64()?);
        Some(Section { kind, version, start, length: reader.u64()?, crc: reader.u32()? })
    });
    sections.collect()
}
