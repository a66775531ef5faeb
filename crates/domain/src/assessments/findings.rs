//! What an assessment has found, and how it is counted.

use std::collections::BTreeSet;

use db::id::AssessmentResultId;
use serde::{Deserialize, Serialize};

use crate::{Ctx, Error, Result, row::AssessmentResult};

const SEALED: &str = "assessment_results.findings";

/// As its agent tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Findings {
    /// Addresses of resources that something outside has changed and an apply would change back.
    pub drifted: Vec<String>,
    /// How many managed resources there are besides.
    pub undrifted: u32,
    /// Absent where the engine knows no checks.
    pub checks: Option<Vec<Check>>,
}

/// Something in the configuration that has conditions, all of its instances together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub address: String,
    /// In the engine's words.
    pub kind: String,
    pub standing: Standing,
    /// What the conditions that do not hold say.
    pub problems: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Failed,
    Errored,
    /// Only an apply would show it.
    Unknown,
    Passed,
}

impl Standing {
    /// What an engine says that nobody has heard of says nothing.
    pub fn parse(word: &str) -> Self {
        match word {
            "pass" => Self::Passed,
            "fail" => Self::Failed,
            "error" => Self::Errored,
            _ => Self::Unknown,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Errored => "errored",
            Self::Unknown => "unknown",
            Self::Passed => "passed",
        }
    }
}

impl Check {
    /// Validations of variables are looked at before anything is planned: one that fails fails the assessment, and to
    /// count those that pass would say nothing about what is there.
    pub fn counts(&self) -> bool {
        self.kind != "var"
    }
}

impl Findings {
    /// Those that count, by how they stand.
    pub(super) fn count(&self, standing: Standing) -> Option<i64> {
        let checks = self.checks.as_ref()?.iter().filter(|check| check.counts());
        i64::try_from(checks.filter(|check| check.standing == standing).count()).ok()
    }

    pub(super) fn failing(&self) -> BTreeSet<&str> {
        let checks = self.checks.iter().flatten().filter(|check| check.counts());
        checks
            .filter(|check| matches!(check.standing, Standing::Failed | Standing::Errored))
            .map(|check| check.address.as_str())
            .collect()
    }

    pub(super) fn drifted(&self) -> BTreeSet<&str> {
        self.drifted.iter().map(String::as_str).collect()
    }
}

pub(super) fn seal(cx: &Ctx, id: &AssessmentResultId, findings: &Findings) -> Result<String> {
    let text = serde_json::to_vec(findings).map_err(|error| Error::Internal(error.into()))?;
    Ok(cx.keyring().seal(SEALED, id.as_str(), &text))
}

/// One by one, with what failed conditions say.
pub fn findings(cx: &Ctx, row: &AssessmentResult) -> Result<Findings> {
    let opened = cx.keyring().open(SEALED, row.id.as_str(), &row.findings)?;
    serde_json::from_slice(&opened).map_err(|error| Error::Internal(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_counted_and_validations_of_variables_are_not() {
        let check = |kind: &str, word: &str| Check {
            address: format!("{kind}.{word}"),
            kind: kind.into(),
            standing: Standing::parse(word),
            problems: Vec::new(),
        };
        let checks = vec![
            check("check", "pass"),
            check("resource", "fail"),
            check("resource", "error"),
            check("output_value", "unknown"),
            check("output_value", "never heard of"),
            check("var", "pass"),
        ];
        let found = Findings { checks: Some(checks), ..Findings::default() };
        let counts = [Standing::Passed, Standing::Failed, Standing::Errored, Standing::Unknown]
            .map(|standing| found.count(standing));
        assert_eq!(counts, [Some(1), Some(1), Some(1), Some(2)]);
        assert_eq!(found.failing(), BTreeSet::from(["resource.error", "resource.fail"]));
        assert_eq!(Findings::default().count(Standing::Passed), None);
    }
}
