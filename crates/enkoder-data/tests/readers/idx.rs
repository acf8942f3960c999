//! IDX: published bytes, round trips, and files that lie.

use std::fs;
use std::io::Write;
use std::path::Path;

use enkoder::Dataset;
use enkoder_data::idx::{IdxFolder, read_idx, read_idx_file};
use enkoder_data::{ByteSource, DataError};
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

fn read(bytes: &[u8]) -> Result<Dataset, DataError> {
    ByteSource::from_bytes("test.idx", bytes).and_then(|mut source| read_idx(&mut source))
}

fn idx(kind: u8, dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|n| n.to_be_bytes()));
    bytes.extend_from_slice(values);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn message(result: Result<Dataset, DataError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn two_images_of_two_by_three_bytes_are_read_as_they_lie() {
    let bytes = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255];
    for content in [bytes.to_vec(), gzip(&bytes)] {
        let data = read(&content).unwrap();
        assert_eq!((data.len(), data.shape()), (2, &[2, 3][..]));
        assert_eq!(data.row_u8(0), Some(&[0, 1, 2, 3, 4, 5][..]));
        assert_eq!(data.row_u8(1), Some(&[250, 251, 252, 253, 254, 255][..]));
    }
}

#[test]
fn numbers_are_big_endian() {
    let data = read(&idx(0x0b, &[2, 1], &[1, 0, 0xff, 0xff])).unwrap();
    assert_eq!((data.row_f32(0), data.row_f32(1)), (Some(&[256.0][..]), Some(&[-1.0][..])));
}

#[test]
fn every_truncation_of_a_small_file_is_an_error_that_says_where() {
    let bytes = idx(0x0d, &[2, 3], &[0; 24]);
    for length in 0..bytes.len() {
        assert!(message(read(&bytes[..length])).starts_with("test.idx, byte "), "cut at {length}");
        assert!(read(&gzip(&bytes[..length])).is_err(), "packed, cut at {length}");
    }
}

#[test]
fn what_is_wrong_with_a_header_is_said() {
    assert_eq!(message(read(&[1, 0, 8, 1, 0])), "test.idx, byte 0: IDX begins with two zero bytes, not with 0x01 0x00");
    assert_eq!(message(read(&idx(7, &[1], &[1]))), "test.idx, byte 2: IDX has no value type 0x07");
    assert_eq!(message(read(&idx(8, &[], &[1]))), "test.idx, byte 3: an IDX array of 0 dimensions has no samples");
    assert_eq!(message(read(&idx(8, &[0, 4], &[]))), "test.idx: there is no sample in it");
    assert_eq!(message(read(&idx(8, &[4, 0], &[]))), "test.idx, byte 8: dimension 1 of the IDX array is 0");
    assert_eq!(message(read(&idx(8, &[2], &[1, 2, 3]))), "test.idx, byte 10: 1 more bytes follow after the last value");
    let packed = gzip(&idx(8, &[2], &[1, 2, 3]));
    assert_eq!(message(read(&packed)), "test.idx, byte 10: more bytes follow after the last value");
}

#[test]
fn a_header_that_claims_terabytes_is_refused_before_memory_is_taken() {
    let claim = idx(8, &[u32::MAX, 1024], &[0; 16]);
    let why = "test.idx, byte 12: the header claims 4398046510080 bytes of values, but 16 bytes can follow it";
    assert_eq!(message(read(&claim)), why);
    assert!(message(read(&gzip(&claim))).contains("but at most"));
    let overflow = idx(8, &[u32::MAX; 9], &[0; 16]);
    assert!(message(read(&overflow)).contains("make more values than can be counted"));
    let overflow = idx(0x0e, &[u32::MAX, u32::MAX], &[0; 16]);
    assert!(message(read(&overflow)).contains("claims more bytes than can be counted"));
}

#[test]
fn infinite_values_are_refused_and_missing_ones_kept() {
    let values: Vec<u8> = [1.0, f32::NAN, 3.0, f32::INFINITY].iter().flat_map(|v| v.to_be_bytes()).collect();
    let why = "test.idx, row 2: the value of feature 2 is infinite, or outside of what 32-bit numbers hold";
    assert_eq!(message(read(&idx(0x0d, &[2, 2], &values))), why);
    assert_eq!(read(&idx(0x0d, &[1, 2], &values[..8])).unwrap().summary().missing, 1);
}

#[test]
fn images_are_joined_with_the_labels_beside_them_packed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("train-images-idx3-ubyte");
    fs::write(&images, idx(8, &[3, 1, 2], &[1, 2, 3, 4, 5, 6])).unwrap();
    fs::write(folder.path().join("train-labels-idx1-ubyte.gz"), gzip(&idx(8, &[3], &[7, 5, 7]))).unwrap();
    let data = read_idx_file(&images).unwrap();
    assert_eq!(data.classes().unwrap(), ["5", "7"]);
    assert_eq!([0, 1, 2].map(|i| data.label(i).unwrap()), [1, 0, 1]);

    fs::write(folder.path().join("t10k-images-idx3-ubyte"), idx(8, &[1, 1, 2], &[9, 9])).unwrap();
    fs::write(folder.path().join("t10k-labels-idx1-ubyte"), idx(8, &[1], &[0])).unwrap();
    let data = IdxFolder::find(folder.path()).unwrap().unwrap().read().unwrap();
    assert_eq!((data.len(), data.classes().unwrap().len()), (4, 3));
    assert_eq!(data.row_u8(3), Some(&[9, 9][..]));

    fs::write(folder.path().join("t10k-images-idx3-ubyte"), idx(8, &[1, 1, 3], &[9, 9, 9])).unwrap();
    let error = IdxFolder::find(folder.path()).unwrap().unwrap().read().unwrap_err();
    assert!(error.to_string().contains("samples of shape [1, 3]"), "{error}");
}

#[test]
fn labels_that_are_too_few_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("a-images-idx3-ubyte");
    fs::write(&images, idx(8, &[3, 1, 1], &[1, 2, 3])).unwrap();
    fs::write(folder.path().join("a-labels-idx1-ubyte"), idx(8, &[2], &[7, 5])).unwrap();
    assert!(matches!(read_idx_file(&images), Err(DataError::Dataset { .. })));
}

#[test]
fn a_folder_without_a_training_set_is_no_idx_folder() {
    let folder = tempfile::tempdir().unwrap();
    assert!(IdxFolder::find(folder.path()).unwrap().is_none());
}

#[test]
fn the_files_of_mnist_are_70_000_labelled_images() {
    let Some(data) = std::env::var_os("ENKODER_TEST_DATA") else {
        eprintln!("skipped: ENKODER_TEST_DATA is not set");
        return;
    };
    let folder = Path::new(&data).join("mnist");
    let data = IdxFolder::find(&folder).unwrap().unwrap().read().unwrap();
    assert_eq!((data.len(), data.shape(), data.is_u8()), (70_000, &[28, 28][..], true));
    let sum = |i: usize| data.row_u8(i).unwrap().iter().map(|&pixel| u64::from(pixel)).sum::<u64>();
    assert_eq!((data.label(0), sum(0)), (Some(5), 27_525));
    assert_eq!((data.label(60_000), sum(60_000)), (Some(7), 18_454));
    let mut counts = [0; 10];
    (0..data.len()).for_each(|i| counts[data.label(i).unwrap() as usize] += 1);
    // Labels of the 70,000 digits as counted on OpenML's page of data set 554.
    assert_eq!(counts, [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]);
}

proptest! {
    #[test]
    fn bytes_come_back_as_they_were_packed_or_not(
        dimensions in prop::collection::vec(1u32..6, 1..5), seed: u8, pack: bool,
    ) {
        let count: u32 = dimensions.iter().product();
        let values: Vec<u8> = (0..count).map(|i| (i as u8).wrapping_mul(31) ^ seed).collect();
        let bytes = idx(8, &dimensions, &values);
        let data = read(&if pack { gzip(&bytes) } else { bytes }).unwrap();
        prop_assert_eq!(data.len(), dimensions[0] as usize);
        let back: Vec<u8> = (0..data.len()).flat_map(|i| data.row_u8(i).unwrap().to_vec()).collect();
        prop_assert_eq!(back, values);
    }

    #[test]
    fn doubles_come_back_rounded_to_f32(values in prop::collection::vec(-1e30f64..1e30, 1..50)) {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_be_bytes()).collect();
        let data = read(&idx(0x0e, &[values.len() as u32], &bytes)).unwrap();
        let back: Vec<f32> = data.to_array().iter().copied().collect();
        prop_assert_eq!(back, values.iter().map(|&v| v as f32).collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), header: bool) {
        let bytes = if header { [&[0, 0, 8, 1, 0, 0, 0][..], &bytes].concat() } else { bytes };
        let _ = read(&bytes);
    }
}
