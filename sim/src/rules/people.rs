//! Rules for users and their keys: identities and roles.
//! Users change these objects by RPCs only, but the same rules apply.

use super::Change;
use super::selector::Selector;
use crate::catalogue::Feature;
use crate::kinds::Role;
use crate::names::{kind, label};
use crate::object::{Object, Reader};
use omni_proto::specs::{AuthConfigSpec, PublicKeySpec, SamlLabelRuleSpec, UserSpec};

/// The roles that a rule may hand out.
pub(super) const GRANTED: [Role; 4] = [Role::None, Role::Reader, Role::Operator, Role::Admin];

/// The problems with a change of an identity.
pub(super) fn identity(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let Change::Create(new) = change else { return Vec::new() };
    let id = &new.key.id;
    let mut found = Vec::new();
    if id.chars().any(char::is_uppercase) {
        found.push("must be lowercase".to_owned());
    }
    if new.label(label::SERVICE_ACCOUNT).is_none() && !uses_saml(view) && !is_mail(id) {
        found.push(format!("not a valid email address: {id}"));
    }
    found
}

fn uses_saml(view: &dyn Reader) -> bool {
    let config = view.get(kind::AUTH_CONFIG, "auth-config").map(|object| object.spec::<AuthConfigSpec>());
    config.and_then(|config| config.saml).is_some_and(|saml| saml.enabled)
}

/// A plain address: something, one `@`, and a host. Names in front of it and quotes are not for identities.
fn is_mail(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.split('.').all(|atom| !atom.is_empty())
            && !part.chars().any(|c| c.is_whitespace() || c.is_control() || "()<>[]:;@\\,\"".contains(c))
    };
    text.split_once('@').is_some_and(|(local, host)| part(local) && part(host))
}

/// The problems with a change of a user.
pub(super) fn user(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    written(change).and_then(|new| role(view, &new.spec::<UserSpec>().role)).into_iter().collect()
}

/// The problems with a change of a key.
pub(super) fn public_key(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    written(change).and_then(|new| role(view, &new.spec::<PublicKeySpec>().role)).into_iter().collect()
}

fn written(change: Change<'_>) -> Option<&Object> {
    match change {
        Change::Create(new) | Change::Update(_, new) => Some(new),
        Change::Destroy(_) => None,
    }
}

fn role(view: &dyn Reader, name: &str) -> Option<String> {
    super::release(view).role(name).is_none().then(|| format!("unknown role to parse: {name:?}"))
}

/// The problems with a rule that gives roles to those who come through SAML.
pub(super) fn saml_label_rule(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let Some(new) = written(change) else { return Vec::new() };
    let spec: SamlLabelRuleSpec = new.spec();
    let release = super::release(view);
    let has_role = release.has_field("SAMLLabelRuleSpec", "assign_role");
    if has_role && !spec.assign_role_on_registration.is_empty() {
        return vec!["assignroleonregistration is deprecated, please use assignrole instead".to_owned()];
    }
    let mut found = Vec::new();
    let name = if has_role { &spec.assign_role } else { &spec.assign_role_on_registration };
    match release.role(name) {
        None => found.push(format!("unknown role to parse: {name:?}")),
        Some(role) if release.has(Feature::Auditors) && !GRANTED.contains(&role) => {
            found.push(format!("role {name:?} cannot be assigned by a SAML label rule"));
        }
        Some(_) => {}
    }
    found.extend(
        spec.match_labels
            .iter()
            .find_map(|text| Selector::parse(text).err())
            .map(|problem| format!("invalid match labels: rpc error: code = InvalidArgument desc = {problem}")),
    );
    found
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, labelled, object};
    use super::*;
    use crate::Release;
    use omni_proto::specs::auth_config_spec::Saml;
    use omni_proto::specs::{IdentitySpec, SysVersionSpec};

    #[test]
    fn identities() {
        let saml = AuthConfigSpec { saml: Some(Saml { enabled: true, ..Default::default() }), ..Default::default() };
        let (plain, saml) =
            (Fixture::default(), Fixture::default().with(object(kind::AUTH_CONFIG, "auth-config", &saml)));
        for (view, id, labels, expected) in [
            (&plain, "a@example.org", &[][..], &[][..]),
            (&plain, "a.b+c@localhost", &[], &[]),
            (&plain, "nomail", &[], &["not a valid email address: nomail"]),
            (&plain, "a@b@c", &[], &["not a valid email address: a@b@c"]),
            (&plain, "@b", &[], &["not a valid email address: @b"]),
            (&plain, "a..b@c", &[], &["not a valid email address: a..b@c"]),
            (&plain, "A@example.org", &[], &["must be lowercase"]),
            (&plain, "robot", &[(label::SERVICE_ACCOUNT, "")], &[]),
            (&saml, "nomail", &[], &[]),
        ] {
            let new = labelled(object(kind::IDENTITY, id, &IdentitySpec::default()), labels);
            assert_eq!(identity(view, Change::Create(&new)), expected, "{id}");
        }
    }

    #[test]
    fn roles_of_releases() {
        let server = |release: Release| {
            let system = SysVersionSpec { backend_version: release.version(), ..Default::default() };
            Fixture::default().with(object(kind::SYS_VERSION, "current", &system))
        };
        for (release, role, known, granted) in [
            (Release::V1_9, "Auditor", false, false),
            (Release::V1_10, "Auditor", true, false),
            (Release::V1_9, "InfraProvider", true, true),
            (Release::V1_10, "InfraProvider", true, false),
            (Release::V1_9, "Operator", true, true),
        ] {
            let of = object(kind::USER, "u", &UserSpec { role: role.into(), ..Default::default() });
            assert_eq!(user(&server(release), Change::Create(&of)).is_empty(), known, "{release} {role}");
            let rule = SamlLabelRuleSpec { assign_role: role.into(), ..Default::default() };
            let rule = object(kind::SAML_LABEL_RULE, "r", &rule);
            assert_eq!(
                saml_label_rule(&server(release), Change::Create(&rule)).is_empty(),
                granted,
                "{release} {role}"
            );
        }
    }

    #[test]
    fn roles() {
        for (role, expected) in
            [("Reader", vec![]), ("InfraProvider", vec![]), ("Boss", vec!["unknown role to parse: \"Boss\""])]
        {
            let user_of = UserSpec { role: role.into(), ..Default::default() };
            let key = PublicKeySpec { role: role.into(), ..Default::default() };
            assert_eq!(user(&Fixture::default(), Change::Create(&object(kind::USER, "u", &user_of))), expected);
            assert_eq!(public_key(&Fixture::default(), Change::Create(&object(kind::PUBLIC_KEY, "k", &key))), expected);
        }
    }

    #[test]
    fn saml_label_rules() {
        for (labels, on_registration, role, expected) in [
            (&["a = b"][..], "", "Reader", &[][..]),
            (&[], "", "", &["unknown role to parse: \"\""]),
            (&[], "", "Boss", &["unknown role to parse: \"Boss\""]),
            (&[], "", "InfraProvider", &["role \"InfraProvider\" cannot be assigned by a SAML label rule"]),
            (&[], "Reader", "Reader", &["assignroleonregistration is deprecated, please use assignrole instead"]),
            (
                &["a b"],
                "",
                "Reader",
                &["invalid match labels: rpc error: code = InvalidArgument desc = unable to parse term: found 'b', \
                   expected: ==, =, !=, >=, >, in, notin, <=, <"],
            ),
        ] {
            let spec = SamlLabelRuleSpec {
                match_labels: labels.iter().map(|l| (*l).to_owned()).collect(),
                assign_role_on_registration: on_registration.into(),
                assign_role: role.into(),
                update_on_each_login: false,
            };
            let new = object(kind::SAML_LABEL_RULE, "r", &spec);
            assert_eq!(saml_label_rule(&Fixture::default(), Change::Create(&new)), expected);
        }
    }

    #[test]
    fn older_servers_read_the_role_in_the_former_field() {
        let unknown = "unknown role to parse: \"\"";
        for (version, on_registration, role, expected) in [
            ("v1.3.4", "Reader", "", &[][..]),
            ("v1.3.4", "", "Reader", &[unknown]),
            ("v1.4.0", "", "Reader", &[]),
            ("v1.4.0", "", "InfraProvider", &[]),
            ("v1.4.0", "", "", &[unknown]),
        ] {
            let server = SysVersionSpec { backend_version: version.into(), ..Default::default() };
            let view = Fixture::default().with(object(kind::SYS_VERSION, "current", &server));
            let spec = SamlLabelRuleSpec {
                assign_role_on_registration: on_registration.into(),
                assign_role: role.into(),
                ..Default::default()
            };
            let new = object(kind::SAML_LABEL_RULE, "r", &spec);
            assert_eq!(saml_label_rule(&view, Change::Create(&new)), expected, "{version}");
        }
    }
}
