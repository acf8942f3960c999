//! What the library says of a training that cannot be, with the options that lead out of it.

use enkoder::{RecipeError, Task, TrainingError};

use crate::failure::Usage;

/// The error as the command says it.
pub fn explained(error: RecipeError) -> anyhow::Error {
    let hint = match error {
        RecipeError::Pairs { .. } => "each sample needs one target, in the same order",
        RecipeError::ImagePairs { .. } => "both folders need the same names",
        RecipeError::Training(TrainingError::Task { asked: Task::Pairs, .. }) => {
            "give --target, with the targets that the training began with"
        }
        RecipeError::Training(TrainingError::Task { given: Task::Pairs, .. }) => "leave --target out",
        RecipeError::FewImages | RecipeError::ImageSizes { .. } => return Usage::new(error.to_string()).into(),
        // What these say is their own.
        RecipeError::Dataset(error) => return error.into(),
        RecipeError::Training(error) => return error.into(),
        RecipeError::Pca(error) => return error.into(),
        RecipeError::Model(error) => return error.into(),
        error => return error.into(),
    };
    Usage::new(error.to_string()).with_hint(hint).into()
}
