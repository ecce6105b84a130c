# One target per thing that people do here; each says what it runs.

CARGO ?= cargo
PYTHON ?= python3

.DEFAULT_GOAL := build
.PHONY: build demo test conformance lint house docs bench release release-check

# The provider and the simulator, as one would install them.
build:
	$(CARGO) build --release --locked --bins

# A real `terraform apply` builds a cluster in a simulated Omni, step by step and checked; it builds both programs first.
demo:
	$(PYTHON) examples/demo/run.py

# Everything but the figures. The lib is named because doc tests cannot be mixed with other targets.
test:
	$(CARGO) test --locked --workspace --no-fail-fast --lib --bins --tests
	$(CARGO) test --locked --workspace --doc
	$(PYTHON) -B -m unittest discover --start-directory .ci/release/tests

# The behaviours of Omni, as a table: on the server that OMNI_ENDPOINT and OMNI_SERVICE_ACCOUNT_KEY name, else on
# simulators of its own. On a server it makes only objects with its own prefix, and takes them away again.
conformance:
	$(CARGO) test --locked --no-run --test program --test conformance
	$(CARGO) test --locked --test conformance

# rustfmt gets the list of files, since it does not follow modules that a macro declares.
lint:
	git ls-files -z '*.rs' | xargs -0 rustfmt --check --edition 2024
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny check bans licenses sources; \
	else echo "cargo-deny is not installed; its checks were left out"; fi

# Prints the figures of the source tree beside their aims; it fails when an aim that was reached no longer holds.
house:
	$(CARGO) test --locked --quiet --test suite figures::aims -- --nocapture

# Rewrites docs/ from the schemas, the examples and the guides.
docs:
	UPDATE_GOLDEN=1 $(CARGO) test --locked --test suite docs

# Prints figures; it never fails because of one.
bench:
	$(CARGO) build --release --locked --bins
	$(CARGO) run --release --locked --package figures

# Archives, sums and signatures in target/dist, for this machine's platform or for TARGETS="linux_arm64 windows_amd64" or TARGETS=all.
release:
	$(PYTHON) .ci/release build --fresh $(TARGETS)
	$(PYTHON) .ci/release assemble --throw-away-key

# Holds what `make release` made against what registries and real CLIs want; it needs this machine's platform among it.
release-check:
	$(PYTHON) .ci/release check
