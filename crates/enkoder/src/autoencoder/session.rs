//! One thread's use of a model: buffers that are kept, results in the caller's memory, and a row that cannot be computed as that row's
//! result alone.

use std::borrow::Borrow;
use std::ops::Range;

use super::{Autoencoder, ModelError};
use crate::network::vectorised::{all_finite, squared_distance, vectorised};
use crate::network::{Aligned, Scratch};
use crate::rows::Rows;

/// Rows that pass through the network together: enough for full speed, few enough to stay in a core's cache and to give every thread
/// some. No sample's result depends on it.
pub(super) const BLOCK_ROWS: usize = 64;

/// What is computed of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Encode,
    Decode,
    Reconstruct,
    Score,
}

impl Verb {
    /// Numbers of a row that goes in.
    pub(super) fn inputs(self, model: &Autoencoder) -> usize {
        let program = model.runner.program();
        program.width(if self == Self::Decode { program.code() } else { 0 })
    }

    /// Numbers of a row that comes out.
    pub(super) fn outputs(self, model: &Autoencoder) -> usize {
        let program = model.runner.program();
        match self {
            Self::Encode => program.width(program.code()),
            Self::Decode | Self::Reconstruct => program.width(program.output()),
            Self::Score => 1,
        }
    }

    /// Checks that the model can do it to these rows, and that the results have room in `found` numbers.
    pub(super) fn check(self, model: &Autoencoder, rows: Rows<'_>, found: usize) -> Result<(), ModelError> {
        match self {
            Self::Decode => {
                let expected = self.inputs(model);
                if rows.features() != expected {
                    return Err(ModelError::Codes { found: rows.features(), expected });
                }
                if let Some(node) = model.runner.program().needs_sample() {
                    return Err(ModelError::NeedsSample { layer: node.name().to_owned() });
                }
            }
            Self::Score if !model.task().reconstructs() => return Err(ModelError::NoReconstruction),
            _ => model.check(rows)?,
        }
        let expected = rows.len() * self.outputs(model);
        if found == expected { Ok(()) } else { Err(ModelError::Output { found, expected }) }
    }
}

/// A model with buffers of its own, for one thread: after the first call nothing is allocated.
///
/// It takes anything that becomes [`Rows`]: arrays, slices and data sets, of f32, f64 or u8. Results are written row after row into
/// memory of the caller's. Missing values (NaN) become the training mean. A row with an infinite value has NaN for a result; the
/// others have theirs, and each call says how many rows have none.
///
/// ```
/// use std::sync::Arc;
/// use enkoder::{Dataset, Rows, Scaling, Session, fit_pca};
/// use ndarray::{Array2, s};
///
/// let values = Array2::from_shape_fn((100, 3), |(row, column)| (row as f32 * 0.1).sin() * (column + 1) as f32);
/// let data = Dataset::from_f32("waves", values.clone())?;
/// let model = Arc::new(fit_pca(&data, &data, 1, Scaling::None)?);
///
/// // It owns its model, and may go to another thread.
/// let mut session = Session::new(model);
/// let mut errors = [0.0; 2];
/// let rows = ndarray::array![[0.0f64, 0.0, 0.0], [f64::INFINITY, 0.0, 0.0]];
/// assert_eq!(session.score(&rows, &mut errors)?, 1);
/// assert!(errors[0] < 1e-6 && errors[1].is_nan());
///
/// // Codes of every other row, where they lie.
/// let mut codes = [0.0; 50];
/// session.encode(values.slice(s![..;2, ..]), &mut codes)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Session<M> {
    model: M,
    scaled: Aligned,
    output: Aligned,
    row: Vec<f32>,
    scratch: Scratch,
}

impl<M: Borrow<Autoencoder>> Session<M> {
    /// A session of a model: a reference, or an `Arc` of one.
    pub fn new(model: M) -> Self {
        let (scaled, output) = (Aligned::default(), Aligned::default());
        Self { model, scaled, output, row: Vec::new(), scratch: Scratch::default() }
    }

    /// The model.
    pub fn model(&self) -> &Autoencoder {
        self.model.borrow()
    }

    /// Writes the codes of samples into `codes` (`samples × latent`). Says how many rows have none.
    ///
    /// # Errors
    /// When the samples do not fit the model, or `codes` not the samples.
    pub fn encode<'r>(&mut self, samples: impl Into<Rows<'r>>, codes: &mut [f32]) -> Result<usize, ModelError> {
        self.call(Verb::Encode, samples.into(), codes)
    }

    /// Writes the samples of codes, in the units of the data, into `samples` (`codes × features`). Says how many rows have none.
    ///
    /// # Errors
    /// When the codes do not fit the model, the model cannot decode a code alone, or `samples` does not fit the codes.
    pub fn decode<'r>(&mut self, codes: impl Into<Rows<'r>>, samples: &mut [f32]) -> Result<usize, ModelError> {
        self.call(Verb::Decode, codes.into(), samples)
    }

    /// Writes the reconstructions of samples, in the units of the data, into `output` (`samples × features`); where the model makes
    /// something else of its input, that (`samples × outputs`). Says how many rows have none.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn reconstruct<'r>(&mut self, samples: impl Into<Rows<'r>>, output: &mut [f32]) -> Result<usize, ModelError> {
        self.call(Verb::Reconstruct, samples.into(), output)
    }

    /// Writes for each sample the mean squared error of its reconstruction over the values that it has, in scaled units, into `errors`.
    /// Says how many rows have none, because a value is infinite or all are missing.
    ///
    /// # Errors
    /// As [`encode`](Self::encode), and when the model makes something else of its input.
    pub fn score<'r>(&mut self, samples: impl Into<Rows<'r>>, errors: &mut [f32]) -> Result<usize, ModelError> {
        self.call(Verb::Score, samples.into(), errors)
    }

    fn call(&mut self, verb: Verb, rows: Rows<'_>, out: &mut [f32]) -> Result<usize, ModelError> {
        verb.check(self.model.borrow(), rows, out.len())?;
        Ok(self.run(verb, rows, 0..rows.len(), out))
    }

    /// Computes some of the rows, which are known to fit, block after block. Says how many have no result.
    pub(super) fn run(&mut self, verb: Verb, rows: Rows<'_>, range: Range<usize>, out: &mut [f32]) -> usize {
        let model = self.model.borrow();
        let together = model.runner.program().rows_together(BLOCK_ROWS);
        let (inputs, outputs) = (verb.inputs(model), verb.outputs(model));
        let mut without = 0;
        for (block, out) in out.chunks_mut(together * outputs).enumerate() {
            let first = range.start + block * together;
            let count = out.len() / outputs;
            self.scaled.resize(count * inputs);
            self.read(verb, rows, first);
            self.compute(verb, rows, first, out);
            // Row by row only where the block has one that is not finite.
            if !all_finite(&self.scaled) || !all_finite(out) {
                let block = self.scaled.chunks_exact(inputs).zip(out.chunks_exact_mut(outputs));
                for (_, out) in block.filter(|(scaled, out)| !all_finite(scaled) || !all_finite(out)) {
                    out.fill(f32::NAN);
                    without += 1;
                }
            }
        }
        without
    }

    /// Reads a block of rows, scaled as the network takes them.
    fn read(&mut self, verb: Verb, rows: Rows<'_>, first: usize) {
        match verb {
            Verb::Decode => rows.copy_rows(first, &mut self.scaled),
            _ => self.model.borrow().scaler.copy_scaled_rows(rows, first, &mut self.scaled),
        }
    }

    fn compute(&mut self, verb: Verb, rows: Rows<'_>, first: usize, out: &mut [f32]) {
        let model = self.model.borrow();
        let program = model.runner.program();
        let (nodes, x) = (program.all(), &self.scaled[..]);
        match verb {
            Verb::Encode => model.runner.forward(program.encoder(), x, out, &mut self.scratch),
            Verb::Decode => model.runner.forward(program.decoder(), x, out, &mut self.scratch),
            Verb::Reconstruct => model.runner.forward(nodes, x, out, &mut self.scratch),
            Verb::Score => {
                self.output.resize(x.len());
                model.runner.forward(nodes, x, &mut self.output, &mut self.scratch);
                let features = rows.features();
                let pairs = x.chunks_exact(features).zip(self.output.chunks_exact(features));
                for (row, (error, (x, y))) in out.iter_mut().zip(pairs).enumerate() {
                    *error = distance(rows, first + row, x, y, &mut self.row);
                }
            }
        }
        if matches!(verb, Verb::Decode | Verb::Reconstruct) {
            let scaler = model.output_scaler();
            out.chunks_exact_mut(verb.outputs(model)).for_each(|row| scaler.inverse_row(row));
        }
    }
}

/// The mean of (x − y)² over the values that a row has.
fn distance(rows: Rows<'_>, row: usize, x: &[f32], y: &[f32], buffer: &mut Vec<f32>) -> f32 {
    let whole = || squared_distance(x, y) / x.len() as f32;
    let values = match rows.contiguous_row(row) {
        Some(values) => values,
        None if rows.is_u8() => return whole(),
        None => {
            buffer.resize(x.len(), 0.0);
            rows.copy_row(row, buffer);
            buffer
        }
    };
    let missing = vectorised(
        #[inline(always)]
        || values.iter().fold(false, |missing, value| missing | value.is_nan()),
    );
    if missing { distance_where_known(values, x, y) } else { whole() }
}

/// The mean of (x − y)² where a value is known; NaN where none is.
fn distance_where_known(values: &[f32], x: &[f32], y: &[f32]) -> f32 {
    let known = values.iter().zip(x).zip(y).filter(|((value, _), _)| !value.is_nan());
    let (sum, count) = known.fold((0.0f32, 0u32), |(sum, count), ((_, x), y)| (sum + (x - y) * (x - y), count + 1));
    sum / count as f32
}
