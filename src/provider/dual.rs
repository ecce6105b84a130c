//! Types that are offered both as a data source, which stores its values in state, and as an ephemeral resource, which stores none.
//! A type defines its attributes and how to read them; both forms are built from that here.

use super::session::{Handle, Session};
use crate::omni::Call;
use crate::tf::data_source::DataSource;
use crate::tf::described::Described;
use crate::tf::diag::Diagnostics;
use crate::tf::done::Done;
use crate::tf::ephemeral::{Ephemeral, Opened, Renewed};
use crate::tf::resource::{Context, Private};
use crate::tf::schema::{Attribute, Schema};
use crate::tf::value::Value;
use async_trait::async_trait;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// In which of its two forms a type is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DualForm {
    /// As a data source.
    Stored,
    /// As an ephemeral resource.
    Ephemeral,
}

/// What is kept of a value while it is used, in memory only, and when to look after it, since 1970.
/// Hosts may write down what they keep, so no secret is in it.
#[derive(Debug, Default)]
pub(crate) struct Lease {
    pub(crate) private: Private,
    pub(crate) renew_at: Option<Duration>,
}

/// A thing that one read brings.
#[async_trait]
pub(crate) trait DualSource: Send + Sync + 'static {
    /// The name of both types: `omni_kubeconfig`.
    const TYPE: &'static str;

    /// Documentation; the first sentence stands alone as a summary.
    fn about(form: DualForm) -> &'static str;

    /// The attributes of both types.
    fn attributes() -> Vec<Attribute>;

    /// Fills in the computed attributes of a configuration that is wholly known.
    async fn fetch(session: &Arc<Session>, call: &Call, config: Value) -> Result<Value, Diagnostics>;

    /// What to keep of an open value.
    fn lease(_value: &Value) -> Lease {
        Lease::default()
    }

    /// Looks after an open value.
    async fn renew(_session: &Session, _call: &Call, private: Private) -> Done<Renewed> {
        Renewed { private, ..Renewed::default() }.into()
    }

    /// What there is to say once an open value is not needed any more; hosts show it, unlike what a renewal says.
    fn close(_private: &Private, _now: Duration) -> Diagnostics {
        Diagnostics::new()
    }
}

struct Type<F> {
    schema: Schema,
    handle: Handle,
    thing: PhantomData<fn() -> F>,
}

impl<F: DualSource> Type<F> {
    fn new(form: DualForm, handle: &Handle) -> Arc<Self> {
        let schema = Schema::new(F::about(form)).with_all(F::attributes());
        Arc::new(Self { schema, handle: handle.clone(), thing: PhantomData })
    }

    async fn fetch(&self, context: &Context, config: Value) -> Result<Value, Diagnostics> {
        let session = self.handle.session()?;
        F::fetch(&session, &Call::within(session.timeouts.read, &context.cancel), config).await
    }
}

/// The data source.
pub(crate) fn data_source<F: DualSource>(handle: &Handle) -> Arc<dyn DataSource> {
    Type::<F>::new(DualForm::Stored, handle)
}

/// The ephemeral resource.
pub(crate) fn ephemeral<F: DualSource>(handle: &Handle) -> Arc<dyn Ephemeral> {
    Type::<F>::new(DualForm::Ephemeral, handle)
}

#[async_trait]
impl<F: DualSource> Described for Type<F> {
    fn type_name(&self) -> &'static str {
        F::TYPE
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }
}

#[async_trait]
impl<F: DualSource> DataSource for Type<F> {
    async fn read(&self, context: &Context, config: Value) -> Result<Done<Value>, Diagnostics> {
        self.fetch(context, config).await.map(Done::from)
    }
}

#[async_trait]
impl<F: DualSource> Ephemeral for Type<F> {
    async fn open(&self, context: &Context, config: Value) -> Result<Done<Opened>, Diagnostics> {
        let value = self.fetch(context, config).await?;
        let Lease { private, renew_at } = F::lease(&value);
        Ok(Opened { value, private, renew_at }.into())
    }

    async fn renew(&self, context: &Context, private: Private) -> Result<Done<Renewed>, Diagnostics> {
        let session = self.handle.session()?;
        let call = Call::within(session.timeouts.read, &context.cancel);
        Ok(F::renew(&session, &call, private).await)
    }

    async fn close(&self, _context: &Context, private: Private) -> Result<Done<()>, Diagnostics> {
        let warnings = F::close(&private, self.handle.session()?.clock.now());
        Ok(Done::from(()).warn(warnings))
    }
}
