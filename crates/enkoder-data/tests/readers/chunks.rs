//! Data some rows at a time: the rows of the whole however it is cut, and faults named by their line.

use std::path::PathBuf;

use enkoder::{Column, Schema};
use enkoder_data::{Chunk, DataError, MissingPolicy, ReadOptions, Source, TableOptions, read_csv};
use proptest::prelude::*;

struct Csv {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Csv {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        Self { _folder: folder, path }
    }

    fn chunks(&self, table: TableOptions, rows: usize) -> Result<Vec<Chunk>, DataError> {
        let source = Source::find(self.path.to_str().unwrap())?;
        source.chunks(&ReadOptions { table, ..Default::default() }, rows)?.collect()
    }
}

fn schema() -> Schema {
    Schema::new(vec![
        Column::numeric("a"),
        Column::categorical("b", vec!["x".into(), "y".into()]),
        Column::numeric("c"),
    ])
}

fn options() -> TableOptions {
    TableOptions { schema: Some(schema()), ..TableOptions::default() }
}

proptest! {
    #[test]
    fn chunks_have_the_rows_of_the_whole(
        rows in prop::collection::vec((-1e6f32..1e6, "[xyz]?", prop::option::of(0u8..9), "[a-z \"]{0,6}"), 1..40),
        size in 1usize..50,
    ) {
        let line = |(a, b, c, text): &(f32, String, Option<u8>, String)| {
            let c = c.map_or(String::new(), |c| c.to_string());
            format!("\"{}\",{c},{b},{a}\n", text.replace('"', "\"\""))
        };
        let csv = Csv::new(&format!("t,c,b,a\n{}", rows.iter().map(line).collect::<String>()));
        let whole = read_csv(&csv.path, &options()).unwrap().into_dataset(&options()).unwrap().to_array();
        let chunks = csv.chunks(TableOptions { keep: vec!["t".into()], ..options() }, size).unwrap();
        let mut row = 0;
        for chunk in chunks {
            for (index, found) in chunk.data.to_array().rows().into_iter().enumerate() {
                prop_assert!(found.iter().zip(whole.row(row)).all(|(a, b)| a == b || (a.is_nan() && b.is_nan())));
                prop_assert_eq!(&chunk.kept[0][index], rows[row].3.trim());
                row += 1;
            }
        }
        prop_assert_eq!(row, rows.len());
    }
}

#[test]
fn a_fault_far_down_is_named_by_its_line() {
    let with = |last: &str| Csv::new(&format!("a,b,c\n{}{last}\n", "1,x,2\n".repeat(30)));
    let message = |last: &str| with(last).chunks(options(), 7).unwrap_err().to_string();
    let long = message("1,x,2,3");
    assert!(long.ends_with("line 32: the row has 4 cells, but the first row has 3"), "{long}");
    let short = with("1,x").chunks(options(), 7).unwrap();
    assert!(short.last().unwrap().data.to_array().rows().into_iter().next_back().unwrap()[3].is_nan());
    assert!(message("1,x,hot").contains("line 32: column \"c\" holds \"hot\""), "{}", message("1,x,hot"));
    assert!(message("inf,x,1").contains("line 32: the value of feature a is infinite"), "{}", message("inf,x,1"));
    let strict = TableOptions { missing: MissingPolicy::Error, ..options() };
    // Behind a quote rows are read one by one.
    for rows in ["1,x,2\n", "1,\"x\",2\n"] {
        let csv = Csv::new(&format!("a,b,c\n{},x,2\n", rows.repeat(30)));
        let error = csv.chunks(strict.clone(), 7).unwrap_err().to_string();
        assert!(error.ends_with("line 32: column \"a\" has no value"), "{error}");
    }
    let whole = with("inf,x,1");
    let error = read_csv(&whole.path, &TableOptions::default()).unwrap().into_dataset(&TableOptions::default());
    assert!(error.unwrap_err().to_string().contains("line 32: the value of feature a is infinite"));
}

#[test]
fn dropped_rows_shift_nothing_and_a_chunk_of_gaps_is_no_error() {
    let csv = Csv::new("t,a,b,c\n0,1,x,1\n1,,x,1\n2,,y,1\n3,3,,1\n4,4,x,\n5,,y,1\n6,6,y,6\n");
    let drop = |missing| TableOptions { missing, keep: vec!["t".into()], ..options() };
    for size in 1..9 {
        let chunks = csv.chunks(drop(MissingPolicy::Drop), size).unwrap();
        let (mut first, mut left) = (0, Vec::new());
        for chunk in &chunks {
            for (row, place) in chunk.rows().enumerate() {
                let time: usize = chunk.kept[0][row].parse().unwrap();
                assert_eq!(time, first + row);
                left.extend(place.map(|place| (time, chunk.data.rows(place..place + 1)[[0, 0]])));
            }
            first += chunk.rows().count();
        }
        assert_eq!((first, &left[..]), (7, &[(0, 1.0), (6, 6.0)][..]), "{size} rows at a time");
    }
    let gaps = Csv::new("t,a,b,c\n0,,x,1\n1,,x,1\n");
    let message = gaps.chunks(drop(MissingPolicy::Drop), 1).unwrap_err().to_string();
    assert!(message.contains("each of the 2 rows misses a value"), "{message}");
}

#[test]
fn infinite_values_are_read_where_they_are_asked_for() {
    let csv = Csv::new("a,b,c\n1,x,1\n-inf,x,1e300\n");
    let keep = TableOptions { keep_infinite: true, ..options() };
    for size in [1, 7] {
        let chunks = csv.chunks(keep.clone(), size).unwrap();
        let last = chunks.last().unwrap().data.to_array();
        let last = last.row(last.nrows() - 1);
        assert_eq!(last.to_vec(), [f32::NEG_INFINITY, 1.0, 0.0, f32::INFINITY]);
    }
    let whole = read_csv(&csv.path, &keep).unwrap().into_dataset(&keep).unwrap();
    assert_eq!(whole.first_infinite(), Some((1, 0)));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let mut npy = b"\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }".to_vec();
    npy.resize(10 + 0x45, b' ');
    npy.push(b'\n');
    npy.extend([1.0f32, f32::INFINITY].iter().flat_map(|value| value.to_le_bytes()));
    std::fs::write(&path, npy).unwrap();
    let read = |keep_infinite| {
        let table = TableOptions { keep_infinite, ..TableOptions::default() };
        enkoder_data::open(path.to_str().unwrap(), &ReadOptions { table, ..Default::default() })
    };
    assert!(matches!(read(false), Err(DataError::Infinite { .. })));
    assert_eq!(read(true).unwrap().first_infinite(), Some((1, 0)));
}

#[test]
fn a_column_that_is_missing_is_refused_before_anything_is_read() {
    let error = Csv::new("a,c\n1,2\n").chunks(options(), 7).unwrap_err();
    assert!(error.to_string().contains("column \"b\", which was learned from, is missing"), "{error}");
    let keep = TableOptions { keep: vec!["tine".into()], ..options() };
    let error = Csv::new("a,b,c,time\n1,x,2,3\n").chunks(keep, 7).unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("did you mean \"time\"?"));
}

#[test]
fn labels_are_those_of_the_chunk() {
    let csv = Csv::new("a,b,c,y\n1,x,2,0\n1,y,2,1\n1,x,2,1\n");
    let chunks = csv.chunks(TableOptions { label: Some("#4".into()), ..options() }, 2).unwrap();
    let labels = |chunk: &Chunk| {
        let classes = chunk.data.classes().unwrap();
        (0..chunk.data.len()).map(|row| classes[chunk.data.label(row).unwrap() as usize].clone()).collect::<Vec<_>>()
    };
    assert_eq!(chunks.iter().flat_map(labels).collect::<Vec<_>>(), ["0", "1", "1"]);
}
