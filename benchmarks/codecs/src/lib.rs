//! The codecs that Enkoder's is compared with, each behind one function that takes values and gives back what a reader of its
//! files would get, with the bytes it took and the time.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

mod zfp;

pub use zfp::zfp;

pub type Failure = Box<dyn std::error::Error>;

/// What a codec did with some values.
#[derive(Clone, Debug)]
pub struct Coded<T> {
    pub bytes: usize,
    pub decoded: Vec<T>,
    pub compress: Duration,
    pub decompress: Duration,
}

/// Runs a codec several times and keeps the median times.
pub fn timed<T>(times: usize, mut run: impl FnMut() -> Result<Coded<T>, Failure>) -> Result<Coded<T>, Failure> {
    let mut runs = (0..times.max(1)).map(|_| run()).collect::<Result<Vec<_>, _>>()?;
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let compress = median(runs.iter().map(|run| run.compress).collect());
    let decompress = median(runs.iter().map(|run| run.decompress).collect());
    Ok(Coded { compress, decompress, ..runs.swap_remove(0) })
}

/// Compresses by one function and decompresses by another.
pub fn coded<T, S>(
    compress: impl FnOnce() -> Result<S, Failure>,
    bytes: impl FnOnce(&S) -> usize,
    decompress: impl FnOnce(S) -> Result<Vec<T>, Failure>,
) -> Result<Coded<T>, Failure> {
    let start = Instant::now();
    let stream = compress()?;
    let (compress, bytes) = (start.elapsed(), bytes(&stream));
    let start = Instant::now();
    let decoded = decompress(stream)?;
    Ok(Coded { bytes, decoded, compress, decompress: start.elapsed() })
}

/// SZ3 with its default algorithm (interpolation and Lorenzo), one thread, on an array of these dimensions.
pub fn sz3(values: &[f32], shape: [usize; 3], bound: f64) -> Result<Coded<f32>, Failure> {
    coded(
        || {
            let data = sz3::DimensionedData::build(&values).dim(shape[0])?.dim(shape[1])?.dim(shape[2])?.finish()?;
            Ok(sz3::compress_with_config(&data, &sz3::Config::new(sz3::ErrorBound::Absolute(bound)))?)
        },
        Vec::len,
        |stream| Ok(sz3::decompress::<f32, _>(stream)?.1.into_data()),
    )
}

/// WebP of one grey image: lossy of this quality (0 to 100), or lossless.
pub fn webp(image: &[u8], side: usize, quality: Option<f32>) -> Result<Coded<u8>, Failure> {
    let colours: Vec<u8> = image.iter().flat_map(|&grey| [grey; 3]).collect();
    coded(
        || {
            let encoder = webp::Encoder::from_rgb(&colours, side as u32, side as u32);
            Ok(quality.map_or_else(|| encoder.encode_lossless(), |quality| encoder.encode(quality)))
        },
        |stream| stream.len(),
        |stream| {
            let image = webp::Decoder::new(&stream).decode().ok_or("WebP does not decode")?;
            let channels = image.len() / (side * side);
            Ok(image.iter().step_by(channels).copied().collect())
        },
    )
}

/// xz at its highest level.
pub fn xz(values: &[u8]) -> Result<Coded<u8>, Failure> {
    coded(
        || {
            let mut encoder = xz2::write::XzEncoder::new(Vec::new(), 9);
            encoder.write_all(values)?;
            Ok(encoder.finish()?)
        },
        Vec::len,
        |stream| {
            let mut decoded = Vec::new();
            xz2::read::XzDecoder::new(&stream[..]).read_to_end(&mut decoded)?;
            Ok(decoded)
        },
    )
}

/// zstd at level 19.
pub fn zstd(values: &[u8]) -> Result<Coded<u8>, Failure> {
    coded(
        || Ok(zstd::bulk::compress(values, 19)?),
        Vec::len,
        |stream| Ok(zstd::bulk::decompress(&stream, values.len())?),
    )
}
