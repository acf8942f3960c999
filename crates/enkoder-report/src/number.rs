//! Numbers and names as people read them: a few significant digits, thousands apart, bytes and durations in fitting units,
//! and foreign names without characters that could disturb the page.

/// A number with `digits` significant digits; scientific where it is very small or large; a dash where it is not finite.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = digits.max(1);
    // Through scientific notation first, so that 9.996 with three digits is known to be 10.0.
    let scientific = format!("{value:.*e}", digits - 1);
    let exponent: i32 = scientific.rsplit('e').next().and_then(|exponent| exponent.parse().ok()).unwrap_or(0);
    if !(-4..7).contains(&exponent) {
        return minus(&scientific);
    }
    let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
    if exponent >= 3 && decimals == 0 {
        let sign = if value < 0.0 { "−" } else { "" };
        return sign.to_owned() + &grouped(value.abs().round() as usize);
    }
    minus(&format!("{value:.decimals$}"))
}

/// A share of 1 in per cent; number and sign stay in one line.
pub(crate) fn percent(share: f64) -> String {
    format!("{}\u{a0}%", significant(100.0 * share, 2))
}

/// How many of so many in whole per cent; only none is 0, and only all are 100.
pub(crate) fn part(some: usize, all: usize) -> String {
    match 100.0 * some as f64 / all.max(1) as f64 {
        share if share > 0.0 && share < 1.0 => "less than 1\u{a0}%".to_owned(),
        share if share > 99.0 && some < all => "more than 99\u{a0}%".to_owned(),
        share => format!("{}\u{a0}%", share.round()),
    }
}

/// A whole number with its thousands set apart.
pub(crate) fn grouped(value: usize) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 sample`, `14,000 samples`.
pub(crate) fn count(value: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(value), if value == 1 { one } else { many })
}

/// A count of bytes in bytes, kB, MB or GB (powers of 1000); number and unit stay in one line.
pub(crate) fn bytes(count: usize) -> String {
    let count_f = count as f64;
    match count {
        0..10_000 => format!("{}\u{a0}B", grouped(count)),
        10_000..1_000_000 => format!("{}\u{a0}kB", significant(count_f / 1e3, 3)),
        1_000_000..1_000_000_000 => format!("{}\u{a0}MB", significant(count_f / 1e6, 3)),
        _ => format!("{}\u{a0}GB", significant(count_f / 1e9, 3)),
    }
}

/// A duration in seconds, minutes or hours.
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".to_owned();
    }
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{} s", significant(seconds, 2)),
        10..60 => format!("{whole} s"),
        60..3600 => two_units(whole / 60, "min", whole % 60, "s"),
        3600..172_800 => two_units(whole / 3600, "h", whole % 3600 / 60, "min"),
        _ => two_units(whole / 86_400, "d", whole % 86_400 / 3600, "h"),
    }
}

fn two_units(many: u64, unit: &str, rest: u64, finer: &str) -> String {
    if rest == 0 { format!("{many} {unit}") } else { format!("{many} {unit} {rest} {finer}") }
}

/// A shape as `28 × 28 × 3`.
pub(crate) fn shape(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}

/// A number as the user gave it.
pub(crate) fn short(value: f32) -> String {
    // Through f32's own shortest form: 0.001 stays 0.001.
    minus(&format!("{value}"))
}

/// The minus sign that belongs to numbers, in place of the hyphen.
pub(crate) fn minus(number: &str) -> String {
    number.replace('-', "−")
}

/// A name from outside, fit to be shown: control, direction and noncharacters replaced, and at most `limit` characters long.
pub(crate) fn name(name: &str, limit: usize) -> String {
    let mut shown: String = name.chars().take(limit).map(|c| if is_disturbing(c) { '\u{FFFD}' } else { c }).collect();
    if name.chars().nth(limit).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

/// A name of at most `most` characters; of a longer one the beginning and the end, which tell names of one kind apart.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let end = kept / 2;
    text.chars().take(kept - end).chain(['…']).chain(text.chars().skip(count - end)).collect()
}

/// What data is called in a title: of a path or an address its last part.
pub(crate) fn last_part(name: &str) -> &str {
    let whole = name.trim_end_matches(['/', '\\']);
    whole.rsplit(['/', '\\']).next().filter(|last| !last.is_empty()).unwrap_or(name)
}

fn is_disturbing(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
        || matches!(c as u32 & 0xFFFF, 0xFFFE | 0xFFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_significant_digits() {
        let shown = |value| significant(value, 3);
        assert_eq!(shown(0.015_23), "0.0152");
        assert_eq!(shown(9.996), "10.0");
        assert_eq!(shown(-1234.4), "−1,234");
        assert_eq!(shown(1.5e-7), "1.50e−7");
        assert_eq!(shown(0.0), "0");
        assert_eq!(shown(f64::NAN), "–");
        assert_eq!(shown(f64::INFINITY), "–");
    }

    #[test]
    fn counts_bytes_and_durations_are_readable() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [784, 9999, 12_345, 1_234_567].map(|count| bytes(count).replace('\u{a0}', " ")),
            ["784 B", "9,999 B", "12.3 kB", "1.23 MB"]
        );
        assert_eq!([0.5, 12.4, 200.0, 4000.0].map(duration), ["0.50 s", "12 s", "3 min 20 s", "1 h 6 min"]);
        assert_eq!([120.0, 7200.0, 200_000.0].map(duration), ["2 min", "2 h", "2 d 7 h"]);
        assert_eq!(duration(f64::NAN), "–");
    }

    #[test]
    fn only_none_is_nothing_and_only_all_are_everything() {
        let shares = [part(0, 7), part(1, 3000), part(1, 3), part(2999, 3000), part(7, 7), part(0, 0)];
        assert_eq!(
            shares.map(|share| share.replace('\u{a0}', " ")),
            ["0 %", "less than 1 %", "33 %", "more than 99 %", "100 %", "0 %"]
        );
    }

    #[test]
    fn a_long_name_keeps_its_beginning_and_its_end() {
        assert_eq!(
            ["short", "Class_number_of_rings=10", "ab"].map(|text| shortened(text, 10)),
            ["short", "Class…s=10", "ab"]
        );
        assert_eq!(shortened("abc", 1), "…");
    }

    #[test]
    fn a_title_has_the_last_part_of_a_path() {
        let titles =
            ["/data/a/taxi.csv", "photos/", "C:\\x\\y.nc", "openml:554", "https://x.org/a.csv", "/"].map(last_part);
        assert_eq!(titles, ["taxi.csv", "photos", "y.nc", "openml:554", "a.csv", "/"]);
    }

    #[test]
    fn names_lose_control_and_direction_characters_and_excess_length() {
        assert_eq!(name("a\u{0}b\u{202E}c", 10), "a\u{FFFD}b\u{FFFD}c");
        assert_eq!(name("abcdef", 6), "abcdef");
        assert_eq!(name("abcdefg", 6), "abcde…");
        assert_eq!(name("", 3), "");
    }
}
