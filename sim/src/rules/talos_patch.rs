//! Whether a text is a Talos config patch that Omni accepts.
//! It knows the form of patches, not their purpose.

use super::talos_shape::{self, MAIN, Shape};
use crate::Release;
use crate::catalogue::{self, Feature, Span};
use kit::text::{ERROR_LIMIT, capped};
use kit::yaml::{self, Node};
use serde_json::{Map, Value};

/// Documents that Omni itself writes.
const FORBIDDEN_KINDS: &[&str] = &[
    "UnattendedInstallConfig",
    "DiscoveryIdentityConfig",
    "KubeClusterConfig",
    "KubeEtcdEncryptionConfig",
    "KubeAPIServerCAConfig",
    "KubeAggregatorCAConfig",
];

/// The role that would hand the whole machine to a pod.
const FORBIDDEN_ROLE: &str = "os:admin";

/// Why a patch is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// It is not a patch: one text.
    Unreadable(String),
    /// It touches what is Omni's: one text for each place.
    Forbidden(Vec<String>),
}

impl Refusal {
    /// The problems, as a validation lists them.
    #[must_use]
    pub fn problems(self) -> Vec<String> {
        match self {
            Self::Unreadable(problem) => vec![problem],
            Self::Forbidden(problems) => problems,
        }
    }

    /// One text, as the call that only validates says it.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Unreadable(problem) => capped(problem),
            Self::Forbidden(problems) => capped(super::joined(&problems)),
        }
    }
}

/// Checks a patch, as the server of this release does.
///
/// # Errors
/// Why it is refused.
pub fn check(text: &str, release: Release) -> Result<(), Refusal> {
    let mut seen: Vec<String> = Vec::new();
    let mut forbidden = Vec::new();
    for (at, document) in documents(text, release).map_err(Refusal::Unreadable)?.into_iter().enumerate() {
        let Value::Object(map) = Value::from(document.node.clone()) else {
            return Err(Refusal::Unreadable(format!("expected a YAML document at line {}", document.line)));
        };
        let Some(header) = Header::of(&map) else { continue };
        if seen.contains(&header.id) {
            let Document { line, .. } = document;
            return Err(Refusal::Unreadable(format!("duplicate document {} is not allowed (line {line})", header.id)));
        }
        header.decode(&document, &map, release).map_err(|problem| {
            let Document { line, .. } = document;
            Refusal::Unreadable(format!("error decoding document {} (line {line}): {problem}", header.id))
        })?;
        seen.push(header.id);
        // Older servers looked at the first document only.
        if at == 0 || release.has(Feature::CheckedPatchDocuments) {
            forbidden.extend(overreach(header.kind, &map, release));
        }
    }
    if seen.is_empty() {
        return Err(Refusal::Unreadable("config not found".into()));
    }
    if forbidden.is_empty() { Ok(()) } else { Err(Refusal::Forbidden(forbidden)) }
}

/// What a document says of itself.
struct Header<'a> {
    /// Its kind; empty for the main one.
    kind: &'a str,
    version: &'a str,
    is_main: bool,
    /// How texts name it.
    id: String,
}

impl<'a> Header<'a> {
    /// Nothing where there is no document at all, as the server sees it.
    fn of(map: &'a Map<String, Value>) -> Option<Self> {
        let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
        let is_main = ["machine", "cluster", "debug", "persist"].iter().any(|key| map.contains_key(*key));
        let (kind, version) = (if is_main { "" } else { text("kind") }, text("apiVersion"));
        let says_nothing = map.keys().all(|key| key == "version") || (!kind.is_empty() && version.is_empty());
        if says_nothing && !is_main {
            return None;
        }
        let name = if is_main || kind.is_empty() { "" } else { text("name") };
        let id = format!("{version}/{}/{name}", if kind.is_empty() { "v1alpha1" } else { kind });
        Some(Self { kind, version, is_main, id })
    }

    /// Whether Talos can read the document.
    fn decode(&self, document: &Document, map: &Map<String, Value>, release: Release) -> Result<(), String> {
        let table = if self.is_main { MAIN } else { self.kind };
        let shape = match talos_shape::of(table).filter(|_| self.is_main || self.version == "v1alpha1") {
            Some(shape) => shape,
            None if self.kind.is_empty() => return Err("missing kind".into()),
            None => return Err(format!("{:?} {:?}: not registered", self.kind, self.version)),
        };
        let mut rest = map.clone();
        strip_deletes(&mut rest);
        if !self.is_main {
            rest.retain(|key, _| key != "apiVersion" && key != "kind");
        }
        let node = without_deletes(&document.node);
        if let Some(misfit) = node.as_ref().and_then(|node| talos_shape::misfit(node, shape)) {
            let line = document.line_of(&misfit.path);
            let joint = if release.has(Feature::DecodeErrorsOnOneLine) { " " } else { "\n  " };
            let of = if self.is_main { "Config" } else { self.kind };
            return Err(format!(
                "error decoding  to *v1alpha1.{of}: yaml: construct errors:{joint}line {line}: {}",
                misfit.problem
            ));
        }
        match unknown(&Value::Object(rest), shape) {
            None => Ok(()),
            Some(rest) => Err(format!("unknown keys found during decoding:\n{}", listing(&rest))),
        }
    }
}

struct Document {
    /// The line on which it begins to say something.
    line: usize,
    node: Node,
    body: String,
    /// The line of its mark, or of the first one.
    start: usize,
}

impl Document {
    /// The line on which the last of these keys stands, as far as a look at the text tells.
    fn line_of(&self, path: &[String]) -> usize {
        let lines: Vec<&str> = self.body.lines().collect();
        let mut at = 0;
        for key in path {
            let holds = |line: &&str| {
                let mut rest = *line;
                std::iter::from_fn(|| {
                    let found = rest.find(key.as_str())?;
                    let (before, after) = (&rest[..found], &rest[found + key.len()..]);
                    let bound = before.is_empty() || before.ends_with([' ', '{', ',', '"', '\'']);
                    let ends = after.trim_start_matches(['"', '\'']).starts_with(':');
                    rest = after;
                    Some(bound && ends)
                })
                .any(|hit| hit)
            };
            match lines.iter().skip(at).position(holds) {
                Some(offset) => at += offset,
                None => break,
            }
        }
        self.start + at
    }
}

/// The documents of a text that say anything.
fn documents(text: &str, release: Release) -> Result<Vec<Document>, String> {
    let mut found = Vec::new();
    let mut body = String::new();
    let mut start = 1;
    let mut budget = yaml::Budget::default();
    let mut lines = text.lines().enumerate();
    loop {
        let next = lines.next();
        let ends = next.is_none_or(|(_, line)| line == "---" || line.starts_with("--- "));
        if ends {
            found.extend(document(start, &body, &mut budget, release)?);
            body.clear();
        }
        let Some((at, line)) = next else { return Ok(found) };
        if ends {
            // Content may follow the mark on its own line.
            start = at + 1;
            body.push_str(line.strip_prefix("---").unwrap_or_default());
        } else {
            body.push_str(line);
        }
        body.push('\n');
    }
}

fn document(start: usize, body: &str, budget: &mut yaml::Budget, release: Release) -> Result<Option<Document>, String> {
    let says = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let Some(offset) = body.lines().position(says) else { return Ok(None) };
    let line = start + offset;
    match yaml::parse_nodes(body, budget) {
        Ok(nodes) => {
            let node = nodes.into_iter().find(|node| !node.is_null());
            Ok(node.map(|node| Document { line, node, body: body.to_owned(), start }))
        }
        Err(error) if release.has(Feature::YamlLoadErrors) => Err(load_error(start, &error)),
        Err(error) => Err(decode_error(line, start + error.line.saturating_sub(1), body, &error.message)),
    }
}

/// The server's parser words its complaints in its own way, which differs from ours.
fn load_error(start: usize, error: &yaml::YamlError) -> String {
    let (at, column) = (start + error.line.saturating_sub(1), error.column);
    let (part, problem) = if error.message.contains("unclosed bracket") {
        ("parser (while parsing a flow node)", "did not find expected node content")
    } else {
        ("parser", error.message.lines().next().unwrap_or_default())
    };
    format!("decode error: go-yaml load error in {part} at L{at}.C{column}: {problem}")
}

/// The same of older servers; one of the complaints is known, the rest is near enough.
fn decode_error(line: usize, at: usize, body: &str, problem: &str) -> String {
    if body.trim_start().starts_with(['{', '[']) {
        format!("decode error: yaml: while parsing a flow node at line {line}: did not find expected node content")
    } else {
        format!("decode error: yaml: line {at}: {}", problem.lines().next().unwrap_or_default())
    }
}

/// A document without what is marked `$patch: delete`; none when nothing is left of it.
fn without_deletes(node: &Node) -> Option<Node> {
    let marked = |node: &Node| node.get("$patch").and_then(Node::text) == Some("delete");
    if marked(node) {
        return None;
    }
    Some(match node {
        Node::Map(entries) => {
            Node::Map(entries.iter().filter_map(|(key, value)| Some((key.clone(), without_deletes(value)?))).collect())
        }
        Node::List(items) => Node::List(items.iter().filter_map(without_deletes).collect()),
        Node::Scalar(_) => node.clone(),
    })
}

/// Takes out what is marked `$patch: delete`, and says whether there was any.
fn strip_deletes(map: &mut Map<String, Value>) -> bool {
    let deletes = |value: &Value| value.get("$patch").and_then(Value::as_str) == Some("delete");
    if map.get("$patch").and_then(Value::as_str) == Some("delete") {
        map.clear();
        return true;
    }
    let mut any = false;
    let mut hollow = Vec::new();
    for (key, value) in map.iter_mut() {
        match value {
            Value::Object(inner) => {
                let stripped = strip_deletes(inner);
                any |= stripped;
                if stripped && inner.is_empty() {
                    hollow.push(key.clone());
                }
            }
            Value::Array(items) => {
                let before = items.len();
                items.retain(|item| !deletes(item));
                if items.len() < before {
                    any = true;
                    if items.is_empty() {
                        hollow.push(key.clone());
                    }
                }
            }
            _ => {}
        }
    }
    for key in hollow {
        map.remove(&key);
    }
    any
}

/// The part of a value that the shape has no place for.
fn unknown(value: &Value, shape: &Shape) -> Option<Value> {
    match (shape, value) {
        (Shape::Object(fields), Value::Object(map)) => {
            let known = |key: &str| fields.iter().find(|(name, _)| *name == key).map(|(_, shape)| shape);
            let rest: Map<String, Value> = map
                .iter()
                .filter_map(|(key, value)| match known(key) {
                    None => Some((key.clone(), value.clone())),
                    Some(shape) => Some((key.clone(), unknown(value, shape)?)),
                })
                .collect();
            (!rest.is_empty()).then_some(Value::Object(rest))
        }
        (Shape::Map(values), Value::Object(map)) => {
            let rest = map.iter().filter_map(|(key, value)| Some((key.clone(), unknown(value, values)?)));
            let rest: Map<String, Value> = rest.collect();
            (!rest.is_empty()).then_some(Value::Object(rest))
        }
        (Shape::List(items), Value::Array(list)) => {
            let rest: Vec<Value> = list.iter().filter_map(|item| unknown(item, items)).collect();
            (!rest.is_empty()).then_some(Value::Array(rest))
        }
        _ => None,
    }
}

/// Unknown keys as the server shows them: block style, four spaces deep.
fn listing(value: &Value) -> String {
    let mut out = String::new();
    block(&mut out, value, 0);
    out
}

fn block(out: &mut String, value: &Value, depth: usize) {
    let indent = " ".repeat(depth * 4);
    match value {
        // What is longer than an error is cut anyway.
        _ if out.len() > ERROR_LIMIT => {}
        Value::Object(map) => {
            for (key, value) in map.iter().take(ERROR_LIMIT) {
                if out.len() > ERROR_LIMIT {
                    break;
                }
                out.push_str(&format!("{indent}{key}:"));
                child(out, value, depth + 1);
            }
        }
        Value::Array(items) => {
            for item in items.iter().take(ERROR_LIMIT) {
                if out.len() > ERROR_LIMIT {
                    break;
                }
                let mut inner = String::new();
                if scalar(item).is_some() {
                    inner = format!("{}\n", scalar(item).unwrap_or_default());
                } else {
                    block(&mut inner, item, 0);
                }
                let aligned = inner.trim_end().replace('\n', &format!("\n{indent}  "));
                out.push_str(&format!("{indent}- {aligned}\n"));
            }
        }
        other => out.push_str(&format!("{indent}{}\n", scalar(other).unwrap_or_default())),
    }
}

fn child(out: &mut String, value: &Value, depth: usize) {
    match scalar(value) {
        Some(text) => out.push_str(&format!(" {text}\n")),
        None => {
            out.push('\n');
            block(out, value, depth);
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null".into()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(value) => Some(value.to_string()),
        Value::String(text) => {
            let plain = !text.is_empty()
                && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
                && !text.contains([':', '#', '\n', '"'])
                && !matches!(text.as_str(), "true" | "false" | "null");
            Some(if plain { text.clone() } else { format!("{text:?}") })
        }
        Value::Array(items) if items.is_empty() => Some("[]".into()),
        Value::Object(map) if map.is_empty() => Some("{}".into()),
        _ => None,
    }
}

/// What a document does that only Omni may.
fn overreach(kind: &str, map: &Map<String, Value>, release: Release) -> Vec<String> {
    let roles = |path: &str| {
        let listed = find(map, path).and_then(Value::as_array);
        listed
            .is_some_and(|roles| roles.iter().any(|role| role.as_str() == Some(FORBIDDEN_ROLE)))
            .then(|| format!("element {FORBIDDEN_ROLE:?} is not allowed in field {path:?}"))
    };
    let refuse = |path: &str| format!("overriding {path:?} is not allowed in the config patch");
    if release.has(Feature::CheckedPatchDocuments) && FORBIDDEN_KINDS.contains(&kind) {
        return vec![format!("the {kind:?} document is not allowed in the config patch")];
    }
    match kind {
        "" => {
            // That it stands there is enough, whatever it says.
            let overridden = |(path, span): &(&str, Span)| span.holds(release) && find(map, path).is_some();
            let fields = catalogue::patch_fields().filter(overridden).map(|(path, _)| refuse(path));
            fields.chain(roles("machine.features.kubernetesTalosAPIAccess.allowedRoles")).collect()
        }
        "KubeServiceAccountConfig"
            if release.has(Feature::CheckedPatchDocuments) && find(map, "issuer.privateKey").is_some() =>
        {
            vec![refuse("issuer.privateKey")]
        }
        "KubeTalosAPIAccessConfig" => roles("allowedRoles").into_iter().collect(),
        _ => Vec::new(),
    }
}

/// What stands at a path, unless something around it is deleted.
fn find<'a>(map: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if map.get("$patch").and_then(Value::as_str) == Some("delete") {
        return None;
    }
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let value = map.get(first)?;
    match rest {
        None => Some(value),
        Some(rest) => find(value.as_object()?, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(text: &str) -> Result<(), Refusal> {
        check(text, Release::NEWEST)
    }

    #[test]
    fn patches_that_a_server_took() {
        for text in [
            "machine:\n  time:\n    servers: [\"a\"]\n",
            "machine: {}\n",
            "machine: {install: {wipe: true}}",
            "machine:\n  time:\n    $patch: delete\n",
            "machine: {}\n---\napiVersion: v1alpha1\nkind: HostnameConfig\nhostname: x\n",
            "apiVersion: v1alpha1\nkind: HostnameConfig\n$patch: delete\n",
            "# only the second says anything\n---\nmachine: {sysctls: {net.core.somaxconn: \"65535\"}}\n",
            "--- {machine: {}}\n",
            "machine:\n  network:\n    interfaces:\n      - interface: eth0\n        dhcp: true\n",
            "machine: {features: {kubernetesTalosAPIAccess: {allowedRoles: [os:reader]}}}",
            "cluster: {allowSchedulingOnControlPlanes: true, apiServer: {certSANs: [a]}}",
            "machine:\nversion: v1alpha1\n",
        ] {
            assert_eq!(newest(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn texts_that_are_no_patches() {
        let unknown = "error decoding document /v1alpha1/ (line 1): unknown keys found during decoding:\n";
        for (text, expected) in [
            ("", "config not found".to_owned()),
            ("# x\n", "config not found".into()),
            ("---\nnull\n", "config not found".into()),
            (
                "{{{",
                "decode error: go-yaml load error in parser (while parsing a flow node) at L1.C3: did not find expected \
                 node content"
                    .into(),
            ),
            ("- a\n", "expected a YAML document at line 1".into()),
            ("hello", "expected a YAML document at line 1".into()),
            ("\n\n5\n", "expected a YAML document at line 3".into()),
            (
                "[{\"op\": \"add\", \"path\": \"/machine/time\", \"value\": {}}]",
                "expected a YAML document at line 1".into(),
            ),
            ("machine: {}\n---\n# note\n- a\n", "expected a YAML document at line 4".into()),
            ("machine:\n  nope: 1\n", format!("{unknown}machine:\n    nope: 1\n")),
            (
                "machine:\n  kubelet: {image: a, extra: yes}\nother: [{x: 1, y: 2}, z]\n",
                format!(
                    "{unknown}machine:\n    kubelet:\n        extra: yes\nother:\n    - x: 1\n      y: 2\n    - z\n"
                ),
            ),
            ("foo: bar\n", "error decoding document /v1alpha1/ (line 1): missing kind".into()),
            ("kind: HostnameConfig\n", "config not found".into()),
            ("{}\n", "config not found".into()),
            ("version: v1alpha1\n", "config not found".into()),
            (
                "apiVersion: v1alpha1\nmachine: {}\n",
                "error decoding document v1alpha1/v1alpha1/ (line 1): unknown keys found during decoding:\napiVersion: \
                 v1alpha1\n"
                    .into(),
            ),
            ("machine: {}\n---\nmachine: {}\n", "duplicate document /v1alpha1/ is not allowed (line 3)".into()),
            (
                "machine: {}\n---\napiVersion: v1\nkind: ConfigMap\n",
                "error decoding document v1/ConfigMap/ (line 3): \"ConfigMap\" \"v1\": not registered".into(),
            ),
            (
                "machine: hello\n",
                "error decoding document /v1alpha1/ (line 1): error decoding  to *v1alpha1.Config: yaml: construct \
                 errors: line 1: cannot construct !!str `hello` into v1alpha1.MachineConfig"
                    .into(),
            ),
        ] {
            assert_eq!(newest(text), Err(Refusal::Unreadable(expected)), "{text}");
        }
    }

    #[test]
    fn broken_yaml_names_its_line() {
        let Err(Refusal::Unreadable(problem)) = newest("machine: {}\n---\nmachine:\n  a: 1\n  a: 2\n") else {
            panic!("taken");
        };
        assert!(problem.starts_with("decode error: go-yaml load error in parser at L5."), "{problem}");
    }

    #[test]
    fn hostile_texts_end_in_short_errors() {
        let mut bomb = "x0: &x0 {a: b}\n".to_owned();
        for at in 1..25 {
            let before = format!("*x{}", at - 1);
            bomb.push_str(&format!("x{at}: &x{at} {{a: {before}, b: {before}, c: {before}}}\n"));
        }
        // Each one below the limit, and not all of them together.
        let wide = format!("machine: {{a: &a [{}], b: [{}]}}\n", "x,".repeat(1000), "*a,".repeat(600));
        let deep = format!("machine: {}{}", "{a: ".repeat(150), "}".repeat(150));
        let unknown = format!("machine: {{{}}}\n", (0..20_000).map(|at| format!("a{at}: [b], ")).collect::<String>());
        for text in [bomb, vec![wide; 50].join("---\n"), deep, unknown] {
            let problem = newest(&text).expect_err("hostile").text();
            assert!(problem.len() <= ERROR_LIMIT, "{} bytes", problem.len());
        }
    }

    /// A call runs on a worker thread of the usual size, below what the server has there already.
    #[test]
    fn the_deepest_patch_fits_on_a_worker_thread() {
        let nested = |levels: usize, last: &str| format!("{}{last}{}", "{a: ".repeat(levels), "}".repeat(levels));
        let work = move || {
            assert_eq!(newest(&format!("machine: {{kubelet: {{extraConfig: {}}}}}", nested(97, "x"))), Ok(()));
            let problem = newest(&format!("machine: {}", nested(99, "x"))).expect_err("unknown").text();
            assert!(problem.contains("unknown keys"), "{problem}");
            assert!(newest(&format!("machine: {}", nested(100, "x"))).is_err());
            assert_eq!(
                newest(&format!("machine: {{kubelet: {{extraConfig: {}}}}}", nested(96, "{$patch: delete}"))),
                Ok(())
            );
        };
        let thread = std::thread::Builder::new().stack_size((2 << 20) - (512 << 10)).spawn(work);
        assert!(thread.unwrap().join().is_ok());
    }

    #[test]
    fn what_is_for_omni_alone() {
        let overriding = |path: &str| format!("overriding {path:?} is not allowed in the config patch");
        for (text, expected) in [
            ("cluster: {clusterName: x}", vec![overriding("cluster.clusterName")]),
            ("cluster: {id: x}", vec![overriding("cluster.id")]),
            ("cluster: {controlPlane: {endpoint: \"https://x:1\"}}", vec![overriding("cluster.controlPlane.endpoint")]),
            ("cluster: {token: x}", vec![overriding("cluster.token")]),
            ("cluster: {secret: x}", vec![overriding("cluster.secret")]),
            ("cluster: {aescbcEncryptionSecret: x}", vec![overriding("cluster.aescbcEncryptionSecret")]),
            ("cluster: {secretboxEncryptionSecret: x}", vec![overriding("cluster.secretboxEncryptionSecret")]),
            ("cluster: {ca: {crt: \"\"}}", vec![overriding("cluster.ca")]),
            ("cluster: {acceptedCAs: []}", vec![overriding("cluster.acceptedCAs")]),
            ("cluster: {serviceAccount: {key: x}}", vec![overriding("cluster.serviceAccount")]),
            ("machine: {token: x}", vec![overriding("machine.token")]),
            ("machine: {type: worker}", vec![overriding("machine.type")]),
            ("machine: {ca: {crt: \"\"}}", vec![overriding("machine.ca")]),
            ("machine: {acceptedCAs: []}", vec![overriding("machine.acceptedCAs")]),
            ("machine: {install: {disk: /dev/sda}}", vec![overriding("machine.install.disk")]),
            ("machine: {install: {extensions: []}}", vec![overriding("machine.install.extensions")]),
            (
                "machine: {token: x, features: {kubernetesTalosAPIAccess: {allowedRoles: [\"os:admin\"]}}}",
                vec![
                    overriding("machine.token"),
                    "element \"os:admin\" is not allowed in field \
                     \"machine.features.kubernetesTalosAPIAccess.allowedRoles\""
                        .into(),
                ],
            ),
            (
                "apiVersion: v1alpha1\nkind: KubeTalosAPIAccessConfig\nallowedRoles: [\"os:admin\"]\n",
                vec!["element \"os:admin\" is not allowed in field \"allowedRoles\"".into()],
            ),
            (
                "apiVersion: v1alpha1\nkind: KubeServiceAccountConfig\nissuer: {privateKey: x}\n",
                vec![overriding("issuer.privateKey")],
            ),
            (
                "apiVersion: v1alpha1\nkind: UnattendedInstallConfig\n---\napiVersion: v1alpha1\nkind: KubeClusterConfig\n",
                vec![
                    "the \"UnattendedInstallConfig\" document is not allowed in the config patch".into(),
                    "the \"KubeClusterConfig\" document is not allowed in the config patch".into(),
                ],
            ),
        ] {
            assert_eq!(newest(text), Err(Refusal::Forbidden(expected)), "{text}");
        }
    }

    #[test]
    fn one_text_for_the_call_that_validates() {
        let refusal = newest("machine: {token: x}").unwrap_err();
        assert_eq!(
            refusal.text(),
            "1 error occurred:\n\t* overriding \"machine.token\" is not allowed in the config patch\n\n"
        );
        assert!(newest("{{{").unwrap_err().text().starts_with("decode error: "));
    }
}
