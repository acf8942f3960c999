//! Compression of arrays with no model at hand: everything that a reader needs was learned on the arrays themselves and lies in the
//! file. As with a model, every block is decoded and compared before it is written.

use std::io::Write;
use std::ops::ControlFlow;
use std::time::Instant;

use rayon::prelude::*;

use super::block::Plan;
use super::bound::Bound;
use super::bytes::{Reader, put_unsigned};
use super::container::{Alone, Frame, Header, MAX_BLOCK_VALUES, MAX_DIMENSIONS, MAX_NAME, MAX_VARIABLES, ModelPlace};
use super::element::{Element, with_element};
use super::entropy::Corrupt;
use super::error::CodecError;
use super::field::{self, Field, Scale, seen_shape};
use super::kept::{Demand, Kept};
use super::missing::Missing;
use super::part::{self, Coded, Request, Way};
use super::promise::{Extent, Packing};
use super::quantiser::Quantiser;
use super::region::{self, Exact, Region};
use super::samples::SampleSource;
use super::writer::{self, CompressSummary, Errors, FileWriter, Proven, Stages};

/// Bytes of the values of a block where nothing else is asked for: an array of several blocks is read and written by several
/// threads, and smaller blocks learn less.
const BLOCK_BYTES: u64 = 4 << 20;
/// Large samples are predicted from each other, too: a block has this many at least, up to so many bytes.
const LEAST_SAMPLES: u64 = 8;
const MOST_BLOCK_BYTES: u64 = 32 << 20;
/// How often steps are chosen anew to reach a mean squared error, before every bit is kept.
const TRIES: usize = 5;
/// A mean squared error below this part of what is allowed is worth coarser steps.
const WASTED: f64 = 0.85;

/// How to compress without a model.
#[derive(Clone, Debug, PartialEq)]
pub struct AloneOptions {
    /// What the decoded values must satisfy; [`Bound::None`] is none.
    pub bound: Bound,
    /// What holds instead for single variables, by their names; no mean squared errors, which are of all of them together.
    pub of_variables: Vec<(String, Bound)>,
    /// How much is tried, from 1 to 9; more takes longer. Up to 5, what is quick is preferred unless it takes noticeably more bytes.
    /// Bytes (`u8`) may be coded by contexts: drawings and masks from 3 on, where this takes hardly longer, from 6 on all, which is slow, also to decode. The
    /// file depends on it, and never on the number of threads.
    pub effort: u8,
    /// Regions of each variable with bounds of their own, in the axes of its array; where they overlap, the last holds. With these
    /// there is no mean squared error, which is of all values together.
    pub regions: Vec<Region>,
    /// What must come back exactly, whatever the bound.
    pub exact: Exact,
    /// Indices of the leading axis in a block, the unit of random access and of damage; `None` for equal blocks of about 4 MiB,
    /// of large samples 8 of them up to 32 MiB.
    pub block_samples: Option<usize>,
    /// Whether an absolute bound holds as well for values that are decoded and compressed with it again, however often, beside others that
    /// change. Writers of chunked arrays do so, and errors would add up otherwise. Decoded values are then multiples of about twice the
    /// bound, or exact, which takes a little more space. With a bound that depends on the data it does not hold.
    pub idempotent: bool,
}

impl AloneOptions {
    /// Of effort 5.
    pub fn new(bound: Bound) -> Self {
        Self {
            bound,
            of_variables: Vec::new(),
            effort: 5,
            regions: Vec::new(),
            exact: Exact::default(),
            block_samples: None,
            idempotent: false,
        }
    }
}

/// How an array of a block, or a region of it, is predicted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// The number of its variable.
    pub variable: usize,
    /// The region: 0 for what is in none, otherwise one more than its number; none where all of the array is predicted together.
    pub region: Option<usize>,
    /// How it is gone through: `rows`, each value from those before, or `levels`, from a coarse grid to ever finer ones; `contexts` where
    /// bytes of pictures are coded by what is around them; `none` where nothing predicts values and they are stored as they are.
    pub traversal: &'static str,
    /// The distance of two decoded values that one prediction allows, in about powers of two where a bound is a part of each value;
    /// 0 where every bit comes back.
    pub step: f64,
    /// Whether decoded values are multiples of the step, because all the originals are, or because zeros or signs must stay.
    pub is_lattice: bool,
    /// Values that a mask stands for: missing ones, and such that fill whole regions.
    pub masked_values: usize,
    /// Weights that were learned.
    pub weights: usize,
    /// Bytes of the weights and of all else that says how to predict.
    pub model_bytes: u64,
    /// Bytes of these that hold the mean over leading axes; 0 where there is none. Predictions are then of how values differ from it.
    pub mean_bytes: u64,
    /// Bytes of masks and of what predictions miss.
    pub residual_bytes: u64,
}

impl Prediction {
    fn of(variable: usize, coded: &Coded) -> Self {
        let field = if let Way::Field(field) = &coded.way { Some(field) } else { None };
        let traversal = match &coded.way {
            Way::Field(field) => field.traversal(),
            Way::Raster => "contexts",
            Way::Stored => "none",
        };
        Self {
            variable,
            region: coded.region.map(usize::from),
            traversal,
            step: field.map_or(0.0, |field| field.scale().step()),
            is_lattice: field.is_some_and(|field| matches!(field.scale(), Scale::Lattice { .. })),
            // One of a region's stands for what is not in it.
            masked_values: field.map_or(0, Field::specials).saturating_sub(coded.region.is_some().into()),
            weights: field.map_or(0, Field::weights),
            model_bytes: coded.bytes[0] as u64,
            mean_bytes: field.and_then(Field::mean).map_or(0, |mean| mean.bytes() as u64),
            residual_bytes: coded.bytes[1] as u64,
        }
    }
}

/// Compresses samples, which are the leading axis of arrays, without a model: predictions are learned on each block and stored
/// with it. `progress` is told how many samples are done and may stop the work.
///
/// # Errors
/// When bound, shape or layout are not possible, when reading or writing fails, when `progress` stops the work
/// ([`CodecError::Io`], interrupted), and when a block does not decode to what was promised. What was written is no complete file.
pub fn compress_alone(
    source: &mut dyn SampleSource,
    options: &AloneOptions,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<CompressSummary, CodecError> {
    let variables = source.layout().variables;
    Work::run(source, options, out, progress).map_err(|error| error.of_variable(&variables))
}

/// The samples of a block's streams, which may be anything.
pub(crate) fn decode<T: Element>(header: &Header, streams: [&[u8]; 2], samples: usize) -> Result<Vec<T>, Corrupt> {
    let parts = header.layout.parts();
    let shape = part_shape(&header.shape, parts, samples);
    let [heads, tails] = [split(streams[0], parts)?, split(streams[1], parts)?];
    let decode = |(head, tail)| match header.alone {
        Some(_) => part::decode::<T>([head, tail], &shape),
        None => field::decode::<T>([head, tail], &shape).map(|(_, values)| values),
    };
    let arrays = heads.into_iter().zip(tails).map(decode).collect::<Result<Vec<_>, _>>()?;
    Ok(join_parts(arrays, samples))
}

/// How the arrays of a block's streams are predicted.
pub(crate) fn predictions(header: &Header, streams: [&[u8]; 2], samples: usize) -> Result<Vec<Prediction>, Corrupt> {
    let parts = header.layout.parts();
    let shape = part_shape(&header.shape, parts, samples);
    let [heads, tails] = [split(streams[0], parts)?, split(streams[1], parts)?];
    let mut found = Vec::new();
    for (variable, (head, tail)) in heads.into_iter().zip(tails).enumerate() {
        let coded = match header.alone {
            Some(_) => part::coded(header.element, [head, tail], &shape)?,
            None => {
                let way = Way::Field(field::decode_field(head, header.element, None, &shape)?);
                vec![Coded { region: None, way, bytes: [head.len(), tail.len()] }]
            }
        };
        found.extend(coded.iter().map(|coded| Prediction::of(variable, coded)));
    }
    Ok(found)
}

/// The shape of the array of one variable in a block, as predictions see it.
fn part_shape(sample: &[usize], parts: usize, samples: usize) -> Vec<usize> {
    let inner = if parts > 1 { &sample[1..] } else { sample };
    seen_shape(&[&[samples], inner].concat())
}

/// The shape of the array of one variable.
fn array_shape(header: &Header) -> Vec<usize> {
    let inner = if header.layout.parts() > 1 { &header.shape[1..] } else { &header.shape[..] };
    let is_list = !header.layout.array.is_empty() && header.layout.array.len() == 1;
    let inner = if is_list { &[] } else { inner };
    [&[header.samples as usize], inner].concat()
}

/// The arrays of samples that have a part of each.
fn split_parts<T: Element>(values: Vec<T>, parts: usize, features: usize) -> Vec<Vec<T>> {
    if parts == 1 {
        return vec![values];
    }
    let size = features / parts;
    let of_part =
        |part: usize| values.chunks_exact(features).flat_map(|s| &s[part * size..][..size]).copied().collect();
    (0..parts).map(of_part).collect()
}

fn join_parts<T: Element>(mut arrays: Vec<Vec<T>>, samples: usize) -> Vec<T> {
    if arrays.len() == 1 {
        return arrays.remove(0);
    }
    let size = arrays.first().map_or(0, Vec::len) / samples.max(1);
    (0..samples)
        .flat_map(|sample| arrays.iter().flat_map(move |array| &array[sample * size..][..size]))
        .copied()
        .collect()
}

/// Streams one after the other: the lengths of all but the last, then their bytes.
fn join(streams: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    streams.iter().rev().skip(1).rev().for_each(|stream| put_unsigned(&mut bytes, stream.len() as u64));
    bytes.extend(streams.concat());
    bytes
}

fn split(bytes: &[u8], parts: usize) -> Result<Vec<&[u8]>, Corrupt> {
    let mut reader = Reader::new(bytes, 0);
    let length = |reader: &mut Reader<'_>| reader.up_to(bytes.len(), "the length of a stream").map_err(|_| Corrupt);
    let lengths = (1..parts).map(|_| length(&mut reader)).collect::<Result<Vec<_>, _>>()?;
    let mut streams = Vec::with_capacity(parts);
    for length in lengths {
        streams.push(reader.take(length, "a stream").map_err(|_| Corrupt)?);
    }
    streams.push(reader.take(reader.remaining(), "a stream").map_err(|_| Corrupt)?);
    Ok(streams)
}

/// Blocks of arrays of one type on their way to a file.
struct Work {
    header: Header,
    /// For each part of the samples.
    demands: Vec<Demand>,
    regions: Vec<Region>,
    /// The mean squared error that all parts together must reach, each beside its scale.
    target: Option<f64>,
    effort: u8,
}

impl Work {
    fn run(
        source: &mut dyn SampleSource,
        options: &AloneOptions,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<CompressSummary, CodecError> {
        let start = Instant::now();
        let header = header(source, options)?;
        let element = header.element;
        let parts = header.layout.parts();
        let missing = Missing::of(source);
        let mut extents = vec![Extent::NOTHING; parts];
        for block in 0..header.blocks() {
            let first = block * header.block_samples as u64;
            let bytes = source.read(first, header.samples_of(block))?;
            Extent::add_samples(&mut extents, (element, &bytes), header.features(), &missing);
        }
        let (kept, target) = if header.bounds.is_empty() {
            Kept::of(options.bound, element, &extents)?
        } else {
            let of_part = |(&bound, extent): (&Bound, &Extent)| Ok(Kept::of(bound, element, &[*extent])?.0);
            let kept: Vec<Vec<Kept>> =
                header.bounds.iter().zip(&extents).map(of_part).collect::<Result<_, CodecError>>()?;
            (kept.concat(), None)
        };
        let mut demands = Vec::with_capacity(parts);
        for (((kept, &extent), missing), packing) in
            kept.into_iter().zip(&extents).zip(missing).zip(Packing::of(source))
        {
            let mut all = vec![kept];
            for region in &options.regions {
                all.extend(Kept::of(region.bound, element, &[extent])?.0);
            }
            all.iter_mut().for_each(|kept| *kept = kept.of_meant(packing, &extent));
            demands.push(Demand {
                kept: all,
                exact: options.exact,
                extent,
                missing,
                packing,
                idempotent: options.idempotent,
            });
        }
        let range = extents.iter().map(Extent::range).fold(0.0, f64::max);
        let effort = options.effort.clamp(1, 9);
        let regions = options.regions.clone();
        let this = Self { header, demands, regions, target, effort };
        let mut summary = CompressSummary { range, ..CompressSummary::default() };
        summary.stages.plan = start.elapsed();
        this.write(source, out, progress, summary)
    }

    /// The steps to try for each array; of a mean squared error, as its root times `looseness`.
    fn scales(&self, looseness: f64) -> Vec<Vec<Vec<Scale>>> {
        let root = looseness * self.target.unwrap_or(0.0).sqrt();
        self.demands.iter().map(|demand| demand.scales(self.header.element, root)).collect()
    }

    /// Codes the blocks from a number on, as many at once as there are threads, and hands them on in order.
    fn each_block(
        &self,
        source: &mut dyn SampleSource,
        scales: &[Vec<Vec<Scale>>],
        take: &mut dyn FnMut(Proven) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        let Header { samples, block_samples, element, .. } = self.header;
        let prove = |block: u64, bytes: &[u8]| with_element!(element, T => self.prove::<T>(block, bytes, scales));
        writer::each_block(source, samples, block_samples, prove, take)
    }

    /// Codes a block, decodes it again, and checks every value.
    fn prove<T: Element>(&self, number: u64, bytes: &[u8], scales: &[Vec<Vec<Scale>>]) -> Result<Proven, CodecError> {
        let mut stages = Stages::default();
        let mut start = Instant::now();
        let mut lap = || std::mem::replace(&mut start, Instant::now()).elapsed();
        let parts = self.header.layout.parts();
        let original = T::from_le(bytes);
        let samples = original.len() / self.header.features();
        let shape = part_shape(&self.header.shape, parts, samples);
        let originals = split_parts(original, parts, self.header.features());
        let first = number as usize * self.header.block_samples;
        let regions = match &self.regions[..] {
            [] => Vec::new(),
            regions => region::numbers(regions, &array_shape(&self.header), first, samples),
        };
        let write = |((original, demand), scales): ((&Vec<T>, &Demand), &Vec<Vec<Scale>>)| {
            let request = Request { demand, scales, regions: &regions, effort: self.effort };
            part::encode(original, &shape, &request)
        };
        let written: Vec<_> = originals.par_iter().zip(&self.demands).zip(scales).map(write).collect();
        stages.write = lap();
        let fault = || {
            let kept: Vec<_> = self.demands.iter().map(|demand| &demand.kept).collect();
            CodecError::Proof { block: number as usize, bound: format!("{kept:?}") }
        };
        let mut errors = Errors::default();
        for ((streams, written), (original, demand)) in written.iter().zip(originals.iter().zip(&self.demands)) {
            let [head, tail] = streams;
            let decoded = part::decode::<T>([head, tail], &shape).map_err(|_| fault())?;
            let scale = if let Kept::Mean { scale } = demand.kept[0] { scale } else { 1.0 };
            let scale = (scale, &demand.missing);
            let kept = if regions.is_empty() {
                errors.compare(original, written, &decoded, scale, |value, decoded| demand.is_met(0, value, decoded))
            } else {
                let mut cells = original.iter().zip(&decoded).zip(&regions);
                cells.all(|((&value, &decoded), &region)| demand.is_met(region, value, decoded))
                    && errors.compare(original, written, &decoded, scale, |_, _| true)
            };
            if !kept {
                return Err(fault());
            }
        }
        let (heads, tails): (Vec<_>, Vec<_>) = written.into_iter().map(|([head, tail], _)| (head, tail)).unzip();
        let [head, tail] = [join(&heads), join(&tails)];
        stages.verify = lap();
        let frame = Frame::to_bytes(number, samples, &head, &tail);
        Ok(Proven { frame, samples, streams: [head.len() as u64, tail.len() as u64], errors, stages })
    }

    /// All blocks, with the coarsest steps tried whose mean squared error is within the target.
    fn reach(&self, target: f64, source: &mut dyn SampleSource) -> Result<Vec<Proven>, CodecError> {
        // Errors spread evenly over a step have a root mean square of a step over √12.
        let mut looseness = 12f64.sqrt();
        let mut kept = None;
        for _ in 0..TRIES {
            let (part, blocks) = self.try_scales(&self.scales(looseness), target, source)?;
            if part <= 1.0 {
                let is_close = part > WASTED || part == 0.0;
                kept = Some(blocks);
                if is_close {
                    break;
                }
            } else if kept.is_some() {
                break;
            }
            looseness *= 0.99 / part.clamp(0.05, 20.0).sqrt();
        }
        match kept {
            Some(blocks) => Ok(blocks),
            None => {
                let exact = vec![vec![vec![Scale::Free(Quantiser::Exact)]]; self.demands.len()];
                Ok(self.try_scales(&exact, target, source)?.1)
            }
        }
    }

    /// All blocks with these steps, and which part of a mean squared error they reach.
    fn try_scales(
        &self,
        scales: &[Vec<Vec<Scale>>],
        target: f64,
        source: &mut dyn SampleSource,
    ) -> Result<(f64, Vec<Proven>), CodecError> {
        let (mut blocks, mut errors) = (Vec::new(), Errors::default());
        self.each_block(source, scales, &mut |proven| {
            errors.add(&proven.errors);
            blocks.push(proven);
            Ok(())
        })?;
        Ok((errors.scaled_squares / (target * errors.finite.max(1) as f64), blocks))
    }

    fn write(
        &self,
        source: &mut dyn SampleSource,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
        summary: CompressSummary,
    ) -> Result<CompressSummary, CodecError> {
        let mut file = FileWriter::begin(out, progress, &self.header, &source.description(), None, summary)?;
        match self.target {
            Some(target) => self.reach(target, source)?.iter().try_for_each(|proven| file.put(proven))?,
            None => self.each_block(source, &self.scales(1.0), &mut |proven| file.put(&proven))?,
        }
        file.finish()
    }
}

/// What the file says of itself.
fn header(source: &dyn SampleSource, options: &AloneOptions) -> Result<Header, CodecError> {
    options.bound.validate()?;
    for (_, bound) in &options.of_variables {
        bound.validate()?;
    }
    let mut all = options.of_variables.iter().map(|(_, bound)| *bound).chain([options.bound]);
    if all.any(|bound| bound == Bound::None) {
        return Err(CodecError::NeedsModel(Bound::None.to_string()));
    }
    let element = source.element();
    let (layout, shape, samples) = (source.layout(), source.shape().to_vec(), source.samples());
    let features: usize = shape.iter().product();
    if samples == 0 || features == 0 {
        return Err(CodecError::Empty);
    }
    let parts = layout.parts();
    let unsupported = |what: String| Err(CodecError::Arrays(what));
    if !layout.block.is_empty() {
        return unsupported("arrays that were cut into blocks: without a model they are taken whole".to_owned());
    }
    let dimensions = shape.len().max(layout.array.len());
    if dimensions > MAX_DIMENSIONS {
        return unsupported(format!("arrays of {dimensions} dimensions: at most {MAX_DIMENSIONS}"));
    }
    if features > MAX_BLOCK_VALUES {
        return unsupported(format!(
            "{features} values for each index of the leading axis: at most {MAX_BLOCK_VALUES}"
        ));
    }
    if parts > MAX_VARIABLES || layout.variables.iter().any(|name| name.len() > MAX_NAME) {
        return unsupported(format!(
            "{parts} variables: at most {MAX_VARIABLES}, with names of at most {MAX_NAME} bytes"
        ));
    }
    if shape.first().is_none_or(|&first| parts > 1 && first != parts) {
        return Err(CodecError::Shape { values: parts, shape });
    }
    let usual = || {
        let sample = (features * element.bytes()) as u64;
        let least = (MOST_BLOCK_BYTES / sample).clamp(1, LEAST_SAMPLES);
        let blocks = samples.saturating_mul(sample).div_ceil(BLOCK_BYTES).min(samples.div_ceil(least));
        samples.div_ceil(blocks.max(1))
    };
    let block = options.block_samples.map_or_else(usual, |samples| samples as u64);
    let most = (MAX_BLOCK_VALUES / features) as u64;
    let block_samples = usize::try_from(block.clamp(1, most).min(samples)).unwrap_or(1);
    let (plan, model) = (Plan::without_model(parts), ModelPlace::None);
    let (bound, bounds) = (options.bound, bounds(options, &layout.variables)?);
    let regions = options.regions.iter().map(|region| (region.name.clone(), region.bound)).collect();
    let alone = Some(Alone { exact: options.exact, regions });
    let description = source.description().len() as u64;
    let header =
        Header { layout, element, shape, samples, bound, bounds, block_samples, plan, model, alone, description };
    region::check(&options.regions, &array_shape(&header))?;
    if let Some(region) = options.regions.first().filter(|_| matches!(bound, Bound::Psnr(_))) {
        return Err(CodecError::Region {
            region: region.name.clone(),
            bound: region.bound.to_string(),
            why: format!("{bound} is a mean over all values\nhint: use another bound for the rest"),
        });
    }
    Ok(header)
}

/// The bound of each variable; none where all have the same.
fn bounds(options: &AloneOptions, variables: &[String]) -> Result<Vec<Bound>, CodecError> {
    if options.of_variables.is_empty() {
        return Ok(Vec::new());
    }
    let mut bounds = vec![options.bound; variables.len()];
    for (variable, bound) in &options.of_variables {
        let refused =
            |why: String| Err(CodecError::OfVariable { bound: bound.to_string(), variable: variable.clone(), why });
        match variables.iter().position(|name| name == variable) {
            Some(number) => bounds[number] = *bound,
            None if variables.is_empty() => {
                return refused("the data is one array\nhint: give one bound, without a name".to_owned());
            }
            None => return refused(format!("there is none\nhint: the variables are {}", variables.join(", "))),
        }
    }
    if let Some((variable, bound)) = variables.iter().zip(&bounds).find(|(_, bound)| matches!(bound, Bound::Psnr(_))) {
        return Err(CodecError::OfVariable {
            bound: bound.to_string(),
            variable: variable.clone(),
            why: "it is a mean over all variables\nhint: give it for all of them, or use another bound".to_owned(),
        });
    }
    Ok(bounds)
}
