//! Secret text: its `Debug` shows nothing, and every access to it is explicit.

pub use secrecy::{ExposeSecret, SecretString};
