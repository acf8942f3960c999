//! Layers that read what an earlier layer made beside what the last one did: sums, and images side by side.

use enkoder::layers::{Add, Concat};
use enkoder::{Activation, LayerSpec};

use super::chain::{Chain, Value};
use super::layers::checked_images;
use super::{MOST_FEATURES, refused};
use crate::error::ImportError;
use crate::evaluation::evaluate;
use crate::proto::NodeProto;
use crate::tensor::Tensor;

/// What layers are called that read the sample itself.
const INPUT: &str = "input";

impl Chain {
    /// Makes an image of the value at the end where it is one, because a layer may read it later, and then its numbers have to lie as those of images.
    pub(super) fn settle(&mut self, node: &NodeProto, places: &mut Tensor) {
        self.kept = false;
        let image = self.image(node, places).and_then(|shape| checked_images(node, shape, places.shape.len()));
        // What is no image is none for a convolution either, and is left for the node that reads it to judge.
        if let Ok(image) = image {
            *places = image;
        }
    }

    /// Adds an earlier value to the one at the end, or puts the channels of earlier ones behind its own. Values come with their names and with
    /// how many values there were before them.
    pub(super) fn join(&mut self, node: &NodeProto, flows: &[(&str, &Tensor, usize)]) -> Result<Value, ImportError> {
        let whole = flows.len() == node.input.len();
        let joins = match node.op_type() {
            "Add" if whole && flows.len() == 2 => Self::sum,
            "Concat" if whole => Self::beside,
            _ => {
                return Err(refused(
                    node,
                    "joins values of the network other than by a sum, or by putting them side by side",
                ));
            }
        };
        let last = flows.iter().position(|flow| flow.2 == self.steps).filter(|_| self.border.is_none());
        let last = last.filter(|_| flows.iter().filter(|flow| flow.2 == self.steps).count() == 1);
        let Some(last) = last else {
            return Err(refused(
                node,
                "joins values of which not just one is the last: all were computed from an earlier one, or one is read twice",
            ));
        };
        let mut froms = vec![None; flows.len()];
        for (at, &(name, ..)) in flows.iter().enumerate().filter(|(at, _)| *at != last) {
            froms[at] = Some(
                self.layer_of(name)
                    .ok_or_else(|| refused(node, "reads a value that is made in the middle of a layer"))?,
            );
        }
        let places = joins(self, node, flows, &froms)?;
        self.steps += 1;
        Ok(Value::Flow(places, self.steps))
    }

    /// Gives a value another name.
    pub(super) fn call_as(&mut self, name: &str, other: &str) {
        let names = self.layers.iter_mut().map(|layer| &mut layer.names).chain([&mut self.input_names]);
        for names in names.filter(|names| names.iter().any(|known| known == name)) {
            names.push(other.to_owned());
        }
    }

    /// What a layer is called that makes a value, and the shape of that.
    fn layer_of(&self, name: &str) -> Option<(String, Vec<usize>)> {
        let layer = self.layers.iter().position(|layer| layer.names.iter().any(|known| known == name));
        match layer {
            Some(layer) => Some((layer.to_string(), self.layers[layer].shape.clone())),
            None if self.input_names.iter().any(|known| known == name) => {
                Some((INPUT.to_owned(), self.own_shape.clone()))
            }
            None => None,
        }
    }

    /// The sum of two values; says where its numbers have their places.
    fn sum(
        &mut self,
        node: &NodeProto,
        flows: &[(&str, &Tensor, usize)],
        froms: &[Option<(String, Vec<usize>)>],
    ) -> Result<Tensor, ImportError> {
        let [first, second] = [flows[0].1, flows[1].1];
        if first.shape != second.shape || first.as_integers() != second.as_integers() {
            return Err(refused(node, "adds values of different shapes, or whose numbers lie in different orders"));
        }
        let shape = self.shape().to_vec();
        for (from, _) in froms.iter().flatten() {
            self.push(Add { from: from.clone(), activation: Activation::Linear }, Vec::new(), shape.clone());
        }
        Ok(first.clone())
    }

    /// Images side by side: the channels of the last value, followed by those of the others in their order. Says where the numbers have their
    /// places, of which the file may have another order.
    fn beside(
        &mut self,
        node: &NodeProto,
        flows: &[(&str, &Tensor, usize)],
        froms: &[Option<(String, Vec<usize>)>],
    ) -> Result<Tensor, ImportError> {
        let own = self.shape().to_vec();
        let shapes: Vec<&[usize]> =
            froms.iter().map(|from| from.as_ref().map_or(&own[..], |(_, shape)| shape)).collect();
        let (&[height, width], channels) = (&own[..own.len().min(2)], own.get(2).copied().unwrap_or(1)) else {
            return Err(refused(node, "puts rows of numbers side by side, and here only images are put so"));
        };
        if shapes.iter().any(|shape| shape.get(..2) != Some(&[height, width])) {
            let reason = format!("puts values of other sizes beside images of {height}×{width}");
            return Err(refused(node, reason));
        }
        let each: Vec<usize> = shapes.iter().map(|shape| shape.get(2).copied().unwrap_or(1)).collect();
        let total = each.iter().sum::<usize>();
        if total.saturating_mul(height * width) > MOST_FEATURES {
            return Err(refused(node, format!("makes images of {height}×{width}×{total}")));
        }
        let mut before = channels;
        let mut moved = Vec::new();
        for ((&(_, places, _), from), &channels) in flows.iter().zip(froms).zip(&each) {
            let first = if from.is_some() { before } else { 0 };
            let place = |&place: &i64| (place as usize / channels * total + first + place as usize % channels) as i64;
            moved.push(Tensor::integers(
                places.shape.clone(),
                places.as_integers().unwrap_or_default().iter().map(place).collect(),
            ));
            if let Some((from, _)) = from {
                before += channels;
                self.push(Concat { from: from.clone() }, Vec::new(), vec![height, width, before]);
            }
        }
        let made = evaluate(node, &moved.iter().map(Some).collect::<Vec<_>>())?;
        let pixels = |tensor: &Tensor| -> Vec<i64> {
            tensor.as_integers().unwrap_or_default().iter().map(|place| place / total as i64).collect()
        };
        // Along the axis of channels a pixel stays one.
        let one = Tensor::integers(flows[0].1.shape.clone(), pixels(&moved[0]));
        let axis = (0..made.shape.len()).find(|&axis| made.shape[axis] != one.shape[axis]);
        let inner = axis.map_or(1, |axis| made.shape[axis + 1..].iter().product()).max(1);
        let length = axis.map_or(1, |axis| made.shape[axis]).max(1);
        let all = pixels(&made);
        let stays = all.chunks(inner * length).all(|block| block.chunks(inner).all(|pixels| pixels == &block[..inner]));
        if !stays {
            return Err(refused(node, "puts images side by side along other than their channels"));
        }
        Ok(made)
    }

    /// Whether a layer behind this one reads what was there before it.
    pub(super) fn is_passed(&self, at: usize) -> bool {
        self.layers[at + 1..].iter().filter_map(|layer| layer.spec.other()).any(|from| {
            // The sample has no number.
            from.parse::<usize>().map_or(true, |from| from < at)
        })
    }

    /// Has layers call those by their names that they read beside the one before, of which the encoder has so many.
    pub(super) fn name_joins(&mut self, encoder: usize) {
        for layer in &mut self.layers {
            let (LayerSpec::Add(Add { from, .. }) | LayerSpec::Concat(Concat { from })) = &mut layer.spec else {
                continue;
            };
            if let Ok(number) = from.parse::<usize>() {
                *from = match number.checked_sub(encoder) {
                    None => format!("encoder.{number}"),
                    Some(number) => format!("decoder.{number}"),
                };
            }
        }
    }
}
