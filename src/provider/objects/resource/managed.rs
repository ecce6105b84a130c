//! `omni_resource`: an object of any type that users may write, with a spec that the descriptors of the type check.

use super::document::{self, SECRET, SPEC, YAML};
use super::goal::{self, Goal, PHASES};
use super::moved;
use super::twin;
use super::type_name::{self, SPELLINGS, TYPE, short};
use crate::omni::spec::access::{self, Access};
use crate::omni::spec::any::Single;
use crate::omni::spec::form::{Form, Secrets};
use crate::omni::spec::{KINDS, names};
use crate::omni::{Error, Key, Kind, Resource as Stored};
use crate::provider::engine::{
    Bind, CosiObject, Cx, Failure, Joined, Kinds, Object, ResourceType, Row, SpecChange, Table, Write, Written, group,
    identity_of,
};
use crate::provider::since;
use crate::provider::timestamp;
use crate::provider::wait::{Awaited, Condition};
use crate::tf::check::{Rule, not_empty, one_of};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::resource::{Plan, Private};
use crate::tf::schema::{Attribute, IdentitySchema, Schema, number, object, plain, string};
use crate::tf::value::{Type, Value};
use crate::tf::write_only::Fingerprint;
use async_trait::async_trait;
use kit::text::closest;
use kit::yaml;
use omni_proto::specs;
use serde_json::Value as Json;

pub(super) struct AnyResource;

const NAMESPACE: &str = "namespace";
const COMPUTED: &str = "computed_fields";
const WAIT: &str = "wait";
const STATUS: &str = "status";
const SECRET_VERSION: &str = "spec_wo_version";
const SECRET_HASH: &str = "spec_wo_hash";
/// The attribute that the engine adds, which every state of an object has.
const VERSION: &str = "resource_version";

/// Beside the state: the fields that the configuration set last. An import has none, so it removes none.
const FIELDS: &str = "fields";

const PRINT: Fingerprint = Fingerprint::Salted;

/// The types that Omni makes objects of by itself, for users to change.
const MADE_BY_OMNI: &[Kind] = &[
    <specs::DefaultJoinTokenSpec as crate::omni::spec::Spec>::KIND,
    <specs::KernelArgsSpec as crate::omni::spec::Spec>::KIND,
    <specs::MachineLabelsSpec as crate::omni::spec::Spec>::KIND,
];

impl Table for AnyResource {
    type Spec = ();

    const NAME: &'static str = "omni_resource";
    const NOUN: &'static str = "resource";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        vec![
            type_name::any("COSI type of the resource. Changing this forces replacement.")
                .replaces_if(|before, now| {
                    !matches!((before.as_str(), now.as_str()), (Some(before), Some(now)) if type_name::same(before, now))
                })
                .same_if(type_name::same)
                .derived(),
            string(NAMESPACE)
                .optional_computed()
                .stays()
                .replaces()
                .check(not_empty())
                .doc("Namespace of the resource; the one of the type by default.")
                .derived(),
            string("id")
                .required()
                .replaces()
                .check(not_empty())
                .doc("ID of the resource, unique within its type and namespace.")
                .id(),
            plain(SPEC, Type::Dynamic)
                .doc("Spec of the resource: an object with the fields of the type, as `omnictl get -o yaml` names them, with or without underscores. Enums are set by name, durations as `1h30m` or `90s`, timestamps in RFC 3339. Only the fields that are set are managed; a field that is removed from the configuration is cleared.")
                .derived(),
            string(YAML)
                .document()
                .check(crate::provider::check::is_mapping())
                .same_if(|one, other| document::of_text(one).is_some_and(|one| document::of_text(other) == Some(one)))
                .doc("Spec of the resource as YAML text, instead of `spec`. Formatting-only changes produce no diff. After an import the state has `spec`, and the next apply replaces it by `yaml` in the state, without a write to Omni.")
                .derived(),
            plain(SECRET, Type::Dynamic)
                .write_only()
                .sensitive()
                .doc("Fields of the spec that hold secrets, in the form of `spec`: never written to state or plan. Requires Terraform or OpenTofu 1.11 or later.")
                .derived(),
            number(SECRET_VERSION)
                .doc(format!("Optional version, to be incremented when `{SECRET}` changes. Changes of the content are also detected without it, by `{SECRET_HASH}`."))
                .derived(),
            string(SECRET_HASH)
                .computed()
                .stays()
                .sensitive()
                .doc(format!("Salted hash of `{SECRET}`, by which changes of it are detected. Null without it."))
                .derived(),
            plain(COMPUTED, Type::set(Type::String))
                .doc("Paths of fields of the spec, such as `features.disk_encryption`, that others may change after they are set here: their drift is ignored, and they are written only when the configuration changes them.")
                .local(),
            object(
                WAIT,
                vec![
                    string(TYPE)
                        .check(crate::tf::check::Check::text(type_name::is_known))
                        .doc("COSI type of the object to wait for, such as `ClusterStatuses`; the type of the resource by default."),
                    string("id").check(not_empty()).doc("ID of the object to wait for; the ID of the resource by default."),
                    plain("fields", Type::map(Type::String)).doc(
                        "Values to wait for, by the path of the field of the spec, such as `machines.healthy`, in the names of the Protobuf message of the type. The names of enums are compared without regard to case and underscores; booleans are `\"true\"` and `\"false\"`.",
                    ),
                    string("phase")
                        .check(one_of(PHASES))
                        .doc("Phase of its lifecycle that the object is waited to be in: `running` or `tearing_down`."),
                ],
            )
            .doc("What to wait for after a create or an update, within `timeouts`: that the object exists and meets all these conditions. If that takes too long, the next apply waits again.")
            .local(),
            group(
                STATUS,
                vec![
                    string("phase").computed().doc("Phase of its lifecycle: `running` or `tearing_down`.").derived(),
                    plain("finalizers", Type::list(Type::String))
                        .computed()
                        .doc("Controllers of Omni that must clean up before the resource can be destroyed.")
                        .derived(),
                    string("created").computed().doc("Time of its creation, in RFC 3339.").derived(),
                ],
                |status| status.computed().stays().doc("Status of the resource in Omni, as of the last refresh."),
            ),
        ]
    }

    fn derive(object: &Object<()>, _joined: &Joined, prior: &Value, shown: &mut Value) -> Result<(), Diagnostic> {
        let stored = &object.stored;
        let metadata = &stored.metadata;
        let before = |name: &str| prior.get(name).as_str().map(str::to_owned);
        let spelled = before(TYPE).filter(|text| type_name::same(text, stored.key.kind.name));
        shown.set(TYPE, spelled.unwrap_or_else(|| stored.key.kind.name.to_owned()).into());
        shown.set(NAMESPACE, stored.key.kind.namespace.into());
        let created = metadata.created.as_ref().map(|at| timestamp::show(timestamp::from_proto(at)));
        let finalizers = metadata.finalizers.iter().map(|name| name.as_str().into()).collect();
        shown.set(
            STATUS,
            Value::object([
                ("phase", goal::phase_name(metadata.phase).into()),
                ("finalizers", Value::List(finalizers)),
                ("created", created.into()),
            ]),
        );
        for name in [SECRET_VERSION, SECRET_HASH] {
            let known = Some(prior.get(name)).filter(|value| !value.is_unknown());
            shown.set(name, known.cloned().unwrap_or(Value::Null));
        }
        show_spec(stored, prior, shown).map_err(|error| {
            Diagnostic::from_error(format!("Could not read the spec of `{}`", stored.key), &error)
                .hint("If Omni is newer than this version of the provider, try a newer one of the provider.")
        })
    }
}

/// Fills in the spec: what the state has of it as Omni has it, or everything after an import.
fn show_spec(stored: &Stored, prior: &Value, shown: &mut Value) -> Result<(), Error> {
    let Some(form) = Form::of(stored.key.kind) else { return Ok(()) };
    let Some(document) = document::of_state(prior) else {
        let is_import = prior.get(VERSION).is_null() && prior.get(STATUS).is_null();
        if is_import && form.has_open_fields() {
            shown.set(SPEC, Value::dynamic(&form.show(stored, Secrets::LeftOut)?));
        }
        return Ok(());
    };
    let now = form.show_like(&document, stored)?;
    // What others may change is shown as it was set.
    let now = form.with(&now, &document, &computed(&form, prior));
    if prior.get(SPEC).bare().is_null() {
        let text = if now == document { prior.get(YAML).clone() } else { yaml::to_string(&now).into() };
        shown.set(YAML, text);
    } else {
        shown.set(SPEC, document::like(prior.get(SPEC), &now));
    }
    Ok(())
}

/// The fields that others may change, by their paths in the names of the message.
fn computed(form: &Form, state: &Value) -> Vec<String> {
    state.get(COMPUTED).elements().iter().filter_map(|path| form.path(path.as_str()?)).collect()
}

/// The type that a state or a configuration names.
fn kind(state: &Value) -> Option<Kind> {
    let kind = names::resolve(state.get(TYPE).as_str()?).ok()?;
    Some(match state.get(NAMESPACE).as_str() {
        Some(namespace) if namespace != kind.namespace => Kind::named(namespace, kind.name),
        _ => kind,
    })
}

/// Why objects of the type are not managed, if they are not.
fn refusal(kind: Kind) -> Option<Diagnostic> {
    let (why, hint) = match access::of(kind) {
        Access::Managed | Access::Changed => return None,
        Access::Refused(why) => {
            let instead = twin::of(kind).map(|twin| format!("Use the {twin}."));
            let read = "Use the data source `omni_resource` to read it.";
            (why.to_owned(), instead.unwrap_or_else(|| read.to_owned()))
        }
        Access::Undescribed => {
            let known: Vec<_> = KINDS.iter().map(|kind| short(*kind)).collect();
            let meant = closest(short(kind), &known);
            let meant = meant.map(|name| format!("Did you mean `{name}`? ")).unwrap_or_default();
            let why =
                "This version of the provider has no description of the type, so it cannot check and encode its spec.";
            (
                why.to_owned(),
                format!("{meant}Use the data source `omni_resource` to read it, or a newer version of the provider."),
            )
        }
    };
    Some(Diagnostic::error(format!("`{}` cannot be managed", short(kind)), why).hint(hint).at(Path::of(TYPE)))
}

fn compose(kind: Kind, id: &str) -> String {
    format!("{}/{}/{id}", kind.namespace, kind.name)
}

#[async_trait]
impl ResourceType for AnyResource {
    fn about() -> Schema {
        Schema::new(
            "Manages a resource of any COSI type that users may write, also of types and fields that no other resource of this provider has. \
             The descriptors of the type check the spec: unknown fields, wrong types and unknown values of enums are errors of the plan.\n\n\
             Where the provider has a resource for the type, prefer it: it checks more, and knows what to wait for.\n\n\
             An update writes only what the configuration sets. Fields that others set stay, and so do fields that this version of the provider does not know. \
             After an import, `spec` has every field that is set; fields that the configuration leaves out then are not managed, and stay.\n\n\
             Secrets, such as passwords and access keys, are refused in `spec` and `yaml`: set them in `spec_wo`. The state never has them, also after an import.\n\n\
             A `moved` block takes over an `omni_apply_yaml` of the provider `stathis-ditc/omni` whose text describes one resource.",
        )
        .rule(Rule::AtMostOne(&[SPEC, YAML]))
        .rule(Rule::Needs(SECRET_VERSION, SECRET))
        .moved_from(moved::SOURCE, |state| {
            *state = moved::convert(state)?;
            Ok(())
        })
    }

    fn identity() -> IdentitySchema {
        let mut identity = identity_of(AnyKind::PARTS, Self::NOUN);
        // It has a default: the one of the type.
        for part in identity.attributes.iter_mut().filter(|part| part.name == NAMESPACE) {
            part.required_for_import = false;
        }
        identity
    }

    fn id(state: &Value) -> Option<String> {
        Some(compose(kind(state)?, state.get("id").as_str()?))
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        let Some(kind) = kind(config) else { return };
        if let Some(refusal) = refusal(kind) {
            return diags.push(refusal);
        }
        let Some(form) = Form::of(kind) else { return };
        document::check(&form, short(kind), config, diags);
        for path in config.get(COMPUTED).elements().iter().filter_map(Value::as_str) {
            if form.path(path).is_none() {
                let names: Vec<_> = form.fields().iter().map(|name| format!("`{name}`")).collect();
                diags.push(
                    Diagnostic::error(
                        format!("`{}` has no field `{path}`", short(kind)),
                        format!("The fields of the type are {}.", names.join(", ")),
                    )
                    .hint(format!("Correct the path in `{COMPUTED}`, or remove it."))
                    .at(Path::of(COMPUTED)),
                );
            }
        }
        check_wait(kind, config.get(WAIT), diags);
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        plan_namespace(plan);
        plan_secret(plan);
        let Some(kind) = kind(&plan.planned) else { return };
        keep_imported(kind, plan);
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        let Some(kind) = kind(&plan.planned) else { return Ok(()) };
        // An apply plans once more what its plan has told already.
        if plan.prior.is_none() && plan.replaced == Private::default() && !cx.session.ledger.is_applying() {
            hint_at_twin(kind, plan);
        }
        let Some(form) = Form::of(kind) else { return Ok(()) };
        for (at, document) in document::given(plan.config) {
            since::check_document(cx, &form, &document, at, &mut plan.diags).await;
        }
        Ok(())
    }

    async fn resolve_import(_cx: Option<&Cx>, text: &str) -> Result<String, Failure> {
        let (kind, id) = parse(text)?;
        match refusal(kind) {
            Some(refusal) => Err(Diagnostic { path: None, ..refusal }.into()),
            None => Ok(compose(kind, id)),
        }
    }
}

/// The type and the ID in the text of an import: `namespace/type/id`, or `type/id` in the namespace of the type.
fn parse(text: &str) -> Result<(Kind, &str), Diagnostic> {
    let of = |name: &str| names::resolve(name).map_err(|error| type_name::problem(name, &error));
    let wrong = |why: String| {
        Diagnostic::error("Could not import a resource", why)
            .hint("Import by `namespace/type/id`, such as `default/Clusters.omni.sidero.dev/prod`, or by `type/id`.")
    };
    let parts: Vec<&str> = text.splitn(3, '/').collect();
    if let [namespace, name, id] = parts[..]
        && let Ok(kind) = of(name)
        && !id.is_empty()
        && of(namespace).is_err()
    {
        return Ok((Kind::named(namespace, kind.name), id));
    }
    match text.split_once('/') {
        Some((name, id)) if !id.is_empty() => match of(name) {
            Ok(kind) => Ok((kind, id)),
            // With three parts, the second one is the type.
            Err(why) => {
                Err(wrong(parts.get(1).filter(|_| parts.len() == 3).and_then(|name| of(name).err()).unwrap_or(why)))
            }
        },
        _ => Err(wrong("The ID of the import names no type, or no ID.".to_owned())),
    }
}

/// The namespace of a new object is that of its type.
fn plan_namespace(plan: &mut Plan<'_>) {
    if !plan.config.get(NAMESPACE).is_null() {
        return;
    }
    match kind(plan.config) {
        Some(kind) => {
            let replaces = plan.prior.is_some_and(|prior| prior.get(NAMESPACE).as_str() != Some(kind.namespace));
            plan.planned.set(NAMESPACE, kind.namespace.into());
            if replaces && !plan.replace.contains(&Path::of(NAMESPACE)) {
                plan.replace.push(Path::of(NAMESPACE));
            }
        }
        None => plan.planned.set(NAMESPACE, Value::UNKNOWN),
    }
}

/// A secret that changes changes its hash.
fn plan_secret(plan: &mut Plan<'_>) {
    let secret = plan.config.get(SECRET);
    let before = plan.prior.map(|prior| prior.get(SECRET_HASH)).filter(|_| plan.replace.is_empty());
    let hash = match (secret.bare(), before) {
        (Value::Null, _) => Value::Null,
        (_, Some(before))
            if secret.is_wholly_known() && before.as_str().is_some_and(|hash| PRINT.is_of(hash, &text(secret))) =>
        {
            before.clone()
        }
        _ => Value::UNKNOWN,
    };
    plan.planned.set(SECRET_HASH, hash);
}

/// A secret as text, in one form.
fn text(secret: &Value) -> String {
    document::of_value(secret).to_string()
}

fn hint_at_twin(kind: Kind, plan: &mut Plan<'_>) {
    let Some(twin) = twin::of(kind).filter(|_| refusal(kind).is_none()) else { return };
    plan.diags.push(
        Diagnostic::warning(
            format!("The {twin} covers `{}`", short(kind)),
            "It checks more before an apply than this resource can, which knows no more than the fields of the type.",
        )
        .hint("Use it unless you need what it does not have. This warning comes only with the create.")
        .at(Path::of(TYPE)),
    );
}

/// After an import the state has every field: no change as long as those that are configured are among them.
fn keep_imported(kind: Kind, plan: &mut Plan<'_>) {
    let Some(prior) = plan.prior.filter(|_| plan.private.get::<Vec<String>>(FIELDS).is_none()) else { return };
    let (Some(form), config) = (Form::of(kind), plan.config.get(SPEC)) else { return };
    let spec = prior.get(SPEC);
    if config.bare().is_set()
        && spec.bare().is_set()
        && config.is_wholly_known()
        && form.covers(&document::of_value(config), &document::of_value(spec))
    {
        plan.planned.set(SPEC, spec.clone());
    }
}

fn check_wait(kind: Kind, wait: &Value, diags: &mut Diagnostics) {
    let at = Path::of(WAIT);
    if !wait.is_set() || wait.get(TYPE).is_unknown() {
        return;
    }
    let kind = match wait.get(TYPE).as_str() {
        None => kind,
        Some(name) => match type_name::named(KINDS, name) {
            Some(kind) => kind,
            // Its own check has said what is wrong with it.
            None => return,
        },
    };
    goal::check_kind(kind, at.attribute(TYPE), diags);
    for (path, value) in wait.get("fields").entries().into_iter().flatten() {
        let place = at.attribute("fields").key(path);
        goal::check_field(kind, path, value.as_str(), [place.clone(), place], diags);
    }
}

/// What a state asks to be waited for.
fn goals(stored: &Stored, wait: &Value) -> Result<Vec<Condition>, Error> {
    let kind = wait.get(TYPE).as_str().and_then(|name| names::resolve(name).ok()).unwrap_or(stored.key.kind);
    let key = kind.key(wait.get("id").as_str().unwrap_or(&stored.key.id));
    let mut goals = Vec::new();
    for (path, value) in wait.get("fields").entries().into_iter().flatten() {
        let field = Single::of(kind, path)
            .map_err(|source| Error::Decode { what: format!("the conditions on `{key}`"), source: Box::new(source) })?;
        let value = value.as_str().unwrap_or_default().to_owned();
        goals.push(Goal::Field { field, path: path.clone(), value });
    }
    goals.extend(wait.get("phase").as_str().map(Goal::phase));
    if goals.is_empty() {
        goals.push(Goal::Exists);
    }
    let condition = |goal: Goal| {
        let what = format!("`{key}` {}", goal.words());
        Condition::of(key.clone(), what, move |stored| goal.judge(stored))
    };
    Ok(goals.into_iter().map(condition).collect())
}

/// The types that users may write, each named by the objects themselves.
pub(super) struct AnyKind;

impl Kinds<AnyResource> for AnyKind {
    const PARTS: &'static [&'static str] = &[NAMESPACE, TYPE, "id"];
    const SYSTEM_KEYS: bool = true;
    const STOP_WAITING: &'static str = "remove `wait`";

    fn key(id: &str) -> Key {
        let mut parts = id.splitn(3, '/');
        let mut next = || parts.next().unwrap_or_default();
        let (namespace, name, id) = (next(), next(), next());
        Kind::named(namespace, name).key(id)
    }

    fn id_of(key: &Key) -> String {
        compose(key.kind, &key.id)
    }

    fn is_made_by_omni(key: &Key) -> bool {
        MADE_BY_OMNI.iter().any(|kind| kind.name == key.kind.name)
    }

    fn list_arguments() -> Vec<Attribute> {
        vec![
            type_name::any("COSI type of the resources, one that users may write."),
            string(NAMESPACE).check(not_empty()).doc("Namespace of the resources; the one of the type by default."),
        ]
    }

    fn listed_kind(config: &Value) -> Result<Kind, Failure> {
        let kind = kind(config).ok_or_else(|| {
            Diagnostic::error("Could not list resources", "The configuration names no type.")
                .hint(SPELLINGS)
                .at(Path::of(TYPE))
        })?;
        refusal(kind).map_or(Ok(kind), |refusal| Err(refusal.into()))
    }

    fn spec(change: &SpecChange<'_>) -> Result<Option<Vec<u8>>, Failure> {
        let kind = change.stored.key.kind;
        if let Some(refusal) = refusal(kind) {
            return Err(refusal.into());
        }
        let Some(form) = Form::of(kind) else { return Ok(None) };
        let document = document::of_plan(change.planned, change.config);
        let set = form.paths(&document);
        let before: Vec<String> = change.private.get(FIELDS).unwrap_or_default();
        let cleared: Vec<_> = before.into_iter().filter(|path| !set.contains(path)).collect();
        // What others may change is sent only where the configuration has changed it.
        let was = document::of_state(change.prior).unwrap_or(Json::Null);
        let mut kept = computed(&form, change.planned);
        kept.retain(|path| !form.at(&was, path).is_null() && form.at(&was, path) == form.at(&document, path));
        Ok(Some(form.merge(change.stored, &form.without(&document, &kept), &cleared)?))
    }

    fn spec_parts(stored: &Stored) -> Vec<(String, String)> {
        let parts = Form::of(stored.key.kind).and_then(|form| form.parts(stored).ok());
        parts.unwrap_or_default()
    }

    fn track(private: &mut Private, config: &Value) {
        let Some(form) = kind(config).and_then(Form::of) else { return private.remove(FIELDS) };
        private.set(FIELDS, form.paths(&document::of_plan(config, config)));
    }
}

#[async_trait]
impl CosiObject for AnyResource {
    type Kinds = AnyKind;

    async fn after_write(
        _cx: &Cx,
        _written: &Written<'_, ()>,
        wanted: &mut Value,
        _told: &mut Diagnostics,
    ) -> Result<bool, Failure> {
        if wanted.get(SECRET_HASH).is_unknown() && wanted.get(SECRET).bare().is_set() {
            wanted.set(SECRET_HASH, PRINT.of(&text(wanted.get(SECRET))).into());
        }
        Ok(false)
    }

    async fn awaited(_cx: &Cx, state: &Value, object: &Object<()>, _write: Write) -> Result<Awaited, Error> {
        let wait = state.get(WAIT);
        if !wait.is_set() {
            return Ok(Awaited::Nothing);
        }
        Ok(Awaited::Conditions(goals(&object.stored, wait)?))
    }

    async fn remove(cx: &Cx, _state: &Value, key: &Key) -> Result<(), Failure> {
        // Omni always has it, and refuses to remove it.
        if access::of(key.kind) == Access::Changed {
            return Ok(());
        }
        Ok(cx.client().remove(&cx.call, key).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn imports_name_a_type_in_some_namespace() {
        for (text, id) in [
            ("default/Clusters.omni.sidero.dev/prod", "default/Clusters.omni.sidero.dev/prod"),
            ("default/cluster/prod", "default/Clusters.omni.sidero.dev/prod"),
            ("Clusters/prod", "default/Clusters.omni.sidero.dev/prod"),
            ("cluster/a/b", "default/Clusters.omni.sidero.dev/a/b"),
            ("infra-provider/InfraProviders/qemu", "infra-provider/InfraProviders.omni.sidero.dev/qemu"),
            ("EtcdManualBackups/prod", "ephemeral/EtcdManualBackups.omni.sidero.dev/prod"),
        ] {
            let (kind, rest) = parse(text).unwrap();
            assert_eq!(compose(kind, rest), id, "{text}");
            let key = AnyKind::key(id);
            assert_eq!(AnyKind::id_of(&key), id);
        }
        for (text, part) in [
            ("prod", "names no type"),
            ("Clusters/", "names no type"),
            ("Clustrs/prod", "Did you mean `Clusters`?"),
            ("default/Clustrs/prod", "Did you mean `Clusters`?"),
        ] {
            let why = parse(text).unwrap_err().detail;
            assert!(why.contains(part), "{text}: {why}");
        }
    }

    #[test]
    fn types_that_are_not_managed_say_why_and_what_to_use() {
        for (name, parts) in [
            ("Clusters", [""; 2]),
            ("DefaultJoinTokens", [""; 2]),
            ("ClusterStatuses", ["Omni alone writes", "data source `omni_resource`"]),
            ("JoinTokens", ["by a call only", "resource `omni_join_token`"]),
            ("Users.omni.sidero.dev", ["by calls only", "resource `omni_user`"]),
            ("ClusterTaints.omni.sidero.dev", ["no description", "data source"]),
            ("Cluster1.omni.sidero.dev", ["no description", "Did you mean `Clusters`?"]),
        ] {
            let refusal = refusal(names::resolve(name).unwrap());
            assert_eq!(refusal.is_none(), parts[0].is_empty(), "{name}");
            let told = refusal.map(|refusal| refusal.text()).unwrap_or_default();
            assert!(parts.iter().all(|part| told.contains(part)), "{name}: {told}");
        }
    }

    #[test]
    fn the_fields_that_a_configuration_sets_are_tracked_without_their_values() {
        let config = Value::object([
            (TYPE, Value::from("EtcdBackupS3Configs")),
            (SPEC, Value::dynamic(&json!({ "bucket": "b", "region": null }))),
            (SECRET, Value::dynamic(&json!({ "secret_access_key": "hush" }))),
        ]);
        let mut private = Private::default();
        AnyKind::track(&mut private, &config);
        assert_eq!(private.get::<Vec<String>>(FIELDS).unwrap(), ["bucket", "secret_access_key"]);
        assert!(!String::from_utf8(private.to_bytes()).unwrap().contains("hush"));
    }
}
