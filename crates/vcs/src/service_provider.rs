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

    /// For people.
    pub fn display_name(self) -> &'static str {
        match self {
            Self::Github => "GitHub",
            Self::GithubEnterprise => "GitHub Enterprise",
            Self::GitlabHosted => "GitLab.com",
            Self::GitlabCommunityEdition => "GitLab Community Edition",
            Self::GitlabEnterpriseEdition => "GitLab Enterprise Edition",
            Self::BitbucketHosted => "Bitbucket Cloud",
            Self::BitbucketServer => "Bitbucket Server",
            Self::BitbucketDataCenter => "Bitbucket Data Center",
            Self::AdoServices => "Azure DevOps Services",
            Self::AdoServer => "Azure DevOps Server",
            Self::Forgejo => "Forgejo",
            Self::Gitea => "Gitea",
            Self::Git => "Git",
        }
    }

    /// Where people go, and its API, of those that are in one place. Of Azure DevOps Services both name an organization.
    pub fn home(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Github => Some(("https://github.com", "https://api.github.com")),
            Self::GitlabHosted => Some(("https://gitlab.com", "https://gitlab.com/api/v4")),
            Self::BitbucketHosted => {
                Some(("https://bitbucket.org", "https://api.bitbucket.org/2.0"))
            }
            _ => None,
        }
    }

    /// Where the API of a server is, by where people go.
    pub fn api_below(self, http_url: &str) -> String {
        if let Some((home, api)) = self.home()
            && home == http_url.trim_end_matches('/')
        {
            return api.to_owned();
        }
        let path = match self.family() {
            Family::Github => "/api/v3",
            Family::Gitlab => "/api/v4",
            Family::Gitea => "/api/v1",
            Family::BitbucketCloud | Family::BitbucketDataCenter | Family::Azure | Family::Git => {
                ""
            }
        };
        if path.is_empty() {
            return http_url.to_owned();
        }
        format!("{}{path}", http_url.trim_end_matches('/'))
    }

    /// People can connect it by their browser, where the provider knows this server by a key and a secret.
    pub fn has_browser_flow(self) -> bool {
        !matches!(self.family(), Family::BitbucketDataCenter | Family::Git)
            && self != Self::AdoServer
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
    /// Data Center never; and not at Bitbucket Cloud, where the repository has nothing of them.
    pub fn may_plan_forks(self) -> bool {
        matches!(self.family(), Family::Github | Family::Gitea | Family::Azure)
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
    fn apis_are_where_their_documentation_says() {
        use ServiceProvider as P;
        for (provider, http, api) in [
            (P::Github, "https://github.com/", "https://api.github.com"),
            (P::GithubEnterprise, "https://ghe.example/", "https://ghe.example/api/v3"),
            (P::GitlabHosted, "https://gitlab.com", "https://gitlab.com/api/v4"),
            (P::GitlabEnterpriseEdition, "https://h/gitlab", "https://h/gitlab/api/v4"),
            (P::Forgejo, "https://codeberg.org", "https://codeberg.org/api/v1"),
            (P::AdoServices, "https://dev.azure.com/acme", "https://dev.azure.com/acme"),
            (P::BitbucketDataCenter, "https://h/bitbucket", "https://h/bitbucket"),
        ] {
            assert_eq!(provider.api_below(http), api);
        }
    }

    #[test]
    fn every_word_is_read_as_it_is_written() {
        for provider in ServiceProvider::ALL {
            assert_eq!(provider.as_str().parse(), Ok(provider));
        }
        assert!("subversion".parse::<ServiceProvider>().is_err());
    }
}
