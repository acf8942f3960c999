//! The layers of an [`Architecture`] over one flat buffer of parameters, and the forward pass that uses them after training.

use std::ops::Range;

use super::architecture::{Architecture, ArchitectureError, LayerSpec};
use super::dense::Dense;
use crate::random::{Purpose, stream};

/// Layers, and their parameters in one buffer.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) layers: Vec<Dense>,
    pub(crate) encoder_layers: usize,
    pub(crate) parameters: Vec<f32>,
}

impl Network {
    /// The network of a valid architecture with these parameters, as many as it has.
    pub(crate) fn from_parameters(
        architecture: &Architecture,
        parameters: Vec<f32>,
    ) -> Result<Self, ArchitectureError> {
        architecture.validate()?;
        let mut layers = Vec::new();
        let (mut inputs, mut offset) = (architecture.features(), 0);
        for spec in architecture.encoder.iter().chain(&architecture.decoder) {
            let LayerSpec::Dense { units, activation } = *spec;
            let layer = Dense::new(inputs, units, activation, offset);
            (inputs, offset) = (units, layer.bias().end);
            layers.push(layer);
        }
        assert_eq!(parameters.len(), offset, "as many parameters as the layers have");
        Ok(Self { layers, encoder_layers: architecture.encoder.len(), parameters })
    }

    /// The network of a valid architecture with the initial weights of `seed`.
    pub(crate) fn initialised(architecture: &Architecture, seed: u64) -> Result<Self, ArchitectureError> {
        architecture.validate()?;
        let mut network = Self::from_parameters(architecture, vec![0.0; architecture.parameters()])?;
        for (index, layer) in network.layers.iter().enumerate() {
            layer.initialise(&mut network.parameters, &mut stream(seed, Purpose::Weights, index as u64));
        }
        Ok(network)
    }

    /// Numbers that go into these layers: a sample's values or a code's.
    pub(crate) fn inputs(&self, layers: &Range<usize>) -> usize {
        self.layers[layers.start].inputs
    }

    pub(crate) fn encoder(&self) -> Range<usize> {
        0..self.encoder_layers
    }

    pub(crate) fn decoder(&self) -> Range<usize> {
        self.encoder_layers..self.layers.len()
    }

    /// Passes rows through some of the layers. Allocates nothing once `scratch` has seen as many rows.
    pub(crate) fn forward(&self, layers: Range<usize>, x: &[f32], y: &mut [f32], scratch: &mut Scratch) {
        let rows = x.len() / self.inputs(&layers);
        if rows == 0 {
            return;
        }
        let widest = self.layers[layers.clone()].iter().map(|layer| layer.outputs).max().unwrap_or(0);
        scratch.from.resize(scratch.from.len().max(rows * widest), 0.0);
        scratch.to.resize(scratch.to.len().max(rows * widest), 0.0);
        let last = layers.end - 1;
        for (position, index) in layers.enumerate() {
            let layer = &self.layers[index];
            let input = if position == 0 { x } else { &scratch.from[..rows * layer.inputs] };
            let output = if index == last { &mut *y } else { &mut scratch.to[..rows * layer.outputs] };
            layer.forward(&self.parameters, input, output, &mut []);
            std::mem::swap(&mut scratch.from, &mut scratch.to);
        }
    }
}

/// What a forward pass needs beside its output; kept from pass to pass.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    from: Vec<f32>,
    to: Vec<f32>,
}
