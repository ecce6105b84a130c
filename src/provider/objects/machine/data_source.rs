//! `omni_machines`: the machines that are registered with Omni, with their hardware and network.

use super::kernel_args;
use super::machine_id;
use super::single::is_mac;
use crate::omni::spec::Spec;
use crate::omni::state::query::LabelQuery;
use crate::omni::{Error, Phase, Query, Resource, labels};
use crate::provider::check::is_name;
use crate::provider::engine::{Cx, Object};
use crate::provider::lookup::computed::{flag, text, texts, whole, words};
use crate::provider::lookup::{Item, ListSource, Lookup, Request, is_regexp};
use crate::tf::check::{Rule, not_empty, one_of, whole_between};
use crate::tf::schema::{Attribute, boolean, number, object, objects, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::{MachineSetNodeSpec, MachineStatusSpec, machine_status_spec as part};
use regex::Regex;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

pub(super) struct Machines;

const CONNECTED: &str = "omni.sidero.dev/connected";
const AVAILABLE: &str = "omni.sidero.dev/available";
/// The argument that names the cluster whose machines come first.
const AVAILABLE_TO: &str = "available_to";
pub(super) const HOSTNAME_REGEXP: &str = "hostname_regexp";
const MINIMUM_MEMORY: &str = "minimum_memory_mb";
const MINIMUM_DISK: &str = "minimum_disk_bytes";
const ROLES: &[&str] = &["none", "controlplane", "worker"];

#[derive(Serialize)]
pub(super) struct Machine {
    id: String,
    hostname: String,
    connected: bool,
    available: bool,
    maintenance: bool,
    role: &'static str,
    cluster: String,
    machine_set: String,
    talos_version: String,
    management_address: String,
    power_state: &'static str,
    last_error: String,
    labels: BTreeMap<String, String>,
    image_labels: BTreeMap<String, String>,
    platform: Option<Platform>,
    schematic: Option<Schematic>,
    hardware: Hardware,
    network: Network,
    /// Its place among the machines of the cluster that is asked for; `None` for all others.
    #[serde(skip)]
    place: Option<usize>,
}

#[derive(Serialize)]
struct Platform {
    platform: String,
    region: String,
    zone: String,
    instance_type: String,
    instance_id: String,
    provider_id: String,
}

#[derive(Serialize)]
struct Schematic {
    id: String,
    extensions: Vec<String>,
    kernel_args: Vec<String>,
    kernel_args_redacted: Vec<String>,
}

#[derive(Serialize)]
struct Hardware {
    arch: String,
    processors: Vec<Processor>,
    memory_modules: Vec<Memory>,
    block_devices: Vec<Disk>,
}

#[derive(Serialize)]
struct Processor {
    manufacturer: String,
    description: String,
    cores: u32,
    threads: u32,
    frequency_mhz: u32,
}

#[derive(Serialize)]
struct Memory {
    size_mb: u32,
    description: String,
}

#[derive(Serialize)]
struct Disk {
    path: String,
    size_bytes: u64,
    #[serde(rename = "type")]
    kind: String,
    model: String,
    serial: String,
    uuid: String,
    wwid: String,
    transport: String,
    system_disk: bool,
    readonly: bool,
    rotational: bool,
}

#[derive(Serialize)]
struct Network {
    domainname: String,
    addresses: Vec<String>,
    default_gateways: Vec<String>,
    links: Vec<Link>,
}

#[derive(Serialize)]
struct Link {
    name: String,
    hardware_address: String,
    speed_mbps: u32,
    up: bool,
    description: String,
}

/// What is known of a machine.
pub(super) fn machine() -> Vec<Attribute> {
    vec![
        text("id", "ID (UUID) of the machine."),
        text("hostname", "Host name."),
        flag("connected", "Whether the machine is connected to Omni."),
        flag("available", "Whether the machine is available, that is, can be allocated to a cluster."),
        flag("maintenance", "Whether the machine is in maintenance mode."),
        text("role", "Role in the cluster: `controlplane`, `worker` or `none`."),
        text("cluster", "Cluster that the machine belongs to; empty without one."),
        text("machine_set", "Machine set that the machine belongs to; empty without one."),
        text("talos_version", "Talos version that the machine runs."),
        text("management_address", "Address of the machine in the SideroLink network of Omni."),
        text("power_state", "Power state: `unknown`, `unsupported`, `on` or `off`."),
        text("last_error", "Last error reported by the machine."),
        words("labels", "Labels, without Omni's system labels."),
        words("image_labels", "Labels that are set in the installation media."),
        object(
            "platform",
            vec![
                text("platform", "Platform, such as `metal` or `aws`."),
                text("region", "Region."),
                text("zone", "Zone."),
                text("instance_type", "Instance type."),
                text("instance_id", "Instance ID."),
                text("provider_id", "Provider ID of the Kubernetes node."),
            ],
        )
        .computed()
        .doc("Platform metadata."),
        object(
            "schematic",
            vec![
                text("id", "ID of the schematic."),
                texts("extensions", "System extensions."),
                texts("kernel_args", "Kernel arguments. Sensitive, because they can contain the join token; see `kernel_args_redacted`.")
                    .sensitive(),
                texts(
                    "kernel_args_redacted",
                    "Kernel arguments in which secrets are replaced with `REDACTED`: the join token, passwords in URLs, and inline configurations.",
                ),
            ],
        )
        .computed()
        .doc("Image Factory schematic of the running Talos image."),
        object(
            "hardware",
            vec![
                text("arch", "Architecture: `amd64` or `arm64`."),
                objects(
                    "processors",
                    vec![
                        text("manufacturer", "Manufacturer."),
                        text("description", "Description reported by the hardware."),
                        whole("cores", "Number of cores."),
                        whole("threads", "Number of threads."),
                        whole("frequency_mhz", "Frequency in MHz."),
                    ],
                )
                .computed()
                .doc("Processors."),
                objects("memory_modules", vec![whole("size_mb", "Size in MiB."), text("description", "Description reported by the hardware.")])
                    .computed()
                    .doc("Memory modules."),
                objects(
                    "block_devices",
                    vec![
                        text("path", "Path of the device, such as `/dev/sda`."),
                        whole("size_bytes", "Size in bytes."),
                        text("type", "Type of the device, such as `SSD` or `HDD`."),
                        text("model", "Model."),
                        text("serial", "Serial number."),
                        text("uuid", "UUID."),
                        text("wwid", "World Wide ID."),
                        text("transport", "Transport, such as `nvme` or `sata`."),
                        flag("system_disk", "Whether Talos is installed on it."),
                        flag("readonly", "Whether it is read-only."),
                        flag("rotational", "Whether it is a rotational disk.").since("1.11"),
                    ],
                )
                .computed()
                .doc("Disks."),
            ],
        )
        .computed()
        .doc("Hardware."),
        object(
            "network",
            vec![
                text("domainname", "Domain name."),
                texts("addresses", "Addresses, with their prefix lengths."),
                texts("default_gateways", "Default gateways."),
                objects(
                    "links",
                    vec![
                        text("name", "Name, such as `eth0`."),
                        text("hardware_address", "MAC address."),
                        whole("speed_mbps", "Speed in Mbit/s."),
                        flag("up", "Whether the link is up."),
                        text("description", "Description reported by the hardware."),
                    ],
                )
                .computed()
                .doc("Network links."),
            ],
        )
        .computed()
        .doc("Network."),
    ]
}

#[async_trait]
impl Lookup for Machines {
    type Object = Machine;

    const NOUN: &'static str = "machine";
    const NOUNS: &'static str = "machines";

    fn attributes() -> Vec<Attribute> {
        machine()
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Machine>>, Error> {
        let cluster = request.config.get(AVAILABLE_TO).as_str();
        let members = async {
            match cluster {
                Some(cluster) => members(cx, cluster).await,
                None => Ok(HashMap::new()),
            }
        };
        let (machines, members) = tokio::try_join!(request.objects::<MachineStatusSpec>(cx), members)?;
        // The check of the argument has read it.
        let selector = request.config.get("label_selector").as_str().and_then(|text| Query::parse_selector(text).ok());
        // A machine of the cluster must not fall out of the list because its labels change.
        let is_selected = |object: &Object<MachineStatusSpec>| {
            let Resource { key, metadata, .. } = &object.stored;
            members.contains_key(&key.id) || selector.as_ref().is_none_or(|query| query.takes_labels(&metadata.labels))
        };
        let machine = |object| {
            let mut found = machine_of(object);
            found.item.place = members.get(&found.id).copied();
            found
        };
        Ok(machines.into_iter().filter(is_selected).map(machine).collect())
    }

    fn matches(config: &Value, found: &Item<Machine>) -> bool {
        let machine = &found.item;
        let request = |attribute: &str, is: &str| config.get(attribute).as_str().is_none_or(|want| want == is);
        let id = config.get("id").as_str().is_none_or(|want| want.eq_ignore_ascii_case(&machine.id));
        if machine.place.is_some() {
            // A machine of the cluster must not fall out of the list because it restarts or is away for a while.
            return id;
        }
        if config.get(AVAILABLE_TO).is_set() {
            let connected = config.get("connected").as_bool().is_none_or(|want| want == machine.connected);
            if !machine.available || !connected {
                return false;
            }
        }
        let maintenance = config.get("maintenance").as_bool().is_none_or(|want| want == machine.maintenance);
        let hostname = config.get("hostname").as_str().is_none_or(|want| want.eq_ignore_ascii_case(&machine.hostname));
        let mac = config.get("mac_address").as_str().is_none_or(|want| machine.has_mac(want));
        id && request("role", machine.role) && maintenance && hostname && mac && machine.is_like(config)
    }

    fn order(a: &Item<Machine>, b: &Item<Machine>) -> Ordering {
        let place = |found: &Item<Machine>| found.item.place.unwrap_or(usize::MAX);
        (place(a), &a.id).cmp(&(place(b), &b.id))
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        machine_id::problem(id)
    }

    fn display(found: &Item<Machine>) -> String {
        let links = found.item.network.links.iter().map(|link| link.hardware_address.as_str());
        let known = std::iter::once(found.item.hostname.as_str()).chain(links).filter(|text| !text.is_empty());
        let known: Vec<_> = known.collect();
        if known.is_empty() { format!("`{}`", found.id) } else { format!("`{}` ({})", found.id, known.join(", ")) }
    }
}

impl ListSource for Machines {
    const NAME: &'static str = "omni_machines";
    const LIST: &'static str = "machines";
    const ABOUT: &'static str = "Lists machines that are registered with Omni: their hardware, network and labels. All filters that are set must match.\n\n\
        ~> **Do not build nodes from `available = true`.** A machine that has joined a cluster is no longer available, so the list changes in the next plan, \
        and `for_each` or `count` over it replaces nodes, which wipes their machines. Use `available_to` with the name of the cluster instead: \
        it lists the nodes of that cluster first, in a stable order, and then the available machines.";

    fn filters() -> Vec<Attribute> {
        vec![
            string("id").doc("Only the machine with this ID (UUID), ignoring case."),
            string("cluster").doc("Only machines of this cluster."),
            string("role").check(one_of(ROLES)).doc("Only machines with this role: `controlplane`, `worker` or `none`."),
            boolean("connected").doc("Filter by connection: `true` returns machines that are connected to Omni, `false` the others."),
            boolean("available").doc("Filter by availability: `true` returns machines that can be allocated to a cluster, `false` the others. For nodes, use `available_to`."),
            string(AVAILABLE_TO).check(is_name()).doc(
                "Name of a cluster, which does not have to exist yet. Returns the machines that are its nodes, in the order in which they joined, and then the available machines, sorted by ID. \
                 A machine keeps its position while it is a node of the cluster, so nodes can be built from the first elements. \
                 Machines that were allocated by a machine class are not included. `id` and `id_regexp` filter the nodes too; all other filters apply to the available machines only.",
            ),
            boolean("maintenance").doc("Filter by maintenance mode: `true` returns machines in maintenance mode, `false` the others."),
            string("hostname").check(not_empty()).doc("Only machines with this host name, ignoring case."),
            string("mac_address").check(is_mac()).doc("Only the machine that has this MAC address on any of its links, ignoring case."),
        ]
        .into_iter()
        .chain(sizes())
        .collect()
    }

    fn rules() -> Vec<Rule> {
        vec![Rule::AtMostOne(&[AVAILABLE_TO, "available"]), Rule::AtMostOne(&[AVAILABLE_TO, "cluster"])]
    }

    fn terms(config: &Value, mut terms: LabelQuery) -> LabelQuery {
        if config.get(AVAILABLE_TO).is_set() {
            return LabelQuery::default();
        }
        if let Some(cluster) = config.get("cluster").as_str() {
            terms = terms.equal(labels::CLUSTER, cluster);
        }
        for (attribute, label) in [("connected", CONNECTED), ("available", AVAILABLE)] {
            terms = match config.get(attribute).as_bool() {
                Some(true) => terms.exists(label),
                Some(false) => terms.absent(label),
                None => terms,
            };
        }
        terms
    }
}

/// The machines that are nodes of the cluster, with their places.
async fn members(cx: &Cx, cluster: &str) -> Result<HashMap<String, usize>, Error> {
    let query = Query::label(labels::CLUSTER, cluster);
    let nodes = cx.client().list(&cx.call, MachineSetNodeSpec::KIND, &query).await?;
    Ok(in_order(&nodes).into_iter().map(str::to_owned).zip(0..).collect())
}

/// The ids of nodes that were named, in the order in which they joined.
///
/// One apply makes its nodes in no particular order, but chooses their machines from the free ones, which are listed by id:
/// so those of one apply are by id too, and the list that the choice was made from stays as it was.
fn in_order(nodes: &[Resource]) -> Vec<&str> {
    // When the run of a node began to make nodes; one that something else made is a run of its own.
    let run =
        |node: &Resource| node.metadata.annotations.get(labels::RUN).cloned().unwrap_or_else(|| node.key.id.clone());
    let created = |node: &Resource| node.metadata.created.map(|time| (time.seconds, time.nanos));
    let mut begun = HashMap::new();
    for node in nodes {
        let first = begun.entry(run(node)).or_insert_with(|| created(node));
        *first = (*first).min(created(node));
    }
    let named = |node: &&Resource| {
        node.metadata.phase == Phase::Running && !node.metadata.labels.contains_key(labels::MANAGED_BY_ALLOCATOR)
    };
    let mut named: Vec<_> = nodes.iter().filter(named).collect();
    named.sort_by_cached_key(|node| {
        let run = run(node);
        (begun.get(&run).copied(), run, node.key.id.clone())
    });
    named.into_iter().map(|node| node.key.id.as_str()).collect()
}

/// What the hardware and the name of a machine are held against.
pub(super) fn sizes() -> [Attribute; 3] {
    let whole = |name| number(name).check(whole_between(1, i64::MAX));
    [
        string(HOSTNAME_REGEXP)
            .document()
            .check(is_regexp())
            .doc("Only machines whose host name matches this regular expression, such as `^rack1-`."),
        whole(MINIMUM_MEMORY).doc("Only machines with at least so much memory, in MiB, over all modules."),
        whole(MINIMUM_DISK).doc("Only machines that have a writable disk of at least this size, in bytes."),
    ]
}

impl Machine {
    /// Its host name; empty while it has none.
    pub(super) fn hostname(&self) -> &str {
        &self.hostname
    }

    /// Whether its name and sizes are those that are asked for.
    fn is_like(&self, config: &Value) -> bool {
        // The expression was checked with the configuration.
        let named = |text: &str| Regex::new(text).is_ok_and(|regexp| regexp.is_match(&self.hostname));
        let at_least = |argument: &str, is: u64| {
            config.get(argument).as_i64().is_none_or(|least| u64::try_from(least).is_ok_and(|least| is >= least))
        };
        let memory = self.hardware.memory_modules.iter().map(|module| u64::from(module.size_mb)).sum();
        let disks = self.hardware.block_devices.iter().filter(|disk| !disk.readonly);
        config.get(HOSTNAME_REGEXP).as_str().is_none_or(named)
            && at_least(MINIMUM_MEMORY, memory)
            && at_least(MINIMUM_DISK, disks.map(|disk| disk.size_bytes).max().unwrap_or_default())
    }

    /// Whether one of its links has this address, however both are written.
    fn has_mac(&self, request: &str) -> bool {
        self.network.links.iter().any(|link| bare_mac(&link.hardware_address) == bare_mac(request))
    }
}

/// The digits of a MAC address.
pub(super) fn bare_mac(address: &str) -> String {
    address.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_lowercase()).collect()
}

pub(super) fn machine_of(object: Object<MachineStatusSpec>) -> Item<Machine> {
    let Object { stored, spec } = object;
    let label = |key: &str| stored.metadata.labels.get(key).cloned().unwrap_or_default();
    let role = match spec.role() {
        part::Role::None => "none",
        part::Role::ControlPlane => "controlplane",
        part::Role::Worker => "worker",
    };
    let power_state = match spec.power_state() {
        part::PowerState::Unknown => "unknown",
        part::PowerState::Unsupported => "unsupported",
        part::PowerState::On => "on",
        part::PowerState::Off => "off",
    };
    let hardware = spec.hardware.unwrap_or_default();
    let network = spec.network.unwrap_or_default();
    let machine = Machine {
        id: stored.key.id.clone(),
        hostname: network.hostname.clone(),
        connected: spec.connected,
        available: stored.metadata.labels.contains_key(AVAILABLE),
        maintenance: spec.maintenance,
        role,
        cluster: spec.cluster,
        machine_set: label(labels::MACHINE_SET),
        talos_version: spec.talos_version,
        management_address: spec.management_address,
        power_state,
        last_error: spec.last_error,
        labels: labels::of_users(&stored.metadata.labels),
        image_labels: spec.image_labels.into_iter().collect(),
        platform: spec.platform_metadata.map(|p| Platform {
            platform: p.platform,
            region: p.region,
            zone: p.zone,
            instance_type: p.instance_type,
            instance_id: p.instance_id,
            provider_id: p.provider_id,
        }),
        schematic: spec.schematic.map(|s| Schematic {
            id: s.full_id,
            extensions: s.extensions,
            kernel_args_redacted: s.kernel_args.iter().map(|argument| kernel_args::redacted(argument)).collect(),
            kernel_args: s.kernel_args,
        }),
        hardware: hardware_of(hardware),
        network: Network {
            domainname: network.domainname,
            addresses: network.addresses,
            default_gateways: network.default_gateways,
            links: network.network_links.into_iter().map(link_of).collect(),
        },
        place: None,
    };
    Item::new(stored.key.id, machine)
}

fn hardware_of(hardware: part::HardwareStatus) -> Hardware {
    Hardware {
        arch: hardware.arch,
        processors: hardware
            .processors
            .into_iter()
            .map(|p| Processor {
                manufacturer: p.manufacturer,
                description: p.description,
                cores: p.core_count,
                threads: p.thread_count,
                frequency_mhz: p.frequency,
            })
            .collect(),
        memory_modules: hardware
            .memory_modules
            .into_iter()
            .map(|m| Memory { size_mb: m.size_mb, description: m.description })
            .collect(),
        block_devices: hardware
            .blockdevices
            .into_iter()
            .map(|d| Disk {
                path: if d.dev_path.is_empty() { d.linux_name } else { d.dev_path },
                size_bytes: d.size,
                kind: d.r#type,
                model: d.model,
                serial: d.serial,
                uuid: d.uuid,
                wwid: d.wwid,
                transport: d.transport,
                system_disk: d.system_disk,
                readonly: d.readonly,
                rotational: d.rotational,
            })
            .collect(),
    }
}

fn link_of(link: part::network_status::NetworkLinkStatus) -> Link {
    Link {
        name: link.linux_name,
        hardware_address: link.hardware_address,
        speed_mbps: link.speed_mbps,
        up: link.link_up,
        description: link.description,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::Metadata;

    fn node(id: &str, second: i64, run: Option<&str>) -> Resource {
        let mut metadata =
            Metadata { created: Some(prost_types::Timestamp { seconds: second, nanos: 0 }), ..Metadata::default() };
        metadata.annotations.extend(run.map(|run| (labels::RUN.to_owned(), run.to_owned())));
        Resource { key: MachineSetNodeSpec::KIND.key(id), metadata, spec: Vec::new(), yaml: String::new() }
    }

    #[test]
    fn nodes_are_listed_by_run_and_within_a_run_by_id() {
        let nodes = [
            // The first apply chose b, c and d, and made them in another order.
            node("d", 10, Some("z")),
            node("b", 19, Some("z")),
            node("c", 12, Some("z")),
            // A later one chose a, which had become free.
            node("a", 30, Some("y")),
            // Something else made these.
            node("f", 25, None),
            node("e", 5, None),
        ];
        assert_eq!(in_order(&nodes), ["e", "b", "c", "d", "f", "a"]);
    }

    #[test]
    fn nodes_of_a_class_and_those_that_leave_are_no_members() {
        let mut allocated = node("a", 1, None);
        allocated.metadata.labels.insert(labels::MANAGED_BY_ALLOCATOR.to_owned(), String::new());
        let mut leaving = node("b", 2, None);
        leaving.metadata.phase = Phase::TearingDown;
        assert_eq!(in_order(&[allocated, leaving, node("c", 3, None)]), ["c"]);
    }
}
