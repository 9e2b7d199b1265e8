//! Takes a JSON array apart while it comes in, so that only one element is in memory at a time.
//!
//! This finds where elements end, nothing more: each is then read by a JSON parser, which also bounds its depth.

use std::io::{self, BufRead};

/// Why there is no next element.
#[derive(Debug)]
pub(crate) enum ElementError {
    Io(io::Error),
    Malformed(String),
}

impl From<io::Error> for ElementError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The elements of an array, one after the other.
pub(crate) struct Elements<'a, R> {
    source: &'a mut R,
    element: Vec<u8>,
    state: State,
    limit: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before `[`.
    Begin,
    /// After `[`.
    First,
    /// After a comma.
    Next,
    /// After `]`.
    End,
}

/// What ends an element.
#[derive(PartialEq, Eq)]
enum Stop {
    Comma,
    Bracket,
}

impl<'a, R: BufRead> Elements<'a, R> {
    /// The largest element has `limit` bytes.
    pub(crate) fn new(source: &'a mut R, limit: usize) -> Self {
        Self { source, element: Vec::new(), state: State::Begin, limit }
    }

    /// What the array is read from, between two elements.
    pub(crate) fn source(&mut self) -> &mut R {
        self.source
    }

    /// The next element; `None`: there is none.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, ElementError> {
        if self.state == State::Begin {
            self.skip_to_bracket()?;
            self.state = State::First;
        }
        if self.state == State::End {
            return Ok(None);
        }
        let stop = self.read_element()?;
        if self.element.trim_ascii().is_empty() {
            if stop == Stop::Bracket && self.state == State::First {
                self.state = State::End;
                return Ok(None);
            }
            return Err(malformed("it has a list with a comma too many"));
        }
        self.state = if stop == Stop::Bracket { State::End } else { State::Next };
        Ok(Some(&self.element))
    }

    fn skip_to_bracket(&mut self) -> Result<(), ElementError> {
        loop {
            let available = self.source.fill_buf()?;
            if available.is_empty() {
                return Err(malformed("it is empty"));
            }
            let found = available.iter().position(|byte| !byte.is_ascii_whitespace());
            match found.and_then(|place| Some((place, *available.get(place)?))) {
                Some((place, b'[')) => {
                    self.source.consume(place + 1);
                    return Ok(());
                }
                Some(_) => return Err(malformed("it is no list")),
                None => {
                    let length = available.len();
                    self.source.consume(length);
                }
            }
        }
    }

    /// Reads to the comma or bracket that ends the element.
    fn read_element(&mut self) -> Result<Stop, ElementError> {
        self.element.clear();
        let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
        loop {
            let available = self.source.fill_buf()?;
            if available.is_empty() {
                return Err(malformed("it ends in the middle of a list"));
            }
            let mut stop = None;
            let mut count = 0;
            for byte in available {
                count += 1;
                if in_text {
                    match byte {
                        _ if is_escaped => is_escaped = false,
                        b'\\' => is_escaped = true,
                        b'"' => in_text = false,
                        _ => {}
                    }
                    continue;
                }
                match byte {
                    b'"' => in_text = true,
                    b'[' | b'{' => depth += 1,
                    b']' if depth == 0 => stop = Some(Stop::Bracket),
                    b',' if depth == 0 => stop = Some(Stop::Comma),
                    b']' | b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if stop.is_some() {
                    break;
                }
            }
            let kept = if stop.is_some() { count - 1 } else { count };
            self.element.extend_from_slice(available.get(..kept).unwrap_or(available));
            self.source.consume(count);
            if self.element.len() > self.limit {
                let limit = self.limit;
                return Err(malformed(format!("an object in it is larger than {limit} bytes")));
            }
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
    }
}

fn malformed(reason: impl Into<String>) -> ElementError {
    ElementError::Malformed(reason.into())
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn split(text: &[u8], piece: usize) -> Result<Vec<Vec<u8>>, String> {
        let mut source = BufReader::with_capacity(piece, text);
        let mut elements = Elements::new(&mut source, 1000);
        let mut found = Vec::new();
        loop {
            match elements.next() {
                Ok(Some(element)) => found.push(element.to_vec()),
                Ok(None) => return Ok(found),
                Err(ElementError::Malformed(reason)) => return Err(reason),
                Err(ElementError::Io(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn elements_of_lists() {
        for (text, count) in
            [("[]", 0), (" \n[ ] ", 0), ("[1]", 1), (r#"[{"a": "],["}, [1,[2]], "\"]", "\\"]"#, 4)]
        {
            for piece in [1, 2, 7, 1000] {
                let found = split(text.as_bytes(), piece).unwrap();
                assert_eq!(found.len(), count, "{text}");
                for element in found {
                    serde_json::from_slice::<Value>(&element).unwrap();
                }
            }
        }
    }

    #[test]
    fn what_is_no_list() {
        for (text, reason) in [
            ("", "empty"),
            ("  ", "empty"),
            ("{}", "no list"),
            ("[", "middle"),
            ("[1", "middle"),
            ("[\"]", "middle"),
            ("[{]", "middle"),
            ("[1,]", "comma"),
            ("[,1]", "comma"),
            ("[1,,2]", "comma"),
        ] {
            let error = split(text.as_bytes(), 3).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn an_element_has_a_limit() {
        let text = format!("[1, \"{}\"]", "x".repeat(2000));
        assert!(split(text.as_bytes(), 64).unwrap_err().contains("larger than 1000"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[\\PC\"\\\\\\[\\]{},]*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("[\\PC\"\\]}]*", inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_parser(list in proptest::collection::vec(any_json(), 0..5), piece in 1_usize..40) {
            for text in [serde_json::to_vec(&list).unwrap(), serde_json::to_vec_pretty(&list).unwrap()] {
                prop_assume!(text.len() < 1000);
                let found = split(&text, piece).unwrap();
                let found: Vec<Value> =
                    found.iter().map(|element| serde_json::from_slice(element).unwrap()).collect();
                prop_assert_eq!(&found, &list);
            }
        }

        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200), piece in 1_usize..40) {
            let _ = split(&bytes, piece);
        }
    }
}
