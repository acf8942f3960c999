//! The same values in another shape.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Operation, Plan, Reach, Specification, not_zero, values_of};

/// The same values as an image of another shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reshape {
    /// Height, width and channels.
    pub shape: [usize; 3],
}

impl Specification for Reshape {
    fn plan(&self, inputs: &[&[usize]]) -> Result<Plan, String> {
        not_zero(&self.shape.map(|size| ("pixels", size)))?;
        let (values, asked) = (values_of(inputs[0]), values_of(&self.shape));
        if values != asked {
            return Err(format!("makes {asked} values of {values}"));
        }
        Ok(Plan { output_shape: self.shape.to_vec(), tensors: vec![] })
    }

    fn operation(&self, _: &[&[usize]], output: &[usize]) -> Arc<dyn Operation> {
        Arc::new(Copy { values: values_of(output) })
    }

    fn reach(&self) -> Reach {
        Reach::Everything
    }
}

#[derive(Debug)]
struct Copy {
    values: usize,
}

impl Operation for Copy {
    fn work(&self) -> usize {
        self.values
    }

    fn forward(&self, Forward { x, y, .. }: Forward<'_>) {
        y.copy_from_slice(x[0]);
    }

    fn backward(&self, Backward { error, errors: [dx, _], .. }: Backward<'_>) {
        if !dx.is_empty() {
            dx.copy_from_slice(error);
        }
    }
}
