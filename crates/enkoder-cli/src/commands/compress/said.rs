//! What is said of a file that was written.

use std::time::Duration;

use enkoder::codec::CompressSummary;
use serde_json::{Value, json};

use super::{Options, Written};
use crate::file_output;
use crate::screen::FAINT;
use crate::wording;

pub fn to_text(options: &Options, written: &Written, took: Duration, with_model: bool) -> String {
    let summary = written.total();
    let ratio = |bytes: u64| wording::times(summary.original_bytes as f64 / bytes.max(1) as f64);
    let without = summary.file_bytes - summary.model_bytes;
    let mut text = format!(
        "{}: {} → {}, {}×",
        file_output::display(&options.out),
        wording::bytes(summary.original_bytes),
        wording::bytes(summary.file_bytes),
        ratio(summary.file_bytes)
    );
    if summary.model_bytes > 0 {
        text += &format!(" ({}× without the model)", ratio(without));
    }
    let mut line = |heading: &str, what: String| text += &format!("\n  {FAINT}{heading:<9}{FAINT:#} {what}");
    if with_model {
        line("model", wording::bytes(summary.model_bytes));
        let latents = wording::counted(summary.active_latents, "latent", "latents");
        line("codes", format!("{} of {latents}", wording::bytes(summary.code_bytes)));
    } else {
        line("learned", wording::bytes(summary.code_bytes));
    }
    line("residual", wording::bytes(summary.residual_bytes));
    line("framing", wording::bytes(summary.header_bytes + summary.framing_bytes));
    match &written.members[..] {
        [(_, _, only)] => line(
            "error",
            format!(
                "largest {}, mean squared {}",
                wording::error(only.largest_error),
                wording::error(only.mean_squared_error)
            ),
        ),
        members => {
            let width = members.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0);
            for (number, (name, bound, member)) in members.iter().enumerate() {
                let times = wording::times(member.original_bytes as f64 / member.file_bytes.max(1) as f64);
                let [before, after] = [member.original_bytes, member.file_bytes].map(wording::bytes);
                let error = wording::error(member.largest_error);
                let said =
                    format!("{name:<width$}  {bound:<10} {before:>9} → {after:>9} {times:>6}×  largest error {error}");
                line(if number == 0 { "variables" } else { "" }, said);
            }
        }
    }
    let rate = summary.original_bytes as f64 / took.as_secs_f64().max(1e-9);
    line("time", format!("{} ({}/s)", wording::seconds(took.as_secs_f64()), wording::bytes(rate as u64)));
    text
}

pub fn to_json(options: &Options, written: &Written, took: Duration) -> Value {
    let summary = written.total();
    let mut object = json!({
        "out": options.out.display().to_string(),
        "bound": options.bound.to_string(),
        "seconds": took.as_secs_f64(),
    });
    let mut fields = fields(&summary);
    if written.members.len() > 1 {
        // Errors of several variables have no unit in common: each has its own below.
        fields.retain(|name, _| !["largest_error", "mean_squared_error", "range"].contains(&&name[..]));
    }
    object.as_object_mut().into_iter().for_each(|object| object.extend(fields.clone()));
    let stages = &summary.stages;
    object["stages"] = json!({
        "plan": stages.plan.as_secs_f64(),
        "encode": stages.encode.as_secs_f64(),
        "write": stages.write.as_secs_f64(),
        "verify": stages.verify.as_secs_f64(),
    });
    if written.members.len() > 1 {
        let of_member = |(name, bound, summary): &(String, String, CompressSummary)| {
            let mut member = self::fields(summary);
            member.insert("name".to_owned(), name.as_str().into());
            member.insert("bound".to_owned(), bound.as_str().into());
            Value::Object(member)
        };
        object["variables"] = written.members.iter().map(of_member).collect();
    }
    object
}

fn fields(summary: &CompressSummary) -> serde_json::Map<String, Value> {
    let fields = json!({
        "samples": summary.samples,
        "original_bytes": summary.original_bytes,
        "file_bytes": summary.file_bytes,
        "header_bytes": summary.header_bytes,
        "model_bytes": summary.model_bytes,
        "code_bytes": summary.code_bytes,
        "residual_bytes": summary.residual_bytes,
        "framing_bytes": summary.framing_bytes,
        "active_latents": summary.active_latents,
        "largest_error": summary.largest_error,
        "mean_squared_error": summary.mean_squared_error,
        "range": summary.range,
    });
    if let Value::Object(fields) = fields { fields } else { serde_json::Map::new() }
}
