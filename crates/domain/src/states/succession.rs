//! Which state may follow which: pure rules over serial, lineage and digest.

use crate::{Timestamp, row::StateVersion};

/// How a state that arrives relates to the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// There is none yet, or it has a higher serial of the same lineage.
    Next,
    /// The current one, sent again under the lock under which it was written.
    Same,
    /// The current one once more, by somebody who has taken the lock since.
    Repeated,
    /// An earlier serial.
    Older,
    /// The current serial, but other content: two writers started from one state.
    Fork,
    /// Of another lineage: the state of something else.
    Foreign,
}

impl Relation {
    /// `lineage` may be empty where nobody has told it: then it is not compared.
    pub fn of(
        current: Option<&StateVersion>,
        locked_at: Option<Timestamp>,
        serial: i64,
        lineage: &str,
        md5: &str,
    ) -> Self {
        let Some(current) = current else { return Self::Next };
        if serial == current.serial && md5 == current.md5 {
            let is_sent_again = locked_at.is_none_or(|at| at <= current.created_at);
            return if is_sent_again { Self::Same } else { Self::Repeated };
        }
        if !lineage.is_empty() && !current.lineage.is_empty() && lineage != current.lineage {
            return Self::Foreign;
        }
        match serial.cmp(&current.serial) {
            std::cmp::Ordering::Greater => Self::Next,
            std::cmp::Ordering::Equal => Self::Fork,
            std::cmp::Ordering::Less => Self::Older,
        }
    }

    /// Why such a state is not taken, for those that are not.
    pub fn refusal(self) -> &'static str {
        match self {
            Self::Next | Self::Same | Self::Repeated => "The state has been taken already.",
            Self::Older => {
                "The workspace has a state with a higher serial. Pull it and start from there, or \
                 force the upload."
            }
            Self::Fork => {
                "The workspace has another state with the same serial but a different md5. Pull \
                 it and start from there, or force the upload."
            }
            Self::Foreign => {
                "The lineage of the state differs from that of the workspace's current state: it \
                 is the state of something else. Force the upload to replace it."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Json, JsonText, Timestamp,
        entity::state_version::Status,
        id::{StateVersionId, WorkspaceId},
    };

    fn current() -> StateVersion {
        StateVersion {
            id: StateVersionId::fresh(),
            workspace_id: WorkspaceId::fresh(),
            number: 1,
            serial: 5,
            lineage: "one".into(),
            md5: "aa".into(),
            size: 0,
            status: Status::Finalized,
            intermediate: false,
            state_format: None,
            terraform_version: None,
            resources_processed: true,
            resources: JsonText::new("[]"),
            modules: Json::default(),
            providers: Json::default(),
            resource_count: 0,
            output_count: 0,
            has_json_state: false,
            run_id: None,
            created_by_id: None,
            rollback_of_id: None,
            created_at: Timestamp(0),
            soft_deleted_at: None,
        }
    }

    #[test]
    fn the_first_state_may_have_any_serial() {
        assert_eq!(Relation::of(None, None, 0, "one", "aa"), Relation::Next);
        assert_eq!(Relation::of(None, None, 9, "", "aa"), Relation::Next);
    }

    #[test]
    fn only_a_higher_serial_of_the_same_lineage_follows() {
        let current = current();
        let of = |serial, lineage, md5| Relation::of(Some(&current), None, serial, lineage, md5);
        assert_eq!(of(6, "one", "bb"), Relation::Next);
        assert_eq!(of(6, "", "bb"), Relation::Next);
        assert_eq!(of(6, "two", "bb"), Relation::Foreign);
        assert_eq!(of(5, "two", "bb"), Relation::Foreign);
        assert_eq!(of(4, "one", "aa"), Relation::Older);
        assert_eq!(of(5, "one", "bb"), Relation::Fork);
    }

    #[test]
    fn the_same_state_is_the_same_under_the_same_lock_only() {
        let current = current();
        let of = |locked_at| Relation::of(Some(&current), locked_at, 5, "one", "aa");
        assert_eq!(of(None), Relation::Same);
        assert_eq!(of(Some(Timestamp(0))), Relation::Same);
        assert_eq!(of(Some(Timestamp(1))), Relation::Repeated);
    }
}
