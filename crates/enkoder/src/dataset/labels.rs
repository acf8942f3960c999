//! Labels: a class for each sample.

use std::sync::Arc;

use super::{Dataset, DatasetError};

/// A class for each sample: carried for pictures and metrics, never trained on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The classes' names.
    pub classes: Vec<String>,
    /// For each sample the number of its class.
    pub values: Vec<u32>,
}

impl Labels {
    /// The class of samples whose label is missing.
    pub const UNLABELLED: &str = "?";
}

impl Dataset {
    /// The same samples with one label each. Call it before selecting rows: labels belong to the rows as they were read.
    pub fn with_labels(mut self, labels: Labels) -> Result<Self, DatasetError> {
        let samples = self.stored_samples();
        if labels.values.len() != samples {
            return Err(DatasetError::Labels { labels: labels.values.len(), samples });
        }
        let classes = labels.classes.len();
        if let Some((sample, &label)) = labels.values.iter().enumerate().find(|&(_, &label)| label as usize >= classes)
        {
            return Err(DatasetError::Class { label, sample, classes });
        }
        self.labels = Some(Arc::new(labels));
        Ok(self)
    }

    /// The names of the classes, where the samples are labelled.
    pub fn classes(&self) -> Option<&[String]> {
        self.labels.as_ref().map(|labels| labels.classes.as_slice())
    }

    /// The number of the class of sample `index`, where the samples are labelled.
    pub fn label(&self, index: usize) -> Option<u32> {
        self.labels.as_ref().map(|labels| labels.values[self.rows[index] as usize])
    }
}
