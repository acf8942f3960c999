//! CSV without quotes, read by all threads: pieces of whole lines are cut into cells and numbers at once, and taken in their order.
//! What is no number is left to whoever takes the rows.

use std::io::Read;
use std::sync::Arc;

use rayon::prelude::*;

use super::dialect::Dialect;
use super::ragged::{ShortRows, is_blank};
use super::records::skip_lines;
use crate::table::MAX_LINE;
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

/// Where a piece begins: in this source, at this line.
#[derive(Clone, Debug)]
struct Beginning {
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
        let mut texts = Vec::new();
        while texts.len() < PIECES_PER_THREAD * rayon::current_num_threads() {
            match self.next_text()? {
                Some(text) => texts.push(text),
                None => break,
            }
        }
        let cut =
            texts.into_par_iter().map(|(text, beginning)| cut(text, beginning, dialect, readings, missing_as_text));
        let mut pieces = Vec::new();
        for piece in cut.collect::<Vec<_>>() {
            match piece {
                Some(piece) => pieces.push(piece),
                None => {
                    self.stopped = true;
                    break;
                }
            }
        }
        Ok(pieces)
    }

    /// Whole lines, and where they begin.
    fn next_text(&mut self) -> Result<Option<(Vec<u8>, Beginning)>, DataError> {
        if self.stopped {
            return Ok(None);
        }
        let mut text = std::mem::take(&mut self.rest);
        let end = loop {
            if text.contains(&b'"') || text.len() > MAX_LINE {
                self.stopped = true;
                return Ok(None);
            }
            if self.ended {
                break text.len();
            }
            if text.len() as u64 >= PIECE
                && let Some(end) = text.iter().rposition(|&byte| byte == b'\n')
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
    text.iter().filter(|&&byte| byte == b'\n').count() as u64
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
    let mut start = 0;
    for (number, whole) in piece.text.split(|&byte| byte == b'\n').enumerate() {
        let row = whole.strip_suffix(b"\r").unwrap_or(whole);
        if row.contains(&b'\r') {
            return None;
        }
        let cells_from = start;
        start += whole.len() + 1;
        if row.is_empty() || row.first().copied() == form.comment || is_blank(row, form.separator, width) {
            continue;
        }
        let mut cell_start = cells_from;
        let mut cells = 0;
        let mut short = 0;
        let mut there = row.split(|&byte| byte == form.separator);
        loop {
            let cell = match there.next() {
                Some(cell) => cell,
                None if cells < width && !dialect.strict => {
                    short += 1;
                    &row[row.len()..]
                }
                None => break,
            };
            let blanks = cell.len() - cell.trim_ascii_start().len();
            let (from, next) = (cell_start + blanks, cell_start + cell.len() + 1);
            cell_start = next;
            let column = cells;
            cells += 1;
            let Some(&reading) = readings.get(column) else { continue };
            let from = from.min(cells_from + row.len());
            let cell = cell.trim_ascii();
            let is_number = reading == Reading::Numbers;
            let value = match if is_number { dialect.number(cell) } else { None } {
                _ if reading == Reading::Nothing => f32::NAN,
                Some(number) if number.is_finite() => {
                    piece.numbers[column] += 1;
                    number
                }
                None if is_number && !missing_as_text && dialect.is_missing(cell) => f32::NAN,
                _ => {
                    let end = from + cell.len();
                    let (row, column) = (piece.lines.len() as u32, column as u32);
                    piece.others.push(OtherCell { row, column, start: from as u32, end: end as u32 });
                    f32::NAN
                }
            };
            piece.values.push(value);
        }
        if cells != width {
            let row = piece.lines.len() as u32;
            piece.values.truncate(piece.lines.len() * width);
            piece.others.retain(|other| other.row < row);
            piece.ragged = Some((number as u32, cells));
            break;
        }
        if short > 0 {
            piece.short += 1;
            piece.first_short.get_or_insert((number as u32, width - short));
        }
        piece.lines.push(number as u32);
    }
    Some(piece)
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
