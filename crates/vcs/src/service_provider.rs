//! Who keeps a repository, by the words of `service-provider`.

use std::fmt;
use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceProvider {
    Github,
    GithubEnterprise,
    GitlabHosted,
    GitlabCommunityEdition,
    GitlabEnterpriseEdition,
    BitbucketHosted,
    BitbucketServer,
    BitbucketDataCenter,
    AdoServices,
    AdoServer,
    Forgejo,
    Gitea,
    /// Git and nothing around it.
    Git,
}

/// Those who speak one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    Github,
    Gitlab,
    BitbucketCloud,
    BitbucketDataCenter,
    Azure,
    Gitea,
    Git,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is no service provider")]
pub struct UnknownProvider(String);

impl ServiceProvider {
    pub const ALL: [Self; 13] = [
        Self::Github,
        Self::GithubEnterprise,
        Self::GitlabHosted,
        Self::GitlabCommunityEdition,
        Self::GitlabEnterpriseEdition,
        Self::BitbucketHosted,
        Self::BitbucketServer,
        Self::BitbucketDataCenter,
        Self::AdoServices,
        Self::AdoServer,
        Self::Forgejo,
        Self::Gitea,
        Self::Git,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::GithubEnterprise => "github_enterprise",
            Self::GitlabHosted => "gitlab_hosted",
            Self::GitlabCommunityEdition => "gitlab_community_edition",
            Self::GitlabEnterpriseEdition => "gitlab_enterprise_edition",
            Self::BitbucketHosted => "bitbucket_hosted",
            Self::BitbucketServer => "bitbucket_server",
            Self::BitbucketDataCenter => "bitbucket_data_center",
            Self::AdoServices => "ado_services",
            Self::AdoServer => "ado_server",
            Self::Forgejo => "forgejo",
            Self::Gitea => "gitea",
            Self::Git => "git",
        }
    }

    pub fn family(self) -> Family {
        match self {
            Self::Github | Self::GithubEnterprise => Family::Github,
            Self::GitlabHosted | Self::GitlabCommunityEdition | Self::GitlabEnterpriseEdition => {
                Family::Gitlab
            }
            Self::BitbucketHosted => Family::BitbucketCloud,
            Self::BitbucketServer | Self::BitbucketDataCenter => Family::BitbucketDataCenter,
            Self::AdoServices | Self::AdoServer => Family::Azure,
            Self::Forgejo | Self::Gitea => Family::Gitea,
            Self::Git => Family::Git,
        }
    }

    /// What a configuration version's `source` says.
    pub fn source(self) -> &'static str {
        match self.family() {
            Family::Github => "github",
            Family::Gitlab => "gitlab",
            Family::BitbucketCloud | Family::BitbucketDataCenter => "bitbucket",
            Family::Azure => "ado",
            Family::Gitea => self.as_str(),
            Family::Git => "git",
        }
    }

    /// Pull requests of forks may be planned at all: HCP's list, and those that it does not know. At GitLab and Bitbucket
    /// Data Center never.
    pub fn may_plan_forks(self) -> bool {
        !matches!(self.family(), Family::Gitlab | Family::BitbucketDataCenter | Family::Git)
    }
}

impl fmt::Display for ServiceProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ServiceProvider {
    type Err = UnknownProvider;

    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        let known = Self::ALL.into_iter().find(|provider| provider.as_str() == text);
        known.ok_or_else(|| UnknownProvider(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_written() {
        for provider in ServiceProvider::ALL {
            assert_eq!(provider.as_str().parse(), Ok(provider));
        }
        assert!("subversion".parse::<ServiceProvider>().is_err());
    }
}
