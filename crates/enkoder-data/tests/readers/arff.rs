//! ARFF: files as OpenML serves them, round trips, and files that lie.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use enkoder::Cell;
use enkoder_data::{ByteSource, CellKind, DataError, Table, TableOptions, parse_arff, read_arff};
use flate2::read::MultiGzDecoder;
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

fn parse(text: impl AsRef<[u8]>) -> Result<Table, DataError> {
    parse_arff(ByteSource::from_bytes("t.arff", text.as_ref())?, &TableOptions::default())
}

fn message(text: impl AsRef<[u8]>) -> String {
    parse(text).unwrap_err().to_string()
}

fn row(table: &Table, row: usize) -> Vec<Cell<'_>> {
    (0..table.columns().len()).map(|column| table.cell(row, column).unwrap()).collect()
}

use Cell::{Missing, Number, Word};

const SMALL: &str = "% a comment\n@relation small\n@attribute x numeric\n@attribute 'a b' {red,'dark blue'}\n\
                     @attribute s string\n@attribute d date 'yyyy-MM-dd'\n@data\n1.5,red,'it\\'s',1970-01-02\n\
                     ?,'dark blue',?,?\n{0 3, 1 'dark blue'}\n 2 , red , plain , \"1970-01-01\" , {0.5}\n";

#[test]
fn dense_and_sparse_rows_of_all_types_are_read() {
    for text in [SMALL.to_owned(), SMALL.replace('\n', "\r\n"), format!("\u{feff}{SMALL}")] {
        let table = parse(&text).unwrap();
        assert_eq!((table.name(), table.len()), ("small", 4));
        let names: Vec<&str> = table.columns().iter().map(|column| column.name()).collect();
        assert_eq!(names, ["x", "a b", "s", "d"]);
        assert_eq!(row(&table, 0), [Number(1.5), Word("red"), Word("it's"), Number(86_400.0)]);
        assert_eq!(row(&table, 1), [Missing, Word("dark blue"), Missing, Missing]);
        assert_eq!(row(&table, 2), [Number(3.0), Word("dark blue"), Missing, Number(0.0)]);
        assert_eq!(row(&table, 3), [Number(2.0), Word("red"), Word("plain"), Number(0.0)]);
    }
}

#[test]
fn liberties_of_files_in_use_are_taken() {
    let table = parse("@attribute a real\n@attribute b {x,y}\n@data\n1 x\n2\ty\n,y\n").unwrap();
    assert_eq!(row(&table, 0), [Number(1.0), Word("x")]);
    assert_eq!(row(&table, 1), [Number(2.0), Word("y")]);
    assert_eq!(row(&table, 2), [Missing, Word("y")]);
}

#[test]
fn what_is_wrong_is_said_with_line_and_column() {
    let data = |row: &str| format!("@attribute x numeric\n@attribute c {{a,b}}\n@data\n1,a\n{row}\n");
    assert_eq!(message(data("1")), "t.arff, line 5: the row has 1 values, but 2 attributes are declared");
    assert_eq!(message(data("1,a,3")), "t.arff, line 5: the row has more values than the 2 declared attributes: \"3\"");
    assert_eq!(message(data("one,a")), "t.arff, line 5: column \"x\": \"one\" is not a number");
    assert_eq!(message(data("1,c")), "t.arff, line 5: column \"c\": \"c\" is none of the declared values");
    assert_eq!(message(data("1,'a")), "t.arff, line 5: column \"c\": the quote ' is not closed");
    assert_eq!(message(data("'1'x,a")), "t.arff, line 5: column \"x\": \"x,a\" stands behind the closing quote");
    assert_eq!(message(data("{2 1}")), "t.arff, line 5: there is no attribute 2: they are numbered from 0 to 1");
    assert_eq!(message(data("{-1 1}")), "t.arff, line 5: \"-1\" is not the number of an attribute");
    assert_eq!(
        message(data("{1 a, 0 1}")),
        "t.arff, line 5: column \"x\": attributes of a sparse row must stand in order, each once"
    );
    assert_eq!(message(data("{0 1")), "t.arff, line 5: the row has no closing }");
    assert_eq!(
        message(data("{0 1} x")),
        "t.arff, line 5: the row has more values than the 2 declared attributes: \"x\""
    );
    let mut latin = data("1,a").into_bytes();
    latin.extend_from_slice(b"1,\xe9\n");
    assert_eq!(message(latin), "t.arff, line 6: column \"c\": \"\u{fffd}\" is not text in UTF-8");
}

#[test]
fn an_infinite_value_is_refused_with_row_and_column() {
    for value in ["inf", "-Infinity", "1e39"] {
        let table = parse(format!("@attribute x numeric\n@data\n1\n{value}\n")).unwrap();
        let error = table.into_dataset(&TableOptions::default()).unwrap_err();
        let DataError::Infinite { place, feature, .. } = &error else { panic!("{error}") };
        assert_eq!((place.position, feature.as_str()), (enkoder_data::Position::Row(1), "x"));
    }
}

#[test]
fn an_empty_file_and_one_without_rows_hold_no_sample() {
    for text in ["", "\n\n", "% only a comment\n", "@attribute x numeric\n@data\n"] {
        assert!(matches!(parse(text), Err(DataError::Empty { .. })), "{text:?}");
    }
}

#[test]
fn no_truncation_of_a_file_is_a_panic_and_all_in_the_declarations_are_errors() {
    let data = SMALL.find("@data\n").unwrap();
    for length in 0..SMALL.len() {
        let parsed = parse(&SMALL[..length]);
        assert!(length >= data + "@data".len() || parsed.is_err(), "cut at {length}");
    }
}

#[test]
fn every_truncation_of_a_packed_file_is_an_error() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(SMALL.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    assert_eq!(parse(&packed).unwrap().len(), 4);
    for length in 0..packed.len() {
        assert!(parse(&packed[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn a_line_without_end_is_refused() {
    let text = format!("@attribute x numeric\n@data\n{}", "1".repeat((1 << 24) + 2));
    assert!(matches!(parse(text), Err(DataError::TooLarge { limit: 16_777_216, .. })));
}

#[test]
fn a_hundred_thousand_columns_are_read() {
    let attributes: String = (0..100_000).map(|n| format!("@attribute a{n} numeric\n")).collect();
    let dense = (0..100_000).map(|n| (n % 300).to_string()).collect::<Vec<_>>().join(",");
    let table = parse(format!("{attributes}@data\n{dense}\n{{99999 7.5}}\n")).unwrap();
    assert_eq!((table.cell(0, 99_999), table.cell(1, 99_999)), (Some(Number(99.0)), Some(Number(7.5))));
    assert_eq!(table.into_dataset(&TableOptions::default()).unwrap().features(), 100_000);
}

fn quoted(word: &str) -> String {
    let escaped: String = word
        .chars()
        .map(|letter| match letter {
            '\n' => "\\n".into(),
            '\r' => "\\r".into(),
            '\t' => "\\t".into(),
            '\'' | '"' | '\\' | '%' => format!("\\{letter}"),
            _ => letter.to_string(),
        })
        .collect();
    format!("'{escaped}'")
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        rows in prop::collection::vec((prop::option::of(any::<f32>().prop_filter("finite", |x| x.is_finite())), prop::option::of(".{0,12}"), 0usize..3), 1..30),
        name in ".{1,12}",
        packed: bool,
    ) {
        let words = ["a", "b c", "d'e"];
        let mut text = format!("@relation {}\n@attribute {} numeric\n@attribute text string\n@attribute n {{{}}}\n@data\n",
            quoted(&name), quoted(&name), words.map(quoted).join(","));
        for (number, word, nominal) in &rows {
            let number = number.map_or("?".into(), |number| number.to_string());
            text += &format!("{number},{},{}\n", word.as_deref().map_or("?".into(), quoted), quoted(words[*nominal]));
        }
        let mut bytes = text.into_bytes();
        if packed {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&bytes).unwrap();
            bytes = encoder.finish().unwrap();
        }
        let table = parse(bytes).unwrap();
        prop_assert_eq!(table.name(), &name);
        prop_assert_eq!(table.columns()[0].name(), &name);
        prop_assert_eq!(table.len(), rows.len());
        for (index, (number, word, nominal)) in rows.iter().enumerate() {
            let expected = [number.map_or(Missing, Number), word.as_deref().map_or(Missing, Word), Word(words[*nominal])];
            prop_assert_eq!(row(&table, index), expected);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
        let header = b"@attribute x numeric\n@attribute c {a,b}\n@data\n";
        let _ = parse([&header[..], &bytes].concat());
    }
}

fn test_data() -> Option<PathBuf> {
    let folder = std::env::var_os("ENKODER_TEST_DATA").map(|folder| Path::new(&folder).join("openml"));
    if folder.is_none() {
        println!("skipped: ENKODER_TEST_DATA is not set");
    }
    folder
}

/// The numbers that OpenML computed of a data set, by name.
fn qualities(folder: &Path, id: &str) -> HashMap<String, f64> {
    let mut text = String::new();
    let Ok(file) = File::open(folder.join(format!("api-v1-jdq-{id}.json.gz"))) else { return HashMap::new() };
    MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let list = json["data_qualities"]["quality"].as_array().unwrap().iter();
    list.filter_map(|quality| Some((quality["name"].as_str()?.to_owned(), quality["value"].as_str()?.parse().ok()?)))
        .collect()
}

/// What OpenML says of a column.
struct Feature {
    name: String,
    numeric: bool,
    ignored: bool,
}

fn features(folder: &Path, id: &str) -> Vec<Feature> {
    let mut text = String::new();
    let file = File::open(folder.join(format!("api-v1-jdf-{id}.json.gz"))).unwrap();
    MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let list = json["data_features"]["feature"].as_array().unwrap().iter();
    list.map(|feature| Feature {
        name: feature["name"].as_str().unwrap().into(),
        numeric: feature["data_type"] == "numeric",
        ignored: feature["is_ignore"] == "true" || feature["is_row_identifier"] == "true",
    })
    .collect()
}

#[test]
fn files_of_openml_hold_what_openml_says_of_them() {
    let Some(folder) = test_data() else { return };
    let mut checked = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let cache = entry.unwrap().path();
        let name = cache.file_name().unwrap().to_string_lossy().into_owned();
        let Some(id) = name.strip_prefix("cache_") else { continue };
        let mut files = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
        let file = files.find(|path| path.to_string_lossy().ends_with(".arff.gz")).unwrap();
        let table = read_arff(&file, &TableOptions::default()).unwrap();

        let features = features(&cache, id);
        assert_eq!(table.columns().len(), features.len(), "{name}");
        for (column, feature) in table.columns().iter().zip(&features) {
            assert_eq!(column.name(), feature.name, "{name}");
            assert_eq!(matches!(column.kind(), CellKind::Numbers), feature.numeric, "{name}: {}", feature.name);
        }
        // OpenML counts columns that are to be ignored in some data sets and not in others.
        let counted = features.iter().filter(|feature| !feature.ignored || id != "62").count();
        let mut qualities = qualities(&cache, id);
        let missing: u64 = table.columns().iter().map(|column| column.missing()).sum();
        // Of these two only the first rows are in the test data, but OpenML counted in all.
        let of_first_rows = [("2", 267), ("40966", 7)];
        if let Some((_, expected)) = of_first_rows.iter().find(|(cut, _)| *cut == id) {
            assert_eq!(missing, *expected, "{name}");
            qualities.remove("NumberOfMissingValues");
        }
        let found = [
            ("NumberOfInstances", table.len() as f64),
            ("NumberOfFeatures", counted as f64),
            ("NumberOfMissingValues", missing as f64),
        ];
        for (quality, found) in found {
            if let Some(&expected) = qualities.get(quality) {
                assert_eq!(found, expected, "{name}: {quality}");
                checked += 1;
            }
        }
        let data = table.into_dataset(&TableOptions::default()).unwrap();
        assert!(data.features() > 0 && data.first_infinite().is_none(), "{name}");
    }
    assert!(checked >= 22, "only {checked} numbers could be compared");
}

#[test]
fn sparse_dexter_and_weka_s_samples_are_read() {
    let Some(folder) = test_data() else { return };
    let dexter = read_arff(&folder.join("dataset_sparse_dexter/dataset.arff"), &TableOptions::default()).unwrap();
    assert_eq!((dexter.columns().len(), dexter.columns()[20_000].name()), (20_001, "class"));
    let text = fs::read_to_string(folder.join("dataset_sparse_dexter/dataset.arff")).unwrap();
    assert_eq!(dexter.len(), text.lines().filter(|line| line.starts_with('{')).count());
    assert_eq!(
        row(&dexter, 0)[..12],
        [[Number(0.0); 9].as_slice(), &[Number(105.0), Number(0.0), Number(0.0)]].concat()
    );

    let iris = read_arff(&folder.join("arff/iris.arff"), &TableOptions::default()).unwrap();
    assert_eq!((iris.len(), iris.columns().len()), (150, 5));
    assert_eq!(row(&iris, 149), [Number(5.9), Number(3.0), Number(5.1), Number(1.8), Word("Iris-virginica")]);
    let weather = read_arff(&folder.join("arff/weather.nominal.arff"), &TableOptions::default()).unwrap();
    let data = weather.into_dataset(&TableOptions { label: Some("play".into()), ..Default::default() }).unwrap();
    assert_eq!((data.len(), data.features(), data.classes().unwrap()), (14, 10, &["yes".to_owned(), "no".into()][..]));
}
