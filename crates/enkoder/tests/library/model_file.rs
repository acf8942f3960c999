//! Model files: they read back to the same model, keep doing so a year later, and damaged or hostile ones are refused with a
//! reason.

use enkoder::{
    Activation, Architecture, Autoencoder, Column, Dataset, ModelFileError, Schema, TensorFileError, Trainer,
    TrainingConfig,
};
use ndarray::Array2;
use proptest::prelude::*;

/// A file written by version 0.1.0 of the format's first version; it must stay readable.
const GOLDEN: &[u8] = include_bytes!("../golden/model-v1.safetensors");

fn table() -> Dataset {
    let values = Array2::from_shape_fn((40, 3), |(row, column)| ((row * 5 + column * 3) % 17) as f32);
    let schema =
        Schema::new(vec![Column::numeric("speed"), Column::categorical("state", vec!["on".into(), "off".into()])]);
    Dataset::from_f32("table", values).unwrap().with_schema(schema).unwrap()
}

fn model() -> Autoencoder {
    let (train, validation) = table().split(0.25, 0).unwrap();
    let config = TrainingConfig { epochs: 2, batch_size: 8, threads: Some(1), ..TrainingConfig::default() };
    let architecture = Architecture::dense([3], &[4], 2).with_activation(Activation::Tanh);
    Trainer::new(architecture, config).fit(&train, &validation).unwrap()
}

/// Leaves out what the file does not store.
fn same(a: &Autoencoder, b: &Autoencoder) {
    assert_eq!(a.architecture(), b.architecture());
    assert_eq!(a.scaler(), b.scaler());
    assert_eq!(a.schema(), b.schema());
    assert_eq!(a.record().data, b.record().data);
    assert_eq!(a.reconstruct(&table()).unwrap(), b.reconstruct(&table()).unwrap());
    assert_eq!(a.to_bytes().unwrap(), b.to_bytes().unwrap());
}

#[test]
fn a_saved_model_reads_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = model();
    model.save(&path).unwrap();
    same(&model, &Autoencoder::load(&path).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays behind");
}

#[test]
fn a_model_written_by_the_first_version_still_works() {
    let model = Autoencoder::from_bytes(GOLDEN).unwrap();
    assert_eq!(model.architecture().summary(), "3-4-2-4-3");
    let codes = model.encode(&table().head(1)).unwrap();
    let expected = [-0.517_544_3, -0.707_988];
    for (code, expected) in codes.iter().zip(expected) {
        assert!((code - expected).abs() < 1e-5, "{codes}");
    }
}

#[test]
fn saving_into_a_missing_folder_fails_and_says_where() {
    let error = model().save("no/such/folder/model.safetensors").unwrap_err();
    assert!(error.to_string().contains("cannot write no/such/folder/model.safetensors"), "{error}");
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let bytes = model().to_bytes().unwrap();
    for length in 0..bytes.len() {
        assert!(Autoencoder::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
    }
}

/// The places of a file at which a changed bit makes another file that could have been written, one without a checksum: its name.
pub fn checksum_name(bytes: &[u8]) -> std::ops::Range<usize> {
    let name = b"checksum";
    let at = bytes.windows(name.len()).position(|window| window == name).expect("the metadata has a checksum");
    at..at + name.len()
}

#[test]
fn a_bit_that_changed_anywhere_is_found() {
    let bytes = model().to_bytes().unwrap();
    let name = checksum_name(&bytes);
    for at in (0..bytes.len()).filter(|at| !name.contains(at)) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(Autoencoder::from_bytes(&damaged).is_err(), "byte {at} of {}", bytes.len());
    }
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let error = Autoencoder::from_bytes(&damaged).unwrap_err();
    assert!(matches!(error, ModelFileError::File(TensorFileError::Checksum)), "{error}");
}

#[test]
fn data_may_be_called_as_a_checksum_is_written() {
    let name = r#""checksum":"00000000" \"checksum\":\"00000000"#;
    let values = Array2::from_shape_fn((40, 3), |(row, column)| ((row * 5 + column * 3) % 17) as f32);
    let (train, validation) = Dataset::from_f32(name, values).unwrap().split(0.25, 0).unwrap();
    let config = TrainingConfig { epochs: 1, ..TrainingConfig::default() };
    let model = Trainer::new(Architecture::dense([3], &[], 1), config).fit(&train, &validation).unwrap();
    let again = Autoencoder::from_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(again.record().data.name, name);
}

/// A model's file without a checksum, with `from` in its header replaced by `to` of the same length.
fn edited(from: &str, to: &str) -> Result<Autoencoder, ModelFileError> {
    let bytes = GOLDEN;
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).expect("the header has it");
    let mut edited = bytes.to_vec();
    edited.splice(at..at + from.len(), to.bytes());
    Autoencoder::from_bytes(&edited)
}

#[test]
fn edited_metadata_is_refused_with_a_reason() {
    for (from, to, words) in [
        ("enkoder.autoencoder", "enkoder.checkpoints", "not of the kind enkoder.autoencoder"),
        (r#"\"version\":1"#, r#"\"version\":7"#, "version 7 of the format"),
        (r#"\"units\":4"#, r#"\"units\":5"#, "has the shape"),
        (r#"\"units\":4"#, r#"\"units\":0"#, "architecture is damaged"),
        (r#"\"input_shape\":[3]"#, r#"\"input_shape\":[2]"#, "architecture is damaged"),
        (r#"\"name\":\"speed\""#, r#"\"nome\":\"speed\""#, "metadata is damaged"),
        (r#"\"on\",\"off\""#, r#"\"\",\"\",\"\""#, "columns make 4 features"),
        ("encoder.0.weight", "encoder.9.weight", "\"encoder.0.weight\" is missing"),
    ] {
        let error = edited(from, to).unwrap_err();
        assert!(error.to_string().contains(words), "{from} → {to}: {error}");
    }
}

#[test]
fn a_number_that_is_not_finite_is_refused() {
    let mut bytes = GOLDEN.to_vec();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let error = Autoencoder::from_bytes(&bytes).unwrap_err();
    assert!(error.to_string().contains("NaN"), "{error}");
}

#[test]
fn a_header_that_claims_terabytes_is_refused() {
    let mut bytes = (1u64 << 42).to_le_bytes().to_vec();
    bytes.extend(b"{}");
    assert!(Autoencoder::from_bytes(&bytes).is_err());
}

proptest! {
    #[test]
    fn no_byte_changed_anywhere_makes_reading_panic(position: prop::sample::Index, value: u8) {
        let mut bytes = GOLDEN.to_vec();
        let at = position.index(bytes.len());
        bytes[at] = value;
        let _ = Autoencoder::from_bytes(&bytes);
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Autoencoder::from_bytes(&bytes);
    }
}
