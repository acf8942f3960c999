//! The words of an ARFF line: bare, or quoted with escapes.

use std::borrow::Cow;

/// A place in a line.
pub(super) struct Scanner<'l> {
    line: &'l [u8],
    at: usize,
}

/// A value as it stands in a line.
#[derive(Debug, PartialEq)]
pub(super) struct Word<'l> {
    /// Its bytes; escapes are resolved, and blanks around a bare word are gone.
    pub(super) bytes: Cow<'l, [u8]>,
    pub(super) quoted: bool,
}

impl Word<'_> {
    /// Whether it stands for a missing value.
    pub(super) fn is_missing(&self) -> bool {
        !self.quoted && matches!(&*self.bytes, b"?" | b"")
    }

    /// The text; the reason where it is none.
    pub(super) fn text(&self) -> Result<&str, String> {
        std::str::from_utf8(&self.bytes).map_err(|_| format!("{} is not text in UTF-8", self.shown()))
    }

    /// The word as a message shows it.
    pub(super) fn shown(&self) -> String {
        const SHOWN: usize = 40;
        let text = String::from_utf8_lossy(&self.bytes);
        let shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() { format!("{:?}", shown + "…") } else { format!("{shown:?}") }
    }
}

impl<'l> Scanner<'l> {
    pub(super) fn new(line: &'l [u8]) -> Self {
        Self { line, at: 0 }
    }

    pub(super) fn rest(&self) -> &'l [u8] {
        &self.line[self.at..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Goes over a byte, if it is the next.
    pub(super) fn skip(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// A whole number of up to seven digits before a comma; the most frequent value by far.
    #[inline]
    pub(super) fn short_number(&mut self) -> Option<f32> {
        while self.skip(b' ') {}
        let mut number = 0u32;
        for (length, &byte) in self.line[self.at..].iter().take(8).enumerate() {
            match byte {
                b'0'..=b'9' if length < 7 => number = number * 10 + u32::from(byte - b'0'),
                b',' if length > 0 => {
                    self.at += length;
                    return Some(number as f32);
                }
                _ => return None,
            }
        }
        None
    }

    /// The next word, up to one of the bytes for which `ends` is true or, where it is quoted, to the closing quote.
    pub(super) fn word(&mut self, ends: impl Fn(u8) -> bool) -> Result<Word<'l>, String> {
        self.skip_blanks();
        if let Some(quote @ (b'\'' | b'"')) = self.peek() {
            self.at += 1;
            return Ok(Word { bytes: self.quoted(quote)?, quoted: true });
        }
        let rest = self.rest();
        let length = rest.iter().position(|&byte| ends(byte)).unwrap_or(rest.len());
        self.at += length;
        Ok(Word { bytes: Cow::Borrowed(rest[..length].trim_ascii_end()), quoted: false })
    }

    fn quoted(&mut self, quote: u8) -> Result<Cow<'l, [u8]>, String> {
        let start = self.at;
        let mut resolved: Option<Vec<u8>> = None;
        loop {
            let byte = self.peek().ok_or_else(|| format!("the quote {} is not closed", char::from(quote)))?;
            self.at += 1;
            if byte == quote {
                let plain = &self.line[start..self.at - 1];
                return Ok(resolved.map_or(Cow::Borrowed(plain), Cow::Owned));
            }
            if byte == b'\\' {
                let resolved = resolved.get_or_insert_with(|| self.line[start..self.at - 1].to_vec());
                match self.line.get(self.at) {
                    Some(b'n') => resolved.push(b'\n'),
                    Some(b't') => resolved.push(b'\t'),
                    Some(b'r') => resolved.push(b'\r'),
                    Some(b'u') if let Some(character) = unicode(&self.line[self.at + 1..]) => {
                        resolved.extend(character.encode_utf8(&mut [0; 4]).bytes());
                        self.at += 4;
                    }
                    Some(&other) => resolved.push(other),
                    None => continue,
                }
                self.at += 1;
            } else if let Some(resolved) = &mut resolved {
                resolved.push(byte);
            }
        }
    }
}

/// The character that four hexadecimal digits mean.
fn unicode(digits: &[u8]) -> Option<char> {
    let digits = std::str::from_utf8(digits.get(..4)?).ok()?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(line: &str) -> Result<(String, bool), String> {
        let mut scanner = Scanner::new(line.as_bytes());
        let word = scanner.word(|byte| byte == b',')?;
        Ok((word.text()?.to_owned(), word.quoted))
    }

    #[test]
    fn quoted_words_keep_blanks_and_commas_and_resolve_escapes() {
        assert_eq!(word(" 'a, b' ,c"), Ok(("a, b".into(), true)));
        assert_eq!(word(r"'it\'s 50\% \\ \u00e9\t'"), Ok(("it's 50% \\ é\t".into(), true)));
        assert_eq!(word(r#""say ""#), Ok(("say ".into(), true)));
        assert_eq!(word(r"'\u12'"), Ok(("u12".into(), true)));
    }

    #[test]
    fn bare_words_lose_the_blanks_around_them_only() {
        assert_eq!(word("  Iris setosa ,x"), Ok(("Iris setosa".into(), false)));
        assert_eq!(word(r"a\n"), Ok((r"a\n".into(), false)));
    }

    #[test]
    fn a_quote_that_is_not_closed_is_an_error() {
        assert!(word("'abc").is_err());
        assert!(word(r"'abc\").is_err());
        assert!(word(r"'abc\'").is_err());
    }

    #[test]
    fn short_numbers_end_at_a_comma() {
        let number = |line: &str| Scanner::new(line.as_bytes()).short_number();
        assert_eq!(number("1234567,"), Some(1_234_567.0));
        assert_eq!(number(" 0,1"), Some(0.0));
        for other in ["", ",", "12345678,", "1.5,", "12", "-1,", "\t1,"] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
