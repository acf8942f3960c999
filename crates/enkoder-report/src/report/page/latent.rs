//! What the page says of the codes: where they lie, and what each of their numbers stands for.

use super::{PAGE, Shown, findings};
use crate::evaluation::{Codes, Evaluation};
use crate::number::{count, grouped, significant};
use crate::picture::{Layout, Picture, PictureError};

pub(super) struct Latent {
    pub(super) sentence: String,
    pub(super) network: String,
    pub(super) network_finding: Option<String>,
    pub(super) network_note: String,
    pub(super) baseline: String,
    pub(super) baseline_finding: Option<String>,
    pub(super) baseline_note: String,
    pub(super) traversal_finding: Option<String>,
    pub(super) traversals: [Vec<TraversalRow>; 2],
    /// Of fields, which colours stand for which change.
    pub(super) changes: [Option<String>; 2],
    pub(super) traversal_note: String,
    pub(super) is_image: bool,
    /// The plane of two numbers as a picture, and what it shows.
    pub(super) plane: Option<(String, String)>,
}

pub(super) struct TraversalRow {
    pub(super) dimension: usize,
    pub(super) low: String,
    pub(super) high: String,
    pub(super) steps: Vec<Shown>,
    pub(super) drawing: Option<String>,
}

impl Latent {
    pub(super) fn of(evaluation: &Evaluation, codes: &Codes) -> Result<Self, PictureError> {
        let latent = evaluation.architecture.latent();
        let shown = codes.projections[0].points.len();
        let note = |which: usize| {
            let projection = &codes.projections[which];
            let share = projection.share.map(|share| format!("{}\u{a0}%", significant(100.0 * share, 3)));
            match (which, projection.flat, share) {
                (_, true, _) => "One number only: height just keeps the points apart.".to_owned(),
                (0, _, None) => "The two numbers of each code.".to_owned(),
                (0, _, Some(share)) => {
                    format!(
                        "First two principal components of the {latent}-number codes; they hold {share} of the codes' variance."
                    )
                }
                (_, _, None) => "The first two principal components of the data.".to_owned(),
                (_, _, Some(share)) => format!(
                    "The first two principal components of the data; they hold {share} of the variance of PCA's {} components.",
                    evaluation.baseline_latent
                ),
            }
        };
        let mut traversals = [Vec::new(), Vec::new()];
        for ((rows, of_model), who) in traversals.iter_mut().zip(&codes.traversals).zip(["network", "PCA"]) {
            for traversal in &of_model.all {
                let drawing = evaluation.draw_traversal(traversal, PAGE);
                let mut steps = Vec::new();
                if drawing.is_none() {
                    for (step, view) in traversal.views.iter().enumerate() {
                        let share = step as f32 / (traversal.views.len() - 1).max(1) as f32;
                        let value = traversal.low + (traversal.high - traversal.low) * share;
                        let alt =
                            format!("{who}, number {} at {}", traversal.dimension + 1, significant(value.into(), 3));
                        steps.push(Shown::of(evaluation, view, alt)?);
                    }
                }
                rows.push(TraversalRow {
                    dimension: traversal.dimension + 1,
                    low: significant(traversal.low.into(), 2),
                    high: significant(traversal.high.into(), 2),
                    steps,
                    drawing,
                });
            }
        }
        let dimensions = codes.traversals[0].all.len();
        let traversal_note = if dimensions < latent {
            format!("The {dimensions} of {} numbers that change the output the most.", grouped(latent))
        } else {
            String::new()
        };
        let plane = codes.plane.as_ref().map(|plane| {
            let [[left, right], [low, high]] = plane.ends.map(|ends| ends.map(|end| significant(end.into(), 2)));
            let text = format!(
                "The plane decoded: the first number rises from {left} to {right} to the right, the second from {low} to {high} upwards."
            );
            Ok((Picture::grid(&plane.rows, 1, 0).data_uri()?, text))
        });
        Ok(Self {
            plane: plane.transpose()?,
            sentence: format!(
                "The network turns each sample into {}. Here are the codes of {}{}{}.",
                count(latent, "number", "numbers"),
                count(shown, "sample", "samples"),
                if evaluation.data.unseen { " it did not see" } else { "" },
                if evaluation.data.classes.is_empty() {
                    ""
                } else {
                    ", coloured by class; it was never told the classes"
                },
            ),
            network: codes.draw_projection(0, PAGE),
            network_finding: findings::plane(codes, 0),
            network_note: note(0),
            baseline: codes.draw_projection(1, PAGE),
            baseline_finding: findings::plane(codes, 1),
            baseline_note: note(1),
            traversal_finding: findings::traversals(evaluation, codes),
            traversals,
            changes: [0, 1].map(|which| evaluation.draw_changes(codes, which, PAGE)),
            traversal_note,
            is_image: evaluation.data.layout != Layout::Vector,
        })
    }
}
