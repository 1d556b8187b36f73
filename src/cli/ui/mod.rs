//! How answers look to a person: columns, sheets, events and causes in words.

pub mod causes;
pub mod columns;
pub mod events;
pub mod forecast;
pub mod pretty;
pub mod render;
pub mod sheet;
pub mod usage;
