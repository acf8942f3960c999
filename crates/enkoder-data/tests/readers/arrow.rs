//! Arrow's files and streams as pyarrow writes them (`recorded/arrow/write.py`), some rows at a time, and damaged ones.

use enkoder::{Cell, Schema};
use enkoder_data::{DataError, ReadOptions, Source, Table, TableOptions, parse_arrow};
use proptest::prelude::*;

use Cell::{Missing, Number, Word};

const PLAIN: &[u8] = include_bytes!("recorded/arrow/plain.arrow");
const ALIKE: &[u8] = include_bytes!("recorded/arrow/alike.arrows");
const FILES: [(&str, &[u8]); 5] = [
    ("plain", PLAIN),
    ("lz4", include_bytes!("recorded/arrow/lz4.arrow")),
    ("zstd", include_bytes!("recorded/arrow/zstd.arrow")),
    ("stream", include_bytes!("recorded/arrow/stream.arrows")),
    ("polars", include_bytes!("recorded/arrow/polars.arrow")),
];

fn without_lists() -> TableOptions {
    TableOptions { ignore: ["bytes", "lists"].map(str::to_owned).into(), ..TableOptions::default() }
}

fn row(table: &Table, row: usize) -> Vec<Cell<'_>> {
    (0..table.columns().len()).map(|column| table.cell(row, column).unwrap()).collect()
}

fn parse(bytes: &[u8]) -> Result<Table, DataError> {
    parse_arrow("t", bytes, &without_lists())
}

#[test]
fn every_type_is_read_from_files_and_streams_packed_or_not() {
    let words = ["low", "high", "a word of more than twelve bytes"];
    for (name, bytes) in &FILES[..4] {
        let table = parse(bytes).unwrap();
        assert_eq!(table.len(), 20, "{name}");
        for row in 0..20 {
            let i = row as f32;
            let word = Word(words[row % 3]);
            let second = 1_704_067_200.0;
            let expected = [
                ("i8", Number(i)),
                ("u64", Number(i)),
                ("f16", Number(i / 2.0)),
                ("f32", Number(i / 4.0)),
                ("f64", Number(i / 8.0)),
                ("flag", Number(f32::from(u8::from(row % 2 == 0)))),
                ("price", Number(i / 4.0)),
                ("day", Number(second + i * 86_400.0)),
                ("moment", Number(second + i)),
                ("took", Number(i / 2.0)),
                ("word", word),
                ("view", word),
                ("state", word),
                ("part.x", Number(i)),
                ("part.y", Number(i / 2.0)),
                ("pair[0]", Number(i)),
                ("pair[1]", Number(-i)),
                ("none", Missing),
            ];
            for (index, (column, value)) in expected.into_iter().enumerate() {
                assert_eq!(table.columns()[index].name(), column);
                let value = if row % 5 == 1 { Missing } else { value };
                assert_eq!(table.cell(row, index), Some(value), "{name}, {column}, row {row}");
            }
        }
    }
}

#[test]
fn some_rows_at_a_time_are_those_of_the_whole_with_text_that_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.feather");
    std::fs::write(&path, PLAIN).unwrap();
    let ignore = ["bytes", "lists", "none", "moment", "day"].map(str::to_owned);
    let options = TableOptions { ignore: ignore.into(), ..TableOptions::default() };
    let whole = parse_arrow("t", PLAIN, &options).unwrap().into_dataset(&options).unwrap();
    let schema: Option<Schema> = whole.schema().cloned();
    let table = TableOptions { schema, keep: vec!["moment".into(), "day".into()], ..options };
    let options = ReadOptions { table, ..ReadOptions::default() };
    let source = Source::find(&path).unwrap();
    assert_eq!(source.column_names(&options).unwrap().unwrap().len(), 19);
    let (mut rows, mut kept) = (Vec::new(), Vec::new());
    for chunk in source.chunks(&options, 3).unwrap() {
        let chunk = chunk.unwrap();
        assert!(chunk.data.len() <= 3);
        rows.extend(chunk.data.to_array().into_iter().map(f32::to_bits));
        kept.extend(chunk.kept[0].iter().cloned().zip(chunk.kept[1].iter().cloned()));
    }
    assert_eq!(rows, whole.to_array().into_iter().map(f32::to_bits).collect::<Vec<_>>());
    assert_eq!(kept[2], ("2024-01-01T00:00:02Z".to_owned(), "2024-01-03".to_owned()));
    assert_eq!(kept[6], (String::new(), String::new()));
    assert_eq!(kept.len(), 20);
}

#[test]
fn columns_of_one_name_and_of_none_are_found_again() {
    let read = |options: &TableOptions| parse_arrow("t", ALIKE, options)?.into_dataset(options);
    let learned = read(&TableOptions::default()).unwrap();
    assert_eq!(learned.to_array(), ndarray::array![[1.0, 3.0, 1.0], [2.0, 4.0, 2.0]]);
    let schema = learned.schema().cloned();
    let names: Vec<_> = schema.iter().flat_map(|schema| &schema.columns).map(|column| &*column.name).collect();
    assert_eq!(names, ["a", "a.2", "column3"]);
    let again = read(&TableOptions { schema, ..TableOptions::default() }).unwrap();
    assert_eq!(again.fingerprint(), learned.fingerprint());
}

#[test]
fn what_is_no_column_of_a_table_is_left_out_or_named_and_cut_files_are_refused() {
    let error = parse_arrow("t", PLAIN, &TableOptions::default()).unwrap_err();
    let uneven = "t: column \"lists\" holds lists of different lengths: the first has 2 elements, another 1";
    assert_eq!(error.to_string(), uneven);
    let ignore = vec!["lists".to_owned()];
    let table = parse_arrow("t", PLAIN, &TableOptions { ignore, ..TableOptions::default() }).unwrap();
    assert!(table.columns().iter().all(|column| column.name() != "bytes"));
    let asked = TableOptions { label: Some("bytes".to_owned()), ..TableOptions::default() };
    let error = parse_arrow("t", PLAIN, &asked).unwrap_err();
    assert!(error.to_string().contains("column \"bytes\" cannot be read: it holds binary data"), "{error}");
    // The footer, which is not read, takes no more than the last 3,000 bytes.
    for length in (0..PLAIN.len() - 3000).step_by(37) {
        assert!(parse(&PLAIN[..length]).is_err(), "cut at {length}");
    }
}

/// By Polars: a schema without a length before it, dictionaries behind the rows, and lists whose length only the first that is not empty
/// tells. By Arrow 0.17: packed, which only the text beside a message says.
#[test]
fn files_of_other_writers_are_read() {
    let polars = parse(include_bytes!("recorded/arrow/polars.arrow")).unwrap();
    let names: Vec<&str> = polars.columns().iter().map(|column| column.name()).collect();
    assert_eq!(names, ["x", "word", "list[0]", "list[1]"]);
    assert_eq!(row(&polars, 0), [Number(1.5), Word("u"), Missing, Missing]);
    assert_eq!(row(&polars, 1), [Missing, Word("v"), Number(3.0), Number(4.0)]);
    let old = parse(include_bytes!("recorded/arrow/arrow_0.17_lz4.feather")).unwrap();
    (0..5).for_each(|at| assert_eq!(row(&old, at), [Number(at as f32)]));
}

/// Found by fuzzing: it claims more rows than could ever be counted, of which none is there.
#[test]
fn rows_that_are_only_claimed_are_not_looked_through() {
    let error = parse_arrow("t", include_bytes!("recorded/arrow/endless.arrow"), &TableOptions::default()).unwrap_err();
    assert!(error.to_string().contains("the header claims"), "{error}");
}

proptest! {
    #[test]
    fn damaged_bytes_are_read_or_refused_without_a_panic(
        file in 0..FILES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = FILES[file].1.to_vec();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = parse(&bytes);
    }
}
