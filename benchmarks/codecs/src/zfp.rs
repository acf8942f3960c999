//! zfp, in its mode of a tolerance, one thread. The only file with foreign functions.

use std::ffi::c_void;

use zfp_sys::{
    stream_close, stream_open, zfp_compress, zfp_decompress, zfp_field, zfp_field_3d, zfp_field_free, zfp_stream,
    zfp_stream_close, zfp_stream_maximum_size, zfp_stream_open, zfp_stream_rewind, zfp_stream_set_accuracy,
    zfp_stream_set_bit_stream, zfp_type_zfp_type_float,
};

use crate::{Coded, Failure, coded};

/// zfp on an array of these dimensions.
pub fn zfp(values: &[f32], shape: [usize; 3], bound: f64) -> Result<Coded<f32>, Failure> {
    coded(
        || {
            let mut values = values.to_vec();
            let mut buffer = Vec::new();
            // SAFETY: the field points to `values`, which has as many numbers as the shape says, and `buffer` is as large as zfp asks.
            let length = run(&mut values, shape, bound, |stream, field| unsafe {
                buffer.resize(zfp_stream_maximum_size(stream, field), 0u8);
                with_bits(stream, &mut buffer, || zfp_compress(stream, field))
            });
            buffer.truncate(length);
            if length == 0 { Err("zfp does not compress".into()) } else { Ok(buffer) }
        },
        Vec::len,
        |mut stream| {
            let mut values = vec![0.0; values.len()];
            // SAFETY: as above; zfp reads no further than what it wrote.
            let length = run(&mut values, shape, bound, |zfp, field| unsafe {
                with_bits(zfp, &mut stream, || zfp_decompress(zfp, field))
            });
            if length == 0 { Err("zfp does not decompress".into()) } else { Ok(values) }
        },
    )
}

fn run(
    values: &mut [f32],
    [frames, rows, columns]: [usize; 3],
    bound: f64,
    work: impl FnOnce(*mut zfp_stream, *mut zfp_field) -> usize,
) -> usize {
    assert_eq!(values.len(), frames * rows * columns, "as many values as the shape says");
    // SAFETY: what is opened is closed, and the pointers are used in between only.
    unsafe {
        let field = zfp_field_3d(values.as_mut_ptr().cast::<c_void>(), zfp_type_zfp_type_float, columns, rows, frames);
        let stream = zfp_stream_open(std::ptr::null_mut());
        zfp_stream_set_accuracy(stream, bound);
        let result = work(stream, field);
        zfp_field_free(field);
        zfp_stream_close(stream);
        result
    }
}

/// SAFETY: `stream` is open.
unsafe fn with_bits(stream: *mut zfp_stream, buffer: &mut [u8], work: impl FnOnce() -> usize) -> usize {
    unsafe {
        let bits = stream_open(buffer.as_mut_ptr().cast::<c_void>(), buffer.len());
        zfp_stream_set_bit_stream(stream, bits);
        zfp_stream_rewind(stream);
        let result = work();
        stream_close(bits);
        result
    }
}
