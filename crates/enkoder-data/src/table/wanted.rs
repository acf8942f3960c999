//! Which columns of a file with named columns are read, and what is said of the others.

use std::collections::{BTreeSet, HashSet};

use super::features::warn_of;
use super::{TableOptions, missing_column, warn_of_unknown};
use crate::{DataError, Place};

/// Which columns are asked for.
pub(crate) struct Wanted<'a> {
    options: &'a TableOptions,
    names: HashSet<&'a str>,
    ignored: HashSet<&'a str>,
    /// A column is asked for by its number, which counts them all.
    numbered: bool,
    /// The columns seen, read or not.
    found: Vec<String>,
    unread: Vec<String>,
    unknown: Vec<String>,
    row_names: Vec<String>,
    /// Columns that hold what no column of a table can be, with what that is.
    unreadable: Vec<(String, &'static str)>,
}

/// Bytes that are no text.
pub(crate) const BINARY: &str = "binary data";
/// Lists of which each would be several words.
pub(crate) const LISTS_OF_WORDS: &str = "lists of words";
/// Lists of lists, of structures or of maps.
pub(crate) const NESTED: &str = "values nested in lists";
/// Lists that do not show how many columns they are.
pub(crate) const EMPTY_LISTS: &str = "nothing but empty lists";

impl<'a> Wanted<'a> {
    pub(crate) fn new(options: &'a TableOptions) -> Self {
        let known = options.schema.iter().flat_map(|schema| &schema.columns).map(|column| column.name.as_str());
        let label = options.label.as_deref();
        let ignored: HashSet<&str> = options.ignore.iter().map(String::as_str).collect();
        let numbered = ignored.iter().copied().chain(label).any(|name| name.starts_with('#'));
        let names = known.chain(label).chain(options.keep.iter().map(String::as_str)).collect();
        let (found, unread, unknown, row_names, unreadable) = Default::default();
        Self { options, names, ignored, numbered, found, unread, unknown, row_names, unreadable }
    }

    /// Whether this column is read; without a model all are that are not to be ignored.
    pub(crate) fn has(&self, name: &str) -> bool {
        let by_default = self.options.schema.is_none() && !self.ignored.contains(name) && !is_row_name(name);
        self.numbered || by_default || self.names.contains(name)
    }

    /// Whether a column `list[…]` is asked for.
    pub(crate) fn has_elements_of(&self, list: &str) -> bool {
        self.names.iter().any(|name| name.strip_prefix(list).is_some_and(|rest| rest.starts_with('[')))
    }

    /// The place of a column among those to be kept as text.
    pub(crate) fn kept(&self, name: &str) -> Option<usize> {
        self.options.keep.iter().position(|keep| keep == name)
    }

    /// Notes a column of the table that is read.
    pub(crate) fn read(&mut self, name: String) {
        self.found.push(name);
    }

    /// How many columns were seen.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// Notes a column that is not read.
    pub(crate) fn leave_out(&mut self, name: &str) {
        if is_row_name(name) {
            self.row_names.push(name.to_owned());
        } else if !self.ignored.contains(name) {
            self.unknown.push(name.to_owned());
        }
        self.found.push(name.to_owned());
        self.unread.push(name.to_owned());
    }

    /// Notes a column that cannot be read, for it holds this; an error where it is asked for by its name.
    pub(crate) fn leave_out_unreadable(&mut self, name: &str, what: &'static str) -> Result<(), DataError> {
        if self.names.contains(name) || self.has_elements_of(name) {
            return Err(unreadable(name, what));
        }
        // Of what is nested, several columns may be stored.
        if self.unreadable.last().is_none_or(|(last, _)| last != name) {
            self.unreadable.push((name.to_owned(), what));
        }
        self.found.push(name.to_owned());
        self.unread.push(name.to_owned());
        Ok(())
    }

    /// Checks that all that is asked for was seen, says what is left out, and gives its names.
    pub(crate) fn finish(self) -> Result<Vec<String>, DataError> {
        let (options, names) = (self.options, self.found);
        let found: HashSet<&str> = names.iter().map(String::as_str).collect();
        let mut needed = options.schema.iter().flat_map(|schema| &schema.columns);
        if let Some(missing) = needed.find(|column| !found.contains(column.name.as_str())) {
            return Err(missing_column(&missing.name, names));
        }
        if let Some(missing) = options.keep.iter().find(|keep| !found.contains(keep.as_str())) {
            return Err(DataError::unknown_name("column", missing, names));
        }
        let features: HashSet<&str> = options.known_columns().into_keys().collect();
        if let Some(both) = options.keep.iter().find(|keep| features.contains(keep.as_str())) {
            let why = format!("column {both:?} cannot be kept beside the features: it is one");
            return Err(DataError::unsuitable(Place::default(), why));
        }
        if let (true, Some((name, what))) = (names.len() == self.unread.len(), self.unreadable.first()) {
            return Err(unreadable(name, what));
        }
        let whats: BTreeSet<&str> = self.unreadable.iter().map(|(_, what)| *what).collect();
        for what in whats {
            let with: Vec<&str> =
                self.unreadable.iter().filter(|column| column.1 == what).map(|(name, _)| name.as_str()).collect();
            warn_of(&with, &format!("left out, for they hold {what}"));
        }
        warn_of(&self.row_names, "left out, for they are the names that pandas gives to rows");
        warn_of_unknown(&self.unknown, options.schema.as_ref());
        Ok(self.unread)
    }
}

/// Whether it is the column in which pandas stores the names of rows, which are no data.
fn is_row_name(column: &str) -> bool {
    column.strip_prefix("__index_level_").and_then(|rest| rest.strip_suffix("__")).is_some()
}

/// The error of a column that holds what no column of a table can be.
fn unreadable(name: &str, what: &str) -> DataError {
    let why = format!("column {name:?} cannot be read: it holds {what}");
    DataError::unsuitable(Place::default(), why)
        .with_hint("write it as numbers, strings or lists of numbers of one length")
}

/// The error of a column whose lists are not of one length.
pub(crate) fn uneven_lists(name: &str, first: usize, other: &str) -> DataError {
    let why =
        format!("column {name:?} holds lists of different lengths: the first has {first} elements, another {other}");
    DataError::unsuitable(Place::default(), why).with_hint("leave the column out with `TableOptions::ignore`")
}
