//! Model files from any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = enkoder::Autoencoder::from_bytes(bytes);
});
