//! How many of many sorted numbers are below a score. Comparing with all of them would take as much memory for a row as there are
//! numbers; so they are cut into blocks, and a row is compared with the first of each block and then with one block.

use super::sum_of_row;
use crate::graph::{Attribute, Graph};

/// Fewer numbers than this are one block.
const ONE_BLOCK: usize = 64;

/// Whether a number that equals the score counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Included,
    Excluded,
}

impl Bound {
    fn operator(self) -> &'static str {
        match self {
            Self::Included => "LessOrEqual",
            Self::Excluded => "Less",
        }
    }
}

/// The count for each score (`batch × 1`) of ascending numbers, as a number of the same shape.
pub(super) fn count_below(graph: &mut Graph, name: &str, score: &str, sorted: &[f32], bound: Bound) -> String {
    if sorted.len() <= ONE_BLOCK {
        let known = graph.numbers(format!("{name}.known"), &[sorted.len()], sorted);
        return compared(graph, name, &known, score, bound);
    }
    let length = (sorted.len() as f64).sqrt().ceil() as usize;
    let firsts: Vec<f32> = sorted.iter().step_by(length).copied().collect();
    let mut blocks = sorted.to_vec();
    // No score is as high.
    blocks.resize(firsts.len() * length, f32::INFINITY);
    let known = graph.numbers(format!("{name}.firsts"), &[firsts.len()], &firsts);
    let begun = compared(graph, &format!("{name}.begun"), &known, score, bound);
    let one = graph.number("one", 1.0);
    let behind = graph.node("Sub", &[&begun, &one], format!("{name}.behind"));
    let block = graph.node("Relu", &[&behind], format!("{name}.block"));
    let number = as_place(graph, &block, format!("{name}.block.number"));
    let table = graph.numbers(format!("{name}.blocks"), &[firsts.len(), length], &blocks);
    let chosen = graph.node_with("Gather", &[&table, &number], format!("{name}.chosen"), [("axis", Attribute::Int(0))]);
    let chosen = graph.reshape(&chosen, &[length], format!("{name}.chosen.row"));
    let within = compared(graph, &format!("{name}.within"), &chosen, score, bound);
    let size = graph.number(format!("{name}.block.length"), length as f32);
    let before = graph.node("Mul", &[&block, &size], format!("{name}.before"));
    graph.node("Add", &[&before, &within], name)
}

/// The entry of a table at each place (`batch × 1`), which is a number.
pub(super) fn row_of_table(graph: &mut Graph, name: &str, table: &[f32], place: &str) -> String {
    let number = as_place(graph, place, format!("{name}.place"));
    let table = graph.numbers(format!("{name}.table"), &[table.len()], table);
    graph.node_with("Gather", &[&table, &number], name, [("axis", Attribute::Int(0))])
}

fn as_place(graph: &mut Graph, number: &str, name: String) -> String {
    graph.node_with("Cast", &[number], name, [("to", Attribute::Int(7))])
}

fn compared(graph: &mut Graph, name: &str, known: &str, score: &str, bound: Bound) -> String {
    let below = graph.node(bound.operator(), &[known, score], format!("{name}.is_below"));
    let number = graph.node_with("Cast", &[&below], format!("{name}.is_below.number"), [("to", Attribute::Int(1))]);
    sum_of_row(graph, &number, name)
}
