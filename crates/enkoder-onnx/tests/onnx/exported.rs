//! What is exported computes what the model computes. Exporting compares both itself, by plain loops, before it hands anything out;
//! here that is done for many networks, and again by ONNX's own checker and runtime where there are some.

use enkoder_onnx::{ExportError, Part, export_model};

use crate::networks::model;
use crate::runtime::Runtime;

#[test]
fn networks_of_any_layers_are_exported_whole_and_in_parts() {
    for number in 0..120 {
        let model = model(number);
        for part in [Part::Both, Part::Encoder, Part::Decoder] {
            match (export_model(&model, part), model.architecture().needs_sample()) {
                (Ok(_), None) => {}
                (Ok(_), Some(_)) if part != Part::Decoder => {}
                (Err(ExportError::NeedsSample { .. }), Some(_)) if part == Part::Decoder => {}
                (result, _) => panic!("{number} {part:?}: {:?}\n{:?}", result.map(|_| ()), model.architecture()),
            }
        }
    }
}

#[test]
fn onnxruntime_computes_what_the_model_computes() {
    let Some(mut runtime) = Runtime::find() else { return };
    let count = std::env::var("ENKODER_ONNX_NETWORKS").ok().and_then(|count| count.parse().ok()).unwrap_or(30);
    for number in 0..count {
        runtime.add(&model(number), number);
    }
    runtime.check();
}
