//! Numbers and shapes as people read them.

use enkoder::Dataset;

/// A count with its thousands apart: `70,000`.
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with what is counted: `1 epoch`, `20 epochs`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A size in bytes, in a unit that keeps it short.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} bytes");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(value < 99.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A part of 1 in per cent, with three significant digits: `1 %`, `0.05 %`.
pub fn percent(part: f64) -> String {
    let percent = 100.0 * part;
    if percent != 0.0 && percent.abs() < 1e-6 {
        return format!("{percent:.1e} %");
    }
    let digits = (2 - percent.abs().max(1e-9).log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{percent:.digits$}");
    let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

/// A time in seconds: `0.42 s`, `12.3 s`, `4 min 12 s`, `2 h 03 min`, `5 min`.
pub fn seconds(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let two = |many: u64, unit: &str, rest: u64, finer: &str| match rest {
        0 => format!("{many} {unit}"),
        rest => format!("{many} {unit} {rest:02} {finer}"),
    };
    match whole {
        _ if seconds < 1.0 => format!("{seconds:.2} s"),
        _ if seconds < 59.95 => format!("{seconds:.1} s"),
        0..3600 => two(whole / 60, "min", whole % 60, "s"),
        _ => two(whole / 3600, "h", whole % 3600 / 60, "min"),
    }
}

/// An error or a loss with four significant digits.
pub fn error(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        0.0001..1000.0 => {
            let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 7) as usize;
            format!("{value:.digits$}")
        }
        _ => format!("{value:.3e}"),
    }
}

/// A value with at most seven significant digits, as many as a 32-bit number has; whole numbers with all of theirs.
pub fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e16 {
        return value.to_string();
    }
    match format!("{value:.6e}").parse::<f64>() {
        Ok(short) if (1e-5..1e16).contains(&short.abs()) => short.to_string(),
        Ok(short) => format!("{short:e}"),
        Err(_) => value.to_string(),
    }
}

/// How many times one size goes into another: `19.6`.
pub fn times(ratio: f64) -> String {
    if ratio < 99.95 { format!("{ratio:.1}") } else { grouped(ratio.round() as usize) }
}

/// The axes of an array: `28×28`.
pub fn shape(axes: &[usize]) -> String {
    axes.iter().map(|&axis| grouped(axis)).collect::<Vec<_>>().join("×")
}

/// What one sample is: `28×28 bytes`, `12 numbers`.
pub fn sample(shape: &[usize], bytes_per_value: usize) -> String {
    let shape = self::shape(shape);
    let one = shape == "1";
    match (bytes_per_value, one) {
        (1, false) => format!("{shape} bytes"),
        (1, true) => format!("{shape} byte"),
        (_, false) => format!("{shape} numbers"),
        (_, true) => format!("{shape} number"),
    }
}

/// What a data set is, in a line: `strokes: 12,000 samples of 28×28 bytes in 10 classes`.
pub fn data(data: &Dataset) -> String {
    data_of(data, data.len())
}

/// The same where `data` is only some of so many samples.
pub fn data_of(data: &Dataset, samples: usize) -> String {
    let samples = counted(samples, "sample", "samples");
    let mut text = format!("{}: {samples} of {}", data.name(), sample(data.shape(), data.bytes_per_value()));
    if let Some(schema) = data.schema().filter(|schema| schema.columns.len() != data.features()) {
        text += &format!(" from {}", counted(schema.columns.len(), "column", "columns"));
    }
    if let Some(classes) = data.classes() {
        text += &format!(" in {}", counted(classes.len(), "class", "classes"));
    }
    text
}

/// Characters of a name that are shown.
const LONGEST_NAME: usize = 100;

/// The text with the beginnings alone of what is long between quotes, or of a long word.
pub fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_NAME {
        return text.to_owned();
    }
    let beginning = |part: &str| match part.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) if !part.contains(' ') => format!("{}…", &part[..end]),
        _ => part.to_owned(),
    };
    text.split('"')
        .map(|part| part.split(' ').map(beginning).collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_shortened_and_nothing_else() {
        let name = "é".repeat(3000);
        let text = format!("column \"{name}\" is long, and this is not: {}", "a b ".repeat(50));
        let expected = text.replace(&name, &format!("{}…", "é".repeat(LONGEST_NAME)));
        assert_eq!(shortened(&text), expected);
    }

    #[test]
    fn counts_have_their_thousands_apart() {
        assert_eq!([0, 999, 1000, 1234567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn sizes_and_times_change_their_unit() {
        assert_eq!(
            [7, 1000, 99_949, 883_400, 999_600, 15_400_000].map(bytes),
            ["7 bytes", "1.0 kB", "99.9 kB", "883 kB", "1.0 MB", "15.4 MB"]
        );
        assert_eq!(
            [0.042, 4.25, 59.9, 252.0, 300.0, 7380.0, 7200.0].map(seconds),
            ["0.04 s", "4.2 s", "59.9 s", "4 min 12 s", "5 min", "2 h 03 min", "2 h"]
        );
        assert_eq!([0.01, 0.000_123_45, 0.5, 1.0, 0.0].map(percent), ["1 %", "0.0123 %", "50 %", "100 %", "0 %"]);
    }

    #[test]
    fn values_keep_seven_digits() {
        assert_eq!(
            [849.780_000_000_000_1, -59.990_001_678_466_8, 0.0, 3e-9, 1_099_511_627_781.0, f64::INFINITY].map(number),
            ["849.78", "-59.99", "0", "3e-9", "1099511627781", "inf"]
        );
    }

    #[test]
    fn errors_keep_four_digits() {
        assert_eq!(
            [0.0, 0.015234, 1.0, 123.456, 1.5e-7, 2.5e9].map(error),
            ["0", "0.01523", "1.000", "123.5", "1.500e-7", "2.500e9"]
        );
    }
}
