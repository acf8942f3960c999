//! The layers of an [`Architecture`] over one flat buffer of parameters, and the forward pass that uses them after training.

use std::ops::Range;

use super::architecture::{Architecture, ArchitectureError};
use super::convolution::Workspace;
use super::layer::{Layer, Operation, Statistics};
use crate::random::{Purpose, stream};

/// Layers, and their parameters in one buffer.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) layers: Vec<Layer>,
    pub(crate) encoder_layers: usize,
    /// Whether the output is the input less what the layers compute.
    pub(crate) residual: bool,
    pub(crate) parameters: Vec<f32>,
}

impl Network {
    /// The network of a valid architecture with these parameters, as many as it has.
    pub(crate) fn from_parameters(
        architecture: &Architecture,
        parameters: Vec<f32>,
    ) -> Result<Self, ArchitectureError> {
        architecture.validate()?;
        let mut offset = 0;
        let specs = architecture.encoder.iter().chain(&architecture.decoder);
        let layers = specs.zip(architecture.layers()).map(|(spec, summary)| {
            let layer = Layer::new(spec, &summary, offset);
            offset = layer.parameters().end;
            layer
        });
        let layers = layers.collect();
        assert_eq!(parameters.len(), offset, "as many parameters as the layers have");
        let (encoder_layers, residual) = (architecture.encoder.len(), architecture.residual);
        Ok(Self { layers, encoder_layers, residual, parameters })
    }

    /// The network of a valid architecture with the initial weights of `seed`.
    pub(crate) fn initialised(architecture: &Architecture, seed: u64) -> Result<Self, ArchitectureError> {
        architecture.validate()?;
        let mut network = Self::from_parameters(architecture, vec![0.0; architecture.parameters()])?;
        for (index, layer) in network.layers.iter().enumerate() {
            layer.initialise(&mut network.parameters, &mut stream(seed, Purpose::Weights, index as u64));
        }
        if network.residual
            && let Some(last) = network.layers.iter().rfind(|layer| !layer.weight().is_empty())
        {
            // A network that is to say what is wrong with its input begins by finding nothing.
            network.parameters[last.weight()].fill(0.0);
        }
        Ok(network)
    }

    /// The network that goes from codes to samples and back to codes, with the same parameters: the decoder's first.
    pub(crate) fn inside_out(&self) -> Self {
        let mut parameters = self.parameters.clone();
        let encoder = self.layers[self.encoder_layers].parameters().start;
        parameters.rotate_left(encoder);
        let mut offset = 0;
        let (encoder, decoder) = self.layers.split_at(self.encoder_layers);
        let layers = decoder.iter().chain(encoder).map(|layer| {
            let moved = layer.at(offset);
            offset = moved.parameters().end;
            moved
        });
        Self { layers: layers.collect(), encoder_layers: decoder.len(), residual: false, parameters }
    }

    /// Numbers of a code.
    pub(crate) fn latent(&self) -> usize {
        self.layers[self.encoder_layers - 1].outputs
    }

    /// Numbers that go into these layers: a sample's values or a code's.
    pub(crate) fn inputs(&self, layers: &Range<usize>) -> usize {
        self.layers[layers.start].inputs
    }

    /// Numbers that come out: a sample's values.
    pub(crate) fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    pub(crate) fn encoder(&self) -> Range<usize> {
        0..self.encoder_layers
    }

    pub(crate) fn decoder(&self) -> Range<usize> {
        self.encoder_layers..self.layers.len()
    }

    /// The first normalisation with a variance that cannot be.
    pub(crate) fn layer_of_negative_variance(&self) -> Option<usize> {
        self.layers.iter().position(|layer| {
            let statistics = &self.parameters[layer.statistics()];
            statistics[statistics.len() / 2..].iter().any(|&variance| variance < 0.0)
        })
    }

    /// Whether every layer is dense.
    pub(crate) fn is_dense(&self) -> bool {
        self.layers.iter().all(Layer::is_dense)
    }

    /// Multiplications that a row costs on its way forward.
    pub(crate) fn work(&self) -> usize {
        self.layers.iter().map(Layer::work).sum()
    }

    /// How many of `most` rows should pass together: fewer where layers are so large that their values would leave every cache.
    pub(crate) fn rows_together(&self, most: usize) -> usize {
        const VALUES: usize = 1 << 18;
        let widest = self.layers.iter().map(|layer| layer.outputs).max().unwrap_or(1);
        if self.is_dense() { most } else { (VALUES / widest).clamp(1, most) }
    }

    /// Passes rows through some of the layers. Allocates nothing once `scratch` has seen as many rows.
    pub(crate) fn forward(&self, layers: Range<usize>, x: &[f32], y: &mut [f32], scratch: &mut Scratch) {
        let rows = x.len() / self.inputs(&layers);
        if rows == 0 {
            return;
        }
        let whole = layers == (0..self.layers.len());
        let widest = self.layers[layers.clone()].iter().map(|layer| layer.outputs).max().unwrap_or(0);
        scratch.from.resize(scratch.from.len().max(rows * widest), 0.0);
        scratch.to.resize(scratch.to.len().max(rows * widest), 0.0);
        let last = layers.end - 1;
        for (position, index) in layers.enumerate() {
            let layer = &self.layers[index];
            let input = if position == 0 { x } else { &scratch.from[..rows * layer.inputs] };
            let output = if index == last { &mut *y } else { &mut scratch.to[..rows * layer.outputs] };
            layer.forward(&self.parameters, Statistics::Running, input, output, &mut [], &mut scratch.work);
            std::mem::swap(&mut scratch.from, &mut scratch.to);
        }
        if whole {
            self.take_from_input(x, y);
        }
    }

    /// y ← x − y where the network is residual.
    pub(crate) fn take_from_input(&self, x: &[f32], y: &mut [f32]) {
        if self.residual {
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = x - *y);
        }
    }

    /// The same function without normalisations that can be made part of the linear convolution or dense layer before them.
    pub(crate) fn folded(&self) -> Option<Self> {
        let can_fold = |index: usize| {
            let before = index.checked_sub(1).map(|before| &self.layers[before]);
            matches!(self.layers[index].operation, Operation::BatchNorm(_))
                && index != self.encoder_layers
                && before.is_some_and(Layer::folds)
        };
        if !(0..self.layers.len()).any(can_fold) {
            return None;
        }
        let (mut layers, mut parameters): (Vec<Layer>, Vec<f32>) = (Vec::new(), Vec::new());
        let mut encoder_layers = self.encoder_layers;
        for (index, layer) in self.layers.iter().enumerate() {
            match (&layer.operation, layers.last_mut()) {
                (Operation::BatchNorm(norm), Some(before)) if can_fold(index) => {
                    let of = |range: Range<usize>| &self.parameters[range];
                    let (factor, offset) = norm.affine(of(layer.weight()), of(layer.bias()), of(layer.statistics()));
                    before.fold(&mut parameters, &factor, &offset);
                    before.activation = layer.activation;
                    encoder_layers -= usize::from(index < self.encoder_layers);
                }
                _ => {
                    layers.push(layer.at(parameters.len()));
                    parameters.extend_from_slice(&self.parameters[layer.parameters()]);
                }
            }
        }
        Some(Self { layers, encoder_layers, residual: self.residual, parameters })
    }
}

/// What a forward pass needs beside its output; kept from pass to pass.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    from: Vec<f32>,
    to: Vec<f32>,
    pub(crate) work: Workspace,
}
