//! The codec beside WebP, xz and zstd on the validation digits of MNIST, in one container: bytes an image.
//! `cargo run --release --bin digits`, with `ENKODER_TEST_DATA` set.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::time::Instant;

use enkoder::codec::{Bound, Calibration, CompressOptions, EnkFile, FixedDecoder, SampleArray, compress};
use enkoder::{Activation, Architecture, Dataset, Trainer, TrainingConfig};
use enkoder_codec_benchmarks::{Coded, Failure, webp, xz, zstd};

const SIDE: usize = 28;

fn main() -> Result<(), Failure> {
    let folder = std::env::var("ENKODER_TEST_DATA").map_err(|_| "ENKODER_TEST_DATA is not set")?;
    let data = enkoder_data::open(&format!("{folder}/mnist"), &enkoder_data::ReadOptions::default())?;
    let (train, digits) = data.split(0.2, 0)?;
    let architecture = Architecture::dense([SIDE, SIDE], &[128, 64], 10).with_output_activation(Activation::Sigmoid);
    let config = TrainingConfig { epochs: 20, ..TrainingConfig::default() };
    let model = Trainer::new(architecture, config).fit(&train, &digits)?;
    let model = model.clone().with_calibration(Calibration::from_held_out(&model, &digits)?)?;
    let pixels: Vec<u8> = digits.to_array().into_iter().map(|pixel| pixel as u8).collect();
    let reconstructed: Vec<u8> = model.reconstruct(&digits)?.into_iter().map(|pixel| pixel.round() as u8).collect();
    println!(
        "{} digits; the unquantised model's MSE {:.5}; its decoder takes {} bytes with 16-bit weights, not counted below",
        digits.len(),
        error(&pixels, &reconstructed),
        FixedDecoder::new(&model, 16)?.to_bytes().len()
    );

    for bound in ["none", "psnr:22.518", "psnr:28.861", "lossless"] {
        let options = CompressOptions { embed_model: false, ..CompressOptions::new(bound.parse::<Bound>()?) };
        let mut samples = SampleArray::from_dataset(&digits);
        let (start, mut file) = (Instant::now(), Vec::new());
        compress(&model, &mut samples, &options, &mut file, &mut |_| ControlFlow::Continue(()))?;
        let (compress, bytes, start) = (start.elapsed(), file.len(), Instant::now());
        let mut file = EnkFile::open(Cursor::new(file))?.with_model(&model)?;
        let count = file.samples();
        let decoded = file.read(0, count, u64::MAX)?.values::<u8>().ok_or("the file has other values")?;
        print(
            &format!("Enkoder, {bound}"),
            &digits,
            &pixels,
            &Coded { bytes, decoded, compress, decompress: start.elapsed() },
        );
    }
    for (name, quality) in [("WebP, quality 5", Some(5.0)), ("WebP, quality 50", Some(50.0)), ("WebP, lossless", None)]
    {
        let mut all =
            Coded { bytes: 0, decoded: Vec::new(), compress: Default::default(), decompress: Default::default() };
        for image in pixels.chunks_exact(SIDE * SIDE) {
            let one = webp(image, SIDE, quality)?;
            all.bytes += one.bytes;
            all.decoded.extend(one.decoded);
            all.compress += one.compress;
            all.decompress += one.decompress;
        }
        print(name, &digits, &pixels, &all);
    }
    print("xz, all in one stream", &digits, &pixels, &xz(&pixels)?);
    print("zstd 19, in one stream", &digits, &pixels, &zstd(&pixels)?);
    Ok(())
}

fn print(name: &str, digits: &Dataset, pixels: &[u8], coded: &Coded<u8>) {
    println!(
        "{name:<24} {:>7.2} bytes an image, MSE {:.5}, {:>6.1} and {:>6.1} MB/s",
        coded.bytes as f64 / digits.len() as f64,
        error(pixels, &coded.decoded),
        pixels.len() as f64 / 1e6 / coded.compress.as_secs_f64(),
        pixels.len() as f64 / 1e6 / coded.decompress.as_secs_f64()
    );
}

/// Mean squared error of pixels scaled to 0..1.
fn error(pixels: &[u8], decoded: &[u8]) -> f64 {
    let squares: f64 = pixels.iter().zip(decoded).map(|(&x, &y)| f64::from(x.abs_diff(y)).powi(2)).sum();
    squares / 255f64.powi(2) / pixels.len() as f64
}
