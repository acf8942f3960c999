//! Enumerations: numbers with names.

use hdf5_reader::messages::datatype::Datatype;

use super::numbers::is_big_endian;
use super::{element_of, in_little_endian};
use crate::arrays::{Attribute, Attributes};

/// The number of a member of an enumeration.
pub(super) fn number_of(base: &Datatype, value: &[u8]) -> i128 {
    let mut bytes = value.to_vec();
    if !is_big_endian(base) {
        bytes.reverse();
    }
    let is_signed = matches!(base, Datatype::FixedPoint { signed: true, .. });
    let first = if is_signed && bytes.first().is_some_and(|&byte| byte >= 0x80) { -1 } else { 0 };
    bytes.iter().fold(first, |number, &byte| number << 8 | i128::from(byte))
}

/// Numbers and names of an enumeration as attributes (CF 1.11, 3.5), which a classic NetCDF file holds.
pub(super) fn add_flags(attributes: &mut Attributes, kind: &Datatype) {
    let (Datatype::Enum { base, members }, Some((element, true))) = (kind, element_of(kind)) else { return };
    if members.is_empty() || attributes.all.iter().any(|(name, _)| name == "flag_values" || name == "flag_meanings") {
        return;
    }
    let bytes = members.iter().flat_map(|member| in_little_endian(member.value.clone(), base, element)).collect();
    let name = |name: &str| name.split_whitespace().collect::<Vec<_>>().join("_");
    let names: Vec<String> = members.iter().map(|member| name(&member.name)).collect();
    attributes.add("flag_values".to_owned(), Attribute::Numbers { element, bytes });
    attributes.add("flag_meanings".to_owned(), Attribute::Text(names.join(" ").into_bytes()));
}
