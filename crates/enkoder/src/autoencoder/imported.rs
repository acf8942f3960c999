//! A model whose network was trained elsewhere: by another toolkit, and taken over with its parameters.

use super::{Autoencoder, DataRecord, ModelError, TrainingRecord};
use crate::network::{Architecture, Network};
use crate::scaling::Scaler;

impl Autoencoder {
    /// The model of a network that was trained elsewhere. `parameters` are all weights, biases and statistics in one row, in the order and
    /// the shapes of the [program](crate::Program)'s tensors; `scaler` says what the network takes samples as, and `name` where it comes
    /// from. The [record](Self::record) then says that [nothing is known](TrainingRecord::is_imported) of its training.
    ///
    /// ```
    /// use enkoder::{Architecture, Autoencoder, Dataset, Scaler, Scaling};
    /// use ndarray::array;
    ///
    /// // One number that is the mean of two, and back.
    /// let architecture = Architecture::linear([2], 1);
    /// let rows = Dataset::from_f32("points", array![[0.0, 2.0], [3.0, 3.0]])?;
    /// let scaler = Scaler::fit(Scaling::None, &rows)?;
    /// let parameters = vec![0.5, 0.5, 0.0, 1.0, 1.0, 0.0, 0.0];
    /// let model = Autoencoder::from_parameters(architecture, parameters, scaler, "by hand")?;
    /// assert_eq!(model.reconstruct(&rows)?, array![[1.0, 1.0], [3.0, 3.0]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the layers do not fit together, the network makes something else of a sample than a sample, there are more or fewer
    /// parameters than it has, one of them is not finite or is a negative variance, or the scaler is of other samples.
    pub fn from_parameters(
        architecture: Architecture,
        parameters: Vec<f32>,
        scaler: Scaler,
        name: &str,
    ) -> Result<Self, ModelError> {
        architecture.validate()?;
        let (found, expected) = (scaler.features(), architecture.features());
        if found != expected {
            return Err(ModelError::Features { found, expected });
        }
        if architecture.output_shape.is_some() {
            return Err(ModelError::NoReconstruction);
        }
        let (found, expected) = (parameters.len(), architecture.parameters());
        if found != expected {
            return Err(ModelError::Parameters { found, expected });
        }
        if let Some(at) = parameters.iter().position(|value| !value.is_finite()) {
            return Err(ModelError::Parameter { at, value: parameters[at] });
        }
        let network = Network::from_parameters(&architecture, parameters)?;
        if let Some(node) = network.node_of_negative_variance() {
            return Err(ModelError::Variance { layer: node.name().to_owned() });
        }
        let data = DataRecord {
            name: name.to_owned(),
            train_samples: 0,
            validation_samples: 0,
            shape: architecture.input_shape.clone(),
            bytes_per_value: size_of::<f32>(),
            fingerprint: String::new(),
            missing: 0.0,
            patches: false,
        };
        let record = TrainingRecord {
            config: None,
            history: None,
            data,
            train_loss: 0.0,
            validation_loss: 0.0,
            results: None,
            seconds: 0.0,
        };
        Ok(Self::new(architecture, network, scaler, None, record))
    }
}

impl TrainingRecord {
    /// Whether the network was trained elsewhere, so that nothing is known of its data and its losses: they are 0 then.
    pub fn is_imported(&self) -> bool {
        self.config.is_none() && self.data.train_samples == 0
    }

    /// Whether the model was not trained but computed from its samples, as principal components are.
    pub fn is_closed_form(&self) -> bool {
        self.config.is_none() && !self.is_imported()
    }
}
