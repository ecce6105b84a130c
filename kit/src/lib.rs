//! Types without I/O and domain: each file is one kind of value.

pub mod clock;
pub mod gather;
pub mod go_duration;
pub mod secret;
pub mod text;
pub mod version;
pub mod yaml;
