//! Secret text: its `Debug` shows nothing, and every read of it is greppable.

pub use secrecy::{ExposeSecret, SecretString};
