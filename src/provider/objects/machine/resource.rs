//! `omni_machine`: a machine that has registered, found as the data source of this name finds it. It can be accepted, and its
//! removal from the configuration can remove it from Omni.

use super::acceptance::{self, ACCEPT, Acceptance};
use super::data_source::{Machine, Machines, bare_mac, machine, machine_of};
use super::machine_id;
use super::single::{WAIT, is_mac, registered, waits};
use crate::omni::spec::Spec;
use crate::omni::{Error, ErrorKind, Query, labels};
use crate::provider::engine::{Bind, Cx, Failure, FoundObject, Object, ResourceType, Row, Table, if_applied};
use crate::provider::errors::Operation;
use crate::provider::ledger::{ObjectKey, Ticket};
use crate::provider::lookup::{
    Item, Lookup, Request, SELECTOR, Selection, SingleSource, is_selector, operation, select, selects,
};
use crate::provider::roles;
use crate::provider::session::at;
use crate::provider::view::{self, Presence};
use crate::tf::check::{Rule, not_empty, one_of};
use crate::tf::diag::{Diagnostic, Diagnostics, Severity};
use crate::tf::model::to_value;
use crate::tf::resource::{Plan, Private};
use crate::tf::schema::{Attribute, IdentitySchema, Schema, boolean, object_type, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use omni_proto::specs::{InfraMachineConfigSpec, MachineSetNodeSpec, MachineStatusSpec, SiderolinkSpec};
use std::cmp::Ordering;

const ID: &str = "machine_id";
const ON_DESTROY: &str = "on_destroy";
const KEEP: &str = "keep";
const REMOVE: &str = "remove";

pub(super) struct Registered;

fn keys() -> Vec<Attribute> {
    vec![
        string(ID).optional_computed().stays().replaces().check(not_empty()).doc(
            "ID (UUID) of the machine, in lower case. A machine that waits for its acceptance can be selected by nothing else.",
        ),
        string("mac_address")
            .replaces()
            .same_if(|a, b| bare_mac(a) == bare_mac(b))
            .check(is_mac())
            .doc("MAC address of any network link of the machine, ignoring case and separators, such as `52:54:00:12:34:56`."),
        string("hostname")
            .optional_computed()
            .stays()
            .replaces()
            .same_if(|a, b| a.eq_ignore_ascii_case(b))
            .check(not_empty())
            .doc("Host name of the machine, ignoring case. A configured host name stays in the state even if the machine is renamed."),
        string("label_selector")
            .document()
            .replaces()
            .check(is_selector())
            .check(selects())
            .doc(format!("Label selector that matches only this machine, {SELECTOR}")),
    ]
}

/// Whether the machine is to be accepted.
fn accepts(state: &Value) -> bool {
    state.get(ACCEPT).as_bool() == Some(true)
}

fn is_removed(prior: &Value) -> bool {
    prior.get(ON_DESTROY).as_str() == Some(REMOVE)
}

/// The machines, as the arguments of the resource name them.
#[async_trait]
impl Lookup for Registered {
    type Object = Machine;

    const NOUN: &'static str = Machines::NOUN;
    const NOUNS: &'static str = Machines::NOUNS;

    fn attributes() -> Vec<Attribute> {
        machine()
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Machine>>, Error> {
        Machines::list(cx, request).await
    }

    fn matches(config: &Value, found: &Item<Machine>) -> bool {
        config.get(ID).as_str().is_none_or(|id| id == found.id) && Machines::matches(config, found)
    }

    fn order(a: &Item<Machine>, b: &Item<Machine>) -> Ordering {
        Machines::order(a, b)
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        machine_id::problem(id)
    }

    fn display(found: &Item<Machine>) -> String {
        Machines::display(found)
    }
}

#[async_trait]
impl SingleSource for Registered {
    const NAME: &'static str = "omni_machine";
    const ABOUT: &'static str = "";
    const ID: &'static str = ID;
    const IF_MISSING: &'static str = <Machines as SingleSource>::IF_MISSING;
    const IF_LATE: &'static str = "Check that the machine runs, that it boots an image of this instance, and that it can reach Omni; or increase `timeouts.create`.";

    fn arguments() -> Vec<Attribute> {
        keys()
    }

    async fn find(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Machine>>, Error> {
        match waits(request.config) {
            true => registered::<Self>(cx, request, Self::KEYS).await,
            false => Self::list(cx, request).await,
        }
    }
}

impl Table for Registered {
    type Spec = ();

    const NAME: &'static str = "omni_machine";
    const NOUN: &'static str = <Machines as Lookup>::NOUN;
    const ID: &'static str = ID;

    fn rows() -> Vec<Row> {
        let keys = keys();
        let known = machine().into_iter().filter(|a| a.name != "id" && keys.iter().all(|key| key.name != a.name));
        // What a plan shows of it is what was read last: no change of the configuration changes the machine.
        let known: Vec<Row> = known.map(|attribute| attribute.stays().derived()).collect();
        let settings = [
            boolean(WAIT).default(false).doc(
            "Wait until a matching machine has registered and reported its hardware and network, for up to `timeouts.create`. By default it is an error if no machine matches.",
        ).local(),
            boolean(ACCEPT).default(false).doc(
            "Accept the machine if it belongs to a static infrastructure provider, such as the bare metal provider, and wait until it has registered. Needs `machine_id`. An accepted machine stays accepted. Has no effect on other machines.",
        ).derived(),
            string(ON_DESTROY).default(KEEP).check(one_of(&[KEEP, REMOVE])).doc(
            "What becomes of the machine when the resource is destroyed: `keep` leaves it in Omni, and `remove` removes it from Omni with everything that is configured for it, without wiping it. A removed machine that keeps running, and has a valid join token, can register again.",
        ).local(),
        ];
        keys.into_iter().map(Bind::local).chain(settings).chain(known).collect()
    }
}

#[async_trait]
impl ResourceType for Registered {
    fn about() -> Schema {
        Schema::new(
            "Manages a machine that registers with Omni by itself: selects it by ID, MAC address, host name or labels, waits for it, accepts it if it needs that, and shows its hardware, network and labels.\n\n\
             Creating this resource creates no machine, and destroying it leaves the machine in Omni unless `on_destroy` says otherwise. \
             It is an error if no machine matches, or more than one. A change of `machine_id`, `mac_address`, `hostname` or `label_selector` forces replacement only if it selects another machine. \
             There is no `on_destroy = \"reset\"`, because Omni has no call that resets a machine outside of a cluster; it wipes a machine that leaves a cluster.\n\n\
             ~> **Accepting a machine lets its infrastructure provider wipe its disks, and cannot be taken back.** \
             For power state and kernel arguments of such a machine use `omni_infra_machine_config`, which accepts it too: use one of the two to accept a machine.",
        )
        .rule(Rule::ExactlyOne(Self::KEYS))
    }

    fn identity() -> IdentitySchema {
        IdentitySchema::of(ID, "ID (UUID) of the machine.")
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        if accepts(config) && config.get(ID).is_null() {
            diags.push(
                Diagnostic::error(
                    format!("`{ACCEPT}` needs `{ID}`"),
                    "A machine that waits for its acceptance has not reported anything yet, so it can be found only by its ID.",
                )
                .hint(format!("Set `{ID}`, such as to the ID that the infrastructure provider shows."))
                .at(at(ACCEPT)),
            );
        }
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        machine_id::problem(id)
    }

    async fn resolve_import(cx: Option<&Cx>, text: &str) -> Result<String, Failure> {
        if let Some(cx) = cx
            && matches!(view::object::<MachineStatusSpec>(cx, text).await?, Presence::Missing)
            && let Some(hidden) = acceptance::why_hidden(cx, text, ID).await?
        {
            return Err(Diagnostic { path: None, ..hidden }.into());
        }
        Ok(text.to_owned())
    }

    fn check_run(cx: &Cx, _ticket: &Ticket, plan: &mut Plan<'_>) {
        let Some(id) = plan.planned.get(ID).as_str().filter(|_| accepts(&plan.planned)).map(str::to_owned) else {
            return;
        };
        let config = cx.session.ledger.planned(&ObjectKey::from(&InfraMachineConfigSpec::KIND.key(&id)));
        if let Some(conflict) = config.and_then(|config| acceptance::conflict(&id, &config, ACCEPT)) {
            let conflict = if_applied(cx, plan, &Self::key(&id), conflict);
            plan.diags.push(conflict);
        }
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        if let Some(prior) = plan.prior.filter(|prior| is_removed(prior) && !plan.replace.is_empty()) {
            let id = prior.get(ID).as_str().unwrap_or_default();
            plan.diags.push(
                Diagnostic::warning(
                    format!("Machine `{id}` is removed from Omni"),
                    format!(
                        "The resource is replaced because of a change of its key, and `{ON_DESTROY}` is `{REMOVE}` in the state. If the new key leads to the same machine, it is found no more."
                    ),
                )
                .hint(format!("To keep the machine, apply `{ON_DESTROY} = \"{KEEP}\"` first, with the former key."))
                .at(at(ON_DESTROY)),
            );
            Self::check_delete(cx, prior, &mut plan.diags).await?;
        }
        let before = plan.prior.is_some_and(accepts) && plan.replace.is_empty();
        let now = accepts(&plan.planned);
        let Some(id) = plan.planned.get(ID).as_str().map(str::to_owned) else { return Ok(()) };
        if before == now || plan.replaced != Private::default() {
            return Ok(());
        }
        match acceptance::of(cx, &id).await? {
            Acceptance::Given if before => plan.diags.push(
                Diagnostic::warning(
                    format!("Machine `{id}` stays accepted"),
                    "Omni does not let an accepted machine be rejected or set back to pending: only the state changes.",
                )
                .hint("To have the machine wait for acceptance again, remove it from Omni; it can then register again.")
                .at(at(ACCEPT)),
            ),
            Acceptance::Missing { provider, rejected } if now => {
                let rejected = if rejected { " It is rejected now." } else { "" };
                plan.diags.push(
                    Diagnostic::warning(
                        format!("Machine `{id}` will be accepted"),
                        format!(
                            "Its infrastructure provider `{provider}` then takes it over and can wipe its disks. That cannot be taken back.{rejected}"
                        ),
                    )
                    .hint(format!("If this is not the right machine, correct `{ID}` before you apply."))
                    .at(at(ACCEPT)),
                );
                let operation = Operation { verb: "accept", noun: Machines::NOUN, id: &id, id_attribute: ID };
                roles::warn(cx, &operation, roles::OPERATOR, &mut plan.diags).await;
            }
            _ => {}
        }
        Ok(())
    }

    async fn check_delete(cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        let Some(id) = prior.get(ID).as_str().filter(|_| is_removed(prior)) else { return Ok(()) };
        let operation = Operation { verb: "remove", noun: Machines::NOUN, id, id_attribute: ID };
        roles::warn(cx, &operation, roles::OPERATOR, diags).await;
        let node = MachineSetNodeSpec::KIND.key(id);
        if cx.session.ledger.goes(&ObjectKey::from(&node)) {
            return Ok(());
        }
        let node = view::object::<MachineSetNodeSpec>(cx, id).await?.there();
        if let Some(cluster) = node.as_ref().and_then(|node| node.label(labels::CLUSTER)) {
            diags.push(
                Diagnostic::warning(
                    format!("Machine `{id}` is a node of cluster `{cluster}`"),
                    "Removing it from Omni takes it out of the cluster too, without draining or wiping it.",
                )
                .hint(format!("Destroy its `omni_machine_set_node` first, or set `{ON_DESTROY} = \"{KEEP}\"`."))
                .at(at(ON_DESTROY)),
            );
        }
        Ok(())
    }
}

#[async_trait]
impl FoundObject for Registered {
    type Found = Item<Machine>;

    const KEYS: &'static [&'static str] = &[ID, "mac_address", "hostname", "label_selector"];

    fn key(id: &str) -> ObjectKey {
        ObjectKey::from(&MachineStatusSpec::KIND.key(id))
    }

    fn id_of(found: &Item<Machine>) -> String {
        found.id.clone()
    }

    fn show(found: &Item<Machine>, prior: &Value) -> Result<Value, Diagnostic> {
        let shown = to_value(&found.item, &object_type(&machine())).map_err(|error| {
            Diagnostic::from_error("Object does not fit the schema", &error)
                .hint("This is a defect of the provider; please report it.")
        })?;
        let known = shown.entries().into_iter().flatten().filter(|(name, _)| *name != "id");
        let settings = [
            (ID, Value::from(found.id.as_str())),
            (ACCEPT, Value::from(accepts(prior))),
            (WAIT, Value::from(false)),
            (ON_DESTROY, Value::from(KEEP)),
        ];
        let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value));
        Ok(Value::object(known.map(|(name, value)| (name.clone(), value.clone())).chain(settings)))
    }

    async fn look_up(cx: &Cx, plan: &mut Plan<'_>) -> Result<Option<String>, Failure> {
        let mut config = plan.config.clone();
        config.set(WAIT, Value::Null);
        let told = match select::<Self>(cx, &config, false).await? {
            Selection::One(found) => return Ok(Some(found.id)),
            Selection::Ambiguous(several) => {
                let key = ObjectKey::called(<Self as Table>::NAME, "");
                Some(if_applied(cx, plan, &key, several))
            }
            Selection::Missing(missing) => told(cx, plan, missing).await?,
        };
        // The first plan of a replacement has told it.
        if plan.replaced == Private::default() {
            plan.diags.extend(told.into_iter().collect());
        }
        Ok(None)
    }

    async fn obtain(cx: &Cx, config: &Value, wanted: &Value) -> Result<Item<Machine>, Diagnostics> {
        let mut config = config.clone();
        let id = config.get(ID).as_str().map(str::to_owned).filter(|_| accepts(wanted));
        if let Some(id) = id {
            let operation = Operation { verb: "accept", noun: Machines::NOUN, id: &id, id_attribute: ID };
            let accepted = accepted(cx, &id, waits(&config)).await;
            if accepted.map_err(|error| operation.explain(&error))? {
                // What it has can be seen only some time after that.
                config.set(WAIT, true.into());
            }
        }
        match select::<Self>(cx, &config, waits(&config)).await {
            Ok(Selection::One(found)) => Ok(found),
            Ok(Selection::Missing(missing)) => Err(hidden(cx, &config).await.unwrap_or(missing).into()),
            Ok(Selection::Ambiguous(several)) => Err(several.into()),
            Err(failure) => {
                Err(failure.explain(&operation::<Self>(config.get(ID).as_str().unwrap_or_default())).into())
            }
        }
    }

    async fn read(cx: &Cx, id: &str) -> Result<Option<Item<Machine>>, Error> {
        match cx.read_surely(&MachineStatusSpec::KIND.key(id), None).await {
            Ok(stored) => Ok(Some(machine_of(Object::decode(stored)?))),
            Err(error) if error.is(ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn all(cx: &Cx) -> BoxStream<'_, Result<(String, String), Error>> {
        let listing = cx.client().listing(MachineStatusSpec::KIND, &Query::all());
        stream::try_unfold(listing, move |mut listing| async move {
            // A host that takes its time with the results uses up no limit.
            let call = cx.call.again_within(cx.session.timeouts.read);
            let Some(stored) = listing.next(&call).await? else { return Ok(None) };
            let found = machine_of(Object::decode(stored)?);
            let display_name = match found.item.hostname() {
                "" => found.id.clone(),
                name => format!("{name} ({})", found.id),
            };
            Ok::<_, Error>(Some(((found.id, display_name), listing)))
        })
        .boxed()
    }

    async fn change(cx: &Cx, prior: &Value, wanted: &Value) -> Result<(), Failure> {
        let id = wanted.get(ID).as_str().unwrap_or_default();
        if accepts(wanted) && !accepts(prior) {
            accepted(cx, id, false).await?;
        }
        Ok(())
    }

    async fn remove(cx: &Cx, prior: &Value) -> Result<(), Failure> {
        match prior.get(ID).as_str().filter(|_| is_removed(prior)) {
            Some(id) => Ok(cx.client().remove(&cx.call, &SiderolinkSpec::KIND.key(id)).await?),
            None => Ok(()),
        }
    }
}

/// Why the machine of the configured ID cannot be found though Omni knows it, as far as that can be seen.
async fn hidden(cx: &Cx, config: &Value) -> Option<Diagnostic> {
    acceptance::why_hidden(cx, config.get(ID).as_str()?, ID).await.ok().flatten()
}

/// What a plan says of a machine that is not there.
async fn told(cx: &Cx, plan: &Plan<'_>, mut missing: Diagnostic) -> Result<Option<Diagnostic>, Failure> {
    // Another resource of the same apply may bring it about.
    let mut may_come = plan.config.get(WAIT).is_unknown() || waits(plan.config);
    if let Some(id) = plan.config.get(ID).as_str() {
        if machine_id::problem(id).is_some() {
            return Ok(Some(missing));
        }
        match acceptance::of(cx, id).await? {
            // It has registered, and shows nothing of itself yet; or it will once it is accepted.
            Acceptance::NotNeeded | Acceptance::Given => return Ok(None),
            Acceptance::Missing { .. } if accepts(&plan.planned) => return Ok(None),
            // Time alone accepts nothing.
            Acceptance::Missing { .. } => may_come = false,
            Acceptance::Absent => {}
        }
        if !may_come {
            missing = acceptance::why_hidden(cx, id, ID).await?.unwrap_or(missing);
        }
    }
    if may_come {
        return Ok(None);
    }
    let mut told = Diagnostic { severity: Severity::Warning, ..missing };
    told.detail.push_str("\nThe apply fails unless it has registered by then.");
    Ok(Some(told))
}

/// Accepts the machine if it needs that, and waits for it to stand at its provider first if it is told to; whether it is accepted.
async fn accepted(cx: &Cx, id: &str, waits: bool) -> Result<bool, Error> {
    if waits {
        let what = format!("machine `{id}` to reach Omni");
        let link = SiderolinkSpec::KIND.key(id);
        cx.client().wait_for(&cx.call, &link, &what, |stored| stored.map(|_| ())).await?;
    }
    match acceptance::of(cx, id).await? {
        Acceptance::Absent | Acceptance::NotNeeded => Ok(false),
        Acceptance::Given => Ok(true),
        Acceptance::Missing { provider, .. } => {
            tracing::info!(id, provider, "accepting the machine");
            acceptance::accept(cx, id).await.map(|()| true)
        }
    }
}
