//! State of the `omni_cluster` of other providers, which is a cluster template there, as state of an `omni_cluster_template`.

use crate::omni::template::{NoFiles, Template};
use crate::tf::resource::Moved;
use crate::tf::value::Value;
use serde_json::{Map, Value as Json};
use std::sync::Arc;

/// The type of both.
const SOURCE: &str = "omni_cluster";

/// The state that a `moved` block brings; `None` where it is no template.
pub(super) fn state(source: &Moved<'_>, state: &Map<String, Json>) -> Option<Value> {
    if source.type_name != SOURCE {
        return None;
    }
    let template = whole(state).or_else(|| parts(state))?;
    let named = Template::load(&template, Arc::new(NoFiles)).ok().map(|loaded| loaded.cluster().to_owned());
    let cluster = named.filter(|name| !name.is_empty()).or_else(|| text(state, "id"))?;
    let links = state.get("delete_machine_links").and_then(Json::as_bool);
    Some(Value::object([
        ("id", Value::from(cluster.as_str())),
        ("cluster", cluster.into()),
        ("template", template.into()),
        ("destroy_disconnected_machines", links.map_or(Value::Null, Value::from)),
    ]))
}

fn text(state: &Map<String, Json>, name: &str) -> Option<String> {
    state.get(name)?.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// One text with everything; after an import there is only what was exported.
fn whole(state: &Map<String, Json>) -> Option<String> {
    state
        .contains_key("template_computed")
        .then(|| text(state, "template").or_else(|| text(state, "template_computed")))?
}

/// A text for each kind of document.
fn parts(state: &Map<String, Json>) -> Option<String> {
    let mut documents = vec![text(state, "cluster_template")?, text(state, "control_plane_template")?];
    for name in ["workers_template", "machines_template"] {
        let all = state.get(name).and_then(Json::as_array).into_iter().flatten();
        documents.extend(all.filter_map(|document| document.as_str().map(str::to_owned)));
    }
    let bare = documents.iter().map(|document| document.trim().trim_start_matches("---").trim());
    Some(bare.map(|document| format!("{document}\n")).collect::<Vec<_>>().join("---\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn moved(type_name: &str, stored: Json) -> Option<Value> {
        let Json::Object(stored) = stored else { panic!("an object") };
        state(&Moved { provider: "registry.terraform.io/other/omni", type_name }, &stored)
    }

    #[test]
    fn templates_of_other_providers_are_taken_over() {
        let whole = json!({ "id": "prod", "template": "kind: Cluster\n", "template_computed": "kind: X\n", "delete_machine_links": true });
        let shown = moved("omni_cluster", whole).unwrap();
        assert_eq!(shown.get("template").as_str(), Some("kind: Cluster\n"));
        assert_eq!(shown.get("cluster").as_str(), Some("prod"));
        assert_eq!(shown.get("destroy_disconnected_machines").as_bool(), Some(true));

        let imported = json!({ "id": "prod", "template": "", "template_computed": "kind: X\n" });
        assert_eq!(moved("omni_cluster", imported).unwrap().get("template").as_str(), Some("kind: X\n"));

        let parts = json!({
            "id": "prod",
            "cluster_template": "kind: Cluster\n",
            "control_plane_template": "---\nkind: ControlPlane",
            "workers_template": ["kind: Workers\n"],
            "machines_template": [],
            "delete_machine_links": null,
        });
        let shown = moved("omni_cluster", parts).unwrap();
        assert_eq!(
            shown.get("template").as_str(),
            Some("kind: Cluster\n---\nkind: ControlPlane\n---\nkind: Workers\n")
        );
        assert!(shown.get("destroy_disconnected_machines").is_null());
    }

    #[test]
    fn a_cluster_that_is_no_template_is_not() {
        for (type_name, stored) in [
            ("omni_cluster", json!({ "id": "prod", "name": "prod", "talos_version": "1.13.5" })),
            ("omni_machine_set", json!({ "id": "prod", "template": "x", "template_computed": "y" })),
            ("omni_cluster", json!({ "id": "prod", "template": "", "template_computed": "" })),
        ] {
            assert_eq!(moved(type_name, stored), None);
        }
    }
}
