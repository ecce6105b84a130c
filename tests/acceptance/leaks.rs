//! A search for secrets in all that a CLI leaves behind: states, plans, logs, output and files of its own.
//! A test names the secrets, [`Scan::live`] runs plan, apply and destroy at their most talkative, and [`Scan::found`] is to be empty.
//!
//! ```text
//! let mut scan = Scan::of([("the token", token)])?;
//! let workspace = scan.listen(workspace);
//! scan.live(&workspace)?;
//! scan.expect_nothing(&workspace)?;
//! ```

use crate::omni::Omni;
use crate::process::Output;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;

tests![every_form_is_found, what_a_state_keeps_is_found, a_search_of_nothing_fails];

/// The file that the CLI and the providers log to; further runs are added to its end.
pub const LOG: &str = "trace.log";

/// What begins an archive, such as a kept plan.
const ARCHIVE: &[u8] = b"PK\x03\x04";

/// Anything shorter is found by chance.
const SHORTEST: usize = 8;

/// Secrets in every form in which they could be written, and what was said while they were in use.
#[derive(Default)]
pub struct Scan {
    needles: Vec<Needle>,
    outputs: Vec<Output>,
}

/// One form of one secret.
struct Needle {
    name: String,
    bytes: Vec<u8>,
}

impl Scan {
    /// A search for these secrets, each under a name for the report.
    ///
    /// # Errors
    /// When a secret is so short that anything would contain it.
    pub fn of<N: Into<String>, S: AsRef<str>>(secrets: impl IntoIterator<Item = (N, S)>) -> Outcome<Self> {
        let mut scan = Self::default();
        for (name, secret) in secrets {
            scan.look_for(&name.into(), secret.as_ref())?;
        }
        Ok(scan)
    }

    /// Looks for one more secret, also in what was said before.
    ///
    /// # Errors
    /// When the secret is so short that anything would contain it.
    pub fn look_for(&mut self, name: &str, secret: &str) -> Outcome {
        if secret.trim().len() < SHORTEST {
            return Err(format!("{name} is too short to be looked for").into());
        }
        for (form, bytes) in forms(secret) {
            self.needles.push(Needle { name: format!("{name}, {form}"), bytes });
        }
        Ok(())
    }

    /// The workspace with every log there is, in a file that the search reads.
    #[must_use]
    pub fn listen(&self, workspace: Workspace) -> Workspace {
        workspace.env("TF_LOG", "trace").env("TF_LOG_PATH", LOG)
    }

    /// Runs a command that has to succeed, and keeps what it says for the search.
    ///
    /// # Errors
    /// With all that it said, when it fails.
    pub fn run(&mut self, workspace: &Workspace, arguments: &[&str]) -> Outcome<&Output> {
        let output = workspace.run(arguments)?.success()?;
        self.heard(output);
        self.outputs.last().ok_or_else(|| "nothing was run".into())
    }

    /// Keeps what a command said that was run elsewhere.
    pub fn heard(&mut self, output: Output) {
        self.outputs.push(output);
    }

    /// Plans into a file and applies it.
    ///
    /// # Errors
    /// With what a command said that failed.
    pub fn make(&mut self, workspace: &Workspace) -> Outcome {
        self.run(workspace, &["plan", "-no-color", "-input=false", "-out=kept.tfplan"])?;
        self.run(workspace, &["apply", "-no-color", "-input=false", "kept.tfplan"])?;
        // What is shown of a state and of a plan is made from other code than what is kept.
        self.run(workspace, &["show", "-no-color"])?;
        self.run(workspace, &["show", "-json", "kept.tfplan"])?;
        Ok(())
    }

    /// Destroys all; the state of before stays as a backup.
    ///
    /// # Errors
    /// With what the command said when it failed.
    pub fn destroy(&mut self, workspace: &Workspace) -> Outcome {
        self.run(workspace, &["destroy", "-no-color", "-input=false", "-auto-approve"])?;
        Ok(())
    }

    /// The whole life of a configuration: planned, applied, planned again, and destroyed.
    ///
    /// # Errors
    /// With what a command said that failed.
    pub fn live(&mut self, workspace: &Workspace) -> Outcome {
        self.make(workspace)?;
        self.run(workspace, &["plan", "-json", "-input=false", "-out=second.tfplan"])?;
        self.destroy(workspace)
    }

    /// Where the secrets stand: in the output of commands, and in any file of the workspace, archives unpacked.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn found(&self, workspace: &Workspace) -> Outcome<Vec<String>> {
        let mut found = BTreeSet::new();
        for output in &self.outputs {
            self.search(&format!("stdout of `{}`", output.command), output.stdout.as_bytes(), &mut found);
            self.search(&format!("stderr of `{}`", output.command), output.stderr.as_bytes(), &mut found);
        }
        self.search_folder(workspace.path(), workspace.path(), &mut found)?;
        Ok(found.into_iter().collect())
    }

    /// Holds that the secrets stand nowhere, and that there was something to search.
    ///
    /// # Errors
    /// With the places where a secret stands.
    pub fn expect_nothing(&self, workspace: &Workspace) -> Outcome {
        let file = fs::read_to_string(workspace.path().join(LOG)).unwrap_or_default();
        let mut logs = self.outputs.iter().map(|output| &output.stderr).chain([&file]);
        if !logs.any(|log| log.contains("[TRACE]") && log.contains("tf_req_id")) {
            return Err("there is no output and no log of a provider to be searched".into());
        }
        match self.found(workspace)? {
            found if found.is_empty() => Ok(()),
            found => Err(format!("secrets were written down:\n{}", found.join("\n")).into()),
        }
    }

    fn search_folder(&self, root: &Path, folder: &Path, found: &mut BTreeSet<String>) -> Outcome {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            // A link leads to what is searched elsewhere, or to the provider itself.
            let kind = fs::symlink_metadata(&path)?;
            if kind.is_dir() {
                self.search_folder(root, &path, found)?;
            } else if kind.is_file() {
                let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                self.search_file(&name, &fs::read(&path)?, found)?;
            }
        }
        Ok(())
    }

    fn search_file(&self, name: &str, bytes: &[u8], found: &mut BTreeSet<String>) -> Outcome {
        if !bytes.starts_with(ARCHIVE) {
            self.search(name, bytes, found);
            return Ok(());
        }
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes))?;
        for index in 0..archive.len() {
            let mut file = archive.by_index(index)?;
            let inner = format!("{name}!{}", file.name());
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            self.search_file(&inner, &bytes, found)?;
        }
        Ok(())
    }

    fn search(&self, place: &str, bytes: &[u8], found: &mut BTreeSet<String>) {
        for needle in self.needles.iter().filter(|needle| holds(bytes, &needle.bytes)) {
            found.insert(format!("{place} holds {}", needle.name));
        }
    }
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return false };
    // Skipping to the first byte makes logs of many megabytes bearable in a build without optimisation.
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = &rest[at..];
        if rest.starts_with(needle) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// The secret as it is, escaped, encoded, and line by line, since a log may break lines and indent them.
fn forms(secret: &str) -> Vec<(String, Vec<u8>)> {
    let mut forms = vec![("as it is".to_owned(), secret.as_bytes().to_vec())];
    let lines = secret.lines().map(str::trim).filter(|line| line.len() >= 24);
    let lines: BTreeSet<_> = lines.filter(|line| line.len() < secret.trim().len()).collect();
    forms.extend(lines.into_iter().map(|line| ("a line of it".to_owned(), line.as_bytes().to_vec())));
    let quoted = serde_json::Value::from(secret).to_string();
    let escaped = quoted.trim_matches('"').to_owned();
    // Go writes these as numbers, so that JSON can stand in HTML.
    let go = escaped.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    for text in BTreeSet::from([escaped, go]) {
        if text != secret {
            forms.push(("escaped in JSON".to_owned(), text.into_bytes()));
        }
    }
    forms.push((
        "in hexadecimal".to_owned(),
        secret.bytes().map(|b| format!("{b:02x}")).collect::<String>().into_bytes(),
    ));
    for before in 0..3 {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            forms.push(("in base64".to_owned(), within_base64(engine, before, secret).into_bytes()));
        }
    }
    forms
}

/// What stands in base64 wherever the secret is a part of what is encoded, with this many bytes before it, modulo 3.
fn within_base64(engine: &impl Engine, before: usize, secret: &str) -> String {
    let padded = [vec![0; before], secret.as_bytes().to_vec()].concat();
    let text = engine.encode(&padded);
    // The first and the last letters hold bits of the neighbours too.
    let start = (before * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    text[start..end].to_owned()
}

/// The key of an account as it is handed over, and what it holds.
///
/// # Errors
/// When it is no such key.
pub fn key_and_its_parts(key: &str) -> Outcome<Vec<(&'static str, String)>> {
    let json: serde_json::Value = serde_json::from_slice(&STANDARD.decode(key)?)?;
    let armored = json["pgp_key"].as_str().ok_or("no key in the key")?;
    let inside = key.len() / 2;
    // A piece, because what quotes a key may cut it short.
    let piece = key.get(inside..inside + 40).ok_or("a short key")?;
    Ok(vec![
        ("the whole key", key.to_owned()),
        ("a piece of the key", piece.to_owned()),
        ("the private key", armored.to_owned()),
    ])
}

/// What every key of the account `run` holds: nobody but the provider block ever sees a whole one.
pub fn parts_of_every_key() -> [(&'static str, String); 2] {
    const ARMOR: &str = "-----BEGIN PGP PRIVATE KEY BLOCK-----";
    // Base64 of whole groups of three bytes is the same whatever follows.
    let start = format!("{{\"name\":\"run\",\"pgp_key\":\"{ARMOR}");
    let start = STANDARD.encode(&start.as_bytes()[..start.len() / 3 * 3]);
    [("the start of the key", start), ("a private key", ARMOR.to_owned())]
}

/// What every token of this Omni begins with: the first part names the key that signs all of them.
/// A data source keeps one in the state of this workspace, so this shows too that a search finds what is there.
///
/// # Errors
/// When the token that a data source keeps is not found in the state, or stands anywhere else.
pub fn start_of_every_token(workspace: Workspace) -> Outcome<String> {
    let mut scan = Scan::default();
    let workspace = scan.listen(workspace);
    workspace.write("main.tf", TOKEN_IN_STATE)?;
    scan.make(&workspace)?;
    let values = workspace.values("data.omni_kubeconfig.kept")?;
    let token = values["token"].as_str().ok_or("no token in the state")?;
    scan.look_for("the token", token)?;
    let found = scan.found(&workspace)?;
    let places: BTreeSet<_> = found.iter().filter_map(|line| line.split(" holds ").next()).collect();
    // The logs of the very same run, its output and its plan are clean.
    if places.into_iter().collect::<Vec<_>>() != ["terraform.tfstate"] {
        return Err(format!("the token is to be in the state and nowhere else: {found:#?}").into());
    }
    workspace.destroy()?;
    Ok(token.split('.').next().unwrap_or_default().to_owned())
}

/// A data source keeps its token in the state, as its page says.
const TOKEN_IN_STATE: &str = r#"
resource "omni_cluster" "kept" {
  name               = "kept"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}

data "omni_kubeconfig" "kept" {
  cluster = omni_cluster.kept.id
  ttl     = "1h"
}
"#;

fn every_form_is_found(context: &Context) -> Outcome {
    const SECRET: &str = "hush <first>\nand the second line of it\n";
    let scan = Scan::of([("it", SECRET)])?;
    let encoded = |text: String| STANDARD.encode(text).into_bytes();
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("tfplan", zip::write::SimpleFileOptions::default())?;
    archive.write_all(format!("msgpack {SECRET}").as_bytes())?;
    let hexadecimal: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let table: [(&str, Vec<u8>, bool); 12] = [
        ("raw", format!("a {SECRET} b").into_bytes(), true),
        ("JSON", serde_json::json!({ "a": SECRET }).to_string().into_bytes(), true),
        ("JSON of Go", b"\"hush \\u003cfirst\\u003e\\nand the second line of it\\n\"".to_vec(), true),
        ("base64", encoded(SECRET.to_owned()), true),
        ("base64, one byte on", encoded(format!("a{SECRET}b")), true),
        ("base64, two bytes on", encoded(format!("ab{SECRET}")), true),
        ("hexadecimal", hexadecimal.into_bytes(), true),
        ("a broken line", b"a\n  | and the second line of it".to_vec(), true),
        ("an archive", archive.finish()?.into_inner(), true),
        ("a part", b"hush <first>".to_vec(), false),
        ("a part in base64", encoded("hush <first>".to_owned()), false),
        ("nothing", Vec::new(), false),
    ];
    for (form, bytes, expected) in table {
        let workspace = Workspace::new(context)?;
        std::fs::create_dir(workspace.path().join("inner"))?;
        std::fs::write(workspace.path().join("inner/file"), bytes)?;
        assert_eq!(!scan.found(&workspace)?.is_empty(), expected, "{form}");
    }
    assert!(Scan::of([("it", "short")]).is_err());
    Ok(())
}

fn what_a_state_keeps_is_found(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let start = start_of_every_token(Workspace::of(context, &omni)?)?;
    assert!(start.len() > 20, "{start}");
    Ok(())
}

fn a_search_of_nothing_fails(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let mut scan = Scan::default();
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", "data \"omni_machines\" \"all\" {}\n")?;
    scan.live(&workspace)?;
    assert!(scan.expect_nothing(&workspace).is_err(), "nobody wrote a log");
    Ok(())
}
