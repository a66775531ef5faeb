//! Who a run says it is towards clouds: which tokens its environment asks for, in the names that HCP Terraform documents
//! ("Dynamic provider credentials"). The server signs them, the agent lays them out.

use std::collections::{BTreeMap, BTreeSet};

const AUDIENCE: &str = "TFC_WORKLOAD_IDENTITY_AUDIENCE";
const TOKEN: &str = "TFC_WORKLOAD_IDENTITY_TOKEN";
/// No tag may have this name.
const RESERVED: &str = "TYPE";

/// Whom a run can show a token to without anybody's further work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    Aws,
    Azure,
    Gcp,
    Kubernetes,
    Vault,
}

impl Provider {
    pub const ALL: [Self; 5] = [Self::Aws, Self::Azure, Self::Gcp, Self::Kubernetes, Self::Vault];

    /// Its part of names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Azure => "AZURE",
            Self::Gcp => "GCP",
            Self::Kubernetes => "KUBERNETES",
            Self::Vault => "VAULT",
        }
    }
}

/// The variables of a run's environment.
#[derive(Clone, Debug, Default)]
pub struct Environment<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> FromIterator<(&'a str, &'a str)> for Environment<'a> {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(all: T) -> Self {
        Self(all.into_iter().collect())
    }
}

/// One configuration of one provider: the one without a tag, or one of those that have one.
#[derive(Clone, Debug)]
pub struct Configuration<'a> {
    pub provider: Provider,
    pub tag: Option<&'a str>,
    environment: &'a Environment<'a>,
}

impl<'a> Environment<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied().filter(|value| !value.is_empty())
    }

    /// What stands behind a name and an underscore, if it can be a tag.
    fn tags(&self, name: &str) -> Vec<(&'a str, &'a str)> {
        let tagged = |key: &'a str| key.strip_prefix(name)?.strip_prefix('_');
        let is_tag = |tag: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            tag != RESERVED && !tag.is_empty() && tag.bytes().all(fits)
        };
        let all = self.0.iter().filter_map(|(&key, &value)| {
            tagged(key).filter(|tag| is_tag(tag)).map(|tag| (tag, value))
        });
        all.collect()
    }

    /// All that are switched on, by `TFC_…_PROVIDER_AUTH` and, behind it, a tag.
    pub fn configurations(&'a self) -> Vec<Configuration<'a>> {
        let is_on = |value: &str| value.trim().eq_ignore_ascii_case("true");
        let mut all = Vec::new();
        for provider in Provider::ALL {
            let switch = format!("TFC_{}_PROVIDER_AUTH", provider.word());
            let plain = self.get(&switch).filter(|value| is_on(value)).map(|_| None);
            let tagged = self.tags(&switch).into_iter().filter(|(_, value)| is_on(value));
            let tags = plain.into_iter().chain(tagged.map(|(tag, _)| Some(tag)));
            all.extend(tags.map(|tag| Configuration { provider, tag, environment: self }));
        }
        all
    }

    /// Variables that are to hold a token, and for which audience.
    pub fn tokens(&self) -> Vec<(String, &'a str)> {
        let plain = self.get(AUDIENCE).map(|audience| (TOKEN.to_owned(), audience));
        let tagged = self.tags(AUDIENCE).into_iter().filter(|(_, audience)| !audience.is_empty());
        let tagged = tagged.map(|(tag, audience)| (format!("{TOKEN}_{tag}"), audience));
        plain.into_iter().chain(tagged).collect()
    }

    /// Everybody to whom the run is to be vouched for.
    pub fn audiences(&self) -> BTreeSet<String> {
        let tokens = self.tokens().into_iter().map(|(_, audience)| audience.to_owned());
        tokens.chain(self.configurations().iter().filter_map(Configuration::audience)).collect()
    }

    /// Switches of HCP Terraform that do nothing here.
    pub fn unknown(&self) -> Vec<&'a str> {
        let is_unknown = |name: &str| {
            name.starts_with("TFC_HCP_PROVIDER_AUTH") || name.starts_with("TFC_VAULT_BACKED_")
        };
        self.0.keys().copied().filter(|name| is_unknown(name)).collect()
    }
}

impl<'a> Configuration<'a> {
    /// `TFC_<provider>_<name>`, with the tag behind it; else the default of all configurations.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let word = self.provider.word();
        let tag = self.tag.map(|tag| format!("_{tag}")).unwrap_or_default();
        let own = self.environment.get(&format!("TFC_{word}_{name}{tag}"));
        own.or_else(|| self.environment.get(&format!("TFC_DEFAULT_{word}_{name}")))
    }

    /// As [`Self::get`]; fails with a sentence that names what is missing.
    pub fn needs(&self, name: &str) -> Result<&'a str, String> {
        self.get(name).ok_or_else(|| self.missing(&[name]))
    }

    /// Who the run is at the provider: in this phase, or in both.
    pub fn role(&self, phase: &str, name: &str) -> Result<&'a str, String> {
        let (own, both) = (format!("{phase}_{name}"), format!("RUN_{name}"));
        self.get(&own).or_else(|| self.get(&both)).ok_or_else(|| self.missing(&[&both, &own]))
    }

    fn missing(&self, names: &[&str]) -> String {
        let word = self.provider.word();
        let tag = self.tag.map(|tag| format!("_{tag}")).unwrap_or_default();
        let all: Vec<_> = names.iter().map(|name| format!("TFC_{word}_{name}{tag}")).collect();
        format!("TFC_{word}_PROVIDER_AUTH{tag} is true, and {} is not set", all.join(" or "))
    }

    /// The full name of the provider's pool of identities.
    pub fn gcp_provider(&self) -> Result<String, String> {
        if let Some(name) = self.get("WORKLOAD_PROVIDER_NAME") {
            return Ok(name.to_owned());
        }
        let (project, pool, provider) = (
            self.needs("PROJECT_NUMBER")?,
            self.needs("WORKLOAD_POOL_ID")?,
            self.needs("WORKLOAD_PROVIDER_ID")?,
        );
        Ok(format!(
            "projects/{project}/locations/global/workloadIdentityPools/{pool}/providers/{provider}"
        ))
    }

    /// For whom its token is; nobody where what the provider needs to say so is missing.
    pub fn audience(&self) -> Option<String> {
        let own = self.get("WORKLOAD_IDENTITY_AUDIENCE").map(str::to_owned);
        own.or_else(|| {
            Some(match self.provider {
                Provider::Aws => "aws.workload.identity".into(),
                Provider::Azure => "api://AzureADTokenExchange".into(),
                Provider::Gcp => format!("//iam.googleapis.com/{}", self.gcp_provider().ok()?),
                Provider::Kubernetes => "kubernetes".into(),
                Provider::Vault => "vault.workload.identity".into(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(all: &[(&'a str, &'a str)]) -> Environment<'a> {
        all.iter().copied().collect()
    }

    #[test]
    fn a_token_is_asked_for_by_its_audience_and_by_tags() {
        let environment = of(&[
            ("TFC_WORKLOAD_IDENTITY_AUDIENCE", "one"),
            ("TFC_WORKLOAD_IDENTITY_AUDIENCE_B2", "two"),
            ("TFC_WORKLOAD_IDENTITY_AUDIENCE_TYPE", "reserved"),
            ("TFC_WORKLOAD_IDENTITY_AUDIENCE_", "no tag"),
            ("TFC_WORKLOAD_IDENTITY_AUDIENCE_A-B", "no tag either"),
            ("TFC_WORKLOAD_IDENTITY_AUDIENCE_EMPTY", ""),
            ("TFC_WORKLOAD_IDENTITY_AUDIENCES", "another name"),
        ]);
        let tokens = environment.tokens();
        let expected = [
            ("TFC_WORKLOAD_IDENTITY_TOKEN".to_owned(), "one"),
            ("TFC_WORKLOAD_IDENTITY_TOKEN_B2".to_owned(), "two"),
        ];
        assert_eq!(tokens, expected);
        assert_eq!(environment.audiences().into_iter().collect::<Vec<_>>(), ["one", "two"]);
        assert!(of(&[("AWS_PROFILE", "x")]).audiences().is_empty());
    }

    #[test]
    fn a_configuration_has_its_own_values_then_the_defaults() {
        let environment = of(&[
            ("TFC_AWS_PROVIDER_AUTH", "true"),
            ("TFC_AWS_RUN_ROLE_ARN", "plain"),
            ("TFC_AWS_PROVIDER_AUTH_WEST", "TRUE"),
            ("TFC_DEFAULT_AWS_RUN_ROLE_ARN", "default"),
            ("TFC_AWS_APPLY_ROLE_ARN_WEST", "west"),
            ("TFC_AWS_PROVIDER_AUTH_OFF", "false"),
            ("TFC_AWS_WORKLOAD_IDENTITY_AUDIENCE_WEST", "sts"),
        ]);
        let all = environment.configurations();
        let [plain, west] = &all[..] else { panic!("{all:?}") };
        assert_eq!((plain.tag, west.tag), (None, Some("WEST")));
        assert_eq!(plain.role("PLAN", "ROLE_ARN").unwrap(), "plain");
        assert_eq!(west.role("PLAN", "ROLE_ARN").unwrap(), "default");
        assert_eq!(west.role("APPLY", "ROLE_ARN").unwrap(), "west");
        let audiences = environment.audiences();
        assert_eq!(audiences.into_iter().collect::<Vec<_>>(), ["aws.workload.identity", "sts"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let environment =
            of(&[("TFC_GCP_PROVIDER_AUTH_X", "true"), ("TFC_GCP_PROJECT_NUMBER_X", "7")]);
        let all = environment.configurations();
        assert_eq!(all[0].audience(), None);
        assert_eq!(
            all[0].gcp_provider().unwrap_err(),
            "TFC_GCP_PROVIDER_AUTH_X is true, and TFC_GCP_WORKLOAD_POOL_ID_X is not set"
        );
        assert_eq!(
            all[0].role("PLAN", "SERVICE_ACCOUNT_EMAIL").unwrap_err(),
            "TFC_GCP_PROVIDER_AUTH_X is true, and TFC_GCP_RUN_SERVICE_ACCOUNT_EMAIL_X or \
             TFC_GCP_PLAN_SERVICE_ACCOUNT_EMAIL_X is not set"
        );
    }

    #[test]
    fn the_audience_of_a_pool_is_its_name() {
        let environment = of(&[
            ("TFC_GCP_PROVIDER_AUTH", "true"),
            ("TFC_GCP_WORKLOAD_PROVIDER_NAME", "projects/1/x"),
        ]);
        let audience = environment.configurations()[0].audience();
        assert_eq!(audience.unwrap(), "//iam.googleapis.com/projects/1/x");
    }

    #[test]
    fn switches_that_do_nothing_here_are_told() {
        let names = ["TFC_HCP_PROVIDER_AUTH", "TFC_VAULT_BACKED_AWS_AUTH"];
        let environment = of(&names.map(|name| (name, "true")));
        assert_eq!(environment.unknown(), names);
        assert!(environment.audiences().is_empty());
    }
}
