//! ONNX files from any bytes, as models.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = enkoder_onnx::import_model(bytes, &enkoder_onnx::ImportOptions::default());
});
