//! What the codec writes: under its name once it is complete, and with an error that says which side failed, the data or the output.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use enkoder::codec::CodecError;
use enkoder_data::DataError;
use enkoder_data::export::Overwrite;

use crate::file_output;

/// The output, which remembers whether it was at fault.
pub struct Output<'a> {
    file: &'a mut BufWriter<File>,
    failed: bool,
}

/// Writes a file through `work`, whole or not at all. Where it is the data that fails, `what` is said first.
pub fn write_whole<T>(
    path: &Path,
    overwrite: Overwrite,
    what: impl FnOnce() -> String,
    work: impl FnOnce(&mut Output<'_>) -> Result<T, CodecError>,
) -> anyhow::Result<T> {
    let mut result = None;
    let written = file_output::write(path, overwrite, |file| {
        let mut out = Output { file, failed: false };
        match work(&mut out) {
            Err(CodecError::Io(error)) if out.failed => return Err(error),
            done => result = Some(done),
        }
        match result {
            Some(Ok(_)) => Ok(()),
            _ => Err(io::Error::other("the file is incomplete")),
        }
    });
    match (result, written) {
        (Some(Err(error)), _) => Err(anyhow::Error::from(error).context(what())),
        (Some(Ok(done)), Ok(())) => Ok(done),
        (_, Err(error)) => Err(error),
        (None, Ok(())) => Err(DataError::empty(path).into()),
    }
}

impl Output<'_> {
    /// Notes whether something failed that is part of writing.
    pub fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        self.failed |= result.is_err();
        result
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.file.flush();
        self.note(flushed)
    }
}

impl Seek for Output<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let found = self.file.seek(to);
        self.note(found)
    }
}
