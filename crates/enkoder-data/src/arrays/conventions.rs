//! What attributes say of the numbers of an array, by the conventions of NetCDF
//! (<https://docs.unidata.ucar.edu/nug/current/attribute_conventions.html>): how stored numbers are meant, which stand for a missing
//! one, and which cannot be right.

use enkoder::codec::ElementType;
use half::f16;

/// Attributes of a variable or a file, by name and in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Attributes {
    pub all: Vec<(String, Attribute)>,
    /// Names of those that are neither a text nor numbers.
    pub others: Vec<String>,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Attribute {
    /// Bytes as they were written: mostly UTF-8, but writers of old had other encodings.
    Text(Vec<u8>),
    /// Little-endian.
    Numbers { element: ElementType, bytes: Vec<u8> },
}

impl Attributes {
    pub fn add(&mut self, name: String, value: Attribute) {
        self.all.push((name, value));
    }

    /// Takes the attributes of a group, `/a/b`, of which each gets a name with the group before it: `a.b:NAME`.
    pub fn extend_of_group(&mut self, group: &str, attributes: Self) {
        let group = group.trim_start_matches('/').replace('/', ".");
        self.all.extend(attributes.all.into_iter().map(|(name, value)| (format!("{group}:{name}"), value)));
        self.others.extend(attributes.others.into_iter().map(|name| format!("{group}:{name}")));
    }

    fn find(&self, name: &str) -> Option<&Attribute> {
        self.all.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// A text without white space around it, and not empty.
    pub fn text(&self, name: &str) -> Option<String> {
        let Some(Attribute::Text(text)) = self.find(name) else { return None };
        let text = String::from_utf8_lossy(text);
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    /// The bytes of the first number, where it is of a type, or of an integer as wide.
    pub fn bytes_as(&self, name: &str, element: ElementType) -> Option<Vec<u8>> {
        let Some(Attribute::Numbers { element: own, bytes }) = self.find(name) else { return None };
        let is_alike = own.bytes() == element.bytes() && own.is_float() == element.is_float();
        if is_alike { bytes.get(..own.bytes()).map(<[u8]>::to_vec) } else { None }
    }

    fn numbers(&self, name: &str) -> Option<(ElementType, Vec<f64>)> {
        let Some(Attribute::Numbers { element, bytes }) = self.find(name) else { return None };
        Some((*element, element.to_f64(bytes)))
    }

    /// Missing values, of which some writers make a text: `"-999"`.
    fn missing(&self, name: &str) -> Vec<f64> {
        let text = || self.text(name).filter(|_| name == "missing_value");
        match self.numbers(name) {
            Some((_, values)) => values,
            None => text().map_or(Vec::new(), |text| match text.parse() {
                Ok(number) => vec![number],
                Err(_) => {
                    tracing::warn!(
                        "the attribute missing_value is {text:?}, which is no number: no value counts as missing by it"
                    );
                    Vec::new()
                }
            }),
        }
    }

    /// A finite number.
    fn number(&self, name: &str) -> Option<f64> {
        self.numbers(name).and_then(|(_, values)| values.first().copied()).filter(|value| value.is_finite())
    }
}

/// How stored numbers become values: a stored `x` means `x · scale + offset`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conventions {
    /// Stored numbers that stand for a missing value, as the type of the array holds them.
    pub missing: Vec<f64>,
    /// The least and the largest stored number that can be a value; those beyond count as missing.
    pub valid: Option<(f64, f64)>,
    pub scale: f64,
    pub offset: f64,
}

impl Default for Conventions {
    fn default() -> Self {
        Self { missing: Vec::new(), valid: None, scale: 1.0, offset: 0.0 }
    }
}

impl Conventions {
    /// What the attributes of a variable say, and the type that its numbers have by them: `_Unsigned` turns signed ones unsigned
    /// and back. Where they name no missing value, `default_fill` gives the one of that type.
    pub fn of(
        stored: ElementType,
        attributes: &Attributes,
        default_fill: impl Fn(ElementType) -> Option<f64>,
    ) -> (ElementType, Self) {
        let element = match attributes.text("_Unsigned").map(|text| text.to_ascii_lowercase()).as_deref() {
            Some("true") => unsigned(stored),
            Some("false") => signed(stored),
            _ => stored,
        };
        let held = |value: f64| hold(element, value);
        let mut missing: Vec<f64> = Vec::new();
        for name in ["_FillValue", "missing_value"] {
            for value in attributes.missing(name) {
                let value = held(value);
                // A NaN is missing without being named.
                if !value.is_nan() && !missing.contains(&value) {
                    missing.push(value);
                }
            }
        }
        if attributes.numbers("_FillValue").is_none()
            && attributes.numbers("missing_value").is_none()
            && let Some(fill) = default_fill(stored)
        {
            missing.push(held(fill));
        }
        let scale = attributes.number("scale_factor").filter(|&scale| scale != 0.0).unwrap_or(1.0);
        let offset = attributes.number("add_offset").unwrap_or(0.0);
        // Limits are stored as the numbers are, unless they are of another kind than these: then they are in the units of the data.
        let limit = |(kind, value): (ElementType, f64)| {
            if kind.is_float() && !element.is_float() { (value - offset) / scale } else { held(value) }
        };
        let single = |name| attributes.numbers(name).and_then(|(kind, values)| Some((kind, *values.first()?)));
        let range = attributes.numbers("valid_range");
        let (low, high) = match range.as_ref().map(|(kind, values)| (*kind, &values[..])) {
            Some((kind, &[low, high])) => (Some((kind, low)), Some((kind, high))),
            _ => (single("valid_min"), single("valid_max")),
        };
        let valid = (low.is_some() || high.is_some())
            .then(|| (low.map_or(f64::NEG_INFINITY, limit), high.map_or(f64::INFINITY, limit)))
            .map(|(low, high)| if scale < 0.0 && low > high { (high, low) } else { (low, high) })
            // A range without anything in it says nothing.
            .filter(|(low, high)| low <= high);
        (element, Self { missing, valid, scale, offset })
    }

    /// Takes what another array of the same variable says too, or says why both cannot be read as one.
    pub fn join(&mut self, other: Self) -> Result<(), String> {
        if (self.scale, self.offset) != (other.scale, other.offset) {
            let Self { scale, offset, .. } = other;
            return Err(format!("its numbers are packed with scale_factor {scale} and add_offset {offset}"));
        }
        for missing in other.missing {
            if !self.missing.contains(&missing) {
                self.missing.push(missing);
            }
        }
        self.valid = self.valid.zip(other.valid).map(|(one, two)| (one.0.min(two.0), one.1.max(two.1)));
        Ok(())
    }

    /// Whether stored numbers are values as they are.
    pub fn are_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Values of stored numbers, as little-endian bytes: in the units of the data, missing ones as NaN.
    pub fn values(&self, element: ElementType, bytes: &[u8]) -> Vec<f64> {
        let mut values = element.to_f64(bytes);
        for value in &mut values {
            *value = if self.is_missing(*value) { f64::NAN } else { *value * self.scale + self.offset };
        }
        values
    }

    /// Whether a stored number stands for no value.
    pub fn is_missing(&self, stored: f64) -> bool {
        self.missing.contains(&stored) || self.valid.is_some_and(|(low, high)| !(low..=high).contains(&stored))
    }

    /// Appends the same as the nearest f32.
    pub fn extend_f32(&self, element: ElementType, bytes: &[u8], numbers: &mut Vec<f32>) {
        if self.are_plain() {
            return element.extend_f32(bytes, numbers);
        }
        numbers.extend(self.values(element, bytes).into_iter().map(|value| value as f32));
    }
}

/// A number as a type holds it: of the bits of an integer, those that the type has.
fn hold(element: ElementType, value: f64) -> f64 {
    let bits = element.bytes() as i32 * 8;
    let above = 2f64.powi(bits);
    match element {
        ElementType::F16 => f16::from_f64(value).to_f64(),
        ElementType::F32 => f64::from(value as f32),
        ElementType::F64 => value,
        ElementType::U8 | ElementType::U16 | ElementType::U32 | ElementType::U64 if value < 0.0 => value + above,
        ElementType::I8 | ElementType::I16 | ElementType::I32 | ElementType::I64 if value >= above / 2.0 => {
            value - above
        }
        _ => value,
    }
}

fn unsigned(element: ElementType) -> ElementType {
    match element {
        ElementType::I8 => ElementType::U8,
        ElementType::I16 => ElementType::U16,
        ElementType::I32 => ElementType::U32,
        ElementType::I64 => ElementType::U64,
        other => other,
    }
}

fn signed(element: ElementType) -> ElementType {
    match element {
        ElementType::U8 => ElementType::I8,
        ElementType::U16 => ElementType::I16,
        ElementType::U32 => ElementType::I32,
        ElementType::U64 => ElementType::I64,
        other => other,
    }
}

/// What the NetCDF library fills variables with that say nothing else; bytes it does not fill.
pub(crate) fn netcdf_fill(element: ElementType) -> Option<f64> {
    match element {
        ElementType::U8 | ElementType::I8 => None,
        ElementType::I16 => Some(-32_767.0),
        ElementType::U16 => Some(65_535.0),
        ElementType::I32 => Some(-2_147_483_647.0),
        ElementType::U32 => Some(4_294_967_295.0),
        ElementType::I64 => Some(-9_223_372_036_854_775_806.0),
        ElementType::U64 => Some(18_446_744_073_709_551_614.0),
        ElementType::F16 => None,
        ElementType::F32 | ElementType::F64 => Some(9.969_209_968_386_869e36),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(element: ElementType, values: &[f64]) -> Vec<u8> {
        let bytes = |&value: &f64| match element {
            ElementType::I8 => (value as i8).to_le_bytes().to_vec(),
            ElementType::I16 => (value as i16).to_le_bytes().to_vec(),
            _ => value.to_le_bytes().to_vec(),
        };
        values.iter().flat_map(bytes).collect()
    }

    fn attributes(list: &[(&str, ElementType, &[f64])]) -> Attributes {
        let mut attributes = Attributes::default();
        for &(name, element, values) in list {
            attributes.add(name.to_owned(), Attribute::Numbers { element, bytes: stored(element, values) });
        }
        attributes
    }

    #[test]
    fn packed_numbers_become_values_and_what_cannot_be_right_is_missing() {
        let list = attributes(&[
            ("scale_factor", ElementType::F64, &[0.5]),
            ("add_offset", ElementType::F64, &[100.0]),
            ("_FillValue", ElementType::I16, &[-9.0]),
            ("valid_range", ElementType::I16, &[-5.0, 5.0]),
        ]);
        let (element, conventions) = Conventions::of(ElementType::I16, &list, netcdf_fill);
        let stored: Vec<u8> = [-9i16, -6, -5, 0, 5, 6].iter().flat_map(|x| x.to_le_bytes()).collect();
        let values = conventions.values(element, &stored);
        assert_eq!(&values[2..5], [97.5, 100.0, 102.5]);
        assert!([0, 1, 5].iter().all(|&index| values[index].is_nan()));
        // Limits of another kind are in the units of the data.
        let list = attributes(&[
            ("scale_factor", ElementType::F64, &[0.5]),
            ("add_offset", ElementType::F64, &[100.0]),
            ("valid_min", ElementType::F64, &[97.5]),
        ]);
        assert_eq!(Conventions::of(ElementType::I16, &list, |_| None).1.valid, Some((-5.0, f64::INFINITY)));
    }

    #[test]
    fn unsigned_numbers_in_signed_types_and_their_missing_values_are_read_as_meant() {
        let mut list = attributes(&[("_FillValue", ElementType::I8, &[-1.0])]);
        list.add("_Unsigned".into(), Attribute::Text(b"true".to_vec()));
        let (element, conventions) = Conventions::of(ElementType::I8, &list, netcdf_fill);
        assert_eq!((element, &conventions.missing[..]), (ElementType::U8, &[255.0][..]));
        assert_eq!(conventions.values(element, &[200])[0], 200.0);
    }

    #[test]
    fn a_missing_value_of_doubles_is_found_among_floats() {
        let list = attributes(&[("missing_value", ElementType::F64, &[1e20])]);
        let (element, conventions) = Conventions::of(ElementType::F32, &list, netcdf_fill);
        assert!(conventions.values(element, &1e20f32.to_le_bytes())[0].is_nan());
    }
}
