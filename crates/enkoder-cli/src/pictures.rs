//! Pictures of any size, each read when its turn comes: those that a command line names, in which damaged ones are left out and named.

use std::error::Error;
use std::path::{Path, PathBuf};

use enkoder_data::images::{Picture, image_paths, is_image_name, tell_left_out};
use serde_json::{Value, json};

use crate::arguments::DataName;
use crate::progress::PictureProgress;
use crate::standard_input;

/// A picture's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name: below the folder that was named where one was, the file's otherwise.
    pub name: PathBuf,
}

/// The pictures that names stand for: files, folders (with sub-folders), or patterns such as `photos/*.png`.
pub fn find(sources: &[DataName]) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    for source in sources {
        let source = standard_input::file(source.as_ref())?;
        for path in image_paths(&source)? {
            let name = match path.strip_prefix(&source) {
                Ok(below) if !below.as_os_str().is_empty() => below.to_owned(),
                _ => path.file_name().map(PathBuf::from).unwrap_or_default(),
            };
            found.push(Found { path, name });
        }
    }
    Ok(found)
}

/// Whether names stand for files of pictures, which may have any sizes.
pub fn are_pictures(names: &[DataName]) -> bool {
    names.iter().all(|name| image_paths(name.as_ref()).is_ok_and(|paths| paths.iter().all(|path| is_image_name(path))))
}

/// What was left out.
pub struct Skipped {
    strict: bool,
    left_out: Vec<(PathBuf, String)>,
}

impl Skipped {
    /// Nothing yet; with `strict` there never is.
    pub fn new(strict: bool) -> Self {
        Self { strict, left_out: Vec::new() }
    }

    /// Reads a picture and has `work` done with it. Where one of both cannot be, the picture is left out and named.
    ///
    /// # Errors
    /// What kept it from being used, where nothing may be left out.
    pub fn or_skip<T>(
        &mut self,
        path: &Path,
        progress: &PictureProgress,
        work: impl FnOnce(Picture) -> anyhow::Result<T>,
    ) -> anyhow::Result<Option<T>> {
        let done = Picture::read(path).map_err(anyhow::Error::from).and_then(work);
        match done {
            Ok(done) => Ok(Some(done)),
            Err(error) if self.strict => Err(error),
            Err(error) => {
                let reason = in_a_line(error.as_ref());
                progress.aside(|| tracing::warn!("left out: {reason}"));
                self.left_out.push((path.to_owned(), reason));
                Ok(None)
            }
        }
    }

    /// How many were left out.
    pub fn count(&self) -> usize {
        self.left_out.len()
    }

    /// Says how many of so many were left out, where any were.
    pub fn tell(&self, of: usize) {
        tell_left_out(self.left_out.len(), of);
    }

    pub fn to_json(&self) -> Value {
        let one = |(path, why): &(PathBuf, String)| json!({ "path": path.display().to_string(), "why": why });
        self.left_out.iter().map(one).collect()
    }
}

/// An error and its causes, without the ways out.
fn in_a_line(error: &(dyn Error + 'static)) -> String {
    let mut line = String::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        let text = text.split("\nhint: ").next().unwrap_or_default();
        if !line.contains(text) {
            line += if line.is_empty() { "" } else { ": " };
            line += text;
        }
        next = cause.source();
    }
    line
}
