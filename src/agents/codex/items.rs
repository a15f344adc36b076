//! What messages, outputs and summaries are lists of.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::record::{Flag, Lax, drain_seq, pass_over};
use crate::agents::capped::{MOST_ITEMS, left_out_note};

/// The texts and images of a message, of an output or of a summary; a plain text is one item. Of a list
/// that is too long the last item says so, and the number is how many are not there.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Items<'a>(pub Vec<Item<'a>>, pub u64);

/// One of [`Items`].
#[derive(Debug, Default, Clone, PartialEq, serde::Deserialize)]
#[serde(default)]
pub(super) struct Item<'a> {
    #[serde(borrow)]
    pub text: Lax<'a>,
    #[serde(borrow)]
    pub image_url: Lax<'a>,
}

impl<'a> Items<'a> {
    /// Keeps an item if there is room for it.
    pub(super) fn push(&mut self, item: Item<'a>) {
        if self.0.len() < MOST_ITEMS {
            self.0.push(item);
        } else {
            self.1 += 1;
        }
    }

    /// Says at its end what there was no room for.
    pub(super) fn closed(mut self) -> Self {
        if self.1 > 0 {
            self.0.push(Item { text: Lax(Some(Cow::Owned(left_out_note(self.1)))), ..Item::default() });
        }
        self
    }

    /// The texts, one after the other.
    pub(super) fn text(&self) -> String {
        let mut texts = self.0.iter().map(|item| item.text.str());
        let mut all = texts.next().unwrap_or_default().to_owned();
        for text in texts {
            all.push_str(text);
        }
        all
    }
}

/// The output of a call: a text, items, or (in 2025) `{content, success}`.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Output<'a> {
    pub items: Items<'a>,
    pub success: Option<bool>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Output::deserialize(deserializer).map(|output| output.items)
    }
}

impl<'a> Output<'a> {
    pub(super) fn text(text: Cow<'a, str>) -> Self {
        let item = Item { text: Lax(Some(text)), ..Item::default() };
        Self { items: Items(vec![item], 0), success: None }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Output<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OutputVisitor;

        impl<'de> Visitor<'de> for OutputVisitor {
            type Value = Output<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Output::text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Output::text(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
                Ok(Output::text(Cow::Owned(text)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Items::default();
                while let Some(item) = seq.next_element::<Element<'de>>()? {
                    item.0.into_iter().for_each(|item| items.push(item));
                }
                Ok(Output { items: items.closed(), success: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut output = Output::default();
                while let Some(key) = map.next_key::<Lax<'de>>()? {
                    match key.str() {
                        "content" | "content_items" | "text" => {
                            let Items(mut items, left_out) = map.next_value()?;
                            if left_out > 0 {
                                // Its note is of a part only.
                                items.pop();
                            }
                            for item in items {
                                output.items.push(item);
                            }
                            output.items.1 += left_out;
                        }
                        "success" => output.success = map.next_value::<Flag>()?.0,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                output.items = output.items.closed();
                Ok(output)
            }

            pass_over!(Output::default(); visit_bool(bool), visit_u64(u64), visit_i64(i64), visit_f64(f64));
        }

        deserializer.deserialize_any(OutputVisitor)
    }
}

/// One element of a list of items: an object, a plain text, or something else.
struct Element<'a>(Option<Item<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Element<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ElementVisitor;

        impl<'de> Visitor<'de> for ElementVisitor {
            type Value = Element<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Element(Some(Item { text: Lax(Some(Cow::Borrowed(text))), ..Item::default() })))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Element(Some(Item { text: Lax(Some(Cow::Owned(text.to_owned()))), ..Item::default() })))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                drain_seq(seq).map(|()| Element(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let item = Item::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Element(Some(item)))
            }

            pass_over!(Element(None); visit_bool(bool), visit_u64(u64), visit_i64(i64), visit_f64(f64));
        }

        deserializer.deserialize_any(ElementVisitor)
    }
}
