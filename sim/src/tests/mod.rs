//! Tests of the whole simulator, over real gRPC, with a client of their own.

mod access;
mod census;
mod client;
mod cluster;
mod durability;
mod eula;
mod fuzz;
mod lag;
mod life;
mod messages;
mod observed;
mod seen;
mod services;
mod sign_in;
mod signature;
mod signer;
mod state;
mod transport;
mod world;
