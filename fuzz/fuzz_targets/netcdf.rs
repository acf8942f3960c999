//! Any bytes as the header of NetCDF-3.
#![no_main]

use enkoder_data::{ByteSource, netcdf::read_netcdf_header};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = ByteSource::from_bytes("fuzz", bytes).and_then(|mut source| read_netcdf_header(&mut source));
});
