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
    assert_eq!(names, ["a", "w", "n.b", "n.c[0]", "n.c[1]"]);
    assert_eq!(row(&table, 0), [Number(1.0), Word("x"), Missing, Missing, Missing]);
    assert_eq!(row(&table, 1), [Missing, Word("true"), Number(-2.5), Number(3.0), Missing]);
}

#[test]
fn objects_may_stand_in_an_array_over_several_lines_and_behind_one_another() {
    let expected = parse_json_lines("t", b"{\"a\": 1, \"b\": [2]}\n{\"a\": 3}\n", &TableOptions::default()).unwrap();
    for text in [
        "[{\"a\": 1, \"b\": [2]}, {\"a\": 3}]",
        "\u{feff}[\r\n  {\r\n    \"a\": 1,\r\n    \"b\": [\r\n 2 ]\r\n  },\r\n  {\"a\": 3}\r\n]\r\n",
        "{\"a\": 1, \"b\": [2]} {\"a\": 3}",
        "{\"a\": 1, \"b\": [2]},\n{\"a\": 3},\n",
        "{\"a\": 1, \"b\": [2]}\r{\"a\": 3}\r",
    ] {
        let table = parse_json_lines("t", text.as_bytes(), &TableOptions::default()).unwrap();
        assert_eq!(table.columns(), expected.columns(), "{text}");
        (0..2).for_each(|at| assert_eq!(row(&table, at), row(&expected, at), "{text}"));
    }
    // Brackets and quotes in words end nothing.
    let text = "{\"a\": \"}\\\\\"}\n{\"a\": \"\\\"{[\"}";
    let table = parse_json_lines("t", text.as_bytes(), &TableOptions::default()).unwrap();
    assert_eq!((row(&table, 0), row(&table, 1)), (vec![Word("}\\")], vec![Word("\"{[")]));
}

#[test]
fn what_others_write_for_numbers_is_read_as_numbers() {
    let text = "{\"a\": NaN, \"b\": \"1.5\", \"c\": null, \"d\": null, \"NaN\": \"NaN 1e400\"}\n\
                {\"a\": -Infinity, \"b\": \"NA\", \"c\": null, \"d\": {\"e\": 1e400}, \"NaN\": \"x\"}\n";
    let table = parse_json_lines("t", text.as_bytes(), &TableOptions::default()).unwrap();
    let names: Vec<&str> = table.columns().iter().map(|column| column.name()).collect();
    assert_eq!(names, ["a", "b", "c", "NaN", "d.e"]);
    assert_eq!(row(&table, 0), [Missing, Number(1.5), Missing, Word("NaN 1e400"), Missing]);
    assert_eq!(row(&table, 1), [Number(f32::NEG_INFINITY), Missing, Missing, Word("x"), Number(f32::INFINITY)]);
}

#[test]
fn what_is_no_object_is_refused_with_its_line() {
    let message =
        |text: &str| parse_json_lines("t", text.as_bytes(), &TableOptions::default()).unwrap_err().to_string();
    assert_eq!(message("{\"a\": 1}\n{\"a\": \n"), "t, line 2: the object that begins here is not closed");
    assert_eq!(message("{\"a\": 1}\n[1, 2]\n"), "t, line 2: the line is no JSON object: '1' stands where one begins");
    assert_eq!(message("\n{\"a\": 1,\n \"b\": x}\n"), "t, line 3: the line is no JSON at its byte 7: expected value");
    // What pandas writes unless it is told otherwise, and what others write of columns and rows.
    for document in
        ["{\"a\":{\"0\":1,\"1\":2}}", "{\"columns\":[\"a\"],\"data\":[[1],[2]]}", "{\n \"data\": [{\"a\": 1}]\n}"]
    {
        assert_eq!(message(document), "t: is one JSON object of objects or arrays, not a table of one object a row");
    }
    assert_eq!(message("[[1, 2], [3, 4]]"), "t, line 1: the line is no JSON object: '[' stands where one begins");
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(500), "]".repeat(500));
    assert_eq!(message(&deep), "t, line 1: the line is no JSON at its byte 133: recursion limit exceeded");
}
