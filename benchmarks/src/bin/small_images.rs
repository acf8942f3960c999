//! The experiment of Gondara 2016 ("Medical image denoising using convolutional denoising autoencoders", ICDM workshops) on photographs: 64×64
//! grey images, fewer than 300 to learn from, noise p·N(0, σ) on values of 0..1, and the paper's network. Prints PSNR and SSIM beside the median
//! filter, over images that were not learned from.
//!
//! ```text
//! ENKODER_TEST_DATA=FOLDER cargo run --release --manifest-path benchmarks/Cargo.toml --bin small_images -- [EPOCHS]
//! ```

use enkoder::denoising::median;
use enkoder::metrics::{psnr, ssim};
use enkoder::{Activation, Adam, Architecture, Corruption, Dataset, LayerSpec, Trainer, TrainingConfig};
use enkoder_data::images::{ImageOptions, read_image_folder};
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

const SIDE: usize = 64;
const TRAINED_ON: usize = 290;
/// p and σ of the paper, whose mean is always 0.
const LEVELS: [(f32, f32); 4] = [(0.1, 1.0), (0.5, 1.0), (0.2, 2.0), (0.2, 5.0)];

fn main() {
    let epochs = std::env::args().nth(1).map_or(100, |text| text.parse().expect("a number of epochs"));
    let folder = std::env::var("ENKODER_TEST_DATA").expect("ENKODER_TEST_DATA names the folder of the test data");
    let options = ImageOptions { size: Some((SIDE, SIDE)), grey: true, ..ImageOptions::default() };
    let images = read_image_folder(format!("{folder}/images/Train400").as_ref(), &options).expect("photographs");
    let images = Dataset::from_f32("photographs", images.to_array() / 255.0)
        .and_then(|images| images.with_shape([SIDE, SIDE]))
        .expect("the images are of one size");
    let (train, rest) = images.split(1.0 - TRAINED_ON as f64 / images.len() as f64, 0).expect("hundreds of images");
    let (validation, test) = rest.split(0.8, 0).expect("a hundred images");
    println!("{} images to learn from, {} to validate, {} to test", train.len(), validation.len(), test.len());
    println!("noise           noisy          median 3×3     median 5×5     autoencoder");
    for (p, sigma) in LEVELS {
        let corruption = Corruption::Gaussian { sigma: (p * sigma).into() };
        let config = TrainingConfig {
            epochs,
            batch_size: 10,
            optimizer: Adam { learning_rate: 1e-3, ..Adam::default() },
            corruption: Some(corruption),
            ..TrainingConfig::default()
        };
        let model = Trainer::new(network(), config).fit(&train, &validation).expect("images can be learned");
        let noisy = noisy(&test, p * sigma);
        let cleaned = model.reconstruct(&noisy).expect("the images fit the model");
        let of_filter = |window| {
            let row =
                |index: usize| median(&noisy.rows(index..index + 1).into_raw_vec_and_offset().0, &[SIDE, SIDE], window);
            let rows: Vec<f32> = (0..noisy.len()).flat_map(|index| row(index).expect("an image")).collect();
            Array2::from_shape_vec((noisy.len(), SIDE * SIDE), rows).expect("as many pixels")
        };
        let columns = [noisy.to_array(), of_filter(3), of_filter(5), cleaned].map(|images| quality(&test, &images));
        println!("{p}·N(0, {sigma})     {}", columns.join("  "));
    }
}

/// Two convolutions with pooling, and the way back with upsampling; 64 channels everywhere.
fn network() -> Architecture {
    let convolution = |channels, activation| LayerSpec::convolution(channels, 3, 1, activation);
    let (relu, sigmoid) = (Activation::Relu, Activation::Sigmoid);
    Architecture {
        input_shape: vec![SIDE, SIDE],
        encoder: vec![convolution(64, relu), LayerSpec::max_pool(2), convolution(64, relu), LayerSpec::max_pool(2)],
        decoder: vec![
            convolution(64, relu),
            LayerSpec::upsample(2),
            convolution(64, relu),
            LayerSpec::upsample(2),
            convolution(1, sigmoid),
        ],
        output_shape: None,
        residual: false,
    }
}

fn noisy(images: &Dataset, sigma: f32) -> Dataset {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let values = images.to_array().mapv(|value| value + sigma * random.sample::<f32, _>(StandardNormal));
    Dataset::from_f32("noisy", values).and_then(|data| data.with_shape([SIDE, SIDE])).expect("as many pixels")
}

/// Mean PSNR in decibels and SSIM.
fn quality(clean: &Dataset, images: &Array2<f32>) -> String {
    let clean = clean.to_array();
    let (mut decibels, mut similarity) = (0.0, 0.0);
    for (clean, image) in clean.rows().into_iter().zip(images.rows()) {
        let image: Vec<f32> = image.iter().map(|value| value.clamp(0.0, 1.0)).collect();
        let clean = clean.to_vec();
        decibels += psnr(&clean, &image, 1.0).expect("two images");
        similarity += ssim(&clean, &image, &[SIDE, SIDE], 1.0).expect("two images");
    }
    let count = clean.nrows() as f64;
    format!("{:5.2} dB {:.3}", decibels / count, similarity / count)
}
