//! Any bytes, plain or packed by gzip, as NPY.
#![no_main]

use enkoder_data::{ByteSource, npy::read_npy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = ByteSource::from_bytes("fuzz", bytes).and_then(|mut source| read_npy(&mut source));
});
