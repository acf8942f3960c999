//! Any bytes as HDF5: what is in it, and the values of all that is small.
#![no_main]

use enkoder_data::hdf5::parse_hdf5;
use libfuzzer_sys::fuzz_target;

const MOST_VALUES: u64 = 1 << 16;

fuzz_target!(|bytes: &[u8]| {
    let Ok(contents) = parse_hdf5(bytes) else { return };
    for array in &contents.arrays {
        let values = array.shape.iter().try_fold(1u64, |values, &axis| values.checked_mul(axis));
        if values.is_some_and(|values| values <= MOST_VALUES) {
            let _ = array.summary();
        }
    }
});
