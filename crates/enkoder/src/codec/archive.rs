//! Several arrays in one file, each of its own type, shape and bound: a file of version 5 is a row of whole files, with what is kept
//! beside them all, and where each begins.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;

use super::alone::{AloneOptions, compress_alone};
use super::container::{
    END_BYTES, MAGIC, MAX_HEADER, MAX_MEMBERS, archive_from_bytes, archive_to_bytes, description_to_bytes,
    end_from_bytes, index_from_bytes, index_to_bytes,
};
use super::decompress::{EnkFile, described, index_lost, read_at};
use super::error::CodecError;
use super::samples::SampleSource;
use super::writer::CompressSummary;

/// An array to compress with others, and how.
pub struct Member<'a> {
    /// Its samples; what they would keep beside themselves is not asked for.
    pub source: &'a mut dyn SampleSource,
    /// How it is compressed.
    pub options: AloneOptions,
}

/// What was written of several arrays.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ArchiveSummary {
    /// Of each array, its own header and framing included.
    pub members: Vec<CompressSummary>,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes of what is kept beside all arrays, and of where each begins.
    pub framing_bytes: u64,
}

/// Compresses several arrays, one after the other, without a model. `description` is kept beside them, as a source's own is beside its
/// samples. `progress` is told which array it is at, and how many samples of it are done, and may stop the work.
///
/// # Errors
/// As [`compress_alone`], and when there are none, or too many.
pub fn compress_several(
    members: &mut [Member<'_>],
    description: &[u8],
    out: &mut dyn Write,
    progress: &mut dyn FnMut(usize, u64) -> ControlFlow<()>,
) -> Result<ArchiveSummary, CodecError> {
    if members.is_empty() {
        return Err(CodecError::Empty);
    }
    if members.len() > MAX_MEMBERS {
        return Err(CodecError::Arrays(format!("{} arrays in one file: at most {MAX_MEMBERS}", members.len())));
    }
    let header = [archive_to_bytes(members.len(), description.len()), description_to_bytes(description)].concat();
    out.write_all(&header)?;
    let mut summaries = Vec::with_capacity(members.len());
    for (number, member) in members.iter_mut().enumerate() {
        let source = &mut Undescribed(member.source);
        summaries.push(compress_alone(source, &member.options, out, &mut |done| progress(number, done))?);
    }
    let lengths: Vec<u64> = summaries.iter().map(|summary| summary.file_bytes).collect();
    let index = index_to_bytes(header.len() as u64, &lengths);
    out.write_all(&index)?;
    let framing_bytes = (header.len() + index.len()) as u64;
    Ok(ArchiveSummary { members: summaries, file_bytes: lengths.iter().sum::<u64>() + framing_bytes, framing_bytes })
}

/// Samples without what would be kept beside them.
struct Undescribed<'a>(&'a mut dyn SampleSource);

impl SampleSource for Undescribed<'_> {
    fn element(&self) -> super::ElementType {
        self.0.element()
    }

    fn shape(&self) -> &[usize] {
        self.0.shape()
    }

    fn samples(&self) -> u64 {
        self.0.samples()
    }

    fn layout(&self) -> super::Layout {
        self.0.layout()
    }

    fn missing(&self) -> Vec<f64> {
        self.0.missing()
    }

    fn valid(&self) -> Vec<Option<(f64, f64)>> {
        self.0.valid()
    }

    fn packing(&self) -> Vec<(f64, f64)> {
        self.0.packing()
    }

    fn read(&mut self, first: u64, count: usize) -> io::Result<Vec<u8>> {
        self.0.read(first, count)
    }
}

/// An open .enk file that may hold several arrays. One of any other version holds one.
#[derive(Debug)]
pub struct EnkArchive<R> {
    input: R,
    length: u64,
    /// Where each member begins, and the end of the last.
    starts: Vec<u64>,
    /// Bytes of the description beside all members, and where the first of these begins.
    description: u64,
    first: u64,
    is_several: bool,
    damage: Option<CodecError>,
}

impl<R: Read + Seek + Sync> EnkArchive<R> {
    /// Opens a file. Where the index of several arrays is damaged, they are found by how they begin.
    ///
    /// # Errors
    /// When it is no .enk file, or its first bytes are damaged.
    pub fn open(mut input: R) -> Result<Self, CodecError> {
        let length = input.seek(SeekFrom::End(0))?;
        let start = read_at(&mut input, 0, length.min(MAX_HEADER as u64 + 64))?;
        let Some((count, description, header)) = archive_from_bytes(&start)? else {
            let starts = vec![0, length];
            return Ok(Self { input, length, starts, description: 0, first: 0, is_several: false, damage: None });
        };
        let first = described(header, description, length)?;
        let (starts, damage) = match read_starts(&mut input, length, first, count) {
            Ok(starts) => (starts, None),
            Err(damage @ CodecError::Damaged { .. }) => (find_members(&mut input, length, first)?, Some(damage)),
            Err(error) => return Err(error),
        };
        Ok(Self { input, length, starts, description, first, is_several: true, damage })
    }

    /// How many arrays, or groups of arrays of one shape and type, there are.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are none, as where nothing is left of a damaged file.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is a file that can hold several.
    pub fn is_several(&self) -> bool {
        self.is_several
    }

    /// Bytes of the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// What is damaged behind the arrays of several, where that is: which there are was then found by how they begin.
    pub fn index_damage(&self) -> Option<&CodecError> {
        self.damage.as_ref()
    }

    /// Refuses a file whose index is damaged, with the way out.
    ///
    /// # Errors
    /// When it is.
    pub fn check_index(&self) -> Result<(), CodecError> {
        self.damage.as_ref().map_or(Ok(()), |damage| Err(index_lost(damage, self.length)))
    }

    /// What the writer kept beside all arrays of several, or beside the one.
    ///
    /// # Errors
    /// When it is damaged, and when it is longer than `limit` bytes.
    pub fn description(&mut self, limit: u64) -> Result<Vec<u8>, CodecError> {
        if !self.is_several {
            return self.file(0)?.description(limit);
        }
        let offset = self.first.saturating_sub(self.description + 4);
        super::decompress::description_at(&mut self.input, offset, self.description, limit)
    }

    /// One of them.
    ///
    /// # Errors
    /// As [`EnkFile::open`].
    ///
    /// # Panics
    /// When there is none of this number.
    pub fn file(&mut self, number: usize) -> Result<EnkFile<Part<'_, R>>, CodecError> {
        let (start, end) = (self.starts[number], self.starts[number + 1]);
        EnkFile::open(Part { input: &mut self.input, start, length: end - start, position: 0 })
    }
}

/// A part of something that can be read and sought.
#[derive(Debug)]
pub struct Part<'a, R> {
    input: &'a mut R,
    start: u64,
    length: u64,
    position: u64,
}

impl<R: Read + Seek> Read for Part<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let most = bytes.len().min(left);
        self.input.seek(SeekFrom::Start(self.start + self.position))?;
        let count = self.input.read(&mut bytes[..most])?;
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: Seek> Seek for Part<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

fn read_starts<R: Read + Seek>(input: &mut R, length: u64, first: u64, count: u64) -> Result<Vec<u64>, CodecError> {
    let damaged = |what: &str| CodecError::Damaged { offset: length, what: what.to_owned() };
    let end = length.checked_sub(END_BYTES as u64).filter(|&end| end >= first);
    let end = end.ok_or_else(|| damaged("the file ends before its index"))?;
    let last: [u8; END_BYTES] =
        read_at(input, end, END_BYTES as u64)?.try_into().map_err(|_| damaged("the end of the file is missing"))?;
    let index = end_from_bytes(&last, length)?;
    let bytes = read_at(input, index, end - index)?;
    let mut starts = vec![first];
    for length in index_from_bytes(&bytes, index, count)? {
        let next = starts[starts.len() - 1].checked_add(length).filter(|&next| next <= index);
        starts.push(next.ok_or_else(|| damaged("the index says that arrays reach beyond it"))?);
    }
    if starts.last() == Some(&index) {
        Ok(starts)
    } else {
        Err(damaged("there is something between the arrays and their index"))
    }
}

/// Where whole files begin behind a place.
fn find_members<R: Read + Seek>(input: &mut R, length: u64, first: u64) -> Result<Vec<u64>, CodecError> {
    let body = read_at(input, first, length - first)?;
    let mut starts = Vec::new();
    let mut position = 0;
    while let Some(next) = body[position..].windows(MAGIC.len()).position(|window| window == MAGIC) {
        starts.push(first + (position + next) as u64);
        position += next + MAGIC.len();
    }
    starts.truncate(MAX_MEMBERS);
    starts.push(length);
    Ok(starts)
}
