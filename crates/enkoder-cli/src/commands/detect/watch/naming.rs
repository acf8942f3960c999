//! Lines of a stream that are no rows, and no torn ones either: other names of columns, and units below the names.

use enkoder_data::{CsvLines, parse_timestamp};

/// Rows of units, of kinds and the like below the names, at most.
pub const MOST_UNITS: usize = 5;

/// Whether the line read last is one of names, which it is if it has only words, and half of them are names of columns but for their case.
/// Of the first line of a stream that goes on words are enough.
pub fn is_header(lines: &CsvLines, first: bool) -> bool {
    let cells = cells(lines);
    let names: Vec<String> = lines.names().iter().map(|name| name.to_lowercase()).collect();
    let known = cells.iter().filter(|cell| names.contains(&cell.to_lowercase())).count();
    let all_words = cells.iter().all(|cell| is_word(cell));
    all_words && (known > 0 && 2 * known >= cells.len() || first && cells.len() > 1 && cells.len() == names.len())
}

/// The line read last as units of the columns, where it has only words, for half of them.
pub fn units(lines: &CsvLines) -> Option<String> {
    let cells = cells(lines);
    (2 * cells.len() >= lines.names().len() && cells.iter().all(|cell| is_word(cell))).then(|| cells.join(", "))
}

/// The cells that are not empty.
fn cells(lines: &CsvLines) -> Vec<String> {
    let cells = (0..lines.names().len()).map(|at| lines.cell(at).into_owned());
    cells.filter(|cell| !cell.is_empty()).collect()
}

/// Whether a cell is no number and no time.
fn is_word(cell: &str) -> bool {
    cell.replace(',', ".").parse::<f64>().is_err() && parse_timestamp(cell).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use enkoder_data::TableOptions;

    fn read(line: &str) -> CsvLines {
        let mut lines = CsvLines::new(b"time,volt,RH", &TableOptions::default()).unwrap();
        assert!(lines.read(line.as_bytes(), &mut Vec::new()).is_err(), "{line}");
        lines
    }

    #[test]
    fn names_are_told_from_rows_that_cannot_be_read() {
        for (line, anywhere, at_the_beginning) in [
            ("TIME,VOLT,rh", true, true),
            ("time,RH,hum", true, true),
            ("volt,rh", true, true),
            ("a,b,c", false, true),
            ("error", false, false),
            ("2024-01-01,x,y", false, false),
            ("1,volt,RH", false, false),
        ] {
            let lines = read(line);
            assert_eq!((is_header(&lines, false), is_header(&lines, true)), (anywhere, at_the_beginning), "{line}");
        }
    }

    #[test]
    fn units_have_no_number_and_no_time() {
        assert_eq!(units(&read(",V,%")).as_deref(), Some("V, %"));
        assert_eq!(["2024-01-01,V,%", ",1.5,%", "error"].map(|line| units(&read(line))), [None, None, None]);
    }
}
