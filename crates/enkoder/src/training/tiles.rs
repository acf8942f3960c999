//! The second phase of a step: the parameters cut into tiles, for each of which the gradient over all rows of the batch is one
//! matrix product. Tiles depend on the architecture alone.

use super::shards::Buffers;
use crate::network::dense::Dense;
use crate::network::matmul::Packing;

/// Parameters of a tile: the tile, its moments and its gradient stay in a core's second-level cache.
const TILE_PARAMETERS: usize = 64 * 1024;

/// A contiguous part of one layer's parameters: the weights of some inputs, and the biases with the last of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    pub(super) layer: usize,
    pub(super) first: usize,
    pub(super) inputs: usize,
    pub(super) with_bias: bool,
}
impl Tile {
    pub(super) fn parameters(&self, layer: &Dense) -> usize {
        self.inputs * layer.outputs + if self.with_bias { layer.outputs } else { 0 }
    }
}

/// One layer's tiles in the order of its parameters.
pub(super) fn tiles(index: usize, layer: &Dense) -> Vec<Tile> {
    let count = (layer.inputs * layer.outputs).div_ceil(TILE_PARAMETERS).clamp(1, layer.inputs);
    let each = layer.inputs.div_ceil(count);
    (0..layer.inputs)
        .step_by(each)
        .map(|first| {
            let inputs = each.min(layer.inputs - first);
            Tile { layer: index, first, inputs, with_bias: first + inputs == layer.inputs }
        })
        .collect()
}

impl Buffers {
    /// The gradient of one tile over the first `rows` rows.
    pub(super) fn tile_gradient(
        &self,
        tile: &Tile,
        layer: &Dense,
        encoder_layers: usize,
        rows: usize,
        gradient: &mut [f32],
        packing: &mut Packing,
    ) {
        let x = if tile.layer == 0 { &self.input } else { &self.values[tile.layer - 1] };
        let (x, delta) = (&x[..rows * layer.inputs], &self.deltas[tile.layer][..rows * layer.outputs]);
        let (weight, bias) = gradient.split_at_mut(tile.inputs * layer.outputs);
        layer.weight_gradient(x, delta, tile.first, false, weight, packing);
        if tile.layer < encoder_layers && !self.adjoints.is_empty() {
            let t = if tile.layer == 0 { &self.probe } else { &self.tangents[tile.layer - 1] };
            let adjoint = &self.adjoints[tile.layer][..rows * layer.outputs];
            layer.weight_gradient(&t[..rows * layer.inputs], adjoint, tile.first, true, weight, packing);
        }
        if tile.with_bias {
            layer.bias_gradient(delta, bias);
        }
    }
}
