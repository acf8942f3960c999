//! A model on many samples: in parallel, with results in a new array or in the caller's memory. Whoever wants one thread alone takes
//! a [`Session`].

use std::sync::{Mutex, PoisonError};

use ndarray::Array2;
use rayon::prelude::*;

use super::session::{BLOCK_ROWS, Verb};
use super::{Autoencoder, ModelError, Session};
use crate::rows::Rows;

impl Autoencoder {
    /// Checks that the model can be used on these samples: number and shape of the values, and columns where both are known.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check<'r>(&self, samples: impl Into<Rows<'r>>) -> Result<(), ModelError> {
        let rows = samples.into();
        let shape = &self.architecture.input_shape[..];
        let expected = self.runner.program().width(0);
        if rows.features() != expected {
            return Err(ModelError::Features { found: rows.features(), expected });
        }
        let found = rows.shape();
        if found != shape && found.len() > 1 && shape.len() > 1 {
            return Err(ModelError::Shape { found: found.to_vec(), expected: shape.to_vec() });
        }
        if let (Some(known), Some(given)) = (&self.schema, rows.schema())
            && let Some((position, expected, found)) = known.first_difference(given)
        {
            return Err(ModelError::Columns { position, found, expected });
        }
        Ok(())
    }

    /// The codes of samples: `samples × latent`. A row with an infinite value has NaN for a code.
    ///
    /// # Errors
    /// When the samples do not fit the model.
    pub fn encode<'r>(&self, samples: impl Into<Rows<'r>>) -> Result<Array2<f32>, ModelError> {
        self.array(Verb::Encode, samples.into())
    }

    /// The samples of codes (`samples × latent`), in the units of the data: `samples × features`.
    ///
    /// # Errors
    /// When the codes have another length, or the model cannot decode a code alone.
    pub fn decode<'r>(&self, codes: impl Into<Rows<'r>>) -> Result<Array2<f32>, ModelError> {
        self.array(Verb::Decode, codes.into())
    }

    /// The reconstructions of samples, in the units of the data: `samples × features`. Where the model makes something else of its
    /// input, that: `samples × outputs`. A row with an infinite value has NaN for a reconstruction.
    ///
    /// # Errors
    /// When the samples do not fit the model.
    pub fn reconstruct<'r>(&self, samples: impl Into<Rows<'r>>) -> Result<Array2<f32>, ModelError> {
        self.array(Verb::Reconstruct, samples.into())
    }

    /// For each sample the mean squared error of its reconstruction over the values that it has, in scaled units; NaN where a value is
    /// infinite or all are missing.
    ///
    /// # Errors
    /// When the samples do not fit the model, and when the model makes something else of its input.
    pub fn reconstruction_error<'r>(&self, samples: impl Into<Rows<'r>>) -> Result<Vec<f32>, ModelError> {
        let rows = samples.into();
        let mut errors = vec![0.0; rows.len()];
        self.parallel(Verb::Score, rows, &mut errors)?;
        Ok(errors)
    }

    /// As [`encode`](Self::encode), into memory for `samples × latent` numbers. Says how many rows have no code.
    ///
    /// # Errors
    /// As [`encode`](Self::encode), and when `codes` has another length.
    pub fn encode_into<'r>(&self, samples: impl Into<Rows<'r>>, codes: &mut [f32]) -> Result<usize, ModelError> {
        self.parallel(Verb::Encode, samples.into(), codes)
    }

    /// As [`decode`](Self::decode), into memory for `samples × features` numbers. Says how many rows have no sample.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), and when `samples` has another length.
    pub fn decode_into<'r>(&self, codes: impl Into<Rows<'r>>, samples: &mut [f32]) -> Result<usize, ModelError> {
        self.parallel(Verb::Decode, codes.into(), samples)
    }

    /// As [`reconstruct`](Self::reconstruct), into memory for `samples × outputs` numbers. Says how many rows have no reconstruction.
    ///
    /// # Errors
    /// As [`reconstruct`](Self::reconstruct), and when `output` has another length.
    pub fn reconstruct_into<'r>(&self, samples: impl Into<Rows<'r>>, output: &mut [f32]) -> Result<usize, ModelError> {
        self.parallel(Verb::Reconstruct, samples.into(), output)
    }

    /// What one thread needs to use the model again and again without allocating.
    pub fn session(&self) -> Session<&Self> {
        Session::new(self)
    }

    fn array(&self, verb: Verb, rows: Rows<'_>) -> Result<Array2<f32>, ModelError> {
        let mut output = Array2::zeros((rows.len(), verb.outputs(self)));
        self.parallel(verb, rows, output.as_slice_mut().expect("a new array is contiguous"))?;
        Ok(output)
    }

    /// Computes blocks of rows in parallel. Says how many rows have no result.
    fn parallel(&self, verb: Verb, rows: Rows<'_>, out: &mut [f32]) -> Result<usize, ModelError> {
        verb.check(self, rows, out.len())?;
        let width = verb.outputs(self);
        let threads = rayon::current_num_threads();
        let block = self.runner.program().rows_together(BLOCK_ROWS);
        if rows.len() <= block || threads == 1 {
            // Waking another thread would take longer than the work.
            return Ok(self.session().run(verb, rows, 0..rows.len(), out));
        }
        // A part is a few blocks: as many as leave each thread several parts, so that none waits long for another.
        let part = rows.len().div_ceil(block).div_ceil(4 * threads).min(8) * block;
        let sessions = Mutex::new(Vec::new());
        let idle = || sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let without = out.par_chunks_mut(part * width).enumerate().map(|(index, out)| {
            let mut session = idle().pop().unwrap_or_else(|| self.session());
            let first = index * part;
            let without = session.run(verb, rows, first..first + out.len() / width, out);
            idle().push(session);
            without
        });
        Ok(without.sum())
    }
}
