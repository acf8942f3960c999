//! `enkoder eval --codec`: what the model's codec makes of the samples at several bounds, beside other codecs.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::Autoencoder;
use enkoder::codec::{Bound, ElementType};
use enkoder_data::DataError;
use enkoder_report::{CodecEvaluation, CodecPoint, Peer, read_peers};
use serde_json::{Value, json};

use crate::compressible::Compressible;
use crate::progress::ByteProgress;
use crate::screen::{FAINT, Screen};
use crate::standard_input;
use crate::wording;

/// What of the codec is measured.
#[derive(Debug, Args)]
#[command(next_help_heading = "Codec")]
pub struct CodecOptions {
    /// Also compress the samples at several bounds, read them back and compare
    #[arg(long)]
    codec: bool,

    /// The bounds, as `enkoder compress` takes them [default: rel:2e-2,rel:1e-2,rel:5e-3,rel:1e-3,rel:1e-4; of bytes
    /// none,psnr:20,psnr:25,psnr:30,psnr:40,lossless]
    #[arg(long, value_name = "BOUND,…", value_delimiter = ',', requires = "codec")]
    bounds: Vec<Bound>,

    /// Points of other codecs on the same samples, to show beside: a JSON list of {"name", "points": [{"bytes", "psnr",
    /// "largest_error"}]}
    #[arg(long, value_name = "FILE.json", requires = "codec", value_hint = ValueHint::FilePath)]
    peers: Option<PathBuf>,

    /// Bits of a weight of the decoder in the files
    #[arg(long, value_name = "8|16", default_value_t = 16, requires = "codec")]
    weight_bits: u32,
}

impl CodecOptions {
    /// Whether the codec is asked for.
    pub fn is_wanted(&self) -> bool {
        self.codec
    }

    /// The points of other codecs. Their file is read before anything long begins.
    pub fn peers(&self) -> anyhow::Result<Vec<Peer>> {
        let Some(path) = &self.peers else { return Ok(Vec::new()) };
        let text =
            fs::read_to_string(standard_input::file(path)?).map_err(|error| DataError::io("read", path, error))?;
        read_peers(&text).with_context(|| format!("{} cannot be used as points of other codecs", path.display()))
    }

    /// Compresses the samples, called so in the report, at each bound and reads them back.
    pub fn measure(
        &self,
        model: &Autoencoder,
        name: &str,
        data: &mut Compressible,
        peers: Vec<Peer>,
        screen: Screen,
    ) -> anyhow::Result<CodecEvaluation> {
        let bounds = if self.bounds.is_empty() { ladder(data.element()) } else { self.bounds.clone() };
        let bounds = bounds.into_iter().map(|bound| data.bound(bound)).collect::<anyhow::Result<Vec<_>>>()?;
        let model = &data.model(model.clone())?;
        let (each, sample) = (data.bytes(), data.sample_bytes());
        let total = each * bounds.len() as u64;
        let progress = ByteProgress::new(screen, "measuring the codec".to_owned(), total);
        let codec = CodecEvaluation::new(model, data.source(), &bounds, self.weight_bits, &mut |done| {
            // Only a training or a file to write is stopped gently; this ends with the process.
            let _ = progress.update(done.bound as u64 * each + done.samples * sample);
            ControlFlow::Continue(())
        });
        let codec = codec.with_context(|| format!("{} cannot be compressed", data.name))?;
        Ok(codec.with_name(name).with_peers(peers).with_quantity(data.quantity.clone()))
    }
}

/// The bounds where none are given.
fn ladder(element: ElementType) -> Vec<Bound> {
    match element {
        ElementType::U8 => {
            let psnr = [20.0, 25.0, 30.0, 40.0].map(Bound::Psnr);
            [Bound::None].into_iter().chain(psnr).chain([Bound::Lossless]).collect()
        }
        _ => [2e-2, 1e-2, 5e-3, 1e-3, 1e-4].map(Bound::Relative).to_vec(),
    }
}

/// A line for each bound, and what the model is worth beside other codecs.
pub fn to_text(codec: &CodecEvaluation) -> String {
    let original = codec.original_bytes();
    let headings = ["bytes", "ratio", "+model", "bits", "a sample", "PSNR", "largest", "of bound", "MB/s", "back"];
    let widths = [11, 6, 6, 6, 8, 5, 9, 8, 5, 5];
    let mut text = format!("\n{FAINT}{:<10}", "bound");
    for (heading, width) in headings.iter().zip(widths) {
        text += &format!("  {heading:>width$}");
    }
    text += &format!("{FAINT:#}");
    let rate = |seconds: f64| match original as f64 / 1e6 / seconds.max(1e-9) {
        slow if slow < 9.95 => format!("{slow:.1}"),
        rate => format!("{rate:.0}"),
    };
    for point in codec.points() {
        let ratio = |bytes: u64| wording::times(original as f64 / bytes.max(1) as f64);
        let cells = [
            wording::grouped(point.payload() as usize),
            ratio(point.payload()),
            ratio(point.file_bytes),
            format!("{:.3}", codec.bits_per_value(point)),
            format!("{:.1}", codec.bytes_per_sample(point)),
            point.psnr.map_or_else(|| "exact".to_owned(), |psnr| format!("{psnr:.1}")),
            wording::error(point.largest_error),
            point.of_bound.map_or_else(String::new, |share| format!("{:.1} %", 100.0 * share)),
            rate(point.compress_seconds),
            rate(point.decompress_seconds),
        ];
        text += &format!("\n{:<10}", point.bound.to_string());
        for (cell, width) in cells.iter().zip(widths) {
            text += &format!("  {cell:>width$}");
        }
    }
    text += &format!(
        "\n{FAINT}bytes, ratio, bits a value and bytes a sample without the model, which takes {}; PSNR in dB;\nMB/s of original values, \
         compressing with proof and back{FAINT:#}",
        wording::bytes(model_bytes(codec))
    );
    for peer in codec.peers() {
        for point in codec.points() {
            let Some(payment) = codec.pays_from(point, peer) else { continue };
            let paid = match payment.samples {
                Some(samples) => format!(
                    "the model has paid for itself after {}",
                    wording::counted(samples as usize, "sample", "samples")
                ),
                None => "the model never pays for itself".to_owned(),
            };
            let [own, of_peer] = [point.payload(), payment.peer_bytes].map(wording::bytes);
            text += &format!("\n{}: {own} beside {of_peer} of {}: {paid}", point.bound, peer.name);
        }
    }
    text
}

fn model_bytes(codec: &CodecEvaluation) -> u64 {
    codec.points().first().map_or(0, |point| point.model_bytes)
}

pub fn to_json(codec: &CodecEvaluation) -> Value {
    let paid = |point: &CodecPoint| -> Value {
        let of_peer = |peer: &Peer| {
            let payment = codec.pays_from(point, peer)?;
            Some(json!({ "codec": peer.name, "bytes": payment.peer_bytes, "samples": payment.samples }))
        };
        codec.peers().iter().filter_map(of_peer).collect()
    };
    let point = |point: &CodecPoint| {
        json!({
            "bound": point.bound.to_string(),
            "file_bytes": point.file_bytes,
            "model_bytes": point.model_bytes,
            "code_bytes": point.code_bytes,
            "residual_bytes": point.residual_bytes,
            "framing_bytes": point.framing_bytes,
            "bits_per_value": codec.bits_per_value(point),
            "bytes_per_sample": codec.bytes_per_sample(point),
            "psnr": point.psnr,
            "largest_error": point.largest_error,
            "of_bound": point.of_bound,
            "compress_seconds": point.compress_seconds,
            "decompress_seconds": point.decompress_seconds,
            "paid_for": paid(point),
        })
    };
    json!({ "original_bytes": codec.original_bytes(), "points": codec.points().iter().map(point).collect::<Value>() })
}
