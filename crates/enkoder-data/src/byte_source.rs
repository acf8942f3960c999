//! Bytes that are read once from front to back, out of a file or memory and unpacked if they are gzip, zstd, bzip2 or xz by content. The source
//! knows where it is, for messages, and the most bytes there can be, so that a claim in a header is refused before memory is
//! taken for it.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::error::{DataError, Place, Position};
use crate::input::{Input, is_address};

/// Bytes at the start of the content that can be looked at before reading.
pub(crate) const HEAD: usize = 1024;

/// Deflate cannot unpack one byte to more than this many (RFC 1951: 258 bytes from 2 bits, and headers).
pub(crate) const MOST_UNPACKED_PER_BYTE: u64 = 1032;

/// Memory taken at once on the word of a header where the length of the content is not known for certain.
const FIRST_ALLOCATION: usize = 64 << 20;

/// The logarithm of the most bytes that are kept to be repeated: 128 MiB, which the strongest usual settings need.
#[cfg(feature = "packed")]
const MOST_WINDOW_LOG: u32 = 27;

/// Bytes taken from the reader at once.
const CHUNK: usize = 64 << 10;

/// The content of a file or of bytes in memory, unpacked.
pub struct ByteSource<'a> {
    name: String,
    head: Vec<u8>,
    /// The position in the content of the next byte read.
    offset: u64,
    reader: BufReader<Box<dyn Read + Send + 'a>>,
    most: u64,
    packed: bool,
    /// Whether its length is only what a server says.
    promised: bool,
}

/// How content is packed, told by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
}

impl Packing {
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            _ => None,
        }
    }

    /// A claim that goes beyond so many bytes for each packed one is refused.
    fn most_per_byte(self) -> u64 {
        match self {
            Self::Gzip => MOST_UNPACKED_PER_BYTE,
            // A block of one repeated byte: 128 KiB from 4 bytes of zstd, 45 MB from 39 bytes of bzip2, whole dictionaries of xz.
            Self::Zstd | Self::Bzip2 | Self::Xz => 1 << 21,
        }
    }

    fn unpack<'a>(self, name: &str, packed: impl BufRead + Send + 'a) -> Result<Box<dyn Read + Send + 'a>, DataError> {
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
            #[cfg(feature = "packed")]
            Self::Zstd => {
                let failed = |error| DataError::io("unpack", name, error);
                let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(failed)?;
                decoder.window_log_max(MOST_WINDOW_LOG).map_err(failed)?;
                Box::new(decoder)
            }
            #[cfg(feature = "packed")]
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
            #[cfg(feature = "packed")]
            Self::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(packed, true, 1 << (MOST_WINDOW_LOG - 10))),
            #[cfg(not(feature = "packed"))]
            _ => return Err(DataError::not_built(Place::source(name), "files packed by zstd, bzip2 or xz", "packed")),
        })
    }
}

impl<'a> ByteSource<'a> {
    /// Opens a file, or an object by its address, which is not read into memory.
    pub fn open(path: &Path) -> Result<ByteSource<'static>, DataError> {
        let failed = |source| DataError::io("read", path, source);
        let input = Input::open(path)?;
        if input.is_folder().map_err(failed)? {
            return Err(DataError::unsuitable(path, "is a folder, not a file"));
        }
        // A pipe has no length; then nothing limits a claim but the bytes that come.
        let length = input.length().map_err(failed)?.unwrap_or(u64::MAX);
        let source = ByteSource::new(path.display().to_string(), Box::new(input), length)?;
        Ok(ByteSource { promised: is_address(path), ..source })
    }

    /// Bytes in memory, called `name` in messages.
    pub fn from_bytes(name: impl Into<String>, bytes: &'a [u8]) -> Result<Self, DataError> {
        Self::new(name.into(), Box::new(bytes), bytes.len() as u64)
    }

    /// A member of an archive that was unpacked already, with at most `most` bytes to come.
    pub(crate) fn member(name: String, reader: impl Read + Send + 'a, most: u64) -> Result<Self, DataError> {
        let mut source = Self::plain(name, Box::new(reader), most);
        source.packed = true;
        source.read_head()?;
        Ok(source)
    }

    /// Any reader with at most `length` bytes to come.
    fn new(name: String, reader: Box<dyn Read + Send + 'a>, length: u64) -> Result<Self, DataError> {
        let mut source = Self::plain(name, reader, length);
        source.read_head()?;
        if let Some(packing) = Packing::of(&source.head) {
            let packed = BufReader::with_capacity(CHUNK, io::Cursor::new(source.head).chain(source.reader));
            let most = length.saturating_mul(packing.most_per_byte());
            let name = source.name;
            let reader = packing.unpack(&name, packed)?;
            source = Self::plain(name, reader, most);
            source.packed = true;
            source.read_head()?;
        }
        Ok(source)
    }

    fn plain(name: String, reader: Box<dyn Read + Send + 'a>, most: u64) -> Self {
        let reader = BufReader::with_capacity(CHUNK, reader);
        Self { name, head: Vec::new(), offset: 0, reader, most, packed: false, promised: false }
    }

    fn read_head(&mut self) -> Result<(), DataError> {
        let mut head = Vec::with_capacity(HEAD);
        let read = (&mut self.reader).take(HEAD as u64).read_to_end(&mut head);
        read.map_err(|source| self.read_error(source))?;
        self.head = head;
        Ok(())
    }

    /// The name of the source in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first bytes of the content, up to 1,024, whether read already or not.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The position in the content: the number of bytes read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the file is packed as a whole.
    pub(crate) fn is_packed(&self) -> bool {
        self.packed
    }

    /// The exact length of the content, where it is known before reading: unpacked files and memory.
    pub(crate) fn length(&self) -> Option<u64> {
        (!self.packed && self.most != u64::MAX).then_some(self.most)
    }

    /// A place in this source.
    pub fn place(&self, position: Position) -> Place {
        Place { source: self.name.clone(), position }
    }

    /// A fault of the content at byte `offset`.
    pub(crate) fn malformed(&self, offset: u64, why: impl Into<String>) -> DataError {
        DataError::malformed(self.place(Position::Byte(offset)), why)
    }

    /// Fills `buffer` with the next bytes; `what` says in a message which bytes were missing.
    pub(crate) fn fill(&mut self, buffer: &mut [u8], what: &str) -> Result<(), DataError> {
        let start = self.offset;
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..]) {
                Ok(0) => {
                    let (wanted, end) = (buffer.len(), self.offset);
                    let why = format!("the data ends inside {what}: {wanted} bytes from byte {start} on are needed");
                    return Err(self.malformed(end, why));
                }
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.read_error(error)),
            }
        }
        Ok(())
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], DataError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes, what)?;
        Ok(bytes)
    }

    /// Refuses a claim that `count` values of `size` bytes follow where there cannot be so many; returns the bytes.
    pub(crate) fn claim(&self, count: u64, size: u64, what: &str) -> Result<u64, DataError> {
        let left = self.most.saturating_sub(self.offset);
        match count.checked_mul(size) {
            Some(bytes) if bytes <= left && isize::try_from(bytes).is_ok() => Ok(bytes),
            claimed => {
                let claimed = claimed.map_or("more bytes than can be counted".into(), |bytes| format!("{bytes} bytes"));
                let at_most = if self.packed { "at most " } else { "" };
                let why = format!("the header claims {claimed} of {what}, but {at_most}{left} bytes can follow it");
                Err(self.malformed(self.offset, why))
            }
        }
    }

    /// Refuses bytes after the last value, and reads a packed file to its checksum.
    pub(crate) fn finish(&mut self) -> Result<(), DataError> {
        let mut byte = [0];
        loop {
            match self.read(&mut byte) {
                Ok(0) => return Ok(()),
                Ok(_) => return Err(self.malformed(self.offset - 1, "more bytes follow after the last value")),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.read_error(error)),
            }
        }
    }

    /// Appends `count` values decoded from `N` bytes each, in the order they come.
    pub(crate) fn values<const N: usize, T>(
        &mut self,
        count: usize,
        out: &mut Vec<T>,
        decode: impl Fn([u8; N]) -> T,
    ) -> Result<(), DataError> {
        let sure = self.length().is_some() && !self.promised;
        self.claim(count as u64, N as u64, "values")?;
        let mut chunk = vec![0; CHUNK / N * N];
        let mut left = count;
        while left > 0 {
            let take = left.min(chunk.len() / N);
            if out.capacity() - out.len() < take {
                // What is not sure to come is allocated as it comes, doubling.
                let first = FIRST_ALLOCATION / size_of::<T>().max(1);
                out.reserve_exact(if sure { left } else { left.min(first.max(out.len())) });
            }
            let bytes = &mut chunk[..take * N];
            self.fill(bytes, "the values")?;
            out.extend(bytes.as_chunks::<N>().0.iter().map(|&bytes| decode(bytes)));
            left -= take;
        }
        Ok(())
    }

    /// What failed in reading: the system, or the packed content.
    pub(crate) fn read_error(&self, error: io::Error) -> DataError {
        let content = matches!(
            error.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
        );
        if content {
            let at = self.offset.max(self.head.len() as u64);
            let why = "the compressed data is damaged or cut off here (position after unpacking)";
            return self.malformed(at, why).with_cause(error).with_hint("fetch or pack the file again");
        }
        DataError::io("read", &self.name, error)
    }
}

impl Read for ByteSource<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self.head.get(self.offset as usize..) {
            Some(head) if !head.is_empty() => {
                let read = head.len().min(buffer.len());
                buffer[..read].copy_from_slice(&head[..read]);
                read
            }
            _ => self.reader.read(buffer)?,
        };
        self.offset += read as u64;
        Ok(read)
    }
}

impl BufRead for ByteSource<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let in_head = (self.offset as usize).min(self.head.len());
        if in_head < self.head.len() { Ok(&self.head[in_head..]) } else { self.reader.fill_buf() }
    }

    fn consume(&mut self, amount: usize) {
        if (self.offset as usize) >= self.head.len() {
            self.reader.consume(amount);
        }
        self.offset += amount as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[cfg(feature = "packed")]
    #[test]
    fn packed_and_plain_bytes_read_the_same() {
        let bytes: Vec<u8> = (0..100_000u32).map(|i| (i / 7) as u8).collect();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(&bytes).unwrap();
        let zstd = zstd::encode_all(&bytes[..], 1).unwrap();
        for content in [bytes.clone(), packed(&bytes), bzip2.finish().unwrap(), zstd] {
            let mut source = ByteSource::from_bytes("test", &content).unwrap();
            assert_eq!(source.head(), &bytes[..HEAD]);
            let mut read = Vec::new();
            source.values::<1, u8>(bytes.len(), &mut read, |[byte]| byte).unwrap();
            source.finish().unwrap();
            assert_eq!(read, bytes);
        }
    }

    #[test]
    fn a_buffered_reader_of_lines_sees_all_bytes_once() {
        let text: String = (0..1000).map(|i| format!("line {i}\n")).collect();
        let source = ByteSource::from_bytes("test", text.as_bytes()).unwrap();
        let lines: Vec<String> = source.lines().map(Result::unwrap).collect();
        assert_eq!(lines, text.lines().collect::<Vec<_>>());
    }

    #[test]
    fn a_packed_file_cut_anywhere_is_an_error() {
        let content = packed(b"some content that is packed");
        for length in 2..content.len() {
            let read = ByteSource::from_bytes("test", &content[..length]).and_then(|mut source| {
                source.fill(&mut [0; 27], "the text")?;
                source.finish()
            });
            assert!(read.is_err(), "cut at {length}");
        }
    }

    #[test]
    fn a_claim_of_more_than_can_be_unpacked_is_refused() {
        let content = packed(&[0; 1000]);
        let source = ByteSource::from_bytes("test", &content).unwrap();
        assert!(source.claim(1000, 1, "values").is_ok());
        assert!(source.claim(1 << 40, 1, "values").is_err());
        assert!(source.claim(u64::MAX, 8, "values").is_err());
    }
}
