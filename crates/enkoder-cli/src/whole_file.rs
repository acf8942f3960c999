//! What the codec writes: under its name once it is complete, and with an error that says which side failed, the data or the output.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use enkoder::codec::CodecError;
use enkoder_data::DataError;
use enkoder_data::export::{Overwrite, write_atomically};

/// The output, which remembers whether it was at fault.
pub struct Output<'a> {
    file: &'a mut BufWriter<File>,
    failed: bool,
}

/// Writes a file through `work`, whole or not at all.
pub fn write_whole<T>(
    path: &Path,
    overwrite: Overwrite,
    work: impl FnOnce(&mut Output<'_>) -> Result<T, CodecError>,
) -> anyhow::Result<T> {
    let mut result = None;
    let written = write_atomically(path, overwrite, |file| {
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
        (Some(Err(error)), _) => Err(error.into()),
        (Some(Ok(done)), Ok(())) => Ok(done),
        (_, Err(error)) => Err(error.into()),
        (None, Ok(())) => Err(DataError::empty(path).into()),
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).inspect_err(|_| self.failed = true)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().inspect_err(|_| self.failed = true)
    }
}

impl Seek for Output<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to).inspect_err(|_| self.failed = true)
    }
}
