//! CSV: what files in use look like, round trips, and files that lie.

use std::fs;
use std::io::Write;
use std::path::Path;

use enkoder::{Cell, Column, Schema};
use enkoder_data::{
    BadCells, CellKind, DataError, MissingPolicy, Table, TableOptions, TextOptions, parse_csv, read_csv,
};
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use Cell::{Missing, Number, Word};

fn parse(text: impl AsRef<[u8]>) -> Result<Table, DataError> {
    parse_csv("t.csv", text.as_ref(), &TableOptions::default())
}

fn parse_with(text: &str, options: TextOptions) -> Result<Table, DataError> {
    parse_csv("t.csv", text.as_bytes(), &TableOptions { text: options, ..Default::default() })
}

fn message(text: impl AsRef<[u8]>) -> String {
    parse(text).unwrap_err().to_string()
}

fn row(table: &Table, row: usize) -> Vec<Cell<'_>> {
    (0..table.columns().len()).map(|column| table.cell(row, column).unwrap()).collect()
}

fn names(table: &Table) -> Vec<&str> {
    table.columns().iter().map(|column| column.name()).collect()
}

#[test]
fn names_numbers_words_and_missing_values_are_told_apart() {
    let text = "age,city,member\n34,\"Rome, IT\",true\nNA,Oslo,false\n5.5,,true\n";
    for text in [text.to_owned(), text.replace('\n', "\r\n"), format!("\u{feff}{text}"), text.trim_end().to_owned()] {
        let table = parse(&text).unwrap();
        assert_eq!(names(&table), ["age", "city", "member"]);
        assert_eq!(row(&table, 0), [Number(34.0), Word("Rome, IT"), Word("true")]);
        assert_eq!(row(&table, 1), [Missing, Word("Oslo"), Word("false")]);
        assert_eq!(row(&table, 2), [Number(5.5), Missing, Word("true")]);
    }
}

#[test]
fn a_row_with_too_few_cells_misses_the_last_ones_unless_that_is_an_error() {
    let text = "a,b,w\n1,2,x\n3\n4,5\n \n6,7,y\n";
    for text in [text.to_owned(), text.replace('x', "\"x\""), text.replace('\n', "\r\n"), text.replace('\n', "\r")] {
        let table = parse(&text).unwrap();
        assert_eq!(table.len(), 4, "{text:?}");
        assert_eq!(row(&table, 1), [Number(3.0), Missing, Missing]);
        assert_eq!(row(&table, 2), [Number(4.0), Number(5.0), Missing]);
        assert_eq!(row(&table, 3), [Number(6.0), Number(7.0), Word("y")]);
        let strict = parse_with(&text, TextOptions { strict: true, ..Default::default() }).unwrap_err().to_string();
        assert!(strict.contains("line 3: the row has 1 cell, but the first row has 3"), "{strict}");
        let missing = TableOptions { missing: MissingPolicy::Error, ..Default::default() };
        let missing = parse_csv("t.csv", text.as_bytes(), &missing).unwrap().into_dataset(&missing).unwrap_err();
        assert!(missing.to_string().contains("line 3"), "{missing}");
    }
    assert!(message("a,b\n1,2\n1,2,3\n").contains("line 3: the row has 3 cells"));
    let most = message("Results, of 2024\n\n1\n2\n3\n");
    assert!(most.contains("line 3: 3 of 3 rows have fewer cells than the first row, which has 2"), "{most}");
}

#[test]
fn below_names_most_rows_may_be_short_but_not_all() {
    assert_eq!(parse("a,b,c\n1,2\n3,4\n5,6\n7,8,9\n").unwrap().len(), 4);
    assert!(message("a,b,c\n1,2\n3,4\n5,6\n").contains("3 of 3 rows have fewer cells"));
    assert!(message("1,2,3\n1,2\n1,2\n1,2\n").contains("3 of 4 rows have fewer cells"));
}

#[test]
fn a_word_for_missing_values_that_is_a_number_is_compared_as_one() {
    let options = TextOptions { missing_words: vec!["-999".into()], ..Default::default() };
    let table = parse_with("a,b\n-999.0,1\n2,-9.99e2\n-999,-99\n", options).unwrap();
    assert_eq!(row(&table, 0), [Missing, Number(1.0)]);
    assert_eq!(row(&table, 1), [Number(2.0), Missing]);
    assert_eq!(row(&table, 2), [Missing, Number(-99.0)]);
}

#[test]
fn lines_of_old_macs_may_have_a_preamble_and_short_rows() {
    let text = "Logger X7\rSerial 12\r\rtime,t\r1,20.5\r2\r3,20.7\r";
    let table = parse(text).unwrap();
    assert_eq!((names(&table), table.len()), (vec!["time", "t"], 3));
    let skipped = parse_with(text, TextOptions { skip_lines: 3, ..Default::default() }).unwrap();
    assert_eq!(row(&skipped, 1), [Number(2.0), Missing]);
}

#[test]
fn every_word_for_a_missing_value_is_missing() {
    for word in [
        "", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "?", "-", "\"\"", " NA ", "NAN", "#N/A", "--",
        ".", "#DIV/0!",
    ] {
        let table = parse(format!("x,y\n1,1\n{word},2\n")).unwrap();
        assert_eq!(row(&table, 1), [Missing, Number(2.0)], "{word:?}");
    }
}

#[test]
fn commas_may_stand_before_fractions_between_semicolons() {
    let table = parse("a;b\n1,5;x\n-2,25;y\n3.5;x\n").unwrap();
    assert_eq!(row(&table, 1), [Number(-2.25), Word("y")]);
    assert_eq!(row(&table, 2), [Number(3.5), Word("x")]);
}

#[test]
fn a_table_without_names_gets_numbered_ones() {
    assert_eq!(names(&parse("1,2\n3,4\n").unwrap()), ["column1", "column2"]);
    let options = TableOptions { header: Some(false), ..Default::default() };
    assert_eq!(parse_csv("t", b"a,b\n1,2\n", &options).unwrap().len(), 2);
    let options = TableOptions { header: Some(true), ..Default::default() };
    assert_eq!(names(&parse_csv("t", b"1,2\n3,4\n", &options).unwrap()), ["1", "2"]);
}

#[test]
fn a_separator_that_is_given_is_taken() {
    let options = TableOptions { separator: Some(b':'), ..Default::default() };
    let table = parse_csv("t", b"a:b\n1:2\n", &options).unwrap();
    assert_eq!((names(&table), row(&table, 0)), (vec!["a", "b"], vec![Number(1.0), Number(2.0)]));
}

#[test]
fn a_column_of_numbers_that_meets_a_word_late_holds_words_as_they_were_written() {
    let mut text = "code,x\n".to_owned();
    for index in 0..10_000 {
        text += &format!("{:03},{}\n", index % 200, index);
    }
    text += "A1,5\n";
    let words = TextOptions { bad_cells: BadCells::Words, ..Default::default() };
    let table = parse_with(&text, words).unwrap();
    assert_eq!(row(&table, 7), [Word("007"), Number(7.0)]);
    assert_eq!(row(&table, 10_000), [Word("A1"), Number(5.0)]);
    let CellKind::Words { words, more, .. } = table.columns()[0].kind() else { panic!("words") };
    assert_eq!((words.len(), *more), (201, false));
}

#[test]
fn a_column_of_too_many_words_is_text() {
    let text: String = (0..1500).map(|n| format!("word{n},{n}\n")).collect();
    let table = parse(format!("a,b\n{text}")).unwrap();
    assert_eq!((table.cell(999, 0), table.cell(1000, 0)), (Some(Word("word999")), None));
    let data = table.into_dataset(&TableOptions::default()).unwrap();
    assert_eq!(data.schema().unwrap().feature_names(), ["b"]);
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    assert_eq!(message("a,b\n1,2\n\n1,2,3\n"), "t.csv, line 4: the row has 3 cells, but the first row has 2");
    assert_eq!(message("a,b\n1,2\n1,2,3\n"), "t.csv, line 3: the row has 3 cells, but the first row has 2");
    assert_eq!(message("a,b\r\n1,2\r\n\r\n1,2,3\r\n"), "t.csv, line 4: the row has 3 cells, but the first row has 2");
    assert_eq!(message("a,b\n\"1\n2\",2\n\n\n1,2,3"), "t.csv, line 6: the row has 3 cells, but the first row has 2");
    assert_eq!(message(b"a,b\n1,x\n2,\xff\n"), "t.csv, line 3: column \"b\" is not text in UTF-8");
    assert_eq!(message(b"a\xff,b\n1,x\n"), "t.csv, line 1: the names of the columns are not text in UTF-8");
    assert_eq!(message(b"\xff\xfea\0,\0b\0"), "t.csv: the text is UTF-16");
    assert_eq!(message(b"a,b\n1,\0\n"), "t.csv, byte 6: a zero byte stands here, so this is no text");
}

#[test]
fn a_model_s_columns_are_read_as_the_model_knows_them() {
    let zip = Column::categorical("zip", ["01", "1"].map(String::from).to_vec());
    let options = TableOptions { schema: Some(Schema::new(vec![zip, Column::numeric("x")])), ..Default::default() };
    let data = parse_csv("t", b"x,zip\n2,1\n3,01\n", &options).unwrap().into_dataset(&options).unwrap();
    assert_eq!(data.row_u8(0).unwrap(), [0, 1, 2]);
    assert_eq!(data.row_u8(1).unwrap(), [1, 0, 3]);
    let error = parse_csv("t", b"x,zip\n2,1\nred,01\n", &options).unwrap_err();
    assert_eq!(error.to_string(), "t, line 3: column \"x\" holds \"red\", but the model was trained on numbers there");
}

#[test]
fn a_word_that_is_like_a_name_given_to_columns_is_no_name() {
    let text = b",column2";
    let train = parse_csv("t", text, &TableOptions::default()).unwrap().into_dataset(&TableOptions::default()).unwrap();
    let options = TableOptions { schema: train.schema().cloned(), ..Default::default() };
    let again = parse_csv("t", text, &options).unwrap().into_dataset(&options).unwrap();
    assert_eq!(again.fingerprint(), train.fingerprint());
}

#[test]
fn an_empty_file_and_one_of_names_only_hold_no_sample() {
    for text in ["", "\n\n\n", "\u{feff}"] {
        assert!(matches!(parse(text), Err(DataError::Empty { .. })), "{text:?}");
    }
    let table = parse("a,b\n").unwrap();
    assert!(matches!(table.into_dataset(&TableOptions::default()), Err(DataError::Empty { .. })));
}

#[test]
fn a_single_row_is_a_sample() {
    let data = parse("1,2.5\n").unwrap().into_dataset(&TableOptions::default()).unwrap();
    assert_eq!((data.len(), data.row_f32(0)), (1, Some(&[1.0, 2.5][..])));
}

#[test]
fn no_truncation_is_a_panic() {
    let text = "name;x\n\"a;\"\"b\"\"\";1,5\n\u{e9};NA\nc;-2\n";
    for length in 0..text.len() {
        let _ = parse(&text.as_bytes()[..length]);
    }
}

#[test]
fn a_quote_that_is_not_closed_cannot_draw_the_file_into_memory() {
    let text = format!("a,b\n1,2\n\"{}", "1,2\n".repeat(5 << 20));
    assert!(matches!(parse(text), Err(DataError::TooLarge { limit: 16_777_216, .. })));
}

#[test]
fn a_hundred_thousand_columns_are_read() {
    let line = |cell: &dyn Fn(usize) -> String| (0..100_000).map(cell).collect::<Vec<_>>().join(",");
    let text = format!("{}\n{}\n", line(&|n| format!("c{n}")), line(&|n| n.to_string()));
    let data = parse(text).unwrap().into_dataset(&TableOptions::default()).unwrap();
    assert_eq!((data.len(), data.features(), data.row_f32(0).unwrap()[99_999]), (1, 100_000, 99_999.0));
}

#[test]
fn packed_files_are_read_and_every_truncation_of_one_is_an_error() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"a,b\n1,2\n3,4\n").unwrap();
    let packed = encoder.finish().unwrap();
    assert_eq!(parse(&packed).unwrap().len(), 2);
    for length in 0..packed.len() {
        // Two bytes of the mark of a packed file are needed to know that it is one.
        assert!(length == 1 || parse(&packed[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn a_table_is_named_after_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv.gz");
    fs::write(&path, "a,b\n1,2\n").unwrap();
    assert_eq!(read_csv(&path, &TableOptions::default()).unwrap().name(), "people");
    let error = read_csv(&folder.path().join("none.csv"), &TableOptions::default()).unwrap_err();
    assert!(matches!(error, DataError::Io { action: "open", .. }));
}

fn cell() -> impl Strategy<Value = Option<f32>> {
    prop::option::of(any::<f32>().prop_filter("finite", |x| x.is_finite()))
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        rows in prop::collection::vec((cell(), prop::option::of("[a-zA-Z,;|\t\"\n\u{e9} ]{0,10}x"), cell()), 1..40),
        separator in prop::sample::select(vec![b',', b';', b'\t', b'|']),
        crlf: bool,
    ) {
        let mut writer = csv::WriterBuilder::new();
        writer.delimiter(separator);
        if crlf {
            writer.terminator(csv::Terminator::CRLF);
        }
        let mut writer = writer.from_writer(Vec::new());
        writer.write_record(["first number", "word", "x"]).unwrap();
        for (a, word, b) in &rows {
            let number = |number: &Option<f32>| number.map_or(String::new(), |number| number.to_string());
            writer.write_record([number(a), word.clone().unwrap_or("NA".into()), number(b)]).unwrap();
        }
        let options = TableOptions { header: Some(true), ..Default::default() };
        let table = parse_csv("t", &writer.into_inner().unwrap(), &options).unwrap();
        prop_assert_eq!(names(&table), ["first number", "word", "x"]);
        prop_assert_eq!(table.len(), rows.len());
        for (index, (a, word, b)) in rows.iter().enumerate() {
            let word = word.as_deref().map_or(Missing, |word| Word(word.trim_ascii()));
            prop_assert_eq!(row(&table, index), [a.map_or(Missing, Number), word, b.map_or(Missing, Number)]);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(table) = parse(&bytes) {
            let _ = table.into_dataset(&TableOptions::default());
        }
    }

    #[test]
    fn no_text_of_few_letters_makes_it_panic(text in "[01a,;\"\n\r.-]{0,60}") {
        if let Ok(table) = parse(&text) {
            let _ = table.into_dataset(&TableOptions { label: Some("#1".into()), ..Default::default() });
        }
    }
}

#[test]
fn published_tables_are_read() {
    let Some(folder) = std::env::var_os("ENKODER_TEST_DATA") else {
        return println!("skipped: ENKODER_TEST_DATA is not set");
    };
    let path = Path::new(&folder).join("adbench/published_aucroc.csv");
    let lines = fs::read_to_string(&path).unwrap().lines().count();
    let table = read_csv(&path, &TableOptions::default()).unwrap();
    assert_eq!((table.name(), table.len()), ("published_aucroc", lines - 1));
    let numbers = table.columns().iter().filter(|column| matches!(column.kind(), CellKind::Numbers)).count();
    assert_eq!(numbers, table.columns().len() - 1);
}

#[test]
fn comments_before_the_table_are_passed_over_and_can_hold_the_names() {
    let table = parse("# logger 1.2\n# started 2024\na,b\n1,2\n3,4\n").unwrap();
    assert_eq!((names(&table), table.len()), (vec!["a", "b"], 2));
    let table = parse("# logger\n# time b\n1 2\n3 4\n").unwrap();
    assert_eq!((names(&table), row(&table, 0)), (vec!["time", "b"], vec![Number(1.0), Number(2.0)]));
    assert_eq!(message("# one\na,b\n1,2\n1,2,3\n"), "t.csv, line 4: the row has 3 cells, but the first row has 2");
    let table = parse_with("a,b\n1,2\n;3,4\n5,6\n", TextOptions { comment: Some(b';'), ..Default::default() });
    assert_eq!(table.unwrap().len(), 2);
    let skipped = TextOptions { skip_lines: 2, ..Default::default() };
    let table = parse_with("Station 7\n\na;b\n1,5;2\n", skipped.clone()).unwrap();
    assert_eq!((names(&table), row(&table, 0)), (vec!["a", "b"], vec![Number(1.5), Number(2.0)]));
    let error = parse_with("Station 7\n\na;b\n1;2\n1;2;3\n", skipped).unwrap_err().to_string();
    assert_eq!(error, "t.csv, line 5: the row has 3 cells, but the first row has 2");
}

#[test]
fn numbers_of_spreadsheets_are_numbers() {
    let table = parse("a,b\n\"-35,460.7\",1\n\"1,234\",2\n12,3\n").unwrap();
    assert_eq!(
        (row(&table, 0)[0], row(&table, 1)[0], row(&table, 2)[0]),
        (Number(-35460.7), Number(1234.0), Number(12.0))
    );
    let table = parse("a,b\n\"1,5\",1\n\"-2,25\",2\n").unwrap();
    assert_eq!(row(&table, 1)[0], Number(-2.25));
    let table = parse("a;b\n1.234,5;5 %\n2,25;7,5%\n").unwrap();
    assert_eq!((row(&table, 0), row(&table, 1)), (vec![Number(1234.5), Number(5.0)], vec![Number(2.25), Number(7.5)]));
}

#[test]
fn a_row_of_units_is_no_row_of_values() {
    let table = parse("time,t,p\n,degC,hPa\n0,1.5,1000\n1,2.5,1001\n2,3.5,1002\n").unwrap();
    assert_eq!((table.len(), row(&table, 0)), (3, vec![Number(0.0), Number(1.5), Number(1000.0)]));
}

#[test]
fn blanks_can_stand_between_numbers() {
    let table = parse("  a    b   c\n  1  2.5   -3\n 10   20  NaN\n").unwrap();
    assert_eq!(names(&table), ["a", "b", "c"]);
    assert_eq!(row(&table, 1), [Number(10.0), Number(20.0), Missing]);
    // Text is none of that.
    assert_eq!(names(&parse("two words\nand two\nmore here\n").unwrap()).len(), 1);
}

#[test]
fn cells_that_are_no_numbers_in_a_column_of_numbers_are_named_and_asked_about() {
    let mut text = "x,y\n".to_owned();
    for index in 0..100 {
        text += &format!("{index}.5,{}\n", if index % 40 == 7 { "ERR".to_owned() } else { index.to_string() });
    }
    let error = parse(&text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "t.csv: column \"y\" holds numbers, but 3 of its 100 cells are none: \"ERR\" in line 9, \"ERR\" in line 49, \"ERR\" in line 89"
    );
    assert!(error.hint().unwrap().contains("`TextOptions::bad_cells`"));
    let missing = TextOptions { bad_cells: BadCells::Missing, ..Default::default() };
    let table = parse_with(&text, missing).unwrap();
    assert_eq!((row(&table, 7)[1], row(&table, 8)[1], table.columns()[1].missing()), (Missing, Number(8.0), 3));
    let named = TextOptions { missing_words: vec!["ERR".into(), "3".into()], ..Default::default() };
    let table = parse_with(&text, named).unwrap();
    assert_eq!((row(&table, 7)[1], row(&table, 3)[1], row(&table, 8)[1]), (Missing, Missing, Number(8.0)));
    let words = TextOptions { bad_cells: BadCells::Words, ..Default::default() };
    assert_eq!(row(&parse_with(&text, words).unwrap(), 8)[1], Word("8"));
    // What is no feature is not asked about.
    let label = TableOptions { label: Some("y".into()), ..Default::default() };
    assert_eq!(row(&parse_csv("t", text.as_bytes(), &label).unwrap(), 7)[1], Word("ERR"));
}

#[test]
fn clocks_are_not_learned() {
    let moments = |form: &dyn Fn(usize) -> String| {
        let rows: String = (0..30).map(|row| format!("{},{}\n", form(row), row * 7 % 5)).collect();
        parse(format!("t,x\n{rows}")).unwrap().into_dataset(&TableOptions::default()).unwrap()
    };
    let learned: [(&str, &dyn Fn(usize) -> String); 6] = [
        ("words", &|row| format!("2024-03-31T00:{row:02}:00+0100")),
        ("seconds", &|row| (1_700_000_000 + row * 600).to_string()),
        ("milliseconds", &|row| (1_700_000_000_000u64 + row as u64 * 600_000).to_string()),
        ("nanoseconds", &|row| (1_700_000_000_000_000_000u64 + row as u64 * 600_000_000_000).to_string()),
        ("days first", &|row| format!("{:02}/03/2024 10:00", row + 1)),
        ("dates", &|row| format!("2024-03-{:02}", row + 1)),
    ];
    for (what, form) in learned {
        assert_eq!(moments(form).schema().unwrap().feature_names(), ["x"], "{what}");
    }
    // Numbers of that size that come and go are readings.
    assert_eq!(moments(&|row| (1_700_000_000 + row * 7_000_000 % 91_000_000).to_string()).features(), 2);
    let error = parse("t,u\n2024-01-01,\n2024-01-02,\n").unwrap().into_dataset(&TableOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "t.csv: no column is left to learn from: \"u\" left out, for no row has a value there; \"t\" left out as clocks, \
         which tell when and not what"
    );
}

/// A table longer than a piece that is cut by one thread, and the same with a quote in one cell, from where on rows are read one by one.
#[test]
fn long_tables_are_read_alike_in_pieces_and_row_by_row() {
    let table = |quoted: usize, end: &str| {
        let mut text = format!("# made up{end}a,b,c,d,late,word{end}");
        for row in 0..30_000 {
            let b = if row % 7 == 0 { String::new() } else { format!("-{row}.25") };
            let c = if row == 9_000 { "1e39" } else { "0.5" };
            let late = if row == 20_000 { "broken".to_owned() } else { (row % 500 * 300).to_string() };
            let a = if row == quoted { format!("\"{row}\"") } else { row.to_string() };
            let word = ["7", "on", "off"][row % 3];
            text += &format!("{a}, {b} ,{c},{}e-3,{late},{word}{end}", row % 100);
            if row % 5000 == 0 {
                text += &format!("#nothing{end}{end}");
            }
        }
        text
    };
    let options = TableOptions {
        text: TextOptions { bad_cells: BadCells::Words, ..TextOptions::default() },
        keep_infinite: true,
        ..TableOptions::default()
    };
    let read = |text: &str| parse_csv("t.csv", text.as_bytes(), &options).unwrap();
    let whole = read(&table(usize::MAX, "\n"));
    assert_eq!(whole.len(), 30_000);
    for (quoted, end) in [(0, "\n"), (25_000, "\n"), (usize::MAX, "\r\n"), (12_000, "\r\n")] {
        let other = read(&table(quoted, end));
        assert_eq!(other.columns(), whole.columns(), "{quoted} {end:?}");
        assert_eq!(other.len(), whole.len());
        for index in (0..30_000).step_by(37).chain([9_000, 20_000, 29_999]) {
            assert_eq!(row(&other, index), row(&whole, index), "row {index}, {quoted} {end:?}");
        }
    }
    // A fault far down is named by its line: a comment and the names come first, and two lines for every 5000 rows.
    for end in ["\n", "\r\n"] {
        let text = table(usize::MAX, end).replacen("\n28000,", "\n28000,1,", 1);
        let error = parse_csv("t.csv", text.as_bytes(), &options).unwrap_err().to_string();
        assert_eq!(error, "t.csv, line 28015: the row has 7 cells, but the first row has 6");
        let strict = TableOptions { missing: MissingPolicy::Error, ..options.clone() };
        let read = parse_csv("t.csv", table(usize::MAX, end).as_bytes(), &strict).unwrap();
        let error = read.into_dataset(&strict).unwrap_err().to_string();
        assert!(error.contains("line 3"), "{error}");
    }
}
