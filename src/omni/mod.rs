//! Client of Omni: signed gRPC calls, retries, COSI state, management calls.
//! It knows no Terraform, and reads no environment: everything comes in through [`config`].

pub mod call;
pub mod error;
pub mod labels;
pub mod spec;
pub mod state;

pub use call::Call;
pub use error::{Class, Error};
pub use state::{Key, Kind, Metadata, Phase, Resource};
