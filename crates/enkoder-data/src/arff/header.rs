//! The declarations that an ARFF file starts with: the relation's name and the attributes, which are the columns.

use super::date::DateFormat;
use super::lines::Lines;
use super::scanner::Scanner;
use crate::DataError;
use crate::table::check_column_count;

#[derive(Debug)]
pub(super) struct Header {
    pub(super) relation: String,
    pub(super) attributes: Vec<(String, Attribute)>,
}

/// What a column holds.
#[derive(Debug, PartialEq)]
pub(super) enum Attribute {
    Number,
    Nominal(Vec<String>),
    Text,
    Date(DateFormat),
}

/// Reads up to and with the line `@data`.
pub(super) fn read(lines: &mut Lines<'_>) -> Result<Header, DataError> {
    let mut header = Header { relation: String::new(), attributes: Vec::new() };
    let mut any = false;
    while let Some(line) = lines.next()? {
        if line.is_empty() || line[0] == b'%' {
            continue;
        }
        any = true;
        match declaration(line) {
            Ok(Declaration::Relation(name)) => header.relation = name,
            Ok(Declaration::Attribute(name, attribute)) => {
                check_column_count(header.attributes.len() + 1)?;
                header.attributes.push((name, attribute));
            }
            Ok(Declaration::Data) => {
                if header.attributes.is_empty() {
                    return Err(lines.malformed("no @attribute is declared before @data"));
                }
                return Ok(header);
            }
            Err(why) => return Err(lines.malformed(why)),
        }
    }
    let end = crate::Place::line(lines.number().max(1));
    Err(if any { DataError::malformed(end, "the file ends before @data") } else { DataError::empty(end) })
}

enum Declaration {
    Relation(String),
    Attribute(String, Attribute),
    Data,
}

fn declaration(line: &[u8]) -> Result<Declaration, String> {
    let mut scanner = Scanner::new(line);
    let keyword = scanner.word(|byte| byte.is_ascii_whitespace())?;
    match keyword.text()?.to_ascii_lowercase().as_str() {
        "@relation" => Ok(Declaration::Relation(scanner.word(|byte| byte == b'%')?.text()?.to_owned())),
        "@attribute" => {
            let name = scanner.word(|byte| byte.is_ascii_whitespace() || byte == b'{')?.text()?.to_owned();
            let attribute = attribute(&mut scanner).map_err(|why| format!("attribute {name:?}: {why}"))?;
            Ok(Declaration::Attribute(name, attribute))
        }
        "@data" => Ok(Declaration::Data),
        _ => Err(format!("expected @relation, @attribute or @data, but found {}", keyword.shown())),
    }
}

fn attribute(scanner: &mut Scanner<'_>) -> Result<Attribute, String> {
    scanner.skip_blanks();
    if scanner.skip(b'{') {
        return nominal(scanner);
    }
    let kind = scanner.word(|byte| byte.is_ascii_whitespace() || matches!(byte, b'%' | b'['))?;
    match kind.text()?.to_ascii_lowercase().as_str() {
        "numeric" | "real" | "integer" => Ok(Attribute::Number),
        "string" => Ok(Attribute::Text),
        "date" => {
            let pattern = scanner.word(|byte| byte == b'%')?;
            let pattern = pattern.text()?;
            Ok(Attribute::Date(DateFormat::new(if pattern.is_empty() { DateFormat::DEFAULT } else { pattern })?))
        }
        "relational" => Err("relational attributes (tables within a table) are not supported".into()),
        "" => Err("the type is missing".into()),
        _ => Err(format!("{} is not a type; expected numeric, {{…}}, string or date", kind.shown())),
    }
}

fn nominal(scanner: &mut Scanner<'_>) -> Result<Attribute, String> {
    let mut words = Vec::new();
    scanner.skip_blanks();
    if scanner.skip(b'}') {
        return Ok(Attribute::Nominal(words));
    }
    loop {
        words.push(scanner.word(|byte| matches!(byte, b',' | b'}'))?.text()?.to_owned());
        scanner.skip_blanks();
        if scanner.skip(b'}') {
            return Ok(Attribute::Nominal(words));
        }
        if !scanner.skip(b',') {
            return Err(match scanner.peek() {
                None => "the list of values has no closing }".into(),
                Some(byte) => format!("expected , or }} behind a value, but found {:?}", char::from(byte)),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ByteSource;

    fn header(text: &str) -> Result<Header, DataError> {
        read(&mut Lines::new(ByteSource::from_bytes("t", text.as_bytes()).unwrap()))
    }

    #[test]
    fn keywords_are_read_in_any_case_and_names_may_be_quoted() {
        let text = "% c\n@RELATION 'my \\'data\\''\n\n@Attribute 'two words' Real % c\n@attribute c{a , 'b c',\"d\"}\n@attribute s STRING\n\
                    @attribute i integer [0,5]\n@DATA\n";
        let header = header(text).unwrap();
        assert_eq!(header.relation, "my 'data'");
        let words = ["a", "b c", "d"].map(String::from).to_vec();
        let expected = [
            ("two words".into(), Attribute::Number),
            ("c".into(), Attribute::Nominal(words)),
            ("s".into(), Attribute::Text),
            ("i".into(), Attribute::Number),
        ];
        assert_eq!(header.attributes, expected);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let message = |text: &str| header(text).unwrap_err().to_string();
        assert_eq!(
            message("@relation r\n@attribute a colour\n"),
            "line 2: attribute \"a\": \"colour\" is not a type; expected numeric, {…}, string or date"
        );
        assert_eq!(message("@attribute a {x,y\n@data"), "line 1: attribute \"a\": the list of values has no closing }");
        assert_eq!(
            message("@attribute a relational\n"),
            "line 1: attribute \"a\": relational attributes (tables within a table) are not supported"
        );
        assert_eq!(
            message("@attribute a numeric\n1\n"),
            "line 2: expected @relation, @attribute or @data, but found \"1\""
        );
        assert_eq!(message("@attribute a numeric\n"), "line 1: the file ends before @data");
        assert_eq!(message("@relation r\n@data\n1"), "line 2: no @attribute is declared before @data");
        assert_eq!(message("@attribute a\n"), "line 1: attribute \"a\": the type is missing");
        assert_eq!(message("@attribute \u{e9}"), "line 1: attribute \"é\": the type is missing");
    }

    #[test]
    fn a_file_of_comments_is_empty() {
        assert!(matches!(header("% nothing\n\n"), Err(DataError::Empty { .. })));
        assert!(matches!(header(""), Err(DataError::Empty { .. })));
    }
}
