//! Parquet: a published table, round trips over types and codecs, and files that lie.

use std::path::Path;
use std::sync::Arc;

use enkoder::{Cell, Column, Schema};
use enkoder_data::{CellKind, DataError, Table, TableOptions, parse_parquet, read_parquet};
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, Int96};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use Cell::{Missing, Number, Word};

/// The values of one stored column, with definition and repetition levels where it has them.
pub enum Stored {
    Bool(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Int96(Vec<Int96>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<Vec<u8>>),
}

use Stored::*;

pub type Levels<'a> = Option<&'a [i16]>;

/// A file with one row group for each list of columns.
pub fn file(message: &str, properties: WriterProperties, groups: &[Vec<(Stored, Levels, Levels)>]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(message).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for columns in groups {
        let mut group = writer.next_row_group().unwrap();
        for (stored, definitions, repetitions) in columns {
            let mut column = group.next_column().unwrap().unwrap();
            let (d, r) = (*definitions, *repetitions);
            match (column.untyped(), stored) {
                (ColumnWriter::BoolColumnWriter(w), Bool(v)) => w.write_batch(v, d, r),
                (ColumnWriter::Int32ColumnWriter(w), Int32(v)) => w.write_batch(v, d, r),
                (ColumnWriter::Int64ColumnWriter(w), Int64(v)) => w.write_batch(v, d, r),
                (ColumnWriter::Int96ColumnWriter(w), Int96(v)) => w.write_batch(v, d, r),
                (ColumnWriter::FloatColumnWriter(w), Float(v)) => w.write_batch(v, d, r),
                (ColumnWriter::DoubleColumnWriter(w), Double(v)) => w.write_batch(v, d, r),
                (ColumnWriter::ByteArrayColumnWriter(w), Bytes(v)) => w.write_batch(v, d, r),
                (ColumnWriter::FixedLenByteArrayColumnWriter(w), Fixed(v)) => {
                    let values: Vec<_> = v.iter().map(|bytes| ByteArray::from(bytes.clone()).into()).collect();
                    w.write_batch(&values, d, r)
                }
                _ => panic!("the values do not fit the column"),
            }
            .unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn plain(message: &str, columns: Vec<(Stored, Levels, Levels)>) -> Vec<u8> {
    file(message, WriterProperties::builder().build(), &[columns])
}

fn words(list: &[&str]) -> Stored {
    Bytes(list.iter().map(|&word| ByteArray::from(word)).collect())
}

fn parse(bytes: &[u8]) -> Result<Table, DataError> {
    parse_parquet("t.parquet", bytes.to_vec(), &TableOptions::default())
}

fn row(table: &Table, row: usize) -> Vec<Cell<'_>> {
    (0..table.columns().len()).map(|column| table.cell(row, column).unwrap()).collect()
}

fn names(table: &Table) -> Vec<&str> {
    table.columns().iter().map(|column| column.name()).collect()
}

#[test]
fn values_of_all_types_become_numbers_and_words() {
    let message = "message m {
        required boolean flag;
        optional int32 small (INTEGER(8,true));
        required int32 unsigned (INTEGER(32,false));
        required int32 date (DATE);
        required int32 money (DECIMAL(9,2));
        required int64 moment (TIMESTAMP(MICROS,true));
        required int64 clock (TIME(NANOS,false));
        required int96 old_moment;
        required float single;
        required double double;
        optional binary word (STRING);
        required fixed_len_byte_array(2) half (FLOAT16);
        required fixed_len_byte_array(3) big_money (DECIMAL(6,1));
        optional group inner { required int32 deep; }
    }";
    let mut noon = Int96::new();
    noon.set_data(0, 0, 2_440_589);
    let bytes = plain(
        message,
        vec![
            (Bool(vec![true, false]), None, None),
            (Int32(vec![-5]), Some(&[1, 0]), None),
            (Int32(vec![-1, 7]), None, None),
            (Int32(vec![1, -1]), None, None),
            (Int32(vec![123, -4050]), None, None),
            (Int64(vec![1_500_000, 0]), None, None),
            (Int64(vec![2_000_000_000, 0]), None, None),
            (Int96(vec![noon, noon]), None, None),
            (Float(vec![0.1, -2.0]), None, None),
            (Double(vec![0.1, 1e30]), None, None),
            (words(&["red"]), Some(&[0, 1]), None),
            (Fixed(vec![vec![0x00, 0x3c], vec![0x00, 0xc1]]), None, None),
            (Fixed(vec![vec![0, 0, 15], vec![0xff, 0xff, 0xff]]), None, None),
            (Int32(vec![3]), Some(&[1, 0]), None),
        ],
    );
    let table = parse(&bytes).unwrap();
    assert_eq!(table.columns()[13].name(), "inner.deep");
    let first = [
        Number(1.0),
        Number(-5.0),
        Number(4_294_967_295.0),
        Number(86_400.0),
        Number(1.23),
        Number(1.5),
        Number(2.0),
        Number(86_400.0),
        Number(0.1),
        Number(0.1),
        Missing,
        Number(1.0),
        Number(1.5),
        Number(3.0),
    ];
    assert_eq!(row(&table, 0), first);
    let second = row(&table, 1);
    assert_eq!(second[..5], [Number(0.0), Missing, Number(7.0), Number(-86_400.0), Number(-40.5)]);
    assert_eq!(second[10..], [Word("red"), Number(-2.5), Number(-0.1), Missing]);
}

const LISTS: &str =
    "message m { optional group v (LIST) { repeated group list { optional float element; } } required int32 x; }";

#[test]
fn lists_of_one_length_become_columns() {
    let bytes = plain(
        LISTS,
        vec![
            (Float(vec![1.0, 2.0, 4.0]), Some(&[0, 3, 3, 1, 2, 3]), Some(&[0, 0, 1, 0, 0, 1])),
            (Int32(vec![10, 20, 30, 40]), None, None),
        ],
    );
    let table = parse(&bytes).unwrap();
    assert_eq!(names(&table), ["v[0]", "v[1]", "x"]);
    assert_eq!(row(&table, 0), [Missing, Missing, Number(10.0)]);
    assert_eq!(row(&table, 1), [Number(1.0), Number(2.0), Number(20.0)]);
    assert_eq!(row(&table, 2), [Missing, Missing, Number(30.0)]);
    assert_eq!(row(&table, 3), [Missing, Number(4.0), Number(40.0)]);
    // A model may know only some of the elements.
    let options = TableOptions { schema: Some(Schema::new(vec![Column::numeric("v[1]")])), ..Default::default() };
    let data = parse_parquet("t", bytes, &options).unwrap().into_dataset(&options).unwrap();
    assert_eq!((data.features(), data.row_f32(1)), (1, Some(&[2.0][..])));
}

#[test]
fn lists_of_different_lengths_are_refused() {
    for (levels, repetitions) in [([3, 3, 3], [0, 1, 0]), ([3, 3, 3], [0, 0, 1])] {
        let columns =
            vec![(Float(vec![1.0; 3]), Some(&levels[..]), Some(&repetitions[..])), (Int32(vec![0; 2]), None, None)];
        let message = parse(&plain(LISTS, columns)).unwrap_err().to_string();
        assert!(message.starts_with("t.parquet: column \"v\" holds lists of different lengths"), "{message}");
    }
}

#[test]
fn nested_and_binary_columns_are_left_out_and_named_where_they_are_asked_for() {
    let asked = TableOptions { label: Some("v".into()), ..Default::default() };
    let message = |bytes: &[u8]| parse_parquet("t.parquet", bytes.to_vec(), &asked).unwrap_err().to_string();
    let nested = "message m { required int32 x; optional group v (LIST) { repeated group list { required group element
        { required int32 a; required int32 b; } } } }";
    let nested = plain(
        nested,
        vec![
            (Int32(vec![1]), None, None),
            (Int32(vec![2]), Some(&[2]), Some(&[0])),
            (Int32(vec![3]), Some(&[2]), Some(&[0])),
        ],
    );
    assert_eq!(message(&nested), "t.parquet: column \"v\" cannot be read: it holds values nested in lists");
    let list_of_words = "message m { required int32 x; repeated binary v (STRING); }";
    let list_of_words =
        plain(list_of_words, vec![(Int32(vec![1]), None, None), (words(&["a"]), Some(&[1]), Some(&[0]))]);
    assert_eq!(message(&list_of_words), "t.parquet: column \"v\" cannot be read: it holds lists of words");
    let binary = "message m { required int32 x; required binary v; }";
    let binary = plain(binary, vec![(Int32(vec![1]), None, None), (Bytes(vec![vec![0xff].into()]), None, None)]);
    assert_eq!(message(&binary), "t.parquet: column \"v\" cannot be read: it holds binary data");
    let empty = "message m { required int32 x; repeated int32 v; }";
    let empty = plain(empty, vec![(Int32(vec![1]), None, None), (Int32(vec![]), Some(&[0]), Some(&[0]))]);
    assert_eq!(message(&empty), "t.parquet: column \"v\" cannot be read: it holds nothing but empty lists");

    let options = TableOptions { schema: Some(Schema::new(vec![Column::numeric("x")])), ..Default::default() };
    let ignoring = TableOptions { ignore: vec!["v".into()], ..Default::default() };
    for bytes in [nested, list_of_words, binary, empty] {
        for options in [&options, &ignoring, &TableOptions::default()] {
            let table = parse_parquet("t", bytes.clone(), options).unwrap();
            assert_eq!((names(&table), row(&table, 0)), (vec!["x"], vec![Number(1.0)]));
            assert_eq!(table.into_dataset(options).unwrap().features(), 1);
        }
    }
}

#[test]
fn only_the_columns_of_a_model_and_the_label_are_read() {
    let message = "message m { required int32 a; required int32 b; required binary c (STRING); }";
    let columns =
        || vec![(Int32(vec![1, 2]), None, None), (Int32(vec![3, 4]), None, None), (words(&["x", "y"]), None, None)];
    let bytes = plain(message, columns());
    let schema = |name: &str| Some(Schema::new(vec![Column::numeric(name)]));
    let options = TableOptions { schema: schema("b"), label: Some("c".into()), ..Default::default() };
    let table = parse_parquet("t", bytes.clone(), &options).unwrap();
    assert_eq!(names(&table), ["b", "c"]);
    assert_eq!(table.into_dataset(&options).unwrap().classes().unwrap().len(), 2);
    let options = TableOptions { schema: schema("b"), label: Some("#3".into()), ..Default::default() };
    let data = parse_parquet("t", bytes.clone(), &options).unwrap().into_dataset(&options).unwrap();
    assert_eq!((data.features(), data.classes().unwrap().len()), (1, 2));
    let error = parse_parquet("t", bytes, &TableOptions { schema: schema("d"), ..Default::default() }).unwrap_err();
    assert_eq!(error.to_string(), "t: column \"d\", which was learned from, is missing");
}

#[test]
fn a_second_column_of_a_name_is_found_again() {
    let message = "message m { required int32 a; required int32 a; }";
    let bytes = plain(message, vec![(Int32(vec![1, 2]), None, None), (Int32(vec![3, 4]), None, None)]);
    let options = TableOptions { schema: Some(Schema::new(vec![Column::numeric("a.2")])), ..Default::default() };
    let data = parse_parquet("t", bytes, &options).unwrap().into_dataset(&options).unwrap();
    assert_eq!(data.to_array(), ndarray::array![[3.0], [4.0]]);
}

#[test]
fn the_names_that_pandas_gives_to_rows_are_no_column() {
    let message = "message m { required int32 a; required int64 __index_level_0__; }";
    let bytes = plain(message, vec![(Int32(vec![1]), None, None), (Int64(vec![7]), None, None)]);
    assert_eq!(names(&parse(&bytes).unwrap()), ["a"]);
}

fn small(compression: Compression) -> Vec<u8> {
    let message = "message m { optional int32 a; required binary w (STRING); }";
    let group = || vec![(Int32(vec![1, 300]), Some(&[1i16, 0, 1][..]), None), (words(&["x", "y", "x"]), None, None)];
    let properties = WriterProperties::builder().set_compression(compression).build();
    file(message, properties, &[group(), group()])
}

#[test]
fn all_codecs_but_brotli_are_unpacked() {
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ];
    for codec in codecs {
        let table = parse(&small(codec)).unwrap();
        assert_eq!(
            (table.len(), row(&table, 5), row(&table, 1)),
            (6, vec![Number(300.0), Word("x")], vec![Missing, Word("y")])
        );
    }
}

#[test]
fn columns_packed_with_brotli_are_refused() {
    // Nothing here packs with Brotli, but a file can say that it is: in the metadata of a column the codec is a number after
    // the byte 0x15, twice the codec's own (Thrift's zigzag): 12 for Zstandard, 8 for Brotli.
    let bytes = small(Compression::ZSTD(ZstdLevel::default()));
    let codecs = (0..bytes.len() - 1).filter(|&at| bytes[at..at + 2] == [0x15, 12]);
    let refused = codecs.filter(|&at| {
        let mut bytes = bytes.clone();
        bytes[at + 1] = 8;
        let expected = "t.parquet: the columns are packed with BROTLI, which is not supported";
        parse(&bytes).is_err_and(|error| error.to_string() == expected)
    });
    assert_eq!(refused.count(), 4);
}

#[test]
fn an_empty_file_and_one_without_rows_hold_no_sample() {
    assert!(matches!(parse(&[]), Err(DataError::Empty { .. })));
    let message = "message m { required int32 a; }";
    let table = parse(&plain(message, vec![(Int32(vec![]), None, None)])).unwrap();
    assert!(matches!(table.into_dataset(&TableOptions::default()), Err(DataError::Empty { .. })));
    let error = parse(&file("message m { }", WriterProperties::builder().build(), &[])).unwrap_err();
    assert_eq!(error.to_string(), "t.parquet: there is no column");
}

#[test]
fn every_truncation_and_every_changed_byte_is_read_or_refused_without_a_panic() {
    let bytes = small(Compression::SNAPPY);
    for length in 0..bytes.len() {
        assert!(parse(&bytes[..length]).is_err(), "cut at {length}");
    }
    for at in 0..bytes.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] ^= change;
            let _ = parse(&bytes).map(|table| table.into_dataset(&TableOptions::default()));
        }
    }
}

#[test]
fn infinity_is_refused_with_row_and_column() {
    let bytes = plain("message m { required double a; }", vec![(Double(vec![1.0, 1e300]), None, None)]);
    let error = parse(&bytes).unwrap().into_dataset(&TableOptions::default()).unwrap_err();
    assert!(matches!(&error, DataError::Infinite { feature, .. } if feature == "a"), "{error}");
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        rows in prop::collection::vec((prop::option::of(any::<f32>().prop_filter("a number", |x| !x.is_nan())), any::<i32>(), prop::option::of("[a-z]{0,3}")), 1..300),
        second_version: bool,
        dictionary: bool,
        rows_per_page in 1usize..50,
    ) {
        let message = "message m { optional float a; required int32 b; optional binary w (STRING); }";
        let version = if second_version { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
        let properties = WriterProperties::builder()
            .set_writer_version(version)
            .set_dictionary_enabled(dictionary)
            .set_data_page_row_count_limit(rows_per_page)
            .set_write_batch_size(rows_per_page)
            .build();
        let floats = rows.iter().filter_map(|(float, ..)| *float).collect();
        let present: Vec<i16> = rows.iter().map(|(float, ..)| i16::from(float.is_some())).collect();
        let list: Vec<&str> = rows.iter().filter_map(|(.., word)| word.as_deref()).collect();
        let there: Vec<i16> = rows.iter().map(|(.., word)| i16::from(word.is_some())).collect();
        let columns = vec![
            (Float(floats), Some(&present[..]), None),
            (Int32(rows.iter().map(|(_, int, _)| *int).collect()), None, None),
            (words(&list), Some(&there[..]), None),
        ];
        let table = parse(&file(message, properties, &[columns])).unwrap();
        prop_assert_eq!(table.len(), rows.len());
        for (index, (float, int, word)) in rows.iter().enumerate() {
            let expected = [float.map_or(Missing, Number), Number(*int as f32), word.as_deref().map_or(Missing, Word)];
            prop_assert_eq!(row(&table, index), expected);
        }
    }
}

#[test]
fn abalone_is_read_as_openml_publishes_it() {
    let Some(folder) = std::env::var_os("ENKODER_TEST_DATA") else {
        return println!("skipped: ENKODER_TEST_DATA is not set");
    };
    let table = read_parquet(&Path::new(&folder).join("openml/abalone.parquet"), &TableOptions::default()).unwrap();
    assert_eq!((table.name(), table.len(), table.columns().len()), ("abalone", 4177, 9));
    let kinds: Vec<bool> = table.columns().iter().map(|column| matches!(column.kind(), CellKind::Numbers)).collect();
    assert_eq!(kinds, [false, true, true, true, true, true, true, true, false]);
    let numbers = [0.455, 0.365, 0.095, 0.514, 0.2245, 0.101, 0.15].map(Number);
    assert_eq!(row(&table, 0), [&[Word("M")], &numbers[..], &[Word("15")]].concat());
}

#[test]
fn chunks_have_the_rows_of_the_whole_and_times_as_text() {
    let times: Vec<i64> = (0..10).map(|row| 1_396_310_400_000 + row * 300_500).collect();
    let values: Vec<f64> = (0..10).map(f64::from).collect();
    let message = "message m { required int64 at (TIMESTAMP(MILLIS,true)); required double x; required double y; }";
    let half = |rows: std::ops::Range<usize>| {
        let of = |values: &[f64]| Double(values[rows.clone()].to_vec());
        vec![(Int64(times[rows.clone()].to_vec()), None, None), (of(&values), None, None), (of(&values), None, None)]
    };
    let bytes = file(message, WriterProperties::builder().build(), &[half(0..6), half(6..10)]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    std::fs::write(&path, bytes).unwrap();
    let schema = Some(Schema::new(vec![Column::numeric("x")]));
    let table = TableOptions { schema, keep: vec!["at".into()], ..TableOptions::default() };
    let options = enkoder_data::ReadOptions { table, ..Default::default() };
    let source = enkoder_data::Source::find(path.to_str().unwrap()).unwrap();
    for rows in [1, 4, 100] {
        let (mut found, mut at) = (Vec::new(), Vec::new());
        for chunk in source.chunks(&options, rows).unwrap() {
            let chunk = chunk.unwrap();
            assert!(chunk.data.len() <= rows);
            found.extend(chunk.data.to_array().column(0).to_vec());
            at.extend(chunk.kept[0].clone());
        }
        assert_eq!(found, (0..10).map(|row| row as f32).collect::<Vec<_>>());
        assert_eq!((at.len(), at[1].as_str()), (10, "2014-04-01T00:05:00.500Z"));
    }
}
