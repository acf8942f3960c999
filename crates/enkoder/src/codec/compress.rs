//! Compression: plan on a few samples, then block after block; each block is decoded again and compared with the original
//! before it is written.

use std::io::Write;
use std::ops::ControlFlow;
use std::time::Instant;

use super::block::{self, Plan, Residual, Streams};
use super::bound::Bound;
use super::container::{Frame, Header, MAX_BLOCK_VALUES, MAX_DIMENSIONS, MAX_NAME, MAX_VARIABLES, ModelPlace};
use super::element::{Element, ElementType, with_element};
use super::encoder::CodeEncoder;
use super::error::CodecError;
use super::fixed_point::FixedDecoder;
use super::levels::Grid;
use super::missing::Missing;
use super::plan::Trial;
use super::promise::{Extent, Packing, Promise, scales};
use super::samples::SampleSource;
use super::writer::{self, CompressSummary, Errors, FileWriter, Proven, Stages};
use crate::autoencoder::Autoencoder;

/// Values of the samples that plans are tried on.
const TRIAL_VALUES: usize = 1 << 16;
const TRIAL_SAMPLES: usize = 256;
/// Bytes of a block at most, where nothing else is asked for. Blocks of bytes are larger, because their many contexts take long to
/// learn.
const BLOCK_BYTES: usize = 1 << 20;
const BLOCK_BYTES_OF_U8: usize = 4 << 20;
/// How often steps are made finer at most where a mean squared error is to be reached, and by which factors at once.
const REFINEMENTS: usize = 64;
const LEAST_REFINEMENT: f64 = 0.05;
const MOST_REFINEMENT: f64 = 0.98;

/// How to compress.
#[derive(Clone, Debug, PartialEq)]
pub struct CompressOptions {
    /// What the decoded values must satisfy.
    pub bound: Bound,
    /// Bits of a weight of the integer decoder: 8 or 16.
    pub weight_bits: u32,
    /// Whether the file holds the decoder; otherwise it names it by its SHA-256, and decoding needs the model.
    pub embed_model: bool,
    /// Samples of a block, the unit of random access and of damage; `None` for equal blocks of at most 1 MiB (of u8: 4 MiB).
    pub block_samples: Option<usize>,
}

impl CompressOptions {
    /// A self-contained file with 16-bit weights.
    pub fn new(bound: Bound) -> Self {
        Self { bound, weight_bits: 16, embed_model: true, block_samples: None }
    }
}

/// Compresses samples with a model: header, model, blocks, index, in this order, so that `out` can be a pipe. Blocks are worked
/// on in parallel in the current thread pool; as many as it has threads are in memory. `progress` is told the samples done and
/// may stop it.
///
/// # Errors
/// When data and model do not fit, when the bound needs a range that is not there, when `out` cannot be written, and when a
/// block does not decode to what was promised. Then what was written is no complete file.
pub fn compress(
    model: &Autoencoder,
    source: &mut dyn SampleSource,
    options: &CompressOptions,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<CompressSummary, CodecError> {
    Compression::run(model, source, options, out, progress)
}

struct Compression<'a> {
    element: ElementType,
    decoder: &'a FixedDecoder,
    encoder: CodeEncoder<'a>,
    plan: Plan,
    promise: Promise,
    features: usize,
    /// For each step of levels of bytes whether what is missing stays so, and nothing else becomes it; empty where that is not asked.
    steps: Vec<bool>,
}

impl Compression<'_> {
    fn run(
        model: &Autoencoder,
        source: &mut dyn SampleSource,
        options: &CompressOptions,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<CompressSummary, CodecError> {
        let start = Instant::now();
        options.bound.validate()?;
        if options.bound.part().is_some() {
            return Err(CodecError::NeedsNoModel(options.bound.to_string()));
        }
        let element = source.element();
        let features: usize = source.shape().iter().product();
        if features != model.architecture().features() {
            return Err(CodecError::Features { found: features, expected: model.architecture().features() });
        }
        let samples = source.samples();
        if samples == 0 {
            return Err(CodecError::Empty);
        }
        let mut decoder = FixedDecoder::new(model, options.weight_bits)?;
        decoder.shape = source.shape().to_vec();
        let decoder = &decoder;
        let layout = source.layout();
        let parts = layout.parts();
        let dimensions = source.shape().len().max(layout.array.len());
        if dimensions > MAX_DIMENSIONS {
            let what = format!("arrays of {dimensions} dimensions: at most {MAX_DIMENSIONS}");
            return Err(CodecError::Unsupported(what));
        }
        if parts > MAX_VARIABLES || layout.variables.iter().any(|name| name.len() > MAX_NAME) {
            let what = format!("{parts} variables: at most {MAX_VARIABLES}, with names of at most {MAX_NAME} bytes");
            return Err(CodecError::Unsupported(what));
        }
        if source.shape().first().is_none_or(|&first| parts > 1 && first != parts) {
            let (shape, values) = (source.shape().to_vec(), parts);
            return Err(CodecError::Shape { values, shape });
        }
        let block_samples = options.block_samples.unwrap_or_else(|| usual_block(element, samples, features));
        let most = MAX_BLOCK_VALUES / features.max(decoder.latent());
        let block_samples = block_samples.clamp(1, most.max(1));
        let block_samples = block_samples.min(usize::try_from(samples).unwrap_or(usize::MAX));

        let (missing, packing) = (Missing::of(source), Packing::of(source));
        let mut extents = vec![Extent::NOTHING; parts];
        let mut look = |bytes: &[u8]| Extent::add_samples(&mut extents, (element, bytes), features, &missing);
        let count = samples.min((TRIAL_VALUES / features).clamp(4, TRIAL_SAMPLES) as u64);
        let mut tried = Vec::new();
        for index in 0..count {
            tried.extend(source.read(index * samples / count, 1)?);
        }
        let is_any_missing = missing.iter().any(Missing::is_any);
        let is_by_bytes = element == ElementType::U8 && is_any_missing;
        let mut steps = vec![true; if is_by_bytes { 256 } else { 0 }];
        if matches!(options.bound, Bound::Relative(_) | Bound::Psnr(_) | Bound::None)
            || is_by_bytes
            || packing.iter().any(|&packing| packing != Packing::NONE)
        {
            for first in (0..samples).step_by(block_samples) {
                let count = (samples - first).min(block_samples as u64) as usize;
                let bytes = source.read(first, count)?;
                look(&bytes);
                keep_missing(&mut steps, &bytes, features / parts, &missing);
            }
        } else {
            look(&tried);
        }
        let mut promise = Promise::of(options.bound, element, &extents)?;
        if let Promise::Within(bounds) = &mut promise {
            for ((bound, packing), extent) in bounds.iter_mut().zip(&packing).zip(&extents) {
                *bound = packing.less_rounding(*bound, extent);
            }
        }
        let encoder = CodeEncoder::new(model);
        let missing = if is_any_missing { missing } else { Vec::new() };
        let in_scale = (scales(element, &extents), missing);
        let plan = Trial::new(decoder, &encoder, (element, &tried), in_scale).plan_for(&promise, &extents);
        let range = extents.iter().map(Extent::range).fold(0.0, f64::max);
        let mut this = Compression { element, decoder, encoder, plan, promise, features, steps };
        this.allow();
        if let Promise::MeanSquared { target, .. } = this.promise {
            this.reach(target, source, samples, block_samples)?;
        }
        let mut summary = CompressSummary { samples, range, ..CompressSummary::default() };
        summary.stages.plan = start.elapsed();
        this.write(source, options, block_samples, out, progress, summary)
    }

    /// Makes steps finer until the mean squared error over all samples is within `target`.
    fn reach(
        &mut self,
        target: f64,
        source: &mut dyn SampleSource,
        samples: u64,
        block: usize,
    ) -> Result<(), CodecError> {
        for _ in 0..REFINEMENTS {
            let mut errors = Errors::default();
            if let Residual::Levels(grid) = self.plan.residual {
                // What levels round away does not depend on how they are coded.
                for first in (0..samples).step_by(block) {
                    let count = (samples - first).min(block as u64) as usize;
                    let bytes = source.read(first, count)?;
                    let rounded: Vec<u8> = bytes.iter().map(|&byte| grid.rounded(byte)).collect();
                    let size = self.features / self.plan.parts;
                    for (number, (bytes, rounded)) in bytes.chunks(size).zip(rounded.chunks(size)).enumerate() {
                        let scale = (f64::from(u8::MAX), self.missing(number));
                        errors.compare(bytes, rounded, rounded, scale, |_, _| true);
                    }
                }
            } else {
                self.each_block(source, samples, block, &mut |proven| {
                    errors.add(&proven.errors);
                    Ok(())
                })?;
            }
            let allowed = target * errors.finite as f64;
            // Errors shrink as steps do; those of the codes follow only roughly.
            let factor = (allowed / errors.scaled_squares).sqrt().clamp(LEAST_REFINEMENT, MOST_REFINEMENT);
            if errors.scaled_squares <= allowed || !self.plan.refine(factor) {
                return Ok(());
            }
            self.allow();
        }
        Ok(())
    }

    /// Makes levels of bytes as fine as they must be for what is missing.
    fn allow(&mut self) {
        if let Residual::Levels(grid) = &mut self.plan.residual {
            while grid.step > 1 && self.steps.get(usize::from(grid.step)) == Some(&false) {
                grid.step -= 1;
            }
        }
    }

    /// Works on blocks, as many at once as there are threads, and hands them on in order.
    fn each_block(
        &self,
        source: &mut dyn SampleSource,
        samples: u64,
        block_samples: usize,
        take: &mut dyn FnMut(Proven) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        let prove = |block: u64, bytes: &[u8]| with_element!(self.element, T => self.prove::<T>(block as usize, bytes));
        writer::each_block(source, samples, block_samples, prove, take)
    }

    /// Codes a block, decodes it again, and checks every value.
    fn prove<T: Element>(&self, number: usize, bytes: &[u8]) -> Result<Proven, CodecError> {
        let mut stages = Stages::default();
        let mut start = Instant::now();
        let mut lap = || std::mem::replace(&mut start, Instant::now()).elapsed();
        let original = &T::from_le(bytes)[..];
        let samples = original.len() / self.features;
        let codes = self.encoder.encode(self.element, bytes);
        let mut codes = self.plan.quantise(&codes, self.decoder.latent());
        stages.encode = lap();
        let mut written = original.to_vec();
        let streams = block::encode(self.decoder, &self.plan, &mut codes, &mut written);
        stages.write = lap();
        let fault = || CodecError::Proof { block: number, bound: format!("{:?}", self.promise) };
        let decoded: Vec<T> = block::decode(self.decoder, &self.plan, [&streams.codes, &streams.residual], samples)
            .map_err(|_| fault())?;
        let mut errors = Errors::default();
        let size = self.features / self.plan.parts;
        let parts = original.chunks_exact(size).zip(written.chunks_exact(size)).zip(decoded.chunks_exact(size));
        let kept = parts.enumerate().all(|(index, ((original, written), decoded))| {
            let part = index % self.plan.parts;
            let (limit, scale) = match &self.promise {
                Promise::Within(bounds) => (Some(bounds[part]), 1.0),
                Promise::MeanSquared { scales, .. } => (Some(f64::INFINITY), scales[part]),
                Promise::Exact => (Some(0.0), 1.0),
                Promise::Nothing => (None, 1.0),
            };
            let exact = self.promise == Promise::Exact;
            let missing = self.missing(part);
            errors.compare(original, written, decoded, (scale, missing), |value, decoded| {
                value.to_bits() == decoded.to_bits()
                    || (limit.is_none_or(|limit| !exact && value.is_finite() && value.within(decoded, limit))
                        && (!missing.is_any() || missing.is_kept(value, decoded)))
            })
        });
        if !kept {
            return Err(fault());
        }
        stages.verify = lap();
        let Streams { codes, residual } = streams;
        let frame = Frame::to_bytes(number as u64, samples, &codes, &residual);
        Ok(Proven { frame, samples, streams: [codes.len() as u64, residual.len() as u64], errors, stages })
    }

    /// Which numbers of a part of the samples, counted over all of them, are no values.
    fn missing(&self, part: usize) -> &Missing {
        const NONE: &Missing = &Missing::NONE;
        self.plan.missing.get(part % self.plan.parts).unwrap_or(NONE)
    }

    fn write(
        &self,
        source: &mut dyn SampleSource,
        options: &CompressOptions,
        block_samples: usize,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
        summary: CompressSummary,
    ) -> Result<CompressSummary, CodecError> {
        let samples = summary.samples;
        let model = self.decoder.to_bytes();
        let place = if options.embed_model {
            ModelPlace::Embedded(model.len() as u64)
        } else {
            ModelPlace::ByHash(FixedDecoder::hash_of(&model), self.decoder.weight_bits)
        };
        let description = source.description();
        let header = Header {
            layout: source.layout(),
            element: self.element,
            shape: self.decoder.shape.clone(),
            samples,
            bound: options.bound,
            bounds: Vec::new(),
            block_samples,
            plan: self.plan.clone(),
            model: place,
            alone: None,
            description: description.len() as u64,
        };
        let model = options.embed_model.then_some(&model[..]);
        let mut file = FileWriter::begin(out, progress, &header, &description, model, summary)?;
        self.each_block(source, samples, block_samples, &mut |proven| file.put(&proven))?;
        if let Promise::MeanSquared { target, .. } = self.promise
            && file.errors.scaled_squares > target * file.errors.finite as f64
        {
            return Err(CodecError::Proof { block: file.blocks() - 1, bound: options.bound.to_string() });
        }
        file.finish()
    }
}

/// Rules out the steps of levels by which a byte that is missing would become another, or another one missing.
fn keep_missing(steps: &mut [bool], bytes: &[u8], size: usize, missing: &[Missing]) {
    let mut seen = vec![[false; 256]; missing.len()];
    for (number, part) in bytes.chunks(size).enumerate().take(if steps.is_empty() { 0 } else { usize::MAX }) {
        part.iter().for_each(|&byte| seen[number % missing.len()][usize::from(byte)] = true);
    }
    for (step, allowed) in (0..=u8::MAX).zip(steps).skip(1) {
        let grid = Grid { step };
        let is_kept = |(seen, missing): (&[bool; 256], &Missing)| {
            (0..=u8::MAX).zip(seen).all(|(byte, &is_seen)| !is_seen || missing.is_kept(byte, grid.rounded(byte)))
        };
        *allowed &= seen.iter().zip(missing).all(is_kept);
    }
}

/// Samples of a block where nothing else is asked for: blocks of equal size.
fn usual_block(element: ElementType, samples: u64, features: usize) -> usize {
    let most = if element == ElementType::U8 { BLOCK_BYTES_OF_U8 } else { BLOCK_BYTES };
    let blocks = samples.saturating_mul((features * element.bytes()) as u64).div_ceil(most as u64).clamp(1, samples);
    usize::try_from(samples.div_ceil(blocks)).unwrap_or(usize::MAX)
}
