//! Which of the last commits of a branch would have started which runs, for whoever chooses what starts them.

use vcs::{
    Reference,
    git::{Changes, Wanted},
    triggers::{Changed, Circumstances, Decision, Occasion, decide},
};

use super::{decisions::watchers, deliveries::Trouble, fetching::branch_of};
use crate::{
    Ctx, Error, Granted, Result, Timestamp, can, connected_repositories as repositories,
    row::Workspace,
};

/// Commits that are looked at.
const COMMITS: u16 = 10;

/// What one commit would have started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    pub commit: String,
    /// Where people see it.
    pub url: Option<String>,
    /// The first line of its message.
    pub subject: String,
    pub at: Timestamp,
    /// Workspaces of the repository that the caller may see, each with the reason.
    pub runs: Vec<(String, String)>,
    /// Why the workspace itself would have had none.
    pub passes: Option<String>,
}

/// The newest commit first. Each is taken for a push of its own, whatever has become of it.
///
/// None of a workspace without a repository.
///
/// # Errors
/// Conflict where it cannot be read.
pub async fn preview(cx: &Ctx, workspace: &Granted<can::UpdateWorkspace>) -> Result<Vec<Preview>> {
    let found = Box::pin(look(cx, workspace)).await;
    found.map_err(|trouble| match trouble {
        Trouble::Ours(error) => error,
        other => Error::Conflict(format!("The repository cannot be read: {other}.")),
    })
}

async fn look(cx: &Ctx, workspace: &Workspace) -> Result<Vec<Preview>, Trouble> {
    let id = workspace.repository_id.as_ref().filter(|_| workspace.vcs_repo.is_some());
    let Some(id) = id else { return Ok(Vec::new()) };
    let Some(row) = repositories::by_id(cx, id).await? else { return Ok(Vec::new()) };
    let branch = branch_of(cx, &row, workspace).await?;
    let cache = repositories::cache(cx, &row).await?;
    let wanted = Wanted { commit: None, reference: Some(Reference::Branch(branch.clone())) };
    let tip = cache.fetch(&wanted).await?;
    let commits = cache.log(&tip, COMMITS + 1).await?;
    let mut watchers = watchers(cx, &row).await?;
    watchers.retain(|one| cx.may::<can::ReadWorkspace>(&one.workspace));
    let default_branch = row.default_branch.clone().unwrap_or_default();
    let occasion = Occasion::Push { branch: branch.as_str(), is_deleted: false };
    let mut all = Vec::new();
    for (place, commit) in commits.iter().enumerate().take(usize::from(COMMITS)) {
        let parent = commits.get(place + 1).map(|parent| &parent.id);
        let changes = cache.changed_by_push(parent, &commit.id).await?;
        let changed = match &changes {
            Changes::Paths(paths) => Changed::Paths(paths),
            Changes::Unknown => Changed::Unknown,
        };
        let around = Circumstances {
            default_branch: &default_branch,
            allows_forks: false,
            // What was run before is another question.
            has_had_run: true,
            already: &[],
            changed,
        };
        let (mut runs, mut passes) = (Vec::new(), None);
        for one in &watchers {
            match decide(&one.watch, &occasion, &around) {
                Decision::Run(because) => {
                    runs.push((one.workspace.name.clone(), because.to_string()));
                }
                Decision::Pass(why) if one.workspace.id == workspace.id => {
                    passes = Some(why.to_string());
                }
                Decision::Pass(_) => {}
            }
        }
        all.push(Preview {
            commit: commit.id.to_string(),
            url: super::opening::commit_url(&row, &commit.id),
            subject: commit.message.lines().next().unwrap_or_default().chars().take(200).collect(),
            at: Timestamp(commit.committed_at.saturating_mul(1000)),
            runs,
            passes,
        });
    }
    Ok(all)
}
