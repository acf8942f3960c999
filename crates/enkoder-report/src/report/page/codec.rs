//! What the page says of compression: bytes for quality, beside other codecs, and what comes back.

use super::PAGE;
use crate::codec::{CodecEvaluation, CodecPoint};
use crate::drawings::FieldDrawing;
use crate::number::{bytes, count, grouped, name, shape, significant};
use crate::picture::PictureError;

/// A row for each bound, and for each point of another codec.
pub(super) struct CodecSection {
    pub(super) sentence: String,
    pub(super) rows: Vec<[String; 9]>,
    pub(super) peers: Vec<[String; 6]>,
    pub(super) chart: Option<String>,
    pub(super) finding: Option<String>,
    pub(super) payments: Vec<String>,
    pub(super) field: String,
    pub(super) fields: Vec<FieldDrawing>,
}

impl CodecSection {
    pub(super) fn of(codec: &CodecEvaluation) -> Result<Self, PictureError> {
        let original = codec.original_bytes();
        let model = codec.points.first().map_or(0, |point| point.model_bytes);
        let sentence = format!(
            "{} of {} {} from “{}”, {} in all, compressed by this model. Every file was read again and each value compared with its original. The model takes {} with {}-bit weights. Each file here holds it; one copy beside many files is enough.",
            count(codec.samples as usize, "sample", "samples"),
            shape(&codec.shape),
            codec.element,
            codec.name,
            bytes(original as usize),
            bytes(model as usize),
            codec.weight_bits,
        );
        let mut payments = Vec::new();
        for peer in &codec.peers {
            for point in &codec.points {
                payments.extend(payment(codec, point, peer));
            }
        }
        let ratio = |bytes: u64| significant(original as f64 / bytes.max(1) as f64, 3);
        let of_peers = codec.peers.iter().flat_map(|peer| {
            peer.points.iter().map(move |point| {
                [
                    name(&peer.name, crate::evaluation::LONGEST_NAME),
                    grouped(point.bytes as usize),
                    ratio(point.bytes),
                    significant(codec.bits(point.bytes), 3),
                    point.psnr.map_or_else(|| "exact".to_owned(), |psnr| significant(psnr, 3)),
                    significant(point.largest_error, 3),
                ]
            })
        });
        let field = codec.field.as_ref().map_or_else(String::new, |field| {
            let of = field.variable.as_ref().map_or_else(String::new, |variable| {
                format!(", variable {}", name(variable, crate::evaluation::LONGEST_NAME))
            });
            format!("Sample {}{of}, on one colour scale throughout.", grouped(field.sample as usize))
        });
        Ok(Self {
            sentence,
            rows: codec.points.iter().map(|point| row(codec, point)).collect(),
            peers: of_peers.collect(),
            chart: codec.draw_rate_distortion(PAGE),
            finding: finding(codec),
            payments,
            field,
            fields: codec.draw_fields(PAGE)?,
        })
    }
}

/// What quality costs, from the coarsest bound to the finest.
fn finding(codec: &CodecEvaluation) -> Option<String> {
    let points = codec.points.iter().filter_map(|point| Some((codec.bits_per_value(point), point.psnr?)));
    let mut points: Vec<(f64, f64)> = points.collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (&(few, low), &(many, high)) = (points.first()?, points.last()?);
    (many > few && high > low).then(|| {
        let [few, many, low, high] =
            [(few, 2), (many, 2), (low, 3), (high, 3)].map(|(value, digits)| significant(value, digits));
        format!("With {few} to {many} bits a value, without the model, the PSNR is {low} to {high} dB")
    })
}

fn row(codec: &CodecEvaluation, point: &CodecPoint) -> [String; 9] {
    let original = codec.original_bytes() as f64;
    let rate = |seconds: f64| significant(original / 1e6 / seconds.max(1e-9), 2);
    [
        point.bound.to_string(),
        grouped(point.payload() as usize),
        significant(original / point.payload().max(1) as f64, 3),
        significant(original / point.file_bytes.max(1) as f64, 3),
        significant(codec.bits_per_value(point), 3),
        significant(codec.bytes_per_sample(point), 3),
        point.psnr.map_or_else(|| "exact".to_owned(), |psnr| significant(psnr, 3)),
        match point.of_bound {
            Some(share) => format!("{} ({} %)", significant(point.largest_error, 3), significant(100.0 * share, 3)),
            None => significant(point.largest_error, 3),
        },
        format!("{} / {}", rate(point.compress_seconds), rate(point.decompress_seconds)),
    ]
}

/// After how many samples the model has paid for itself.
fn payment(codec: &CodecEvaluation, point: &CodecPoint, peer: &crate::codec::Peer) -> Option<String> {
    let payment = codec.pays_from(point, peer)?;
    let peer_name = name(&peer.name, crate::evaluation::LONGEST_NAME);
    let them = bytes(payment.peer_bytes as usize);
    let bound = point.bound;
    Some(match payment.samples {
        Some(samples) => format!(
            "At {bound} {peer_name} takes {them} and this model {}: it has paid for its own {} after {}.",
            bytes(point.payload() as usize),
            bytes(point.model_bytes as usize),
            count(samples as usize, "sample", "samples"),
        ),
        None => format!(
            "At {bound} {peer_name} takes {them}, no more than the {} of this model: it never pays for itself.",
            bytes(point.payload() as usize)
        ),
    })
}
