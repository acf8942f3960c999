//! Models of convolutions compress as those of dense layers do: the decoder in integers computes what the network does, every bound is
//! kept, files stay small, and what cannot be done is refused by the layer's name.

use std::io::Cursor;
use std::ops::ControlFlow;

use enkoder::codec::{Bound, CodecError, CompressOptions, EnkFile, FixedDecoder, SampleArray, compress};
use enkoder::layers::TransposedConvolution;
use enkoder::{Activation, Architecture, Autoencoder, Dataset, LayerSpec, Trainer, TrainingConfig};
use ndarray::Array2;
use proptest::prelude::*;

fn images(shape: [usize; 3], count: usize) -> Dataset {
    let [_, width, channels] = shape;
    let value = |(image, at): (usize, usize)| {
        let (pixel, channel) = (at / channels, at % channels);
        let (row, column) = (pixel / width, pixel % width);
        3.0 * ((image * 7 % 13) as f32 * 0.5 + row as f32 * 0.9 + (column * (channel + 1)) as f32 * 0.4).sin()
    };
    let values = Array2::from_shape_fn((count, shape.iter().product()), value);
    Dataset::from_f32("stripes", values).unwrap().with_shape(shape).unwrap()
}

fn fitted(shape: [usize; 3], decoder: Vec<LayerSpec>, latent: LayerSpec) -> Result<Autoencoder, String> {
    let architecture = Architecture {
        input_shape: shape.to_vec(),
        encoder: vec![latent],
        decoder,
        output_shape: None,
        residual: false,
    };
    architecture.validate().map_err(|error| error.to_string())?;
    let config = TrainingConfig { epochs: 60, batch_size: 8, ..TrainingConfig::default() };
    let (train, validation) = images(shape, 60).split(0.2, 0).unwrap();
    Ok(Trainer::new(architecture, config).fit(&train, &validation).unwrap())
}

fn bytes_of(model: &Autoencoder, samples: &SampleArray, bound: Bound) -> Result<Vec<u8>, CodecError> {
    let mut file = Vec::new();
    let options = CompressOptions { block_samples: Some(7), ..CompressOptions::new(bound) };
    compress(model, &mut samples.clone(), &options, &mut file, &mut |_| ControlFlow::Continue(()))?;
    Ok(file)
}

fn read(file: &[u8]) -> Result<SampleArray, CodecError> {
    let mut file = EnkFile::open(Cursor::new(file))?;
    let samples = file.samples();
    file.read(0, samples, 1 << 24)
}

/// Decoders with every layer that the codec takes, for samples of a shape.
fn decoders() -> Vec<([usize; 3], Vec<LayerSpec>)> {
    use Activation::{Elu, Gelu, LeakyRelu, Linear, Relu, Sigmoid, Silu, Tanh};
    let (dense, reshape) = (LayerSpec::dense, LayerSpec::reshape);
    let conv = |channels, kernel: [usize; 2], stride: usize, activation| {
        LayerSpec::convolution(channels, kernel, stride, activation)
    };
    let up = |channels, kernel: [usize; 2], stride: [usize; 2], activation| {
        LayerSpec::transposed_convolution(channels, kernel, stride, activation)
    };
    let uneven = TransposedConvolution {
        channels: 2,
        kernel: [4, 3].into(),
        stride: [3, 2].into(),
        padding: Some([1, 0].into()),
        output_padding: Some([2, 0].into()),
        activation: Linear,
    };
    vec![
        // As the command makes them.
        (
            [8, 8, 1],
            vec![dense(32, Relu), reshape([2, 2, 8]), up(16, [3; 2], [2; 2], Relu), up(1, [3; 2], [2; 2], Linear)],
        ),
        (
            [8, 8, 2],
            vec![
                dense(16, Gelu),
                reshape([2, 2, 4]),
                LayerSpec::upsample(2),
                conv(8, [3; 2], 1, Linear),
                LayerSpec::batch_norm(Silu),
                LayerSpec::pixel_shuffle(2),
                conv(2, [5; 2], 1, Sigmoid),
            ],
        ),
        // A code that is an image, other sizes along the axes, and an end that only moves numbers.
        ([10, 7, 2], vec![reshape([3, 3, 1]), uneven.into()]),
        (
            [8, 12, 1],
            vec![
                reshape([2, 3, 2]),
                up(8, [5; 2], [2; 2], Tanh),
                conv(4, [1, 3], 1, LeakyRelu),
                LayerSpec::pixel_shuffle(2),
            ],
        ),
        // A series, and a convolution that makes the image smaller.
        ([24, 1, 2], vec![reshape([6, 1, 2]), up(4, [3, 1], [4, 1], Elu), conv(2, [5, 1], 1, Linear)]),
        ([4, 4, 3], vec![dense(64, Relu), reshape([8, 8, 1]), conv(3, [3; 2], 2, Linear)]),
    ]
}

#[test]
fn decoders_in_integers_compute_what_the_network_does() {
    for (shape, decoder) in decoders() {
        let latent = match &decoder[0] {
            LayerSpec::Reshape(first) => first.shape.iter().product(),
            _ => 5,
        };
        let model = fitted(shape, decoder, LayerSpec::dense(latent, Activation::Linear)).unwrap();
        let data = images(shape, 20);
        let samples = SampleArray::from_dataset(&data);
        let back = read(&bytes_of(&model, &samples, Bound::None).unwrap()).unwrap();
        assert_eq!(back.shape(), shape);
        let expected = model.reconstruct(&data).unwrap();
        // Codes are as coarse as they may be without making the error 2 % larger.
        let original = samples.values::<f32>().unwrap();
        let error = |values: &mut dyn Iterator<Item = f32>| {
            values.zip(&original).map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>() / original.len() as f64
        };
        let of_file = error(&mut back.values::<f32>().unwrap().into_iter());
        let of_model = error(&mut expected.iter().copied());
        println!("{shape:?}: {of_file} for {of_model}");
        assert!(of_file < 1.03 * of_model, "{shape:?}: {of_file} for {of_model}");
        for bound in [Bound::Absolute(0.01), Bound::Lossless] {
            let back = read(&bytes_of(&model, &samples, bound).unwrap()).unwrap();
            let most = if bound == Bound::Lossless { 0.0 } else { 0.01 };
            let pairs = back.values::<f32>().unwrap().into_iter().zip(&original);
            assert!(pairs.into_iter().all(|(x, &y)| (f64::from(x) - f64::from(y)).abs() <= most), "{shape:?} {bound}");
        }
    }
}

#[test]
fn layers_that_the_codec_does_not_take_are_named() {
    let dense = |units| LayerSpec::dense(units, Activation::Linear);
    let pool = vec![dense(256), LayerSpec::reshape([16, 16, 1]), LayerSpec::average_pool(2)];
    let model = fitted([8, 8, 1], pool, dense(4)).unwrap();
    let error = FixedDecoder::new(&model, 16).unwrap_err().to_string();
    assert!(error.contains("layer decoder.2 (average_pool) has no form in integers"), "{error}");
    let moved = vec![LayerSpec::reshape([4, 4, 1]), LayerSpec::upsample(2)];
    let model = fitted([8, 8, 1], moved, dense(16)).unwrap();
    assert!(FixedDecoder::new(&model, 16).unwrap_err().to_string().contains("no weights"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn changed_files_are_read_or_refused(place: prop::sample::Index, change in 1u8.., decoder in 0usize..6) {
        use std::sync::OnceLock;
        static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
        let files = FILES.get_or_init(|| {
            let file = |(shape, decoder): ([usize; 3], Vec<LayerSpec>)| {
                let latent = if let LayerSpec::Reshape(first) = &decoder[0] { first.shape.iter().product() } else { 5 };
                let model = fitted(shape, decoder, LayerSpec::dense(latent, Activation::Linear)).unwrap();
                bytes_of(&model, &SampleArray::from_dataset(&images(shape, 9)), Bound::Absolute(0.1)).unwrap()
            };
            decoders().into_iter().map(file).collect()
        });
        let mut file = files[decoder].clone();
        let place = place.index(file.len());
        file[place] ^= change;
        let _ = read(&file);
    }
}
