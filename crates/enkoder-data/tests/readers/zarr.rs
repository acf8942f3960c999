//! Zarr of both versions as libraries write it, and folders that lie.

use std::fs;
use std::io::Write;
use std::path::Path;

use enkoder::codec::SampleSource as _;
use enkoder_data::{ArrayOptions, Contents, DataError, ReadOptions, Source, parse_zarr_metadata};
use flate2::{Compression, write::GzEncoder, write::ZlibEncoder};
use proptest::prelude::*;
use tempfile::TempDir;

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn contents(folder: &Path) -> Result<Contents, DataError> {
    Source::find(folder).unwrap().contents(&ReadOptions::default()).map(Option::unwrap)
}

/// The values of an array of f32, read in pieces of some samples.
fn values(folder: &Path, variable: &str, at_once: u64) -> Result<Vec<f32>, String> {
    let arrays = ArrayOptions { variables: vec![variable.to_owned()], ..ArrayOptions::default() };
    let options = ReadOptions { arrays, ..ReadOptions::default() };
    let opened = Source::find(folder).unwrap().open_arrays(&options).map_err(|error| error.to_string())?;
    let mut arrays = opened.unwrap();
    let samples = arrays.samples();
    let mut values = Vec::new();
    for first in (0..samples).step_by(at_once as usize) {
        let bytes = arrays.read(first, (samples - first).min(at_once) as usize).map_err(|error| error.to_string())?;
        arrays.element().extend_f32(&bytes, &mut values);
    }
    Ok(values)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The chunk from (row, column) on of an array of 5 × 7 numbers `10 · row + column`, 2 × 3 of them; beyond the array it has -1.
fn chunk(row: u32, column: u32, transposed: bool, bytes: impl Fn(f32) -> [u8; 4]) -> Vec<u8> {
    let value = |r: u32, c: u32| if r < 5 && c < 7 { (10 * r + c) as f32 } else { -1.0 };
    let places: Vec<(u32, u32)> = if transposed {
        (0..3).flat_map(|c| (0..2).map(move |r| (r, c))).collect()
    } else {
        (0..2).flat_map(|r| (0..3).map(move |c| (r, c))).collect()
    };
    places.into_iter().flat_map(|(r, c)| bytes(value(row + r, column + c))).collect()
}

/// A group of version 2 with one array `t`, its axes and an attribute. The chunk 1.1 is not there.
fn version_2(folder: &Path) {
    write(folder, ".zgroup", r#"{"zarr_format": 2}"#);
    write(folder, ".zattrs", r#"{"title": "a field"}"#);
    let array = r#"{"zarr_format": 2, "shape": [5, 7], "chunks": [2, 3], "dtype": ">f4", "compressor": {"id": "zlib", "level": 1},
        "fill_value": "NaN", "order": "F", "filters": null}"#;
    write(folder, "t/.zarray", array);
    write(folder, "t/.zattrs", r#"{"_ARRAY_DIMENSIONS": ["lat", "lon"], "units": "K", "scale_factor": 0.5}"#);
    for (row, column) in (0..3).flat_map(|row| (0..3).map(move |column| (row, column))).filter(|&place| place != (1, 1))
    {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&chunk(row * 2, column * 3, true, f32::to_be_bytes)).unwrap();
        write(folder, &format!("t/{row}.{column}"), encoder.finish().unwrap());
    }
    let lat = r#"{"zarr_format": 2, "shape": [5], "chunks": [5], "dtype": "<f4", "compressor": null, "fill_value": null,
        "order": "C", "filters": null}"#;
    write(folder, "lat/.zarray", lat);
    write(folder, "lat/.zattrs", r#"{"_ARRAY_DIMENSIONS": ["lat"]}"#);
    write(folder, "lat/0", (0..5u8).flat_map(|i| f32::from(i).to_le_bytes()).collect::<Vec<_>>());
}

fn expected(hole: f32) -> Vec<f32> {
    let value = |i: u32| {
        if (2..4).contains(&(i / 7)) && (3..6).contains(&(i % 7)) { hole } else { (10 * (i / 7) + i % 7) as f32 }
    };
    (0..35).map(value).collect()
}

fn same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()))
}

#[test]
fn version_2_is_read_with_its_axes_orders_and_missing_chunks() {
    let folder = TempDir::new().unwrap();
    version_2(folder.path());
    let found = contents(folder.path()).unwrap();
    assert_eq!((found.format, found.only_data().unwrap().name.as_str()), ("Zarr 2", "t"));
    let t = found.only_data().unwrap();
    assert_eq!((&t.axes[..], &t.chunks[..], t.scale), (&["lat".to_owned(), "lon".into()][..], &[2, 3][..], 0.5));
    assert_eq!(t.filters, ["zlib"]);
    let summary = t.summary().unwrap().unwrap();
    assert_eq!((summary.missing, summary.range), (6, Some((0.0, 23.0))));
    for at_once in [1, 2, 5] {
        assert!(same(&values(folder.path(), "t", at_once).unwrap(), &expected(f32::NAN)), "{at_once}");
    }
    assert_eq!(values(folder.path(), "lat", 5).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0]);
    // An array alone is a source too, and what comes of a group can be trained on.
    assert!(same(&values(&folder.path().join("t"), "t", 5).unwrap(), &expected(f32::NAN)));
    let data = Source::find(folder.path()).unwrap().open(&ReadOptions::default()).unwrap();
    assert_eq!((data.len(), data.shape()), (5, &[7][..]));
}

/// An array of version 3 with these codecs.
fn version_3(folder: &Path, codecs: &str, turned: bool, big: bool, pack: impl Fn(Vec<u8>) -> Vec<u8>) {
    write(folder, "zarr.json", r#"{"zarr_format": 3, "node_type": "group", "attributes": {}}"#);
    let array = format!(
        r#"{{"zarr_format": 3, "node_type": "array", "shape": [5, 7], "data_type": "float32", "fill_value": 2.5,
        "chunk_grid": {{"name": "regular", "configuration": {{"chunk_shape": [2, 3]}}}}, "dimension_names": ["y", "x"],
        "chunk_key_encoding": {{"name": "default", "configuration": {{"separator": "/"}}}}, "codecs": {codecs}}}"#
    );
    write(folder, "deep/t/zarr.json", array);
    write(folder, "deep/zarr.json", r#"{"zarr_format": 3, "node_type": "group"}"#);
    for (row, column) in (0..3).flat_map(|row| (0..3).map(move |column| (row, column))).filter(|&place| place != (1, 1))
    {
        let bytes = chunk(row * 2, column * 3, turned, if big { f32::to_be_bytes } else { f32::to_le_bytes });
        write(folder, &format!("deep/t/c/{row}/{column}"), pack(bytes));
    }
}

#[test]
fn version_3_is_read_with_its_codecs_and_others_are_refused_by_name() {
    let bytes = r#"{"name": "bytes", "configuration": {"endian": "little"}}"#;
    let turn = r#"{"name": "transpose", "configuration": {"order": [1, 0]}}"#;
    let big = bytes.replace("little", "big");
    for (codecs, turned, is_big, pack) in [
        (format!("[{bytes}]"), false, false, (|bytes| bytes) as fn(Vec<u8>) -> Vec<u8>),
        (format!(r#"[{turn}, {big}, {{"name": "gzip", "configuration": {{"level": 1}}}}]"#), true, true, |bytes| {
            gzip(&bytes)
        }),
        (format!(r#"[{bytes}, {{"name": "zstd", "configuration": {{"level": 0}}}}]"#), false, false, |bytes| {
            zstd::encode_all(&bytes[..], 1).unwrap()
        }),
    ] {
        let folder = TempDir::new().unwrap();
        version_3(folder.path(), &codecs, turned, is_big, pack);
        let found = contents(folder.path()).unwrap();
        assert_eq!((found.format, &found.groups[..]), ("Zarr 3", &["/deep".to_owned()][..]));
        assert!(same(&values(folder.path(), "/deep/t", 2).unwrap(), &expected(2.5)), "{codecs}");
    }
    let folder = TempDir::new().unwrap();
    version_3(folder.path(), &format!(r#"[{bytes}, {{"name": "numcodecs.delta"}}]"#), false, false, |bytes| bytes);
    let error = values(folder.path(), "/deep/t", 2).unwrap_err();
    assert!(error.contains("packed with numcodecs.delta"), "{error}");
}

/// Shards of four chunks of 2×3 for 4×6 values, of which some are not there, packed by gzip with their index at either end.
#[test]
fn shards_are_read_with_the_chunks_that_they_have() {
    let index = |first: bool, chunks: &[Option<Vec<u8>>]| {
        let mut at = if first { chunks.len() as u64 * 16 } else { 0 };
        let mut entries = Vec::new();
        for chunk in chunks {
            let (offset, bytes) = chunk.as_ref().map_or((u64::MAX, u64::MAX), |chunk| (at, chunk.len() as u64));
            at += chunk.as_ref().map_or(0, |_| bytes);
            entries.extend([offset.to_le_bytes(), bytes.to_le_bytes()].concat());
        }
        entries
    };
    let write_all = |folder: &Path, first: bool| {
        let bytes = r#"{"name": "bytes", "configuration": {"endian": "little"}}"#;
        let place = if first { "start" } else { "end" };
        let codecs = format!(
            r#"[{{"name": "sharding_indexed", "configuration": {{"chunk_shape": [2, 3], "index_location": "{place}",
            "codecs": [{bytes}, {{"name": "gzip", "configuration": {{"level": 1}}}}], "index_codecs": [{bytes}]}}}}]"#
        );
        let array = format!(
            r#"{{"zarr_format": 3, "node_type": "array", "shape": [5, 7], "data_type": "float32", "fill_value": 2.5,
            "chunk_grid": {{"name": "regular", "configuration": {{"chunk_shape": [4, 6]}}}},
            "chunk_key_encoding": {{"name": "default"}}, "codecs": {codecs}}}"#
        );
        write(folder, "t/zarr.json", array);
        write(folder, "zarr.json", r#"{"zarr_format": 3, "node_type": "group"}"#);
        for (row, column) in [(0, 0), (0, 1), (1, 0), (1u32, 1u32)] {
            let part = |(y, x): (u32, u32)| {
                let (y, x) = (row * 2 + y, column * 2 + x);
                ((y, x) != (1, 1)).then(|| gzip(&chunk(y * 2, x * 3, false, f32::to_le_bytes)))
            };
            let chunks = [(0, 0), (0, 1), (1, 0), (1, 1)].map(part);
            let (entries, whole) = (index(first, &chunks), chunks.into_iter().flatten().flatten().collect());
            write(
                folder,
                &format!("t/c/{row}/{column}"),
                if first { [entries, whole].concat() } else { [whole, entries].concat() },
            );
        }
    };
    for first in [false, true] {
        let folder = TempDir::new().unwrap();
        write_all(folder.path(), first);
        assert!(same(&values(folder.path(), "t", 2).unwrap(), &expected(2.5)), "{first}");
        // An index that is cut off, or that leads out of its file.
        for damaged in [vec![], vec![0; 63], [0xfe; 64].to_vec()] {
            write(folder.path(), "t/c/0/0", damaged);
            assert!(values(folder.path(), "t", 2).unwrap_err().contains("damaged"));
        }
    }
}

/// Blosc by each of its packers, sorted or not, in zip files as `recorded/zarr/write.py` writes them.
#[test]
fn zip_files_and_blosc_are_read_as_zarr_writes_them() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/recorded/zarr");
    let smooth: Vec<f32> = (0..4100u16).map(|i| f32::from(i / 7)).collect();
    let file = recorded.join("v2.zarr.zip");
    let found = contents(&file).unwrap();
    assert_eq!((found.format, found.arrays.len()), ("Zarr 2", 18));
    for packer in ["blosclz", "lz4", "lz4hc", "zlib", "zstd"] {
        for sorted in 0..3 {
            assert_eq!(values(&file, &format!("{packer}_{sorted}"), 17).unwrap(), smooth, "{packer}, {sorted}");
        }
    }
    assert_eq!(values(&file, "blocks", 100).unwrap(), smooth);
    let mut state = 1u64;
    let next = |_| {
        state = (state * 1_103_515_245 + 12345) & 0x7fff_ffff;
        f32::from((state >> 16) as u8)
    };
    let noise: Vec<f32> = (0..9000).map(next).collect();
    let far: Vec<f32> = noise.iter().copied().cycle().take(40_000).collect();
    assert_eq!(values(&file, "noise", 1000).unwrap(), far[..1000]);
    assert_eq!(values(&file, "far", 40_000).unwrap(), far);
    let file = recorded.join("v3.zarr.zip");
    assert_eq!(contents(&file).unwrap().groups, ["/deep"]);
    assert_eq!(values(&file, "/deep/t", 100).unwrap(), smooth);
    // All in one folder of the archive, as `zip -r` makes of a folder.
    let place = TempDir::new().unwrap();
    let mut inside = zip::ZipWriter::new(fs::File::create(place.path().join("in.zip")).unwrap());
    let array = r#"{"zarr_format": 2, "shape": [2], "chunks": [2], "dtype": "<f4", "compressor": null, "fill_value": 0, "order": "C", "filters": null}"#;
    for (name, content) in
        [("run.zarr/.zgroup", "{}"), ("run.zarr/t/.zarray", array), ("run.zarr/t/0", "\0\0\0\0\0\0\0\0")]
    {
        inside.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        inside.write_all(content.as_bytes()).unwrap();
    }
    inside.finish().unwrap();
    assert_eq!(values(&place.path().join("in.zip"), "t", 2).unwrap(), [0.0; 2]);
}

#[test]
fn what_a_folder_claims_is_held_against_what_is_there() {
    let folder = TempDir::new().unwrap();
    version_2(folder.path());
    let array = |shape: &str, chunks: &str| {
        format!(
            r#"{{"zarr_format": 2, "shape": {shape}, "chunks": {chunks}, "dtype": "<f4", "compressor": null,
            "fill_value": 0, "order": "C", "filters": null}}"#
        )
    };
    let reading = || values(folder.path(), "t", 1).map(|values| values.len());
    // A billion chunks that are not there, and numbers that cannot be counted.
    for (shape, chunks) in [
        ("[1000000000, 1000]", "[1, 1]"),
        ("[18446744073709551615, 2]", "[1, 1]"),
        ("[4, 4]", "[4611686018427387904, 4]"),
        ("[1, 268000000]", "[1, 1]"),
    ] {
        write(folder.path(), "t/.zarray", array(shape, chunks));
        assert!(reading().is_err(), "{shape}");
    }
    write(folder.path(), "t/.zarray", array("[4, 4]", "[0, 4]"));
    assert!(contents(folder.path()).is_err());
    write(folder.path(), "t/.zarray", array("[4, 4]", "[4]"));
    assert!(contents(folder.path()).is_err());
    // A chunk of another size.
    write(folder.path(), "t/.zarray", array("[2, 2]", "[2, 2]"));
    write(folder.path(), "t/0.0", [0; 15]);
    assert!(reading().unwrap_err().contains("15 bytes instead of 16"));
    write(folder.path(), "t/0.0", [0; 17]);
    assert!(reading().is_err());
    // No link is followed out of the folder.
    #[cfg(unix)]
    {
        let outside = TempDir::new().unwrap();
        write(outside.path(), "secret", [1; 16]);
        fs::remove_file(folder.path().join("t/0.0")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("t/0.0")).unwrap();
        assert!(reading().unwrap_err().contains("out of the folder"));
        version_2(outside.path());
        std::os::unix::fs::symlink(outside.path(), folder.path().join("other")).unwrap();
        assert!(contents(folder.path()).unwrap().groups.is_empty());
    }
}

proptest! {
    #[test]
    fn any_description_is_read_or_refused_without_a_panic(
        shape in prop::collection::vec(any::<u64>(), 0..4),
        chunks in prop::collection::vec(any::<u64>(), 0..4),
        word in "[<>|a-z0-9]{0,4}",
    ) {
        let json = format!(r#"{{"zarr_format": 2, "shape": {shape:?}, "chunks": {chunks:?}, "dtype": "{word}", "fill_value": 1e300}}"#);
        let _ = parse_zarr_metadata(json.as_bytes());
        let folder = TempDir::new().unwrap();
        write(folder.path(), ".zarray", json);
        if let Ok(contents) = contents(folder.path()) {
            for array in &contents.arrays {
                if array.shape.iter().fold(1u64, |product, &axis| product.saturating_mul(axis)) < 1 << 16 {
                    let _ = array.summary();
                }
            }
        }
    }

    #[test]
    fn damaged_blosc_is_refused_or_read_without_a_panic(
        which in 0..4usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/recorded/zarr/v2.zarr.zip");
        let mut archive = zip::ZipArchive::new(fs::File::open(recorded).unwrap()).unwrap();
        let name = ["blosclz_1", "lz4_2", "zlib_1", "zstd_0"][which];
        let mut bytes = Vec::new();
        std::io::copy(&mut archive.by_name(&format!("{name}/0.0")).unwrap(), &mut bytes).unwrap();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let folder = TempDir::new().unwrap();
        let array = r#"{"zarr_format": 2, "shape": [60, 41], "chunks": [60, 41], "dtype": "<f4",
            "compressor": {"id": "blosc"}, "fill_value": 0, "order": "C", "filters": null}"#;
        write(folder.path(), ".zgroup", r#"{"zarr_format": 2}"#);
        write(folder.path(), "t/.zarray", array);
        write(folder.path(), "t/0.0", bytes);
        let _ = values(folder.path(), "t", 60);
    }
}

#[test]
fn zeros_of_a_plain_array_are_values_though_chunks_that_are_not_there_are_full_of_them() {
    let array = r#"{"zarr_format": 2, "shape": [4], "chunks": [2], "dtype": "|u1", "compressor": null, "fill_value": 0, "order": "C", "filters": null}"#;
    for (attributes, missing) in [("{}", 0), (r#"{"_ARRAY_DIMENSIONS": ["x"]}"#, 3)] {
        let folder = TempDir::new().unwrap();
        write(folder.path(), "t/.zarray", array);
        write(folder.path(), "t/.zattrs", attributes);
        write(folder.path(), ".zgroup", r#"{"zarr_format": 2}"#);
        write(folder.path(), "t/0", [0, 7]);
        let found = contents(folder.path()).unwrap();
        assert_eq!(found.arrays[0].summary().unwrap().unwrap().missing, missing, "{attributes}");
    }
}
