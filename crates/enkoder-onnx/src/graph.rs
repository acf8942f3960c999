//! A graph while it is written: nodes in the order in which they run, constants beside them, every value with a name that can be read.

use prost::Message;

use crate::proto::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, attribute_kind, element,
};

/// The set of operators that is written: what runtimes of 2022 and later know.
const OPSET: i64 = 17;
/// The version of the format that goes with it.
const IR_VERSION: i64 = 8;
/// The name of the length that is not fixed.
const BATCH: &str = "batch";

/// What an operator is told beside its inputs.
#[derive(Clone, Debug)]
pub(crate) enum Attribute {
    Float(f32),
    Int(i64),
    Ints(Vec<i64>),
    Text(&'static str),
}

impl Attribute {
    fn named(self, name: &str) -> AttributeProto {
        let named = |kind| AttributeProto { name: Some(name.to_owned()), kind: Some(kind), ..Default::default() };
        match self {
            Self::Float(value) => AttributeProto { f: Some(value), ..named(attribute_kind::FLOAT) },
            Self::Int(value) => AttributeProto { i: Some(value), ..named(attribute_kind::INT) },
            Self::Ints(ints) => AttributeProto { ints, ..named(attribute_kind::INTS) },
            Self::Text(text) => AttributeProto { s: Some(text.into()), ..named(attribute_kind::STRING) },
        }
    }
}

/// A graph to which nodes are added.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    graph: GraphProto,
}

impl Graph {
    /// Adds a node without attributes, whose output has its name. Gives the name back.
    pub(crate) fn node(&mut self, operator: &str, inputs: &[&str], name: impl Into<String>) -> String {
        self.node_with(operator, inputs, name, [])
    }

    /// Adds a node, whose output has its name. Gives the name back.
    pub(crate) fn node_with<'a>(
        &mut self,
        operator: &str,
        inputs: &[&str],
        name: impl Into<String>,
        attributes: impl IntoIterator<Item = (&'a str, Attribute)>,
    ) -> String {
        let name = name.into();
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.clone()],
            name: Some(name.clone()),
            op_type: Some(operator.to_owned()),
            attribute: attributes.into_iter().map(|(key, attribute)| attribute.named(key)).collect(),
            domain: None,
        });
        name
    }

    /// Adds a constant of numbers. Gives its name back.
    pub(crate) fn numbers(&mut self, name: impl Into<String>, shape: &[usize], values: &[f32]) -> String {
        self.constant(name.into(), shape, element::FLOAT, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// Adds a single number. Gives its name back.
    pub(crate) fn number(&mut self, name: impl Into<String>, value: f32) -> String {
        self.numbers(name, &[], &[value])
    }

    /// Adds a row of whole numbers. Gives its name back.
    pub(crate) fn integers(&mut self, name: impl Into<String>, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name.into(), &[values.len()], element::INT64, bytes)
    }

    /// Adds a row of truths. Gives its name back.
    pub(crate) fn truths(&mut self, name: impl Into<String>, values: &[bool]) -> String {
        let bytes = values.iter().map(|&value| u8::from(value)).collect();
        self.constant(name.into(), &[values.len()], element::BOOL, bytes)
    }

    fn constant(&mut self, name: String, shape: &[usize], element: i32, raw_data: Vec<u8>) -> String {
        // The same constant may serve several nodes.
        if !self.graph.initializer.iter().any(|known| known.name() == name) {
            self.graph.initializer.push(TensorProto {
                dims: shape.iter().map(|&length| length as i64).collect(),
                data_type: Some(element),
                name: Some(name.clone()),
                raw_data: Some(raw_data),
                ..Default::default()
            });
        }
        name
    }

    /// The same values as rows of another shape, of which the number of rows stays as it is.
    pub(crate) fn reshape(&mut self, value: &str, shape: &[usize], name: impl Into<String>) -> String {
        // 0 takes the length that is there.
        let lengths: Vec<i64> = std::iter::once(0).chain(shape.iter().map(|&length| length as i64)).collect();
        let text: Vec<String> = shape.iter().map(usize::to_string).collect();
        let target = self.integers(format!("shape.{}", text.join("x")), &lengths);
        self.node("Reshape", &[value, &target], name)
    }

    /// The same values with their axes in another order.
    pub(crate) fn transpose(&mut self, value: &str, axes: &[i64], name: impl Into<String>) -> String {
        self.node_with("Transpose", &[value], name, [("perm", Attribute::Ints(axes.to_vec()))])
    }

    /// Says that a value comes from outside: rows of numbers of this shape.
    pub(crate) fn input(&mut self, name: &str, shape: &[usize], meaning: String) {
        self.graph.input.push(value_info(name, shape, element::FLOAT, Some(meaning)));
    }

    /// Says that a value is a result: rows of numbers of this shape.
    pub(crate) fn output(&mut self, name: &str, shape: &[usize], meaning: &str) {
        self.graph.output.push(value_info(name, shape, element::FLOAT, Some(meaning.to_owned())));
    }

    /// Says that a value is a result: a truth for each row.
    pub(crate) fn output_of_truths(&mut self, name: &str, meaning: &str) {
        self.graph.output.push(value_info(name, &[], element::BOOL, Some(meaning.to_owned())));
    }

    /// Says of which shape the rows of a value between are.
    pub(crate) fn describe(&mut self, name: &str, shape: &[usize]) {
        self.graph.value_info.push(value_info(name, shape, element::FLOAT, None));
    }

    /// The file.
    pub(crate) fn into_bytes(self, name: &str, meaning: String, metadata: Vec<(&str, String)>) -> Vec<u8> {
        let entry =
            |(key, value): (&str, String)| StringStringEntryProto { key: Some(key.to_owned()), value: Some(value) };
        let model = ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some("enkoder".to_owned()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            doc_string: Some(meaning.clone()),
            graph: Some(GraphProto { name: Some(name.to_owned()), doc_string: Some(meaning), ..self.graph }),
            opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
            metadata_props: metadata.into_iter().map(entry).collect(),
        };
        model.encode_to_vec()
    }
}

fn value_info(name: &str, shape: &[usize], element: i32, meaning: Option<String>) -> ValueInfoProto {
    let batch = DimensionProto { dim_value: None, dim_param: Some(BATCH.to_owned()) };
    let length = |&length: &usize| DimensionProto { dim_value: Some(length as i64), dim_param: None };
    let shape = TensorShapeProto { dim: std::iter::once(batch).chain(shape.iter().map(length)).collect() };
    let of_type = TypeProto { tensor_type: Some(TensorTypeProto { elem_type: Some(element), shape: Some(shape) }) };
    ValueInfoProto { name: Some(name.to_owned()), of_type: Some(of_type), doc_string: meaning }
}
