//! ONNX's own checker and runtime, where Python has them: files and what is expected of them go into a folder, which `runtime.py` checks.

use std::path::{Path, PathBuf};
use std::process::Command;

use enkoder::anomaly::{Detector, Threshold};
use enkoder::{Autoencoder, Rows};
use enkoder_onnx::{Part, export_detector, export_model};
use ndarray::Array2;

use crate::networks::rows;

/// Rows that are computed together.
const BATCHES: [usize; 3] = [1, 7, 257];

/// A folder of files to check.
pub struct Runtime {
    python: PathBuf,
    folder: tempfile::TempDir,
    cases: Vec<serde_json::Value>,
}

impl Runtime {
    /// The runtime, or a word that it is not there. `ENKODER_PYTHON` names another Python.
    pub fn find() -> Option<Self> {
        let python = PathBuf::from(std::env::var_os("ENKODER_PYTHON").unwrap_or_else(|| "python3".into()));
        let found = Command::new(&python).args(["-c", "import numpy, onnx, onnxruntime"]).output();
        if !found.is_ok_and(|found| found.status.success()) {
            eprintln!("skipped: {} has no onnx and onnxruntime (ENKODER_PYTHON names another)", python.display());
            return None;
        }
        Some(Self { python, folder: tempfile::tempdir().unwrap(), cases: Vec::new() })
    }

    /// Exports a model whole and what can be of its parts, with rows and results for each batch.
    pub fn add(&mut self, model: &Autoencoder, number: u64) {
        let features = model.architecture().features();
        for part in [Part::Both, Part::Encoder, Part::Decoder] {
            if part == Part::Decoder && model.architecture().needs_sample().is_some() {
                continue;
            }
            let file = self.write(&format!("{number}-{part:?}.onnx"), &export_model(model, part).unwrap());
            for batch in BATCHES {
                let values = rows(model, batch, number);
                let samples = Rows::from_slice(&values, features).unwrap();
                let codes = model.encode(samples).unwrap();
                let (input, mut outputs) = match part {
                    Part::Decoder => {
                        let codes = codes.mapv(|code| if code.is_finite() { code } else { 0.0 });
                        let decoded = model.decode(&codes).unwrap();
                        (codes.into_raw_vec_and_offset().0, vec![("reconstruction", decoded)])
                    }
                    Part::Encoder => (values.clone(), vec![("code", codes)]),
                    Part::Both => {
                        (values.clone(), vec![("code", codes), ("reconstruction", model.reconstruct(samples).unwrap())])
                    }
                };
                let outputs: Vec<_> = outputs
                    .drain(..)
                    .map(|(name, values)| {
                        let values = values.into_raw_vec_and_offset().0;
                        let file = self.numbers(&format!("{number}-{part:?}-{batch}-{name}.f32"), &values);
                        let scale =
                            if name == "code" { &[1.0][..] } else { model.output_scaler().coefficients().scale };
                        serde_json::json!({ "name": name, "file": file, "scale": scale })
                    })
                    .collect();
                let input = self.numbers(&format!("{number}-{part:?}-{batch}.f32"), &input);
                self.cases
                    .push(serde_json::json!({ "model": file, "batch": batch, "input": input, "outputs": outputs }));
            }
        }
    }

    /// Exports a detector, with rows and what it makes of them.
    pub fn add_detector(
        &mut self,
        name: &str,
        detector: &Detector,
        threshold: &Threshold,
        rows: &Array2<f32>,
        scores: &[f32],
        p_values: &[f32],
    ) {
        let file = self.write(&format!("{name}.onnx"), &export_detector(detector, threshold).unwrap());
        let input = self.numbers(&format!("{name}.f32"), rows.as_slice().unwrap());
        let outputs = [("score", scores), ("p_value", p_values)].map(|(output, values)| {
            let file = self.numbers(&format!("{name}-{output}.f32"), values);
            serde_json::json!({ "name": output, "file": file })
        });
        self.cases.push(serde_json::json!({
            "model": file, "batch": rows.nrows(), "input": input, "outputs": outputs, "threshold": threshold.score,
        }));
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
        name.to_owned()
    }

    fn numbers(&self, name: &str, values: &[f32]) -> String {
        self.write(name, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
    }

    /// Checks all that was added.
    pub fn check(self) {
        let cases = serde_json::to_vec(&self.cases).unwrap();
        self.write("cases.json", &cases);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/runtime.py");
        let run = Command::new(&self.python).arg(script).arg(self.folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
        eprintln!("{said}");
    }
}
