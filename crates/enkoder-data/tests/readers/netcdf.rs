//! Files of scientists: what is in them, and their numbers as another reader of the same formats has them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use enkoder::codec::SampleSource as _;
use enkoder_data::netcdf::{NetcdfWriter, Written};
use enkoder_data::{ArrayOptions, Description, ReadOptions, Source};

fn options(variable: &str) -> ReadOptions {
    let arrays = ArrayOptions { variables: vec![variable.to_owned()], ..ArrayOptions::default() };
    ReadOptions { arrays, ..ReadOptions::default() }
}

/// CRC-32 of the stored numbers of a variable, little-endian.
fn checksum(path: &Path, variable: &str) -> u32 {
    let mut arrays = Source::find(path).unwrap().open_arrays(&options(variable)).unwrap().unwrap();
    let mut hasher = crc32fast::Hasher::new();
    let samples = arrays.samples();
    for first in (0..samples).step_by(7) {
        hasher.update(&arrays.read(first, (samples - first).min(7) as usize).unwrap());
    }
    hasher.finalize()
}

#[test]
fn every_number_of_real_files_is_the_one_that_netcdf4_for_python_reads() {
    let Ok(folder) = std::env::var("ENKODER_TEST_DATA") else {
        eprintln!("skipped: ENKODER_TEST_DATA is not set");
        return;
    };
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    let (mut last, mut contents) = (String::new(), None);
    for line in include_str!("recorded/netcdf.tsv").lines().skip(1) {
        let [file, variable, kind, shape, sum, missing, low, high] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let path = Path::new(&folder).join("netcdf").join(file);
        if !cfg!(feature = "hdf5") && fs::read(&path).unwrap().starts_with(b"\x89HDF") {
            continue;
        }
        seen.insert(file);
        if last != file {
            contents = Source::find(&path).unwrap().contents(&ReadOptions::default()).unwrap();
            last = file.to_owned();
        }
        let array = contents.as_ref().unwrap().arrays.iter().find(|array| array.name == variable);
        let Some(array) = array else {
            wrong.push(format!("{file} {variable}: not found"));
            continue;
        };
        let axes: Vec<String> = array.shape.iter().map(u64::to_string).collect();
        let found = (array.type_name.as_str(), axes.join("x"));
        if found != (kind, shape.to_owned()) {
            wrong.push(format!("{file} {variable}: {found:?} is not {kind} of {shape}"));
            continue;
        }
        if kind == "text" || array.shape.contains(&0) {
            continue;
        }
        if !array.shape.is_empty() && format!("{:08x}", checksum(&path, variable)) != sum {
            wrong.push(format!("{file} {variable}: other numbers"));
        }
        // Looking at values one by one takes long without optimisation.
        if array.shape.iter().product::<u64>() > 20_000 {
            continue;
        }
        let summary = array.summary().unwrap().unwrap();
        let range = if low.is_empty() { None } else { Some((low.parse().unwrap(), high.parse().unwrap())) };
        if (summary.missing.to_string().as_str(), summary.range) != (missing, range) {
            wrong.push(format!("{file} {variable}: {summary:?} is not {missing} missing, {range:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen.len() >= 51, "{}", seen.len());
}

#[test]
fn netcdf_3_with_64_bit_data_is_read_with_its_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/recorded/cdf5.nc");
    let mut steps = Source::find(&path).unwrap().open_arrays(&options("steps")).unwrap().unwrap();
    let expected: Vec<u8> = (3..6i64).flat_map(|i| (i + (1 << 40)).to_le_bytes()).collect();
    assert_eq!((steps.samples(), steps.read(1, 1).unwrap()), (2, expected));
    let mask = Source::find(&path).unwrap().open(&options("mask")).unwrap();
    assert_eq!(mask.row_u8(1), Some(&[200][..]));
    let v = Source::find(&path).unwrap().open(&options("v")).unwrap();
    let values: Vec<f32> = (0..3).map(|row| v.row_f32(row).unwrap()[0]).collect();
    assert_eq!((values[0], values[1].is_nan(), values[2]), (1.0, true, 65000.0));
}

/// Writes the array that is chosen and all that is kept beside it as NetCDF, without a codec between.
fn rewritten(path: &Path, variable: &str, to: &Path) -> Vec<String> {
    let mut arrays = Source::find(path).unwrap().open_arrays(&options(variable)).unwrap().unwrap();
    let (description, _) = arrays.description().unwrap();
    let description = Description::parse(&description).unwrap();
    let names = arrays.layout().variables;
    let (element, shape) = (arrays.element(), arrays.array().to_vec());
    let written: Vec<_> = names.into_iter().map(|name| Written { name, element, shape: shape.clone() }).collect();
    let mut writer = NetcdfWriter::new(&description, &written, 0).unwrap();
    let mut out = std::io::BufWriter::new(fs::File::create(to).unwrap());
    writer.begin(&mut out).unwrap();
    let samples = arrays.samples();
    for first in (0..samples).step_by(5) {
        let bytes = arrays.read(first, (samples - first).min(5) as usize).unwrap();
        writer.write(&mut out, 0, &bytes).unwrap();
    }
    writer.finish(&mut out).unwrap();
    description.not_kept().to_vec()
}

#[test]
fn real_files_are_written_again_with_all_that_is_beside_their_data() {
    let Ok(folder) = std::env::var("ENKODER_TEST_DATA") else {
        eprintln!("skipped: ENKODER_TEST_DATA is not set");
        return;
    };
    let to = tempfile::tempdir().unwrap().keep();
    let mut written = 0;
    let mut paths: Vec<_> =
        fs::read_dir(Path::new(&folder).join("netcdf")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension != "jsonl")) {
        let Ok(Some(contents)) = Source::find(path).unwrap().contents(&ReadOptions::default()) else { continue };
        let Some(data) = contents.arrays.iter().find(|array| array.is_data()) else { continue };
        let back = to.join("back.nc");
        let not_kept = rewritten(path, &data.name, &back);
        let again = Source::find(&back).unwrap().contents(&ReadOptions::default()).unwrap().unwrap();
        for array in contents.arrays.iter().filter(|array| array.name == data.name || array.is_coordinate) {
            let leaf = array.name.rsplit('/').next().unwrap();
            let dotted = array.name.trim_start_matches('/').replace('/', ".");
            let Some(found) = again.arrays.iter().find(|other| other.name == leaf || other.name == dotted) else {
                assert!(
                    not_kept.iter().any(|line| line.starts_with(&array.name)),
                    "{}: {}",
                    path.display(),
                    array.name
                );
                continue;
            };
            let about = format!("{}: {}", path.display(), array.name);
            assert_eq!(
                (&found.shape, &found.type_name, &found.units),
                (&array.shape, &array.type_name, &array.units),
                "{about}"
            );
            if array.shape.iter().product::<u64>() <= 20_000 {
                assert_eq!(found.summary().unwrap(), array.summary().unwrap(), "{about}");
            }
            if !array.shape.is_empty() && array.type_name != "text" {
                assert_eq!(checksum(&back, &found.name), checksum(path, &array.name), "{about}");
            }
        }
        written += 1;
    }
    fs::remove_dir_all(&to).unwrap();
    assert!(written >= 40, "{written}");
}
