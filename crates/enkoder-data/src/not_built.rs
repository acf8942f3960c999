//! Stand-ins for readers that were left out of this build: each says so of the data that it is asked for.

#[cfg(not(feature = "arrow"))]
pub(crate) mod arrow {
    use std::path::Path;

    use crate::chunks::Part;
    use crate::{DataError, Table, TableOptions};

    pub(crate) fn is_arrow(head: &[u8]) -> bool {
        head.starts_with(b"ARROW1")
    }

    fn not_built<T>(path: &Path) -> Result<T, DataError> {
        Err(DataError::not_built(path, "Arrow", "arrow"))
    }

    pub(crate) fn read_arrow(path: &Path, _: &TableOptions) -> Result<Table, DataError> {
        not_built(path)
    }

    pub(crate) fn column_names(path: &Path) -> Result<Vec<String>, DataError> {
        not_built(path)
    }

    pub(crate) enum ArrowChunks {}

    impl ArrowChunks {
        pub(crate) fn open(path: &Path, _: &TableOptions) -> Result<Self, DataError> {
            not_built(path)
        }

        pub(crate) fn next(&mut self, _: usize) -> Result<Option<Part>, DataError> {
            match *self {}
        }
    }
}

#[cfg(not(feature = "hdf5"))]
pub(crate) mod hdf5 {
    use std::io;
    use std::path::Path;

    use crate::DataError;
    use crate::arrays::{Contents, Slab};

    pub(crate) fn contents(path: &Path) -> Result<Contents, DataError> {
        Err(DataError::not_built(path, "HDF5 and no NetCDF-4", "hdf5"))
    }

    #[derive(Debug)]
    pub(crate) enum Hdf5Array {}

    impl Hdf5Array {
        pub fn read(&self, _: &mut Slab, _: u64, _: &mut [u8]) -> io::Result<()> {
            match *self {}
        }
    }
}

#[cfg(not(feature = "images"))]
pub(crate) mod images {
    use std::path::{Path, PathBuf};

    use enkoder::Dataset;

    use crate::{DataError, Place};

    #[derive(Clone, Copy, Debug, Default)]
    pub(crate) struct ImageOptions {
        pub size: Option<(usize, usize)>,
        pub grey: bool,
        pub strict: bool,
    }

    pub(crate) fn read_image_folder(folder: &Path, _: &ImageOptions) -> Result<Dataset, DataError> {
        crate::image_files::in_folder(folder)?;
        Err(DataError::not_built(folder, "images", "images"))
    }

    pub(crate) fn read_image_files(name: &str, _: &[PathBuf], _: &ImageOptions) -> Result<Dataset, DataError> {
        Err(DataError::not_built(Place::source(name), "images", "images"))
    }
}

#[cfg(not(feature = "parquet"))]
pub(crate) mod parquet {
    use std::path::Path;

    use crate::chunks::Part;
    use crate::source::PartFile;
    use crate::{DataError, Table, TableOptions};

    fn not_built<T>(path: &Path) -> Result<T, DataError> {
        Err(DataError::not_built(path, "Parquet", "parquet"))
    }

    pub(crate) fn read_parquet(path: &Path, _: &TableOptions) -> Result<Table, DataError> {
        not_built(path)
    }

    pub(crate) fn read_parts(_: &str, files: Vec<PartFile>, _: &TableOptions) -> Result<Table, DataError> {
        not_built(&files[0].path)
    }

    pub(crate) fn column_names(file: &PartFile) -> Result<Vec<String>, DataError> {
        not_built(&file.path)
    }

    pub(crate) enum ParquetChunks {}

    impl ParquetChunks {
        pub(crate) fn open(files: Vec<PartFile>, _: &TableOptions) -> Result<Self, DataError> {
            not_built(&files[0].path)
        }

        pub(crate) fn next(&mut self, _: usize) -> Result<Option<Part>, DataError> {
            match *self {}
        }
    }
}

#[cfg(not(feature = "cloud"))]
pub(crate) mod remote {
    use std::collections::BTreeSet;
    use std::error::Error;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use crate::{DataError, Place};

    /// Why an object on a server could not be read: nothing of it can be.
    #[derive(Clone, Debug, thiserror::Error)]
    #[error("this build reads no data on servers")]
    pub struct RemoteError(());

    impl RemoteError {
        /// The one that an error comes from, if there is one.
        pub fn behind<'a>(_: &'a (dyn Error + 'static)) -> Option<&'a Self> {
            None
        }

        /// The way out.
        pub fn hint(&self) -> Option<String> {
            None
        }
    }

    pub(crate) enum Found {
        Object { path: PathBuf, part: Option<String> },
        Folder { path: PathBuf },
    }

    pub(crate) fn find(name: &str) -> Result<Found, DataError> {
        Err(DataError::not_built(Place::source(name), "data on servers", "cloud"))
    }

    pub(crate) fn object(_: &Path) -> io::Result<Arc<Object>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn folder(_: &Path) -> Option<Arc<Folder>> {
        None
    }

    #[derive(Debug)]
    pub(crate) enum Object {}

    impl Object {
        pub(crate) fn length(&self) -> u64 {
            match *self {}
        }

        pub(crate) fn identity(&self) -> Option<String> {
            match *self {}
        }

        pub(crate) fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
            match *self {}
        }
    }

    #[derive(Debug)]
    pub(crate) enum Folder {}

    impl Folder {
        pub(crate) fn get(&self, _: &str, _: u64) -> io::Result<Option<Vec<u8>>> {
            match *self {}
        }

        pub(crate) fn folders(&self, _: &str) -> io::Result<BTreeSet<String>> {
            match *self {}
        }

        pub(crate) fn name(&self, _: &str) -> String {
            match *self {}
        }
    }
}

#[cfg(not(feature = "zarr"))]
pub(crate) mod zarr {
    use std::io;
    use std::path::Path;

    use crate::DataError;
    use crate::arrays::{Contents, Slab};

    pub(crate) fn is_zarr_zip(_: &Path) -> bool {
        false
    }

    pub(crate) fn contents(path: &Path) -> Result<Contents, DataError> {
        Err(DataError::not_built(path, "Zarr", "zarr"))
    }

    #[derive(Debug)]
    pub(crate) enum ZarrArray {}

    impl ZarrArray {
        pub fn read(&self, _: &mut Slab, _: u64, _: &mut [u8]) -> io::Result<()> {
            match *self {}
        }
    }
}

#[cfg(all(
    test,
    not(any(
        feature = "arrow",
        feature = "hdf5",
        feature = "http",
        feature = "images",
        feature = "packed",
        feature = "parquet"
    ))
))]
mod tests {
    use std::fs;

    use crate::{ReadOptions, open};

    #[test]
    fn what_is_left_out_is_named_with_its_feature() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            let path = if name.starts_with("z/") { folder.path().join("z") } else { path };
            let error = open(path, &ReadOptions::default()).unwrap_err();
            (error.to_string(), error.hint().unwrap())
        };
        for (name, content, what, feature) in [
            ("a.parquet", &b"PAR1 and more"[..], "Parquet", "parquet"),
            ("a.feather", b"ARROW1\0\0", "Arrow", "arrow"),
            ("a.nc", b"\x89HDF\r\n\x1a\n\0", "HDF5", "hdf5"),
            ("a.png", b"\x89PNG\r\n\x1a\n", "images", "images"),
            ("a.csv.zst", b"\x28\xb5\x2f\xfd\0", "files packed by zstd", "packed"),
            ("z/.zgroup", b"{\"zarr_format\": 2}", "Zarr", "zarr"),
        ] {
            let (message, hint) = refused(name, content);
            assert!(message.contains(&format!("this build reads no {what}")), "{message}");
            assert_eq!(hint, format!("build with the feature `{feature}`"));
        }
        assert!(open("openml:61", &ReadOptions::default()).unwrap_err().to_string().contains("no OpenML"));
        assert_eq!(refused("a.csv", b"").1, "it may still be being written, or was not fetched whole");
    }
}
