//! Health: what assessments have found of a workspace, and of all of an organization's.

mod list;
mod show;

use domain::row::AssessmentResult;
use maud::Markup;

use crate::{
    Routes,
    components::{Icon, Tone, badge},
};

macro_rules! below {
    ($path:literal) => {
        concat!("/app/{organization_name}/workspaces/{workspace_name}/health", $path)
    };
}

pub fn routes() -> Routes {
    Routes::default()
        .get("/app/{organization_name}/health", list::show)
        .get(below!(""), show::show)
        .get(below!("/plan"), show::plan)
        .get(below!("/plan/changes"), show::part)
        .post(below!("/assess"), show::assess)
        .post(below!("/switch"), show::switch)
}

/// Whether somebody should look at it.
pub fn is_ill(result: &AssessmentResult) -> bool {
    !result.succeeded || result.drifted || !result.all_checks_succeeded
}

/// How a workspace is, in a word.
pub fn badge_of(result: &AssessmentResult) -> Markup {
    if !result.succeeded {
        badge(Tone::Bad, Icon::StBad, "Assessment failed")
    } else if result.drifted {
        badge(Tone::Waiting, Icon::Heart, "Drifted")
    } else if !result.all_checks_succeeded {
        badge(Tone::Bad, Icon::Heart, "Checks failed")
    } else {
        badge(Tone::Good, Icon::StGood, "Healthy")
    }
}

/// `2 of 14`.
pub fn drifted(result: &AssessmentResult) -> String {
    match (result.resources_drifted, result.resources_undrifted) {
        (Some(drifted), Some(others)) => format!("{drifted} of {}", drifted + others),
        _ => "not known".to_owned(),
    }
}
