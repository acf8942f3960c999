//! From tables to data sets: features, labels, and new data for a model that exists.

use enkoder::{Column, ColumnKind, Dataset, Schema};
use enkoder_data::{DataError, MissingPolicy, Position, TableOptions, parse_csv};

fn data(text: &str, options: &TableOptions) -> Result<Dataset, DataError> {
    parse_csv("t.csv", text.as_bytes(), options)?.into_dataset(options)
}

fn labelled(label: &str) -> TableOptions {
    TableOptions { label: Some(label.into()), ..Default::default() }
}

fn with_schema(columns: Vec<Column>) -> TableOptions {
    TableOptions { schema: Some(Schema::new(columns)), ..Default::default() }
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| word.to_string()).collect()
}

/// Values with missing ones as −1, so that they can be compared.
fn row(data: &Dataset, index: usize) -> Vec<f32> {
    let mut row = vec![0.0; data.features()];
    data.copy_row(index, &mut row);
    row.iter().map(|value| if value.is_nan() { -1.0 } else { *value }).collect()
}

const FRUIT: &str = "weight,colour,kind\n1.5,red,apple\n,green,pear\n2,,apple\n300,red,fig\n";

#[test]
fn numbers_are_one_feature_and_words_one_for_each_category() {
    let data = data(FRUIT, &labelled("kind")).unwrap();
    assert_eq!(data.schema().unwrap().feature_names(), ["weight", "colour=red", "colour=green"]);
    let rows: Vec<Vec<f32>> = (0..4).map(|index| row(&data, index)).collect();
    assert_eq!(rows, [[1.5, 1.0, 0.0], [-1.0, 0.0, 1.0], [2.0, -1.0, -1.0], [300.0, 1.0, 0.0]]);
    assert_eq!(data.classes().unwrap(), ["apple", "fig", "pear"]);
    assert_eq!((0..4).map(|index| data.label(index).unwrap()).collect::<Vec<_>>(), [0, 2, 0, 1]);
    assert_eq!((data.name(), data.is_u8()), ("t.csv", false));
}

#[test]
fn a_label_is_found_by_name_or_number_and_else_the_nearest_name_is_shown() {
    for label in ["kind", "#3"] {
        assert_eq!(data(FRUIT, &labelled(label)).unwrap().features(), 3, "{label}");
    }
    let error = data(FRUIT, &labelled("knid")).unwrap_err();
    assert_eq!(error.to_string(), "there is no column \"knid\"");
    assert_eq!(error.hint().as_deref(), Some("did you mean \"kind\"?"));
    let error = data(FRUIT, &labelled("#4")).unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("the columns are: weight, colour, kind"));
    assert!(data(FRUIT, &labelled("#0")).is_err());
}

#[test]
fn columns_to_be_ignored_are_no_features() {
    let options = TableOptions { ignore: vec!["weight".into(), "#3".into()], ..Default::default() };
    assert_eq!(data(FRUIT, &options).unwrap().schema().unwrap().feature_names(), ["colour=red", "colour=green"]);
    let options = TableOptions { ignore: vec!["wieght".into()], ..Default::default() };
    assert_eq!(data(FRUIT, &options).unwrap_err().to_string(), "there is no column \"wieght\"");
}

#[test]
fn rows_with_missing_values_are_kept_dropped_or_refused_as_asked() {
    let with = |missing| TableOptions { missing, label: Some("kind".into()), ..Default::default() };
    assert_eq!(data(FRUIT, &with(MissingPolicy::Keep)).unwrap().len(), 4);
    let dropped = data(FRUIT, &with(MissingPolicy::Drop)).unwrap();
    assert_eq!((dropped.len(), row(&dropped, 1)), (2, vec![300.0, 1.0, 0.0]));
    assert_eq!((dropped.classes().unwrap(), dropped.label(1)), (&words(&["apple", "fig"])[..], Some(1)));
    let error = data(FRUIT, &with(MissingPolicy::Error)).unwrap_err();
    assert_eq!(error.to_string(), "t.csv, line 3: column \"weight\" has no value");
    let error = data("a,b\n1,\n,2\n", &with(MissingPolicy::Drop)).unwrap_err();
    assert_eq!(error.to_string(), "there is no column \"kind\"");
    let options = TableOptions { missing: MissingPolicy::Drop, ..Default::default() };
    assert_eq!(data("a,b\n1,\n,2\n", &options).unwrap_err().to_string(), "t.csv: each of the 2 rows misses a value");
}

#[test]
fn whole_numbers_to_255_and_one_hot_features_stay_bytes() {
    let bytes = data("a,b\n0,x\n255,y\n", &TableOptions::default()).unwrap();
    assert_eq!((bytes.row_u8(0), bytes.row_u8(1)), (Some(&[0, 1, 0][..]), Some(&[255, 0, 1][..])));
    for other in ["256", "-1", "0.5", "NA"] {
        assert!(!data(&format!("a,b\n0,1\n{other},2\n"), &TableOptions::default()).unwrap().is_u8(), "{other}");
    }
    // What is no feature does not matter.
    let labelled = data("a,class\n1,1000.5\n2,-3\n", &labelled("class")).unwrap();
    assert!(labelled.is_u8());
    assert_eq!(labelled.classes().unwrap(), ["-3", "1000.5"]);
}

#[test]
fn pixels_are_an_image_without_columns() {
    let text = "label,pixel1,pixel2,pixel3,pixel4\n7,0,128,255,1\n3,9,8,7,6\n";
    let image = data(text, &labelled("label")).unwrap();
    assert_eq!((image.shape(), image.schema(), image.row_u8(0)), (&[2, 2][..], None, Some(&[0, 128, 255, 1][..])));
    assert_eq!((image.classes().unwrap(), image.label(0)), (&words(&["3", "7"])[..], Some(1)));
    // With the label among the features it is a table like others.
    assert_eq!(data(text, &TableOptions::default()).unwrap().shape(), [5]);
}

#[test]
fn columns_from_which_nothing_can_be_learned_are_left_out() {
    let rows: String = (0..40).map(|n| format!("id{n},,{},same\n", n % 3)).collect();
    let table = data(&format!("id,empty,x,constant\n{rows}"), &TableOptions::default()).unwrap();
    assert_eq!(table.schema().unwrap().feature_names(), ["x", "constant=same"]);
    let error = data("a,b\nNA,\n,?\n", &TableOptions { header: Some(true), ..Default::default() }).unwrap_err();
    let why = "t.csv: no column is left to learn from: \"a\", \"b\" left out, for no row has a value there";
    assert_eq!(error.to_string(), why);
}

#[test]
fn new_data_is_read_as_the_model_s_training_data_was() {
    let train = data(FRUIT, &labelled("kind")).unwrap();
    let options = TableOptions { schema: train.schema().cloned(), ..Default::default() };
    let new = data("extra,colour,weight\n1,green,5\n2,purple,6.5\n3,,\n", &options).unwrap();
    assert_eq!(new.schema(), train.schema());
    let rows: Vec<Vec<f32>> = (0..3).map(|index| row(&new, index)).collect();
    assert_eq!(rows, [[5.0, 0.0, 1.0], [6.5, 0.0, 0.0], [-1.0, -1.0, -1.0]]);

    let error = data("color,weight\nred,5\n", &options).unwrap_err();
    assert_eq!(error.to_string(), "t.csv: column \"colour\", which was learned from, is missing");
    assert_eq!(error.hint().as_deref(), Some("did you mean \"color\"?"));
}

#[test]
fn columns_of_one_name_are_told_apart_again_by_a_model() {
    let text = "a,a,a\n1,x,2.5\n2,y,0.5\n";
    let train = data(text, &TableOptions::default()).unwrap();
    assert_eq!(train.schema().unwrap().feature_names(), ["a", "a.2=x", "a.2=y", "a.3"]);
    let again = data(text, &TableOptions { schema: train.schema().cloned(), ..Default::default() }).unwrap();
    assert_eq!(again.fingerprint(), train.fingerprint());
}

#[test]
fn categories_that_are_numbers_and_numbers_in_words_are_matched_by_value() {
    use enkoder_data::{ByteSource, parse_arff};
    let arff = b"@attribute grade numeric\n@attribute size {1,2.5,x}\n@data\n2,1\n3,2.5\n9,1\n";
    let grade = Column::categorical("grade", words(&["03", "2"]));
    let options = with_schema(vec![Column::numeric("size"), grade]);
    let table = parse_arff(ByteSource::from_bytes("t", arff).unwrap(), &options).unwrap();
    let new = table.into_dataset(&options).unwrap();
    let rows: Vec<Vec<f32>> = (0..3).map(|index| row(&new, index)).collect();
    assert_eq!(rows, [[1.0, 0.0, 1.0], [2.5, 1.0, 0.0], [1.0, 0.0, 0.0]]);

    let arff = b"@attribute size {1,x}\n@data\n1\nx\n";
    let options = with_schema(vec![Column::numeric("size")]);
    let table = parse_arff(ByteSource::from_bytes("t", arff).unwrap(), &options).unwrap();
    let DataError::Unsuitable { place, why, .. } = table.into_dataset(&options).unwrap_err() else { panic!() };
    assert_eq!(place.position, Position::Row(1));
    assert_eq!(why, "column \"size\" holds \"x\", but the model was trained on numbers there");
}

#[test]
fn a_model_s_category_is_found_behind_a_thousand_unknown_ones() {
    let options = with_schema(vec![Column::categorical("word", words(&["wanted"]))]);
    let text: String = (0..3000).map(|n| format!("other{n}\n")).collect();
    let new = data(&format!("word\n{text}wanted\n"), &options).unwrap();
    assert_eq!((new.len(), row(&new, 2999), row(&new, 3000)), (3001, vec![0.0], vec![1.0]));
}

#[test]
fn a_quantity_as_label_is_left_out_of_features_and_labels() {
    let rows: String = (0..200).map(|n| format!("{},{}\n", n % 7, f64::from(n) * 1.5)).collect();
    let regression = data(&format!("x,price\n{rows}"), &labelled("price")).unwrap();
    assert_eq!((regression.features(), regression.classes()), (1, None));
}

#[test]
fn one_hot_features_beyond_the_limit_are_refused_before_they_are_made() {
    let categories = words(&["a"]).into_iter().chain((0..59_999).map(|n| n.to_string())).collect();
    let options = with_schema(vec![Column { name: "w".into(), kind: ColumnKind::Categorical { categories } }]);
    let error = data(&format!("w\n{}", "a\n".repeat(40_000)), &options).unwrap_err();
    assert!(matches!(error, DataError::TooLarge { claimed: 2_400_000_000, .. }), "{error}");
}
