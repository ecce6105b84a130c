//! Data sources: what they say when there is nothing to read.

use crate::omni::Omni;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};

tests![data_sources_say_what_they_miss];

fn data_sources_say_what_they_miss(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    for (configuration, attribute, says) in [
        ("data \"omni_kubeconfig\" \"x\" {\n  cluster = \"none\"\n}\n", "cluster", "Cluster `none` does not exist"),
        ("data \"omni_machines\" \"x\" {\n  label_selector = \"a in (b\"\n}\n", "label_selector", "label_selector"),
        ("data \"omni_machines\" \"x\" {\n  id_regexp = \"(\"\n}\n", "id_regexp", "regular expression"),
        ("data \"omni_kubeconfig\" \"x\" {\n  cluster = \"none\"\n  ttl = \"soon\"\n}\n", "ttl", "is not a duration"),
    ] {
        workspace.write("main.tf", configuration)?;
        let error = workspace.plan_error()?;
        assert_eq!(error.attribute(), attribute, "{error:#?}");
        assert!(error.text().contains(says), "{says}: {}", error.text());
    }
    Ok(())
}
