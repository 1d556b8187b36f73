//! Texts of JSON as they are read: copied only where they have escapes.

use std::borrow::Cow;

use serde::Deserialize;

/// A text of JSON, for types that are made from one: `#[serde(try_from = "Quoted<'_>")]`.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Quoted<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);
