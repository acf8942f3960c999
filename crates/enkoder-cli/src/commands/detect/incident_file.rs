//! Incidents in a file: CSV, a JSON array, or JSON lines, by its name.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use enkoder_data::export::{Overwrite, check_output, write_atomically};

use super::following::Told;
use super::reasons::sentences;
use crate::failure::Usage;
use crate::output::csv_error;

const HEADER: [&str; 13] = [
    "series",
    "start_row",
    "end_row",
    "peak_row",
    "start_time",
    "end_time",
    "peak_time",
    "score",
    "moments",
    "flagged",
    "column",
    "columns",
    "reasons",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
    JsonLines,
}

/// A file that incidents are written to.
#[derive(Clone, Debug)]
pub struct IncidentFile {
    path: PathBuf,
    format: Format,
}

impl IncidentFile {
    /// The file of this name.
    pub fn new(path: &Path) -> anyhow::Result<Self> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        let format = match extension.as_deref() {
            Some("csv") => Format::Csv,
            Some("json") => Format::Json,
            Some("jsonl" | "ndjson") => Format::JsonLines,
            _ => {
                let why = format!("{}: incidents are written as CSV or JSON, by the name of the file", path.display());
                return Err(Usage::new(why)
                    .with_hint("name it incidents.csv, .json, or .jsonl for a line each")
                    .into());
            }
        };
        Ok(Self { path: path.to_owned(), format })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all incidents, whole or not at all.
    pub fn write(&self, overwrite: Overwrite, incidents: &[Told]) -> anyhow::Result<()> {
        Ok(write_atomically(&self.path, overwrite, |file| match self.format {
            Format::Csv => {
                write_header(file)?;
                incidents.iter().try_for_each(|told| write_csv(file, told))
            }
            Format::JsonLines => incidents.iter().try_for_each(|told| write_json(file, told)),
            Format::Json => {
                serde_json::to_writer_pretty(&mut *file, incidents)?;
                writeln!(file)
            }
        })?)
    }

    /// Opens it for incidents that come one by one. `resumed` goes on behind those that are there.
    pub fn open(&self, overwrite: Overwrite, resumed: bool) -> anyhow::Result<IncidentLog> {
        if self.format == Format::Json {
            let why = format!("{}: a stream's incidents are written line by line", self.path.display());
            return Err(Usage::new(why).with_hint("name the file .csv or .jsonl").into());
        }
        if !resumed {
            check_output(&self.path, overwrite)?;
        }
        let open = || -> io::Result<File> {
            let mut options = OpenOptions::new();
            let mut file = options.create(true).append(resumed).write(true).truncate(!resumed).open(&self.path)?;
            if self.format == Format::Csv && file.metadata()?.len() == 0 {
                write_header(&mut file)?;
            }
            Ok(file)
        };
        let file = open().with_context(|| format!("{} cannot be written", self.path.display()))?;
        Ok(IncidentLog { file, of: self.clone() })
    }
}

/// A file that grows with the incidents of a stream.
pub struct IncidentLog {
    file: File,
    of: IncidentFile,
}

impl IncidentLog {
    pub fn add(&mut self, told: &Told) -> anyhow::Result<()> {
        // A line goes out at once, so that none is ever half there.
        let mut line = Vec::new();
        match self.of.format {
            Format::Csv => write_csv(&mut line, told)?,
            Format::Json | Format::JsonLines => write_json(&mut line, told)?,
        }
        self.file.write_all(&line).with_context(|| format!("{} cannot be written", self.of.path.display()))
    }
}

fn write_json(out: &mut impl Write, told: &Told) -> io::Result<()> {
    serde_json::to_writer(&mut *out, told)?;
    writeln!(out)
}

fn write_header(out: &mut impl Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(HEADER).map_err(csv_error)?;
    writer.flush()
}

fn write_csv(out: &mut impl Write, told: &Told) -> io::Result<()> {
    let incident = &told.incident;
    let time = |time: &Option<String>| time.clone().unwrap_or_default();
    let columns: Vec<&str> = incident.columns.iter().map(|movement| movement.column.as_str()).collect();
    let record = [
        told.series.clone().unwrap_or_default(),
        incident.start.row.to_string(),
        incident.end.row.to_string(),
        incident.peak.row.to_string(),
        time(&incident.start.time),
        time(&incident.end.time),
        time(&incident.peak.time),
        incident.score.to_string(),
        incident.moments.to_string(),
        incident.flagged.to_string(),
        columns.first().map(|&column| column.to_owned()).unwrap_or_default(),
        columns.join("; "),
        sentences(&incident.columns),
    ];
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(record).map_err(csv_error)?;
    writer.flush()
}
