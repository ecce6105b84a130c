//! Rules for config patches: their target does not change, and their content is valid.

use super::{Change, talos_patch};
use crate::names::{kind, label};
use crate::object::{Object, Reader};
use crate::{Release, compression};
use omni_proto::specs::ConfigPatchSpec;

/// How a compressed text starts.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The problems with a change of a patch.
pub(super) fn problems(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    match change {
        Change::Create(new) => match leaving_target(view, new) {
            Some(problem) => vec![problem],
            None => content(&new.spec(), super::release(view)),
        },
        Change::Update(old, new) => {
            let (before, after): (ConfigPatchSpec, ConfigPatchSpec) = (old.spec(), new.spec());
            // A patch that was taken once may stay, whatever the rules are now.
            if same(&before, &after) { Vec::new() } else { content(&after, super::release(view)) }
        }
        Change::Destroy(_) => Vec::new(),
    }
}

fn leaving_target(view: &dyn Reader, new: &Object) -> Option<String> {
    let leaves = |key, kind, what| {
        let id = new.label(key)?;
        view.get(kind, id)?.tearing_down.then(|| format!("{what} {id:?} is tearing down"))
    };
    leaves(label::CLUSTER, kind::CLUSTER, "cluster")
        .or_else(|| leaves(label::MACHINE_SET, kind::MACHINE_SET, "machine set"))
}

/// Whether both hold the same text, compressed or not.
fn same(before: &ConfigPatchSpec, after: &ConfigPatchSpec) -> bool {
    let text = |spec: &ConfigPatchSpec| match spec.compressed_data.as_slice() {
        [] => Some(spec.data.clone()),
        packed => compression::unpack(packed).ok(),
    };
    before == after || text(before).is_some_and(|before| text(after) == Some(before))
}

/// Compressed content wins over plain content.
/// Where it needs another dictionary than Omni's, it is only looked at from outside.
fn content(spec: &ConfigPatchSpec, release: Release) -> Vec<String> {
    let check = |text: &str| talos_patch::check(text, release).err().map(talos_patch::Refusal::problems);
    let packed = &spec.compressed_data;
    if packed.is_empty() {
        return check(&spec.data).unwrap_or_default();
    }
    if let Ok(text) = compression::unpack(packed) {
        return check(&text).unwrap_or_default();
    }
    if packed.len() < ZSTD_MAGIC.len() {
        return vec!["unexpected EOF".into()];
    }
    if !packed.starts_with(&ZSTD_MAGIC) {
        return vec!["invalid input: magic number mismatch".into()];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, labelled, leaving, object};
    use super::*;
    use omni_proto::specs::{ClusterSpec, MachineSetSpec};

    fn patch(data: &str, compressed_data: &[u8]) -> Object {
        let spec = ConfigPatchSpec { data: data.into(), compressed_data: compressed_data.into() };
        object(kind::CONFIG_PATCH, "500-probe", &spec)
    }

    #[test]
    fn content_of_a_create() {
        for (data, packed, expected) in [
            ("machine: {}\n", &[][..], vec![]),
            ("", &[], vec!["config not found"]),
            ("machine: {token: x}", &[], vec!["overriding \"machine.token\" is not allowed in the config patch"]),
            ("machine: {}", &[1, 2], vec!["unexpected EOF"]),
            ("machine: {}", &[1, 2, 3, 4, 5], vec!["invalid input: magic number mismatch"]),
            ("", &[0x28, 0xb5, 0x2f, 0xfd, 0], vec![]),
        ] {
            let new = patch(data, packed);
            assert_eq!(problems(&Fixture::default(), Change::Create(&new)), expected, "{data}");
        }
    }

    #[test]
    fn compressed_content_is_content() {
        use ruzstd::encoding::{CompressionLevel, compress_to_vec};
        let packed = |text: &str| patch("", &compress_to_vec(text.as_bytes(), CompressionLevel::Fastest));
        let bad = "overriding \"machine.token\" is not allowed in the config patch";
        let view = Fixture::default();
        assert_eq!(problems(&view, Change::Create(&packed("machine: {}"))), [""; 0]);
        assert_eq!(problems(&view, Change::Create(&packed("machine: {token: x}"))), [bad]);
        let plain = patch("machine: {token: x}", &[]);
        assert_eq!(problems(&view, Change::Update(&plain, &packed("machine: {token: x}"))), [""; 0]);
        assert_eq!(problems(&view, Change::Update(&plain, &packed("machine: {token: y}"))), [bad]);
    }

    #[test]
    fn targets() {
        let view = Fixture::default()
            .with(leaving(object(kind::CLUSTER, "gone", &ClusterSpec::default())))
            .with(object(kind::CLUSTER, "c", &ClusterSpec::default()))
            .with(leaving(object(kind::MACHINE_SET, "c-workers", &MachineSetSpec::default())));
        for (labels, expected) in [
            (&[][..], None),
            (&[(label::CLUSTER, "none")], None),
            (&[(label::CLUSTER, "c")], None),
            (&[(label::CLUSTER, "gone")], Some("cluster \"gone\" is tearing down")),
            (
                &[(label::CLUSTER, "c"), (label::MACHINE_SET, "c-workers")],
                Some("machine set \"c-workers\" is tearing down"),
            ),
        ] {
            let new = labelled(patch("machine: {}", &[]), labels);
            let expected: Vec<&str> = expected.into_iter().collect();
            assert_eq!(problems(&view, Change::Create(&new)), expected, "{labels:?}");
        }
    }

    #[test]
    fn an_update_is_checked_only_when_the_content_changes() {
        let bad = patch("machine: {token: x}", &[]);
        let good = patch("machine: {}", &[]);
        let view = Fixture::default();
        assert_eq!(problems(&view, Change::Update(&bad, &bad)), [""; 0]);
        assert_eq!(
            problems(&view, Change::Update(&good, &bad)),
            ["overriding \"machine.token\" is not allowed in the config patch"]
        );
    }
}
