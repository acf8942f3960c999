//! Any bytes as the JSON of a Zarr array or group.
#![no_main]

use enkoder_data::parse_zarr_metadata;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = parse_zarr_metadata(bytes);
});
