//! Columns of a table that nothing was learned from, and how a schema with them is written: as a list of its columns where there are
//! none, as ever.

use serde::{Deserialize, Serialize};

use super::{Column, Schema};

/// A column that nothing was learned from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The column's name.
    pub name: String,
    /// Why it was left out.
    pub why: WhyLeftOut,
}

/// Why nothing can be learned from a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WhyLeftOut {
    /// No row had a value there.
    NoValue,
    /// It is a clock, which tells when and not what.
    Clock,
    /// It has no name and counts the rows.
    RowNumber,
    /// It is text, with too many different words for categories.
    Text,
}

/// A schema as files have it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Written {
    Columns(Vec<Column>),
    WithLeftOut { columns: Vec<Column>, left_out: Vec<LeftOut> },
}

impl From<Schema> for Written {
    fn from(Schema { columns, left_out }: Schema) -> Self {
        if left_out.is_empty() { Self::Columns(columns) } else { Self::WithLeftOut { columns, left_out } }
    }
}

impl From<Written> for Schema {
    fn from(written: Written) -> Self {
        match written {
            Written::Columns(columns) => Self::new(columns),
            Written::WithLeftOut { columns, left_out } => Self { columns, left_out },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_a_list_of_its_columns_unless_some_were_left_out() {
        let mut schema = Schema::new(vec![Column::numeric("a")]);
        let list = r#"[{"name":"a","kind":"numeric"}]"#;
        assert_eq!(serde_json::to_string(&schema).unwrap(), list);
        assert_eq!(serde_json::from_str::<Schema>(list).unwrap(), schema);
        schema.left_out = vec![LeftOut { name: "at".into(), why: WhyLeftOut::Clock }];
        let text = serde_json::to_string(&schema).unwrap();
        assert_eq!(text, format!(r#"{{"columns":{list},"left_out":[{{"name":"at","why":"clock"}}]}}"#));
        assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), schema);
    }
}
