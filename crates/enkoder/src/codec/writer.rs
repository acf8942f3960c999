//! A file of blocks on its way out: what stands before them, each block once it is proven, and the index behind them.

use std::io::Write;
use std::ops::ControlFlow;
use std::time::Duration;

use rayon::prelude::*;

use super::container::{END_BYTES, Header, description_to_bytes, index_to_bytes};
use super::element::Element;
use super::error::CodecError;
use super::missing::Missing;
use super::samples::SampleSource;
use crate::network::vectorised::{LANES, vectorised};

/// What was written, byte by byte, and what it is worth.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CompressSummary {
    /// Samples in the file.
    pub samples: u64,
    /// Bytes of the original values.
    pub original_bytes: u64,
    /// Bytes of the file: the sum of the five below.
    pub file_bytes: u64,
    /// Magic, header, description, end.
    pub header_bytes: u64,
    /// The decoder, where it is in the file.
    pub model_bytes: u64,
    /// Codes, and which prediction each sample uses.
    pub code_bytes: u64,
    /// What is stored beside the codes.
    pub residual_bytes: u64,
    /// Marks, numbers and checksums of blocks, and the index.
    pub framing_bytes: u64,
    /// The largest error of a value, from decoding what was written.
    pub largest_error: f64,
    /// The mean squared error over the finite values, likewise.
    pub mean_squared_error: f64,
    /// Largest minus smallest finite value.
    pub range: f64,
    /// Latents in use.
    pub active_latents: usize,
    /// Time spent on each stage, summed over threads.
    pub stages: Stages,
}

/// Time of the stages of compression, summed over threads.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stages {
    /// Reading, looking over the values, and planning.
    pub plan: Duration,
    /// The network's encoder.
    pub encode: Duration,
    /// Predicting and entropy coding.
    pub write: Duration,
    /// Decoding again and comparing.
    pub verify: Duration,
}

impl Stages {
    fn add(&mut self, other: &Self) {
        self.plan += other.plan;
        self.encode += other.encode;
        self.write += other.write;
        self.verify += other.verify;
    }
}

/// A block that has been written and read again.
pub(crate) struct Proven {
    pub(crate) frame: Vec<u8>,
    pub(crate) samples: usize,
    /// Bytes of what predicts, and of what is stored beside it.
    pub(crate) streams: [u64; 2],
    pub(crate) errors: Errors,
    pub(crate) stages: Stages,
}

/// Reads blocks of so many samples, hands their bytes to `prove`, as many at once as there are threads, and what that gives to `take`, in order.
pub(crate) fn each_block(
    source: &mut dyn SampleSource,
    samples: u64,
    block_samples: usize,
    prove: impl Fn(u64, &[u8]) -> Result<Proven, CodecError> + Sync,
    take: &mut dyn FnMut(Proven) -> Result<(), CodecError>,
) -> Result<(), CodecError> {
    let together = rayon::current_num_threads() as u64;
    let blocks = samples.div_ceil(block_samples as u64);
    for first in (0..blocks).step_by(together as usize) {
        let mut originals = Vec::new();
        for block in first..blocks.min(first + together) {
            let start = block * block_samples as u64;
            let count = (samples - start).min(block_samples as u64) as usize;
            originals.push((block, source.read(start, count)?));
        }
        let proven: Vec<_> = originals.into_par_iter().map(|(block, bytes)| prove(block, &bytes)).collect();
        proven.into_iter().try_for_each(|proven| take(proven?))?;
    }
    Ok(())
}

/// Writes a file of blocks, and counts its bytes.
pub(crate) struct FileWriter<'a> {
    out: &'a mut dyn Write,
    progress: &'a mut dyn FnMut(u64) -> ControlFlow<()>,
    /// Bytes before the blocks, and of each block.
    start: u64,
    lengths: Vec<u64>,
    done: u64,
    pub(crate) errors: Errors,
    summary: CompressSummary,
}

impl<'a> FileWriter<'a> {
    /// Writes the header, the description, and the model where the file is to hold it.
    pub(crate) fn begin(
        out: &'a mut dyn Write,
        progress: &'a mut dyn FnMut(u64) -> ControlFlow<()>,
        header: &Header,
        description: &[u8],
        model: Option<&[u8]>,
        mut summary: CompressSummary,
    ) -> Result<Self, CodecError> {
        summary.samples = header.samples;
        summary.original_bytes = header.samples * (header.features() * header.element.bytes()) as u64;
        summary.active_latents = header.plan.active;
        let header = [header.to_bytes(), description_to_bytes(description)].concat();
        out.write_all(&header)?;
        summary.header_bytes = (header.len() + END_BYTES) as u64;
        if let Some(model) = model {
            out.write_all(model)?;
            out.write_all(&crc32fast::hash(model).to_le_bytes())?;
            summary.model_bytes = model.len() as u64 + 4;
        }
        let start = header.len() as u64 + summary.model_bytes;
        Ok(Self { out, progress, start, lengths: Vec::new(), done: 0, errors: Errors::default(), summary })
    }

    /// Writes a block.
    ///
    /// # Errors
    /// When it cannot be written, and when `progress` stops the work.
    pub(crate) fn put(&mut self, proven: &Proven) -> Result<(), CodecError> {
        self.out.write_all(&proven.frame)?;
        let length = proven.frame.len() as u64;
        self.lengths.push(length);
        let [codes, residual] = proven.streams;
        self.summary.code_bytes += codes;
        self.summary.residual_bytes += residual;
        self.summary.framing_bytes += length - codes - residual;
        self.summary.stages.add(&proven.stages);
        self.errors.add(&proven.errors);
        self.done += proven.samples as u64;
        match (self.progress)(self.done) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(CodecError::Io(std::io::ErrorKind::Interrupted.into())),
        }
    }

    /// The number of blocks that were written.
    pub(crate) fn blocks(&self) -> usize {
        self.lengths.len()
    }

    /// Writes where the blocks lie.
    pub(crate) fn finish(self) -> Result<CompressSummary, CodecError> {
        let Self { out, start, lengths, errors, mut summary, .. } = self;
        let index = index_to_bytes(start, &lengths);
        out.write_all(&index)?;
        summary.framing_bytes += (index.len() - END_BYTES) as u64;
        summary.file_bytes = start + lengths.iter().sum::<u64>() + index.len() as u64;
        summary.largest_error = errors.largest;
        summary.mean_squared_error = errors.squares / errors.finite.max(1) as f64;
        Ok(summary)
    }
}

/// How far decoded values lie from the finite ones of the original.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Errors {
    pub(crate) largest: f64,
    pub(crate) squares: f64,
    /// The same in the scales of a promise about all values.
    pub(crate) scaled_squares: f64,
    pub(crate) finite: u64,
}

impl Errors {
    pub(crate) fn add(&mut self, other: &Self) {
        self.largest = self.largest.max(other.largest);
        self.squares += other.squares;
        self.scaled_squares += other.scaled_squares;
        self.finite += other.finite;
    }

    /// Adds the errors of the values of a part of a sample; whether what was decoded is what was written, and all values are as promised.
    pub(crate) fn compare<T: Element>(
        &mut self,
        original: &[T],
        written: &[T],
        decoded: &[T],
        (scale, missing): (f64, &Missing),
        is_kept: impl Fn(T, T) -> bool,
    ) -> bool {
        let mut kept = true;
        let (mut largest, mut squares, mut finite) = ([0.0f64; LANES], [0.0f64; LANES], 0u64);
        // Scaled before they are squared: the squares of very small and very large numbers are 0 and infinite.
        let mut scaled_squares = [0.0f64; LANES];
        vectorised(
            #[inline(always)]
            || {
                let chunks = original.chunks(LANES).zip(written.chunks(LANES)).zip(decoded.chunks(LANES));
                for ((original, written), decoded) in chunks {
                    for lane in 0..original.len() {
                        let (value, decoded) = (original[lane], decoded[lane]);
                        kept &= written[lane].to_bits() == decoded.to_bits();
                        kept &= is_kept(value, decoded);
                        let is_value = missing.is_value(value);
                        let error = if is_value { (value.to_f64() - decoded.to_f64()).abs() } else { 0.0 };
                        largest[lane] = if error > largest[lane] { error } else { largest[lane] };
                        squares[lane] += error * error;
                        let scaled = error / scale;
                        scaled_squares[lane] += scaled * scaled;
                        finite += u64::from(is_value);
                    }
                }
            },
        );
        self.add(&Self {
            largest: largest.iter().fold(0.0, |most, &error| most.max(error)),
            squares: squares.iter().sum(),
            scaled_squares: scaled_squares.iter().sum(),
            finite,
        });
        kept
    }
}
