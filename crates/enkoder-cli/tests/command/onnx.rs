//! Models and detectors as ONNX files, and networks of other toolkits as models.

use std::path::Path;

use enkoder::Autoencoder;
use insta::assert_snapshot;

use crate::workplace::Workplace;

/// A file as Keras exports it, of samples of 12 numbers.
fn with_keras(place: Workplace) -> Workplace {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../enkoder-onnx/tests/onnx/files/keras_dense.onnx");
    place.write("keras.onnx", std::fs::read(file).unwrap());
    place
}

#[test]
fn a_model_is_exported_whole_and_in_parts_and_taken_back_by_no_mistake() {
    let place = Workplace::new().with_model();
    // The figures of the training in the file have more or fewer digits on another machine.
    insta::with_settings!({ filters => [(r"[\d,]{5,} bytes", "… bytes"), (r#""bytes":\d+"#, r#""bytes":…"#)] }, {
        assert_snapshot!(place.succeed("export model.safetensors -o model.onnx").stderr);
        assert_snapshot!(place.succeed("export . -o encoder.onnx --part encoder --json").stdout);
    });
    assert_snapshot!(place.fail("export . -o model.onnx"));
    assert_snapshot!(place.fail("export . -o other.onnx --part detector"));
    assert_snapshot!(place.fail("export . -o other.onnx --false-alarm 0.1"));
    // It has scaling and fill in it, which are no layers.
    assert_snapshot!(place.fail("import model.onnx -o back.safetensors"));
    assert_eq!(place.names("."), ["encoder.onnx", "model.onnx", "model.safetensors"]);
}

#[test]
fn a_detector_is_exported_with_its_threshold() {
    let place = Workplace::new();
    let rows: String = (0..200).map(|row| format!("{},{}\n", row % 17, (row * 7) % 23)).collect();
    place.write("rows.csv", format!("a,b\n{rows}"));
    place.succeed("detect fit rows.csv -o rows.detector --method linear -q");
    assert_snapshot!(place.succeed("export rows.detector -o rows.onnx --false-alarm 0.05").stderr);
    assert_snapshot!(place.fail("export rows.detector -o other.onnx --part encoder"));
    place.succeed("detect fit rows.csv -o series.detector --window 8 -q");
    assert_snapshot!(place.fail("export series.detector -o other.onnx"));
}

#[test]
fn a_network_of_keras_is_taken_over_and_used() {
    let place = with_keras(Workplace::new());
    assert_snapshot!(place.succeed("import keras.onnx -o model.safetensors").stderr);
    let model = Autoencoder::load(place.path("model.safetensors")).unwrap();
    assert_eq!(model.architecture().summary(), "12-7-3-7-12");
    assert_snapshot!(place.succeed("info model.safetensors").stdout);
    let row = |row: usize| (0..12).map(|at| ((row * 5 + at * 3) % 17).to_string()).collect::<Vec<_>>().join(",");
    let header = (1..=12).map(|at| format!("f{at}")).collect::<Vec<_>>().join(",");
    let rows: Vec<String> = (0..60).map(row).collect();
    place.write("rows.csv", format!("{header}\n{}\n", rows.join("\n")));
    place.succeed("eval model.safetensors rows.csv --report report.html");
    place.succeed("compress model.safetensors rows.csv -o rows.enk --bound abs:0.5");
    place.succeed("decompress rows.enk -o back.npy");
    let report = String::from_utf8(place.read("report.html")).unwrap();
    assert!(report.contains("taken over from another toolkit") && !report.contains("PCA itself"), "{report}");
}

#[test]
fn what_cannot_be_taken_over_is_said_by_name() {
    let place = with_keras(Workplace::new());
    place.write("cut.onnx", &place.read("keras.onnx")[..900]);
    place.write("other.onnx", "no ONNX file");
    assert_snapshot!(place.fail("import cut.onnx -o model.safetensors"));
    assert_snapshot!(place.fail("import other.onnx -o model.safetensors"));
    assert_snapshot!(place.fail("import keras.onnx -o model.safetensors --latent nothing"));
    assert_snapshot!(place.fail("import keras.onnx -o keras.onnx --force"));
    assert_eq!(place.names("."), ["cut.onnx", "keras.onnx", "other.onnx"]);
}
