//! From a data set's number to its samples: labels, columns left out, and files that turn out to be unreadable.

use std::fs;
use std::path::PathBuf;

use enkoder::Dataset;
use enkoder_data::idx::IdxFolder;
use enkoder_data::{DataError, ReadOptions, Source, TableOptions};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;
use crate::server::Reply;

fn open(client: &OpenmlClient) -> Result<Dataset, DataError> {
    client.open(7, &TableOptions::default(), &mut |_| ControlFlow::Continue(()))
}

/// Digits as bytes, with their classes as words, as OpenML has them: `pixel1` … `pixelN`, `class`.
struct Digits {
    pixels: Vec<Vec<u8>>,
    classes: Vec<String>,
}

impl Digits {
    fn of(data: &Dataset) -> Self {
        let names = data.classes().unwrap();
        Self {
            pixels: (0..data.len()).map(|row| data.row_u8(row).unwrap().to_vec()).collect(),
            classes: (0..data.len()).map(|row| names[data.label(row).unwrap() as usize].clone()).collect(),
        }
    }

    /// Four small pictures of two classes.
    fn small() -> Self {
        let pixels = (0..4u8).map(|row| (0..4).map(|column| row * 60 + column).collect()).collect();
        Self { pixels, classes: ["7", "3", "7", "7"].map(String::from).into() }
    }

    fn width(&self) -> usize {
        self.pixels[0].len()
    }

    fn arff(&self) -> Arc<[u8]> {
        let numbers: Vec<String> = (0..=255).map(|value| format!("{value},")).collect();
        let mut text = String::from("@RELATION mnist_784\n\n");
        for column in 1..=self.width() {
            text += &format!("@ATTRIBUTE pixel{column} real\n");
        }
        text += "@ATTRIBUTE class {0,1,2,3,4,5,6,7,8,9}\n\n@DATA\n";
        for (pixels, class) in self.pixels.iter().zip(&self.classes) {
            text.extend(pixels.iter().map(|&value| numbers[usize::from(value)].as_str()));
            text += class;
            text.push('\n');
        }
        text.into_bytes().into()
    }

    fn parquet(&self) -> Arc<[u8]> {
        let mut message = String::from("message schema {\n");
        for column in 1..=self.width() {
            message += &format!("REQUIRED INT32 pixel{column} (INTEGER(8,false));\n");
        }
        message += "REQUIRED BYTE_ARRAY class (STRING);\n}";
        let schema = Arc::new(parse_message_type(&message).unwrap());
        let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::default())).unwrap();
        let mut group = file.next_row_group().unwrap();
        for column in 0..self.width() {
            let values: Vec<i32> = self.pixels.iter().map(|row| i32::from(row[column])).collect();
            let mut writer = group.next_column().unwrap().unwrap();
            writer.typed::<Int32Type>().write_batch(&values, None, None).unwrap();
            writer.close().unwrap();
        }
        let classes: Vec<ByteArray> = self.classes.iter().map(|class| class.as_str().into()).collect();
        let mut writer = group.next_column().unwrap().unwrap();
        writer.typed::<ByteArrayType>().write_batch(&classes, None, None).unwrap();
        writer.close().unwrap();
        group.close().unwrap();
        file.into_inner().unwrap().into()
    }
}

/// A server of digits as data set 7, in both formats, where the Parquet file may be another one.
fn digits_server(arff: Arc<[u8]>, parquet: Option<Arc<[u8]>>) -> Server {
    let sum = md5(&arff);
    Server::start(move |request, address| match (request.path.as_str(), &parquet) {
        ("/api/v1/json/data/7", parquet) => {
            let parquet = parquet.as_ref().map(|_| format!(r#","parquet_url":"{address}/7.pq""#)).unwrap_or_default();
            description(&format!(
                r#""url":"{address}/7.arff","md5_checksum":"{sum}","default_target_attribute":"class"{parquet}"#
            ))
        }
        ("/7.arff", _) => Reply::file(request, &arff, "\"a\""),
        ("/7.pq", Some(parquet)) => Reply::file(request, parquet, "\"p\""),
        _ => Reply::new(404, "not here"),
    })
}

/// MNIST from its original files, or a word on why not.
fn mnist() -> Option<Dataset> {
    let Some(folder) = std::env::var_os("ENKODER_TEST_DATA") else {
        println!("skipped: ENKODER_TEST_DATA is not set");
        return None;
    };
    let whole = IdxFolder::find(&PathBuf::from(folder).join("mnist")).unwrap().unwrap().read().unwrap();
    // The digits of the test set alone: all 70,000 take a minute where nothing is optimised.
    Some(whole.select(&(60_000..70_000).collect::<Vec<_>>()))
}

#[test]
fn digits_are_bytes_with_the_shape_of_an_image_in_either_format() {
    let digits = Digits::small();
    for parquet in [None, Some(digits.parquet())] {
        let server = digits_server(digits.arff(), parquet);
        let data = open(&client(&server, &tempfile::tempdir().unwrap())).unwrap();
        assert_eq!((data.name(), data.len(), data.shape()), ("points", 4, &[2, 2][..]));
        assert_eq!(data.row_u8(1), Some(&[60, 61, 62, 63][..]));
        let class = |row| data.classes().unwrap()[data.label(row).unwrap() as usize].as_str();
        assert_eq!([class(0), class(1)], ["7", "3"]);
    }
}

#[test]
fn mnist_from_openml_as_parquet_is_mnist() {
    let Some(original) = mnist() else { return };
    let digits = Digits::of(&original);
    let server = digits_server(Digits::small().arff(), Some(digits.parquet()));
    let data = open(&client(&server, &tempfile::tempdir().unwrap())).unwrap();
    assert_eq!(data.fingerprint(), original.fingerprint());
    assert_eq!(Digits::of(&data).classes, digits.classes);
}

#[test]
fn mnist_from_openml_as_arff_is_mnist() {
    let Some(original) = mnist() else { return };
    let digits = Digits::of(&original);
    let server = digits_server(digits.arff(), None);
    let data = open(&client(&server, &tempfile::tempdir().unwrap())).unwrap();
    assert_eq!(data.fingerprint(), original.fingerprint());
    assert_eq!(Digits::of(&data).classes, digits.classes);
}

#[test]
fn openml_is_opened_through_the_one_door() {
    let server = digits_server(Digits::small().arff(), None);
    let client = client(&server, &tempfile::tempdir().unwrap());
    let options = ReadOptions { samples: Some(3), ..ReadOptions::default() };
    let mut events = 0;
    let data = Source::find("openml:7").unwrap().open_with(&options, &client, &mut |_| {
        events += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(data.unwrap().len(), 3);
    assert!(events > 0);
}

#[test]
fn a_label_named_by_the_caller_goes_before_the_one_to_predict() {
    let server = arff_server(|request, body| Reply::file(request, body, "\"v1\""));
    let cache = tempfile::tempdir().unwrap();
    let client = client(&server, &cache);
    let by_default = open(&client).unwrap();
    assert_eq!(by_default.schema().unwrap().feature_names(), ["x", "y"]);
    assert_eq!(by_default.classes().unwrap(), ["a", "b"]);
    let options = TableOptions { label: Some("x".into()), ignore: vec!["y".into()], ..TableOptions::default() };
    let data = client.open(7, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(data.schema().unwrap().feature_names(), ["class=a", "class=b"]);
}

#[test]
fn columns_that_are_not_to_be_learned_from_are_left_out() {
    let body: Arc<[u8]> = (*b"@relation r\n@attribute id numeric\n@attribute x numeric\n@attribute note {p,q}\n\
        @attribute y1 {a,b}\n@attribute y2 {c,d}\n@data\n1,0.5,p,a,c\n2,0.25,q,b,d\n")
        .into();
    let server = Server::start(move |request, address| match request.path.as_str() {
        "/api/v1/json/data/7" => description(&format!(
            r#""url":"{address}/7.arff","row_id_attribute":"id","ignore_attribute":["note","gone"],
               "default_target_attribute":"y1,y2""#
        )),
        _ => Reply::file(request, &body, "\"v1\""),
    });
    let data = open(&client(&server, &tempfile::tempdir().unwrap())).unwrap();
    assert_eq!(data.schema().unwrap().feature_names(), ["x"]);
    assert_eq!(data.classes().unwrap(), ["a", "b"]);
}

#[test]
fn a_parquet_file_that_cannot_be_read_leads_to_the_arff_file_for_good() {
    let digits = Digits::small();
    let server = digits_server(digits.arff(), Some(parquet_frame()));
    let cache = tempfile::tempdir().unwrap();
    let client = client(&server, &cache);
    assert_eq!(open(&client).unwrap().len(), 4);
    assert_eq!(open(&client).unwrap().len(), 4);
    assert_eq!(server.requests_for("/7").len(), 2);
}

#[test]
fn a_file_damaged_in_the_cache_is_fetched_again_when_it_cannot_be_read() {
    let digits = Digits::small();
    let server = digits_server(digits.arff(), None);
    let cache = tempfile::tempdir().unwrap();
    let client = client(&server, &cache);
    let set = fetch(&client).unwrap();
    fs::write(&set.path, vec![b'?'; set.bytes as usize]).unwrap();

    let error = open(&client.clone().with_offline(true)).unwrap_err();
    assert!(error.to_string().starts_with("openml data set 7 is damaged in the cache "), "{error}");
    assert_eq!(open(&client).unwrap().len(), 4);
}
