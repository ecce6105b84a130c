//! The setting by which a host uses a provider process that is running already.

use super::handshake::PROTOCOL;
use super::listener::Address;
use serde_json::json;

/// The variable, and the value that makes a host connect to process `pid` for the provider of this source address.
/// The line fits a POSIX shell, and quotes cannot occur inside.
#[must_use]
pub fn line(provider: &str, pid: u32, at: &Address) -> String {
    let value = json!({
        provider: {
            "Protocol": "grpc",
            "ProtocolVersion": PROTOCOL,
            "Pid": pid,
            // The host then neither ends nor kills the process.
            "Test": true,
            "Addr": { "Network": at.network, "String": at.address },
        }
    });
    // JSON can say a quote in another way, and so the shell needs no rule for it.
    format!("TF_REATTACH_PROVIDERS='{}'\n", value.to_string().replace('\'', "\\u0027"))
}

#[cfg(test)]
mod tests {
    use super::super::listener::Listener;
    use super::*;

    #[tokio::test]
    async fn the_line_names_address_process_and_socket() {
        let (_listener, at) = Listener::tcp(0..=0).unwrap();
        let line = line("registry.terraform.io/ns/it's", 7, &at);
        let json = line.strip_prefix("TF_REATTACH_PROVIDERS='").and_then(|l| l.strip_suffix("'\n")).unwrap();
        assert!(!json.contains('\''));
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        let provider = &json["registry.terraform.io/ns/it's"];
        assert_eq!(provider["ProtocolVersion"], 6);
        assert_eq!(provider["Pid"], 7);
        assert_eq!(provider["Test"], true);
        assert_eq!(provider["Addr"]["Network"], "tcp");
        assert_eq!(provider["Addr"]["String"], at.address);
    }
}
