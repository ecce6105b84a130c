//! Schematics of the image factory: what an installation of Talos is made of, and the id that follows from it.
//! The text is the one that the factory writes, so that the ids are the factory's.

use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// The schematic with these extensions and kernel arguments.
#[must_use]
pub fn text(extensions: &BTreeSet<String>, kernel_args: &[String]) -> String {
    if extensions.is_empty() && kernel_args.is_empty() {
        return "customization: {}\n".to_owned();
    }
    let mut text = "customization:\n".to_owned();
    if !kernel_args.is_empty() {
        text.push_str("    extraKernelArgs:\n");
        kernel_args.iter().for_each(|arg| text.push_str(&format!("        - {}\n", scalar(arg))));
    }
    if !extensions.is_empty() {
        text.push_str("    systemExtensions:\n        officialExtensions:\n");
        extensions.iter().for_each(|name| text.push_str(&format!("            - {}\n", scalar(name))));
    }
    text
}

/// The id of a schematic, by its text.
#[must_use]
pub fn id(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Quotes what could be read as something other than this text.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._=-,".contains(c);
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let word = matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off");
    if starts && !word && text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_public_factory() {
        for (extensions, expected) in [
            (&[][..], "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba"),
            (&["siderolabs/qemu-guest-agent"], "ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515"),
        ] {
            let extensions = extensions.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(id(&text(&extensions, &[])), expected);
        }
    }

    #[test]
    fn kernel_arguments_come_first_and_keep_their_order() {
        let extensions = BTreeSet::from(["siderolabs/gvisor".to_owned()]);
        let args = ["quiet".to_owned(), "-console".to_owned(), "console=ttyS0".to_owned()];
        assert_eq!(
            text(&extensions, &args),
            "customization:\n    extraKernelArgs:\n        - quiet\n        - '-console'\n        - console=ttyS0\n    \
             systemExtensions:\n        officialExtensions:\n            - siderolabs/gvisor\n"
        );
    }
}
