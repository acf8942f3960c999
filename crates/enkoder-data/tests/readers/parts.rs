//! Tables in several Parquet files: folders, patterns, and files one by one.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use enkoder_data::{ReadOptions, Source, TableOptions};
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;

use crate::parquet::{Stored, file};

/// Writes `a`, and behind or before it a column of words.
fn write(path: &Path, message: &str, numbers: &[i32], words: &[&str]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let words = Stored::Bytes(words.iter().map(|&word| ByteArray::from(word)).collect());
    let columns = [(Stored::Int32(numbers.to_vec()), None, None), (words, None, None)];
    let columns = if message.starts_with("message m { required binary") {
        columns.into_iter().rev().collect()
    } else {
        columns.into()
    };
    fs::write(path, file(message, WriterProperties::builder().build(), &[columns])).unwrap();
}

fn columns(array: &ndarray::Array2<f32>, columns: &[usize]) -> ndarray::Array2<f32> {
    array.select(ndarray::Axis(1), columns)
}

const A_FIRST: &str = "message m { required int32 a; required binary w (STRING); }";
const W_FIRST: &str = "message m { required binary w (STRING); required int32 a; }";

#[test]
fn a_folder_of_parts_is_one_table_with_columns_of_its_sub_folders() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("t");
    write(&root.join("year=2020/site=a%20b/part.0.parquet"), A_FIRST, &[1, 2], &["x", "y"]);
    write(&root.join("year=2021/site=c/part.10.parquet"), W_FIRST, &[5], &["x"]);
    write(&root.join("year=2021/site=c/part.9.parquet"), W_FIRST, &[3, 4], &["y", "y"]);
    write(&root.join("year=__HIVE_DEFAULT_PARTITION__/site=c/1.parq"), A_FIRST, &[6], &["x"]);
    for hidden in ["_metadata", "_temporary/0.parquet", ".crc/0.parquet", "year=2020/_SUCCESS"] {
        fs::create_dir_all(root.join(hidden).parent().unwrap()).unwrap();
        fs::write(root.join(hidden), "no data").unwrap();
    }
    let source = Source::find(&root).unwrap();
    let options = ReadOptions::default();
    let data = source.open(&options).unwrap();
    let schema = data.schema().unwrap();
    let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!((data.name(), names), ("t", vec!["a", "w", "year", "site"]));
    // `w` is x or y, `site` is "a b" or c.
    let expected = ndarray::array![
        [1.0, 1.0, 0.0, 2020.0, 1.0, 0.0],
        [2.0, 0.0, 1.0, 2020.0, 1.0, 0.0],
        [3.0, 0.0, 1.0, 2021.0, 0.0, 1.0],
        [4.0, 0.0, 1.0, 2021.0, 0.0, 1.0],
        [5.0, 1.0, 0.0, 2021.0, 0.0, 1.0],
        [6.0, 1.0, 0.0, f32::NAN, 0.0, 1.0],
    ];
    let bits = |array: ndarray::Array2<f32>| array.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    assert_eq!(bits(data.to_array()), bits(expected.clone()));

    assert_eq!(source.column_names(&options).unwrap().unwrap(), ["a", "w", "year", "site"]);
    let mut schema = schema.clone();
    schema.columns.retain(|column| column.name != "site");
    let table = TableOptions { schema: Some(schema), keep: vec!["site".into()], ..TableOptions::default() };
    let (mut rows, mut kept) = (Vec::new(), Vec::new());
    for chunk in source.chunks(&ReadOptions { table, ..ReadOptions::default() }, 4).unwrap() {
        let chunk = chunk.unwrap();
        rows.extend(bits(chunk.data.to_array()));
        kept.extend(chunk.kept.into_iter().flatten());
    }
    assert_eq!(rows, bits(columns(&expected, &[0, 1, 2, 3])));
    assert_eq!(kept, ["a b", "a b", "c", "c", "c", "c"]);

    let pattern = Source::find(root.join("year=2021/*/*.parquet")).unwrap();
    let files = Source::find_all(&[
        root.join("year=2021/site=c/part.9.parquet"),
        root.join("year=2020/site=a%20b/part.0.parquet"),
    ]);
    assert_eq!(pattern.open(&options).unwrap().len(), 3);
    assert_eq!(
        bits(columns(&files.unwrap().open(&options).unwrap().to_array(), &[2])),
        [3f32, 4.0, 1.0, 2.0].map(f32::to_bits)
    );
}

#[test]
fn parts_that_make_no_table_are_refused_by_file_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let message = |name: &str| {
        let error = Source::find(folder.path().join(name)).unwrap().open(&ReadOptions::default()).unwrap_err();
        let said = error.to_string().replace(&folder.path().display().to_string(), "");
        (said, error.hint().unwrap_or_default())
    };
    write(&folder.path().join("lacking/1.parquet"), A_FIRST, &[1], &["x"]);
    write(
        &folder.path().join("lacking/2.parquet"),
        "message m { required int32 a; required binary v (STRING); }",
        &[1],
        &["x"],
    );
    let (said, hint) = message("lacking");
    assert_eq!(said, "/lacking/2.parquet: column \"w\", which the files before have, is missing");
    assert!(hint.contains("`TableOptions::ignore`"), "{hint}");
    write(&folder.path().join("mixed/1.parquet"), A_FIRST, &[1], &["x"]);
    write(
        &folder.path().join("mixed/2.parquet"),
        "message m { required int32 w; required binary a (STRING); }",
        &[1],
        &["x"],
    );
    let expected = "/mixed/2.parquet: column \"a\" holds words in some of the files and numbers in others";
    assert_eq!(message("mixed").0, expected);
    write(&folder.path().join("all/delta/1.parquet"), A_FIRST, &[1], &["x"]);
    fs::create_dir(folder.path().join("all/delta/_delta_log")).unwrap();
    let (said, hint) = message("all");
    assert_eq!(said, "/all/delta: is a Delta table: _delta_log says which of its files count, and is not read");
    assert!(hint.contains("to_parquet"), "{hint}");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&fs::read(folder.path().join("mixed/1.parquet")).unwrap()).unwrap();
    fs::write(folder.path().join("1.parquet.gz"), packed.finish().unwrap()).unwrap();
    let (said, hint) = message("1.parquet.gz");
    assert!(said.starts_with("/1.parquet.gz: is Parquet packed as a whole") && hint.contains("gunzip"), "{said}");
}
