//! Arrays of every kind come out of their files bit for bit, in pieces, cut and put together again; and files that lie are refused.

use std::fs;
use std::path::{Path, PathBuf};

use enkoder::codec::{ElementType, Layout, SampleSource as _};
use enkoder_data::netcdf::read_netcdf_header;
use enkoder_data::npy::write_array_header;
use enkoder_data::{ArrayOptions, Arrays, Assembly, ByteSource, DataError, RawFormat, ReadOptions, Source};
use netcdf3::{DataSet, FileWriter, Version};
use proptest::prelude::*;

fn options(variables: &[&str], block: &[usize]) -> ReadOptions {
    let variables = variables.iter().map(|name| name.to_string()).collect();
    ReadOptions { arrays: ArrayOptions { variables, block: block.to_vec(), raw: None }, ..ReadOptions::default() }
}

fn raw_options(shape: &[u64], element: &str, block: &[usize]) -> ReadOptions {
    let raw = RawFormat { shape: shape.to_vec(), element: element.parse().unwrap() };
    ReadOptions {
        arrays: ArrayOptions { block: block.to_vec(), raw: Some(raw), ..Default::default() },
        ..Default::default()
    }
}

fn open(path: &Path, options: &ReadOptions) -> Result<Arrays, DataError> {
    let names = [path.to_str().unwrap().to_owned()];
    Source::find_all(&names)?.open_arrays(options).map(|arrays| arrays.expect("a file of arrays"))
}

fn message<T>(result: Result<T, DataError>) -> String {
    let error = result.err().expect("an error");
    format!("{error}\nhint: {}", error.hint().unwrap_or_default())
}

fn npy(path: &Path, element: ElementType, shape: &[u64], bytes: &[u8]) {
    let mut file = Vec::new();
    write_array_header(&mut file, element, shape).unwrap();
    file.extend_from_slice(bytes);
    fs::write(path, file).unwrap();
}

/// All that the arrays are put together to from their samples, read a few at a time.
fn back(arrays: &mut Arrays, at_once: usize, rows: Option<std::ops::Range<u64>>) -> (Vec<u64>, Vec<Vec<u8>>) {
    let (element, samples) = (arrays.element(), arrays.samples());
    let shape = arrays.shape().to_vec();
    let mut assembly = Assembly::new(&arrays.layout(), element, &shape, samples, rows).unwrap();
    let mut out = vec![Vec::new(); arrays.layout().variables.len().max(1)];
    let mut next = assembly.samples().start;
    while next < assembly.samples().end {
        let count = at_once.min((assembly.samples().end - next) as usize);
        let bytes = arrays.read(next, count).unwrap();
        assert_eq!(bytes.len(), count * shape.iter().product::<usize>() * element.bytes());
        let emit = &mut |variable: usize, bytes: &[u8]| {
            out[variable].extend_from_slice(bytes);
            Ok(())
        };
        assembly.take(&bytes, emit).unwrap();
        next += count as u64;
    }
    (assembly.shape().to_vec(), out)
}

fn a_shape_and_a_block() -> impl Strategy<Value = (Vec<u64>, Vec<usize>)> {
    prop::collection::vec(1u64..9, 1..4).prop_flat_map(|shape| {
        let blocks = (0..=shape.len()).prop_flat_map({
            let shape = shape.clone();
            move |axes| shape[shape.len() - axes..].iter().map(|&axis| 1..=axis as usize).collect::<Vec<_>>()
        });
        (Just(shape), blocks)
    })
}

proptest! {
    #[test]
    fn whatever_is_cut_is_put_together_again(
        (shape, block) in a_shape_and_a_block(), element in prop::sample::select(&ElementType::ALL[..]), at_once in 1usize..7,
        seed: u64, files in 1usize..4, window in prop::option::of((0.0..1.0, 0.0..1.0)),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let inner = shape[1..].iter().product::<u64>() as usize * element.bytes();
        let mut all = Vec::new();
        let mut names = Vec::new();
        for file in 0..files {
            let bytes: Vec<u8> = (0..shape[0] as usize * inner).map(|i| (seed.rotate_left(file as u32).wrapping_mul(i as u64 + 1) >> 29) as u8).collect();
            let path = folder.path().join(format!("{file}.npy"));
            npy(&path, element, &shape, &bytes);
            all.extend(bytes);
            names.push(path.to_str().unwrap().to_owned());
        }
        let mut arrays = Source::find_all(&names).unwrap().open_arrays(&options(&[], &block)).unwrap().unwrap();
        let leading = shape[0] * files as u64;
        let rows = window.map(|(from, to): (f64, f64)| {
            let start = (from * leading as f64) as u64;
            start..start + 1 + (to * (leading - start - 1) as f64) as u64
        });
        let (found, bytes) = back(&mut arrays, at_once, rows.clone());
        let rows = rows.unwrap_or(0..leading);
        prop_assert_eq!(found[0], rows.end - rows.start);
        prop_assert_eq!(&found[1..found.len().min(shape.len())], &shape[1..]);
        prop_assert_eq!(&bytes[0], &all[rows.start as usize * inner..rows.end as usize * inner]);
    }

    #[test]
    fn a_layout_that_contradicts_itself_is_refused(
        array in prop::collection::vec(prop_oneof![0u64..9, any::<u64>()], 0..4), block in prop::collection::vec(any::<usize>(), 0..4),
        sample in prop::collection::vec(0usize..9, 0..4), samples in prop_oneof![0u64..20, any::<u64>()], variables in 0usize..4,
    ) {
        let layout = Layout { variables: vec!["v".into(); variables], array, block };
        if let Ok(assembly) = Assembly::new(&layout, ElementType::F64, &sample, samples, None) {
            prop_assert!(assembly.samples().end <= samples);
        }
    }
}

#[test]
fn the_edge_is_repeated_where_a_block_reaches_beyond_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("field.npy");
    npy(&path, ElementType::U8, &[1, 3, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let mut arrays = open(&path, &options(&[], &[2, 2])).unwrap();
    assert_eq!((arrays.samples(), arrays.shape()), (4, &[2, 2][..]));
    assert_eq!(arrays.read(0, 4).unwrap(), [1, 2, 4, 5, 3, 3, 6, 6, 7, 8, 7, 8, 9, 9, 9, 9]);
    let layout = Layout { variables: Vec::new(), array: vec![1, 3, 3], block: vec![2, 2] };
    assert_eq!(arrays.layout(), layout);
    let data = arrays.into_dataset(None).unwrap();
    assert_eq!((data.len(), data.shape(), data.row_u8(1)), (4, &[2, 2][..], Some(&[3, 3, 6, 6][..])));
}

#[test]
fn blocks_that_cannot_be_cut_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("field.npy");
    npy(&path, ElementType::U8, &[2, 3], &[0; 6]);
    for block in [&[4][..], &[3, 3], &[0], &[1, 1, 1], &[usize::MAX, usize::MAX]] {
        let error = message(open(&path, &options(&[], block)));
        assert!(error.contains("cannot be cut from an array of 2x3"), "{error}");
    }
    npy(&path, ElementType::U8, &[0, 3], &[]);
    assert!(message(open(&path, &options(&[], &[]))).contains("there is no sample in it"));
    npy(&path, ElementType::U8, &[3, 0], &[]);
    assert!(message(open(&path, &options(&[], &[]))).contains("there is no sample in it"));
    npy(&path, ElementType::U8, &[], &[7]);
    assert!(message(open(&path, &options(&[], &[]))).contains("a single number"));
}

#[test]
fn raw_files_are_read_in_both_orders_and_account_for_every_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("field.raw");
    let values = [1.5f32, -2.0, f32::NAN, 1e30, 0.0, 7.0];
    let little: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    for (name, big) in [("f32", false), ("<f4", false), (">f4", true), ("f32be", true)] {
        fs::write(
            &path,
            values.iter().flat_map(|v| if big { v.to_be_bytes() } else { v.to_le_bytes() }).collect::<Vec<_>>(),
        )
        .unwrap();
        let mut arrays = open(&path, &raw_options(&[3, 2], name, &[])).unwrap();
        assert_eq!(arrays.read(0, 3).unwrap(), little, "{name}");
        let data = open(&path, &raw_options(&[3, 2], name, &[])).unwrap().into_dataset(None).unwrap();
        assert_eq!(data.row_f32(2), Some(&[0.0, 7.0][..]));
    }
    let error = message(open(&path, &raw_options(&[4, 2], "f32", &[])));
    assert!(error.contains("4x2 numbers of f32 are 32 bytes, but it has 24"), "{error}");
    assert!(error.contains("the leading one has 3"), "{error}");
    let error = message(open(&path, &raw_options(&[u64::MAX, 2], "f32", &[])));
    assert!(error.contains("more bytes than can be counted"), "{error}");
    assert!(message(open(&path, &raw_options(&[0, 2], "f32", &[]))).contains("are 0 bytes"));
}

#[test]
fn numpy_arrays_in_the_other_orders_come_out_alike() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, descr: &str, fortran: &str, values: &[u8]| -> PathBuf {
        let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': (2, 3), }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend(values);
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let expected: Vec<u8> = [0i16, 1, 2, 10, 11, 12].iter().flat_map(|value| value.to_le_bytes()).collect();
    let big = |values: [i16; 6]| values.iter().flat_map(|value| value.to_be_bytes()).collect::<Vec<u8>>();
    for path in [
        file("little", "<i2", "False", &expected),
        file("big", ">i2", "False", &big([0, 1, 2, 10, 11, 12])),
        file("fortran", ">i2", "True", &big([0, 10, 1, 11, 2, 12])),
    ] {
        let mut arrays = open(&path, &options(&[], &[])).unwrap();
        assert_eq!(arrays.element(), ElementType::I16);
        assert_eq!(arrays.read(0, 2).unwrap(), expected, "{}", path.display());
        assert_eq!(open(&path, &options(&[], &[1, 2])).unwrap().read(1, 1).unwrap(), [2, 0, 2, 0]);
    }
    // Half-precision numbers stay what they are.
    let mut arrays = open(&file("half", "<f2", "False", &[0, 0x3c].repeat(6)), &options(&[], &[])).unwrap();
    assert_eq!((arrays.element(), arrays.read(0, 1).unwrap()), (ElementType::F16, [0, 0x3c].repeat(3)));
}

#[test]
fn several_files_are_one_array_where_they_are_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    npy(&path("run2.npy"), ElementType::F64, &[2, 2], &[1f64, 2.0, 3.0, 4.0].map(f64::to_le_bytes).concat());
    npy(&path("run10.npy"), ElementType::F64, &[1, 2], &[5f64, 6.0].map(f64::to_le_bytes).concat());
    let pattern = path("*.npy");
    for name in [folder.path(), &pattern] {
        let data = enkoder_data::open(name.to_str().unwrap(), &ReadOptions::default()).unwrap();
        assert_eq!(data.to_array(), ndarray::array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    }
    npy(&path("wide.npy"), ElementType::F64, &[1, 3], &[0; 24]);
    assert!(message(open(&pattern, &options(&[], &[]))).contains("but "), "another shape");
    fs::write(path("wide.npy"), "a,b\n1,2\n").unwrap();
    assert!(message(open(&pattern, &options(&[], &[]))).contains("is no array"));
}

/// A file as another library writes it: two variables along records, one without, and their coordinates.
fn netcdf(path: &Path, version: Version) -> (Vec<f32>, Vec<f32>, Vec<i16>) {
    let ts: Vec<f32> = (0..4 * 3 * 5).map(|i| if i == 7 { 1e20 } else { i as f32 * 0.5 }).collect();
    let psl: Vec<f32> = (0..4 * 3 * 5).map(|i| 1000.0 - i as f32).collect();
    let mask: Vec<i16> = (0..3 * 5).map(|i| i * 3 - 7).collect();
    let mut set = DataSet::new();
    set.set_unlimited_dim("time", 4).unwrap();
    set.add_fixed_dim("lat", 3).unwrap();
    set.add_fixed_dim("lon", 5).unwrap();
    set.add_global_attr_string("title", "an example").unwrap();
    set.add_var_f64("time", &["time"]).unwrap();
    set.add_var_f32("ts", &["time", "lat", "lon"]).unwrap();
    set.add_var_attr_f32("ts", "_FillValue", vec![1e20]).unwrap();
    set.add_var_f32("psl", &["time", "lat", "lon"]).unwrap();
    set.add_var_i16("mask", &["lat", "lon"]).unwrap();
    set.add_var_i8("flag", &["time"]).unwrap();
    let mut writer = FileWriter::create_new(path).unwrap();
    writer.set_def(&set, version, 0).unwrap();
    writer.write_var_f64("time", &[0.0, 1.0, 2.0, 3.0]).unwrap();
    writer.write_var_f32("ts", &ts).unwrap();
    writer.write_var_f32("psl", &psl).unwrap();
    writer.write_var_i16("mask", &mask).unwrap();
    writer.write_var_i8("flag", &[1, 0, 1, 0]).unwrap();
    writer.close().unwrap();
    (ts, psl, mask)
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn netcdf_variables_are_read_as_another_library_wrote_them() {
    for version in [Version::Classic, Version::Offset64Bit] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nc");
        let (ts, psl, mask) = netcdf(&path, version.clone());
        let mut arrays = open(&path, &options(&["ts"], &[])).unwrap();
        assert_eq!((arrays.samples(), arrays.shape(), arrays.missing()), (4, &[3, 5][..], vec![f64::from(1e20f32)]));
        assert_eq!(arrays.read(0, 4).unwrap(), bytes(&ts));
        assert_eq!(arrays.layout().variables, ["ts"]);
        let mut arrays = open(&path, &options(&["mask"], &[])).unwrap();
        assert_eq!(arrays.read(0, 3).unwrap(), mask.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
        for block in [&[][..], &[2, 2], &[3, 1, 4]] {
            let mut arrays = open(&path, &options(&["psl", "ts"], block)).unwrap();
            assert_eq!(arrays.shape()[0], 2);
            let (shape, back) = back(&mut arrays, 3, None);
            assert_eq!((shape, back), (vec![4, 3, 5], vec![bytes(&psl), bytes(&ts)]), "{block:?}");
        }
        let error = message(open(&path, &options(&[], &[])));
        assert!(error.contains("it has ts, psl") && error.contains("`ArrayOptions::variables` ts"), "{error}");
        let error = message(open(&path, &options(&["tas"], &[])));
        assert!(error.contains("no variable \"tas\"") && error.contains("did you mean \"ts\""), "{error}");
        let error = message(open(&path, &options(&["ts", "mask"], &[])));
        assert!(error.contains("\"ts\" holds f32 of [4, 3, 5], but \"mask\" i16 of [3, 5]"), "{error}");
        // In a data set what is missing is missing.
        let data = open(&path, &options(&["ts"], &[])).unwrap().into_dataset(None).unwrap();
        assert!(data.row_f32(0).unwrap()[7].is_nan());
        assert_eq!(data.row_f32(3).unwrap()[14], ts[59]);
    }
}

/// Writes variables of one type, all of this shape but with another leading length where they have no records.
fn write_variables(path: &Path, element: ElementType, records: Option<u64>, shape: &[u64], bytes: &[Vec<u8>]) {
    let mut set = DataSet::new();
    let names: Vec<String> = (0..shape.len()).map(|axis| format!("axis{axis}")).collect();
    for (axis, (name, &length)) in names.iter().zip(shape).enumerate() {
        match records {
            Some(records) if axis == 0 => set.set_unlimited_dim(name, records as usize).unwrap(),
            _ => set.add_fixed_dim(name, length as usize).unwrap(),
        }
    }
    let axes: Vec<&str> = names.iter().map(String::as_str).collect();
    macro_rules! for_type {
        ($add:ident, $write:ident, $type:ty) => {{
            for variable in 0..bytes.len() {
                set.$add(&format!("v{variable}"), &axes).unwrap();
            }
            let mut writer = FileWriter::create_new(path).unwrap();
            writer.set_def(&set, Version::Classic, 0).unwrap();
            for (variable, bytes) in bytes.iter().enumerate() {
                let (chunks, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                let values: Vec<$type> = chunks.iter().map(|&bytes| <$type>::from_le_bytes(bytes)).collect();
                writer.$write(&format!("v{variable}"), &values).unwrap();
            }
            writer.close().unwrap();
        }};
    }
    match element {
        ElementType::I8 => for_type!(add_var_i8, write_var_i8, i8),
        ElementType::I16 => for_type!(add_var_i16, write_var_i16, i16),
        ElementType::I32 => for_type!(add_var_i32, write_var_i32, i32),
        ElementType::F32 => for_type!(add_var_f32, write_var_f32, f32),
        _ => for_type!(add_var_f64, write_var_f64, f64),
    }
}

proptest! {
    #[test]
    fn netcdf_variables_of_any_shape_come_back(
        (shape, block) in a_shape_and_a_block(), has_records: bool, variables in 2usize..4, seed: u64,
        element in prop::sample::select(&[ElementType::I8, ElementType::I16, ElementType::I32, ElementType::F32, ElementType::F64][..]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nc");
        let length = shape.iter().product::<u64>() as usize * element.bytes();
        let byte = |variable: usize, i: usize| (seed.rotate_left(variable as u32).wrapping_mul(i as u64 + 1) >> 31) as u8;
        // Positive numbers: the library that writes does not keep the bits of NaN.
        let plain = |variable: usize| (0..length).map(|i| byte(variable, i) & 0x3f).collect::<Vec<u8>>();
        let bytes: Vec<Vec<u8>> = (0..variables).map(plain).collect();
        write_variables(&path, element, has_records.then_some(shape[0]), &shape, &bytes);
        let names: Vec<String> = (0..variables).rev().map(|variable| format!("v{variable}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut arrays = open(&path, &options(&names, &block)).unwrap();
        let (found, mut back) = back(&mut arrays, 2, None);
        back.reverse();
        prop_assert_eq!(&found[..shape.len()], &shape[..]);
        prop_assert_eq!(back, bytes);
    }
}

#[test]
fn a_packed_array_keeps_its_type() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let values = [1.5f64, f64::NAN, 3e300, -0.0].map(f64::to_le_bytes).concat();
    npy(&path, ElementType::F64, &[2, 2], &values);
    let packed = folder.path().join("a.npy.gz");
    let mut encoder = flate2::write::GzEncoder::new(fs::File::create(&packed).unwrap(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, &fs::read(&path).unwrap()).unwrap();
    encoder.finish().unwrap();
    let mut arrays = open(&packed, &options(&[], &[])).unwrap();
    assert_eq!((arrays.element(), arrays.read(0, 2).unwrap()), (ElementType::F64, values));
    // As 32-bit numbers one of them is infinite, which is said with its place.
    let error = message(open(&packed, &options(&[], &[])).unwrap().into_dataset(None));
    assert!(error.contains("row 2: the value of feature 1 is infinite"), "{error}");
    let netcdf = folder.path().join("a.nc.gz");
    let mut encoder = flate2::write::GzEncoder::new(fs::File::create(&netcdf).unwrap(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, b"CDF\x01\0\0\0\0\0\0\0\0").unwrap();
    encoder.finish().unwrap();
    assert!(message(open(&netcdf, &options(&[], &[]))).contains("gunzip"));
}

#[test]
fn a_record_variable_alone_is_not_padded() {
    // As the specification asks for, and unlike the library above writes it: one record dimension, one variable of bytes along it.
    let word = |number: u32| number.to_be_bytes().to_vec();
    let name = |name: &[u8; 4]| [word(name.iter().position(|&c| c == 0).unwrap_or(4) as u32), name.to_vec()].concat();
    let header = [
        b"CDF\x01".to_vec(),
        word(5),
        [word(10), word(2), name(b"t\0\0\0"), word(0), name(b"x\0\0\0"), word(3)].concat(),
        [word(0), word(0)].concat(),
        [word(11), word(1), name(b"lev\0"), word(2), word(0), word(1), word(0), word(0), word(1), word(4), word(96)]
            .concat(),
    ]
    .concat();
    assert_eq!(header.len(), 96);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nc");
    let values: Vec<u8> = (0..15).map(|i| i * 17).collect();
    fs::write(&path, [header.clone(), values.clone()].concat()).unwrap();
    let mut arrays = open(&path, &options(&[], &[])).unwrap();
    assert_eq!((arrays.element(), arrays.shape()), (ElementType::I8, &[3][..]));
    assert_eq!(arrays.read(0, 5).unwrap(), values);
    // Where the number of records was never written, the length of the file tells it.
    let streaming = [&header[..4], &[0xff; 4], &header[8..], &values[..12]].concat();
    fs::write(&path, streaming).unwrap();
    assert_eq!(open(&path, &options(&[], &[])).unwrap().samples(), 4);
}

#[test]
fn netcdf_cut_off_anywhere_or_with_any_byte_changed_is_an_error_or_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nc");
    netcdf(&path, Version::Classic);
    let whole = fs::read(&path).unwrap();
    let cut = folder.path().join("cut.nc");
    // The last record of the last variable is one byte, padded to four.
    for length in 0..whole.len() - 3 {
        fs::write(&cut, &whole[..length]).unwrap();
        let opened = Source::find_all(&[cut.to_str().unwrap().to_owned()]).unwrap().open_arrays(&options(&["ts"], &[]));
        assert!(opened.is_err(), "cut at {length}");
    }
    for place in 0..whole.len().min(600) {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[place] = value;
            let _ = ByteSource::from_bytes("changed", &changed).and_then(|mut source| read_netcdf_header(&mut source));
            fs::write(&cut, &changed).unwrap();
            let names = [cut.to_str().unwrap().to_owned()];
            if let Ok(Some(mut arrays)) = Source::find_all(&names).unwrap().open_arrays(&options(&["ts"], &[])) {
                let _ = arrays.read(0, arrays.samples().min(1) as usize);
            }
        }
    }
}

#[test]
fn a_file_without_variables_of_numbers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nc");
    fs::write(&path, [&b"CDF\x01"[..], &[0; 28]].concat()).unwrap();
    let error = message(open(&path, &options(&[], &[])));
    assert!(error.contains("no variable of numbers in it"), "{error}");
    #[cfg(not(feature = "hdf5"))]
    {
        fs::write(&path, b"\x89HDF\r\n\x1a\n and more").unwrap();
        let error = message(open(&path, &options(&[], &[])));
        assert!(error.contains("this build does not read") && error.contains("nccopy -k nc6"), "{error}");
    }
}

#[test]
fn a_header_that_claims_more_than_the_file_holds_is_refused_before_memory_is_taken() {
    for tail in [
        &b"\0\0\0\x0a\x7f\xff\xff\xff"[..],
        b"\0\0\0\0\0\0\0\0\0\0\0\x0c\xff\xff\xff\xff",
        b"\0\0\0\x0a\0\0\0\x01\x7f\xff\xff\xf0",
    ] {
        let mut content = b"CDF\x01\0\0\0\0".to_vec();
        content.extend_from_slice(tail);
        content.extend([0; 12]);
        let read = ByteSource::from_bytes("large", &content).and_then(|mut source| read_netcdf_header(&mut source));
        assert!(message(read).contains("bytes can follow it"));
    }
}
