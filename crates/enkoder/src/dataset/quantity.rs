//! What the values of fields are, and which way they lie: for whoever draws them.

/// A quantity on a grid, such as a temperature on a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantity {
    /// What it is called in its file.
    pub name: String,
    /// The unit of the values, as the file says it.
    pub units: Option<String>,
    /// Whether the first row of a sample lies farthest south, so that a map has to be drawn from its last row down.
    pub south_first: bool,
}
