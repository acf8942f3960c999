//! The loops in which training and inference spend their time, each by itself: what `enkoder-benchmarks` compares with the limits of the
//! machine. Behind a feature and no part of the interface.

use std::hint::black_box;

use crate::network::activation::apply;
use crate::network::products::{Pair, Store, affine, rows_times_rows, times, transposed_times};
use crate::network::vectorised::{Simd, WithSimd, with_vectors};
use crate::network::{Activation, Aligned};

use crate::training::objective::Targets;
use crate::training::{Adam, Loss};

/// What a loop does each time that it runs.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// Fused multiply-adds of two numbers.
    Products(usize),
    /// Values, and how many bytes of memory each of them reads and writes.
    Values(usize, usize),
}

/// One loop over data of its own.
pub struct HotLoop {
    /// Operation and shape.
    pub name: String,
    /// What one run does.
    pub work: Work,
    /// Runs it once.
    pub run: Box<dyn FnMut()>,
}

impl HotLoop {
    fn new(name: impl Into<String>, work: Work, run: impl FnMut() + 'static) -> Self {
        Self { name: name.into(), work, run: Box::new(run) }
    }
}

/// Multiply-adds that touch no memory: the limit of every product.
pub fn limit() -> HotLoop {
    const STEPS: usize = 1000;
    let products = STEPS * SUMS * with_vectors(Lanes);
    HotLoop::new("registers alone", Work::Products(products), || {
        black_box(with_vectors(Registers(STEPS)));
    })
}

/// All loops, with the shapes of the reference network: 784-128-64-10 and back.
pub fn all() -> Vec<HotLoop> {
    let mut loops = Vec::new();
    for (rows, inputs, outputs) in
        [(64, 784, 128), (64, 128, 64), (64, 64, 10), (64, 10, 64), (64, 128, 784), (1, 784, 128)]
    {
        let [x, w, b] = [rows * inputs, inputs * outputs, outputs].map(values);
        let mut y = values(rows * outputs);
        let work = Work::Products(rows * inputs * outputs);
        let name = format!("affine {rows} × {inputs} × {outputs}");
        loops.push(HotLoop::new(name, work, move || affine(&x, &w, &b, Some(0.0), &mut y)));
    }
    for (rows, depth, columns) in [(64, 784, 128), (64, 128, 64), (64, 64, 10)] {
        let [x, w] = [rows * depth, depth * columns].map(values);
        let mut y = values(rows * columns);
        let work = Work::Products(rows * depth * columns);
        let name = format!("times {rows} × {depth} × {columns}");
        loops.push(HotLoop::new(name, work, move || times(&x, &w, columns, &mut y)));
    }
    for (rows, depth, columns) in
        [(64, 784, 128), (128, 392, 128), (64, 128, 64), (64, 64, 10), (64, 10, 64), (64, 64, 128)]
    {
        let [a, b] = [rows * depth, columns * depth].map(values);
        let mut c = values(rows * columns);
        let work = Work::Products(rows * depth * columns);
        let name = format!("rows_times_rows {rows} × {depth} × {columns}");
        loops.push(HotLoop::new(name, work, move || rows_times_rows(&a, &b, depth, &mut c)));
    }
    for (rows, inputs, outputs) in [(32, 784, 64), (128, 784, 64), (128, 128, 392), (1024, 128, 128), (128, 64, 10)] {
        let [x, y] = [rows * inputs, rows * outputs].map(values);
        let work = Work::Products(rows * inputs * outputs);
        let shape = format!("{inputs} × {rows} × {outputs}");
        let mut parameters = [0; 3].map(|_| values(inputs * outputs));
        let (x_kept, y_kept) = (x.clone(), y.clone());
        loops.push(HotLoop::new(format!("transposed_times {shape}, Adam"), work, move || {
            let [weights, first, second] = &mut parameters;
            let mut update = Adam::default().step(3, 1e-9).update(weights, first, second, true);
            transposed_times(&[Pair { x: &x, y: &y }], inputs, 0..inputs, outputs, &mut update);
        }));
        let mut gradient = values(inputs * outputs);
        loops.push(HotLoop::new(format!("transposed_times {shape}, stored"), work, move || {
            let pair = Pair { x: &x_kept, y: &y_kept };
            transposed_times(&[pair], inputs, 0..inputs, outputs, &mut Store(&mut gradient));
        }));
    }
    let count = 50_176;
    let (gradient, mut parameters) = (values(count), [0; 3].map(|_| values(count)));
    loops.push(HotLoop::new("Adam by a gradient in memory", Work::Values(count, 28), move || {
        let [weights, first, second] = &mut parameters;
        Adam::default().step(3, 1e-9).update(weights, first, second, true).apply(&gradient, 1.0);
    }));
    for activation in Activation::ALL {
        let (z, mut y) = (values(count), vec![0.0; count]);
        let name = format!("copy and activation {activation}");
        loops.push(HotLoop::new(name, Work::Values(count, 16), move || {
            y.copy_from_slice(&z);
            apply(activation, &mut y);
        }));
    }
    for loss in [Loss::MeanSquared, Loss::MeanAbsolute, Loss::Huber { delta: 0.3 }, Loss::BinaryCrossEntropy] {
        for activation in Activation::ALL {
            if loss == Loss::BinaryCrossEntropy && activation != Activation::Sigmoid {
                continue;
            }
            let [mut output, target] = [0; 2].map(|_| values(count));
            loops.push(HotLoop::new(format!("loss {loss:?}, {activation}"), Work::Values(count, 12), move || {
                let targets = Targets::whole(&target, 784);
                black_box(loss.output_pass(activation, targets, &mut output, 0.1));
            }));
        }
    }
    loops
}

/// As many positive numbers below 1.
fn values(count: usize) -> Aligned {
    let mut values = Aligned::zeros(count);
    values.iter_mut().enumerate().for_each(|(index, value)| *value = 0.5 + 0.49 * (index as f32 * 0.7).sin());
    values
}

/// Sums that do not wait for each other.
const SUMS: usize = 12;

struct Registers(usize);

impl WithSimd for Registers {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (factor, term) = (simd.splat_f32s(black_box(0.999)), simd.splat_f32s(black_box(0.001)));
        let mut sums = [simd.splat_f32s(0.5); SUMS];
        for _ in 0..self.0 {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(factor, *sum, term);
            }
        }
        sums.into_iter().map(|sum| simd.reduce_sum_f32s(sum)).sum()
    }
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}
