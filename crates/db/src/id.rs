//! Typed ids such as `ws-…`: a run's id cannot be passed where a workspace's belongs.

use crate::column::text_column;

/// The clients of the field check for exactly 16 of these behind the prefix
/// (terraform-provider-tfe, `internal/provider/id_helpers.go`).
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const LENGTH: usize = 16;

fn fresh(prefix: &str) -> String {
    let mut id = String::with_capacity(prefix.len() + 1 + LENGTH);
    id.push_str(prefix);
    id.push('-');
    id.extend((0..LENGTH).map(|_| char::from(BASE58[rand::random_range(0..BASE58.len())])));
    id
}

fn matches(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|tail| !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_alphanumeric()))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),+ $(,)?) => {
    $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// A new one, unguessable.
            pub fn fresh() -> Self {
                Self(fresh(Self::PREFIX))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if matches(text, Self::PREFIX) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(concat!("is not an id of the form ", $prefix, "-…"))
                }
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        text_column!($name);
    )+

    /// Every type of ids: its name, and its prefix.
    pub const ALL: &[(&str, &str)] = &[$((stringify!($name), $prefix)),+];
    };
}

ids! {
    AgentId = "agent",
    AgentPoolId = "apool",
    ApplyId = "apply",
    AssessmentId = "asmt",
    AssessmentResultId = "asmtres",
    CidrRangeId = "cidr",
    CidrRangeListId = "crl",
    CommentId = "wsc",
    CommitStatusId = "vcsst",
    ConfigurationVersionId = "cv",
    CostEstimateId = "ce",
    DataRetentionPolicyId = "drp",
    EventId = "re",
    FreezeId = "frz",
    GithubAppInstallationId = "ghain",
    IngressAttributesId = "ia",
    JobId = "job",
    NotificationConfigurationId = "nc",
    NotificationDeliveryId = "ncd",
    OauthClientId = "oc",
    OauthTokenId = "ot",
    OrganizationId = "org",
    OrganizationMembershipId = "ou",
    PlanExportId = "pe",
    PlanId = "plan",
    PolicyCheckId = "polchk",
    PolicyCodeId = "polcode",
    PolicyEvaluationId = "poleval",
    PolicyId = "pol",
    PolicyReplayId = "polrep",
    PolicyReplayResultId = "polrepres",
    PolicySetId = "polset",
    PolicySetOutcomeId = "psout",
    PolicySetVersionId = "polsetver",
    ProjectId = "prj",
    PullRequestCommentId = "vcsprc",
    RepositoryId = "repo",
    ReservedTagKeyId = "rtk",
    RunConfirmationId = "rconf",
    RunId = "run",
    RunScheduleId = "rsch",
    RunTaskId = "task",
    RunTriggerId = "rt",
    /// A process that serves, for as long as it does.
    ServerId = "server",
    SshKeyId = "sshkey",
    StateVersionId = "sv",
    StateVersionOutputId = "wsout",
    SubscriptionId = "sub",
    TagBindingId = "tb",
    TagId = "tag",
    TaskId = "work",
    TaskResultId = "taskrs",
    TaskResultOutcomeId = "taskrso",
    TaskStageId = "ts",
    TeamId = "team",
    TeamProjectId = "tprj",
    TeamWorkspaceId = "tws",
    TokenId = "at",
    ToolVersionId = "tool",
    UserId = "user",
    VariableId = "var",
    VariableSetId = "varset",
    VariableSetScopeId = "vss",
    VcsEventId = "ve",
    WebhookDeliveryId = "whd",
    WorkspaceId = "ws",
    WorkspaceTaskId = "wstask",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_id_has_its_prefix_and_sixteen_base58_characters() {
        let id = WorkspaceId::fresh();
        let tail = id.as_str().strip_prefix("ws-").unwrap();
        assert_eq!(tail.len(), 16);
        assert!(tail.bytes().all(|b| BASE58.contains(&b)));
    }

    #[test]
    fn the_id_of_another_type_is_refused() {
        assert!("run-abcdefgh".parse::<WorkspaceId>().is_err());
        assert!("ws-".parse::<WorkspaceId>().is_err());
        assert!("ws-a/b".parse::<WorkspaceId>().is_err());
    }
}
