//! Networks of other toolkits, from files that `files.py` wrote, beside what onnxruntime made of two samples.

use std::path::Path;

use enkoder::{Autoencoder, Rows};
use enkoder_onnx::{ImportError, ImportOptions, import_model};

fn bytes(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/files");
    std::fs::read(folder.join(name)).unwrap()
}

fn import(name: &str, latent: Option<&str>) -> Result<Autoencoder, ImportError> {
    let options = ImportOptions { name: name.to_owned(), latent: latent.map(str::to_owned) };
    import_model(&bytes(&format!("{name}.onnx")), &options)
}

#[test]
fn networks_of_pytorch_and_keras_compute_what_their_files_compute() {
    let expected = [
        ("torch_dense", vec![4, 5], 3),
        ("torch_convolutional", vec![8, 12, 2], 5),
        ("torch_series", vec![16, 1, 3], 2),
        ("keras_dense", vec![12], 3),
        ("keras_convolutional", vec![8, 12, 3], 4),
    ];
    for (name, shape, latent) in expected {
        let model = import(name, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        let architecture = model.architecture();
        assert_eq!((&architecture.input_shape, architecture.latent()), (&shape, latent), "{name}");
        assert!(model.record().is_imported(), "{name}");
        let numbers = bytes(&format!("{name}.f32"));
        let numbers: Vec<f32> =
            numbers.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
        let (samples, made) = numbers.split_at(numbers.len() / 2);
        let found = model.reconstruct(Rows::from_slice(samples, architecture.features()).unwrap()).unwrap();
        let scale = model.scaler().coefficients();
        for (found, expected) in found.iter().zip(made) {
            // The file gives scaled numbers.
            let found = (found - scale.offset[0]) * scale.scale[0];
            assert!((found - expected).abs() < 1e-5, "{name}: {found} and {expected}");
        }
        let again = Autoencoder::from_bytes(&model.to_bytes().unwrap()).unwrap();
        assert_eq!(
            again.reconstruct(Rows::from_slice(samples, architecture.features()).unwrap()).unwrap().len(),
            made.len()
        );
    }
}

#[test]
fn the_code_is_what_a_name_says() {
    let model = import("keras_convolutional", Some("dense/BiasAdd:0")).unwrap();
    assert_eq!(model.architecture().latent(), 4);
    let model = import("torch_dense", Some("/Relu_2_output")).unwrap();
    assert_eq!(model.architecture().latent(), 8);
    let error = import("torch_dense", Some("nothing")).unwrap_err();
    assert!(error.to_string().contains("hint: layers write /Relu_2_output"), "{error}");
}

#[test]
fn operators_without_a_layer_are_refused_by_their_name() {
    let error = import("softmax", None).unwrap_err().to_string();
    assert!(error.starts_with("node \"/Softmax_1\" is the operator Softmax, which has no counterpart"), "{error}");
    let error = import("skip", None).unwrap_err().to_string();
    assert!(error.starts_with("node \"/Add_2\" is the operator Add, which joins two values"), "{error}");
}

#[test]
fn damaged_files_give_an_error_and_never_a_panic() {
    for name in ["torch_dense", "torch_convolutional", "torch_series", "keras_dense", "keras_convolutional"] {
        let whole = bytes(&format!("{name}.onnx"));
        let options = ImportOptions::default();
        for length in (0..whole.len()).step_by(97) {
            assert!(import_model(&whole[..length], &options).is_err(), "{name} of {length} bytes");
        }
        // Every byte of the names, shapes and nodes, in turn.
        for at in (0..whole.len()).step_by(61) {
            for damage in [0x01, 0x80] {
                let mut damaged = whole.clone();
                damaged[at] ^= damage;
                let _ = import_model(&damaged, &options);
            }
        }
    }
}
