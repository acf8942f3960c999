//! Any bytes as NPZ.
#![no_main]

use std::io::Cursor;

use enkoder_data::npz::{NpzOptions, read_npz};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_npz("fuzz", Cursor::new(bytes), bytes.len() as u64, &NpzOptions::default());
});
