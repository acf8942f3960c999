//! A small denoiser from its training on patches to a picture of another size: it takes noise out, and its tiles leave no seam.

use enkoder::denoising::{Noise, Tiling};
use enkoder::metrics::mse;
use enkoder::{Activation, Adam, Architecture, Autoencoder, Dataset, LayerSpec, Trainer, TrainingConfig, WholeImage};
use ndarray::Array3;

/// Smooth waves with edges, another for each number.
fn photograph(number: usize, height: usize, width: usize) -> WholeImage {
    let n = number as f32;
    let value = |(y, x, _): (usize, usize, usize)| {
        let (y, x) = (y as f32, x as f32);
        let wave = 50.0 * (x * (0.05 + 0.01 * n) + n).sin() * (y * 0.08 + n).cos();
        (110.0 + wave + if (x + 0.3 * n * y) % 40.0 > 20.0 { 50.0 } else { 0.0 }) as u8
    };
    WholeImage { name: format!("photograph {number}"), pixels: Array3::from_shape_fn((height, width, 1), value) }
}

fn convolution(channels: usize, activation: Activation) -> LayerSpec {
    LayerSpec::Convolution { channels, kernel: 3, stride: 1, padding: None, activation }
}

fn trained(noise: Noise) -> Autoencoder {
    let architecture = Architecture {
        input_shape: vec![16, 16, 1],
        encoder: vec![LayerSpec::PixelUnshuffle { factor: 2 }, convolution(16, Activation::Relu)],
        decoder: vec![
            convolution(16, Activation::Relu),
            convolution(4, Activation::Linear),
            LayerSpec::PixelShuffle { factor: 2 },
        ],
        output_shape: None,
        residual: true,
    };
    let images: Vec<WholeImage> = (0..6).map(|number| photograph(number, 60, 50 + number)).collect();
    let patches = |images: &[WholeImage], count| {
        Dataset::from_patches("waves", images.to_vec(), [16, 16], count, 1).unwrap().with_shape([16, 16, 1]).unwrap()
    };
    let (train, validation) = (patches(&images[1..], 3000), patches(&images[..1], 100));
    let optimizer = Adam { learning_rate: 0.005, ..Adam::default() };
    let corruption = Some(noise.corruption());
    let config =
        TrainingConfig { epochs: 12, batch_size: 16, optimizer, corruption, seed: 1, ..TrainingConfig::default() };
    Trainer::new(architecture, config).fit(&train, &validation).unwrap()
}

fn denoised(model: &Autoencoder, tiling: Tiling, noisy: &[f32], height: usize, width: usize) -> Vec<f32> {
    let [rows, columns] = tiling.tile_size(height, width);
    let model = model.for_shape(&[rows, columns, 1]).unwrap();
    tiling
        .run(noisy, &[height, width, 1], || {
            let mut session = model.session();
            move |tile: &[f32], out: &mut [f32]| session.reconstruct(tile, out)
        })
        .unwrap()
}

#[test]
fn a_denoiser_learns_from_patches_and_runs_over_pictures_of_any_size_without_seams() {
    let noise: Noise = "gaussian:25".parse().unwrap();
    let model = trained(noise);
    let (step, margin) = (model.architecture().size_step(), model.architecture().margin().unwrap());
    let (height, width) = (131, 90);
    let clean: Vec<f32> = photograph(7, height, width).pixels.iter().map(|&value| value.into()).collect();
    let mut noisy = clean.clone();
    noise.apply(&mut noisy, 255.0, 1, 0);

    let whole = denoised(&model, Tiling::new(1000, margin, step), &noisy, height, width);
    let error = |values: &[f32]| mse(&clean, values).unwrap();
    let (left, before) = (error(&whole), error(&noisy));
    assert!(left < 0.5 * before, "{left} of {before}");

    let tiling = Tiling::new(48, margin, step);
    assert!(tiling.tiles(height, width) > 4);
    assert!(denoised(&model, tiling, &noisy, height, width) == whole, "a seam");
    for (height, width) in [(1, 1), (1, 90), (3, 7)] {
        let part = &noisy[..height * width];
        assert_eq!(denoised(&model, tiling, part, height, width).len(), part.len());
    }
}
