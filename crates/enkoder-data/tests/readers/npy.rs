//! NPY and NPZ: bytes as NumPy writes them, round trips, and files that lie.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use enkoder::Dataset;
use enkoder::codec::ElementType;
use enkoder_data::export::Overwrite;
use enkoder_data::npy::{NpyForm, read_npy, write_npy, write_npy_dataset, write_npy_to};
use enkoder_data::npz::{NpzOptions, NpzWriter, read_npz};
use enkoder_data::{ByteSource, DataError};
use ndarray::{Array2, ArrayD, IxDyn, ShapeBuilder, array};
use proptest::prelude::*;
use zip::write::{SimpleFileOptions, ZipWriter};

fn read(bytes: &[u8]) -> Result<Dataset, DataError> {
    ByteSource::from_bytes("test.npy", bytes).and_then(|mut source| read_npy(&mut source))
}

fn npy(header: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(values);
    bytes
}

fn dictionary(descr: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n")
}

fn npz(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn open_npz(bytes: &[u8], options: &NpzOptions) -> Result<Dataset, DataError> {
    read_npz("test.npz", Cursor::new(bytes), bytes.len() as u64, options)
}

fn message(result: Result<Dataset, DataError>) -> String {
    result.unwrap_err().to_string()
}

fn le(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn an_array_is_written_byte_for_byte_as_numpy_2_writes_it() {
    let mut bytes = Vec::new();
    write_npy_to(&mut bytes, array![[0f32, 1.0, 2.0], [3.0, 4.0, 5.0]].into_dyn().view()).unwrap();
    let mut expected = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".to_vec();
    expected.resize(127, b' ');
    expected.push(b'\n');
    expected.extend(le(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    assert_eq!(bytes, expected);
    let mut bytes = Vec::new();
    write_npy_to(&mut bytes, array![7u8, 8].into_dyn().view()).unwrap();
    assert!(bytes[10..].starts_with(b"{'descr': '|u1', 'fortran_order': False, 'shape': (2,), } "));
}

#[test]
fn the_first_axis_counts_samples_and_the_others_are_their_shape() {
    let data = read(&npy(&dictionary("|u1", "False", "(2, 2, 3)"), &(0..12).collect::<Vec<_>>())).unwrap();
    assert_eq!((data.len(), data.shape(), data.is_u8()), (2, &[2, 3][..], true));
    assert_eq!(data.row_u8(1), Some(&[6, 7, 8, 9, 10, 11][..]));
    let data = read(&npy(&dictionary("<f4", "False", "(3,)"), &le(&[1.0, 2.0, 3.0]))).unwrap();
    assert_eq!((data.len(), data.shape()), (3, &[1][..]));
}

#[test]
fn arrays_are_written_side_by_side_and_read_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer =
        NpzWriter::new(folder.path(), ["ts", "psl"].map(|name| (name.to_owned(), NpyForm::plain(ElementType::F32))))
            .unwrap();
    for step in [1f32, 2.0] {
        writer.write(0, &le(&[step, -step])).unwrap();
        writer.write(1, &le(&[10.0 * step, 0.5])).unwrap();
    }
    let mut file = Cursor::new(Vec::new());
    writer.finish(&mut file, &[vec![2, 2], vec![2, 2]]).unwrap();
    let bytes = file.into_inner();
    let read = |array| open_npz(&bytes, &NpzOptions { array: Some(array), ..Default::default() }).unwrap().to_array();
    assert_eq!(read("ts"), array![[1.0, -1.0], [2.0, -2.0]]);
    assert_eq!(read("psl"), array![[10.0, 0.5], [20.0, 0.5]]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing waits any more");
    for name in ["../ts", "", "c:\\ts", "a\0"] {
        assert!(
            NpzWriter::new(folder.path(), [(name.to_owned(), NpyForm::plain(ElementType::F32))]).is_err(),
            "{name:?}"
        );
    }
}

#[test]
fn fortran_order_is_turned() {
    let bytes = npy(&dictionary("<f4", "True", "(2, 3)"), &le(&[0.0, 10.0, 1.0, 11.0, 2.0, 12.0]));
    assert_eq!(read(&bytes).unwrap().to_array(), array![[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]]);
    let bytes = npy(&dictionary("|u1", "True", "(2, 1, 2)"), &[1, 2, 3, 4]);
    assert_eq!(read(&bytes).unwrap().row_u8(0), Some(&[1, 3][..]));
}

#[test]
fn versions_2_and_3_have_longer_headers_and_keys_come_in_any_order() {
    let header = "{\"shape\":(1,2L),'fortran_order':False,'descr':'>i2'}";
    for version in [2, 3] {
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([version, 0]);
        bytes.extend((header.len() as u32).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend([1, 0, 0xff, 0xff]);
        assert_eq!(read(&bytes).unwrap().to_array(), array![[256.0, -1.0]]);
    }
}

#[test]
fn every_truncation_of_a_small_file_is_an_error_that_says_where() {
    let bytes = npy(&dictionary("<f4", "False", "(2, 3)"), &[0; 24]);
    for length in 0..bytes.len() {
        assert!(message(read(&bytes[..length])).starts_with("test.npy, byte "), "cut at {length}");
    }
}

#[test]
fn what_is_wrong_with_a_header_is_said() {
    let why = |header: &str| message(read(&npy(header, &[0; 4])));
    assert_eq!(message(read(b"\x93NUMPX\x01\x00")), "test.npy, byte 0: NPY begins with \\x93NUMPY; this does not");
    assert_eq!(message(read(b"\x93NUMPY\x09\x00")), "test.npy, byte 6: NPY version 9.0 is not known; known are 1 to 3");
    assert_eq!(why("{'descr': '<f4'}"), "test.npy, byte 10: the header has no entry \"fortran_order\"");
    assert_eq!(
        why("{'descr': '<f4', 'fortran_order': 0}"),
        "test.npy, byte 44: True or False is needed here in the header, not '0'"
    );
    assert!(why(&dictionary("<c8", "False", "(1,)")).contains("complex numbers are not read"));
    assert!(why(&dictionary("|O", "False", "(1,)")).contains("values of type \"|O\" are not read"));
    assert!(why("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}").contains("records"));
    assert!(why(&dictionary("<f4", "False", "(-1,)")).contains("the length of an axis is needed"));
    assert!(why(&dictionary("<f4", "False", "()")).contains("a single number"));
    assert!(why(&dictionary("<f4", "False", "(99999999999999999999,)")).contains("longer than can be counted"));
    assert!(why(&dictionary("<f4", "False", "(0, 1)")).contains("4 more bytes follow"));
    assert_eq!(message(read(&npy(&dictionary("<f4", "False", "(0, 5)"), &[]))), "test.npy: there is no sample in it");
    let mut long = b"\x93NUMPY\x02\x00".to_vec();
    long.extend(u32::MAX.to_le_bytes());
    assert!(message(read(&long)).contains("an NPY header in bytes of 4294967295 is over the limit of 65536"));
}

#[test]
fn a_header_that_claims_terabytes_is_refused_before_memory_is_taken() {
    let claim = message(read(&npy(&dictionary("<f8", "False", "(1000000, 1000000)"), &[0; 8])));
    assert!(claim.ends_with("the header claims 8000000000000 bytes of values, but 8 bytes can follow it"), "{claim}");
    let claim = message(read(&npy(&dictionary("<f8", "False", "(4294967296, 4294967296)"), &[0; 8])));
    assert!(claim.contains("makes more values than can be counted"), "{claim}");
    let claim = message(read(&npy(&dictionary("<f8", "False", "(0, 4294967296, 4294967296)"), &[])));
    assert!(claim.contains("makes more values than can be counted"), "{claim}");
}

#[test]
fn infinite_values_are_refused_in_both_orders_and_missing_ones_kept() {
    let values = le(&[0.0, 1.0, f32::INFINITY, 3.0, f32::NAN, 5.0]);
    let refused = |order| message(read(&npy(&dictionary("<f4", order, "(3, 2)"), &values)));
    assert_eq!(
        refused("False"),
        "test.npy, row 2: the value of feature 1 is infinite, or outside of what 32-bit numbers hold"
    );
    assert_eq!(
        refused("True"),
        "test.npy, row 3: the value of feature 1 is infinite, or outside of what 32-bit numbers hold"
    );
    let large = message(read(&npy(&dictionary("<f8", "False", "(1,)"), &1e300f64.to_le_bytes())));
    assert_eq!(large, "test.npy, row 1: the value of feature 1 is infinite, or outside of what 32-bit numbers hold");
    assert_eq!(read(&npy(&dictionary("<f4", "False", "(2,)"), &values[16..])).unwrap().summary().missing, 1);
}

#[test]
fn the_data_and_its_labels_are_found_in_an_npz_by_their_names() {
    let x = npy(&dictionary("<f4", "False", "(2, 2)"), &le(&[1.0, 2.0, 3.0, 4.0]));
    let y = npy(&dictionary("<i8", "False", "(2,)"), &[[1u8, 0, 0, 0, 0, 0, 0, 0], [0; 8]].concat());
    let bytes = npz(&[("X.npy", &x), ("y.npy", &y)]);
    let data = open_npz(&bytes, &NpzOptions::default()).unwrap();
    assert_eq!(data.classes().unwrap(), ["0", "1"]);
    assert_eq!((data.label(0), data.row_f32(1)), (Some(1), Some(&[3.0, 4.0][..])));

    let bytes = npz(&[("images.npy", &x), ("other.npy", &y)]);
    let data = open_npz(&bytes, &NpzOptions { label: Some("other"), ..Default::default() }).unwrap();
    assert_eq!((data.name(), data.label(1)), ("test.npz:images", Some(0)));

    let bytes = npz(&[("x_train.npy", &x), ("y_train.npy", &y), ("x_test.npy", &x)]);
    let error = open_npz(&bytes, &NpzOptions::default()).unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("name it behind a colon: test.npz:x_train"));
    let data = open_npz(&bytes, &NpzOptions { array: Some("x_train"), ..Default::default() }).unwrap();
    assert_eq!(data.label(0), Some(1));
    let endless = npy(&dictionary("<f4", "False", "(1, 2)"), &le(&[f32::INFINITY, 1.0]));
    let endless = npz(&[("X.npy", &endless)]);
    assert!(message(open_npz(&endless, &NpzOptions::default())).contains("infinite"));
    let data = open_npz(&endless, &NpzOptions { keep_infinite: true, ..Default::default() }).unwrap();
    assert_eq!(data.row_f32(0), Some(&[f32::INFINITY, 1.0][..]));
    let words = npy(&dictionary("<U1", "False", "(2,)"), &[0; 8]);
    let error = open_npz(&npz(&[("names.npy", &words), ("a.npy", &x), ("b.npy", &x)]), &NpzOptions::default());
    assert_eq!(message(error), "test.npz: which of its arrays is the data? it has a, b");
    assert!(message(open_npz(&npz(&[("names.npy", &words)]), &NpzOptions::default())).contains("<U1"));
    let bytes = npz(&[("x_train.npy", &x), ("y_train.npy", &y), ("x_test.npy", &x)]);
    let error = open_npz(&bytes, &NpzOptions { array: Some("x_tain"), ..Default::default() }).unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("did you mean \"x_train\"?"));
}

#[test]
fn an_npz_cut_or_changed_anywhere_is_an_error_or_the_same_data() {
    let x = npy(&dictionary("<f4", "False", "(2, 2)"), &le(&[1.0, 2.0, 3.0, 4.0]));
    let bytes = npz(&[("x.npy", &x)]);
    for length in 0..bytes.len() {
        assert!(open_npz(&bytes[..length], &NpzOptions::default()).is_err(), "cut at {length}");
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            if let Ok(data) = open_npz(&changed, &NpzOptions::default()) {
                assert_eq!(data.to_array(), array![[1.0, 2.0], [3.0, 4.0]], "byte {at}, bit {bit}");
            }
        }
    }
}

#[test]
fn a_data_set_is_written_and_read_back_with_its_shape() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digits.npy");
    let digits = enkoder_data::strokes::strokes(20, 3);
    write_npy_dataset(&path, Overwrite::Never, &digits.select(&[5, 6, 7])).unwrap();
    let back = read(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(back.fingerprint(), digits.select(&[5, 6, 7]).fingerprint());
    assert!(matches!(
        write_npy(&path, Overwrite::Never, array![0f32].into_dyn().view()),
        Err(DataError::Exists { .. })
    ));
    let numbers = Dataset::from_f32("numbers", Array2::from_elem((2, 3), 0.5)).unwrap();
    write_npy_dataset(&path, Overwrite::Replace, &numbers).unwrap();
    assert_eq!(read(&fs::read(&path).unwrap()).unwrap().to_array(), numbers.to_array());
}

#[test]
fn the_tables_of_adbench_are_read_with_their_labels() {
    let Some(data) = std::env::var_os("ENKODER_TEST_DATA") else {
        eprintln!("skipped: ENKODER_TEST_DATA is not set");
        return;
    };
    let mut tables = 0;
    for entry in fs::read_dir(Path::new(&data).join("adbench")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "npz") {
            let bytes = fs::read(&path).unwrap();
            let data = read_npz("table", Cursor::new(&bytes), bytes.len() as u64, &NpzOptions::default()).unwrap();
            assert_eq!(data.classes().map(<[String]>::len), Some(2), "{}", path.display());
            assert_eq!(data.first_infinite(), None);
            if path.ends_with("42_WBC.npz") {
                // 223 samples of 9 features, 10 anomalies: ADBench's table of data sets.
                let anomalies = (0..data.len()).filter(|&i| data.label(i) == Some(1)).count();
                assert_eq!((data.len(), data.features(), anomalies), (223, 9, 10));
            }
            tables += 1;
        }
    }
    assert_eq!(tables, 21);
}

proptest! {
    #[test]
    fn numbers_come_back_as_they_were(shape in prop::collection::vec(1usize..5, 1..5), seed: u32, fortran: bool) {
        let value = |i: usize| f32::from_bits((i as u32).wrapping_mul(2_654_435_761) ^ seed) % 1e30;
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count).map(value).map(|v| if v.is_finite() { v } else { 0.5 }).collect();
        let array = ArrayD::from_shape_vec(IxDyn(&shape).set_f(fortran), values).unwrap();
        let mut bytes = Vec::new();
        write_npy_to(&mut bytes, array.view()).unwrap();
        prop_assert_eq!(bytes.len() % 4, 0);
        let back = read(&bytes).unwrap();
        let in_order: Vec<f32> = array.iter().copied().collect();
        prop_assert_eq!(back.len(), shape[0]);
        prop_assert_eq!(back.to_array().iter().copied().collect::<Vec<_>>(), in_order);
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..3) {
        let bytes = match kind {
            0 => bytes,
            1 => [b"\x93NUMPY\x01\x00", &bytes[..]].concat(),
            _ => npy(&String::from_utf8_lossy(&bytes), &[]),
        };
        let _ = read(&bytes);
        let _ = open_npz(&bytes, &NpzOptions::default());
    }
}
