//! Any bytes as an image: PNG, JPEG, PGM or PPM.
#![no_main]

use enkoder_data::images::{ImageOptions, Picture, read_image};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_image("fuzz", bytes, &ImageOptions { size: Some((8, 8)), grey: false, strict: false });
    let _ = read_image("fuzz", bytes, &ImageOptions::default());
    let _ = Picture::from_bytes("fuzz", bytes);
});
