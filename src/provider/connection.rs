//! The configuration of the client, from the provider block, then the environment, then the omniconfig, and the diagnostics of
//! invalid parts. This is the only file that reads the environment.

use super::duration;
use super::file;
use super::file::FileError;
use crate::omni::auth::date;
use crate::omni::config::{Config, Credentials, ProxyOptions, RetryPolicy, TlsOptions};
use crate::omni::{Client, Error, ErrorKind, ignored, pem};
use crate::provider::objects::omniconfig::file::Omniconfig;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::value::Value;
use kit::secret::SecretString;
use kit::text::quoted;
use std::fmt;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// How long a request may take where the block does not say.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Set by measurements, which compare a refresh with one that reads each object by itself.
const SINGLE_READS: &str = "OMNI_BENCH_SINGLE_READS";

/// What is said first of certificates that are none.
const CA_REFUSED: &str = "CA certificate cannot be used";

/// The settings of the client.
pub(super) struct Connection {
    pub(super) settings: Config,
    origins: Origins,
}

/// Where values come from that do not stand in the block, in words.
#[derive(Default)]
struct Origins {
    endpoint: Option<Origin>,
    key: Option<Origin>,
    authorities: Option<Origin>,
    proxy: Option<Origin>,
}

#[derive(Clone)]
enum Origin {
    Variable(&'static str),
    /// The omniconfig of this path.
    Omniconfig(String),
    /// The file of this path, and the attribute or the variable that names it.
    File(String, &'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::Omniconfig(path) => write!(f, "the omniconfig {}", quoted(path)),
            Self::File(path, name) => write!(f, "the file {} (`{name}`)", quoted(path)),
        }
    }
}

impl Connection {
    /// Puts the settings together, and reads the files that are named.
    pub(super) async fn of(
        config: &Value,
        terraform_version: &str,
        cancel: &CancellationToken,
    ) -> Result<Self, Diagnostics> {
        let omniconfig = match text(config, "omniconfig").or_else(|| env("OMNICONFIG")) {
            Some(path) => {
                let content = read(cancel, "omniconfig", &path).await?;
                let loaded = Omniconfig::load(&content, text(config, "context").as_deref());
                let origin = Origin::File(path.clone(), named_by("omniconfig", &path));
                Some((loaded.map_err(|problem| from(problem, "omniconfig", &origin))?, path))
            }
            None if text(config, "context").is_some() => {
                return Err(Diagnostic::error("Missing omniconfig", "`context` is set, but no omniconfig is.")
                    .hint("Set `omniconfig` or OMNICONFIG to the path of the file.")
                    .at(Path::of("context"))
                    .into());
            }
            None => None,
        };
        let (omniconfig, path) = omniconfig.map_or((None, None), |(omniconfig, path)| (Some(omniconfig), Some(path)));
        let mut origins = Origins::default();
        let endpoint = endpoint(config, omniconfig.as_ref().zip(path), &mut origins);
        let credentials = credentials(config, omniconfig.as_ref(), cancel, &mut origins).await;
        // Who starts out has neither: both are reported together.
        let (endpoint, credentials) = match (endpoint, credentials) {
            (Ok(endpoint), Ok(credentials)) => (endpoint, credentials),
            (endpoint, credentials) => return Err(endpoint.err().into_iter().chain(credentials.err()).collect()),
        };
        let encrypted = endpoint.trim_start().get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
        let insecure = config.get("insecure_skip_tls_verify").as_bool().unwrap_or(false);
        let ca_pem = match text(config, "ca_certificate_file") {
            Some(path) => {
                let pem = read(cancel, "ca_certificate_file", &path).await?.to_string();
                origins.authorities = Some(Origin::File(path, "ca_certificate_file"));
                Some(pem)
            }
            None => text(config, "ca_certificate"),
        };
        if encrypted && !insecure {
            check_system_list(cancel).await?;
        }
        let proxy = proxy(config, encrypted, &mut origins);
        let retry = config.get("retry");
        let defaults = RetryPolicy::default();
        let attempts = retry.get("max_attempts").as_i64().and_then(|n| usize::try_from(n).ok());
        let settings = Config {
            endpoint,
            credentials,
            tls: TlsOptions { ca_pem, server_name: text(config, "tls_server_name"), insecure_skip_verify: insecure },
            proxy,
            request_timeout: limit(config.get("request_timeout")).unwrap_or(REQUEST_TIMEOUT),
            retry: RetryPolicy {
                max_attempts: attempts.unwrap_or(defaults.max_attempts),
                base_delay: limit(retry.get("base_delay")).unwrap_or(defaults.base_delay),
                max_delay: limit(retry.get("max_delay")).unwrap_or(defaults.max_delay),
                jitter: retry.get("jitter").as_bool().unwrap_or(defaults.jitter),
            },
            max_concurrent_requests: config
                .get("max_concurrent_requests")
                .as_i64()
                .and_then(|n| usize::try_from(n).ok()),
            user_agent: format!("terraform-provider-omni/{} terraform/{terraform_version}", env!("CARGO_PKG_VERSION")),
            shared_reads: env(SINGLE_READS).is_none(),
        };
        Ok(Self { settings, origins })
    }

    /// What works, but not as people may think.
    pub(super) fn warnings(&self, config: &Value, client: &Client) -> Diagnostics {
        let mut warnings = Diagnostics::new();
        if client.is_open_to_others() {
            let given = self.settings.endpoint.trim();
            let why = if given.contains("://") { "" } else { " An address without `https://` means plain HTTP." };
            let address = given.split_once("://").map_or(given, |(_, address)| address);
            let detail = format!("Others on the network can read and change the requests.{why}");
            warnings.push(
                self.with_origin(Diagnostic::warning("Connection to Omni is not encrypted", detail), "endpoint")
                    .hint(format!("Write {} in its place.", quoted(&format!("https://{address}"))))
                    .at(Path::of(self.endpoint_attribute(config))),
            );
        }
        if let Some(ignored) = ignored(&self.settings.endpoint) {
            // What follows a `?` may be a secret.
            let path = ignored.split(['?', '#']).next().filter(|path| !path.is_empty());
            let what = path.map_or("What follows its host".to_owned(), |path| format!("Its path {}", quoted(path)));
            warnings.push(
                self.with_origin(
                    Diagnostic::warning(
                        "Path of the endpoint is not used",
                        format!("{what} has no effect: only host and port of the endpoint are used."),
                    ),
                    "endpoint",
                )
                .hint(format!(
                    "Set it to {}. An Omni that is served under a path cannot be reached: use a separate host name or port for it.",
                    quoted(self.settings.endpoint.trim().trim_end_matches(ignored))
                ))
                .at(Path::of(self.endpoint_attribute(config))),
            );
        }
        let attribute = ca_attribute(config);
        for (number, end) in self.settings.tls.ca_pem.iter().flat_map(|pem| pem::expired(pem, client.now())) {
            let detail = format!("Certificate {number} of `{attribute}` expired on {}.", date(end));
            warnings.push(
                self.with_origin(Diagnostic::warning("CA certificate has expired", detail), "authorities")
                    .hint("Replace it with the current certificate of the CA: other clients do not accept this one.")
                    .at(Path::of(attribute)),
            );
        }
        warnings
    }

    /// Puts the error on the attribute that most likely is to blame.
    pub(super) fn refused(&self, config: &Value, error: &Error) -> Diagnostic {
        if let Error::Transport { setting, .. } = error {
            return self.unreached(config, error, setting);
        }
        let key = || {
            let given = ["service_account_key", "service_account_key_file", "pgp_key_file"];
            given.into_iter().find(|name| !config.get(name).is_null()).unwrap_or("service_account_key")
        };
        let endpoint = self.endpoint_attribute(config);
        let (summary, attribute, origin) = match error {
            Error::Config { setting: "service_account_key", .. } => {
                ("Service account key cannot be used", key(), "key")
            }
            Error::Config { setting: "ca_certificate", .. } => (CA_REFUSED, ca_attribute(config), "authorities"),
            Error::Config { setting: "user_key", .. } => ("OpenPGP key cannot be used", "pgp_key_file", "key"),
            Error::Config { setting: "endpoint", .. } => ("Endpoint cannot be used", endpoint, "endpoint"),
            Error::Config { setting: "proxy", .. } => ("Proxy cannot be used", "proxy_url", "proxy"),
            Error::Config { setting, .. } => ("Provider configuration cannot be used", *setting, ""),
            _ => match error.kind() {
                ErrorKind::Unauthenticated => ("Omni does not accept the key", key(), "key"),
                ErrorKind::Denied => ("The account may not use Omni", key(), "key"),
                _ => ("Omni cannot be reached", endpoint, "endpoint"),
            },
        };
        let diagnostic = Diagnostic::error(summary, super::errors::detail(error)).at(Path::of(attribute));
        let diagnostic = self.with_origin(diagnostic, origin);
        match super::errors::hint(error) {
            Some(hint) => diagnostic.hint(hint),
            None if origin == "proxy" => diagnostic.hint(self.proxy_hint()),
            None if summary == CA_REFUSED => diagnostic.hint(
                "Write each certificate whole, from the line `-----BEGIN CERTIFICATE-----` to the line `-----END CERTIFICATE-----`.",
            ),
            None => diagnostic,
        }
    }

    /// Without a connection: what to look at depends on how far it came.
    fn unreached(&self, config: &Value, error: &Error, setting: &str) -> Diagnostic {
        let ca = ca_attribute(config);
        let (attribute, origin, hint) = match setting {
            "ca_certificate" if !config.get(ca).is_null() => (
                ca,
                "authorities",
                format!(
                    "Set `{ca}` to the certificate of the CA that signed the certificate of Omni; it contains another one. \
                     Also check that `endpoint` is that of Omni, and that no proxy intercepts TLS."
                ),
            ),
            "ca_certificate" => (
                "endpoint",
                "endpoint",
                "Set `ca_certificate` or `ca_certificate_file` to the certificate of the CA that signed the certificate of Omni. \
                 If Omni has a certificate of a public CA, check that `endpoint` is that of Omni, and that no proxy intercepts TLS."
                    .to_owned(),
            ),
            "tls_server_name" => (
                "tls_server_name",
                "endpoint",
                "Use the name in the certificate in `endpoint`, or set `tls_server_name` to it.".to_owned(),
            ),
            "proxy" => ("proxy_url", "proxy", self.proxy_hint()),
            _ => (
                "endpoint",
                "endpoint",
                "Check `endpoint`, the network and any proxy between here and Omni.".to_owned(),
            ),
        };
        // What is not written down cannot be pointed at; then the endpoint is what led here.
        let attribute = if config.get(attribute).is_null() { self.endpoint_attribute(config) } else { attribute };
        let diagnostic = Diagnostic::error("Omni cannot be reached", super::errors::detail(error));
        self.with_origin(diagnostic, origin).hint(hint).at(Path::of(attribute))
    }

    /// What to do about a proxy that is of no use.
    fn proxy_hint(&self) -> String {
        let what =
            self.origins.proxy.as_ref().map_or("`proxy_url`".to_owned(), |name| format!("{name} in the environment"));
        format!("Check {what}, or add the host to NO_PROXY to connect without a proxy.")
    }

    /// The attribute that leads to the endpoint.
    fn endpoint_attribute(&self, config: &Value) -> &'static str {
        let by_file = matches!(self.origins.endpoint, Some(Origin::Omniconfig(_)));
        if by_file && !config.get("omniconfig").is_null() { "omniconfig" } else { "endpoint" }
    }

    /// Says where the value comes from that `diagnostic` is about, where that is not the block.
    fn with_origin(&self, diagnostic: Diagnostic, about: &str) -> Diagnostic {
        let (what, origin) = match about {
            "endpoint" => ("endpoint", &self.origins.endpoint),
            "key" => ("key", &self.origins.key),
            "authorities" => ("certificate", &self.origins.authorities),
            "proxy" => ("proxy", &self.origins.proxy),
            _ => return diagnostic,
        };
        match origin {
            Some(origin) => from(diagnostic, what, origin),
            None => diagnostic,
        }
    }
}

/// Says where `what` comes from, which the diagnostic is about.
fn from(mut diagnostic: Diagnostic, what: &str, origin: &Origin) -> Diagnostic {
    diagnostic.detail.push_str(&format!("\nThe {what} comes from {origin}."));
    diagnostic
}

fn endpoint(
    config: &Value,
    omniconfig: Option<(&Omniconfig, String)>,
    origins: &mut Origins,
) -> Result<String, Diagnostic> {
    if let Some(endpoint) = text(config, "endpoint") {
        return Ok(endpoint);
    }
    if let Some(endpoint) = env("OMNI_ENDPOINT") {
        origins.endpoint = Some(Origin::Variable("OMNI_ENDPOINT"));
        return Ok(endpoint);
    }
    if let Some((omniconfig, path)) = omniconfig {
        origins.endpoint = Some(Origin::Omniconfig(path));
        return Ok(omniconfig.url.clone());
    }
    Err(Diagnostic::error("Missing Omni endpoint", "Neither the provider block nor the environment sets the endpoint.")
        .hint("Set `endpoint` in the provider block, or OMNI_ENDPOINT in the environment.")
        .at(Path::of("endpoint")))
}

/// A key in the block wins over one in the environment; a service account wins over a user's key.
async fn credentials(
    config: &Value,
    omniconfig: Option<&Omniconfig>,
    cancel: &CancellationToken,
    origins: &mut Origins,
) -> Result<Credentials, Diagnostic> {
    if let Some(key) = text(config, "service_account_key") {
        return Ok(Credentials::ServiceAccountKey(SecretString::from(key)));
    }
    if let Some(path) = text(config, "service_account_key_file") {
        let key = read(cancel, "service_account_key_file", &path).await?;
        origins.key = Some(Origin::File(path, "service_account_key_file"));
        return Ok(Credentials::ServiceAccountKey(SecretString::from(key.trim().to_owned())));
    }
    if let Some(path) = text(config, "pgp_key_file") {
        let identity = text(config, "identity").or_else(|| omniconfig.and_then(|c| c.identity.clone()));
        let identity = identity.ok_or_else(|| {
            Diagnostic::error(
                "Missing identity",
                "The context of the omniconfig has no identity for the key in `pgp_key_file`.",
            )
            .hint("Set `identity` to the e-mail address of the user.")
            .at(Path::of("identity"))
        })?;
        let key = read(cancel, "pgp_key_file", &path).await?;
        origins.key = Some(Origin::File(path, "pgp_key_file"));
        return Ok(Credentials::UserKey { identity, private_key: SecretString::from(key.as_str()) });
    }
    for name in ["SIDERO_SERVICE_ACCOUNT_KEY", "OMNI_SERVICE_ACCOUNT_KEY"] {
        if let Some(key) = env(name) {
            origins.key = Some(Origin::Variable(name));
            return Ok(Credentials::ServiceAccountKey(SecretString::from(key)));
        }
    }
    Err(Diagnostic::error("Missing service account key", "Neither the provider block nor the environment sets a key.")
        .hint("Set `service_account_key` in the provider block, or OMNI_SERVICE_ACCOUNT_KEY in the environment. `omnictl serviceaccount create` creates one.")
        .at(Path::of("service_account_key")))
}

/// The variables are those that Go's programs read, in the same order.
fn proxy(config: &Value, encrypted: bool, origins: &mut Origins) -> ProxyOptions {
    let first = |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, env(name)?)));
    let (for_https, for_http) = (first(["HTTPS_PROXY", "https_proxy"]), first(["HTTP_PROXY", "http_proxy"]));
    let url = text(config, "proxy_url");
    if url.is_none() {
        let used = if encrypted { &for_https } else { &for_http };
        origins.proxy = used.as_ref().map(|(name, _)| Origin::Variable(name));
    }
    ProxyOptions {
        url,
        for_https: for_https.map(|(_, url)| url),
        for_http: for_http.map(|(_, url)| url),
        exceptions: first(["NO_PROXY", "no_proxy"]).map(|(_, list)| list),
    }
}

/// The list of authorities that a variable names in the place of the system's, which the library for TLS reads whole.
async fn check_system_list(cancel: &CancellationToken) -> Result<(), Diagnostic> {
    const VARIABLE: &str = "SSL_CERT_FILE";
    let Some(path) = env(VARIABLE) else { return Ok(()) };
    match file::readable(cancel, &path).await {
        // What cannot be opened leaves the authorities that are given.
        Ok(()) | Err(FileError::Io(_)) => Ok(()),
        Err(error) => Err(unreadable(VARIABLE, &path, &error).at(Path::of("endpoint"))),
    }
}

fn ca_attribute(config: &Value) -> &'static str {
    if config.get("ca_certificate_file").is_null() { "ca_certificate" } else { "ca_certificate_file" }
}

fn text(config: &Value, name: &str) -> Option<String> {
    config.get(name).as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn limit(value: &Value) -> Option<Duration> {
    value.as_str().and_then(duration::of)
}

/// What names the file of this path: the attribute, or the variable that stands in for it. Only one path may come from the environment.
fn named_by(attribute: &'static str, path: &str) -> &'static str {
    if attribute == "omniconfig" && env("OMNICONFIG").as_deref() == Some(path) { "OMNICONFIG" } else { attribute }
}

/// The text of the file that the attribute names.
async fn read(
    cancel: &CancellationToken,
    attribute: &'static str,
    path: &str,
) -> Result<Zeroizing<String>, Diagnostic> {
    let name = named_by(attribute, path);
    let mut bytes =
        file::read(cancel, path).await.map_err(|error| unreadable(name, path, &error).at(Path::of(attribute)))?;
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))),
        Err(error) => {
            let bytes = Zeroizing::new(error.into_bytes());
            let hint = match attribute {
                _ if pem::is_utf16(&bytes) => "Save it in UTF-8: PowerShell writes UTF-16 with `>`.",
                "ca_certificate_file" => {
                    "Convert it to PEM, as `openssl x509 -inform der -in FILE -out FILE.pem` does for one in DER form."
                }
                "pgp_key_file" => "Export the key as text, as `gpg --armor --export-secret-keys` does.",
                _ => "Use a file that contains it as text.",
            };
            let detail = format!("{} (`{name}`) contains {}.", quoted(path), pem::kind_of_bytes(&bytes));
            Err(Diagnostic::error("File cannot be used", detail).hint(hint).at(Path::of(attribute)))
        }
    }
}

/// `name` is the attribute or the variable that names the file.
fn unreadable(name: &str, path: &str, error: &FileError) -> Diagnostic {
    Diagnostic::error("File cannot be read", format!("{} (`{name}`): {error}.", quoted(path)))
        .hint(format!("Correct `{name}`, or the permissions of the file."))
}

#[allow(clippy::disallowed_methods, reason = "this is where the environment comes in")]
pub(super) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}
