//! Text whose cells stand apart by blanks, as many as it takes to align them: each run of blanks outside of quotes becomes one tabulator.

use std::io::{self, Read};

pub(super) struct Blanks<R> {
    inner: R,
    /// Whether nothing but blanks came since the line began.
    at_start: bool,
    /// Whether blanks came since the last cell.
    pending: bool,
    /// Whether a cell is being read that began with a quote, and the quote was not closed.
    quoted: bool,
    /// Whether the byte before closed one.
    closed: bool,
    /// A byte for which there was no room.
    left: Option<u8>,
}

impl<R> Blanks<R> {
    pub fn new(inner: R) -> Self {
        Self { inner, at_start: true, pending: false, quoted: false, closed: false, left: None }
    }

    pub fn inner(&self) -> &R {
        &self.inner
    }

    pub fn inner_mut(&mut self) -> &mut R {
        &mut self.inner
    }
}

impl<R: Read> Read for Blanks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let ([first, ..], Some(byte)) = (&mut *buffer, self.left) {
            (*first, self.left) = (byte, None);
            return Ok(1);
        }
        match buffer {
            [] => return Ok(0),
            [only] => {
                let mut two = [0; 2];
                let read = self.read(&mut two)?;
                *only = two[0];
                self.left = (read == 2).then_some(two[1]);
                return Ok(read.min(1));
            }
            _ => {}
        }
        loop {
            // Blanks that are pending may take a byte more than is read now.
            let read = self.inner.read(&mut buffer[1..])?;
            let mut written = 0;
            for at in 1..=read {
                let byte = buffer[at];
                // Two quotes within a cell in quotes stand for one.
                let closed = std::mem::take(&mut self.closed);
                if byte == b'"' && (self.quoted || closed || self.at_start || self.pending) {
                    self.closed = self.quoted;
                    self.quoted = !self.quoted;
                }
                match byte {
                    byte if self.quoted && byte != b'"' => {
                        buffer[written] = byte;
                        written += 1;
                    }
                    b' ' | b'\t' => self.pending = !self.at_start,
                    byte @ (b'\n' | b'\r') => {
                        (self.at_start, self.pending) = (true, false);
                        buffer[written] = byte;
                        written += 1;
                    }
                    byte => {
                        if std::mem::take(&mut self.pending) {
                            buffer[written] = b'\t';
                            written += 1;
                        }
                        self.at_start = false;
                        buffer[written] = byte;
                        written += 1;
                    }
                }
            }
            if written > 0 || read == 0 {
                return Ok(written);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut buffer[..1])
        }
    }

    #[test]
    fn runs_of_blanks_are_one_tabulator_and_those_around_a_line_none() {
        let text = b"  a   b\tc  \r\n1 2    3\n\n  ";
        let mut read = String::new();
        Blanks::new(&text[..]).read_to_string(&mut read).unwrap();
        assert_eq!(read, "a\tb\tc\r\n1\t2\t3\n\n");
        let mut slow = String::new();
        Blanks::new(Slow(text)).read_to_string(&mut slow).unwrap();
        assert_eq!(slow, read);
        let quoted = b"\"a  b\"  \"c \"\" d\" e\"  f";
        let mut read = String::new();
        Blanks::new(&quoted[..]).read_to_string(&mut read).unwrap();
        assert_eq!(read, "\"a  b\"\t\"c \"\" d\"\te\"\tf");
    }
}
