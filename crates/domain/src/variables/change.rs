//! What variables may be, and how their values are kept.

use db::{
    entity::variable::Category,
    id::{VariableId, VariableSetId, WorkspaceId},
};
use secrecy::{ExposeSecret, SecretString};

use super::expression;
use crate::{Ctx, Error, Result, Timestamp, free_text, names, row::Variable};

/// Where values are sealed; part of what authenticates them.
const SEALED: &str = "variables.value";
/// Characters (API documents, "Workspace Variables": limits).
const KEY_LIMIT: usize = 128;
const DESCRIPTION_LIMIT: usize = 512;
/// Bytes.
const VALUE_LIMIT: usize = 256 << 10;

/// What can be given on create and changed later; absent fields keep their value.
#[derive(Clone, Default)]
pub struct Change {
    pub key: Option<String>,
    pub value: Option<SecretString>,
    pub category: Option<Category>,
    pub hcl: Option<bool>,
    pub sensitive: Option<bool>,
    pub description: Option<Option<String>>,
}

/// Whose variable it is.
#[derive(Clone, Debug)]
pub(crate) enum Owner {
    Workspace(WorkspaceId),
    Set(VariableSetId),
}

impl Change {
    /// The variable that is wished for.
    pub(crate) fn create(self, cx: &Ctx, owner: Owner, now: Timestamp) -> Result<Variable> {
        if self.key.is_none() {
            return Err(Error::invalid("key", "can't be blank"));
        }
        if self.category.is_none() {
            return Err(Error::invalid("category", "must be one of: terraform, env"));
        }
        let (workspace_id, variable_set_id) = match owner {
            Owner::Workspace(id) => (Some(id), None),
            Owner::Set(id) => (None, Some(id)),
        };
        let mut new = Variable {
            id: VariableId::fresh(),
            workspace_id,
            variable_set_id,
            name: String::new(),
            value: String::new(),
            is_sealed: false,
            category: Category::Terraform,
            hcl: false,
            sensitive: false,
            description: None,
            version_id: String::new(),
            created_at: now,
        };
        self.apply(cx, &mut new)?;
        Ok(new)
    }

    pub(crate) fn apply(self, cx: &Ctx, to: &mut Variable) -> Result<()> {
        let name_before = to.name.clone();
        if let Some(key) = self.key {
            to.name = key;
        }
        if let Some(category) = self.category {
            to.category = category;
        }
        if let Some(hcl) = self.hcl {
            to.hcl = hcl;
        }
        if to.sensitive && self.sensitive == Some(false) {
            // Else whoever may write variables could read the secret.
            return Err(Error::invalid(
                "sensitive",
                "can't be turned off: delete the variable and create it anew",
            ));
        }
        if let Some(description) = self.description {
            let text = description.as_deref().unwrap_or_default();
            free_text::prose("description", text, DESCRIPTION_LIMIT)?;
            to.description = description;
        }
        check_key(to.category, &to.name, &name_before)?;
        if to.hcl && to.category == Category::Environment {
            return Err(Error::invalid("hcl", "can only be true for the category terraform"));
        }
        let value = match self.value {
            Some(value) => value,
            None if to.version_id.is_empty() => SecretString::default(),
            None => clear(cx, to)?,
        };
        check_value(value.expose_secret())?;
        if to.hcl {
            expression::check("value", value.expose_secret())?;
        }
        if to.category == Category::Environment {
            engine_env::check(&to.name, value.expose_secret())
                .map_err(|refusal| Error::invalid("value", refusal.to_string()))?;
        }
        to.sensitive |= self.sensitive == Some(true);
        // Sealed whether or not it is called sensitive: many secrets are not.
        to.value = cx.keyring().seal(SEALED, to.id.as_str(), value.expose_secret().as_bytes());
        to.is_sealed = true;
        to.version_id = hex::encode(rand::random::<[u8; 32]>());
        Ok(())
    }
}

/// The engine takes identifiers, a shell the names of environment variables.
fn check_key(category: Category, key: &str, before: &str) -> Result<()> {
    names::check_change("key", key, before, KEY_LIMIT)?;
    if category == Category::Environment
        && let Some(why) = engine_env::decided(key)
    {
        return Err(Error::invalid("key", format!("cannot be {key}: {why}")));
    }
    let mut letters = key.chars();
    let first = letters.next().unwrap_or_default();
    let (valid, rule) = match category {
        Category::Terraform => (
            // One that begins with a digit can be kept, though no engine will take it: clients do.
            text::is_identifier(key),
            "must begin with a letter, a digit or _, followed by letters, digits, _ and -",
        ),
        Category::Environment => (
            (first.is_ascii_alphabetic() || first == '_')
                && letters.all(|c| c.is_ascii_alphanumeric() || c == '_'),
            "must begin with a letter or _, followed by letters, digits and _, all of them ASCII",
        ),
    };
    if valid { Ok(()) } else { Err(Error::invalid("key", rule)) }
}

fn check_value(value: &str) -> Result<()> {
    if value.len() > VALUE_LIMIT {
        return Err(Error::invalid("value", format!("has at most {VALUE_LIMIT} bytes")));
    }
    if value.contains('\0') {
        return Err(Error::invalid("value", "can't have null characters"));
    }
    Ok(())
}

pub(super) fn clear(cx: &Ctx, row: &Variable) -> Result<SecretString> {
    if row.is_sealed {
        Ok(cx.keyring().open_text(SEALED, row.id.as_str(), &row.value)?)
    } else {
        Ok(SecretString::from(row.value.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_the_engine_and_a_shell_take() {
        let checked = |category, key: &str| check_key(category, key, "");
        for key in ["region", "_x", "web-server", "größe", "a1", "1a", "हिन्दी", "変数"]
        {
            assert!(checked(Category::Terraform, key).is_ok(), "{key}");
        }
        for key in ["", "-a", "a b", "a.b", "a=b", "a\0", "a\n", "\u{300}a"] {
            assert!(checked(Category::Terraform, key).is_err(), "{key:?}");
            assert!(checked(Category::Environment, key).is_err(), "{key:?}");
        }
        for key in ["AWS_REGION", "_x", "tf_var_a1"] {
            assert!(checked(Category::Environment, key).is_ok(), "{key}");
        }
        for key in ["web-server", "größe", "1a"] {
            assert!(checked(Category::Environment, key).is_err(), "{key}");
        }
        assert!(checked(Category::Terraform, &"k".repeat(KEY_LIMIT)).is_ok());
        assert!(checked(Category::Terraform, &"k".repeat(KEY_LIMIT + 1)).is_err());
        for key in [
            "adm\u{131}n",
            "net\u{1c3}x",
            "x\u{2d0}y",
            "admi\u{307}n",
            "adm\u{338}in",
            "x\u{203f}y",
        ] {
            assert!(checked(Category::Terraform, key).is_err(), "{key:?}");
            assert!(check_key(Category::Terraform, key, "other").is_err(), "{key:?}");
        }
        // One that was taken before there was a rule keeps its name.
        assert!(check_key(Category::Terraform, "x\u{2bc}y", "x\u{2bc}y").is_ok());
    }

    #[test]
    fn values_are_bounded() {
        assert!(check_value(&"v".repeat(VALUE_LIMIT)).is_ok());
        assert!(check_value(&"v".repeat(VALUE_LIMIT + 1)).is_err());
        assert!(check_value("a\0b").is_err());
    }
}
