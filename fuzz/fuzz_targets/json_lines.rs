//! Any bytes, plain or packed, as JSON Lines.
#![no_main]

use enkoder_data::{TableOptions, parse_json_lines};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let options = TableOptions::default();
    let _ = parse_json_lines("fuzz", bytes, &options).and_then(|table| table.into_dataset(&options));
});
