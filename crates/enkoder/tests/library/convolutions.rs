//! Networks of images: every kind of layer trains to the same bits with any number of threads, travels in a file, and is refused with
//! a reason where it does not fit.

use std::ops::ControlFlow;

use enkoder::{
    Activation, Architecture, ArchitectureError, Autoencoder, Checkpoint, Dataset, LayerSpec, ModelError, Penalty,
    Progress, Trainer, TrainingConfig,
};
use ndarray::Array2;

/// A model with a layer of every kind, written by version 0.1.0; it must stay readable.
const GOLDEN: &[u8] = include_bytes!("../golden/convolutions-v1.safetensors");

/// Stripes and spots in two channels.
fn images() -> Dataset {
    let value = |(image, at): (usize, usize)| {
        let (pixel, channel) = (at / 2, at % 2);
        let (row, column) = (pixel / 8, pixel % 8);
        0.5 + 0.5 * ((image * 7 % 13) as f32 * 0.5 + row as f32 * 0.9 + (column * (channel + 1)) as f32 * 0.4).sin()
    };
    Dataset::from_f32("stripes", Array2::from_shape_fn((60, 128), value)).unwrap().with_shape([8, 8, 2]).unwrap()
}

fn every_kind() -> Architecture {
    use Activation::{Gelu, Linear, Relu, Sigmoid, Tanh};
    let convolution = LayerSpec::convolution;
    Architecture {
        input_shape: vec![8, 8, 2],
        encoder: vec![
            LayerSpec::PixelUnshuffle { factor: 2 },
            convolution(6, 3, 1, Linear),
            LayerSpec::BatchNorm { activation: Gelu },
            LayerSpec::MaxPool { size: 2 },
            LayerSpec::Dense { units: 5, activation: Linear },
        ],
        decoder: vec![
            LayerSpec::Dense { units: 16, activation: Relu },
            LayerSpec::Reshape { shape: [2, 2, 4] },
            LayerSpec::transposed_convolution(4, 3, 2, Tanh),
            LayerSpec::Upsample { factor: 2 },
            convolution(8, 3, 1, Tanh),
            LayerSpec::AveragePool { size: 2 },
            LayerSpec::PixelShuffle { factor: 2 },
            convolution(2, 5, 1, Sigmoid),
        ],
        output_shape: None,
        residual: false,
    }
}

fn config(threads: usize) -> TrainingConfig {
    TrainingConfig { epochs: 3, batch_size: 16, threads: Some(threads), ..TrainingConfig::default() }
}

fn fit(trainer: Trainer<'_>) -> Autoencoder {
    let (train, validation) = images().split(0.2, 0).unwrap();
    trainer.fit(&train, &validation).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_file_with_any_threads_and_resumed() {
    let one = fit(Trainer::new(every_kind(), config(1))).to_bytes().unwrap();
    assert_eq!(one, fit(Trainer::new(every_kind(), config(3))).to_bytes().unwrap());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let stop = |progress: Progress<'_>| match progress {
        Progress::Epoch { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    fit(Trainer::new(every_kind(), config(2)).with_checkpoints(&path, 1).with_progress(stop));
    assert_eq!(one, fit(Trainer::resume(Checkpoint::load(&path).unwrap(), Some(2))).to_bytes().unwrap());
}

#[test]
fn a_sample_has_the_same_bits_alone_and_among_others_and_after_a_journey() {
    let model = fit(Trainer::new(every_kind(), config(2)));
    let model = Autoencoder::from_bytes(&model.to_bytes().unwrap()).unwrap();
    let all = model.reconstruct(&images()).unwrap();
    let alone = model.reconstruct(&images().select(&[17])).unwrap();
    assert_eq!(all.row(17), alone.row(0));
    let codes = model.encode(&images()).unwrap();
    assert_eq!(model.decode(codes.view()).unwrap(), all);
    let behind = model.layer_output(&images().to_array().row(3).to_vec(), 4);
    for (code, behind) in codes.row(3).iter().zip(behind) {
        // Once with the normalisation folded away and once without.
        assert!((code - behind).abs() < 1e-4, "{code} and {behind}");
    }
}

#[test]
fn a_model_with_every_kind_of_layer_still_works() {
    let model = Autoencoder::from_bytes(GOLDEN).unwrap();
    assert_eq!(model.architecture(), &every_kind());
    let codes = model.encode(&images().head(1)).unwrap();
    let expected = [0.18514861, 0.97242844, -0.8043331, 0.13229267, -0.9153449];
    for (code, expected) in codes.iter().zip(expected) {
        assert!((code - expected).abs() < 1e-4, "{codes}");
    }
}

#[test]
fn what_does_not_fit_is_refused_by_the_name_of_its_layer() {
    let with = |input_shape: &[usize], encoder: Vec<LayerSpec>, decoder: Vec<LayerSpec>| {
        let architecture =
            Architecture { input_shape: input_shape.to_vec(), encoder, decoder, output_shape: None, residual: false };
        architecture.validate().unwrap_err().to_string()
    };
    let convolution = |channels| LayerSpec::convolution(channels, 3, 1, Activation::Relu);
    let same = || vec![convolution(1)];
    says(&with(&[9, 8], vec![LayerSpec::MaxPool { size: 2 }], same()), "layer encoder.0 (max_pool) divides");
    says(&with(&[64], same(), same()), "layer encoder.0 (convolution) needs an image, but gets 64 values");
    says(&with(&[8, 8], same(), vec![LayerSpec::PixelShuffle { factor: 2 }]), "needs a multiple of 4 channels");
    says(&with(&[2, 2], vec![LayerSpec::MaxPool { size: 3 }], same()), "gets 2×2 pixels");
    says(&with(&[8, 8], same(), vec![convolution(2)]), "the decoder ends with 8×8×2");
    says(&with(&[8, 8], vec![LayerSpec::Upsample { factor: 1 << 40 }], same()), "the network would have more than");
    says(&with(&[8, 8], vec![LayerSpec::Upsample { factor: 0 }], same()), "at least 1 is needed");
    says(&with(&[8, 8], vec![LayerSpec::Reshape { shape: [8, 4, 1] }], same()), "makes 32 values of 64");
    let padded = LayerSpec::Convolution {
        channels: 1,
        kernel: 3,
        stride: 1,
        padding: Some(usize::MAX),
        activation: Activation::Relu,
    };
    assert!(with(&[8, 8], vec![padded], same()).contains("encoder.0"));
    let residual = Architecture { residual: true, ..every_kind() };
    assert_eq!(residual.validate(), Err(ArchitectureError::Residual(Activation::Sigmoid)));
}

fn says(message: &str, words: &str) {
    assert!(message.contains(words), "{message}");
}

#[test]
fn options_and_verbs_that_a_network_has_no_use_for_are_refused() {
    let (train, validation) = images().split(0.2, 0).unwrap();
    let penalty = Some(Penalty::Contractive { weight: 0.1 });
    let error =
        Trainer::new(every_kind(), TrainingConfig { penalty, ..config(1) }).fit(&train, &validation).unwrap_err();
    assert!(error.to_string().contains("contractive"), "{error}");
    let denoiser = fit(Trainer::new(Architecture::denoiser([8, 8, 2], 4, 3), config(1)));
    assert_eq!(denoiser.decode(denoiser.encode(&train).unwrap().view()), Err(ModelError::Residual));
    assert!(denoiser.for_shape(&[20, 6, 2]).is_ok());
    assert!(matches!(denoiser.for_shape(&[20, 7, 2]), Err(ModelError::Size(_))));
    assert!(matches!(denoiser.for_shape(&[20, 6, 3]), Err(ModelError::Size(_))));
}
