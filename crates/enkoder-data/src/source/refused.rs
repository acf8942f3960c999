//! Formats that are known by their first bytes and not read: each is called by its name, with a way to one that is read.

use std::path::Path;

use crate::error::{DataError, Place};

/// Name and way out of each format, by what a file of it begins with, at which byte.
const FORMATS: [(usize, &[u8], &str, &str); 18] = [
    (
        0,
        b"SQLite format 3\0",
        "a SQLite database",
        "write a table as CSV: `sqlite3 -header -csv FILE 'select * from TABLE' > NEW.csv`",
    ),
    (
        0,
        b"MATLAB 5.0 MAT-file",
        "a MATLAB file of version 5",
        "save it as HDF5 with `save(..., '-v7.3')`, or as NPZ: `numpy.savez(new, **scipy.io.loadmat(file))`",
    ),
    (0, b"GRIB", "GRIB", "write it as NetCDF: `cdo -f nc4 copy FILE NEW.nc`"),
    (0, b"BUFR", "BUFR", "write what it holds as CSV with `bufr_dump` of ecCodes"),
    (0, b"SIMPLE  =", "FITS", "write an image or a column as NPY: `numpy.save(new, astropy.io.fits.getdata(file))`"),
    (0, b"\x0e\x03\x13\x01", "HDF4", "write it as HDF5 or NetCDF: `h4toh5 FILE NEW.h5`"),
    (0, b"\xcd\xf3\0\x01", "CDF of space physics", "write it as NetCDF: `cdf-to-netcdf FILE`"),
    (0, b"ORC", "ORC", "write it as Parquet: `pandas.read_orc(file).to_parquet(new)`"),
    (0, b"Obj\x01", "Avro", "write it as Parquet or CSV"),
    (0, b"%PDF", "a PDF document", "write its tables as CSV"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document, as .xls", "save the sheet as CSV in UTF-8"),
    (0, b"$FL2", "an SPSS file", "write it as CSV: `pandas.read_spss(file).to_csv(new)`"),
    (0, b"<stata_dta>", "a Stata file", "write it as CSV: `pandas.read_stata(file).to_csv(new)`"),
    (
        0,
        b"HEADER RECORD*******LIBRARY HEADER",
        "a SAS transport file",
        "write it as CSV: `pandas.read_sas(file).to_csv(new)`",
    ),
    (12, b"\xc2\xea\x81\x60\xb3\x14\x11\xcf", "a SAS file", "write it as CSV: `pandas.read_sas(file).to_csv(new)`"),
    (0, b"RDX", "an R data file", "write it in R as CSV: `write.csv(object, \"NEW.csv\")`"),
    (128, b"DICM", "DICOM", "write its pixels as NPY: `numpy.save(new, pydicom.dcmread(file).pixel_array)`"),
    (344, b"n+1\0", "NIfTI", "write it as NPY: `numpy.save(new, nibabel.load(file).get_fdata())`"),
];

/// What a zip file is that holds a member of this name.
const ARCHIVES: [(&str, &str, &str); 4] = [
    ("xl/workbook.xml", "an Excel workbook", "save the sheet as CSV in UTF-8"),
    ("content.xml", "an OpenDocument file", "save the sheet as CSV in UTF-8"),
    ("word/document.xml", "a Word document", "save its tables as CSV in UTF-8"),
    ("data.pkl", "a PyTorch file", "save a tensor as NPY: `numpy.save(new, tensor.numpy())`"),
];

/// The error of a file that begins so, where its format is known and not read.
pub(super) fn refused(path: &Path, head: &[u8]) -> Option<DataError> {
    let begins =
        |(at, magic, ..): &&(usize, &[u8], &str, &str)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic));
    let (name, way) = match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            ("text in UTF-16", "save it as UTF-8: `iconv -f UTF-16 -t UTF-8 FILE > NEW`")
        }
        [0x80, 2..=5, ..] => ("a Python pickle", "save arrays with `numpy.save`, tables with `to_parquet`"),
        _ => FORMATS.iter().find(begins).map(|&(_, _, name, way)| (name, way))?,
    };
    Some(DataError::unsuitable(path, format!("is {name}, which is not read")).with_hint(way))
}

/// The error of a zip file with members of these names, none of which is an array.
pub(crate) fn refused_archive(place: Place, mut members: impl Iterator<Item = impl AsRef<str>>) -> DataError {
    let is_of = |member: &str, name: &str| {
        member.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    let known = members.find_map(|member| ARCHIVES.iter().find(|(name, ..)| is_of(member.as_ref(), name)));
    match known {
        Some((_, name, way)) => DataError::unsuitable(place, format!("is {name}, which is not read")).with_hint(*way),
        None => DataError::unsuitable(place, "a zip file without an array (a member that ends in .npy)")
            .with_hint("unpack it, and name a file of it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_is_called_by_its_name_and_has_a_way_out() {
        let said = |head: &[u8]| {
            refused(Path::new("x"), head).map(|error| (error.to_string(), error.hint().unwrap_or_default()))
        };
        for (head, name) in [
            (&b"SQLite format 3\0\x10\0"[..], "a SQLite database"),
            (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "a MATLAB file of version 5"),
            (b"GRIB\0\0\0\x02", "GRIB"),
            (b"SIMPLE  =                    T", "FITS"),
            (b"\xff\xfea\0,\0b\0", "text in UTF-16"),
            (b"\x80\x04\x95", "a Python pickle"),
        ] {
            let (error, hint) = said(head).unwrap();
            assert!(error.contains(&format!("is {name}, which is not read")) && !hint.is_empty(), "{error} {hint}");
        }
        assert!(said(b"SIMPLE,b\n1,2\n").is_none() && said(b"a,b\n").is_none());
        let sheet = refused_archive(Place::source("x"), ["[Content_Types].xml", "xl/workbook.xml"].into_iter());
        assert!(sheet.to_string().contains("an Excel workbook"));
        assert_eq!(
            refused_archive(Place::source("x"), ["a.csv"].into_iter()).hint().unwrap(),
            "unpack it, and name a file of it"
        );
    }
}
