//! From a checked file to a data set: the column to predict becomes the label, and what OpenML marks as not to be learned from
//! is left out.

use enkoder::Dataset;

use super::cache::{CachedSet, DataFormat};
use super::metadata::DataSetDescription;
use crate::parquet::read_parquet;
use crate::{DataError, Table, TableOptions, read_arff};

/// Reads the file as a table.
pub(super) fn read_table(set: &CachedSet, options: &TableOptions) -> Result<Table, DataError> {
    let table = match set.format {
        DataFormat::Parquet => read_parquet(&set.path, options),
        DataFormat::Arff => read_arff(&set.path, options),
    };
    Ok(table?.with_name(&set.description.name))
}

/// Makes the samples of a table, with the roles that the description gives its columns where the options give no other.
pub(super) fn into_dataset(
    table: Table,
    description: &DataSetDescription,
    options: &TableOptions,
) -> Result<Dataset, DataError> {
    let names: Vec<&str> = table.columns().iter().map(|column| column.name()).collect();
    let roles = Roles::of(description, &names);
    let mut options = options.clone();
    options.ignore.extend(roles.ignored);
    if options.label.is_none() {
        let mut targets = roles.targets.into_iter();
        options.label = targets.next();
        options.ignore.extend(targets);
    }
    table.into_dataset(&options)
}

/// Which columns are no features.
#[derive(Debug, PartialEq, Eq)]
struct Roles {
    targets: Vec<String>,
    ignored: Vec<String>,
}

impl Roles {
    fn of(description: &DataSetDescription, columns: &[&str]) -> Self {
        let ignored = description.ignore.iter().chain(&description.row_id);
        Self {
            targets: description.target.iter().flat_map(|name| existing(name, columns)).collect(),
            ignored: ignored.flat_map(|name| existing(name, columns)).collect(),
        }
    }
}

/// The columns that a name means: the one with this name, or else those of the names between its commas, for several names are
/// often given as one. Names of no column are passed over with a warning.
fn existing(name: &str, columns: &[&str]) -> Vec<String> {
    if columns.contains(&name) {
        return vec![name.to_owned()];
    }
    let (known, unknown): (Vec<&str>, Vec<&str>) =
        name.split(',').map(str::trim).filter(|name| !name.is_empty()).partition(|name| columns.contains(name));
    for name in unknown {
        tracing::warn!("openml gives column {name:?} a role, but the file has no such column");
    }
    known.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(fields: &str, columns: &[&str]) -> Roles {
        let json = format!(r#"{{"data_set_description":{{"url":"http://host/f",{fields}}}}}"#);
        Roles::of(&DataSetDescription::from_json(7, "http://host", json.as_bytes()).unwrap(), columns)
    }

    #[test]
    fn several_names_may_stand_in_one_with_commas_or_in_a_list() {
        let columns = ["a", "b", "c", "d"];
        let one = roles(r#""default_target_attribute":"a, b","ignore_attribute":"c","row_id_attribute":"d""#, &columns);
        let list = roles(r#""default_target_attribute":["a","b"],"ignore_attribute":["c","d"]"#, &columns);
        assert_eq!(one, list);
        assert_eq!(one.targets, ["a", "b"]);
        assert_eq!(one.ignored, ["c", "d"]);
    }

    #[test]
    fn a_column_whose_name_has_a_comma_is_found_first() {
        assert_eq!(roles(r#""default_target_attribute":"a,b""#, &["a", "b", "a,b"]).targets, ["a,b"]);
    }

    #[test]
    fn a_name_of_no_column_gives_no_role() {
        assert_eq!(
            roles(r#""default_target_attribute":"class","ignore_attribute":["x","a"]"#, &["a", "b"]).targets,
            [""; 0]
        );
    }
}
