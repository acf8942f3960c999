//! A compressed file, every byte accounted for: its arrays, what was promised of each, how it is predicted and what that costs.

use std::collections::BTreeMap;

use enkoder::codec::{Bound, CodecError, EnkArchive, EnkFile, Part, Prediction};
use enkoder_data::{Description, Input};
use serde_json::{Value, json};

use super::line;
use crate::wording;

/// What is known of one of the files of an archive.
struct Member {
    /// Its variables; none where there is one without a name.
    names: Vec<String>,
    /// The type of its numbers in the file that they came from.
    kind: &'static str,
    original: u64,
    length: u64,
    /// What its bytes are, and how many.
    parts: [(&'static str, u64); 5],
    predictions: Vec<Vec<Prediction>>,
}

impl Member {
    /// Of arrays from number `first` on of those that are described.
    fn of(file: &mut EnkFile<Part<'_, Input>>, description: &Description, first: usize) -> Result<Self, CodecError> {
        let (codes, residual, rest) = file.account()?;
        let values: usize = file.shape().iter().product();
        let (header, model) = (file.header_bytes(), file.model_bytes());
        let learned = if file.has_model() { "codes" } else { "learned" };
        let parts = [
            ("header", header),
            ("model", model),
            (learned, codes),
            ("residual", residual),
            ("framing", rest - header),
        ];
        Ok(Self {
            names: file.layout().variables.clone(),
            kind: description.form(first, file.element()).type_name(),
            original: file.samples() * (values * file.element().bytes()) as u64,
            length: file.length(),
            parts,
            predictions: file.predictions()?,
        })
    }

    fn ratio(&self, length: u64) -> String {
        wording::times(self.original as f64 / length.max(1) as f64)
    }
}

/// A compressed file in words, or as JSON.
pub fn describe(archive: &mut EnkArchive<Input>, description: &Description, json: bool) -> Result<String, CodecError> {
    if let Some(CodecError::Damaged { offset, what }) = archive.index_damage() {
        return Err(CodecError::Damaged { offset: *offset, what: what.clone() });
    }
    if !archive.is_several() {
        let mut file = archive.file(0)?;
        let member = Member::of(&mut file, description, 0)?;
        return Ok(if json { to_json(&file, &member).to_string() } else { to_text(&file, &member) });
    }
    let (mut original, mut inside, mut first) = (0, 0, 0);
    let (mut objects, mut text) = (Vec::new(), String::new());
    for number in 0..archive.len() {
        let mut file = archive.file(number)?;
        let member = Member::of(&mut file, description, first)?;
        first += member.names.len().max(1);
        original += member.original;
        inside += member.length;
        if json {
            objects.push(to_json(&file, &member));
        } else {
            text += "\n";
            text += &to_text(&file, &member);
            text += "\n";
        }
    }
    let length = archive.length();
    if json {
        let bytes = json!({ "original": original, "file": length, "framing": length - inside });
        return Ok(json!({ "kind": "compressed", "arrays": objects, "bytes": bytes }).to_string());
    }
    let arrays = wording::counted(archive.len(), "array", "arrays");
    let ratio = wording::times(original as f64 / length.max(1) as f64);
    let [of, all, around] = [original, length, length - inside].map(|bytes| wording::grouped(bytes as usize));
    let mut head = line("compressed", format_args!("{arrays}, each by itself"));
    head += &line("bytes", format_args!("{all} of {of}: {ratio}×; {around} around the arrays, coordinates included"));
    Ok((head + &text).trim_end().to_owned())
}

fn to_json(file: &EnkFile<Part<'_, Input>>, member: &Member) -> Value {
    let layout = file.layout();
    let mut bytes = json!({ "original": member.original, "file": member.length });
    member.parts.iter().for_each(|(part, count)| {
        let part = if *part == "learned" { "codes" } else { part };
        bytes[part] = (*count).into();
    });
    let of_variable = |prediction: &Prediction| {
        json!({
            "variable": member.names.get(prediction.variable),
            "region": prediction.region,
            "traversal": prediction.traversal,
            "step": prediction.step,
            "lattice": prediction.is_lattice,
            "masked_values": prediction.masked_values,
            "weights": prediction.weights,
            "model_bytes": prediction.model_bytes,
            "mean_bytes": prediction.mean_bytes,
            "residual_bytes": prediction.residual_bytes,
        })
    };
    let of_chunk = |chunk: &Vec<Prediction>| chunk.iter().map(of_variable).collect::<Vec<_>>();
    let of_region = |(name, bound): &(String, Bound)| json!({ "cells": name, "bound": bound.to_string() });
    json!({
        "kind": "compressed",
        "samples": file.samples(),
        "shape": file.shape(),
        "element": member.kind,
        "variables": layout.variables,
        "array": layout.array,
        "block": layout.block,
        "bound": file.bound().to_string(),
        "bounds": file.bounds().iter().map(Bound::to_string).collect::<Vec<_>>(),
        "regions": file.regions().iter().map(of_region).collect::<Vec<_>>(),
        "exact": file.exact().to_string(),
        "chunks": file.blocks(),
        "chunk_samples": file.block_samples(),
        "active_latents": file.active_latents(),
        "model": (!file.model_is_damaged()).then(|| file.model_hash()),
        "bytes": bytes,
        "predictions": member.predictions.iter().map(of_chunk).collect::<Vec<_>>(),
    })
}

fn to_text(file: &EnkFile<Part<'_, Input>>, member: &Member) -> String {
    let layout = file.layout();
    let samples = wording::counted(file.samples() as usize, "sample", "samples");
    let mut text = line("compressed", format_args!("{samples} of {} {}", wording::shape(file.shape()), member.kind));
    if !layout.variables.is_empty() {
        text += &line("variables", layout.variables.join(", "));
    }
    if !layout.block.is_empty() {
        let array = layout.array.iter().map(u64::to_string).collect::<Vec<_>>().join("×");
        text += &line("cut", format_args!("blocks of {} from an array of {array}", wording::shape(&layout.block)));
    }
    if file.bounds().is_empty() {
        text += &line("bound", file.bound());
    } else {
        let of = layout.variables.iter().zip(file.bounds()).map(|(variable, bound)| format!("{variable}={bound}"));
        text += &line("bounds", of.collect::<Vec<_>>().join(", "));
    }
    for (number, (name, bound)) in file.regions().iter().enumerate() {
        text += &line(if number == 0 { "regions" } else { "" }, format_args!("{name}={bound}"));
    }
    if file.exact().is_any() {
        text += &line("exact", file.exact());
    }
    let chunks = wording::counted(file.blocks() as usize, "chunk", "chunks");
    text += &line("decodes", format_args!("by {chunks} of up to {} samples", wording::grouped(file.block_samples())));
    let model = file.model_bytes();
    if file.has_model() {
        let hash = file.model_hash();
        text += &match (model > 0, file.model_is_damaged()) {
            (_, true) => line("model", "in the file, but damaged: give it to `enkoder decompress` with --model"),
            (true, _) => line("model", format_args!("{hash} (in the file)")),
            (false, _) => line("model", format_args!("{hash} (not in the file)")),
        };
    } else {
        text += &predicted(file, member);
    }
    let (original, length) = (member.original, member.length);
    let without =
        if model > 0 { format!(", {}× without the model", member.ratio(length - model)) } else { String::new() };
    let [of, all] = [original, length].map(|bytes| wording::grouped(bytes as usize));
    text += &line("bytes", format_args!("{all} of {of}: {}×{without}", member.ratio(length)));
    for (part, bytes) in member.parts {
        text += &line("", format_args!("{:>14} {part}", wording::grouped(bytes as usize)));
    }
    text.trim_end().to_owned()
}

/// How the variables of a file without a model are predicted, and each of their regions, added up over chunks.
fn predicted(file: &EnkFile<Part<'_, Input>>, member: &Member) -> String {
    let mut by_place: BTreeMap<(usize, usize), Vec<&Prediction>> = BTreeMap::new();
    for prediction in member.predictions.iter().flatten() {
        let region = prediction.region.map_or(0, |region| region + 1);
        by_place.entry((prediction.variable, region)).or_default().push(prediction);
    }
    let mut text = String::new();
    for (number, ((variable, region), of)) in by_place.iter().enumerate() {
        let names = (member.names.len() > 1).then(|| member.names.get(*variable).cloned()).flatten();
        let cells = match region.checked_sub(1) {
            None => None,
            Some(0) => Some("elsewhere".to_owned()),
            Some(region) => file.regions().get(region - 1).map(|(name, _)| name.clone()),
        };
        let place: Vec<String> = names.into_iter().chain(cells).collect();
        let words = in_words(of);
        let said = if place.is_empty() { words } else { format!("{}: {words}", place.join(" ")) };
        text += &line(if number == 0 { "predicted" } else { "" }, said);
    }
    text
}

/// Which candidate won in how many chunks, and what it costs.
fn in_words(of: &[&Prediction]) -> String {
    let ways = [("levels", "by levels"), ("rows", "by rows"), ("contexts", "by contexts"), ("none", "not at all")];
    let ways = ways.map(|(way, words)| (of.iter().filter(|p| p.traversal == way).count(), words));
    let ways = ways.iter().filter(|(count, _)| *count > 0);
    let ways =
        ways.map(|(count, way)| if of.len() == *count { (*way).to_owned() } else { format!("{count} chunks {way}") });
    let sum = |count: fn(&Prediction) -> u64| of.iter().map(|&prediction| count(prediction)).sum::<u64>();
    if of.iter().all(|prediction| prediction.traversal == "none") {
        let bytes = wording::grouped(sum(|p| p.model_bytes + p.residual_bytes) as usize);
        return format!("not at all: {bytes} bytes of values as they are");
    }
    let weights = wording::grouped(sum(|p| p.weights as u64) as usize);
    let mut words = format!("{}, {weights} learned weights", ways.collect::<Vec<_>>().join(", "));
    let over_means = of.iter().filter(|prediction| prediction.mean_bytes > 0).count();
    if over_means > 0 {
        let chunks = if over_means < of.len() { format!("{over_means} chunks ") } else { String::new() };
        let bytes = wording::grouped(sum(|p| p.mean_bytes) as usize);
        words += &format!(", {chunks}over their mean ({bytes} bytes)");
    }
    if let Some(lattice) = of.iter().find(|prediction| prediction.is_lattice) {
        words += &format!(", multiples of {}", lattice.step);
    }
    let masked = of.iter().map(|prediction| prediction.masked_values).max().unwrap_or(0);
    if masked > 0 {
        words += &format!(", {} by a mask", wording::counted(masked, "value", "values"));
    }
    let [model, rest] = [sum(|p| p.model_bytes), sum(|p| p.residual_bytes)].map(|n| wording::grouped(n as usize));
    format!("{words}: {model} bytes of predictions, {rest} of what they miss")
}
