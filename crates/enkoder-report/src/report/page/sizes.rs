//! What the page says of bytes saved, without flattery.

use super::ratio;
use crate::evaluation::{Evaluation, Sizes};
use crate::number::{bytes, count, grouped, significant};

pub(super) struct SizeSection {
    pub(super) rows: Vec<SizeRow>,
    pub(super) sentence: String,
    pub(super) model: String,
}

pub(super) struct SizeRow {
    pub(super) name: &'static str,
    pub(super) bytes: String,
    pub(super) of_original: String,
    pub(super) of_f32: String,
    pub(super) mse: String,
    pub(super) baseline_mse: String,
}

impl SizeSection {
    pub(super) fn of(evaluation: &Evaluation, sizes: &Sizes) -> Self {
        let row = |name, size: usize, mse: Option<(f64, f64)>| {
            let error = |value: f64| significant(value, 4);
            SizeRow {
                name,
                bytes: grouped(size),
                of_original: ratio(sizes.original as f64, size as f64),
                of_f32: ratio(sizes.original_f32 as f64, size as f64),
                mse: mse.map_or_else(|| "0".to_owned(), |(mse, _)| error(mse)),
                baseline_mse: mse.map_or_else(|| "0".to_owned(), |(_, baseline)| error(baseline)),
            }
        };
        let exact = (evaluation.network.mse, evaluation.baseline.mse);
        let rounded = evaluation.network.quantised_mse.zip(evaluation.baseline.quantised_mse);
        let mut rows = vec![row("Original, as stored", sizes.original, None)];
        if sizes.original_f32 != sizes.original {
            rows.push(row("Original, as 32-bit numbers", sizes.original_f32, None));
        }
        rows.push(row("Code, as 32-bit numbers", sizes.code_f32, Some(exact)));
        rows.push(row("Code, as bytes", sizes.code_u8, rounded));
        let times = |from: usize, to: usize| ratio(from as f64, to as f64);
        let sentence = if sizes.original_f32 != sizes.original {
            format!(
                "{} values become {} numbers: {} times fewer. But a sample is stored in {}, not in {}. Against that, the code is {} times smaller as 32-bit numbers, and {} times smaller as bytes.",
                grouped(evaluation.data.features),
                grouped(evaluation.architecture.latent()),
                times(evaluation.data.features, evaluation.architecture.latent()),
                bytes(sizes.original),
                bytes(sizes.original_f32),
                times(sizes.original, sizes.code_f32),
                times(sizes.original, sizes.code_u8),
            )
        } else {
            format!(
                "A sample of {} becomes a code of {}: {} times smaller as 32-bit numbers, {} times as bytes.",
                bytes(sizes.original),
                bytes(sizes.code_f32),
                times(sizes.original, sizes.code_f32),
                times(sizes.original, sizes.code_u8),
            )
        };
        let pays = |code: usize, name: &str| match sizes.pays_from(code) {
            Some(from) => format!("with codes as {name} from {} on", count(from, "sample", "samples")),
            None => format!("with codes as {name} never"),
        };
        let model = format!(
            "Decoding needs the model, which takes {}. Model and codes together are smaller than the originals: {}, and {}. Bytes are counted without any entropy coding, which would shrink originals and codes further.",
            bytes(sizes.model),
            pays(sizes.code_f32, "32-bit numbers"),
            pays(sizes.code_u8, "bytes"),
        );
        Self { rows, sentence, model }
    }
}
