//! Dictionaries: what the numbers in a column stand for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::check_rows;
use super::columns::{Batch, Present, Values};
use super::flatbuffer::{Table as Message, damaged};
use super::schema::Field;
use crate::DataError;

/// What the places of a column stand for.
pub(super) enum Dictionary {
    Numbers(Vec<f32>),
    Words(Arc<Vec<Option<String>>>),
}

/// Dictionaries by their numbers.
#[derive(Default)]
pub(super) struct Dictionaries(HashMap<i64, Dictionary>);

impl Dictionaries {
    pub(super) fn get(&self, id: i64) -> Option<&Dictionary> {
        self.0.get(&id)
    }

    /// Whether all are there that the fields need.
    pub(super) fn are_all_of(&self, fields: &[Field]) -> bool {
        let mut needed = HashSet::new();
        fields.iter().for_each(|field| field.dictionaries(&mut needed));
        needed.iter().all(|id| self.0.contains_key(id))
    }

    /// Takes the dictionary of a message, or what it adds to one.
    pub(super) fn learn(&mut self, fields: &[Field], message: Message<'_>, body: &[u8]) -> Result<(), DataError> {
        let header = message.table(2)?.ok_or_else(damaged)?;
        let id = header.i64(0)?;
        let Some(field) = fields.iter().find_map(|field| field.of_dictionary(id)) else { return Ok(()) };
        if field.unreadable().is_some() {
            return Ok(());
        }
        let mut batch = Batch::new(message, header.table(1)?.ok_or_else(damaged)?, body)?;
        let rows = batch.rows;
        check_rows(rows, 1, body.len())?;
        let values = Field { dictionary: None, ..field.clone() };
        let more = batch.values(&values, &Present::default(), rows, self, false)?;
        let is_more = header.u8(2)? != 0;
        let old = self.0.remove(&id).filter(|_| is_more);
        let new = match (old, more) {
            (Some(Dictionary::Words(old)), Values::Words(more)) => {
                Dictionary::Words(Arc::new(old.iter().cloned().chain(more).collect()))
            }
            (Some(Dictionary::Numbers(old)), Values::Numbers(more)) => {
                Dictionary::Numbers(old.into_iter().chain(more).collect())
            }
            (None, Values::Words(words)) => Dictionary::Words(Arc::new(words)),
            (None, Values::Numbers(values)) => Dictionary::Numbers(values),
            _ => return Err(damaged()),
        };
        self.0.insert(id, new);
        Ok(())
    }
}

impl Field {
    /// The field, or one in it, whose values lie in this dictionary.
    fn of_dictionary(&self, id: i64) -> Option<&Self> {
        if self.dictionary.is_some_and(|(of, _)| of == id) {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.of_dictionary(id))
    }

    /// Collects the dictionaries of the columns that can be read.
    fn dictionaries(&self, ids: &mut HashSet<i64>) {
        if self.unreadable().is_none() {
            ids.extend(self.dictionary.map(|(id, _)| id));
            self.children.iter().for_each(|child| child.dictionaries(ids));
        }
    }
}
