//! Training with known codes: of each sample it is known what its code should be, so that the encoder learns a forward problem (an image
//! to what a sensor would measure) and the decoder its inverse. Each step of the autoencoder, which compares codes with the known
//! ones and reconstructions with the samples, is followed by one of its inside out: from known codes through the decoder to samples,
//! and on through the encoder back to codes. Together they minimise the four parts of Zheng & Peng 2018: |E(x) − c|² + |D(c) − x|² +
//! |D(E(x)) − x|² + |E(D(c)) − c|², each a mean over values.

use super::batches::{Damage, Known, Samples};
use super::config::TrainingConfig;
use super::evaluation::evaluate;
use super::gradient::{Engine, Position};
use super::objective::Loss;
use super::shards::Sums;
use crate::network::Network;

/// The autoencoder inside out, with the same parameters.
pub(super) struct Cycle<'a> {
    engine: Engine,
    train: Samples<'a>,
    validation: Samples<'a>,
    /// Parameters of the autoencoder's encoder, which come first there and last here.
    encoder: usize,
}

impl<'a> Cycle<'a> {
    /// The inside-out of `network`, which learns from samples with known codes.
    pub(super) fn new(
        network: &Network,
        config: &TrainingConfig,
        rows: usize,
        train: Samples<'a>,
        validation: Samples<'a>,
    ) -> Self {
        let (train, validation) = (swapped(train), swapped(validation));
        // Penalties are on the code of a sample, and the loss is that of reconstructions; both parts here are squared distances.
        let config = TrainingConfig { loss: Loss::MeanSquared, penalty: None, ..config.clone() };
        let engine = Engine::new(network.inside_out(), &config, rows, &train);
        let encoder = network.encoder_parameters();
        Self { engine, train, validation, encoder }
    }

    /// A step from codes to codes on the parameters of `network`.
    pub(super) fn step(&mut self, network: &mut Network, order: &[u32], first: usize, at: Position) -> Sums {
        self.take_on(network);
        let sums = self.engine.step(&self.train, order, first, at);
        network.parameters.copy_from_slice(&self.engine.network.parameters);
        network.parameters.rotate_right(self.encoder);
        // As what is added to the loss of a sample.
        Sums { loss: 0.0, penalty: sums.loss / self.train.inputs.features() as f64 + sums.penalty }
    }

    /// Takes on the parameters of the autoencoder, the decoder's first.
    fn take_on(&mut self, network: &Network) {
        let (encoder, decoder) = network.parameters.split_at(self.encoder);
        let (first, last) = self.engine.network.parameters.split_at_mut(decoder.len());
        first.copy_from_slice(decoder);
        last.copy_from_slice(encoder);
    }

    /// The three parts of the loss that are not the reconstruction's, over the validation samples.
    pub(super) fn validate(&mut self, network: &Network, damage: Option<Damage>) -> f64 {
        self.take_on(network);
        let inside_out = &self.engine.network;
        let (codes, mse) = (self.validation, Loss::MeanSquared);
        let to_samples = direct(codes);
        let to_codes = direct(swapped(codes));
        let program = &inside_out.program;
        evaluate(inside_out, program.all(), mse, &Samples { codes: None, ..codes }, damage)
            + evaluate(inside_out, program.encoder(), mse, &to_samples, damage)
            + evaluate(inside_out, program.decoder(), mse, &to_codes, None)
    }
}

/// Codes as samples, whose codes are the samples.
fn swapped(samples: Samples<'_>) -> Samples<'_> {
    let known = samples.codes.expect("the codes are known");
    let codes = Some(Known { data: samples.inputs, scaler: samples.scaler });
    Samples { codes, ..Samples::new(known.data, known.scaler) }
}

/// Samples with their codes as what is to be made of them.
fn direct(samples: Samples<'_>) -> Samples<'_> {
    let known = samples.codes.expect("the codes are known");
    Samples { codes: None, ..samples }.with_targets(known.data, known.scaler)
}
