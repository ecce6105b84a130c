//! One named test for every registered type and every rule that all of them keep.
//! A new resource is covered the moment it is listed: without a fixture it fails here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test may stop where it stands")]

mod absent;
mod accounts;
mod actions;
mod answers;
mod any_resource;
mod cluster_templates;
mod connection;
mod coverage;
mod defects;
mod ephemerals;
mod eula;
mod faults;
mod fixture;
mod foreseen;
mod found_machines;
mod golden;
mod host;
mod imported_clusters;
mod imported_secrets;
mod join_tokens;
mod keys;
mod kubeconfigs;
mod label_keys;
mod lifecycle;
mod lists;
mod machine_parts;
mod media;
mod members;
mod mistakes;
mod moves;
mod owed;
mod ownership;
mod people;
mod plan_checks;
mod plans;
mod policy;
mod quiet;
mod reads;
mod references;
mod refresh;
mod registration;
mod relay;
mod releases;
mod rules;
mod runs;
mod schematics;
mod set_loss;
mod shared_keys;
mod since;
mod spoilt;
mod sweeps;
mod template_checks;
mod template_parts;
mod unknowns;
#[path = "../support/update.rs"]
mod update;
mod upgrades;
mod workloads;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let provider = terraform_provider_omni::provider::new();
    let mut trials = Vec::new();
    for resource in provider.resources() {
        let name = resource.type_name();
        trials.push(Trial::test(format!("{name}::schema"), move || rules::schema_of_resource(name)));
        trials.push(Trial::test(format!("{name}::lifecycle"), move || lifecycle::run(name)));
        trials.push(Trial::test(format!("{name}::replaces"), move || lifecycle::replaces(name)));
        trials.push(Trial::test(format!("{name}::refuses"), move || lifecycle::refuses(name)));
        trials.push(Trial::test(format!("{name}::planned_twice"), move || lifecycle::planned_twice(name)));
        trials.push(Trial::test(format!("{name}::there_already"), move || lifecycle::there_already(name)));
        trials.push(Trial::test(format!("{name}::read_only"), move || lifecycle::read_only(name)));
        trials.push(Trial::test(format!("{name}::suspended"), move || lifecycle::suspended(name)));
        trials.push(Trial::test(format!("{name}::role"), move || lifecycle::role_that_is_too_low(name)));
    }
    for source in provider.data_sources() {
        let name = source.type_name();
        trials.push(Trial::test(format!("{name}::schema"), move || rules::schema_of_data_source(name)));
        trials.push(Trial::test(format!("{name}::reads"), move || reads::run(name)));
        trials.push(Trial::test(format!("{name}::refuses"), move || reads::refuses(name)));
        trials.push(Trial::test(format!("{name}::denied"), move || reads::denied(name)));
    }
    for list in provider.list_resources() {
        let name = list.type_name();
        trials.push(Trial::test(format!("{name}::lists"), move || lists::run(name)));
    }
    trials.extend(lists::trials());
    trials.push(Trial::test("provider::schema", rules::schema_of_provider));
    trials.push(Trial::test("provider::every_type_is_listed_once", rules::every_type_is_listed_once));
    trials.push(Trial::test("coverage::attributes_without_a_lifecycle", coverage::golden));
    trials.extend(absent::trials());
    trials.extend(accounts::trials());
    trials.extend(actions::trials());
    trials.extend(answers::trials());
    trials.extend(any_resource::trials());
    trials.extend(cluster_templates::trials());
    trials.extend(connection::trials());
    trials.extend(defects::trials());
    trials.extend(ephemerals::trials());
    trials.extend(eula::trials());
    trials.extend(faults::trials());
    trials.extend(foreseen::trials());
    trials.extend(imported_secrets::trials(&*provider));
    trials.extend(found_machines::trials());
    trials.extend(imported_clusters::trials());
    trials.extend(join_tokens::trials());
    trials.extend(keys::trials());
    trials.extend(kubeconfigs::trials());
    trials.extend(label_keys::trials());
    trials.extend(machine_parts::trials());
    trials.extend(media::trials());
    trials.extend(members::trials());
    trials.extend(mistakes::trials());
    trials.extend(moves::trials());
    trials.extend(owed::trials());
    trials.extend(ownership::trials());
    trials.extend(people::trials());
    trials.extend(plan_checks::trials());
    trials.extend(plans::trials());
    trials.extend(policy::trials());
    trials.extend(quiet::trials());
    trials.extend(references::trials());
    trials.extend(refresh::trials());
    trials.extend(registration::trials());
    trials.extend(schematics::trials());
    trials.extend(set_loss::trials());
    trials.extend(shared_keys::trials());
    trials.extend(since::trials());
    trials.extend(spoilt::trials(&provider));
    trials.extend(sweeps::trials());
    trials.extend(template_checks::trials());
    trials.extend(template_parts::trials());
    trials.extend(unknowns::trials());
    trials.extend(releases::trials());
    trials.extend(runs::trials());
    trials.extend(upgrades::trials());
    trials.extend(workloads::trials());
    libtest_mimic::run(&arguments, trials).exit();
}
