//! The status of a cluster machine, including a field that only releases before 1.9 have.

use omni_proto::specs::ClusterMachineStatusSpec;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType};
use prost::{DecodeError, Message};

/// The number of the field, which the definitions no longer have.
const APID_AVAILABLE: u32 = 3;

/// The status as it is stored; one whose spec alone is changed says that apid does not answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ClusterMachineStatus {
    pub(super) spec: ClusterMachineStatusSpec,
    pub(super) apid_available: bool,
}

impl Message for ClusterMachineStatus {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        self.spec.encode_raw(buffer);
        if self.apid_available {
            encoding::bool::encode(APID_AVAILABLE, &self.apid_available, buffer);
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            APID_AVAILABLE => encoding::bool::merge(wire_type, &mut self.apid_available, buffer, context),
            _ => self.spec.merge_field(tag, wire_type, buffer, context),
        }
    }

    fn encoded_len(&self) -> usize {
        let apid =
            if self.apid_available { encoding::bool::encoded_len(APID_AVAILABLE, &self.apid_available) } else { 0 };
        self.spec.encoded_len() + apid
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

    #[test]
    fn the_field_is_read_back_and_printed_where_a_release_has_it() {
        let spec = ClusterMachineStatusSpec { ready: true, config_up_to_date: true, ..Default::default() };
        for apid_available in [true, false] {
            let status = ClusterMachineStatus { spec: spec.clone(), apid_available };
            let encoded = status.encode_to_vec();
            assert_eq!(encoded.len(), status.encoded_len());
            assert_eq!(ClusterMachineStatus::decode(encoded.as_slice()), Ok(status));
            assert_eq!(ClusterMachineStatusSpec::decode(encoded.as_slice()), Ok(spec.clone()));
            let print = |release| spec_yaml::render_by(release, kind::CLUSTER_MACHINE_STATUS, &encoded);
            let expected = format!("ready: true\nstage: 0\napidavailable: {apid_available}\nconfiguptodate: true\n");
            assert!(print(Release::V1_8).starts_with(&expected), "{}", print(Release::V1_8));
            assert!(print(Release::V1_9).starts_with("ready: true\nstage: 0\nconfiguptodate: true\n"));
        }
    }
}
