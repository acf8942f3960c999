//! Any bytes, plain or packed by gzip, as CSV; what can be trained on is read again in the same way. And as a stream, line by line.
#![no_main]

use enkoder_data::{CsvLines, TableOptions, parse_csv};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let read = |options: &TableOptions| parse_csv("fuzz", bytes, options)?.into_dataset(options);
    let _ = read(&TableOptions { label: Some("#1".into()), ..Default::default() });
    if let Ok(train) = read(&TableOptions::default())
        && let Some(schema) = train.schema()
    {
        let again = read(&TableOptions { schema: Some(schema.clone()), ..Default::default() }).unwrap();
        assert_eq!(again.fingerprint(), train.fingerprint());
    }
    let mut lines = bytes.split(|&byte| byte == b'\n');
    if let Ok(mut stream) = CsvLines::new(lines.next().unwrap_or_default(), &TableOptions::default()) {
        let mut row = Vec::new();
        lines.for_each(|line| drop(stream.read(line, &mut row)));
    }
});
