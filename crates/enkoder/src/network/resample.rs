//! Layers without parameters that change the size of an image: pooling, nearest upsampling, and the shuffles between pixels and
//! channels. Images are height × width × channels, one after the other.

/// What happens to each block of `factor` × `factor` pixels of the larger image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resampling {
    /// It becomes its largest value.
    MaxPool,
    /// It becomes its mean.
    AveragePool,
    /// It is made of one pixel.
    Upsample,
    /// Its pixels become channels.
    Unshuffle,
    /// It is made of channels.
    Shuffle,
}

/// Resampling between a small image and one `factor` times as high and wide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resample {
    pub(crate) resampling: Resampling,
    /// Of the smaller image.
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Of the larger image.
    pub(crate) channels: usize,
    pub(crate) factor: usize,
}

impl Resample {
    pub(crate) fn forward(&self, x: &[f32], y: &mut [f32]) {
        let square = (self.factor * self.factor) as f32;
        match self.resampling {
            Resampling::MaxPool => {
                y.fill(f32::NEG_INFINITY);
                self.each_pair(x.len(), |large, small, _| {
                    for (y, &x) in y[small..small + self.channels].iter_mut().zip(&x[large..]) {
                        // NaN is passed on: whoever looks for a diverged training must see it.
                        *y = if x > *y || x.is_nan() { x } else { *y };
                    }
                });
            }
            Resampling::AveragePool => {
                y.fill(0.0);
                self.each_pair(x.len(), |large, small, _| {
                    for (y, &x) in y[small..small + self.channels].iter_mut().zip(&x[large..]) {
                        *y += x / square;
                    }
                });
            }
            Resampling::Upsample => self.each_pair(y.len(), |large, small, _| {
                y[large..large + self.channels].copy_from_slice(&x[small..small + self.channels]);
            }),
            Resampling::Unshuffle => self.each_pair(x.len(), |large, _, deep| {
                y[deep..deep + self.channels].copy_from_slice(&x[large..large + self.channels]);
            }),
            Resampling::Shuffle => self.each_pair(y.len(), |large, _, deep| {
                y[large..large + self.channels].copy_from_slice(&x[deep..deep + self.channels]);
            }),
        }
    }

    /// The errors of `x` from those of `y`.
    pub(crate) fn backward(&self, x: &[f32], y: &[f32], delta: &[f32], dx: &mut [f32]) {
        let square = (self.factor * self.factor) as f32;
        match self.resampling {
            Resampling::MaxPool => {
                dx.fill(0.0);
                let line = self.width * self.factor * self.channels;
                for (small, (&y, &delta)) in y.iter().zip(delta).enumerate() {
                    let (pixel, channel) = (small / self.channels, small % self.channels);
                    let (row, column) = (pixel / self.width, pixel % self.width);
                    let corner = row * self.factor * line + column * self.factor * self.channels + channel;
                    // The first that is as large as the largest takes the error.
                    let mut block = (0..self.factor * self.factor)
                        .map(|place| corner + place / self.factor * line + place % self.factor * self.channels);
                    if let Some(largest) = block.find(|&at| x[at] == y) {
                        dx[largest] = delta;
                    }
                }
            }
            Resampling::AveragePool => self.each_pair(x.len(), |large, small, _| {
                for (dx, &delta) in dx[large..large + self.channels].iter_mut().zip(&delta[small..]) {
                    *dx = delta / square;
                }
            }),
            Resampling::Upsample => {
                dx.fill(0.0);
                self.each_pair(delta.len(), |large, small, _| {
                    for (dx, &delta) in dx[small..small + self.channels].iter_mut().zip(&delta[large..]) {
                        *dx += delta;
                    }
                });
            }
            Resampling::Unshuffle => Self { resampling: Resampling::Shuffle, ..self.clone() }.forward(delta, dx),
            Resampling::Shuffle => Self { resampling: Resampling::Unshuffle, ..self.clone() }.forward(delta, dx),
        }
    }

    /// Calls `visit` for each pixel of the larger images, whose values are `values` in all, with where it begins, where the pixel
    /// of the smaller image begins that stands for its block, and where its channels begin among those of a shuffled image.
    #[inline(always)]
    fn each_pair(&self, values: usize, mut visit: impl FnMut(usize, usize, usize)) {
        let &Self { height, width, channels, factor, .. } = self;
        let (rows, columns) = (height * factor, width * factor);
        for image in 0..values / (rows * columns * channels) {
            for row in 0..rows {
                let line = (image * rows + row) * columns;
                for column in 0..columns {
                    let pixel = (image * height + row / factor) * width + column / factor;
                    let place = row % factor * factor + column % factor;
                    visit((line + column) * channels, pixel * channels, (pixel * factor * factor + place) * channels);
                }
            }
        }
    }
}
