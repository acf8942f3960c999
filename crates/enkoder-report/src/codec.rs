//! How well a model compresses: the same samples at a ladder of bounds, each written, read again and compared value by value, beside
//! what other codecs made of them.

mod measure;
mod peers;

use enkoder::Quantity;
use enkoder::codec::{Bound, ElementType};

pub use self::measure::CodecProgress;
pub use self::peers::{Peer, PeerPoint, PeersError, read_peers};

use crate::number::name;

/// What a codec with one model makes of some samples.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CodecEvaluation {
    pub(crate) name: String,
    pub(crate) element: ElementType,
    /// Shape of a sample.
    pub(crate) shape: Vec<usize>,
    pub(crate) samples: u64,
    pub(crate) weight_bits: u32,
    pub(crate) points: Vec<CodecPoint>,
    pub(crate) peers: Vec<Peer>,
    pub(crate) field: Option<Field>,
    /// What the values are, where the file says it.
    pub(crate) quantity: Option<Quantity>,
}

/// The samples at one bound.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CodecPoint {
    /// What was promised.
    pub bound: Bound,
    /// Bytes of the file, the model included.
    pub file_bytes: u64,
    /// Bytes of the model in it.
    pub model_bytes: u64,
    /// Bytes of the codes.
    pub code_bytes: u64,
    /// Bytes of what is stored beside the codes.
    pub residual_bytes: u64,
    /// Bytes of all else.
    pub framing_bytes: u64,
    /// The largest error of a value.
    pub largest_error: f64,
    /// The largest error as a share of what the bound allows; `None` where it allows no fixed error.
    pub of_bound: Option<f64>,
    /// Peak signal-to-noise ratio in decibels, the peak being the range of the values (255 for bytes) of each variable; `None` where
    /// every value came back.
    pub psnr: Option<f64>,
    /// Seconds of compressing, reading included.
    pub compress_seconds: f64,
    /// Seconds of decompressing.
    pub decompress_seconds: f64,
}

/// A two-dimensional sample at some of the bounds.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) sample: u64,
    /// The variable's name, where there are several.
    pub(crate) variable: Option<String>,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) original: Vec<f64>,
    pub(crate) decoded: Vec<DecodedField>,
}

#[derive(Clone, Debug)]
pub(crate) struct DecodedField {
    pub(crate) bound: Bound,
    /// What the bound allows, in the units of the data, where it allows a fixed error.
    pub(crate) unit: Option<f64>,
    pub(crate) values: Vec<f64>,
}

impl CodecEvaluation {
    /// The same beside points of other codecs on the same samples.
    pub fn with_peers(mut self, peers: Vec<Peer>) -> Self {
        self.peers = peers;
        self
    }

    /// The same called otherwise.
    pub fn with_name(mut self, data: &str) -> Self {
        self.name = name(data, crate::evaluation::LONGEST_NAME);
        self
    }

    /// The same of fields of this quantity, which are drawn north up and with its unit.
    pub fn with_quantity(mut self, quantity: Option<Quantity>) -> Self {
        self.quantity = quantity;
        self
    }

    /// The bounds, as they were given, and what came of them.
    pub fn points(&self) -> &[CodecPoint] {
        &self.points
    }

    /// The other codecs.
    pub fn peers(&self) -> &[Peer] {
        &self.peers
    }

    /// Bytes of the samples.
    pub fn original_bytes(&self) -> u64 {
        self.values() * self.element.bytes() as u64
    }

    /// Bytes of a sample without the model, on the average.
    pub fn bytes_per_sample(&self, point: &CodecPoint) -> f64 {
        point.payload() as f64 / self.samples as f64
    }

    /// Bits of a value without the model, on the average.
    pub fn bits_per_value(&self, point: &CodecPoint) -> f64 {
        self.bits(point.payload())
    }

    pub(crate) fn values(&self) -> u64 {
        self.samples * self.shape.iter().product::<usize>() as u64
    }

    pub(crate) fn bits(&self, bytes: u64) -> f64 {
        8.0 * bytes as f64 / self.values() as f64
    }

    /// After how many samples file and model together are smaller than what this peer makes of as many, with an error that is not
    /// larger than this point's bound allows, if it comes to that. The peer's point is the one with the largest such error.
    pub fn pays_from(&self, point: &CodecPoint, peer: &Peer) -> Option<Payment> {
        let allowed = point.largest_error / point.of_bound.filter(|&share| share > 0.0)?;
        let kept = |of: &&PeerPoint| of.largest_error <= allowed * 1.000_1;
        let against = peer.points.iter().filter(kept).max_by(|a, b| a.largest_error.total_cmp(&b.largest_error))?;
        // A much smaller error is bought with bytes: there is nothing to compare with.
        if against.largest_error < 0.5 * allowed {
            return None;
        }
        let saved = (against.bytes as f64 - point.payload() as f64) / self.samples as f64;
        let samples = (saved > 0.0).then(|| (point.model_bytes as f64 / saved).ceil() as u64);
        Some(Payment { peer_bytes: against.bytes, samples })
    }
}

/// What a model is worth beside a codec without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Payment {
    /// What the other codec makes of the same samples.
    pub peer_bytes: u64,
    /// The number of samples from which on the model has paid for itself; `None` where it never does.
    pub samples: Option<u64>,
}

impl CodecPoint {
    /// Bytes of the file without the model.
    pub fn payload(&self) -> u64 {
        self.file_bytes - self.model_bytes
    }
}
