//! A small denoiser from its training on patches to a picture of another size: it takes noise out, and its tiles leave no seam.

use enkoder::denoising::{Denoiser, DenoisingError, Noise, Tiling};
use enkoder::metrics::mse;
use enkoder::{
    Activation, Adam, Architecture, Autoencoder, Dataset, LayerSpec, ModelError, Rows, Scaling, Trainer,
    TrainingConfig, WholeImage,
};
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
    LayerSpec::convolution(channels, 3, 1, activation)
}

fn trained(noise: Noise) -> Autoencoder {
    let architecture = Architecture {
        input_shape: vec![16, 16, 1],
        encoder: vec![LayerSpec::pixel_unshuffle(2), convolution(16, Activation::Relu)],
        decoder: vec![
            convolution(16, Activation::Relu),
            convolution(4, Activation::Linear),
            LayerSpec::pixel_shuffle(2),
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
            move |tile: &[f32], out: &mut [f32]| {
                session.reconstruct(Rows::from_slice(tile, tile.len()).unwrap(), out).unwrap();
            }
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
    // Not to the bit: convolutions round by where their own tiles lie. A seam would be whole levels of 255.
    let tiled = denoised(&model, tiling, &noisy, height, width);
    let difference = tiled.iter().zip(&whole).fold(0.0f32, |largest, (a, b)| largest.max((a - b).abs()));
    assert!(difference < 0.002, "a seam of {difference}");
    for (height, width) in [(1, 1), (1, 90), (3, 7)] {
        let part = &noisy[..height * width];
        assert_eq!(denoised(&model, tiling, part, height, width).len(), part.len());
    }

    a_picture_of_any_size_depth_and_colour_is_denoised(&model, &noisy, &whole, [height, width]);
    all_ways_to_lay_a_picture_leave_less_noise(&model, &clean, &noisy, [height, width]);
    only_what_is_missing_is_filled(&model, &clean, [height, width]);
}

fn all_ways_to_lay_a_picture_leave_less_noise(model: &Autoencoder, clean: &[f32], noisy: &[f32], shape: [usize; 2]) {
    let [once, eight] = [false, true].map(|ensemble| {
        let denoiser = Denoiser::new(model).unwrap();
        let denoised = denoiser.with_ensemble(ensemble).denoise(noisy, &shape, 255.0).unwrap();
        mse(clean, &denoised).unwrap()
    });
    assert!(eight < once, "{eight} and {once}");
    // A picture that is turned is denoised as it lay, but for rounding.
    let [height, width] = shape;
    let turn = |values: &[f32], [height, width]: [usize; 2]| -> Vec<f32> {
        (0..width * height).map(|at| values[at % height * width + at / height]).collect()
    };
    let all = Denoiser::new(model).unwrap().with_ensemble(true);
    let upright = all.denoise(&noisy[..width * 80], &[80, width], 255.0).unwrap();
    let turned = all.denoise(&turn(&noisy[..width * 80], [80, width]), &[width, 80], 255.0).unwrap();
    let back = turn(&turned, [width, 80]);
    assert!(height > 80 && upright.iter().zip(&back).all(|(a, b)| (a - b).abs() < 0.01));
}

fn a_picture_of_any_size_depth_and_colour_is_denoised(
    model: &Autoencoder,
    noisy: &[f32],
    expected: &[f32],
    shape: [usize; 2],
) {
    let denoiser = Denoiser::new(model).unwrap();
    let expected: Vec<f32> = expected.iter().map(|value| value.clamp(0.0, 255.0)).collect();
    assert!(denoiser.denoise(noisy, &shape, 255.0).unwrap() == expected);
    // 16 bits are the same picture in finer steps.
    let deep: Vec<f32> = noisy.iter().map(|value| value * 257.0).collect();
    let back = denoiser.denoise(&deep, &shape, 65535.0).unwrap();
    assert!(back.iter().zip(&expected).all(|(a, b)| (a / 257.0 - b).abs() < 0.01));
    // Channels are pictures of their own: here the picture, its mirror image and the picture once more.
    let channels: Vec<f32> = noisy.iter().zip(noisy.iter().rev()).flat_map(|(&a, &b)| [a, b, a]).collect();
    let colour = denoiser.denoise(&channels, &[shape[0], shape[1], 3], 255.0).unwrap();
    let turned: Vec<f32> = noisy.iter().rev().copied().collect();
    let turned = denoiser.denoise(&turned, &shape, 255.0).unwrap();
    let places = colour.chunks_exact(3).zip(expected.iter().zip(&turned));
    assert!(places.into_iter().all(|(pixel, (&a, &b))| pixel == [a, b, a]));
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert!(one.install(|| denoiser.denoise(noisy, &shape, 255.0)).unwrap() == expected);

    assert!(matches!(denoiser.denoise(noisy, &[3, 3], 255.0), Err(DenoisingError::Shape { .. })));
    assert_eq!(denoiser.denoise(noisy, &shape, 0.0), Err(DenoisingError::Peak(0.0)));
    let missing = [f32::NAN; 4];
    assert!(matches!(denoiser.denoise(&missing, &[2, 2], 255.0), Err(DenoisingError::NotFinite { index: 0, .. })));
}

fn only_what_is_missing_is_filled(model: &Autoencoder, clean: &[f32], shape: [usize; 2]) {
    let denoiser = Denoiser::new(model).unwrap();
    let mut damaged = clean.to_vec();
    damaged.iter_mut().step_by(7).for_each(|value| *value = f32::NAN);
    for iterations in [1, 3] {
        let filled = denoiser.fill(&damaged, &shape, 255.0, iterations).unwrap();
        assert!(filled.iter().all(|value| (0.0..=255.0).contains(value)));
        assert!(filled.iter().zip(&damaged).all(|(filled, given)| given.is_nan() || filled == given));
    }
    let once = denoiser.fill(&damaged, &shape, 255.0, 1).unwrap();
    let again = denoiser.fill(&damaged, &shape, 255.0, 2).unwrap();
    assert_ne!(once, again);
    assert!(denoiser.fill(clean, &shape, 255.0, 1).unwrap() == clean);
    let infinite = denoiser.fill(&[f32::INFINITY; 4], &[2, 2], 255.0, 1);
    assert!(matches!(infinite, Err(DenoisingError::NotFinite { .. })));
}

#[test]
fn models_that_cannot_run_over_pictures_are_refused() {
    let data = |shape: &[usize]| {
        let values =
            ndarray::Array2::from_shape_fn((40, shape.iter().product()), |(i, j)| ((i * 7 + j * 3) % 50) as f32);
        Dataset::from_f32("numbers", values).unwrap().with_shape(shape).unwrap()
    };
    let fit = |architecture: Architecture, scaling| {
        let data = data(&architecture.input_shape);
        let config = TrainingConfig { epochs: 1, scaling, ..TrainingConfig::default() };
        Trainer::new(architecture, config).fit(&data, &data).unwrap()
    };
    let refused = |model: &Autoencoder| Denoiser::new(model).unwrap_err();
    let dense = fit(Architecture::dense([8, 8], &[4], 2), Scaling::Auto);
    assert_eq!(refused(&dense), DenoisingError::NotConvolutional);
    let denoiser = |scaling| fit(Architecture::denoiser([8, 8], 2, 2), scaling);
    assert_eq!(refused(&denoiser(Scaling::None)), DenoisingError::NoRange);
    assert_eq!(refused(&denoiser(Scaling::Standard)), ModelError::ScaledByPixel.into());
    // Black and white are the smallest and the largest value that it has seen.
    assert!(Denoiser::new(&denoiser(Scaling::UnitRange)).is_ok());

    let colour = fit(Architecture::denoiser([8, 8, 3], 2, 2), Scaling::UnitRange);
    let denoiser = Denoiser::new(&colour).unwrap();
    assert_eq!(denoiser.channels(), 3);
    assert!(denoiser.denoise(&[1.0; 30], &[2, 5, 3], 255.0).is_ok());
    let grey = denoiser.denoise(&[1.0; 10], &[2, 5], 255.0);
    assert_eq!(grey, Err(DenoisingError::Colours { expected: 3, found: 1 }));
}
