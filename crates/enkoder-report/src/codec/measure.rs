//! Measuring: compressing in memory, decompressing, and comparing with the original, piece by piece.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use enkoder::Autoencoder;
use enkoder::codec::{Bound, CodecError, CompressOptions, ElementType, EnkFile, SampleSource, compress};

use super::{CodecEvaluation, CodecPoint, DecodedField, Field};
use crate::picture::Layout;

/// Values that are looked at at once.
const CHUNK_VALUES: usize = 1 << 18;
/// Bounds at which a sample is shown.
const MOST_SHOWN: usize = 3;

/// What is done: compressing at the bound of this number, so many samples of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodecProgress {
    /// The number of the bound.
    pub bound: usize,
    /// The samples done.
    pub samples: u64,
}

impl CodecEvaluation {
    /// Compresses the samples at each bound, with the model in the file, and reads them again. Only the compressed files are held
    /// in memory, one at a time. `progress` may stop it.
    ///
    /// # Errors
    /// As [`compress`], and [`CodecError::Io`] of the kind interrupted where `progress` stopped it.
    pub fn new(
        model: &Autoencoder,
        source: &mut dyn SampleSource,
        bounds: &[Bound],
        weight_bits: u32,
        progress: &mut dyn FnMut(CodecProgress) -> ControlFlow<()>,
    ) -> Result<Self, CodecError> {
        let (element, shape, samples) = (source.element(), source.shape().to_vec(), source.samples());
        let layout = source.layout();
        let variables = layout.variables.len().max(1);
        let ranges = ranges(source, variables)?;
        let mut field = field(source, variables)?;
        if let Some(field) = &mut field {
            field.variable = layout.variables.first().filter(|_| variables > 1).cloned();
        }
        let lossy = bounds.iter().filter(|bound| **bound != Bound::Lossless).count();
        let mut points = Vec::new();
        let mut lossy_before = 0;
        for (number, &bound) in bounds.iter().enumerate() {
            let mut watch = |samples| progress(CodecProgress { bound: number, samples });
            let options = CompressOptions { weight_bits, ..CompressOptions::new(bound) };
            let mut bytes = Vec::new();
            let start = Instant::now();
            let summary = compress(model, source, &options, &mut bytes, &mut watch)?;
            let compress_seconds = start.elapsed().as_secs_f64();
            let mut file = EnkFile::open(Cursor::new(bytes))?;
            let allowed = Allowed { bound, ranges: &ranges };
            let Compared { largest_error, of_bound, psnr, decompress_seconds } = compare(&mut file, source, &allowed)?;
            if let Some(field) = &mut field
                && bound != Bound::Lossless
            {
                if is_shown(lossy_before, lossy) {
                    let decoded = file.read(field.sample, field.sample + 1, u64::MAX)?;
                    let values = element.to_f64(decoded.as_bytes());
                    let unit = allowed.error(0).filter(|&unit| unit > 0.0);
                    let values = values[..field.original.len()].to_vec();
                    field.decoded.push(DecodedField { bound, unit, values });
                }
                lossy_before += 1;
            }
            points.push(CodecPoint {
                bound,
                file_bytes: summary.file_bytes,
                model_bytes: summary.model_bytes,
                code_bytes: summary.code_bytes,
                residual_bytes: summary.residual_bytes,
                framing_bytes: summary.header_bytes + summary.framing_bytes,
                largest_error,
                of_bound,
                psnr,
                compress_seconds,
                decompress_seconds,
            });
        }
        let (name, peers) = (String::new(), Vec::new());
        Ok(Self { name, element, shape, samples, weight_bits, points, peers, field, quantity: None })
    }
}

/// Whether a sample is shown at this one of so many bounds: at the first, the last and one between.
fn is_shown(number: usize, of: usize) -> bool {
    of <= MOST_SHOWN || [0, of / 2, of - 1].contains(&number)
}

/// What a bound allows.
struct Allowed<'a> {
    bound: Bound,
    /// The range of each variable.
    ranges: &'a [f64],
}

impl Allowed<'_> {
    /// The largest error of a value of this variable, where it is fixed.
    fn error(&self, variable: usize) -> Option<f64> {
        match self.bound {
            Bound::Absolute(bound) => Some(bound),
            Bound::Relative(share) => Some(share * self.ranges[variable]),
            Bound::Pointwise(_) | Bound::SignificantBits(_) | Bound::Psnr(_) | Bound::Lossless | Bound::None => None,
        }
    }
}

/// Range (largest minus smallest finite value) of each variable; of bytes 255.
fn ranges(source: &mut dyn SampleSource, variables: usize) -> Result<Vec<f64>, CodecError> {
    if source.element() == ElementType::U8 {
        return Ok(vec![255.0; variables]);
    }
    let mut extents = vec![(f64::INFINITY, f64::NEG_INFINITY); variables];
    let missing = source.missing();
    let features: usize = source.shape().iter().product();
    let (at_once, samples) = ((CHUNK_VALUES / features).max(1), source.samples());
    for first in (0..samples).step_by(at_once) {
        let values = source.element().to_f64(&source.read(first, at_once.min((samples - first) as usize))?);
        for (part, variable) in values.chunks_exact(features / variables).zip((0..variables).cycle()) {
            let (low, high) = &mut extents[variable];
            for &value in part.iter().filter(|value| value.is_finite() && !missing.contains(value)) {
                *low = low.min(value);
                *high = high.max(value);
            }
        }
    }
    Ok(extents.into_iter().map(|(low, high)| (high - low).max(0.0)).collect())
}

/// The middle sample, or the first variable of it, where that is an image of one value a pixel.
fn field(source: &mut dyn SampleSource, variables: usize) -> Result<Option<Field>, CodecError> {
    let shape = if variables > 1 { &source.shape()[1..] } else { source.shape() };
    let Layout::Image { width, height, channels: 1 } = Layout::of(shape) else { return Ok(None) };
    let sample = source.samples() / 2;
    let mut original = source.element().to_f64(&source.read(sample, 1)?);
    original.truncate(width * height);
    Ok(Some(Field { sample, variable: None, width, height, original, decoded: Vec::new() }))
}

struct Compared {
    largest_error: f64,
    of_bound: Option<f64>,
    psnr: Option<f64>,
    decompress_seconds: f64,
}

/// Decompresses all samples and compares them with the originals; the time of comparing does not count.
fn compare<R: std::io::Read + std::io::Seek + Sync>(
    file: &mut EnkFile<R>,
    source: &mut dyn SampleSource,
    allowed: &Allowed<'_>,
) -> Result<Compared, CodecError> {
    let variables = allowed.ranges.len();
    let (element, features) = (source.element(), source.shape().iter().product::<usize>());
    let mut largest = vec![0.0f64; variables];
    let mut squares = vec![(0.0f64, 0u64); variables];
    let mut next = 0;
    let mut comparing = Duration::ZERO;
    let start = Instant::now();
    file.each(0, source.samples(), &mut |bytes| {
        let begun = Instant::now();
        let count = bytes.len() / (features * element.bytes());
        let originals = element.to_f64(&source.read(next, count)?);
        let decoded = element.to_f64(bytes);
        let parts = originals.chunks_exact(features / variables).zip(decoded.chunks_exact(features / variables));
        for ((original, decoded), variable) in parts.zip((0..variables).cycle()) {
            let (sum, values) = &mut squares[variable];
            for (&x, &y) in original.iter().zip(decoded).filter(|(x, _)| x.is_finite()) {
                let error = x - y;
                largest[variable] = largest[variable].max(error.abs());
                *sum += error * error;
                *values += 1;
            }
        }
        next += count as u64;
        comparing += begun.elapsed();
        Ok(())
    })?;
    let decompress_seconds = (start.elapsed() - comparing).as_secs_f64();
    let shares = largest.iter().enumerate().map(|(variable, error)| {
        allowed.error(variable).filter(|&allowed| allowed > 0.0).map(|allowed| error / allowed)
    });
    let of_bound = shares.collect::<Option<Vec<f64>>>().map(|shares| shares.into_iter().fold(0.0, f64::max));
    // Relative to each variable's range, so that variables in large units do not drown the others.
    let relative: f64 = squares
        .iter()
        .zip(allowed.ranges)
        .map(|((sum, values), range)| sum / (*values).max(1) as f64 / (range * range))
        .filter(|error| !error.is_nan())
        .sum::<f64>()
        / variables as f64;
    Ok(Compared {
        largest_error: largest.into_iter().fold(0.0, f64::max),
        of_bound,
        psnr: (relative > 0.0).then(|| -10.0 * relative.log10()),
        decompress_seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_shown_at_the_ends_of_the_ladder_and_between() {
        let shown = |of: usize| (0..of).filter(|&number| is_shown(number, of)).collect::<Vec<_>>();
        assert_eq!([shown(1), shown(3), shown(5)], [vec![0], vec![0, 1, 2], vec![0, 2, 4]]);
    }
}
