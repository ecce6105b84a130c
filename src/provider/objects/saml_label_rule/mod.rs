//! `omni_saml_label_rule`: which role people get by the labels that the SAML identity provider gives them.

use crate::provider::engine::{Bind, CosiObject, OneKind, ResourceType, Row, Table};
use crate::provider::lookup::{View, is_selector};
use crate::provider::roles;
use crate::provider::types::Types;
use crate::tf::check::{not_empty, one_of};
use crate::tf::schema::{Schema, boolean, plain, string};
use crate::tf::value::Type;
use omni_proto::specs::SamlLabelRuleSpec;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<SamlLabelRule>().view::<SamlLabelRule>();
}

struct SamlLabelRule;

impl Table for SamlLabelRule {
    type Spec = SamlLabelRuleSpec;

    const NAME: &'static str = "omni_saml_label_rule";
    const NOUN: &'static str = "SAML label rule";
    const ID: &'static str = "name";

    fn rows() -> Vec<Row> {
        vec![
            string("name").required().replaces().check(not_empty()).doc("Name of the rule.").id(),
            plain("match_labels", Type::list(Type::String)).required().check(is_selector().of_each()).doc(
                "Applies to users whose SAML labels match any of these selectors, such as `saml.omni.sidero.dev/groups/admins`. The terms of a selector are separated by commas, and all of them must hold.",
            ).field("match_labels"),
            string("assign_role").required().check(one_of(&roles::GRANTED)).doc("Role that the rule assigns: `None`, `Reader`, `Operator` or `Admin`.").field("assign_role"),
            boolean("update_on_each_login").default(false).doc("Whether the role is assigned with every login, and not only with the first one.").field("update_on_each_login"),
        ]
    }
}

impl ResourceType for SamlLabelRule {
    fn about() -> Schema {
        Schema::new(
            "Manages a SAML label rule, which assigns a role to users whose SAML labels match. \
             Requires the role `Admin`.\n\n\
             Users who have signed in keep their role after a destroy.",
        )
        .since("1.4")
    }
}

impl CosiObject for SamlLabelRule {
    type Kinds = OneKind;
}

impl View for SamlLabelRule {
    const NOUNS: &'static str = "SAML label rules";
    const PLURAL: &'static str = "omni_saml_label_rules";
    const ABOUT: &'static str = "Reads a SAML label rule. Requires the role `Admin`.";
    const ABOUT_ALL: &'static str = "Lists SAML label rules. Requires the role `Admin`.";
    const ABOUT_ID: &'static str = "Name of the rule.";
}
