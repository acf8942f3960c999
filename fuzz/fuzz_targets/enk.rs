//! Any bytes as a compressed file: opened, read and salvaged. Under the fuzzer checksums are not compared, so that it gets past
//! them to the streams.
#![no_main]

use std::io::Cursor;

use enkoder::codec::{EnkArchive, EnkFile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(mut archive) = EnkArchive::open(Cursor::new(bytes)) {
        let _ = archive.description(1 << 20);
        for number in 0..archive.len().min(8) {
            let Ok(mut file) = archive.file(number) else { continue };
            let _ = (file.predictions(), file.salvage(1 << 16, &mut |_| Ok(())));
        }
    }
    if let Ok(mut file) = EnkFile::open(Cursor::new(bytes)) {
        let samples = file.samples();
        let _ = file.account();
        let _ = file.predictions();
        let _ = file.read(0, samples, 1 << 20);
        let _ = file.salvage(1 << 20, &mut |_| Ok(()));
    }
});
