//! NetCDF-4 and HDF5: groups, chunks, filters and types, and files that lie.

use std::fs;
use std::path::{Path, PathBuf};

use enkoder::codec::{ElementType, SampleSource as _};
use enkoder_data::hdf5::parse_hdf5;
use enkoder_data::{ArrayOptions, Arrays, Contents, DataError, ReadOptions, Source};

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/recorded").join(name)
}

fn contents(name: &str) -> Contents {
    Source::find(recorded(name)).unwrap().contents(&ReadOptions::default()).unwrap().unwrap()
}

fn open(name: &str, variables: &[&str], block: &[usize]) -> Result<Arrays, DataError> {
    let variables = variables.iter().map(|name| name.to_string()).collect();
    let arrays = ArrayOptions { variables, block: block.to_vec(), raw: None };
    let options = ReadOptions { arrays, ..ReadOptions::default() };
    Source::find(recorded(name))?.open_arrays(&options).map(|arrays| arrays.expect("a file of arrays"))
}

fn message<T>(result: Result<T, DataError>) -> String {
    let error = result.err().expect("an error");
    format!("{error}\nhint: {}", error.hint().unwrap_or_default())
}

fn packed() -> Vec<i16> {
    let mut values: Vec<i16> = (0..240).map(|i| (i * 37 % 4001 - 2000) as i16).collect();
    values[48 + 2 * 8 + 3] = -999;
    values[239] = 6000;
    values
}

#[test]
fn a_file_says_what_is_in_it_without_being_asked_for_a_variable() {
    let contents = contents("groups.nc");
    assert_eq!((contents.format, &contents.groups[..]), ("NetCDF-4", &["/soil".to_owned()][..]));
    let t = contents.only_data().unwrap();
    assert_eq!((t.name.as_str(), t.type_name.as_str(), &t.shape[..]), ("t", "i16", &[5, 6, 8][..]));
    assert_eq!(t.axes, ["time", "lat", "lon"]);
    assert_eq!((&t.chunks[..], &t.filters.join(" ")[..]), (&[2, 3, 8][..], "fletcher32 shuffle deflate"));
    assert_eq!((t.units.as_deref(), t.long_name.as_deref()), (Some("K"), Some("temperature")));
    let summary = t.summary().unwrap().unwrap();
    assert_eq!((summary.values, summary.missing), (240, 2));
    let coordinates: Vec<&str> =
        contents.arrays.iter().filter(|array| array.is_coordinate).map(|array| array.name.as_str()).collect();
    assert_eq!(coordinates, ["time", "lat"]);
    let of = |name: &str| contents.arrays.iter().find(|array| array.name == name).unwrap();
    assert_eq!(of("/soil/kind").type_name, "enumeration of u8 (0 clay, 1 sand, 2 peat)");
    assert_eq!((of("/soil/name").type_name.as_str(), of("/soil/name").element), ("text", None));
    assert_eq!(of("/soil/count").element, Some(ElementType::U8));
}

#[test]
fn numbers_of_chunks_are_read_as_they_were_stored_and_trained_on_in_their_units() {
    let mut arrays = open("groups.nc", &[], &[]).unwrap();
    let stored: Vec<u8> = packed().iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(arrays.read(0, 5).unwrap(), stored);
    assert_eq!(arrays.read(3, 1).unwrap(), stored[3 * 96..4 * 96]);
    assert_eq!((arrays.packing(), arrays.valid()), (vec![(0.01, 273.15)], vec![Some((-5000.0, 5000.0))]));
    assert_eq!(arrays.missing(), [-999.0]);
    let data = arrays.into_dataset(None).unwrap();
    assert_eq!(data.row_f32(0).unwrap()[1], (-1963.0 * 0.01 + 273.15) as f32);
    assert!(data.row_f32(1).unwrap()[19].is_nan() && data.row_f32(4).unwrap()[47].is_nan());
    // Blocks, whose bands are read from the middle.
    let mut blocks = open("groups.nc", &["t"], &[3, 4]).unwrap();
    assert_eq!(blocks.samples(), 20);
    assert_eq!(&blocks.read(7, 1).unwrap()[..8], &stored[(48 + 28) * 2..(48 + 32) * 2]);
}

#[test]
fn arrays_in_groups_are_named_by_their_path_and_an_axis_is_as_long_as_its_longest_array() {
    for name in ["/soil/moisture", "soil/moisture"] {
        let arrays = open("groups.nc", &[name], &[]).unwrap();
        assert_eq!(arrays.layout().variables, ["soil.moisture"]);
        let data = arrays.into_dataset(None).unwrap();
        assert_eq!((data.len(), data.row_f32(2).unwrap()), (5, &[6.0, 7.0, 8.0][..]));
        assert!(data.row_f32(4).unwrap().iter().all(|value| value.is_nan()));
    }
    let data = open("groups.nc", &["/soil/count"], &[]).unwrap().into_dataset(None).unwrap();
    assert_eq!((data.is_u8(), data.row_u8(2)), (true, Some(&[200][..])));
    let kinds = open("groups.nc", &["/soil/kind"], &[]).unwrap().read(0, 3).unwrap();
    assert_eq!(kinds, [2, 0, 1]);
    let error = message(open("groups.nc", &["/soil/moistur"], &[]));
    assert!(error.contains("did you mean \"/soil/moisture\""), "{error}");
    let error = message(open("groups.nc", &["/soil/name"], &[]));
    assert!(error.contains("\"/soil/name\" holds text, not numbers"), "{error}");
}

#[test]
fn what_cannot_be_read_is_refused_by_the_name_of_its_type_or_filter() {
    let contents = contents("types.h5");
    let why = |name: &str| {
        let array = contents.arrays.iter().find(|array| array.name == name).unwrap_or_else(|| panic!("{name}"));
        array.unreadable.clone().unwrap_or_default()
    };
    assert_eq!((why("half"), why("lzf")), (String::new(), String::new()));
    assert_eq!(why("points"), "values of type structure (x: f32, y: i16) are not read");
    assert!(why("complex").contains("structure (r: f32, i: f32)"), "{}", why("complex"));
    assert!(why("petabyte").contains("which a file of"), "{}", why("petabyte"));
    let error = message(open("filters.h5", &["blosc2"], &[]));
    assert!(error.contains("\"blosc2\" cannot be read: it is packed with Blosc2"), "{error}");
    let error = message(open("filters.h5", &["brain"], &[]));
    assert!(error.contains("its 16-bit floats are none of IEEE 754"), "{error}");
    let mut big = open("types.h5", &["big"], &[]).unwrap();
    assert_eq!(big.read(3, 1).unwrap(), [9, 0, 0, 0, 10, 0, 0, 0, 11, 0, 0, 0]);
    assert_eq!(open("types.h5", &["flags"], &[]).unwrap().read(0, 3).unwrap(), [1, 0, 1]);
    let sparse = contents.arrays.iter().find(|array| array.name == "sparse").unwrap();
    assert_eq!(sparse.summary().unwrap().unwrap().range, Some((1.0, 7.0)));
    let scalar = contents.arrays.iter().find(|array| array.name == "scalar").unwrap();
    assert_eq!(scalar.summary().unwrap().unwrap().range, Some((3.5, 3.5)));
    assert!(!contents.arrays.iter().any(|array| array.name.contains("elsewhere") && array.element.is_some()));
}

#[test]
fn every_filter_that_is_common_is_unpacked() {
    let expected: Vec<u8> = (0..1209).flat_map(|i: i32| (i % 97 * 1000).to_le_bytes()).collect();
    let packed = ["lzf", "bzip2", "zstd"].map(String::from).into_iter();
    let packed = packed.chain(["blosclz", "lz4", "lz4hc", "zlib", "zstd"].map(|name| format!("blosc_{name}")));
    for name in packed.chain(["none", "lz4", "zstd"].map(|name| format!("bitshuffle_{name}"))) {
        assert!(open("filters.h5", &[&name], &[]).unwrap().read(0, 3).unwrap() == expected, "{name}");
    }
    let half = open("filters.h5", &["half"], &[]).unwrap().read(0, 4).unwrap();
    assert_eq!((&half[..4], &half[6..]), (&[0x00, 0x3e, 0x00, 0xc0][..], &[0xff, 0x7b][..]));
}

#[test]
fn a_file_may_begin_with_a_block_of_its_writer_s_as_those_of_matlab_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.mat");
    let begin = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".iter().copied().chain([b' '; 512]).take(512);
    fs::write(&path, begin.chain(fs::read(recorded("filters.h5")).unwrap()).collect::<Vec<u8>>()).unwrap();
    let read = |path: &Path| {
        let arrays = ArrayOptions { variables: vec!["lzf".into()], block: Vec::new(), raw: None };
        let options = ReadOptions { arrays, ..ReadOptions::default() };
        Source::find(path).unwrap().open_arrays(&options).unwrap().unwrap().read(0, 3).unwrap()
    };
    assert!(read(&path) == read(&recorded("filters.h5")));
}

/// Looks at everything that there is.
fn look_at_all(bytes: &[u8]) {
    if let Ok(contents) = parse_hdf5(bytes) {
        for array in &contents.arrays {
            let small = array.shape.iter().try_fold(8u64, |n, &axis| n.checked_mul(axis)).is_some_and(|n| n < 1 << 20);
            if small {
                let _ = array.summary();
            }
        }
    }
}

#[test]
fn a_file_cut_or_changed_anywhere_is_an_error_or_other_data_but_no_panic() {
    for name in ["groups.nc", "types.h5", "filters.h5"] {
        let whole = fs::read(recorded(name)).unwrap();
        for length in (0..whole.len()).step_by(whole.len() / 40) {
            look_at_all(&whole[..length]);
        }
        let mut state = 1u64;
        for _ in 0..60 {
            let mut changed = whole.clone();
            for _ in 0..4 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let place = (state >> 33) as usize % whole.len();
                changed[place] = (state >> 24) as u8;
            }
            look_at_all(&changed);
        }
    }
    assert!(message(parse_hdf5(b"\x89HDF\r\n\x1a\n and more")).contains("damaged"));
}
