//! State of the `omni_cluster` of other providers, which is a cluster template there, as state of an `omni_cluster_template`.

use crate::omni::template::{NoFiles, Template};
use crate::tf::diag::Diagnostic;
use serde_json::{Map, Value as Json};
use std::sync::Arc;

/// The type of both.
pub(super) const SOURCE: &str = "omni_cluster";

/// Converts the state that a `moved` block brings.
///
/// # Errors
/// When it is no template.
pub(super) fn convert(state: &mut Map<String, Json>) -> Result<(), Diagnostic> {
    *state = converted(state).ok_or_else(|| {
        Diagnostic::error(
            format!("The state of this `{SOURCE}` cannot be moved to `omni_cluster_template`"),
            "It contains no cluster template.",
        )
        .hint("Remove the `moved` block. To keep the cluster, add a `removed` block with `destroy = false` for the source and an `import` block for the target.")
    })?;
    Ok(())
}

fn converted(state: &Map<String, Json>) -> Option<Map<String, Json>> {
    let template = whole(state).or_else(|| parts(state))?;
    let named = Template::load(&template, Arc::new(NoFiles)).ok().map(|loaded| loaded.cluster().to_owned());
    let cluster = named.filter(|name| !name.is_empty()).or_else(|| text(state, "id"))?;
    let links = state.get("delete_machine_links").and_then(Json::as_bool);
    let mut ours = Map::new();
    ours.insert("id".to_owned(), cluster.as_str().into());
    ours.insert("cluster".to_owned(), cluster.into());
    ours.insert("template".to_owned(), template.into());
    ours.insert("destroy_disconnected_machines".to_owned(), links.into());
    Some(ours)
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

    fn moved(mut stored: Json) -> Result<Json, Diagnostic> {
        convert(stored.as_object_mut().unwrap())?;
        Ok(stored)
    }

    #[test]
    fn templates_of_other_providers_are_taken_over() {
        let whole = json!({ "id": "prod", "template": "kind: Cluster\n", "template_computed": "kind: X\n", "delete_machine_links": true });
        let shown = moved(whole).unwrap();
        assert_eq!(shown["template"].as_str(), Some("kind: Cluster\n"));
        assert_eq!(shown["cluster"].as_str(), Some("prod"));
        assert_eq!(shown["destroy_disconnected_machines"].as_bool(), Some(true));

        let imported = json!({ "id": "prod", "template": "", "template_computed": "kind: X\n" });
        assert_eq!(moved(imported).unwrap()["template"].as_str(), Some("kind: X\n"));

        let parts = json!({
            "id": "prod",
            "cluster_template": "kind: Cluster\n",
            "control_plane_template": "---\nkind: ControlPlane",
            "workers_template": ["kind: Workers\n"],
            "machines_template": [],
            "delete_machine_links": null,
        });
        let shown = moved(parts).unwrap();
        assert_eq!(shown["template"].as_str(), Some("kind: Cluster\n---\nkind: ControlPlane\n---\nkind: Workers\n"));
        assert!(shown["destroy_disconnected_machines"].is_null());
    }

    #[test]
    fn a_cluster_that_is_no_template_is_not() {
        for stored in [
            json!({ "id": "prod", "name": "prod", "talos_version": "1.13.5" }),
            json!({ "id": "prod", "template": "", "template_computed": "" }),
        ] {
            assert!(moved(stored).unwrap_err().detail.contains("no cluster template"));
        }
    }
}
