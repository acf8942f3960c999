//! The member that looks at each column by itself. Its costs are added up column after column, as the detector adds them: rows of few
//! different values have scores that are equal to the last bit or are not.

use enkoder::anomaly::{ColumnCost, SeenCosts};

use super::features;
use crate::graph::{Attribute, Graph};

/// The score of each row: `batch × 1`.
pub(super) fn score(graph: &mut Graph, columns: &[ColumnCost<'_>]) -> String {
    let numbers: Vec<&ColumnCost<'_>> =
        columns.iter().filter(|column| matches!(column.seen, SeenCosts::Bins { .. })).collect();
    let of_numbers = (!numbers.is_empty()).then(|| costs_of_numbers(graph, &numbers));
    let mut place = 0;
    let mut costs = Vec::new();
    for (number, column) in columns.iter().enumerate() {
        costs.push(match (column.seen, &of_numbers) {
            (SeenCosts::Words(of_words), _) => costs_of_words(graph, number, column, of_words),
            (_, Some(of_numbers)) => {
                let which = graph.integers(format!("marginal.place{place}"), &[place]);
                place += 1;
                let name = format!("marginal.column{number}");
                graph.node_with("Gather", &[of_numbers, &which], name, [("axis", Attribute::Int(1))])
            }
            // A kind of costs that is neither has no place among those of numbers.
            (_, None) => continue,
        });
    }
    if costs.is_empty() {
        // No column says anything: nothing for each row.
        let first = features(graph, "marginal.first", std::iter::once(0));
        let missing = graph.node("IsNaN", &[&first], "marginal.first.missing");
        let number = graph.node_with("Cast", &[&missing], "marginal.first.number", [("to", Attribute::Int(1))]);
        let zero = graph.number("zero", 0.0);
        return graph.node("Mul", &[&number, &zero], "marginal.score");
    }
    let costs: Vec<&str> = costs.iter().map(String::as_str).collect();
    graph.node("Sum", &costs, "marginal.score")
}

/// The costs of all columns of numbers, one beside the other.
fn costs_of_numbers(graph: &mut Graph, columns: &[&ColumnCost<'_>]) -> String {
    let (mut lows, mut widths, mut counts, mut starts, mut table) = (vec![], vec![], vec![], vec![], vec![]);
    for column in columns {
        if let SeenCosts::Bins { low, width, costs } = column.seen {
            lows.push(low);
            widths.push(width);
            counts.push(costs.len() as f32);
            starts.push(table.len() as f32);
            table.extend_from_slice(costs);
        }
    }
    let shape = [columns.len()];
    let last: Vec<f32> = counts.iter().map(|count| count - 1.0).collect();
    let missing_costs: Vec<f32> = columns.iter().map(|column| column.missing).collect();
    let unseen: Vec<f32> = columns.iter().map(|column| column.unseen).collect();
    let constants = [
        ("low", &lows),
        ("width", &widths),
        ("bins", &counts),
        ("last", &last),
        ("start", &starts),
        ("missing_cost", &missing_costs),
        ("unseen_cost", &unseen),
    ];
    let [low, width, bins, last, start, missing_cost, unseen] =
        constants.map(|(name, values)| graph.numbers(format!("marginal.{name}"), &shape, values));
    let (zero, one) = (graph.number("zero", 0.0), graph.number("one", 1.0));
    let most = graph.number("marginal.most", f32::MAX);
    let values = features(graph, "marginal.features", columns.iter().map(|column| column.first));
    let missing = graph.node("IsNaN", &[&values], "marginal.missing");
    let above = graph.node("Sub", &[&values, &low], "marginal.above");
    let at = graph.node("Div", &[&above, &width], "marginal.part");
    // A range of no width gives no number; such a value lies in the first bin.
    let nowhere = graph.node("IsNaN", &[&at], "marginal.nowhere");
    let at = graph.node("Where", &[&nowhere, &zero, &at], "marginal.at");
    let inside = graph.node("Clip", &[&at, &zero, &one], "marginal.inside");
    let stretched = graph.node("Mul", &[&inside, &bins], "marginal.stretched");
    let whole = graph.node("Floor", &[&stretched], "marginal.whole");
    let bin = graph.node("Min", &[&whole, &last], "marginal.bin");
    let place = graph.node("Add", &[&bin, &start], "marginal.bin.place");
    let number = graph.node_with("Cast", &[&place], "marginal.bin.number", [("to", Attribute::Int(7))]);
    let table = graph.numbers("marginal.costs", &[table.len()], &table);
    let seen = graph.node_with("Gather", &[&table, &number], "marginal.seen", [("axis", Attribute::Int(0))]);
    let before = graph.node("Neg", &[&at], "marginal.before");
    let behind = graph.node("Sub", &[&at, &one], "marginal.behind");
    let distance = graph.node("Max", &[&before, &behind], "marginal.distance");
    let bounded = graph.node("Clip", &[&distance, &zero, &most], "marginal.bounded");
    let grown = graph.node("Add", &[&bounded, &one], "marginal.grown");
    let more = graph.node("Log", &[&grown], "marginal.more");
    let beyond = graph.node("Add", &[&unseen, &more], "marginal.beyond");
    let outside = graph.node("Greater", &[&distance, &zero], "marginal.outside");
    let known = graph.node("Where", &[&outside, &beyond, &seen], "marginal.known");
    graph.node("Where", &[&missing, &missing_cost, &known], "marginal.columns")
}

/// The cost of a column of words: that of the first whose feature is above ½.
fn costs_of_words(graph: &mut Graph, number: usize, column: &ColumnCost<'_>, costs: &[f32]) -> String {
    let name = format!("marginal.column{number}");
    let words = column.first..column.first + costs.len();
    let values = features(graph, &format!("{name}.features"), words);
    let half = graph.number("half", 0.5);
    let set = graph.node("Greater", &[&values, &half], format!("{name}.set"));
    let set = graph.node_with("Cast", &[&set], format!("{name}.set.number"), [("to", Attribute::Int(1))]);
    let row = [("axis", Attribute::Int(1)), ("keepdims", Attribute::Int(1))];
    let word = graph.node_with("ArgMax", &[&set], format!("{name}.word"), row);
    let table = graph.numbers(format!("{name}.costs"), &[costs.len()], costs);
    let seen = graph.node_with("Gather", &[&table, &word], format!("{name}.seen"), [("axis", Attribute::Int(0))]);
    let row = [("axes", Attribute::Ints(vec![1])), ("keepdims", Attribute::Int(1))];
    let any = graph.node_with("ReduceMax", &[&set], format!("{name}.any"), row);
    let is_known = graph.node("Greater", &[&any, &half], format!("{name}.is_known"));
    let unseen = graph.number(format!("{name}.unseen_cost"), column.unseen);
    let known = graph.node("Where", &[&is_known, &seen, &unseen], format!("{name}.known"));
    let first = features(graph, &format!("{name}.first"), std::iter::once(column.first));
    let missing = graph.node("IsNaN", &[&first], format!("{name}.missing"));
    let missing_cost = graph.number(format!("{name}.missing_cost"), column.missing);
    graph.node("Where", &[&missing, &missing_cost, &known], name)
}
