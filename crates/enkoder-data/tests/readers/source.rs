//! One door for all formats: what is in a file counts, not what it is called.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use enkoder::Dataset;
use enkoder::codec::ElementType;
use enkoder_data::export::Overwrite;
use enkoder_data::images::write_images;
use enkoder_data::npy::{NpyForm, write_npy, write_npy_dataset};
use enkoder_data::npz::NpzWriter;
use enkoder_data::{DataError, Format, ReadOptions, Source, TableOptions, builtin, open, strokes};
use flate2::{Compression, write::GzEncoder};
use ndarray::array;

fn open_path(path: &Path) -> Result<Dataset, DataError> {
    open(path.to_str().unwrap(), &ReadOptions::default())
}

fn test_data(path: &str) -> Option<PathBuf> {
    let Some(data) = std::env::var_os("ENKODER_TEST_DATA") else {
        eprintln!("skipped: ENKODER_TEST_DATA is not set");
        return None;
    };
    Some(Path::new(&data).join(path))
}

#[test]
fn a_file_is_read_by_its_content_whatever_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.csv");
    write_npy(&path, Overwrite::Never, array![[1f32, 2.0]].into_dyn().view()).unwrap();
    let data = open_path(&path).unwrap();
    assert_eq!((data.name(), data.features()), ("array", 2));

    let table = b"a,b\n1,2\n3,4\n";
    let path = folder.path().join("table.bin");
    let mut packed = GzEncoder::new(fs::File::create(&path).unwrap(), Compression::default());
    packed.write_all(table).unwrap();
    packed.finish().unwrap();
    assert_eq!(Format::of(&path).unwrap(), Format::Csv);
    assert_eq!(open_path(&path).unwrap().to_array(), array![[1.0, 2.0], [3.0, 4.0]]);

    let path = folder.path().join("weather");
    fs::write(&path, "% a comment\n@relation weather\n@attribute t numeric\n@data\n21.5\n18\n").unwrap();
    assert_eq!(open_path(&path).unwrap().to_array(), array![[21.5], [18.0]]);
}

#[test]
fn what_cannot_be_opened_is_said_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.xyz");
    fs::write(&path, [0u8, 1, 2, 3]).unwrap();
    assert!(matches!(open_path(&path), Err(DataError::UnknownFormat { .. })));
    fs::write(&path, "").unwrap();
    assert!(open_path(&path).unwrap_err().to_string().ends_with("data.xyz: the file is empty: there is no byte in it"));
    let path = folder.path().join("damaged.npy");
    fs::write(&path, [0u8, 1, 2, 3]).unwrap();
    let error = open_path(&path).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "damaged.npy, byte 4: the data ends inside the NPY magic string: 6 bytes from byte 0 on are needed"
        ),
        "{error}"
    );
    assert!(open_path(&folder.path().join("none.csv")).unwrap_err().to_string().starts_with("cannot open "));
    let error = open("stokes", &ReadOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "there is no file or built-in data \"stokes\"");
    assert_eq!(error.hint().as_deref(), Some("did you mean \"strokes\"?"));
    #[cfg(unix)]
    assert!(open_path(Path::new("/dev/null")).unwrap_err().to_string().contains("a pipe or device"));
    let pattern = folder.path().join("*.png");
    assert!(open_path(&pattern).unwrap_err().to_string().ends_with("no file matches the pattern"));
}

#[test]
fn the_number_of_samples_bounds_files_and_makes_as_many_strokes() {
    let options = ReadOptions { samples: Some(30), seed: 9, ..ReadOptions::default() };
    assert_eq!(open("strokes", &options).unwrap().fingerprint(), strokes::strokes(30, 9).fingerprint());
    assert_eq!(open("strokes:20", &options).unwrap().len(), 20);
    assert_eq!(open("strokes:40", &options).unwrap().len(), 30);
    let none = ReadOptions { samples: Some(0), ..ReadOptions::default() };
    assert!(open("strokes", &none).is_err());
}

#[test]
fn a_folder_a_pattern_and_a_single_image_are_data() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_images(&photos, Overwrite::Never, &strokes::strokes(12, 1), (0.0, 255.0)).unwrap();
    let data = open_path(&photos).unwrap();
    assert_eq!((data.name(), data.len()), ("photos", 12));
    assert_eq!(open_path(&photos.join("000*.png")).unwrap().len(), 10);
    let data = open_path(&photos.join("0003.png")).unwrap();
    assert_eq!((data.name(), data.len(), data.shape()), ("0003", 1, &[28, 28][..]));
}

#[test]
fn the_files_of_a_source_are_those_that_are_read() {
    let folder = tempfile::tempdir().unwrap();
    write_images(folder.path(), Overwrite::Never, &strokes::strokes(2, 1), (0.0, 255.0)).unwrap();
    fs::write(folder.path().join("notes.txt"), "no image").unwrap();
    let images = ["0000.png", "0001.png"].map(|name| folder.path().join(name));
    let files = |name: &Path| Source::find(name).unwrap().files(&ReadOptions::default()).unwrap();
    assert_eq!(files(folder.path()), images);
    assert_eq!(files(&folder.path().join("*1.png")), images[1..]);
    assert_eq!(files(&images[0]), images[..1]);
    assert!(files(Path::new("strokes")).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_are_opened() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let name = |end: &[u8]| folder.path().join(OsStr::from_bytes(&[b"caf\xe9", end].concat()));
    let digits = strokes::strokes(5, 1);
    write_npy_dataset(&name(b".npy"), Overwrite::Never, &digits).unwrap();
    write_images(&name(b""), Overwrite::Never, &digits, (0.0, 255.0)).unwrap();
    fs::copy(name(b"").join("0000.png"), name(b".png")).unwrap();
    let mut npz =
        NpzWriter::new(folder.path(), ["a", "b"].map(|name| (name.to_owned(), NpyForm::plain(ElementType::U8))))
            .unwrap();
    (0..2).for_each(|array| npz.write(array, &[7; 6]).unwrap());
    npz.finish(fs::File::create(name(b".npz")).unwrap(), &[vec![3, 2], vec![2, 3]]).unwrap();
    for (end, samples) in [(&b".npy"[..], 5), (b"", 5), (b".png", 1), (b".npz:b", 2)] {
        assert_eq!(open(name(end), &ReadOptions::default()).unwrap().len(), samples);
    }
    assert!(matches!(open(name(b".none"), &ReadOptions::default()), Err(DataError::Io { .. })));
    assert_eq!(open_path(&folder.path().join("*.png")).unwrap().len(), 1, "a pattern finds them too");
}

#[test]
fn every_built_in_name_is_short_and_explained() {
    let names: Vec<&str> = builtin().iter().map(|data| data.name).collect();
    assert_eq!(names, ["strokes", "pump", "plant", "fields", "mnist"]);
    assert!(builtin().iter().all(|data| !data.about.is_empty()));
}

#[test]
fn real_arrays_tables_and_images_are_opened() {
    let Some(path) = test_data("adbench/42_WBC.npz") else { return };
    let data = open_path(&path).unwrap();
    assert_eq!((data.name(), data.len(), data.features()), ("42_WBC", 223, 9));
    assert_eq!(data.classes().unwrap(), ["0", "1"]);
    let part = format!("{}:X", path.display());
    assert_eq!(open(&part, &ReadOptions::default()).unwrap().name(), "42_WBC:X");
    let table = TableOptions { label: Some("X".into()), ..TableOptions::default() };
    let options = ReadOptions { table, ..ReadOptions::default() };
    // The array of the data cannot be its labels too.
    assert!(open(path.to_str().unwrap(), &options).is_err());

    let temperature = open_path(&test_data("climate/trefht_run57.npy").unwrap()).unwrap();
    assert_eq!((temperature.len(), temperature.shape()), (110, &[64, 128][..]));
    let summary = temperature.summary();
    assert!(summary.min > 180.0 && summary.max < 340.0, "kelvin: {summary:?}");

    let photographs = open_path(&test_data("images/Train400").unwrap()).unwrap();
    assert_eq!((photographs.len(), photographs.shape()), (400, &[180, 180][..]));
    let mnist = open_path(&test_data("mnist").unwrap()).unwrap();
    assert_eq!((mnist.name(), mnist.len(), mnist.classes().unwrap().len()), ("mnist", 70_000, 10));
    let test_set = open_path(&test_data("mnist/t10k-images-idx3-ubyte.gz").unwrap()).unwrap();
    assert_eq!((test_set.len(), test_set.label(0)), (10_000, Some(7)));
}
