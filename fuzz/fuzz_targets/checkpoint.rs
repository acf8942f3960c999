//! Checkpoints from any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(checkpoint) = enkoder::Checkpoint::from_bytes(bytes) {
        assert!(checkpoint.epoch() > 0);
        checkpoint.architecture().validate().expect("it was checked");
    }
});
