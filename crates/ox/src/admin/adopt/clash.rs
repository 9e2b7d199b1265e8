//! Keys that several files claim, in little memory: a million snapshots are ordinary, so of each key
//! only a hash is kept, and of each file name its bytes.

use std::hash::{DefaultHasher, Hash, Hasher as _};

/// File names, one after the other.
#[derive(Debug, Default)]
pub(super) struct Names {
    text: String,
    ends: Vec<usize>,
}

impl Names {
    /// Adds a name and returns its number.
    pub(super) fn add(&mut self, name: &str) -> u32 {
        self.text.push_str(name);
        self.ends.push(self.text.len());
        u32::try_from(self.ends.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn get(&self, number: u32) -> &str {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let end = self.ends.get(index).copied().unwrap_or_default();
        let start =
            index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.text.get(start..end).unwrap_or_default()
    }
}

/// Which file claims which key.
#[derive(Debug, Default)]
pub(super) struct Claims(Vec<(u64, u32)>);

impl Claims {
    pub(super) fn add(&mut self, key: impl Hash, name: u32) {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        self.0.push((hasher.finish(), name));
    }

    /// The names that share a key, group by group. With 64 bits two different keys of a million share a
    /// hash once in thirty million directories.
    pub(super) fn shared(mut self) -> Vec<Vec<u32>> {
        self.0.sort_unstable();
        self.0
            .chunk_by(|one, other| one.0 == other.0)
            .filter(|group| group.len() > 1)
            .map(|group| group.iter().map(|(_, name)| *name).collect())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_keys_name_all_their_files() {
        let (mut names, mut claims) = (Names::default(), Claims::default());
        for (file, key) in [("a", "x"), ("bb", "y"), ("c", "x"), ("d", "z"), ("e", "x")] {
            claims.add(key, names.add(file));
        }
        let shared: Vec<Vec<&str>> = claims
            .shared()
            .iter()
            .map(|group| group.iter().map(|number| names.get(*number)).collect())
            .collect();
        assert_eq!(shared, [vec!["a", "c", "e"]]);
        assert_eq!(names.get(1), "bb");
    }
}
