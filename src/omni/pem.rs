//! Identification of PEM input: what a text is that should contain certificates or a key, for diagnostics.
//! It opens no files, and no message repeats anything of the content but the label of a PEM block.

use kit::text::quoted;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use std::time::Duration;
use x509_parser::prelude::{FromDer, X509Certificate};

const BEGIN: &str = "-----BEGIN ";

/// How a certificate in PEM begins.
const CERTIFICATE: &str = "`-----BEGIN CERTIFICATE-----`";

/// A certificate of a text.
pub(crate) struct Certificate {
    pub(crate) der: CertificateDer<'static>,
    /// When it ends, since the Unix epoch.
    not_after: Duration,
}

/// The certificates of a text in PEM; what is wrong with them is said of "the CA certificates".
pub(crate) fn certificates(text: &str) -> Result<Vec<Certificate>, String> {
    if let Some(problem) = lines_problem(text) {
        return Err(format!("the text of the CA certificates {problem}"));
    }
    let mut all = Vec::new();
    for found in CertificateDer::pem_slice_iter(text.as_bytes()) {
        let number = all.len() + 1;
        let der =
            found.map_err(|e| format!("certificate {number} of the CA certificates is damaged: {}", damage(&e)))?;
        let unreadable =
            || format!("certificate {number} of the CA certificates is damaged: its content is not a certificate");
        let (rest, parsed) = X509Certificate::from_der(&der).map_err(|_| unreadable())?;
        if !rest.is_empty() {
            return Err(unreadable());
        }
        let not_after = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or_default();
        all.push(Certificate { not_after: Duration::from_secs(not_after), der });
    }
    if all.is_empty() {
        let kind = kind(text);
        return Err(format!(
            "the text for the CA certificates contains no certificate: {kind}; expected is PEM text with {CERTIFICATE}"
        ));
    }
    Ok(all)
}

/// Which certificates of a text have ended: their numbers, counted from 1, and when each ended, since the Unix epoch.
#[must_use]
pub fn expired(text: &str, now: Duration) -> Vec<(usize, Duration)> {
    let all = certificates(text).unwrap_or_default();
    let numbered = all.iter().enumerate().map(|(index, certificate)| (index + 1, certificate.not_after));
    numbered.filter(|(_, end)| *end <= now).collect()
}

/// What a file holds that is no text, in words: `a certificate in DER form`.
#[must_use]
pub fn kind_of_bytes(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x30, length, ..] if length & 0x80 != 0 => "a certificate or key in DER form, and no text",
        bytes if is_utf16(bytes) => "text in UTF-16, and not in UTF-8",
        [tag, ..] if tag & 0xc0 != 0 => "binary data, as an OpenPGP key that is not armored",
        _ => "binary data, and no text",
    }
}

/// Whether the bytes begin as text in UTF-16 does.
#[must_use]
pub fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])
}

/// What a text is that contains no certificate, as a sentence; `None` for one that names no kind of content, such as a path.
#[must_use]
pub fn other_block(text: &str) -> Option<String> {
    let label = label(text).filter(|label| *label != "CERTIFICATE")?;
    Some(format!("The text is a PEM block of the kind {}; a certificate begins with {CERTIFICATE}.", quoted(label)))
}

/// What is wrong with the lines of the certificates, of which the parser only says that some are missing.
fn lines_problem(text: &str) -> Option<&'static str> {
    text.lines().find_map(|line| {
        let (before, after) = line.split_once("-----BEGIN CERTIFICATE-----")?;
        if after.trim_start().starts_with("\\n") {
            Some(r"has `\n` instead of line breaks")
        } else if !after.trim().is_empty() {
            Some("is on one line, and has to have the line breaks of its file")
        } else if !before.is_empty() && before.trim().is_empty() {
            Some("is indented; each line has to begin at its first column, as with `<<-` in a heredoc")
        } else {
            None
        }
    })
}

/// What a text is, in words: `it is empty`.
pub(crate) fn kind(text: &str) -> String {
    let text = text.trim_start();
    match label(text) {
        Some(label) => format!("it is a PEM block of the kind {}", quoted(label)),
        None if text.is_empty() => "it is empty".to_owned(),
        // The first bytes of a DER sequence, in base64.
        None if text.starts_with("MI") => "it is base64 without a PEM header".to_owned(),
        None => "it is something else".to_owned(),
    }
}

/// The label of the first PEM block: `RSA PRIVATE KEY`.
pub(crate) fn label(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(BEGIN)?;
    rest.split_once("-----").map(|(label, _)| label)
}

fn damage(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "its last line, `-----END CERTIFICATE-----`, is missing",
        pem::Error::IllegalSectionStart { .. } => "its first line is not complete",
        pem::Error::Base64Decode(_) => "its lines are not base64",
        _ => "it cannot be read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told() {
        let good = rcgen::generate_simple_self_signed(vec!["omni.example.com".to_owned()]).unwrap();
        let (pem, key) = (good.cert.pem(), good.signing_key.serialize_pem());
        let frame = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(certificates(&format!("A note.\n{pem}\n{pem}")).ok().map(|all| all.len()), Some(2));
        for (text, part) in [
            (String::new(), "it is empty"),
            ("s3cret".to_owned(), "it is something else"),
            (key, "of the kind `PRIVATE KEY`"),
            (body.clone(), "it is base64 without a PEM header"),
            (frame("!!!"), "certificate 1 of the CA certificates is damaged: its lines are not base64"),
            (frame("AAAA"), "its content is not a certificate"),
            (pem.replace('\n', "\\n"), r"has `\n` instead of line breaks"),
            (pem.replace('\n', " "), "is on one line"),
            (pem.lines().map(|line| format!("  {line}\n")).collect(), "is indented"),
            (frame(&body[..body.len() / 2 / 4 * 4]), "its content is not a certificate"),
            (format!("{pem}{}", frame("AAAA")), "certificate 2"),
            (pem[..pem.len() / 2].to_owned(), "`-----END CERTIFICATE-----`, is missing"),
        ] {
            let Err(message) = certificates(&text) else { panic!("accepted: {text}") };
            assert!(message.contains(part), "{text}: {message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }

    #[test]
    fn ends() {
        let mut parameters = rcgen::CertificateParams::new(vec!["old".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2001, 9, 9);
        let old = parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem();
        let good = rcgen::generate_simple_self_signed(vec!["omni.example.com".to_owned()]).unwrap().cert.pem();
        let now = Duration::from_secs(1_790_000_000);
        assert_eq!(expired(&format!("{good}{old}"), now), [(2, Duration::from_secs(999_993_600))]);
        assert_eq!(expired(&good, now), []);
        assert_eq!(expired("damaged", now), []);
    }

    #[test]
    fn bytes() {
        let der = rcgen::generate_simple_self_signed(vec!["x".to_owned()]).unwrap().cert.der().to_vec();
        assert!(kind_of_bytes(&der).contains("DER"));
        assert!(kind_of_bytes(&[0xff, 0xfe, b'a', 0]).contains("UTF-16"));
        assert!(kind_of_bytes(&[0x95, 3, 1]).contains("OpenPGP"));
        assert!(kind_of_bytes(&[1, 0xff]).contains("binary"));
    }

    #[test]
    fn labels() {
        assert_eq!(label("x\n-----BEGIN RSA PRIVATE KEY-----\n"), Some("RSA PRIVATE KEY"));
        assert_eq!(label("-----BEGIN"), None);
        assert_eq!(label("x"), None);
    }
}
