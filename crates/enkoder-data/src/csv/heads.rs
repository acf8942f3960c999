//! The rows above the first with values: one of names, and above or below it others of words, such as the station, units and kinds that loggers
//! write.

use std::collections::HashSet;

use ::csv::ByteRecord;

use super::dialect::Dialect;
use crate::table::parse_number;
use crate::timestamp::is_moment;

/// Rows of words above the first with values, beside the names, at most.
const MOST_UNITS: usize = 5;

/// Cells by which a column of clocks is told.
const CELLS_OF_CLOCK: usize = 3;

/// Names that Campbell Scientific's tables begin with, in a line of the station whose cells are no columns.
const STATION_LINES: [&str; 2] = ["TOA5", "TOACI1"];

/// Which rows stand above the first with values.
pub(super) struct Heads {
    /// Rows of titles of several columns, above the names.
    pub groups: usize,
    /// Whether there is a row of names.
    pub names: bool,
    /// Rows of units and the like, below the names.
    pub units: usize,
}

impl Heads {
    /// Looks at the first rows. `header` says whether the first holds names, where that is known; it stands elsewhere with `apart`.
    pub fn find(records: &[ByteRecord], dialect: &Dialect, header: Option<bool>, apart: bool) -> Self {
        let names = !apart && header.unwrap_or_else(|| dialect.is_header(records));
        if !names && !apart {
            return Self { groups: 0, names, units: 0 };
        }
        let below = &records[usize::from(names)..];
        let is_block = |rows: usize| below[..rows].iter().all(|row| dialect.is_units(row, &below[rows..]));
        let most = MOST_UNITS.min(below.len().saturating_sub(2));
        let units = (1..=most).rev().find(|&rows| is_block(rows)).unwrap_or(0);
        let groups =
            usize::from(names && header.is_none() && units > 0 && !are_names(&records[0]) && are_names(&below[0]));
        Self { groups, names, units: units - groups }
    }
}

/// What the line of a station at the start of a table calls its format; the names stand below it.
pub(super) fn station_line(text: &[u8]) -> Option<&'static str> {
    let text = text.strip_prefix(b"\"").unwrap_or(text);
    STATION_LINES.into_iter().find(|name| {
        text.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b",") || rest.starts_with(b"\","))
    })
}

/// Campbell Scientific's formats whose rows are bytes.
pub(super) fn binary_station_line(text: &[u8]) -> Option<&'static str> {
    ["TOB1", "TOB2", "TOB3"]
        .into_iter()
        .find(|name| text.strip_prefix(b"\"").unwrap_or(text).starts_with(name.as_bytes()))
}

/// Whether all cells could be names of columns: no two are the same, and none but the first is empty.
fn are_names(row: &ByteRecord) -> bool {
    let cells: HashSet<&[u8]> = row.iter().map(<[u8]>::trim_ascii).collect();
    cells.len() == row.len() && row.iter().skip(1).all(|cell| !cell.trim_ascii().is_empty())
}

impl Dialect {
    /// Whether the first row looks like names: a word above numbers, times, or TRUE and FALSE; nothing above names of rows, as R writes it;
    /// numbers that are names themselves; or words that differ from each other and from all below them.
    fn is_header(&self, records: &[ByteRecord]) -> bool {
        let Some((first, rest)) = records.split_first() else { return false };
        if self.is_above_row_names(first, rest) || are_numbered_names(first, rest) {
            return true;
        }
        let mut number_above_numbers = false;
        let mut repeated = false;
        for (column, name) in first.iter().enumerate() {
            let name = name.trim_ascii();
            let is_word = self.is_word(name);
            let numeric = self.is_numeric(self.below(rest, column));
            let is_flag =
                || !is_truth(name) && self.below(rest, column).count() > 1 && self.below(rest, column).all(is_truth);
            let is_clock = || {
                let mut first = self.below(rest, column).take(CELLS_OF_CLOCK).peekable();
                first.peek().is_some() && first.all(is_time)
            };
            if is_word && (numeric || is_flag() || !is_time(name) && is_clock()) {
                return true;
            }
            number_above_numbers |= numeric && self.number(name).is_some();
            repeated |= !name.is_empty() && self.below(rest, column).any(|cell| cell == name);
        }
        let words = first.iter().filter(|cell| self.is_word(cell.trim_ascii())).count();
        let different = first.iter().collect::<HashSet<_>>().len() == first.len();
        let empty = first.iter().filter(|cell| cell.trim_ascii().is_empty()).count();
        let all = if rest.is_empty() { words } else { words + empty };
        !number_above_numbers && !repeated && different && words > 0 && all == first.len()
    }

    /// Whether a cell is neither a number nor missing.
    pub(super) fn is_word(&self, cell: &[u8]) -> bool {
        self.number(cell).is_none() && !self.is_missing(cell)
    }

    /// Whether these are numbers: a few words among many, as of slips, and some before them, as of units, do not hide that.
    fn is_numeric<'c>(&self, cells: impl Iterator<Item = &'c [u8]>) -> bool {
        let (mut all, mut numeric, mut before) = (0, 0, 0);
        for cell in cells {
            if self.number(cell).is_some() {
                numeric += 1;
            } else if numeric == 0 && before < MOST_UNITS {
                before += 1;
                continue;
            }
            all += 1;
        }
        let enough = if before > 1 { 2 } else { 1 };
        numeric >= enough && (numeric == all || all > 2 && numeric + 1 + all / 20 >= all)
    }

    /// Whether nothing stands above names, or numbers, of rows, and names above all else.
    fn is_above_row_names(&self, first: &ByteRecord, rest: &[ByteRecord]) -> bool {
        let is_corner = first.len() > 1 && first[0].trim_ascii().is_empty() && are_names(first);
        let names: Vec<&[u8]> = self.below(rest, 0).collect();
        is_corner
            && rest.len() > 1
            && names.len() == rest.len()
            && names.iter().collect::<HashSet<_>>().len() == names.len()
    }

    /// Whether a row, above these, holds units or the like: words, or nothing, in every column, above numbers in at least one, where a row of
    /// values would have numbers.
    fn is_units(&self, row: &ByteRecord, rest: &[ByteRecord]) -> bool {
        let mut above_numbers = false;
        for (column, cell) in row.iter().enumerate() {
            let cell = cell.trim_ascii();
            if self.number(cell).is_some() || is_time(cell) {
                return false;
            }
            let mut below = self.below(rest, column).peekable();
            above_numbers |=
                !self.is_missing(cell) && below.peek().is_some() && below.all(|cell| self.number(cell).is_some());
        }
        above_numbers
    }

    /// The cells of a column that are not missing.
    fn below<'r>(&'r self, rows: &'r [ByteRecord], column: usize) -> impl Iterator<Item = &'r [u8]> {
        let cells = rows.iter().filter_map(move |record| record.get(column)).map(<[u8]>::trim_ascii);
        cells.filter(|cell| !self.is_missing(cell))
    }
}

/// Whether the numbers of a first row are names, as years, depths and frequencies are: they grow, or fall, as those of rows below do not.
pub(super) fn are_numbered_names(first: &ByteRecord, rest: &[ByteRecord]) -> bool {
    let has_word = first.iter().any(|cell| !cell.trim_ascii().is_empty() && number(cell).is_none());
    let places: Vec<usize> = (0..first.len()).filter(|&at| number(&first[at]).is_some()).collect();
    let repeated = || {
        let words = (0..first.len()).filter(|at| !first[*at].trim_ascii().is_empty() && !places.contains(at));
        words.into_iter().any(|at| rest.iter().any(|row| row.get(at) == Some(&first[at])))
    };
    if places.len() < 2 || rest.len() < 2 || places.iter().any(|&at| !is_whole(&first[at])) {
        return false;
    }
    let steps = |row: &ByteRecord| -> Option<Vec<f32>> {
        let numbers: Option<Vec<f32>> = places.iter().map(|&at| number(row.get(at)?)).collect();
        numbers.map(|numbers| numbers.windows(2).map(|two| two[1] - two[0]).collect())
    };
    let is_steady = |row: &ByteRecord| {
        steps(row).is_some_and(|steps| steps[0] != 0.0 && steps.iter().all(|&step| step == steps[0]))
    };
    let are_years = |row: &ByteRecord| {
        let is_year = |at: &usize| row.get(*at).and_then(number).is_some_and(|year| (1500.0..=2200.0).contains(&year));
        places.iter().all(is_year)
    };
    let grows =
        steps(first).is_some_and(|steps| steps.iter().all(|&step| step > 0.0) || steps.iter().all(|&step| step < 0.0));
    let seldom = |holds: &dyn Fn(&ByteRecord) -> bool| 10 * rest.iter().filter(|row| holds(row)).count() <= rest.len();
    let fractions = |at: &usize| {
        let mut cells = rest.iter().filter_map(|row| row.get(*at));
        cells.any(|cell| number(cell).is_some() && !is_whole(cell))
    };
    let differ = || places.iter().all(fractions);
    let known = match (has_word, places.len()) {
        (true, many) => {
            are_years(first) && seldom(&are_years)
                || many >= 3 && differ()
                || many >= 4 && is_steady(first) && seldom(&is_steady)
        }
        // Columns that were only numbered, or years.
        (false, many) => {
            let counts = is_steady(first) && matches!(number(&first[places[0]]), Some(0.0 | 1.0)) && many >= 5;
            (counts || many >= 3 && are_years(first))
                && seldom(&|row: &ByteRecord| is_steady(row) || are_years(row))
                && differ()
        }
    };
    grows && known && !repeated()
}

fn number(cell: &[u8]) -> Option<f32> {
    parse_number(cell.trim_ascii())
}

fn is_whole(cell: &[u8]) -> bool {
    cell.trim_ascii().iter().all(u8::is_ascii_digit)
}

pub(super) fn is_time(cell: &[u8]) -> bool {
    cell.iter().any(u8::is_ascii_digit) && std::str::from_utf8(cell).is_ok_and(is_moment)
}

fn is_truth(cell: &[u8]) -> bool {
    cell.eq_ignore_ascii_case(b"true") || cell.eq_ignore_ascii_case(b"false")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::TableOptions;
    use crate::{ByteSource, DataError};

    fn found(text: &str) -> (usize, usize, Vec<String>) {
        let dialect = find(text).unwrap();
        (dialect.form.skipped, dialect.heads, dialect.names)
    }

    fn find(text: &str) -> Result<Dialect, DataError> {
        Dialect::find(ByteSource::from_bytes("t", text.as_bytes())?, &TableOptions::default())
    }

    fn heads(text: &str) -> usize {
        found(text).1
    }

    #[test]
    fn the_station_units_and_kinds_of_loggers_stand_around_the_names() {
        let rows = "\"2024-01-01 00:00:00\",0,12.84,15.06\n\"2024-01-01 00:10:00\",1,12.82,\"NAN\"\n";
        let below = "\"TIMESTAMP\",\"RECORD\",\"Batt\",\"AirTC\"\n\"TS\",\"RN\",\"Volts\",\"Deg C\"\n\"\",\"\",\"Min\",\"Avg\"\n";
        for station in [
            "\"TOA5\",\"CR1000\",\"CR1000\",\"12345\",\"CR1000.Std.32\",\"CPU:a.CR1\",\"5345\",\"Ten\"\n",
            "TOA5,a,7,9\n",
        ] {
            let (skipped, heads, names) = found(&format!("{station}{below}{rows}"));
            assert_eq!((skipped, heads, names.join(" ")), (1, 3, "TIMESTAMP RECORD Batt AirTC".to_owned()));
        }
        let (_, heads, names) = found(
            "\"TOACI1\",\"CR1000\",\"Ten\"\n\"TMSTAMP\",\"RECNBR\",\"T\"\n\"2024-01-01 00:00:00\",0,1.5\n\"2024-01-01 00:10:00\",1,1.6\n",
        );
        assert_eq!((heads, &names[2][..]), (1, "T"));
        let Err(refused) = find("\"TOB1\",\"CR1000\"\n\"A\"\n") else { panic!("TOB1 is no text") };
        assert!(refused.to_string().contains("TOB1"));
    }

    #[test]
    fn titles_of_several_columns_may_stand_above_the_names() {
        let (_, heads, names) = found(
            "info,,,fluxes,\nfile,date,DOY,H,LE\n,[d],[ddd],[W],[W]\na.ghg,2024-01-01,1.5,20.5,3\nb.ghg,2024-01-02,2.5,21.5,4\n",
        );
        assert_eq!((heads, names.join(" ")), (3, "file date DOY H LE".to_owned()));
        // Values that are words, and times, are no units.
        assert_eq!(heads_of_words(), 1);
    }

    fn heads_of_words() -> usize {
        heads("time,a,b\n2024-01-01,ERR,ERR\n2024-01-02,1,2\n2024-01-03,3,4\n")
    }

    #[test]
    fn numbers_can_be_names() {
        let years = "place,kind,2001,2002,2003\nA,t,9.46,8.58,8.54\nB,h,9.38,11.5,8.3\nC,t,12.3,10.5,9.5\n";
        assert_eq!(found(years).2[2..], ["2001", "2002", "2003"]);
        let depths = "place,0,5,10,50\nA,1.5,2.5,3.5,4.5\nB,2.5,2.6,2.7,2.8\nC,1.1,2.1,3.1,3.2\n";
        assert_eq!(heads(depths), 1);
        let clock = "time,10,20\n2024-01-01 00:00,1,2\n2024-01-01 00:01,2,4\n";
        assert_eq!(heads(clock), 1);
        let counted = "0,1,2,3,4\n1.5,2.5,0.5,1.2,3\n2.5,1.5,3.5,2.2,3.5\n0.5,0.7,3.5,2.2,3.1\n";
        assert_eq!(heads(counted), 1);
        for values in [
            "A,1,2,3\nB,4,5,6\nC,7,8,9\n",
            "A,2001,2002\nB,2003,2004\nC,2005,2006\n",
            "A,1,2,3,4\nB,2,3,4,5\nC,3,4,5,6\n",
            "1,2,3\n1.5,2.5,3.5\n2.5,2.6,2.7\n",
            "A,1,5,3\nB,1.5,2.5,3.5\nA,2.5,2.6,2.7\n",
        ] {
            assert_eq!(heads(values), 0, "{values}");
        }
    }

    #[test]
    fn names_stand_above_names_of_rows_and_truths() {
        assert_eq!(heads("\"\",\"x\",\"y\"\n\"1\",FALSE,TRUE\n\"2\",TRUE,TRUE\n"), 1);
        assert_eq!(heads("\"\",\"16.5\",\"17\"\n\"71\",0,3\n\"70\",4,2\n\"69\",4,2\n"), 1);
        assert_eq!(heads("class,age\n1st,old\n2nd,old\n"), 1);
        assert_eq!(heads("ok\nTRUE\nFALSE\n"), 1);
        // The first is only missing here.
        assert_eq!(heads(",2,3\n1,4,5\n1,6,7\n"), 0);
    }

    #[test]
    fn years_of_the_world_bank_stand_below_a_preface() {
        let row = |name: &str, from: f64| format!("\"{name}\",\"X\",\"{}\",\"\",\"{}\",\n", from, from + 0.25);
        let text = format!(
            "\"Data Source\",\"World Development Indicators\",\n\n\"Last Updated Date\",\"2024-06-28\",\n\n\"Country\",\"Code\",\"1960\",\"1961\",\"1962\",\n{}{}{}",
            row("Aruba", 4.5),
            row("Chad", 6.5),
            row("Peru", 3.5)
        );
        let (skipped, heads, names) = found(&text);
        assert_eq!((skipped, heads, &names[2][..]), (4, 1, "1960"));
    }
}
