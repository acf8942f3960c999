//! What a name stands for, and what data is called.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::Path;

use super::Source;
use super::builtin::{MOST_FIELDS, MOST_STROKES, builtin};
use super::files::of_path;
use crate::error::{DataError, Place};
use crate::image_files::matching;
use crate::input::{is_address, unescaped};
use crate::openml::MNIST;
use crate::remote::{self, Found};

impl Source {
    /// What `name` stands for. A file or folder called like built-in data is opened as `./NAME`; a warning says so where there is one.
    pub fn find(name: impl AsRef<OsStr>) -> Result<Self, DataError> {
        let path = Path::new(name.as_ref());
        // What is not UTF-8 can only be a path.
        let Some(name) = path.to_str() else { return of_path(path) };
        if let Some((scheme, rest)) = name.split_once("://") {
            return of_address(name, scheme, rest);
        }
        if let Some(source) = of_plain_name(name) {
            if path.exists() {
                let what = if path.is_dir() { "folder" } else { "file" };
                tracing::warn!(
                    "{name} is the built-in data of that name, not the {what} {name} that is here; write ./{name} for the {what}"
                );
            }
            return Ok(source);
        }
        match name.split_once(':') {
            Some((kind @ ("strokes" | "fields"), count)) => {
                let (what, most) = if kind == "strokes" { ("digits", MOST_STROKES) } else { ("fields", MOST_FIELDS) };
                let count = count.parse().ok().filter(|count| (1..=most).contains(count)).ok_or_else(|| {
                    let why = format!("{count:?} is not a number of {what} from 1 to {most}");
                    DataError::unsuitable(Place::source(name), why).with_hint(format!("write for example {kind}:5000"))
                })?;
                let count = Some(count);
                return Ok(if kind == "strokes" { Self::Strokes { count } } else { Self::Fields { count } });
            }
            Some(("pump", "faults")) => return Ok(Self::Pump { faults: true }),
            Some(("plant", "faults")) => return Ok(Self::Plant { faults: true }),
            Some(("openml", id)) => {
                let id = id.parse().map_err(|_| {
                    let why = format!("{id:?} is not the number of a data set on OpenML");
                    DataError::unsuitable(Place::source(name), why).with_hint("write for example openml:554")
                })?;
                return Ok(Self::Openml { id });
            }
            _ => {}
        }
        if path.is_dir() {
            return Ok(Self::Folder { path: path.into() });
        }
        if path.exists() {
            return Ok(Self::File { path: path.into(), part: None });
        }
        if let Some((file, part)) = name.rsplit_once(':')
            && Path::new(file).is_file()
        {
            return Ok(Self::File { path: file.into(), part: Some(part.into()) });
        }
        if name.contains(['*', '?', '[']) {
            return Ok(Self::Pattern { pattern: name.into() });
        }
        if name.contains(['/', '\\', '.']) {
            let error = fs::metadata(path).err().unwrap_or_else(|| std::io::ErrorKind::NotFound.into());
            return Err(DataError::io("open", path, error));
        }
        let known = builtin().iter().map(|data| data.name.to_owned()).chain(["openml:ID".into(), "a path".into()]);
        Err(DataError::unknown_name("file or built-in data", name, known))
    }

    /// What several names stand for together: one is what [`find`](Self::find) says; more must be files, all images or all arrays.
    pub fn find_all<N: AsRef<OsStr>>(names: &[N]) -> Result<Self, DataError> {
        if let [name] = names {
            return Self::find(name);
        }
        let mut paths = Vec::new();
        for name in names {
            match Self::find(name)? {
                Self::File { path, part: None } => paths.push(path),
                Self::Pattern { pattern } => paths.extend(matching(&pattern)?),
                _ => {
                    let why = "only files, of images or of arrays, can be taken together";
                    return Err(DataError::unsuitable(Path::new(name), why).with_hint("give it alone"));
                }
            }
        }
        Ok(Self::Files { paths })
    }

    /// What the data is called in reports.
    pub(super) fn short_name(&self) -> String {
        match self {
            Self::File { path, part } => file_name(path, part.as_deref()),
            Self::Folder { path } => stem(path),
            Self::Files { paths } if !paths.is_empty() => {
                let more = paths.len() - 1;
                stem(&paths[0]) + &if more > 0 { format!(" and {more} more") } else { String::new() }
            }
            _ => self.to_string(),
        }
    }
}

/// The name to open it by; of several files that of the first.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strokes { count: None } => f.write_str("strokes"),
            Self::Strokes { count: Some(count) } => write!(f, "strokes:{count}"),
            Self::Fields { count: None } => f.write_str("fields"),
            Self::Fields { count: Some(count) } => write!(f, "fields:{count}"),
            Self::Plant { faults } => f.write_str(if *faults { "plant:faults" } else { "plant" }),
            Self::Pump { faults } => f.write_str(if *faults { "pump:faults" } else { "pump" }),
            Self::Openml { id } => write!(f, "openml:{id}"),
            Self::Folder { path } | Self::File { path, part: None } => path.display().fmt(f),
            Self::File { path, part: Some(part) } => write!(f, "{}:{part}", path.display()),
            Self::Pattern { pattern } => f.write_str(pattern),
            Self::Files { paths } => {
                let first = paths.first().map_or_else(String::new, |path| path.display().to_string());
                write!(f, "{first} and {} more", paths.len().saturating_sub(1))
            }
        }
    }
}

/// Built-in data that a name without a number or a part stands for.
fn of_plain_name(name: &str) -> Option<Source> {
    Some(match name {
        "strokes" => Source::Strokes { count: None },
        "pump" => Source::Pump { faults: false },
        "plant" => Source::Plant { faults: false },
        "mnist" => Source::Openml { id: MNIST },
        "fields" => Source::Fields { count: None },
        _ => return None,
    })
}

/// What data of a file is called in reports.
pub(super) fn file_name(path: &Path, part: Option<&str>) -> String {
    part.map_or_else(|| stem(path), |part| format!("{}:{part}", stem(path)))
}

/// The name of a file or folder up to its first dot.
fn stem(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    match name.split_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
        _ => name.into_owned(),
    }
}

/// What an address stands for: a file of this machine, or data on a server.
fn of_address(name: &str, scheme: &str, rest: &str) -> Result<Source, DataError> {
    if scheme.eq_ignore_ascii_case("file") {
        let path = rest.strip_prefix("localhost").unwrap_or(rest);
        return match path.starts_with('/') {
            true => Source::find(String::from_utf8_lossy(&unescaped(path)).into_owned()),
            false => Err(DataError::unsuitable(Place::source(name), "names no file of this machine")
                .with_hint("write file:// and the whole path, as file:///data/run.nc")),
        };
    }
    if !is_address(Path::new(name)) {
        let why = format!("addresses of {scheme:?} are not known");
        return Err(DataError::unsuitable(Place::source(name), why).with_hint("fetch it to a file first"));
    }
    match remote::find(name)? {
        Found::Object { path, part } => Ok(Source::File { path, part }),
        Found::Folder { path } => Ok(Source::Folder { path }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_files_or_data_on_servers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b.csv");
        std::fs::write(&path, "a\n1\n").unwrap();
        let address = format!("file://{}", path.display()).replace(' ', "%20");
        assert_eq!(Source::find(&address).unwrap(), Source::File { path, part: None });
        let hint = |name| Source::find(name).unwrap_err().hint().unwrap();
        assert_eq!(hint("file://a.csv"), "write file:// and the whole path, as file:///data/run.nc");
        assert_eq!(hint("gopher://a"), "fetch it to a file first");
        #[cfg(feature = "cloud")]
        assert!(hint("s3://bucket").starts_with("addresses are s3://BUCKET/KEY"));
    }

    #[test]
    fn names_are_told_apart() {
        assert_eq!(Source::find("strokes").unwrap(), Source::Strokes { count: None });
        assert_eq!(Source::find("strokes:50").unwrap(), Source::Strokes { count: Some(50) });
        assert_eq!(Source::find("mnist").unwrap(), Source::Openml { id: 554 });
        assert_eq!(Source::find("openml:61").unwrap(), Source::Openml { id: 61 });
        assert_eq!(Source::find("photos/*.png").unwrap(), Source::Pattern { pattern: "photos/*.png".into() });
        assert!(matches!(Source::find("src").unwrap(), Source::Folder { .. }));
        let part = Source::File { path: "Cargo.toml".into(), part: Some("x".into()) };
        assert_eq!(Source::find("Cargo.toml:x").unwrap(), part);
        assert!(matches!(Source::find("not/there.csv"), Err(DataError::Io { .. })));
        for wrong in ["strokes:0", "strokes:many", "strokes:99999999999999999999", "openml:mnist", "openml:-1"] {
            assert!(matches!(Source::find(wrong), Err(DataError::Unsuitable { .. })), "{wrong}");
        }
        assert_eq!(Source::find("stroke").unwrap_err().hint().as_deref(), Some("did you mean \"strokes\"?"));
    }
}
