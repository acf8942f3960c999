//! A code that moves little when the sample does: carries a random direction u forward through the encoder's derivative, t ←
//! f′(z)⊙(t·W), and the error of weight·‖t‖² back. That leaves the adjoints of t·W for the gradient of the weights, and what the
//! change of f′ adds to the error before each activation.

use rand::RngExt;
use rand_distr::StandardNormal;

use super::{Seen, Term};
use crate::network::activation::{Function, multiply_by_slope, with_function};
use crate::network::products;
use crate::network::vectorised::vectorised;
use crate::network::{Node, Program};
use crate::random::{Purpose, stream};
use crate::training::batches::draw_index;

#[derive(Debug)]
pub(super) struct Contractive {
    pub(super) weight: f32,
    pub(super) seed: u64,
}

/// Of the buffers the first is the direction, then there are three for each node of the encoder.
const PROBE: usize = 0;

/// The direction before the activation's slope; after the way back what the curvature adds to the error there.
fn before(index: usize) -> usize {
    1 + 3 * index
}

/// The direction after it.
fn tangent(index: usize) -> usize {
    2 + 3 * index
}

/// The error of the direction before it.
fn adjoint(index: usize) -> usize {
    3 + 3 * index
}

impl Term for Contractive {
    fn buffers(&self, program: &Program) -> Vec<usize> {
        let encoder = &program.nodes()[program.encoder()];
        let widths = encoder.iter().flat_map(|node| [node.outputs(); 3]);
        [program.width(0)].into_iter().chain(widths).collect()
    }

    fn carry(&self, seen: &Seen<'_>, buffers: &mut [&mut [f32]]) -> f64 {
        let encoder = &seen.program.nodes()[seen.program.encoder()];
        let own = seen.own;
        for (row, probe) in buffers[PROBE].chunks_exact_mut(seen.program.width(0)).enumerate() {
            let mut rng = stream(self.seed, Purpose::Probe, draw_index(own.epoch, own.first + row));
            probe.iter_mut().for_each(|value| *value = rng.sample(StandardNormal));
        }
        // What the slope of a node's activation is taken from: before and after it.
        let around = |node: &Node| {
            let y = &*seen.values[node.writes()];
            let z = &*seen.before[node.writes()];
            (if z.is_empty() { y } else { z }, y)
        };
        for (index, node) in encoder.iter().enumerate() {
            let (below, own) = buffers.split_at_mut(before(index));
            let t = &*below[index.checked_sub(1).map_or(PROBE, tangent)];
            let [s, t_next, ..] = own else { unreachable!("each node has three buffers") };
            products::times(t, &seen.parameters[node.weight()], node.outputs(), s);
            t_next.copy_from_slice(s);
            let (z, y) = around(node);
            multiply_by_slope(node.activation(), z, y, t_next);
        }
        let scale = self.weight / seen.rows as f32;
        let mut sum = 0.0;
        if let [.., t, a] = buffers {
            for (a, &t) in a.iter_mut().zip(t.iter()) {
                sum += f64::from(t) * f64::from(t);
                *a = 2.0 * scale * t;
            }
        }
        for (index, node) in encoder.iter().enumerate().rev() {
            let (below, own) = buffers.split_at_mut(before(index));
            let [s, _, a, ..] = own else { unreachable!("each node has three buffers") };
            let (z, y) = around(node);
            with_function!(node.activation(), F => vectorised(#[inline(always)] || {
                for (((a, s), &z), &y) in a.iter_mut().zip(s.iter_mut()).zip(z).zip(y) {
                    *s *= F::curvature(z, y) * *a;
                    *a *= F::slope(z, y);
                }
            }));
            if index > 0 {
                let below = &mut *below[adjoint(index - 1)];
                products::rows_times_rows(a, &seen.parameters[node.weight()], node.outputs(), below);
            }
        }
        f64::from(self.weight) * sum
    }

    fn add_before_activation(&self, node: &Node, buffers: &[&mut [f32]], error: &mut [f32]) {
        if let Some(curvature) = buffers.get(before(node.index())) {
            error.iter_mut().zip(curvature.iter()).for_each(|(error, add)| *error += add);
        }
    }

    fn products(&self, node: &Node, program: &Program) -> Option<[usize; 2]> {
        let index = node.index();
        let x = index.checked_sub(1).map_or(PROBE, tangent);
        program.encoder().contains(&index).then(|| [x, adjoint(index)])
    }
}
