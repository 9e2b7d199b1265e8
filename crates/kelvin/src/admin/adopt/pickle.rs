//! Reading what Python's `pickle` wrote: dictionaries, lists, texts, numbers, true, false and None, in protocols 2
//! to 5. Everything else, above all what would call a function, is refused; nothing is executed.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Values that wait for their container at the same time. Python hands over 1000 pairs at once; nothing nests deeper.
const HIGHEST: usize = 4096;
/// Bytes of all texts, since one that is referred to is there again.
const MOST_TEXT: usize = 64 << 20;

/// The bytes are no pickle, or one with more than data in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {place}")]
pub(super) struct BadPickle {
    problem: &'static str,
    place: usize,
}

/// Reads one value; nothing may follow it.
pub(super) fn read(bytes: &[u8]) -> Result<Value, BadPickle> {
    let mut reader = Reader {
        bytes,
        place: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        texts: HashMap::new(),
        memoized: 0,
        text: 0,
    };
    reader.run().map_err(|problem| BadPickle { problem, place: reader.place })
}

struct Reader<'b> {
    bytes: &'b [u8],
    place: usize,
    stack: Vec<Value>,
    /// Heights of the stack that were marked.
    marks: Vec<usize>,
    /// What can be referred to: texts only. To refer to a list would make it one and the same.
    texts: HashMap<u64, String>,
    memoized: u64,
    text: usize,
}

type Step<T> = Result<T, &'static str>;

impl Reader<'_> {
    fn run(&mut self) -> Step<Value> {
        loop {
            match self.byte()? {
                // PROTO
                0x80 => {
                    if !(2..=5).contains(&self.byte()?) {
                        return Err("a protocol that is not known");
                    }
                }
                // FRAME: only for reading ahead
                0x95 => drop(self.number::<8>()?),
                b'.' => return self.end(),
                b'N' => self.push(Value::Null)?,
                0x88 => self.push(true.into())?,
                0x89 => self.push(false.into())?,
                b'K' => self.push_number::<1>()?,
                b'M' => self.push_number::<2>()?,
                b'J' => {
                    let number = self.taken::<4>().map(i32::from_le_bytes)?;
                    self.push(number.into())?;
                }
                0x8c => self.push_text::<1>()?,
                b'X' => self.push_text::<4>()?,
                0x8d => self.push_text::<8>()?,
                b'}' => self.push(Value::Object(Map::new()))?,
                b']' => self.push(Value::Array(Vec::new()))?,
                b'(' => {
                    if self.marks.len() >= HIGHEST {
                        return Err("too many values inside each other");
                    }
                    self.marks.push(self.stack.len());
                }
                // MEMOIZE
                0x94 => self.memoize(self.memoized)?,
                b'q' => {
                    let key = self.number::<1>()?;
                    self.memoize(key)?;
                }
                b'r' => {
                    let key = self.number::<4>()?;
                    self.memoize(key)?;
                }
                b'h' => {
                    let key = self.number::<1>()?;
                    self.recall(key)?;
                }
                b'j' => {
                    let key = self.number::<4>()?;
                    self.recall(key)?;
                }
                b'a' => {
                    let value = self.pop()?;
                    self.list()?.push(value);
                }
                b'e' => {
                    let mut values = self.since_mark()?;
                    self.list()?.append(&mut values);
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.insert(key, value)?;
                }
                b'u' => {
                    let mut values = self.since_mark()?.into_iter();
                    while let Some(key) = values.next() {
                        let value = values.next().ok_or("a key without a value")?;
                        self.insert(key, value)?;
                    }
                }
                _ => return Err("more than plain data"),
            }
        }
    }

    fn end(&mut self) -> Step<Value> {
        let value = self.pop()?;
        let is_all = self.stack.is_empty() && self.marks.is_empty();
        if is_all && self.place == self.bytes.len() {
            Ok(value)
        } else {
            Err("something is left over")
        }
    }

    fn byte(&mut self) -> Step<u8> {
        self.taken::<1>().map(|[byte]| byte)
    }

    fn bytes(&mut self, count: usize) -> Step<&[u8]> {
        let end = self.place.checked_add(count).ok_or("it ends too early")?;
        let bytes = self.bytes.get(self.place..end).ok_or("it ends too early")?;
        self.place = end;
        Ok(bytes)
    }

    fn taken<const N: usize>(&mut self) -> Step<[u8; N]> {
        self.bytes(N)?.try_into().map_err(|_| "it ends too early")
    }

    fn number<const N: usize>(&mut self) -> Step<u64> {
        let bytes = self.taken::<N>()?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn push(&mut self, value: Value) -> Step<()> {
        if self.stack.len() >= HIGHEST {
            return Err("too many values at once");
        }
        self.stack.push(value);
        Ok(())
    }

    fn push_number<const N: usize>(&mut self) -> Step<()> {
        let number = self.number::<N>()?;
        self.push(number.into())
    }

    fn push_text<const N: usize>(&mut self) -> Step<()> {
        let length = self.number::<N>()?;
        let length = usize::try_from(length).map_err(|_| "it ends too early")?;
        let text =
            std::str::from_utf8(self.bytes(length)?).map_err(|_| "a text that is not UTF-8")?;
        let text = text.to_owned();
        self.count(text.len())?;
        self.push(text.into())
    }

    fn count(&mut self, bytes: usize) -> Step<()> {
        self.text = self.text.saturating_add(bytes);
        if self.text > MOST_TEXT { Err("too much text") } else { Ok(()) }
    }

    fn memoize(&mut self, key: u64) -> Step<()> {
        self.memoized = self.memoized.max(key.saturating_add(1));
        if let Value::String(text) = self.stack.last().ok_or("nothing to remember")? {
            let text = text.clone();
            self.count(text.len())?;
            self.texts.insert(key, text);
        }
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Step<()> {
        let text = self.texts.get(&key).ok_or("a reference to something other than a text")?;
        let text = text.clone();
        self.count(text.len())?;
        self.push(text.into())
    }

    fn pop(&mut self) -> Step<Value> {
        // What was marked belongs to a container that is still open.
        if self.marks.last().is_some_and(|mark| *mark >= self.stack.len()) {
            return Err("a value is missing");
        }
        self.stack.pop().ok_or("a value is missing")
    }

    fn since_mark(&mut self) -> Step<Vec<Value>> {
        let mark = self.marks.pop().ok_or("a mark is missing")?;
        if mark > self.stack.len() {
            return Err("a value is missing");
        }
        Ok(self.stack.split_off(mark))
    }

    fn list(&mut self) -> Step<&mut Vec<Value>> {
        self.stack.last_mut().and_then(Value::as_array_mut).ok_or("a list is missing")
    }

    fn insert(&mut self, key: Value, value: Value) -> Step<()> {
        let Value::String(key) = key else { return Err("a key that is no text") };
        let map = self.stack.last_mut().and_then(Value::as_object_mut);
        map.ok_or("a dictionary is missing")?.insert(key, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// What Python makes of this expression.
    fn pickled(expression: &str, protocol: u8) -> Vec<u8> {
        let program = format!(
            "import pickle, sys\nsys.stdout.buffer.write(pickle.dumps({expression}, {protocol}))"
        );
        let mut python = Command::new("python3")
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        python.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
        let output = python.wait_with_output().unwrap();
        assert!(output.status.success());
        output.stdout
    }

    #[test]
    fn what_python_writes_is_read() {
        let user = json!({"schools": ["Ä", "B", "Ä"], "record_uid": "4711", "source_uid": null});
        let group = json!({"users": (0..2500).map(|n| format!("uid={n}")).collect::<Vec<_>>()});
        for protocol in 2..=5 {
            let read = |expression: &str| read(&pickled(expression, protocol)).unwrap();
            let text = "{'schools': ['Ä', 'B', 'Ä'], 'record_uid': '4711', 'source_uid': None}";
            assert_eq!(read(text), user, "protocol {protocol}");
            assert_eq!(read("{'users': ['uid=%d' % n for n in range(2500)]}"), group);
            assert_eq!(
                read("{'k%d' % n: 'x' * 300 for n in range(1500)}").as_object().unwrap().len(),
                1500
            );
            let numbers = "[True, False, 0, 255, 256, 65536, -1, [], {}, {'a': [{'b': []}]}]";
            let expected = json!([true, false, 0, 255, 256, 65536, -1, [], {}, {"a": [{"b": []}]}]);
            assert_eq!(read(numbers), expected);
        }
    }

    #[test]
    fn more_than_data_is_refused() {
        for expression in
            ["print", "{'a': print}", "(1, 2)", "{1, 2}", "b'x'", "1.5", "{1: 2}", "2 ** 70"]
        {
            assert!(read(&pickled(expression, 4)).is_err(), "{expression}");
        }
        // Two names of one list.
        let same = "(lambda one: [one, one])([])";
        assert!(read(&pickled(same, 4)).unwrap_err().to_string().contains("reference"));
    }

    #[test]
    fn memory_is_bounded() {
        let mut bomb = b"\x80\x04](\x8c\xff".to_vec();
        bomb.extend([b'a'; 255]);
        bomb.push(0x94);
        bomb.extend(b"h\0".repeat(3000));
        bomb.extend(b"e(".iter().copied());
        for _ in 0..100 {
            bomb.extend(b"h\0".repeat(3000));
            bomb.extend(b"e(".iter().copied());
        }
        bomb.extend(b"e.");
        assert!(read(&bomb).unwrap_err().to_string().contains("too much text"));
        for deep in [&b"]"[..], b"(", b"}\x8c\x01a"] {
            assert!(read(&deep.repeat(1 << 20)).is_err());
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _any = read(&bytes);
        }

        #[test]
        fn what_was_changed_does_not_panic(place in 0usize..200, byte in any::<u8>()) {
            let mut bytes = b"\x80\x04\x95\x4e\0\0\0\0\0\0\0}\x94(\x8c\x0arecord_uid\x94\x8c\x044711\x94\x8c\x07schools\x94]\x94(\x8c\x07School1\x94\x8c\x01A\x94h\x05eu.".to_vec();
            prop_assert!(read(&bytes).is_ok());
            let length = bytes.len();
            bytes[place % length] = byte;
            let _any = read(&bytes);
        }
    }
}
