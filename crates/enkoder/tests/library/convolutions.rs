//! Networks of images: every kind of layer trains to the same bits with any number of threads, travels in a file, and is refused with
//! a reason where it does not fit.

use std::ops::ControlFlow;

use enkoder::layers::Convolution;
use enkoder::{
    Activation, Architecture, ArchitectureError, Autoencoder, Checkpoint, Corruption, Dataset, LayerSpec, ModelError,
    Penalty, Progress, Session, Trainer, TrainingConfig,
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
            LayerSpec::pixel_unshuffle(2),
            convolution(6, 3, 1, Linear),
            LayerSpec::batch_norm(Gelu),
            LayerSpec::max_pool(2),
            LayerSpec::dense(5, Linear),
        ],
        decoder: vec![
            LayerSpec::dense(16, Relu),
            LayerSpec::reshape([2, 2, 4]),
            LayerSpec::transposed_convolution(4, 3, 2, Tanh),
            LayerSpec::upsample(2),
            convolution(8, 3, 1, Tanh),
            LayerSpec::average_pool(2),
            LayerSpec::pixel_shuffle(2),
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

/// A U-shaped denoiser with skip connections, and an autoencoder of windows of a series.
fn skipping_and_series() -> [(Architecture, Dataset); 2] {
    use Activation::{Linear, Relu};
    let (conv, down, up) = (LayerSpec::convolution, LayerSpec::max_pool, LayerSpec::upsample);
    let shaped = Architecture {
        input_shape: vec![8, 8, 2],
        encoder: vec![conv(16, 3, 1, Relu), down(2), conv(24, 3, 1, Linear), LayerSpec::batch_norm(Relu), down(2)],
        decoder: vec![
            conv(24, 3, 1, Relu),
            up(2),
            LayerSpec::concat("encoder.3"),
            conv(16, 3, 1, Relu),
            up(2),
            LayerSpec::concat("encoder.0"),
            conv(2, 3, 1, Linear),
        ],
        output_shape: None,
        residual: true,
    };
    let series = |(window, at): (usize, usize)| {
        let (step, channel) = (at / 3, at % 3);
        ((window * 5 + step) as f32 * 0.3 + channel as f32).sin() + 0.2 * (step as f32 * 0.9).cos()
    };
    let windows = Dataset::from_f32("windows", Array2::from_shape_fn((80, 16 * 3), series)).unwrap();
    let back = |channels, activation| LayerSpec::transposed_convolution(channels, [5, 1], [2, 1], activation);
    let over_time = Architecture {
        input_shape: vec![16, 1, 3],
        encoder: vec![
            LayerSpec::convolution(8, [5, 1], [2, 1], Relu),
            LayerSpec::convolution(8, [3, 1], 1, Relu),
            LayerSpec::add("encoder.0"),
            LayerSpec::convolution(4, [5, 1], [2, 1], Linear),
        ],
        decoder: vec![back(8, Relu), back(3, Linear)],
        output_shape: None,
        residual: false,
    };
    [(shaped, images()), (over_time, windows.with_shape([16, 1, 3]).unwrap())]
}

#[test]
fn skip_connections_and_series_train_travel_and_resume_to_the_same_bits() {
    for (architecture, data) in skipping_and_series() {
        let (train, validation) = data.split(0.2, 0).unwrap();
        let corruption = architecture.residual.then_some(Corruption::Gaussian { sigma: 0.2.into() });
        let config = |threads| TrainingConfig { epochs: 8, corruption, ..config(threads) };
        let fit = |trainer: Trainer<'_>| trainer.fit(&train, &validation).unwrap();
        let model = fit(Trainer::new(architecture.clone(), config(1)));
        let bytes = model.to_bytes().unwrap();
        assert_eq!(bytes, fit(Trainer::new(architecture.clone(), config(3))).to_bytes().unwrap());

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        let stop = |progress: Progress<'_>| match progress {
            Progress::Epoch { record, .. } if record.epoch == 3 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        fit(Trainer::new(architecture.clone(), config(2)).with_checkpoints(&path, 1).with_progress(stop));
        assert_eq!(bytes, fit(Trainer::resume(Checkpoint::load(&path).unwrap(), Some(2))).to_bytes().unwrap());

        let again = Autoencoder::from_bytes(&bytes).unwrap();
        assert_eq!(again.reconstruct(&validation).unwrap(), model.reconstruct(&validation).unwrap());
        let history = model.record().history.as_ref().unwrap();
        assert!(history.epochs[7].train_loss < 0.7 * history.epochs[0].train_loss, "{history:?}");
        let code = model.encode(&validation).unwrap();
        match architecture.needs_sample() {
            // The decoder of a U reads what the encoder made on the way.
            Some(layer) => assert_eq!(model.decode(code.view()), Err(ModelError::NeedsSample { layer })),
            None => assert_eq!(model.decode(code.view()).unwrap(), model.reconstruct(&validation).unwrap()),
        }
    }
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
fn a_warm_session_of_every_kind_of_layer_allocates_nothing() {
    let model = Autoencoder::from_bytes(GOLDEN).unwrap();
    let (samples, mut session) = (images().to_array(), Session::new(&model));
    let mut output = vec![0.0; samples.len()];
    session.reconstruct(&samples, &mut output).unwrap();
    let warm = allocation_counter::measure(|| {
        session.reconstruct(&samples, &mut output).unwrap();
    });
    assert_eq!(warm.count_total, 0);
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
    says(&with(&[9, 8], vec![LayerSpec::max_pool(2)], same()), "layer encoder.0 (max_pool) divides");
    says(&with(&[64], same(), same()), "layer encoder.0 (convolution) needs an image, but gets 64 values");
    says(&with(&[8, 8], same(), vec![LayerSpec::pixel_shuffle(2)]), "needs a multiple of 4 channels");
    says(&with(&[2, 2], vec![LayerSpec::max_pool(3)], same()), "gets 2×2 pixels");
    says(&with(&[8, 8], same(), vec![convolution(2)]), "the decoder ends with 8×8×2");
    says(&with(&[8, 8], vec![LayerSpec::upsample(1 << 40)], same()), "the network would have more than");
    says(&with(&[8, 8], vec![LayerSpec::upsample(0)], same()), "at least 1 is needed");
    says(&with(&[8, 8], vec![LayerSpec::reshape([8, 4, 1])], same()), "makes 32 values of 64");
    let padded = Convolution {
        channels: 1,
        kernel: 3.into(),
        stride: 1.into(),
        padding: Some(usize::MAX.into()),
        activation: Activation::Relu,
    };
    assert!(with(&[8, 8], vec![padded.into()], same()).contains("encoder.0"));
    let skip = |from: &str| with(&[8, 8], vec![convolution(2)], vec![LayerSpec::add(from), convolution(1)]);
    says(&skip("encoder.7"), "layer decoder.0 reads \"encoder.7\", which is no layer before it");
    says(&skip("decoder.1"), "which is no layer before it");
    says(&skip("input"), "layer decoder.0 (add) adds 8×8 of input to 8×8×2");
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
    assert_eq!(
        denoiser.decode(denoiser.encode(&train).unwrap().view()),
        Err(ModelError::NeedsSample { layer: "output".into() })
    );
    assert!(denoiser.for_shape(&[20, 6, 2]).is_ok());
    assert!(matches!(denoiser.for_shape(&[20, 7, 2]), Err(ModelError::Size(_))));
    assert!(matches!(denoiser.for_shape(&[20, 6, 3]), Err(ModelError::Size(_))));
}
