//! Sums of two values: of a network that adds to what a layer makes what an earlier one made.

use enkoder::layers::Add;
use enkoder::{Activation, LayerSpec};

use super::chain::{Chain, Value};
use super::layers::checked_images;
use super::refused;
use crate::error::ImportError;
use crate::proto::NodeProto;
use crate::tensor::Tensor;

/// What layers are called that read the sample itself.
const INPUT: &str = "input";

impl Chain {
    /// Makes an image of the value at the end where it is one, because a sum may read it, and then its numbers have to lie as those of images.
    pub(super) fn settle(&mut self, node: &NodeProto, places: &mut Tensor) {
        self.kept = false;
        let image = self.image(node, places).and_then(|shape| checked_images(node, shape, places.shape.len()));
        // What is no image is none for a convolution either, and is left for the node that reads it to judge.
        if let Ok(image) = image {
            *places = image;
        }
    }

    /// Adds an earlier value to the one at the end. Both come with their names and with how many values there were before them.
    pub(super) fn join(&mut self, node: &NodeProto, flows: &[(&str, &Tensor, usize)]) -> Result<Value, ImportError> {
        let (earlier, last) = match flows {
            [first, second] if node.op_type() == "Add" && first.2 != second.2 => {
                if first.2 < second.2 {
                    (first, second)
                } else {
                    (second, first)
                }
            }
            _ => return Err(refused(node, "joins two values of the network other than by a sum")),
        };
        if last.2 != self.steps || self.border.is_some() {
            return Err(refused(
                node,
                "adds two values of which none is the last one: both were computed from an earlier one",
            ));
        }
        if earlier.1.shape != last.1.shape || earlier.1.as_integers() != last.1.as_integers() {
            return Err(refused(node, "adds values of different shapes, or whose numbers lie in different orders"));
        }
        let layer = self.layers.iter().position(|layer| layer.names.iter().any(|name| name == earlier.0));
        let from = match layer {
            Some(layer) => layer.to_string(),
            None if self.input_names.iter().any(|name| name == earlier.0) => INPUT.to_owned(),
            None => return Err(refused(node, "adds a value that is made in the middle of a layer")),
        };
        self.steps += 1;
        let shape = self.shape().to_vec();
        self.push(Add { from, activation: Activation::Linear }, Vec::new(), shape);
        Ok(Value::Flow(last.1.clone(), self.steps))
    }

    /// Whether a layer behind this one adds what was there before it.
    pub(super) fn is_passed(&self, at: usize) -> bool {
        self.layers[at + 1..].iter().filter_map(|layer| layer.spec.other()).any(|from| {
            // The sample has no number.
            from.parse::<usize>().map_or(true, |from| from < at)
        })
    }

    /// Has sums call the layers that they read by their names, of which the encoder has so many.
    pub(super) fn name_joins(&mut self, encoder: usize) {
        for layer in &mut self.layers {
            let LayerSpec::Add(Add { from, .. }) = &mut layer.spec else { continue };
            if let Ok(number) = from.parse::<usize>() {
                *from = match number.checked_sub(encoder) {
                    None => format!("encoder.{number}"),
                    Some(number) => format!("decoder.{number}"),
                };
            }
        }
    }
}
