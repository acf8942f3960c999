//! Any bytes as what a compressed file keeps beside its arrays, unpacked; what is read is written as NetCDF again.
#![no_main]

use std::io::Cursor;

use enkoder::codec::ElementType;
use enkoder_data::Description;
use enkoder_data::netcdf::{NetcdfWriter, Written};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(packed) = zstd::bulk::compress(bytes, 1) else { return };
    let Ok(description) = Description::parse(&packed) else { return };
    for (element, shape) in [(ElementType::I16, &[6, 3, 5][..]), (ElementType::F32, &[2, 3]), (ElementType::U8, &[4])] {
        let _ = description.form(0, element);
        for steps in [shape[0], 1] {
            let shape: Vec<u64> = std::iter::once(steps).chain(shape[1..].iter().copied()).collect();
            let written = [Written { name: String::new(), element, shape: shape.clone() }];
            let Ok(mut writer) = NetcdfWriter::new(&description, &written, 0) else { continue };
            let mut out = Cursor::new(Vec::new());
            let bytes = vec![0; shape.iter().product::<u64>() as usize * element.bytes()];
            let written = writer.begin(&mut out).and_then(|()| writer.write(&mut out, 0, &bytes));
            let _ = written.and_then(|()| writer.finish(&mut out));
        }
    }
});
