//! What the text formats have in common.

/// The longest line or record accepted, in bytes (16 MiB).
pub(crate) const MAX_LINE: usize = 1 << 24;

/// Whether a cell, without the blanks around it, stands for a missing value.
pub(crate) fn is_missing(cell: &[u8]) -> bool {
    matches!(cell, b"" | b"NA" | b"N/A" | b"n/a" | b"NaN" | b"nan" | b"null" | b"NULL" | b"None" | b"?" | b"-")
}
