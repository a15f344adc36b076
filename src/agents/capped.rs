//! Lists that may be longer than anybody can want.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

/// The most items of one list that are kept. The rest is counted: a list of millions of empty blocks takes
/// fifty times its length in memory. (Measured: real messages have a few hundred.)
pub(super) const MOST_ITEMS: usize = 10_000;

/// The first [`MOST_ITEMS`] items of a list, and how many more it has.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Capped<T> {
    /// Those that are kept.
    pub items: Vec<T>,
    /// How many are not.
    pub left_out: u64,
}

impl<T> Default for Capped<T> {
    fn default() -> Self {
        Self { items: Vec::new(), left_out: 0 }
    }
}

impl<T> Capped<T> {
    /// Whether there was nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.left_out == 0
    }

    /// Keeps an item if there is room for it.
    pub(super) fn push(&mut self, item: T) {
        if self.items.len() < MOST_ITEMS {
            self.items.push(item);
        } else {
            self.left_out += 1;
        }
    }
}

/// What stands where items were left out.
pub(super) fn left_out_note(items: u64) -> String {
    format!("[left out: {items} items]")
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Capped<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
            type Value = Capped<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut capped = Capped::default();
                while capped.items.len() < MOST_ITEMS {
                    let Some(item) = seq.next_element()? else { return Ok(capped) };
                    capped.items.push(item);
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    capped.left_out += 1;
                }
                Ok(capped)
            }
        }

        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_list_the_first_items_are_kept_and_the_others_counted() {
        let list = |length: usize| format!("[{}]", vec!["7"; length].join(","));
        let read = |json: &str| serde_json::from_str::<Capped<u8>>(json);
        for (length, kept, left_out) in
            [(0, 0, 0), (3, 3, 0), (MOST_ITEMS, MOST_ITEMS, 0), (MOST_ITEMS + 5, MOST_ITEMS, 5)]
        {
            let capped = read(&list(length)).unwrap();
            assert_eq!((capped.items.len(), capped.left_out), (kept, left_out), "{length}");
        }
        assert!(read("7").is_err());
        assert!(read(&list(MOST_ITEMS + 5).replace("7]", "x]")).is_err(), "what is counted is JSON, too");
    }
}
