//! The types of the provider, as registered by [`super::objects`] and the functions.

use super::dual::{self, DualSource};
#[cfg(test)]
use super::engine::Table;
use super::engine::{self, CosiObject, FoundObject, ObjectSet, OmniAction, RpcObject, TypeEntry, UnreadableObject};
use super::functions::{self, Pure};
use super::lookup::singleton;
use super::lookup::{ListSource, Objects, Plural, Single, SingleSource, Singleton, View};
use super::objects;
use super::session::Handle;
use crate::tf::action::Action;
use crate::tf::data_source::DataSource;
use crate::tf::ephemeral::Ephemeral;
use crate::tf::function::Function;
use crate::tf::list_resource::ListResource;
use crate::tf::resource::Resource;
use std::sync::Arc;

/// All types of the provider, by what they are.
pub(super) struct Types<'h> {
    handle: &'h Handle,
    pub(super) resources: Vec<Arc<dyn Resource>>,
    pub(super) data_sources: Vec<Arc<dyn DataSource>>,
    pub(super) ephemerals: Vec<Arc<dyn Ephemeral>>,
    pub(super) list_resources: Vec<Arc<dyn ListResource>>,
    pub(super) actions: Vec<Arc<dyn Action>>,
    pub(super) functions: Vec<Arc<dyn Function>>,
    /// What is wrong with the rows of the resources.
    #[cfg(test)]
    misfits: Vec<String>,
}

impl<'h> Types<'h> {
    /// All of them.
    pub(super) fn all(handle: &'h Handle) -> Self {
        let mut types = Self {
            handle,
            resources: Vec::new(),
            data_sources: Vec::new(),
            ephemerals: Vec::new(),
            list_resources: Vec::new(),
            actions: Vec::new(),
            functions: Vec::new(),
            #[cfg(test)]
            misfits: Vec::new(),
        };
        for register in objects::ALL {
            register(&mut types);
        }
        for function in functions::ALL {
            types.function(function());
        }
        types
    }

    /// A managed resource that is a COSI object.
    pub(super) fn cosi<M: CosiObject>(&mut self) -> &mut Self {
        #[cfg(test)]
        self.check::<M>();
        self.entry(engine::cosi::<M>(self.handle))
    }

    fn entry(&mut self, entry: TypeEntry) -> &mut Self {
        self.resources.push(entry.resource);
        self.list_resources.extend(entry.list);
        self
    }

    /// The data sources of a COSI type: one object, and all that its arguments select.
    pub(super) fn view<V: View>(&mut self) -> &mut Self {
        #[cfg(test)]
        self.misfits
            .extend(engine::misfits::<V::Spec>(V::more_rows()).into_iter().map(|why| format!("{}: {why}", V::PLURAL)));
        self.single::<Objects<V>>().list::<Objects<V>>()
    }

    /// A managed resource that Omni serves by RPCs.
    pub(super) fn rpc<M: RpcObject>(&mut self) -> &mut Self {
        #[cfg(test)]
        self.check::<M>();
        self.entry(engine::rpc::<M>(self.handle))
    }

    /// A managed resource that RPCs make and nobody can read.
    pub(super) fn unreadable<M: UnreadableObject>(&mut self) -> &mut Self {
        #[cfg(test)]
        self.check::<M>();
        self.entry(engine::unreadable::<M>(self.handle))
    }

    /// Notes what is wrong with the rows of a resource.
    #[cfg(test)]
    fn check<M: Table>(&mut self) {
        self.misfits.extend(engine::misfits::<M::Spec>(M::rows()).into_iter().map(|why| format!("{}: {why}", M::NAME)));
    }

    /// A managed resource that is found, not created.
    pub(super) fn found<M: FoundObject>(&mut self) -> &mut Self {
        #[cfg(test)]
        self.check::<M>();
        self.entry(engine::found::<M>(self.handle))
    }

    /// A managed resource that is a set of objects.
    pub(super) fn object_set<M: ObjectSet>(&mut self) -> &mut Self {
        #[cfg(test)]
        self.check::<M>();
        self.entry(engine::object_set::<M>(self.handle))
    }

    /// A data source of one object.
    pub(super) fn single<L: SingleSource>(&mut self) -> &mut Self {
        self.data_source(Single::<L>::data_source)
    }

    /// A data source of all objects that its arguments select.
    pub(super) fn list<L: ListSource>(&mut self) -> &mut Self {
        self.data_source(Plural::<L>::data_source)
    }

    /// A type that is a data source and an ephemeral resource.
    pub(super) fn dual<F: DualSource>(&mut self) -> &mut Self {
        self.data_source(dual::data_source::<F>).ephemeral(dual::ephemeral::<F>)
    }

    /// A data source of a singleton of the instance.
    pub(super) fn singleton<F: Singleton>(&mut self) -> &mut Self {
        self.data_source(singleton::data_source::<F>)
    }

    /// A data source.
    pub(super) fn data_source(&mut self, make: fn(&Handle) -> Arc<dyn DataSource>) -> &mut Self {
        self.data_sources.push(make(self.handle));
        self
    }

    /// An ephemeral resource.
    pub(super) fn ephemeral(&mut self, make: fn(&Handle) -> Arc<dyn Ephemeral>) -> &mut Self {
        self.ephemerals.push(make(self.handle));
        self
    }

    /// An action.
    pub(super) fn action(&mut self, action: impl OmniAction) -> &mut Self {
        self.actions.push(engine::action(action, self.handle));
        self
    }

    /// A function.
    pub(super) fn function(&mut self, function: Pure) -> &mut Self {
        self.functions.push(Arc::new(function));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::engine::{Bind, Codec, misfits};
    use super::*;
    use crate::tf::schema::{number, string};
    use omni_proto::specs::{ClusterSpec, ClusterStatusSpec};

    /// What the compiler would know if the rows named fields and not paths.
    #[test]
    fn every_row_leads_to_a_field_of_its_type() {
        let handle = Handle::default();
        assert_eq!(Types::all(&handle).misfits, Vec::<String>::new());
    }

    #[test]
    fn a_row_that_leads_nowhere_is_found() {
        let rows = vec![
            string("a").required().field("talos"),
            number("b").required().field("talos_version"),
            string("c").computed().joined::<ClusterStatusSpec>("fase", Codec::Plain),
            string("d").computed().local(),
            string("e").required().field("kubernetes_version"),
            string("f").required().field("kubernetes_version"),
            string("g").coded("talos_version", Codec::Enum(&[("x", 0)])),
        ];
        let found = misfits::<ClusterSpec>(rows).join("\n");
        for part in [
            "a: talos: ",
            "b: talos_version is of",
            "c: fase: ",
            "d is computed",
            "kubernetes_version has two",
            "g: talos_version is of",
        ] {
            assert!(found.contains(part), "{part}: {found}");
        }
    }
}
