//! The types of a provider by name, with the value types for encoding.

use crate::tf::action::Action;
use crate::tf::data_source::DataSource;
use crate::tf::described::Described;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::ephemeral::Ephemeral;
use crate::tf::function::Function;
use crate::tf::list_resource::ListResource;
use crate::tf::plan;
use crate::tf::provider::Provider;
use crate::tf::resource::{Context, Resource};
use crate::tf::value::{Type, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A provider and its types.
pub(super) struct Registry {
    pub(super) provider: Arc<dyn Provider>,
    resources: Entries<dyn Resource>,
    data_sources: Entries<dyn DataSource>,
    ephemerals: Entries<dyn Ephemeral>,
    list_resources: Entries<dyn ListResource>,
    actions: Entries<dyn Action>,
    functions: BTreeMap<&'static str, Arc<dyn Function>>,
}

type Entries<T> = BTreeMap<&'static str, Entry<T>>;

/// A type of any kind.
pub(super) struct Entry<T: ?Sized> {
    pub(super) item: Arc<T>,
    of: OnceLock<Type>,
    identity: OnceLock<Option<Type>>,
}

fn entries<T: Described + ?Sized>(items: &[Arc<T>]) -> Entries<T> {
    let entry = |item: &Arc<T>| Entry { item: Arc::clone(item), of: OnceLock::new(), identity: OnceLock::new() };
    items.iter().map(|item| (item.type_name(), entry(item))).collect()
}

fn find<'a, T: ?Sized>(all: &'a Entries<T>, kind: &str, name: &str) -> Result<&'a Entry<T>, Diagnostic> {
    all.get(name).ok_or_else(|| unknown(kind, name))
}

fn each<T: ?Sized>(all: &Entries<T>) -> impl Iterator<Item = (&'static str, &Entry<T>)> {
    all.iter().map(|(name, entry)| (*name, entry))
}

impl Registry {
    pub(super) fn new(provider: Arc<dyn Provider>) -> Self {
        Self {
            resources: entries(provider.resources()),
            data_sources: entries(provider.data_sources()),
            ephemerals: entries(provider.ephemerals()),
            list_resources: entries(provider.list_resources()),
            actions: entries(provider.actions()),
            functions: provider.functions().iter().map(|f| (f.name(), f.clone())).collect(),
            provider,
        }
    }

    pub(super) fn resources(&self) -> impl Iterator<Item = (&'static str, &Entry<dyn Resource>)> {
        each(&self.resources)
    }

    pub(super) fn data_sources(&self) -> impl Iterator<Item = (&'static str, &Entry<dyn DataSource>)> {
        each(&self.data_sources)
    }

    pub(super) fn ephemerals(&self) -> impl Iterator<Item = (&'static str, &Entry<dyn Ephemeral>)> {
        each(&self.ephemerals)
    }

    pub(super) fn list_resources(&self) -> impl Iterator<Item = (&'static str, &Entry<dyn ListResource>)> {
        each(&self.list_resources)
    }

    pub(super) fn actions(&self) -> impl Iterator<Item = (&'static str, &Entry<dyn Action>)> {
        each(&self.actions)
    }

    pub(super) fn functions(&self) -> impl Iterator<Item = (&'static str, &dyn Function)> {
        self.functions.iter().map(|(n, f)| (*n, f.as_ref()))
    }

    pub(super) fn resource(&self, name: &str) -> Result<&Entry<dyn Resource>, Diagnostic> {
        find(&self.resources, "resource type", name)
    }

    pub(super) fn data_source(&self, name: &str) -> Result<&Entry<dyn DataSource>, Diagnostic> {
        find(&self.data_sources, "data source type", name)
    }

    pub(super) fn ephemeral(&self, name: &str) -> Result<&Entry<dyn Ephemeral>, Diagnostic> {
        find(&self.ephemerals, "ephemeral resource type", name)
    }

    pub(super) fn list_resource(&self, name: &str) -> Result<&Entry<dyn ListResource>, Diagnostic> {
        find(&self.list_resources, "list resource type", name)
    }

    pub(super) fn action(&self, name: &str) -> Result<&Entry<dyn Action>, Diagnostic> {
        find(&self.actions, "action", name)
    }

    pub(super) fn function(&self, name: &str) -> Result<&dyn Function, Diagnostic> {
        self.functions.get(name).map(AsRef::as_ref).ok_or_else(|| unknown("function", name))
    }
}

/// Validates a configuration: by the schema, then by the type.
pub(super) async fn validate<T: Described + ?Sized>(item: &T, context: &Context, config: &Value) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    plan::validate(item.schema(), config, context.write_only_allowed, &mut diagnostics);
    item.validate(context, config, &mut diagnostics).await;
    diagnostics
}

impl<T: Described + ?Sized> Entry<T> {
    /// The type of its configuration, and of its state or result.
    pub(super) fn of(&self) -> &Type {
        self.of.get_or_init(|| self.item.schema().object_type())
    }

    /// Validates a configuration.
    pub(super) async fn validate(&self, context: &Context, config: &Value) -> Diagnostics {
        validate(self.item.as_ref(), context, config).await
    }
}

impl Entry<dyn Resource> {
    /// The type of its identity, if it has any.
    pub(super) fn identity(&self) -> Option<&Type> {
        self.identity.get_or_init(|| self.item.identity().map(|i| i.object_type())).as_ref()
    }
}

/// The host asks only for what the schema lists, unless its copy of the schema is of another version.
pub(super) fn unknown(kind: &str, name: &str) -> Diagnostic {
    Diagnostic::error(format!("No {kind} `{name}`"), format!("This version of the provider has no {kind} `{name}`."))
        .hint("Check the spelling, and the installed version of the provider.")
}
