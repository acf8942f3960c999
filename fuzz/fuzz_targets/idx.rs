//! Any bytes, plain or packed by gzip, as IDX.
#![no_main]

use enkoder_data::{ByteSource, idx::read_idx};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = ByteSource::from_bytes("fuzz", bytes).and_then(|mut source| read_idx(&mut source));
});
