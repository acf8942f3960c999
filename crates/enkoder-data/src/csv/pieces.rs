//! CSV without quotes, read by all threads: pieces of whole lines are cut into cells and numbers at once, and taken in their order.
//! What is no number is left to whoever takes the rows.

use std::io::Read;
use std::sync::Arc;

use memchr::{memchr, memchr_iter, memrchr};
use rayon::prelude::*;

use super::dialect::Dialect;
use super::ragged::{ShortRows, is_blank};
use super::records::skip_lines;
use crate::table::{MAX_LINE, WORD, bytes_before, parse_decimal};
use crate::{ByteSource, DataError, Place, Position};

/// Bytes of a piece, about.
const PIECE: u64 = 1 << 18;

/// Pieces that each thread is given at once.
const PIECES_PER_THREAD: usize = 4;

/// How the cells of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// As numbers, where they are such.
    Numbers,
    /// As they are written.
    Text,
    /// Not at all.
    Nothing,
}

/// The text of a table in pieces.
pub(super) struct Pieces<'a> {
    source: ByteSource<'a>,
    /// Its name, for messages.
    name: Arc<str>,
    /// The line that the last piece ended in.
    rest: Vec<u8>,
    /// Its number, from 1.
    line: u64,
    ended: bool,
    /// Whether text came that must be read record by record.
    stopped: bool,
}

/// Lines of a table, cut into cells.
pub(super) struct Piece {
    pub(super) text: Vec<u8>,
    beginning: Beginning,
    /// The numbers of all columns, row after row; NaN where a cell is missing or stands among the others.
    pub(super) values: Vec<f32>,
    /// The line of each row within the piece.
    lines: Vec<u32>,
    /// How many numbers each column has in `values`.
    pub(super) numbers: Vec<u64>,
    /// Cells that are more or less than a finite number, by rows.
    pub(super) others: Vec<OtherCell>,
    /// How many rows have fewer cells than there are columns, and the line and cells of the first.
    short: u64,
    first_short: Option<(u32, usize)>,
    /// A row that cannot be read for its number of cells, behind all others: its line and that number.
    ragged: Option<(u32, usize)>,
}

/// Whole lines, and where they begin.
pub(super) type Text = (Vec<u8>, Beginning);

/// Where a piece begins: in this source, at this line.
#[derive(Clone, Debug)]
pub(super) struct Beginning {
    source: Arc<str>,
    line: u64,
}

/// A cell that is more or less than a finite number.
#[derive(Clone, Copy, Debug)]
pub(super) struct OtherCell {
    pub(super) row: u32,
    pub(super) column: u32,
    start: u32,
    end: u32,
}

impl OtherCell {
    pub(super) fn text(self, piece: &Piece) -> &[u8] {
        &piece.text[self.start as usize..self.end as usize]
    }
}

impl<'a> Pieces<'a> {
    /// The rows with values; none of a table whose rows must be read record by record.
    pub(super) fn new(mut source: ByteSource<'a>, dialect: &Dialect) -> Result<Option<Self>, DataError> {
        if dialect.form.blanks || dialect.form.line_end != b'\n' {
            return Ok(None);
        }
        skip_lines(&mut source, dialect.form.skipped, b'\n')?;
        let mut rest = Vec::new();
        let read = source.by_ref().take(PIECE).read_to_end(&mut rest);
        read.map_err(|error| source.read_error(error))?;
        let ended = (rest.len() as u64) < PIECE;
        if rest.starts_with(b"\xef\xbb\xbf") {
            rest.drain(..3);
        }
        let (heads, end) = {
            let mut reader = dialect.form.builder().from_reader(&rest[..]);
            let heads = reader.byte_records().take(dialect.heads).filter(Result::is_ok).count();
            (heads, reader.position().byte() as usize)
        };
        if heads < dialect.heads || (end == rest.len() && !ended) {
            return Ok(None);
        }
        let line = dialect.form.skipped as u64 + 1 + count_lines(&rest[..end]);
        rest.drain(..end);
        let name = source.name().into();
        Ok(Some(Self { source, name, rest, line, ended, stopped: false }))
    }

    /// Whether the rest must be read record by record: it has quotes, or lines with other ends.
    pub(super) fn has_stopped(&self) -> bool {
        self.stopped
    }

    /// The next pieces, none at the end. Missing cells are left as they are written where `missing_as_text` says so.
    pub(super) fn next(
        &mut self,
        dialect: &Dialect,
        readings: &[Reading],
        missing_as_text: bool,
    ) -> Result<Vec<Piece>, DataError> {
        let cut = cut_each(self.texts()?, dialect, readings, missing_as_text);
        Ok(self.known(cut, &mut Vec::new()))
    }

    /// The text of the next pieces, none at the end.
    pub(super) fn texts(&mut self) -> Result<Vec<Text>, DataError> {
        let next = std::iter::from_fn(|| self.next_text().transpose());
        next.take(PIECES_PER_THREAD * rayon::current_num_threads()).collect()
    }

    /// The pieces before the first that must be read record by record; from there on there are none, also of what was read behind it.
    pub(super) fn known(&mut self, cut: Vec<Option<Piece>>, behind: &mut Vec<Text>) -> Vec<Piece> {
        let all = cut.len();
        let pieces: Vec<Piece> = cut.into_iter().map_while(|piece| piece).collect();
        if pieces.len() < all {
            self.stopped = true;
            behind.clear();
        }
        pieces
    }

    fn next_text(&mut self) -> Result<Option<Text>, DataError> {
        if self.stopped {
            return Ok(None);
        }
        let mut text = std::mem::take(&mut self.rest);
        let end = loop {
            if memchr(b'"', &text).is_some() || text.len() > MAX_LINE {
                self.stopped = true;
                return Ok(None);
            }
            if self.ended {
                break text.len();
            }
            if text.len() as u64 >= PIECE
                && let Some(end) = memrchr(b'\n', &text)
            {
                break end + 1;
            }
            let before = text.len();
            let read = self.source.by_ref().take(PIECE).read_to_end(&mut text);
            read.map_err(|error| self.source.read_error(error))?;
            self.ended = ((text.len() - before) as u64) < PIECE;
        };
        self.rest = text.split_off(end);
        if text.is_empty() {
            return Ok(None);
        }
        let beginning = Beginning { source: Arc::clone(&self.name), line: self.line };
        self.line += count_lines(&text);
        Ok(Some((text, beginning)))
    }
}

fn count_lines(text: &[u8]) -> u64 {
    memchr_iter(b'\n', text).count() as u64
}

/// Cuts each text with all threads; none in place of one that must be read record by record.
pub(super) fn cut_each(
    texts: Vec<Text>,
    dialect: &Dialect,
    readings: &[Reading],
    missing_as_text: bool,
) -> Vec<Option<Piece>> {
    let cut = |(text, beginning)| cut(text, beginning, dialect, readings, missing_as_text);
    texts.into_par_iter().map(cut).collect()
}

/// Cuts whole lines into cells; none where a line ends otherwise than by a line feed.
fn cut(
    text: Vec<u8>,
    beginning: Beginning,
    dialect: &Dialect,
    readings: &[Reading],
    missing_as_text: bool,
) -> Option<Piece> {
    let (form, width) = (dialect.form, dialect.names.len());
    let numbers = vec![0; width];
    let mut piece = Piece {
        text,
        beginning,
        values: Vec::new(),
        lines: Vec::new(),
        numbers,
        others: Vec::new(),
        short: 0,
        first_short: None,
        ragged: None,
    };
    piece.values.reserve(piece.text.len() / 8);
    let has_returns = memchr(b'\r', &piece.text).is_some();
    let plain = dialect.has_plain_decimals();
    let (mut next_line, mut lines) = (0, 0);
    while next_line < piece.text.len() {
        let (from, line) = (next_line, lines);
        let whole = &piece.text[from..];
        let whole = &whole[..memchr(b'\n', whole).unwrap_or(whole.len())];
        (next_line, lines) = (from + whole.len() + 1, line + 1);
        let row = if has_returns { whole.strip_suffix(b"\r").unwrap_or(whole) } else { whole };
        if has_returns && row.contains(&b'\r') {
            return None;
        }
        if row.is_empty() || row.first().copied() == form.comment || is_blank(row, form.separator, width) {
            continue;
        }
        let end = from + row.len();
        let mut next_cell = Some(from);
        let (mut cells, mut short) = (0, 0);
        loop {
            let (start, length, word) = match next_cell {
                Some(start) => {
                    let (length, word) = cell_at(&piece.text, start, end, form.separator);
                    next_cell = (start + length < end).then_some(start + length + 1);
                    (start, length, word)
                }
                None if cells < width && !dialect.strict => {
                    short += 1;
                    (end, 0, None)
                }
                None => break,
            };
            let column = cells;
            cells += 1;
            let Some(&reading) = readings.get(column) else { continue };
            let is_number = reading == Reading::Numbers;
            let decimal = word.filter(|_| is_number && plain).and_then(|word| parse_decimal(word, length));
            let value = decimal.or_else(|| {
                if is_number { dialect.number(piece.text[start..start + length].trim_ascii()) } else { None }
            });
            let value = match value {
                _ if reading == Reading::Nothing => f32::NAN,
                Some(number) if number.is_finite() => {
                    piece.numbers[column] += 1;
                    number
                }
                _ => {
                    let cell = &piece.text[start..start + length];
                    let blanks = length - cell.trim_ascii_start().len();
                    let cell = cell.trim_ascii();
                    if value.is_some() || !is_number || missing_as_text || !dialect.is_missing(cell) {
                        let (start, length) = ((start + blanks.min(length)) as u32, cell.len() as u32);
                        let (row, column) = (piece.lines.len() as u32, column as u32);
                        piece.others.push(OtherCell { row, column, start, end: start + length });
                    }
                    f32::NAN
                }
            };
            piece.values.push(value);
        }
        if cells != width {
            let row = piece.lines.len() as u32;
            piece.values.truncate(piece.lines.len() * width);
            piece.others.retain(|other| other.row < row);
            piece.ragged = Some((line, cells));
            break;
        }
        if short > 0 {
            piece.short += 1;
            piece.first_short.get_or_insert((line, width - short));
        }
        piece.lines.push(line);
    }
    Some(piece)
}

/// The length of the cell that begins at `start` in a row that ends at `end`; of a short one with the bytes from there on, for most are
/// numbers, which are read from these.
#[inline]
fn cell_at(text: &[u8], start: usize, end: usize, separator: u8) -> (usize, Option<u128>) {
    let bytes = text.get(start..start + WORD).and_then(|bytes| bytes.try_into().ok());
    if let Some(word) = bytes.map(u128::from_le_bytes) {
        let length = bytes_before(word, separator).min(end - start);
        if length < WORD {
            return (length, Some(word));
        }
    }
    let rest = &text[start..end];
    (memchr(separator, rest).unwrap_or(rest.len()), None)
}

impl Piece {
    /// The same piece with all cells left as they are written.
    pub(super) fn into_text(self, dialect: &Dialect) -> Option<Self> {
        cut(self.text, self.beginning, dialect, &vec![Reading::Text; self.numbers.len()], true)
    }

    /// The place of a row.
    pub(super) fn place(&self, row: usize) -> Place {
        self.place_of_line(self.lines[row])
    }

    /// Adds the rows with fewer cells than there are columns.
    pub(super) fn note_short(&self, short: &mut ShortRows) {
        if let Some((line, cells)) = self.first_short {
            short.add(self.short, || self.place_of_line(line), cells);
        }
    }

    /// The row of another length that ends the piece: its place, and its number of cells.
    pub(super) fn ragged(&self) -> Option<(Place, usize)> {
        let (line, cells) = self.ragged?;
        Some((self.place_of_line(line), cells))
    }

    fn place_of_line(&self, line: u32) -> Place {
        let Beginning { source, line: first } = &self.beginning;
        Place { source: source.to_string(), position: Position::Line(first + u64::from(line)) }
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> usize {
        self.lines.len()
    }
}
