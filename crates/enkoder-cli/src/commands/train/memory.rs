//! Data that is larger than memory: how much of it a training may take, and whether samples fit into what is free.

use std::fs;

use enkoder_data::DataError;

use crate::arguments::{DataName, DataOptions};
use crate::failure::Usage;
use crate::wording;

/// Of a training that goes on, whose checkpoint knows how it reads. It decides only how many samples the report is made of.
pub const AGAIN: u64 = 256_000_000;

/// The least that blocks can be read in.
const LEAST: u64 = 16_000_000;

/// A number of bytes as it is typed: `2GB`, `500MB`, `1.5GiB`.
pub fn parse(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, f64); 8] = [
        ("KIB", 1024.0),
        ("MIB", 1_048_576.0),
        ("GIB", 1_073_741_824.0),
        ("TIB", 1_099_511_627_776.0),
        ("KB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("TB", 1e12),
    ];
    let upper = text.trim().to_ascii_uppercase();
    let parsed = UNITS.iter().find_map(|(unit, factor)| {
        let number: f64 = upper.strip_suffix(unit)?.trim_end().parse().ok()?;
        Some(number * factor)
    });
    match parsed {
        // A number so large is as good as infinite, and infinite becomes the largest.
        Some(bytes) if bytes >= LEAST as f64 => Ok(bytes as u64),
        Some(_) => Err("at least 16MB are needed".into()),
        None => Err("write a number and its unit, as 2GB or 500MB".into()),
    }
}

/// Refuses samples that do not fit into the memory that is free, before they are read.
pub fn check(reading: &DataOptions, names: &[DataName]) -> anyhow::Result<()> {
    let Some(free) = free() else { return Ok(()) };
    let needed = match reading.memory(names) {
        Ok(needed) => needed.unwrap_or(0),
        // What cannot be opened is told when it is read.
        Err(error) if error.is::<DataError>() => return Ok(()),
        Err(error) => return Err(error),
    };
    if needed <= free {
        return Ok(());
    }
    let names = names.iter().map(DataName::to_string).collect::<Vec<_>>().join(" ");
    let [needed, free] = [needed, free].map(wording::bytes);
    let why = format!("{names} takes about {needed} in memory, of which {free} are free");
    Err(Usage::new(why)
        .with_hint("train on it in blocks with --memory 2GB (how much they may take), or on the first with --samples N")
        .into())
}

/// The bytes of memory that are free, where the system says it (Linux): to all, and to a container.
fn free() -> Option<u64> {
    let of_all = fs::read_to_string("/proc/meminfo").ok()?;
    let line = of_all.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    let of_container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let of_container = of_container.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(u64::MAX);
    Some((kibibytes * 1024).min(of_container))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(parse("2GB"), Ok(2_000_000_000));
        assert_eq!(parse("1.5 gib"), Ok(1_610_612_736));
        assert_eq!(parse("16MB"), Ok(16_000_000));
        for refused in ["2", "GB", "2G", "-1GB", "nanGB", "15MB", ""] {
            assert!(parse(refused).is_err(), "{refused}");
        }
    }
}
