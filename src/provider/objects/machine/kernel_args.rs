//! Kernel arguments of machines: redacts those that are secrets.
//! A machine that joined with a token on its kernel command line keeps it there.

/// What stands in the place of a secret.
const REDACTED: &str = "REDACTED";

/// What the name of an argument, or of a parameter of an address in it, contains when the value is a secret:
/// `jointoken`, `talos.config.oauth.client_secret`, and `talos.config.inline`, which is a whole machine configuration.
const SECRET: &[&str] =
    &["token", "secret", "password", "passwd", "credential", "signature", "apikey", "api_key", "inline"];

/// The argument with `REDACTED` in the place of each secret: as a whole where its name says so,
/// else of the password and of the parameters of an address.
///
/// `siderolink.api=https://omni.example.org:8090/?jointoken=w7uVuW` becomes
/// `siderolink.api=https://omni.example.org:8090/?jointoken=REDACTED`.
pub(crate) fn redacted(argument: &str) -> String {
    let Some((name, value)) = argument.split_once('=') else { return argument.to_owned() };
    if is_secret(name) {
        return format!("{name}={REDACTED}");
    }
    let (address, parameters) = match value.split_once('?') {
        Some((address, parameters)) => (address, Some(parameters)),
        None => (value, None),
    };
    let parameters = parameters.map(|all| format!("?{}", parameters_of(all))).unwrap_or_default();
    format!("{name}={}{parameters}", without_password(address))
}

/// The parameters of an address, and what follows a `#`.
fn parameters_of(all: &str) -> String {
    let parameter = |text: &str| match text.split_once('=') {
        Some((name, value)) if is_secret(name) => {
            // A closing quote belongs to the argument.
            format!("{name}={REDACTED}{}", if value.ends_with('"') { "\"" } else { "" })
        }
        _ => text.to_owned(),
    };
    all.split('&').map(parameter).collect::<Vec<_>>().join("&")
}

/// An address without the password in front of its host. An `@` in a path belongs to no password.
fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
    match authority.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => {
            let name = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{name}:{REDACTED}@{host}{}", &rest[authority.len()..])
        }
        _ => address.to_owned(),
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_and_nothing_else() {
        for (argument, expected) in [
            (
                "siderolink.api=https://omni.example.org:8090/?jointoken=w7uVuW3zb=",
                "siderolink.api=https://omni.example.org:8090/?jointoken=REDACTED",
            ),
            (
                "siderolink.api=grpc://[fdae::1]:8090?grpc_tunnel=true&jointoken=v2:abc&x=y",
                "siderolink.api=grpc://[fdae::1]:8090?grpc_tunnel=true&jointoken=REDACTED&x=y",
            ),
            ("\"siderolink.api=https://o/?JoinToken=a\"", "\"siderolink.api=https://o/?JoinToken=REDACTED\""),
            (
                "talos.config=https://u:p@s@h/config?uuid=${uuid}",
                "talos.config=https://u:REDACTED@h/config?uuid=${uuid}",
            ),
            ("talos.config=https://h/a@b:c", "talos.config=https://h/a@b:c"),
            ("talos.config.inline=KLUv/QBY", "talos.config.inline=REDACTED"),
            ("talos.config.oauth.client_secret=s3cr3t", "talos.config.oauth.client_secret=REDACTED"),
            ("talos.events.sink=[fdae:41e4:649b:9303::1]:8091", "talos.events.sink=[fdae:41e4:649b:9303::1]:8091"),
            ("console=ttyS0,115200", "console=ttyS0,115200"),
            ("net.ifnames=0", "net.ifnames=0"),
            ("quiet", "quiet"),
        ] {
            assert_eq!(redacted(argument), expected);
        }
    }
}
