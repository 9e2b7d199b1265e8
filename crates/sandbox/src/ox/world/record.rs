//! A compact set of text fields: most users have a hundred of them, nearly all short or empty.

use std::borrow::Cow;

/// Fields by index, with their lexical values in one piece of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Field and end of its value in `text`, ascending by field.
    ends: Box<[(u16, u32)]>,
    text: Box<str>,
}

impl Record {
    /// The value of a field.
    pub(crate) fn get(&self, field: usize) -> Option<&str> {
        let field = u16::try_from(field).ok()?;
        let at = self.ends.binary_search_by_key(&field, |(key, _)| *key).ok()?;
        self.value_at(at)
    }

    fn value_at(&self, at: usize) -> Option<&str> {
        let start = match at.checked_sub(1) {
            Some(before) => self.ends.get(before)?.1,
            None => 0,
        };
        let end = self.ends.get(at)?.1;
        self.text.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    /// All fields in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        self.ends
            .iter()
            .enumerate()
            .filter_map(|(at, (field, _))| Some((usize::from(*field), self.value_at(at)?)))
    }

    /// This record with some fields replaced or added.
    #[must_use]
    pub(crate) fn with<'a>(&'a self, changes: Vec<(usize, Cow<'a, str>)>) -> Self {
        let mut fields: Vec<(usize, Cow<'a, str>)> = changes;
        // A stable sort and keeping the first of equals lets the changes win, later ones first.
        fields.reverse();
        fields.extend(self.iter().map(|(field, value)| (field, Cow::Borrowed(value))));
        fields.sort_by_key(|(field, _)| *field);
        fields.dedup_by_key(|(field, _)| *field);
        let mut text = String::with_capacity(fields.iter().map(|(_, value)| value.len()).sum());
        let mut ends = Vec::with_capacity(fields.len());
        for (field, value) in fields {
            text.push_str(&value);
            // Both fit: a type has few fields, a request is bounded far below 4 GiB.
            if let (Ok(field), Ok(end)) = (u16::try_from(field), u32::try_from(text.len())) {
                ends.push((field, end));
            }
        }
        Self { ends: ends.into(), text: text.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_replace_and_add() {
        let first =
            Record::default().with(vec![(5, "five".into()), (1, "one".into()), (7, "".into())]);
        assert_eq!(first.iter().collect::<Vec<_>>(), [(1, "one"), (5, "five"), (7, "")]);
        let second = first.with(vec![(5, "FIVE".into()), (2, "zwö".into()), (2, "zwei".into())]);
        assert_eq!(
            second.iter().collect::<Vec<_>>(),
            [(1, "one"), (2, "zwei"), (5, "FIVE"), (7, "")]
        );
        assert_eq!(second.get(5), Some("FIVE"));
        assert_eq!(second.get(7), Some(""));
        assert_eq!(second.get(6), None);
        assert_eq!(first.get(5), Some("five"));
    }
}
