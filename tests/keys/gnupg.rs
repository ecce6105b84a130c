//! GnuPG, which people have at hand when they want to know what a key is.

use crate::omni::{HOUR, NAMES, accepts, armored, block, fresh_key, omni_with, signed_by_us};
use libtest_mimic::{Completion, Failed, Trial};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use terraform_provider_omni::omni::auth::GeneratedKey;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: [(&str, Test); 4] = [
        ("reads_our_keys", reads_our_keys),
        ("sees_that_they_end", sees_that_they_end),
        ("verifies_what_we_sign", verifies_what_we_sign),
        ("signs_what_omni_accepts", signs_what_omni_accepts),
    ];
    let trial = |(name, test): (&str, Test)| {
        Trial::ignorable_test(format!("gnupg::{name}"), move || match gpg_is_there() {
            true => test().map(|()| Completion::Completed),
            false => Ok(Completion::ignored_with("gpg is not on the PATH")),
        })
    };
    all.into_iter().map(trial).collect()
}

fn gpg_is_there() -> bool {
    Command::new("gpg").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// A GnuPG that knows nothing but what it is given here; its agent ends with it.
struct Gnupg(tempfile::TempDir);

impl Gnupg {
    /// One that knows the key, both halves of it.
    fn with(key: &GeneratedKey) -> Result<Self, Failed> {
        // The path of the agent's socket must be short.
        let home = tempfile::Builder::new().prefix("gpg").tempdir()?;
        let gnupg = Self(home);
        let file = gnupg.file("key.asc", armored(key).as_bytes())?;
        gnupg.run(&["--import", &file])?;
        Ok(gnupg)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> Result<String, Failed> {
        let path: PathBuf = self.0.path().join(name);
        std::fs::write(&path, bytes)?;
        Ok(path.to_string_lossy().into_owned())
    }

    fn try_run(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let quiet = ["--homedir", &self.0.path().to_string_lossy(), "--batch", "--no-tty", "--status-fd", "1"]
            .map(str::to_owned)
            .into_iter()
            .chain(["--pinentry-mode", "loopback", "--passphrase", "", "--with-colons"].map(str::to_owned));
        Ok(Command::new("gpg").args(quiet).args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).output()?)
    }

    fn run(&self, arguments: &[&str]) -> Result<String, Failed> {
        let output = self.try_run(arguments)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match output.status.success() {
            true => Ok(text),
            false => Err(format!("gpg {arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr)).into()),
        }
    }
}

impl Drop for Gnupg {
    fn drop(&mut self) {
        let mut end = Command::new("gpgconf");
        end.arg("--homedir").arg(self.0.path()).args(["--kill", "all"]);
        // An agent whose folder is gone ends by itself, a little later.
        drop(end.stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}

/// The fields of the first record of this kind.
fn record<'a>(listing: &'a str, kind: &str) -> Vec<&'a str> {
    let found = listing.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {listing}"))
}

fn reads_our_keys() -> Result<(), Failed> {
    for (name, identity) in NAMES {
        let made = fresh_key(name);
        let gnupg = Gnupg::with(&made)?;
        let listing = gnupg.run(&["--list-secret-keys"])?;
        assert_eq!(record(&listing, "fpr")[9].to_lowercase(), made.fingerprint);
        let key = record(&listing, "sec");
        assert_eq!((key[2], key[3], key[16]), ("255", "22", "ed25519"), "size, algorithm and curve: {listing}");
        let (from, until): (u64, u64) = (key[5].parse()?, key[6].parse()?);
        assert_eq!(until - from, HOUR.as_secs());
        let usages: String = key[11].chars().filter(char::is_ascii_lowercase).collect();
        assert_eq!(usages, "sc", "{listing}");
        let subkey = record(&listing, "ssb");
        assert_eq!((subkey[3], subkey[11], subkey[16]), ("18", "e", "cv25519"), "{listing}");
        let user = record(&listing, "uid")[9];
        let base = name.rsplit(':').next().unwrap_or(name);
        assert!(user.starts_with(&format!("{base} (")) && user.ends_with(&format!(") <{identity}>")), "{user}");
        // `!` is a self-signature that GnuPG has verified.
        let checked = gnupg.run(&["--check-sigs"])?;
        let verdicts: Vec<_> = checked
            .lines()
            .filter(|l| l.starts_with("sig:"))
            .map(|l| l.split(':').nth(1).unwrap_or_default())
            .collect();
        assert!(verdicts.len() >= 2 && verdicts.iter().all(|verdict| *verdict == "!"), "{checked}");
    }
    Ok(())
}

fn sees_that_they_end() -> Result<(), Failed> {
    let gnupg = Gnupg::with(&fresh_key("ci"))?;
    let validity = |listing: String| record(&listing, "pub")[1].to_owned();
    assert_ne!(validity(gnupg.run(&["--list-keys"])?), "e");
    assert_eq!(validity(gnupg.run(&["--faked-system-time", "20991231T000000", "--list-keys"])?), "e");
    Ok(())
}

fn verifies_what_we_sign() -> Result<(), Failed> {
    let made = fresh_key("ci");
    let gnupg = Gnupg::with(&made)?;
    let (payload, signature) = signed_by_us(&made);
    let signature = gnupg.file("payload.sig", &signature)?;
    let good = gnupg.run(&["--verify", &signature, &gnupg.file("payload", &payload)?])?;
    let valid = format!("[GNUPG:] VALIDSIG {}", made.fingerprint.to_uppercase());
    assert!(good.contains(&valid), "{good}");
    let other = gnupg.try_run(&["--verify", &signature, &gnupg.file("other", &payload[1..])?])?;
    assert!(!other.status.success() && String::from_utf8_lossy(&other.stdout).contains("BADSIG"), "{other:?}");
    Ok(())
}

fn signs_what_omni_accepts() -> Result<(), Failed> {
    block(async {
        for (name, _) in NAMES {
            let made = fresh_key(name);
            let gnupg = Gnupg::with(&made)?;
            let sim = omni_with(name, &made).await;
            let sign = |payload: &[u8]| {
                let file = gnupg.file("payload", payload).unwrap();
                gnupg.run(&["--digest-algo", "SHA256", "--detach-sign", &file]).unwrap();
                std::fs::read(format!("{file}.sig")).unwrap()
            };
            assert_eq!(accepts(&sim, &made.fingerprint, sign).await, Ok(()), "{name}");
        }
        Ok(())
    })
}
