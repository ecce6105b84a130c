//! The types of a provider by name, with what the coding of their values needs.

use crate::tf::data_source::DataSource;
use crate::tf::diag::Diagnostic;
use crate::tf::ephemeral::Ephemeral;
use crate::tf::function::Function;
use crate::tf::provider::Provider;
use crate::tf::resource::Resource;
use crate::tf::value::Type;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A provider and its types.
pub(super) struct Registry {
    pub(super) provider: Arc<dyn Provider>,
    resources: BTreeMap<&'static str, Managed>,
    data_sources: BTreeMap<&'static str, Data>,
    ephemerals: BTreeMap<&'static str, Fleeting>,
    functions: BTreeMap<&'static str, Arc<dyn Function>>,
}

/// A managed resource type.
pub(super) struct Managed {
    pub(super) resource: Arc<dyn Resource>,
    of: OnceLock<Type>,
    identity: OnceLock<Option<Type>>,
}

/// A data source type.
pub(super) struct Data {
    pub(super) source: Arc<dyn DataSource>,
    of: OnceLock<Type>,
}

/// An ephemeral resource type.
pub(super) struct Fleeting {
    pub(super) item: Arc<dyn Ephemeral>,
    of: OnceLock<Type>,
}

impl Registry {
    pub(super) fn new(provider: Arc<dyn Provider>) -> Self {
        let managed =
            |r: &Arc<dyn Resource>| Managed { resource: r.clone(), of: OnceLock::new(), identity: OnceLock::new() };
        let data = |d: &Arc<dyn DataSource>| Data { source: d.clone(), of: OnceLock::new() };
        let fleeting = |e: &Arc<dyn Ephemeral>| Fleeting { item: e.clone(), of: OnceLock::new() };
        Self {
            resources: provider.resources().iter().map(|r| (r.type_name(), managed(r))).collect(),
            data_sources: provider.data_sources().iter().map(|d| (d.type_name(), data(d))).collect(),
            ephemerals: provider.ephemerals().iter().map(|e| (e.type_name(), fleeting(e))).collect(),
            functions: provider.functions().iter().map(|f| (f.name(), f.clone())).collect(),
            provider,
        }
    }

    pub(super) fn resources(&self) -> impl Iterator<Item = (&'static str, &Managed)> {
        self.resources.iter().map(|(n, m)| (*n, m))
    }

    pub(super) fn data_sources(&self) -> impl Iterator<Item = (&'static str, &Data)> {
        self.data_sources.iter().map(|(n, d)| (*n, d))
    }

    pub(super) fn ephemerals(&self) -> impl Iterator<Item = (&'static str, &Fleeting)> {
        self.ephemerals.iter().map(|(n, e)| (*n, e))
    }

    pub(super) fn functions(&self) -> impl Iterator<Item = (&'static str, &dyn Function)> {
        self.functions.iter().map(|(n, f)| (*n, f.as_ref()))
    }

    pub(super) fn resource(&self, name: &str) -> Result<&Managed, Diagnostic> {
        self.resources.get(name).ok_or_else(|| unknown("resource type", name))
    }

    pub(super) fn data_source(&self, name: &str) -> Result<&Data, Diagnostic> {
        self.data_sources.get(name).ok_or_else(|| unknown("data source type", name))
    }

    pub(super) fn ephemeral(&self, name: &str) -> Result<&Fleeting, Diagnostic> {
        self.ephemerals.get(name).ok_or_else(|| unknown("ephemeral resource type", name))
    }

    pub(super) fn function(&self, name: &str) -> Result<&dyn Function, Diagnostic> {
        self.functions.get(name).map(AsRef::as_ref).ok_or_else(|| unknown("function", name))
    }
}

impl Managed {
    /// The type of its state and configuration.
    pub(super) fn of(&self) -> &Type {
        self.of.get_or_init(|| self.resource.schema().object_type())
    }

    /// The type of its identity, if it has any.
    pub(super) fn identity(&self) -> Option<&Type> {
        self.identity.get_or_init(|| self.resource.identity().map(|i| i.object_type())).as_ref()
    }
}

impl Data {
    /// The type of its configuration and result.
    pub(super) fn of(&self) -> &Type {
        self.of.get_or_init(|| self.source.schema().object_type())
    }
}

impl Fleeting {
    /// The type of its configuration and value.
    pub(super) fn of(&self) -> &Type {
        self.of.get_or_init(|| self.item.schema().object_type())
    }
}

/// The host asks only for what the schema lists, unless its copy of the schema is of another version.
pub(super) fn unknown(kind: &str, name: &str) -> Diagnostic {
    Diagnostic::error(format!("No {kind} `{name}`"), format!("This version of the provider has no {kind} `{name}`."))
        .hint("Check the spelling, and whether the version of the provider that is installed is the one you want.")
}
