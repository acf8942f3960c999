//! JSON Lines: objects as rows.

use enkoder::Cell::{Missing, Number, Word};
use enkoder_data::{Table, TableOptions, parse_json_lines};

fn row(table: &Table, row: usize) -> Vec<enkoder::Cell<'_>> {
    (0..table.columns().len()).map(|column| table.cell(row, column).unwrap()).collect()
}

#[test]
fn members_are_columns_and_what_is_nested_has_columns_of_its_own() {
    let text = "{\"a\": 1, \"w\": \"x\"}\n\n{\"w\": true, \"n\": {\"b\": -2.5, \"c\": [3, null]}, \"a\": null}\n";
    let table = parse_json_lines("t", text.as_bytes(), &TableOptions::default()).unwrap();
    let names: Vec<&str> = table.columns().iter().map(|column| column.name()).collect();
    assert_eq!(names, ["a", "w", "n.b", "n.c[0]"]);
    assert_eq!(row(&table, 0), [Number(1.0), Word("x"), Missing, Missing]);
    assert_eq!(row(&table, 1), [Missing, Word("true"), Number(-2.5), Number(3.0)]);
}

#[test]
fn what_is_no_object_is_refused_with_its_line() {
    let message =
        |text: &str| parse_json_lines("t", text.as_bytes(), &TableOptions::default()).unwrap_err().to_string();
    assert_eq!(message("{\"a\": 1}\n{\"a\": \n"), "t, line 2: the line is no JSON");
    assert!(message("{\"a\": 1}\n[1, 2]\n").starts_with("t, line 2: the line is JSON, but no object"));
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(500), "]".repeat(500));
    assert_eq!(message(&deep), "t, line 1: the line is no JSON");
}
