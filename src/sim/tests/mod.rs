//! Tests of the whole simulator, over real gRPC, with a client of their own.

mod access;
mod census;
mod client;
mod cluster;
mod durability;
mod lag;
mod life;
mod signature;
mod state;
mod transport;
mod world;
