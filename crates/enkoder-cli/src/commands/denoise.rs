//! `enkoder denoise`: pictures in, the same pictures without their noise out.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::{Args, ValueHint};
use enkoder::denoising::{Denoiser, estimate_sigma};
use enkoder_data::DataError;
use enkoder_data::export::{Overwrite, check_output};
use enkoder_data::images::{Depth, Picture, is_read_name};
use serde_json::{Value, json};

use crate::arguments::{DataName, RunOptions};
use crate::failure::Usage;
use crate::file_output::{self, is_stdout, is_stream};
use crate::inputs::Inputs;
use crate::interrupt;
use crate::model;
use crate::pictures::{self, Found, Skipped};
use crate::progress::PictureProgress;
use crate::screen::{FAINT, print, print_bytes};
use crate::wording;

/// Take the noise out of pictures
///
/// Pictures are PNG, JPEG, PGM or PPM of any size, grey or in colour, of 8 or 16 bits a value; depth, colours and transparency stay.
/// A model of grey pictures takes the colours one by one. Files that cannot be read are left out and named.
///
/// Printed are the size of each picture, how strong its noise is before and after, estimated as a standard deviation of 255 levels
/// (fine texture counts as noise), and the speed.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  enkoder denoise model.safetensors noisy.png -o clean.png
  enkoder denoise model.safetensors scans/ -o clean/                a folder of the same names
  enkoder denoise model.safetensors 'scans/*.jpg' extra.png -o clean/

A model to denoise with comes from
  enkoder train photos/ --arch denoiser --noise gaussian:25 --out denoiser")]
pub struct Options {
    /// The model file, or the folder that `enkoder train` wrote
    #[arg(value_hint = ValueHint::AnyPath)]
    model: PathBuf,

    /// Pictures: files, folders, or patterns such as 'scans/*.png'; - is standard input
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    inputs: Vec<DataName>,

    /// Where to write: a name with .png for one picture, - for standard output, or a folder
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    out: PathBuf,

    /// Replace what is there already
    #[arg(long)]
    force: bool,

    /// Take the mean over each picture turned and mirrored in all eight ways: a little less noise is left, eight times as slowly
    #[arg(long)]
    ensemble: bool,

    /// Stop at the first picture that cannot be read, instead of leaving it out
    #[arg(long)]
    strict: bool,

    #[command(flatten)]
    common: RunOptions,
}

pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let screen = options.common.start()?;
    let path = model::file_of(&options.model);
    let model = model::load(&path)?;
    let denoiser = Denoiser::new(&model).with_context(|| format!("{} cannot denoise", path.display()))?;
    let denoiser = denoiser.with_ensemble(options.ensemble);
    let found = pictures::find(&options.inputs)?;
    let outputs = options.outputs(&found)?;
    let inputs = Inputs::new(found.iter().map(|found| found.path.clone()).chain([path]).collect())?;
    outputs.iter().try_for_each(|output| inputs.refuse(output))?;
    let overwrite = Overwrite::replacing(options.force);
    let made = match &outputs[..] {
        [output] if is_stream(output) => {
            file_output::check_binary(output, overwrite, &options.common)?;
            Vec::new()
        }
        outputs => make_room(outputs, overwrite)?,
    };

    interrupt::listen()?;
    interrupt::remove_if_empty(&made);
    interrupt::work_begins();
    let progress = PictureProgress::new(screen, "denoising", found.len());
    // Of a single picture, what is wrong with it says all.
    let mut skipped = Skipped::new(options.strict || found.len() == 1);
    let mut done = Vec::new();
    let result = found.iter().zip(outputs).try_for_each(|(found, output)| {
        if interrupt::requested() {
            return Ok(());
        }
        let denoised = skipped.or_skip(&found.path, &progress, |picture| {
            Denoised::new(&denoiser, picture).with_context(|| format!("{} cannot be denoised", found.path.display()))
        })?;
        if let Some((denoised, picture)) = denoised {
            if is_stdout(&output) {
                print_bytes(&picture.to_png()?)?;
            } else {
                picture.write_png(&output, overwrite)?;
            }
            if !options.common.json {
                progress.aside(|| file_output::print_beside(&output, denoised.to_text(&output), screen))?;
            }
            done.push(denoised.to_json(&found.path, &output));
        }
        progress.advance();
        anyhow::Ok(())
    });
    drop(progress);
    if done.is_empty() {
        // What nothing was written to goes away again.
        made.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
    }
    result?;
    let interrupted = interrupt::requested() && done.len() + skipped.count() < found.len();
    if !interrupted && done.is_empty() {
        let why = format!("neither this nor another of the {} pictures can be denoised", wording::grouped(found.len()));
        return Err(DataError::unsuitable(found[0].path.as_path(), why).into());
    }
    skipped.tell(found.len());
    if options.common.json {
        print(json!({ "pictures": done, "skipped": skipped.to_json(), "interrupted": interrupted }))?;
    }
    if interrupted {
        let pictures = wording::counted(found.len(), "picture", "pictures");
        screen.note(format_args!("interrupted: {} of {pictures} written", done.len()));
        return Ok(ExitCode::from(interrupt::EXIT_CODE));
    }
    Ok(ExitCode::SUCCESS)
}

impl Options {
    /// A file for each picture, no two alike.
    fn outputs(&self, found: &[Found]) -> anyhow::Result<Vec<PathBuf>> {
        let out = &self.out;
        let extension = out.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
        if (extension.as_deref() == Some("png") && !out.is_dir()) || is_stream(out) {
            return match found {
                [_] => Ok(vec![out.clone()]),
                _ => {
                    let pictures = wording::counted(found.len(), "picture", "pictures");
                    let why = format!("{pictures} cannot go into the one file {}", file_output::display(out));
                    Err(Usage::new(why).with_hint("name a folder with --out").into())
                }
            };
        }
        let one_file = found.len() == 1 && self.inputs.iter().all(|input| !input.as_ref().is_dir());
        if one_file && extension.is_some() && !out.is_dir() {
            let why = format!("cannot tell from {} how to write", out.display());
            return Err(Usage::new(why).with_hint("name the output .png, or a folder").into());
        }
        let mut taken = HashMap::new();
        for found in found {
            let output = out.join(found.name.with_extension("png"));
            if !is_read_name(&found.path) {
                // It is there to be left out.
                continue;
            }
            if let Some(other) = taken.insert(output.clone(), &found.path) {
                let why = format!(
                    "{} and {} would both be written to {}",
                    other.display(),
                    found.path.display(),
                    output.display()
                );
                return Err(Usage::new(why).with_hint("denoise them into folders of their own").into());
            }
        }
        Ok(found.iter().map(|found| out.join(found.name.with_extension("png"))).collect())
    }
}

/// Sees that every output can be written, and makes the folders that are missing; those that were made, outermost first.
fn make_room(outputs: &[PathBuf], overwrite: Overwrite) -> anyhow::Result<Vec<PathBuf>> {
    if overwrite == Overwrite::Never
        && let Some(path) = outputs.iter().find(|path| path.exists())
    {
        return Err(DataError::Exists { path: path.clone() }.into());
    }
    let mut made = Vec::new();
    // A file's own folder must be there; the folder named is made.
    let folder = |path: &PathBuf| path.parent().filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_owned);
    let is_file = outputs.len() == 1;
    for folder in outputs.iter().filter_map(folder).filter(|folder| !is_file || !folder.exists()) {
        let missing: Vec<&Path> =
            folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.is_dir()).collect();
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder).map_err(|source| DataError::io("make the folder", folder, source))?;
            made.push(folder.to_owned());
        }
    }
    for output in outputs {
        check_output(output, overwrite)?;
    }
    Ok(made)
}

/// What is known of a picture that was denoised.
struct Denoised {
    height: usize,
    width: usize,
    colour: bool,
    depth: Depth,
    /// Standard deviations of 255 levels, where the picture is large enough to tell.
    noise: [Option<f32>; 2],
    seconds: f64,
}

impl Denoised {
    fn new(denoiser: &Denoiser<'_>, picture: Picture) -> anyhow::Result<(Self, Picture)> {
        let (shape, peak) = (picture.shape(), picture.peak());
        let noise = |values: &[f32]| estimate_sigma(values, &shape).ok().map(|sigma| sigma / peak * 255.0);
        let start = Instant::now();
        let values = denoiser.denoise(picture.values(), &shape, peak)?;
        let seconds = start.elapsed().as_secs_f64();
        let this = Self {
            height: picture.height(),
            width: picture.width(),
            colour: picture.channels() == 3,
            depth: picture.depth(),
            noise: [noise(picture.values()), noise(&values)],
            seconds,
        };
        Ok((this, picture.with_values(values)))
    }

    fn megapixels_per_second(&self) -> f64 {
        (self.height * self.width) as f64 / 1e6 / self.seconds.max(1e-9)
    }

    fn bits(&self) -> u32 {
        match self.depth {
            Depth::Eight => 8,
            Depth::Sixteen => 16,
        }
    }

    fn to_text(&self, output: &Path) -> String {
        let [before, after] =
            self.noise.map(|noise| noise.map_or_else(|| "?".to_owned(), |noise| format!("{noise:.1}")));
        let kind = if self.colour { "colour" } else { "grey" };
        format!(
            "{}: {}×{} {kind}, {} bits  noise {before} → {after}  {FAINT}{:.2} megapixels/s{FAINT:#}",
            file_output::display(output),
            self.height,
            self.width,
            self.bits(),
            self.megapixels_per_second(),
        )
    }

    fn to_json(&self, input: &Path, output: &Path) -> Value {
        json!({
            "input": input.display().to_string(),
            "out": output.display().to_string(),
            "height": self.height,
            "width": self.width,
            "channels": if self.colour { 3 } else { 1 },
            "bits": self.bits(),
            "noise_before": self.noise[0],
            "noise_after": self.noise[1],
            "seconds": self.seconds,
            "megapixels_per_second": self.megapixels_per_second(),
        })
    }
}
