//! Convolutions of 3×3 at stride 1 with a quarter of the multiplications: minimal filtering F(4×4, 3×3) of Lavin & Gray 2016
//! ("Fast algorithms for convolutional neural networks", CVPR), after Winograd. Tiles of 4×4 outputs and the 6×6 inputs that they
//! see are transformed, and so are the weights; then a convolution is 36 small products of matrices, whose results are transformed
//! back. Transformed values lie as `36 × tiles × channels`, transformed weights as `36 × in × out`.

mod transforms;

use std::ops::Range;

use self::transforms::{Made, Missed, Seen, Transform, Weights, WeightsBack, transform};
use super::convolution::turn;
use super::windows::Windows;
use super::{Way, Workspace, grown};
use crate::network::per_axis::PerAxis;
use crate::network::products::{self, Add, Pair, Store, rectified, transposed_times};
use crate::network::vectorised::{Simd, WithSimd, vectors, vectors_mut, with_vectors};

/// Outputs of a tile along an axis.
const OUTPUTS: usize = 4;
/// Inputs that they see, and transformed values.
const INPUTS: usize = 6;
const POINTS: usize = INPUTS * INPUTS;
/// Channels come in multiples of this: whole vectors of any width.
const LANES: usize = 16;
/// Transformed values, on both sides of a product, that tiles may take together: as many as stay in the second-level cache beside weights.
const CACHED: usize = 128 * 1024;
/// A sample of fewer tiles would spend more on transforming weights than it saves.
const FEWEST_TILES: usize = 9;

/// A convolution that is computed this way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Winograd {
    /// 6×6 over the input.
    inputs: Tiles,
    /// 4×4 over the output.
    outputs: Tiles,
}

impl Winograd {
    /// The way for a convolution to so many channels, where it is worth it.
    pub(crate) fn of(windows: &Windows, channels: usize) -> Option<Self> {
        let Windows { height, width, rows, columns, kernel, stride, padding, .. } = *windows;
        let [down, across] = [rows, columns].map(|length| length.div_ceil(OUTPUTS));
        let padding = Some(padding.height).filter(|&each| padding == each.into() && each <= 2)?;
        let fits = (kernel, stride) == (3.into(), PerAxis::ONE);
        let whole = windows.channels.is_multiple_of(LANES) && channels.is_multiple_of(LANES);
        // Tiles reach beyond the border; what they compute there is for nothing.
        let wasted = 2 * down * across * OUTPUTS * OUTPUTS > 3 * rows * columns;
        let worth = fits && whole && !wasted && down * across >= FEWEST_TILES;
        worth.then_some(Self {
            inputs: Tiles { height, width, channels: windows.channels, padding, down, across },
            outputs: Tiles { height: rows, width: columns, channels, padding: 0, down, across },
        })
    }

    /// How many numbers [`prepare`](Self::prepare) makes of the weights.
    pub(crate) fn prepared(&self, way: Way) -> usize {
        let plane = self.inputs.channels * self.outputs.channels;
        match way {
            Way::Forward => POINTS * plane,
            // With room for the weights turned on the way there.
            Way::Back => (POINTS + 9) * plane,
        }
    }

    /// Transforms weights. The error at the inputs is the convolution of the error at the outputs with the weights turned and
    /// mirrored.
    pub(crate) fn prepare(&self, way: Way, weight: &[f32], prepared: &mut [f32]) {
        let (inputs, outputs) = (self.inputs.channels, self.outputs.channels);
        let (transformed, turned) = prepared.split_at_mut(POINTS * inputs * outputs);
        match way {
            Way::Forward => {
                with_vectors(Kernel { weight, rows: 1, length: inputs * outputs, mirrored: false, transformed });
            }
            Way::Back => {
                turn(weight, outputs, turned);
                with_vectors(Kernel { weight: turned, rows: outputs, length: inputs, mirrored: true, transformed });
            }
        }
    }

    /// y ← the convolution of x with the weights that were transformed.
    pub(crate) fn forward(
        &self,
        transformed: &[f32],
        bias: &[f32],
        leak: Option<f32>,
        x: &[f32],
        y: &mut [f32],
        work: &mut Workspace,
    ) {
        self.pass(transformed, Some(bias), leak, x, y, work);
    }

    /// With the weights transformed for the way back, adds to the gradient of the weights and leaves the errors of `x` in `dx` unless
    /// it is empty.
    pub(crate) fn backward(
        &self,
        transformed: &[f32],
        x: &[f32],
        error: &[f32],
        dx: &mut [f32],
        gradient: &mut [f32],
        work: &mut Workspace,
    ) {
        self.gradient(x, error, gradient, work);
        if !dx.is_empty() {
            self.mirrored().pass(transformed, None, None, error, dx, work);
        }
    }

    /// The way from the error at the outputs to that at the inputs.
    fn mirrored(&self) -> Self {
        let Self { inputs, outputs } = *self;
        let [down, across] = [inputs.height, inputs.width].map(|length| length.div_ceil(OUTPUTS));
        Self {
            inputs: Tiles { padding: 2 - inputs.padding, down, across, ..outputs },
            outputs: Tiles { padding: 0, down, across, ..inputs },
        }
    }

    /// From `x` to `y` with transformed weights.
    fn pass(
        &self,
        transformed: &[f32],
        bias: Option<&[f32]>,
        leak: Option<f32>,
        x: &[f32],
        y: &mut [f32],
        work: &mut Workspace,
    ) {
        let (inputs, outputs) = (self.inputs.channels, self.outputs.channels);
        let weights = &transformed[..POINTS * inputs * outputs];
        for tiles in self.pieces(x.len()) {
            let [from, to] = [inputs, outputs].map(|channels| tiles.len() * channels);
            let v = grown(&mut work.first, POINTS * from);
            let m = grown(&mut work.second, POINTS * to);
            with_vectors(Gather { tiles: &self.inputs, range: tiles.clone(), image: x, values: v, way: Seen });
            let products = v.chunks_exact(from).zip(weights.chunks_exact(inputs * outputs)).zip(m.chunks_exact_mut(to));
            for ((v, weights), m) in products {
                products::times(v, weights, outputs, m);
            }
            with_vectors(Scatter { tiles: &self.outputs, range: tiles, values: m, bias, leak, image: y });
        }
    }

    /// Adds what `x` and the error at the outputs say to the gradient of the weights.
    fn gradient(&self, x: &[f32], error: &[f32], gradient: &mut [f32], work: &mut Workspace) {
        let (inputs, outputs) = (self.inputs.channels, self.outputs.channels);
        let sums = grown(&mut work.third, POINTS * inputs * outputs);
        for tiles in self.pieces(x.len()) {
            let first = tiles.start == 0;
            let [from, to] = [inputs, outputs].map(|channels| tiles.len() * channels);
            let v = grown(&mut work.first, POINTS * from);
            let m = grown(&mut work.second, POINTS * to);
            with_vectors(Gather { tiles: &self.inputs, range: tiles.clone(), image: x, values: v, way: Seen });
            with_vectors(Gather { tiles: &self.outputs, range: tiles, image: error, values: m, way: Missed });
            let pairs = v.chunks_exact(from).zip(m.chunks_exact(to));
            for ((x, y), sums) in pairs.zip(sums.chunks_exact_mut(inputs * outputs)) {
                let pairs = [Pair { x, y }];
                if first {
                    transposed_times(&pairs, inputs, 0..inputs, outputs, &mut Store(sums));
                } else {
                    transposed_times(&pairs, inputs, 0..inputs, outputs, &mut Add(sums));
                }
            }
        }
        with_vectors(KernelGradient { sums, gradient });
    }

    /// The tiles of all samples in pieces that stay in the cache together.
    fn pieces(&self, values: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let tiles = values / self.inputs.image() * self.inputs.tiles();
        let fitting = CACHED / (POINTS * (self.inputs.channels + self.outputs.channels));
        // Products take rows by six.
        let each = (fitting / 6 * 6).max(6);
        (0..tiles).step_by(each).map(move |first| first..tiles.min(first + each))
    }
}

/// Tiles over images that lie behind each other, with zeros beyond the borders.
#[derive(Clone, Copy, Debug)]
struct Tiles {
    height: usize,
    width: usize,
    channels: usize,
    /// How far the first tile reaches beyond the border.
    padding: usize,
    down: usize,
    across: usize,
}

impl Tiles {
    fn tiles(&self) -> usize {
        self.down * self.across
    }

    fn image(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Where the rows of a tile of `N` × `N` begin among all values, and how far behind that its pixels lie; none beyond the border.
    #[inline(always)]
    fn places<const N: usize>(&self, tile: usize) -> ([Option<usize>; N], [Option<usize>; N]) {
        let (image, within) = (tile / self.tiles(), tile % self.tiles());
        let (row, column) = (within / self.across * OUTPUTS, within % self.across * OUTPUTS);
        let inside = |first: usize, at: usize, length: usize| {
            (first + at).checked_sub(self.padding).filter(|&place| place < length)
        };
        let row = std::array::from_fn(|y| {
            inside(row, y, self.height).map(|y| image * self.image() + y * self.width * self.channels)
        });
        (row, std::array::from_fn(|x| inside(column, x, self.width).map(|x| x * self.channels)))
    }
}

/// Transforms some tiles of images to `36 × tiles × channels`.
struct Gather<'a, T> {
    tiles: &'a Tiles,
    range: Range<usize>,
    image: &'a [f32],
    values: &'a mut [f32],
    way: T,
}

impl<T> Gather<'_, T> {
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S)
    where
        T: Transform<N, INPUTS>,
    {
        let Self { tiles, range, image, values, way } = self;
        let plane = range.len() * tiles.channels;
        for (index, tile) in range.enumerate() {
            let (rows, columns) = tiles.places::<N>(tile);
            for channel in (0..tiles.channels).step_by(S::F32_LANES) {
                transform(
                    simd,
                    way,
                    #[inline(always)]
                    |y, x| match (rows[y], columns[x]) {
                        (Some(row), Some(column)) => vectors::<S, 1>(&image[row + column + channel..])[0],
                        _ => simd.splat_f32s(0.0),
                    },
                    #[inline(always)]
                    |y, x, value| {
                        let at = (y * INPUTS + x) * plane + index * tiles.channels + channel;
                        *vectors_mut::<S, 1>(&mut values[at..]) = [value];
                    },
                );
            }
        }
    }
}

impl WithSimd for Gather<'_, Seen> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.run(simd);
    }
}

impl WithSimd for Gather<'_, Missed> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.run(simd);
    }
}

/// Transforms products back to some tiles of images.
struct Scatter<'a> {
    tiles: &'a Tiles,
    range: Range<usize>,
    values: &'a [f32],
    bias: Option<&'a [f32]>,
    leak: Option<f32>,
    image: &'a mut [f32],
}

impl WithSimd for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tiles, range, values, bias, leak, image } = self;
        let plane = range.len() * tiles.channels;
        for (index, tile) in range.enumerate() {
            let (rows, columns) = tiles.places::<OUTPUTS>(tile);
            for channel in (0..tiles.channels).step_by(S::F32_LANES) {
                let bias = bias.map_or(simd.splat_f32s(0.0), |bias| vectors::<S, 1>(&bias[channel..])[0]);
                transform(
                    simd,
                    Made,
                    #[inline(always)]
                    |y, x| {
                        let at = (y * INPUTS + x) * plane + index * tiles.channels + channel;
                        vectors::<S, 1>(&values[at..])[0]
                    },
                    #[inline(always)]
                    |y, x, value| {
                        if let (Some(row), Some(column)) = (rows[y], columns[x]) {
                            let mut value = simd.add_f32s(value, bias);
                            if let Some(leak) = leak {
                                value = rectified(simd, value, leak);
                            }
                            *vectors_mut::<S, 1>(&mut image[row + column + channel..]) = [value];
                        }
                    },
                );
            }
        }
    }
}

/// Transforms weights that lie as `rows × 3 × 3 × length` to `36 × rows × length`.
struct Kernel<'a> {
    weight: &'a [f32],
    rows: usize,
    length: usize,
    /// Whether the windows' pixels are taken from the last to the first.
    mirrored: bool,
    transformed: &'a mut [f32],
}

impl WithSimd for Kernel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { weight, rows, length, mirrored, transformed } = self;
        for (row, weight) in weight.chunks_exact(9 * length).enumerate() {
            for at in (0..length).step_by(S::F32_LANES) {
                transform(
                    simd,
                    Weights,
                    #[inline(always)]
                    |y, x| {
                        let pixel = if mirrored { 8 - (y * 3 + x) } else { y * 3 + x };
                        vectors::<S, 1>(&weight[pixel * length + at..])[0]
                    },
                    #[inline(always)]
                    |y, x, value| {
                        let place = ((y * INPUTS + x) * rows + row) * length + at;
                        *vectors_mut::<S, 1>(&mut transformed[place..]) = [value];
                    },
                );
            }
        }
    }
}

/// Adds to a gradient of `3 × 3 × in × out` what that of the transformed weights means for it.
struct KernelGradient<'a> {
    sums: &'a [f32],
    gradient: &'a mut [f32],
}

impl WithSimd for KernelGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, gradient } = self;
        let length = gradient.len() / 9;
        for at in (0..length).step_by(S::F32_LANES) {
            transform(
                simd,
                WeightsBack,
                #[inline(always)]
                |y, x| vectors::<S, 1>(&sums[(y * INPUTS + x) * length + at..])[0],
                #[inline(always)]
                |y, x, value| {
                    let [there] = vectors_mut::<S, 1>(&mut gradient[(y * 3 + x) * length + at..]);
                    *there = simd.add_f32s(*there, value);
                },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::operations::convolution::ConvolutionProduct;
    use crate::network::products::testing::values;
    use proptest::prelude::*;

    fn convolution() -> impl Strategy<Value = (Windows, usize)> {
        let channels = || proptest::sample::select(vec![16usize, 32, 48]);
        (9usize..23, 9usize..23, 0usize..3, channels(), channels()).prop_filter_map(
            "it is computed this way",
            |(height, width, padding, inside, channels)| {
                let (rows, columns) = (height + 2 * padding - 2, width + 2 * padding - 2);
                let (kernel, stride, padding) = (3.into(), PerAxis::ONE, padding.into());
                let windows = Windows { height, width, channels: inside, rows, columns, kernel, stride, padding };
                Winograd::of(&windows, channels).map(|_| (windows, channels))
            },
        )
    }

    /// As close as rounding lets it be, beside the largest value.
    fn close(found: &[f32], expected: &[f32]) -> Result<(), TestCaseError> {
        let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            prop_assert!((found - expected).abs() < 1e-5 * largest, "{}: {} and {}", index, found, expected);
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn it_is_the_convolution_over_unfolded_windows_forward_and_back(
            (windows, channels) in convolution(),
            salt: u64,
        ) {
            let this = Winograd::of(&windows, channels).expect("the strategy chooses such");
            let layer = ConvolutionProduct::new(windows.clone(), channels);
            let (inputs, outputs) = (2 * windows.image(), 2 * windows.count() * channels);
            let weights = windows.values() * channels;
            let (x, weight, bias) = (values(inputs, salt), values(weights, !salt), values(channels, salt ^ 5));
            let prepared = |way| {
                let mut prepared = vec![f32::NAN; this.prepared(way)];
                this.prepare(way, &weight, &mut prepared);
                prepared
            };
            let (mut y, mut expected) = (vec![f32::NAN; outputs], vec![f32::NAN; outputs]);
            let work = &mut Workspace::default();
            this.forward(&prepared(Way::Forward), &bias, Some(0.01), &x, &mut y, work);
            layer.forward_unfolded(&weight, &bias, Some(0.01), &x, &mut expected, work);
            close(&y, &expected)?;

            let error = values(outputs, salt ^ 9);
            let mut turned = vec![f32::NAN; weights];
            turn(&weight, channels, &mut turned);
            let (mut dx, mut expected_dx) = (vec![f32::NAN; inputs], vec![f32::NAN; inputs]);
            let (mut gradient, mut expected_gradient) = (vec![1.0; weights], vec![1.0; weights]);
            this.backward(&prepared(Way::Back), &x, &error, &mut dx, &mut gradient, work);
            layer.backward_unfolded(&turned, &x, &error, &mut expected_dx, &mut expected_gradient, work);
            close(&dx, &expected_dx)?;
            close(&gradient, &expected_gradient)?;
        }
    }
}
