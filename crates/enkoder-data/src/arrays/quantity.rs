//! What arrays say of the quantity in them: its name, its unit, and by the coordinates of the rows which end of a map is north.

use enkoder::Quantity;

use super::Arrays;
use super::contents::{ArrayEntry, Contents, direction};
use super::variable::{Origin, Variable};

/// More rows than this no map has; they are not read.
const MOST_ROWS: u64 = 1 << 20;

/// The quantity of a variable; `None` where its file says nothing of it.
pub(super) fn of(variable: &Variable) -> Option<Quantity> {
    let (_, Some(Origin::Contents { all, name })) = variable.origins.first()? else { return None };
    let array = all.arrays.iter().find(|array| array.name == *name)?;
    Some(Quantity {
        name: array.leaf().to_owned(),
        units: array.units.clone(),
        south_first: rows_of(all, array).is_some_and(|rows| rises(&rows)),
    })
}

/// The coordinates of the rows, from south to north as they grow: latitudes, or distances of a projection (CF conventions, 4 and 5.6).
fn rows_of(all: &Contents, array: &ArrayEntry) -> Option<ArrayEntry> {
    let axis = array.axes.len().checked_sub(2).map(|place| &array.axes[place])?;
    let leaf = axis.rsplit('/').next()?;
    let rows = all.arrays.iter().find(|other| other.leaf() == leaf && other.shape.len() == 1)?;
    let direction = rows.units.as_deref().and_then(direction);
    let is_north = matches!(direction.as_deref(), Some("north" | "n"));
    let standard = rows.attributes.text("standard_name").unwrap_or_default();
    let known = ["latitude", "grid_latitude", "projection_y_coordinate"].contains(&standard.as_str());
    let called = ["lat", "latitude"].contains(&leaf.to_ascii_lowercase().as_str());
    (is_north || known || called).then(|| rows.clone())
}

/// Whether the numbers grow from the first to the last.
fn rises(rows: &ArrayEntry) -> bool {
    let Some(field) = rows.field.clone().filter(|_| rows.shape[0] <= MOST_ROWS) else { return false };
    let read =
        Arrays::new(&rows.name, vec![vec![(rows.name.clone(), field)]], &[]).and_then(|all| all.into_dataset(None));
    // What cannot be read says nothing; it keeps no map from being drawn.
    read.is_ok_and(|data| {
        let values = data.to_array();
        values.first() < values.last()
    })
}
