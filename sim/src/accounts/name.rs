//! Names and identities of service accounts.

/// What the names of providers of machines begin with.
pub const PROVIDER_PREFIX: &str = "infra-provider:";

const SUFFIX: &str = "@serviceaccount.omni.sidero.dev";
const PROVIDER_SUFFIX: &str = "@infra-provider.serviceaccount.omni.sidero.dev";

/// The name of a service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountName {
    /// The name without what says whose it is.
    pub base: String,
    /// Whether it is the account of a provider of machines.
    pub is_provider: bool,
}

impl AccountName {
    /// The name as a user writes it: `ci`, `infra-provider:aws-1`.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match name.strip_prefix(PROVIDER_PREFIX) {
            Some(base) => Self { base: base.to_owned(), is_provider: true },
            None => Self { base: name.to_owned(), is_provider: false },
        }
    }

    /// The name behind an identity; none when it is not one of a service account.
    #[must_use]
    pub fn of_identity(identity: &str) -> Option<Self> {
        let of = |base: &str, is_provider| Self { base: base.to_owned(), is_provider };
        let provider = identity.strip_suffix(PROVIDER_SUFFIX).map(|base| of(base, true));
        provider.or_else(|| identity.strip_suffix(SUFFIX).map(|base| of(base, false)))
    }

    /// Its identity: `ci@serviceaccount.omni.sidero.dev`.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("{}{}", self.base, if self.is_provider { PROVIDER_SUFFIX } else { SUFFIX })
    }

    /// The name as a user writes it.
    #[must_use]
    pub fn written(&self) -> String {
        format!("{}{}", if self.is_provider { PROVIDER_PREFIX } else { "" }, self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_identities_go_both_ways() {
        for (name, identity) in [
            ("ci", "ci@serviceaccount.omni.sidero.dev"),
            ("infra-provider:aws-1", "aws-1@infra-provider.serviceaccount.omni.sidero.dev"),
            ("Mixed", "Mixed@serviceaccount.omni.sidero.dev"),
        ] {
            let account = AccountName::parse(name);
            assert_eq!(account.identity(), identity);
            assert_eq!(AccountName::of_identity(identity), Some(account));
            assert_eq!(AccountName::parse(name).written(), name);
        }
        assert_eq!(AccountName::of_identity("me@example.org"), None);
    }
}
