//! Networks of other toolkits, from files that `files.py` wrote, beside what onnxruntime made of two samples.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use enkoder::{Autoencoder, Rows};
use enkoder_onnx::{ImportError, ImportOptions, Part, export_model, import_model};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx")
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn import(name: &str, latent: Option<&str>) -> Result<Autoencoder, ImportError> {
    let options = ImportOptions { name: name.to_owned(), latent: latent.map(str::to_owned), folder: None };
    import_model(&bytes(&format!("{name}.onnx")), &options)
}

/// Compares a model with what onnxruntime made of two samples.
fn compare(name: &str, model: &Autoencoder) {
    let numbers = bytes(&format!("{name}.f32"));
    let numbers: Vec<f32> =
        numbers.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
    let (samples, made) = numbers.split_at(numbers.len() / 2);
    let rows = Rows::from_slice(samples, model.architecture().features()).unwrap();
    let found = model.reconstruct(rows).unwrap();
    assert_eq!(found.len(), made.len(), "{name}");
    let scale = model.scaler().coefficients();
    for (found, expected) in found.iter().zip(made) {
        // The file gives scaled numbers.
        let found = (found - scale.offset[0]) * scale.scale[0];
        assert!((found - expected).abs() < 1e-5, "{name}: {found} and {expected}");
    }
    let again = Autoencoder::from_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(again.reconstruct(rows).unwrap(), model.reconstruct(rows).unwrap(), "{name}");
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
        let name = &format!("files/{name}");
        let model = import(name, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        let architecture = model.architecture();
        assert_eq!((&architecture.input_shape, architecture.latent()), (&shape, latent), "{name}");
        assert!(model.record().is_imported(), "{name}");
        compare(name, &model);
    }
}

/// What PyTorch's and Keras' own exporters wrote (`exporters.py`), by names: networks with what onnxruntime makes of samples, others without.
fn exported(compared: bool) -> Vec<String> {
    let files = std::fs::read_dir(folder().join("exported")).unwrap();
    let name = |file: std::fs::DirEntry| {
        file.file_name().to_str()?.strip_suffix(".onnx").map(|name| format!("exported/{name}"))
    };
    let names = files.filter_map(|file| name(file.unwrap()));
    names.filter(|name| folder().join(format!("{name}.f32")).exists() == compared).collect()
}

#[test]
fn what_exporters_write_computes_here_what_onnxruntime_computes() {
    let names = exported(true);
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let options = ImportOptions { folder: Some(folder().join("exported")), ..Default::default() };
        let model = import_model(&bytes(&format!("{name}.onnx")), &options);
        compare(&name, &model.unwrap_or_else(|error| panic!("{name}: {error}")));
    }
}

#[test]
fn what_is_no_chain_of_known_layers_is_refused_by_the_operators_name() {
    let reasons = HashMap::from([
        ("projection", "Gemm, which reads a value that another layer has read already"),
        ("bilinear", "Resize, which resizes by other than the nearest pixel"),
        ("overlap", "MaxPool, which pools windows that overlap"),
        ("slope", "LeakyRelu, which has the slope 0.2, and only 0.01 is known here"),
        ("gaps", "Conv, which has gaps between the pixels of its windows (dilations)"),
        ("layernorm", "LayerNormalization, which has no counterpart"),
        ("softplus", "Softplus, which has no counterpart"),
        ("height", "Concat, which puts images side by side along other than their channels"),
        ("rows", "Concat, which puts rows of numbers side by side"),
    ]);
    let names = exported(false);
    assert_eq!(names.len(), reasons.len());
    for name in names {
        let error = import(&name, None).unwrap_err().to_string();
        let reason = reasons[name.split('-').nth(1).unwrap()];
        assert!(error.contains(reason) && error.contains("\nhint: "), "{name}: {error}");
    }
}

#[test]
fn a_sum_reads_the_layer_whose_value_it_adds_and_the_code_is_one_that_nothing_passes_by() {
    let sums = |name: &str| {
        let model = import(&format!("exported/{name}-torchscript"), None).unwrap();
        let network = model.architecture().clone();
        let layers = network.encoder.iter().chain(&network.decoder);
        let froms: Vec<String> = layers.filter_map(|layer| layer.other().map(str::to_owned)).collect();
        (network.latent(), froms, network.needs_sample().is_some())
    };
    assert_eq!(sums("residual"), (2, vec!["encoder.0".to_owned(), "decoder.0".to_owned()], false));
    assert_eq!(sums("residual-images").0, 3);
    assert_eq!(sums("residual-whole"), (64, vec!["input".to_owned()], true));
    for name in ["unet", "unet-behind"] {
        let [inner, outer] = ["encoder.2", "encoder.0"].map(str::to_owned);
        assert_eq!(sums(name), (20, vec![inner, outer], true), "{name}");
    }
}

#[test]
fn weights_beside_the_file_are_read_and_nothing_else_is() {
    let whole = bytes("exported/external-dynamo.onnx");
    let alone = ImportOptions::default();
    let error = import_model(&whole, &alone).unwrap_err().to_string();
    assert!(
        error.contains("lie in another file, \"external-dynamo.onnx.data\", which is not read here\nhint: "),
        "{error}"
    );
    let elsewhere = tempfile::tempdir().unwrap();
    let here = ImportOptions { folder: Some(elsewhere.path().to_owned()), ..Default::default() };
    let error = import_model(&whole, &here).unwrap_err().to_string();
    assert!(error.contains("cannot be read"), "{error}");
    std::fs::write(elsewhere.path().join("external-dynamo.onnx.data"), [0; 40]).unwrap();
    let error = import_model(&whole, &here).unwrap_err().to_string();
    assert!(error.contains("has 40 bytes, and its numbers would end beyond them"), "{error}");
    let name = b"external-dynamo.onnx.data";
    let at = whole.windows(name.len()).position(|bytes| bytes == name).unwrap();
    let mut damaged = whole.clone();
    damaged[at..at + 11].copy_from_slice(b"../../etc/x");
    let error = import_model(&damaged, &here).unwrap_err().to_string();
    assert!(error.contains("is no file beside the model"), "{error}");
}

#[test]
fn what_enkoder_exported_is_not_taken_back_but_the_model_file_is_named() {
    let model = import("files/torch_dense", None).unwrap();
    let exported = export_model(&model, Part::Both).unwrap();
    let error = import_model(&exported, &ImportOptions::default()).unwrap_err();
    assert!(matches!(error, ImportError::Own), "{error}");
}

#[test]
fn the_code_is_what_a_name_says() {
    let model = import("files/keras_convolutional", Some("dense/BiasAdd:0")).unwrap();
    assert_eq!(model.architecture().latent(), 4);
    let model = import("files/torch_dense", Some("/Relu_2_output")).unwrap();
    assert_eq!(model.architecture().latent(), 8);
    let error = import("files/torch_dense", Some("nothing")).unwrap_err();
    assert!(error.to_string().contains("hint: layers write /Relu_2_output"), "{error}");
}

#[test]
fn operators_without_a_layer_are_refused_by_their_name() {
    let error = import("files/softmax", None).unwrap_err().to_string();
    assert!(error.starts_with("node \"/Softmax_1\" is the operator Softmax, which has no counterpart"), "{error}");
}

#[test]
fn damaged_files_give_an_error_and_never_a_panic() {
    let by_hand = ["torch_dense", "torch_convolutional", "torch_series", "keras_dense", "keras_convolutional"];
    let written = [
        "gelu-opset17-torchscript",
        "conv-torchscript",
        "conv-keras",
        "series-keras",
        "shuffle-dynamo",
        "residual-images-torchscript",
        "groups-dynamo",
    ];
    let files = by_hand.map(|name| format!("files/{name}")).into_iter();
    for name in files.chain(written.map(|name| format!("exported/{name}"))) {
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
