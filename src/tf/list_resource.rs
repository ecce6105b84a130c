//! What the server asks of a list resource type: the objects that exist, whether Terraform manages them or not.

use super::described::Described;
use super::diag::Diagnostics;
use super::resource::Context;
use super::value::Value;
use async_trait::async_trait;
use std::ops::ControlFlow;

/// A request to list.
#[derive(Debug)]
pub struct ListRequest {
    /// The inside of the `config` block, wholly known; defaults are filled in.
    pub config: Value,
    /// How many results the host takes at most; never 0. A list that is read in pages need not read further.
    pub limit: u64,
    /// Whether each result needs the whole state of the object.
    pub include_object: bool,
}

/// One object.
#[derive(Debug)]
pub struct ListResult {
    /// What identifies it: a value of the managed type's identity.
    pub identity: Value,
    /// The name by which a person recognises it.
    pub display_name: String,
    /// Its state, in the schema of the managed type, where the request asks for it.
    pub object: Option<Value>,
    /// Problems with this object that do not keep it from being listed.
    pub warnings: Diagnostics,
}

/// Takes the results, at the pace of the host.
#[async_trait]
pub trait ListResults: Send {
    /// Hands on one result, and waits until the host has room for it.
    /// After [`ControlFlow::Break`] the host takes no more: the list ends its work.
    async fn push(&mut self, result: ListResult) -> ControlFlow<()>;
}

/// A list resource type; a managed resource type with identities has the same name.
///
/// For each query a host calls `validate` and then `list`.
#[async_trait]
pub trait ListResource: Described {
    /// Lists the objects, each as soon as it is known.
    /// The context is cancelled when the host goes away or has as many as it asked for.
    ///
    /// # Errors
    /// With every problem found. What was handed on before stays listed.
    async fn list(
        &self,
        context: &Context,
        request: ListRequest,
        results: &mut dyn ListResults,
    ) -> Result<(), Diagnostics>;
}
