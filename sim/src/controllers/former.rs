//! Specs with the fields that only older servers have, which the definitions no longer hold.

use prost::DecodeError;
use prost::Message;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType};
use std::collections::BTreeMap;

/// The fields of a message that went; they are written and read beside those that are left.
pub(super) trait Former: Message + Default {
    /// Their numbers.
    const NUMBERS: &'static [u32];
}

/// Whether apid answers.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ApidAvailable {
    #[prost(bool, tag = "3")]
    pub(super) apid_available: bool,
}

impl Former for ApidAvailable {
    const NUMBERS: &'static [u32] = &[3];
}

/// The version of the cluster machine that a configuration was made for.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ClusterMachineVersion {
    #[prost(string, tag = "4")]
    pub(super) cluster_machine_version: String,
}

impl Former for ClusterMachineVersion {
    const NUMBERS: &'static [u32] = &[4];
}

/// The disk that Talos is installed on when no patch names another.
#[derive(Clone, PartialEq, Message)]
pub(super) struct InstallDisk {
    #[prost(string, tag = "1")]
    pub(super) install_disk: String,
}

impl Former for InstallDisk {
    const NUMBERS: &'static [u32] = &[1];
}

/// The kernel arguments that a machine should have.
#[derive(Clone, PartialEq, Message)]
pub(super) struct WantedArgs {
    #[prost(string, repeated, tag = "3")]
    pub(super) kernel_args: Vec<String>,
}

impl Former for WantedArgs {
    const NUMBERS: &'static [u32] = &[3];
}

/// How many machines run each version of Talos.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TalosVersions {
    #[prost(btree_map = "string, int32", tag = "5")]
    pub(super) versions_map: BTreeMap<String, i32>,
}

impl Former for TalosVersions {
    const NUMBERS: &'static [u32] = &[5];
}

/// A spec as it is stored, with fields that went. Who changes the spec alone drops them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct With<F, M> {
    pub(super) former: F,
    pub(super) spec: M,
}

impl<F: Former, M: Message + Default> Message for With<F, M> {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        self.spec.encode_raw(buffer);
        self.former.encode_raw(buffer);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        if F::NUMBERS.contains(&tag) {
            self.former.merge_field(tag, wire_type, buffer, context)
        } else {
            self.spec.merge_field(tag, wire_type, buffer, context)
        }
    }

    fn encoded_len(&self) -> usize {
        self.spec.encoded_len() + self.former.encoded_len()
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Release;
    use crate::names::kind;
    use crate::spec_yaml;
    use omni_proto::specs::{ClusterMachineStatusSpec, MachineStatusMetricsSpec, SchematicConfigurationSpec};
    use std::fmt::Debug;

    /// Each is read back, and those that do not know the fields read the rest.
    fn holds<F, M>(former: F, spec: M) -> Vec<u8>
    where
        F: Former + Debug + PartialEq,
        M: Message + Debug + Default + PartialEq + Clone,
    {
        let whole = With { former, spec: spec.clone() };
        let encoded = whole.encode_to_vec();
        assert_eq!(encoded.len(), whole.encoded_len());
        assert_eq!(With::<F, M>::decode(encoded.as_slice()), Ok(whole));
        assert_eq!(M::decode(encoded.as_slice()), Ok(spec));
        encoded
    }

    #[test]
    fn fields_are_read_back_and_printed_where_a_release_has_them() {
        let status = ClusterMachineStatusSpec { ready: true, config_up_to_date: true, ..Default::default() };
        let args = WantedArgs { kernel_args: vec!["quiet".into(), "b=c".into()] };
        let schematic = SchematicConfigurationSpec { schematic_id: "a".into(), talos_version: "1.13.8".into() };
        let versions = TalosVersions { versions_map: [("v1.13.8".to_owned(), 2)].into() };
        let metrics = MachineStatusMetricsSpec { registered_machines_count: 2, ..Default::default() };
        let (v1_3, v1_4) = (Release::V1_3, Release::of_minor(4));
        for (kind, release, encoded, expected) in [
            (
                kind::CLUSTER_MACHINE_STATUS,
                Release::V1_8,
                holds(ApidAvailable { apid_available: true }, status.clone()),
                "ready: true\nstage: 0\napidavailable: true\nconfiguptodate: true\n",
            ),
            (
                kind::CLUSTER_MACHINE_STATUS,
                Release::V1_8,
                holds(ApidAvailable::default(), status.clone()),
                "ready: true\nstage: 0\napidavailable: false\nconfiguptodate: true\n",
            ),
            (
                kind::CLUSTER_MACHINE_STATUS,
                Release::V1_9,
                holds(ApidAvailable { apid_available: true }, status),
                "ready: true\nstage: 0\nconfiguptodate: true\n",
            ),
            (
                kind::SCHEMATIC_CONFIGURATION,
                Release::V1_8,
                holds(args.clone(), schematic.clone()),
                "schematicid: a\ntalosversion: 1.13.8\nkernelargs:\n    - quiet\n    - b=c\n",
            ),
            (
                kind::SCHEMATIC_CONFIGURATION,
                Release::V1_9,
                holds(args, schematic),
                "schematicid: a\ntalosversion: 1.13.8\n",
            ),
            (
                kind::MACHINE_STATUS_METRICS,
                v1_3,
                holds(versions.clone(), metrics.clone()),
                "registeredmachinescount: 2\nconnectedmachinescount: 0\nallocatedmachinescount: 0\n\
                 pendingmachinescount: 0\nversionsmap:\n    v1.13.8: 2\nplatforms: {}\n",
            ),
            (
                kind::MACHINE_STATUS_METRICS,
                v1_4,
                holds(versions, metrics),
                "registeredmachinescount: 2\nconnectedmachinescount: 0\nallocatedmachinescount: 0\n\
                 pendingmachinescount: 0\nplatforms: {}\n",
            ),
        ] {
            let printed = spec_yaml::render_by(release, kind, &encoded);
            assert!(printed.starts_with(expected), "{release}: {printed}");
        }
    }
}
