//! What is wrong with the way to Omni is told as what it is, at its attribute, and no text repeats a secret or what a terminal acts on.

use crate::host::{Host, errors, warnings};
use crate::lifecycle::block;
use libtest_mimic::{Failed, Trial};
use omni_sim::Options;
use std::path::Path;
use terraform_provider_omni::tf::value::Value;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("endpoints", endpoints),
        ("files", files),
        ("authorities", authorities),
        ("keys", keys),
        ("a_source_is_named_and_its_content_is_not", a_source_is_named_and_its_content_is_not),
        ("the_path_of_an_endpoint_is_warned_of", the_path_of_an_endpoint_is_warned_of),
        ("plain_connections_are_warned_of", plain_connections_are_warned_of),
        ("an_omniconfig_gives_away_nothing", an_omniconfig_gives_away_nothing),
        ("what_a_proxy_says_is_escaped", what_a_proxy_says_is_escaped),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("connection::{name}"), test)).collect()
}

/// What a provider block with these attributes is refused with, as one line.
async fn refused(host: &Host, extra: &[(&str, &str)]) -> String {
    let diags = host.configured(&texts(extra)).await;
    let errors = errors(&diags);
    assert_eq!(errors.len(), 1, "{extra:?}: {errors:?}");
    let text = errors.concat();
    let written = diags.iter().all(|d| !d.detail.chars().chain(d.summary.chars()).any(|c| c.is_control() && c != '\n'));
    assert!(written && text.len() < 5000, "{text}");
    text
}

fn texts<'a>(extra: &[(&'a str, &str)]) -> Vec<(&'a str, Value)> {
    extra.iter().map(|(name, text)| (*name, Value::from(*text))).collect()
}

/// Each is refused on the attribute that is named first, with these words, and without the secret.
async fn table(host: &Host, table: &[(&[(&str, &str)], &str)]) {
    for (extra, part) in table {
        let told = refused(host, extra).await;
        assert!(told.starts_with(&format!("{}: ", extra[0].0)) && told.contains(part), "{part}: {told}");
        assert!(!told.contains("hush"), "{told}");
    }
}

fn endpoints() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let long = format!("https://{}:x", "n".repeat(80_000));
        table(
            &host,
            &[
                (&[("endpoint", "ftp://me:hush@omni.example.org")], "must not carry a user or a password"),
                (&[("endpoint", "https://me:hu/sh@omni.example.org")], "must not carry a user or a password"),
                (&[("endpoint", "me:hush@omni.example.org")], "must not carry a user or a password"),
                (&[("endpoint", "ftp://omni.example.org")], "write `https://`"),
                (&[("endpoint", "http//omni.example.org")], "write `http://omni.example.org`"),
                (&[("endpoint", "https://omni\u{1b}[2J.example.org")], r"`omni\u{1b}[2J.example.org`"),
                (&[("endpoint", &long)], "is not a port number"),
                (&[("proxy_url", "http://me:hush@pro xy:x")], "not a port number"),
                (&[("proxy_url", "socks5://me:hush@proxy")], "must begin with `http://`"),
            ],
        )
        .await;
    })
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A name may lead to a pipe that nobody writes to, or to a device without an end.
fn files() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let folder = tempfile::tempdir().unwrap();
        let (pipe, large) = (folder.path().join("pipe"), folder.path().join("large"));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::fs::write(&large, "x".repeat((1 << 20) + 1)).unwrap();
        let jane = ("identity", "jane@example.org");
        let found = [
            (path(&pipe), "only a regular file is read"),
            ("/dev/zero", "only a regular file is read"),
            (path(folder.path()), "it is a folder"),
            (path(&large), "more than 1 MiB"),
            ("/nowhere", "No such file"),
        ];
        for (file, part) in found {
            let rows: &[(&[(&str, &str)], &str)] = &[
                (&[("service_account_key_file", file)], part),
                (&[("ca_certificate_file", file)], part),
                (&[("omniconfig", file)], part),
                (&[("pgp_key_file", file), jane], part),
            ];
            table(&host, rows).await;
        }
    })
}

/// What a file holds may be anything, and is no key: the file and the attribute that names it are told, and nothing of what it holds.
fn a_source_is_named_and_its_content_is_not() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options { tls: true, ..Options::stepped() }, &[]).await;
        let folder = tempfile::tempdir().unwrap();
        let (text, binary) = (folder.path().join("passwd"), folder.path().join("binary"));
        std::fs::write(&text, "root:x:0:0:hush:/root:/bin/sh\nhush: [\n").unwrap();
        std::fs::write(&binary, b"hush\xff\x00").unwrap();
        let jane = ("identity", "jane@example.org");
        for file in [&text, &binary] {
            for extra in [
                &[("service_account_key_file", path(file))][..],
                &[("pgp_key_file", path(file)), jane],
                &[("ca_certificate_file", path(file))],
                &[("omniconfig", path(file))],
            ] {
                let attribute = extra[0].0;
                let told = refused(&host, extra).await;
                assert!(told.starts_with(&format!("{attribute}: ")), "{told}");
                assert!(told.contains(&format!("`{}` (`{attribute}`)", path(file))), "{told}");
                assert!(!told.contains("hush") && !told.contains("root:"), "{told}");
            }
        }
    })
}

/// Clients of Omni take such an endpoint and leave the path away, so that it is no error.
fn the_path_of_an_endpoint_is_warned_of() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let endpoint = host.sim.endpoint();
        for (rest, parts) in [
            ("", &[][..]),
            ("/", &[]),
            ("/foo/", &["endpoint: Path of the endpoint is not used", "Its path `/foo/` has no effect"]),
            ("/foo?token=hush", &["Its path `/foo` has no effect"]),
            ("?token=hush", &["What follows its host has no effect"]),
        ] {
            let diags = host.configured(&texts(&[("endpoint", &format!("{endpoint}{rest}"))])).await;
            assert_eq!(errors(&diags), Vec::<String>::new(), "{rest}");
            let told = warnings(&diags).concat();
            assert_eq!(told.is_empty(), parts.is_empty(), "{rest}: {told}");
            assert!(parts.iter().all(|part| told.contains(part)) && !told.contains("hush"), "{rest}: {told}");
            assert!(parts.is_empty() || told.contains(&format!("Set it to `{endpoint}`")), "{rest}: {told}");
        }
    })
}

/// A certificate that ended long ago, and its key.
fn old_authority() -> (String, String) {
    let mut parameters = rcgen::CertificateParams::new(vec!["old".to_owned()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(2001, 9, 9);
    let key = rcgen::KeyPair::generate().unwrap();
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn authorities() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options { tls: true, ..Options::stepped() }, &[]).await;
        let other = rcgen::generate_simple_self_signed(vec!["other".to_owned()]).unwrap();
        let (old, key) = old_authority();
        let folder = tempfile::tempdir().unwrap();
        let der = folder.path().join("ca.der");
        std::fs::write(&der, other.cert.der()).unwrap();
        let (pem, framed) = (other.cert.pem(), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        let bare: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        table(
            &host,
            &[
                (&[("ca_certificate_file", path(&der))], "in DER form"),
                (&[("ca_certificate", &bare)], "base64 without a PEM header"),
                (&[("ca_certificate", &pem[..pem.len() / 2])], "`-----END CERTIFICATE-----`, is missing"),
                (&[("ca_certificate", framed)], "of the CA certificates is damaged"),
                (&[("ca_certificate", &key)], "of the kind `PRIVATE KEY`"),
                (&[("ca_certificate", &pem)], "not among the given ones either"),
            ],
        )
        .await;
        // One that has ended is told beside one that works.
        let both = format!("{}{old}", host.sim.ca_pem().unwrap());
        let diags = host.configured(&texts(&[("ca_certificate", &both)])).await;
        let told = warnings(&diags).concat();
        assert_eq!(errors(&diags), Vec::<String>::new());
        assert!(told.contains("Certificate 2 of `ca_certificate` expired on 2001-09-09"), "{told}");
        assert!(told.starts_with("ca_certificate: "), "{told}");

        let endpoint = host.sim.endpoint().replace("https://", "http://");
        table(&host, &[(&[("endpoint", &endpoint)], "the server speaks TLS")]).await;
        let plain = Host::with(Options::stepped(), &[]).await;
        let endpoint = plain.sim.endpoint().replace("grpc://", "https://");
        table(&host, &[(&[("endpoint", &endpoint)], "does not speak TLS")]).await;
    })
}

fn keys() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let rsa = "-----BEGIN RSA PRIVATE KEY-----\nhush\n-----END RSA PRIVATE KEY-----\n";
        let folder = tempfile::tempdir().unwrap();
        let (file, binary) = (folder.path().join("key"), folder.path().join("key.bin"));
        std::fs::write(&file, rsa).unwrap();
        std::fs::write(&binary, [0x95, 3, 1, 0xff]).unwrap();
        let jane = ("identity", "jane@example.org");
        table(
            &host,
            &[
                (&[("service_account_key", rsa)], "of the kind `RSA PRIVATE KEY`"),
                (&[("pgp_key_file", path(&file)), jane], "of the kind `RSA PRIVATE KEY` and no OpenPGP key"),
                (&[("pgp_key_file", path(&binary)), jane], "that is not armored"),
            ],
        )
        .await;
    })
}

fn plain_connections_are_warned_of() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let (_, port) = host.sim.endpoint().rsplit_once(':').unwrap();
        // The address of every host leads here too, and is not one of this machine by its name.
        for (endpoint, parts) in [
            (format!("0.0.0.0:{port}"), &["not encrypted", "without `https://`", "`https://0.0.0.0:"][..]),
            (format!("http://0.0.0.0:{port}"), &["not encrypted", "`https://0.0.0.0:"]),
            (format!("localhost:{port}"), &[]),
            (format!("http://127.0.0.1:{port}"), &[]),
        ] {
            let diags = host.configured(&texts(&[("endpoint", &endpoint)])).await;
            assert_eq!(errors(&diags), Vec::<String>::new(), "{endpoint}");
            let told = warnings(&diags).concat();
            assert_eq!(told.is_empty(), parts.is_empty(), "{endpoint}: {told}");
            assert!(parts.iter().all(|part| told.contains(part)), "{endpoint}: {told}");
        }
    })
}

fn an_omniconfig_gives_away_nothing() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("omniconfig");
        for (content, part) in [
            ("context: a\ncontexts:\n  a:\n    url: ftp://me:hush@omni\n", "must not carry a user or a password"),
            ("context: a\ncontexts:\n  a:\n    url: \"https://me:hush@omni\n", "not valid YAML"),
            ("context: a\ncontexts:\n  a:\n    url: https://omni:x\n", "The endpoint comes from the omniconfig"),
        ] {
            std::fs::write(&file, content).unwrap();
            let mut extra = texts(&[("omniconfig", path(&file))]);
            extra.push(("endpoint", Value::Null));
            let told = errors(&host.configured(&extra).await).concat();
            assert!(told.starts_with("omniconfig: ") && told.contains(part), "{told}");
            assert!(!told.contains("hush"), "{told}");
        }
    })
}

fn what_a_proxy_says_is_escaped() -> Result<(), Failed> {
    block(async {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let host = Host::start(&[]).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                drop(stream.read(&mut request).await);
                drop(stream.write_all(b"HTTP/1.1 403 \x1b]0;mine\x07\x1b[2J\r\n\r\n").await);
            }
        });
        let told = refused(&host, &[("proxy_url", &proxy)]).await;
        assert!(told.contains(r"`403 \u{1b}]0;mine\u{7}\u{1b}[2J`"), "{told}");
    })
}
