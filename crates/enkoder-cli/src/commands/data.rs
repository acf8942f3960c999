//! `enkoder data`: what data there is, what is in it, fetching it, and writing it to other formats.

mod contents;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::slice;

use clap::{Args, Subcommand, ValueHint};
use enkoder::Dataset;
use enkoder_data::export::Overwrite;
use enkoder_data::images::write_images;
use enkoder_data::npy::write_npy_dataset;
use enkoder_data::openml::{CachedSet, Verified};
use enkoder_data::{Source, TableOptions, builtin};
use serde_json::{Value, json};

use crate::arguments::{DataName, DataOptions, FetchOptions, RunOptions};
use crate::failure::Usage;
use crate::file_output::{self, is_stream};
use crate::inputs::Inputs;
use crate::output::write_dataset_csv;
use crate::screen::{FAINT, STRONG, print};
use crate::wording;

/// List, show, fetch and export data
#[derive(Debug, Args)]
pub struct Options {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List built-in data and what was fetched from OpenML
    List {
        #[command(flatten)]
        fetching: FetchOptions,
        #[command(flatten)]
        common: RunOptions,
    },
    /// Show what is in some data
    Info {
        /// Built-in name, openml:ID, a path, or an address (https://, s3://, gs://, az://); - is standard input
        #[arg(value_hint = ValueHint::AnyPath)]
        data: DataName,
        #[command(flatten)]
        reading: DataOptions,
        #[command(flatten)]
        common: RunOptions,
    },
    /// Fetch a data set from OpenML into the cache, once
    Fetch {
        /// mnist or openml:ID
        data: String,
        #[command(flatten)]
        fetching: FetchOptions,
        #[command(flatten)]
        common: RunOptions,
    },
    /// Write data as one NPY or CSV file, or images as a folder of PNG files
    Export {
        /// Built-in name, openml:ID, a path, or an address (https://, s3://, gs://, az://); - is standard input
        #[arg(value_hint = ValueHint::AnyPath)]
        data: DataName,
        /// A name with .npy or .csv, a folder for PNG images, or - for CSV on standard output
        #[arg(short, long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
        out: PathBuf,
        /// Replace what is there already
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        reading: DataOptions,
        #[command(flatten)]
        common: RunOptions,
    },
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    match options.verb {
        Verb::List { fetching, common } => list(&fetching, &common)?,
        Verb::Info { data, reading, common } => {
            let screen = common.start()?;
            print(match reading.contents(&data)? {
                Some(contents) => {
                    let _busy = screen.busy(format!("looking at {data}"));
                    contents::describe(&data.to_string(), &contents, common.json)?
                }
                None => {
                    let table = TableOptions { keep_infinite: true, ..Default::default() };
                    let data = reading.as_images(reading.read(&data, table, screen)?, screen)?;
                    data.warn_of_coarse();
                    if common.json { describe_json(&data).to_string() } else { describe_text(&data) }
                }
            })?;
        }
        Verb::Fetch { data, fetching, common } => fetch(&data, &fetching, &common)?,
        Verb::Export { data, out, force, reading, common } => {
            let overwrite = Overwrite::replacing(force);
            export(&data, &out, overwrite, &reading, &common)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(fetching: &FetchOptions, common: &RunOptions) -> anyhow::Result<()> {
    common.start()?;
    let client = fetching.client()?;
    let cached = client.cached()?;
    if common.json {
        let builtin: Vec<Value> =
            builtin().iter().map(|data| json!({ "name": data.name, "about": data.about })).collect();
        let fetched: Vec<Value> = cached.iter().map(set_to_json).collect();
        return print(
            json!({ "builtin": builtin, "fetched": fetched, "folder": client.folder().display().to_string() }),
        );
    }
    let mut text = format!("{STRONG}built in{STRONG:#}");
    for data in builtin() {
        text += &format!("\n  {:<12} {}", data.name, data.about);
    }
    text += &format!("\n\n{STRONG}fetched from OpenML{STRONG:#} {FAINT}into {}{FAINT:#}", client.folder().display());
    for set in &cached {
        let name = format!("openml:{}", set.description.id);
        text += &format!("\n  {name:<12} {}, {}", set.description.name, wording::bytes(set.bytes));
    }
    if cached.is_empty() {
        text += "\n  nothing yet";
    }
    text += &format!("\n\n{STRONG}by name{STRONG:#}");
    for (name, about) in [
        ("openml:ID", "a data set on OpenML, fetched once: https://www.openml.org/search?type=data"),
        (
            "PATH",
            "IDX, NPY, NPZ, NetCDF, HDF5, Zarr, CSV, JSON Lines, ARFF, Parquet, Arrow, PNG, JPEG, TIFF, BMP, …, or a folder or pattern",
        ),
    ] {
        text += &format!("\n  {name:<12} {about}");
    }
    print(text)
}

fn fetch(name: &str, fetching: &FetchOptions, common: &RunOptions) -> anyhow::Result<()> {
    let screen = common.start()?;
    let Source::Openml { id } = Source::find(name)? else {
        return Err(Usage::new(format!("{name} needs no fetching")).with_hint("fetch mnist or openml:ID").into());
    };
    let set = fetching.fetch(id, screen)?;
    if common.json {
        return print(set_to_json(&set));
    }
    let checked = match set.verified {
        Verified::Description => "its MD5 is that of OpenML's description",
        Verified::EntityTag => "its MD5 is that of the server's entity tag",
        Verified::Length => "only its length was checked: the server gave no checksum",
    };
    print(format_args!("{FAINT}name{FAINT:#}    {}", set.description.name))?;
    print(format_args!("{FAINT}file{FAINT:#}    {} ({})", set.path.display(), wording::bytes(set.bytes)))?;
    print(format_args!("{FAINT}checked{FAINT:#} {checked}"))
}

fn set_to_json(set: &CachedSet) -> Value {
    json!({
        "id": set.description.id,
        "name": set.description.name,
        "path": set.path.display().to_string(),
        "bytes": set.bytes,
        "md5": set.md5,
        "verified": set.verified,
        "url": set.url,
    })
}

fn export(
    name: &DataName,
    out: &Path,
    overwrite: Overwrite,
    reading: &DataOptions,
    common: &RunOptions,
) -> anyhow::Result<()> {
    let screen = common.start()?;
    let extension = out.extension().and_then(|extension| extension.to_str());
    let (is_array, is_table) = match extension {
        Some("npy") => (true, false),
        Some("csv") => (false, true),
        _ if is_stream(out) => (false, true),
        None => (false, false),
        Some(_) => {
            return Err(Usage::new(format!("cannot tell from {} how to write", out.display()))
                .with_hint("name the output .npy or .csv, or a folder for PNG images")
                .into());
        }
    };
    let inputs = Inputs::new(reading.inputs(slice::from_ref(name))?)?;
    if is_array || is_table {
        inputs.refuse(out)?;
        file_output::check(out, overwrite, common)?;
    } else {
        inputs.refuse_folder(out)?;
    }
    let data = reading.open(slice::from_ref(name), screen)?;
    data.warn_of_coarse();
    if is_array {
        write_npy_dataset(out, overwrite, &data)?;
    } else if is_table {
        file_output::write(out, overwrite, |file| write_dataset_csv(&data, file))?;
    } else {
        let summary = data.summary();
        let unit = summary.min >= 0.0 && summary.max <= 1.0;
        let range = if data.is_u8() {
            (0.0, 255.0)
        } else if unit {
            (0.0, 1.0)
        } else {
            (summary.min, summary.max)
        };
        write_images(out, overwrite, &data, range)?;
    }
    if common.json {
        return print(json!({ "out": out.display().to_string(), "samples": data.len(), "shape": data.shape() }));
    }
    screen.note(format_args!("{}: {}", file_output::display(out), wording::data(&data)));
    Ok(())
}

/// What is in a data set.
pub fn describe_text(data: &Dataset) -> String {
    let summary = data.summary();
    let line = |heading: &str, text: String| format!("{FAINT}{heading:<8}{FAINT:#} {text}\n");
    let mut text = line("data", data.name().to_owned());
    text += &line("samples", wording::grouped(data.len()));
    text += &line("each", wording::sample(data.shape(), data.bytes_per_value()));
    if summary.min <= summary.max {
        text += &line("values", format!("{} to {}", summary.min, summary.max));
    }
    let all = data.len() * data.features();
    for (heading, count) in [("missing", summary.missing), ("infinite", summary.infinite)] {
        if count > 0 {
            let share = 100.0 * count as f64 / all as f64;
            let of = format!("{} of {} values ({share:.2} %)", wording::grouped(count), wording::grouped(all));
            text += &line(heading, of);
        }
    }
    if let Some(classes) = data.classes() {
        const SHOWN: usize = 20;
        let counts = class_counts(data, classes.len());
        let mut words: Vec<String> = classes
            .iter()
            .zip(&counts)
            .take(SHOWN)
            .map(|(name, count)| format!("{name} ({})", wording::grouped(*count)))
            .collect();
        if classes.len() > SHOWN {
            words.push(format!("… {} in all", wording::grouped(classes.len())));
        }
        text += &line("classes", words.join(", "));
    }
    if let Some(schema) = data.schema() {
        let ends = ends(data);
        for (index, (column, range)) in schema.columns.iter().zip(schema.ranges()).enumerate() {
            let kind = match column.categories() {
                None => ends[range.start].to_string(),
                Some(categories) => {
                    let mut shown = categories.iter().take(6).map(String::as_str).collect::<Vec<_>>().join(", ");
                    if categories.len() > 6 {
                        shown += ", …";
                    }
                    format!("{}: {shown}", wording::counted(categories.len(), "category", "categories"))
                }
            };
            text += &line(
                if index == 0 { "columns" } else { "" },
                format!("{} {FAINT}({kind}){FAINT:#}", wording::shortened(&column.name)),
            );
        }
    }
    text.truncate(text.trim_end_matches('\n').len());
    text
}

/// The least and the greatest value of a feature, and the share of its samples that miss it.
#[derive(Clone, Copy)]
struct Ends {
    least: f32,
    greatest: f32,
    missing: usize,
    samples: usize,
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("number")?;
        if self.least <= self.greatest {
            write!(f, ", {} to {}", self.least, self.greatest)?;
        }
        if self.missing > 0 {
            write!(f, ", {} missing", wording::percent(self.missing as f64 / self.samples as f64))?;
        }
        Ok(())
    }
}

fn ends(data: &Dataset) -> Vec<Ends> {
    let none = Ends { least: f32::INFINITY, greatest: f32::NEG_INFINITY, missing: 0, samples: data.len() };
    let mut ends = vec![none; data.features()];
    let mut row = vec![0.0; data.features()];
    for index in 0..data.len() {
        data.copy_row(index, &mut row);
        for (ends, value) in ends.iter_mut().zip(&row) {
            if value.is_finite() {
                ends.least = ends.least.min(*value);
                ends.greatest = ends.greatest.max(*value);
            }
            ends.missing += usize::from(value.is_nan());
        }
    }
    ends
}

/// What is in a data set, for programs.
pub fn describe_json(data: &Dataset) -> Value {
    let summary = data.summary();
    let classes = data.classes().map(|classes| {
        let counts = class_counts(data, classes.len());
        let named = |(name, count): (&String, usize)| json!({ "name": name, "samples": count });
        classes.iter().zip(counts).map(named).collect::<Value>()
    });
    json!({
        "kind": "data",
        "name": data.name(),
        "samples": data.len(),
        "shape": data.shape(),
        "bytes_per_value": data.bytes_per_value(),
        "min": (summary.min <= summary.max).then_some(summary.min),
        "max": (summary.min <= summary.max).then_some(summary.max),
        "missing": summary.missing,
        "infinite": summary.infinite,
        "classes": classes,
        "columns": data.schema().map(|schema| &schema.columns),
        "left_out": data.schema().map(|schema| &schema.left_out),
        "fingerprint": data.fingerprint(),
    })
}

fn class_counts(data: &Dataset, classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for label in (0..data.len()).filter_map(|index| data.label(index)) {
        counts[label as usize] += 1;
    }
    counts
}
