//! Data sources of singletons of an instance: they look nothing up, and arguments at most select a part.

use crate::omni::{Call, Error};
use crate::provider::errors::Operation;
use crate::provider::session::{Handle, Session};
use crate::tf::data_source::DataSource;
use crate::tf::described::Described;
use crate::tf::diag::Diagnostics;
use crate::tf::done::Done;
use crate::tf::resource::Context;
use crate::tf::schema::{Attribute, Schema};
use crate::tf::value::Value;
use async_trait::async_trait;
use std::marker::PhantomData;
use std::sync::Arc;

/// A data source without an ID: the instance has exactly one of it.
#[async_trait]
pub(crate) trait Singleton: Send + Sync + 'static {
    /// The full name of the data source: `omni_features`.
    const NAME: &'static str;
    /// What it is, in words: `the features of the instance`.
    const NOUN: &'static str;
    /// What it is for, in Markdown; the first sentence stands alone.
    const ABOUT: &'static str;

    /// The attributes.
    fn attributes() -> Vec<Attribute>;

    /// Fills in the computed attributes of a configuration that is wholly known.
    ///
    /// # Errors
    /// When Omni refuses or does not answer.
    async fn fill(session: &Session, call: &Call, value: &mut Value) -> Result<(), Error>;
}

struct Source<F> {
    schema: Schema,
    handle: Handle,
    kind: PhantomData<fn() -> F>,
}

/// The data source.
pub(crate) fn data_source<F: Singleton>(handle: &Handle) -> Arc<dyn DataSource> {
    let schema = Schema::new(F::ABOUT).with_all(F::attributes());
    Arc::new(Source::<F> { schema, handle: handle.clone(), kind: PhantomData })
}

#[async_trait]
impl<F: Singleton> Described for Source<F> {
    fn type_name(&self) -> &'static str {
        F::NAME
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }
}

#[async_trait]
impl<F: Singleton> DataSource for Source<F> {
    async fn read(&self, context: &Context, mut config: Value) -> Result<Done<Value>, Diagnostics> {
        let session = self.handle.session()?;
        let call = Call::within(session.timeouts.read, &context.cancel);
        let operation = Operation { verb: "read", noun: F::NOUN, id: "", id_attribute: "" };
        F::fill(&session, &call, &mut config).await.map_err(|error| Diagnostics::from(operation.explain(&error)))?;
        Ok(config.into())
    }
}
