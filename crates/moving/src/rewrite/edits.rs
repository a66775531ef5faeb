//! What changes in one file, found by parsing it and done to its text.

use std::ops::Range;

use hcl_edit::{
    Span,
    expr::{Expression, Object},
    structure::{Attribute, Block, BlockLabel, Body},
};

use super::{Change, HCP};

/// A file's text afterwards, and what could not be decided.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    pub text: String,
    /// Bytes in the text as it was, and what is to be said of them.
    pub undecided: Vec<(usize, &'static str)>,
}

/// # Errors
/// What the parser says of a text that is no configuration.
pub fn rewritten(text: &str, change: &Change) -> Result<Rewritten, String> {
    let body: Body = text.parse().map_err(|error: hcl_edit::parser::Error| error.to_string())?;
    let mut file = File { text, change, edits: Vec::new(), undecided: Vec::new() };
    // A file of a backend's settings has no blocks.
    if body.blocks().next().is_none() {
        file.named(&Named::of_body(&body), &Around::Lines);
    }
    file.blocks(&body);
    Ok(file.done())
}

struct File<'t> {
    text: &'t str,
    change: &'t Change,
    edits: Vec<(Range<usize>, String)>,
    undecided: Vec<(usize, &'static str)>,
}

/// What stands around the two names.
enum Around {
    /// A line for each.
    Lines,
    /// A block, which may be a single line.
    Block {
        inside: Range<usize>,
    },
    Object,
}

/// The values of `hostname` and `organization`, where they stand, and where the organization's key begins.
#[derive(Default)]
struct Named<'b> {
    host: Option<&'b Expression>,
    organization: Option<(usize, &'b Expression)>,
}

impl<'b> Named<'b> {
    fn of_body(body: &'b Body) -> Self {
        let start = |attribute: &Attribute| attribute.key.span().map(|span| span.start);
        Self {
            host: body.get_attribute("hostname").map(|found| &found.value),
            organization: body
                .get_attribute("organization")
                .and_then(|found| Some((start(found)?, &found.value))),
        }
    }

    fn of_object(object: &'b Object) -> Self {
        let mut named = Self::default();
        for (key, value) in object {
            let name = key.as_ident().map(hcl_edit::Ident::as_str);
            let name = name.or_else(|| key.as_expr().and_then(Expression::as_str));
            match name {
                Some("hostname") => named.host = Some(value.expr()),
                Some("organization") => {
                    named.organization = key.span().map(|span| (span.start, value.expr()));
                }
                _ => {}
            }
        }
        named
    }
}

impl File<'_> {
    fn blocks(&mut self, body: &Body) {
        for block in body.blocks() {
            let labels: Vec<_> = block.labels.iter().map(BlockLabel::as_str).collect();
            match (block.ident.as_str(), labels.as_slice()) {
                ("terraform", []) => self.settings(&block.body),
                ("data", ["terraform_remote_state", _]) => self.remote_state(block),
                ("module", _) => self.module(block),
                // A test's runs have modules of their own.
                ("run", _) => self.blocks(&block.body),
                _ => {}
            }
        }
    }

    fn settings(&mut self, terraform: &Body) {
        for block in terraform.blocks() {
            let backend = block.labels.first().map(BlockLabel::as_str);
            if matches!(
                (block.ident.as_str(), backend),
                ("cloud", None) | ("backend", Some("remote"))
            ) {
                let named = Named::of_body(&block.body);
                match self.inside(block) {
                    Some(inside) => self.named(&named, &Around::Block { inside }),
                    None => self.named(&named, &Around::Lines),
                }
            }
        }
    }

    /// What stands between the braces of a block.
    fn inside(&self, block: &Block) -> Option<Range<usize>> {
        let span = block.span()?;
        let head = block.labels.last().map_or_else(|| block.ident.span(), Span::span)?.end;
        let open = head + self.text.get(head..span.end)?.find('{')? + 1;
        let close = open + self.text.get(open..span.end)?.rfind('}')?;
        Some(open..close)
    }

    fn remote_state(&mut self, block: &Block) {
        let backend = block.body.get_attribute("backend").and_then(|found| found.value.as_str());
        if backend != Some("remote") {
            return;
        }
        let Some(config) = block.body.get_attribute("config") else { return };
        match &config.value {
            Expression::Object(object) => self.named(&Named::of_object(object), &Around::Object),
            other => self.cannot(other, "the config of this remote state is an expression"),
        }
    }

    fn module(&mut self, block: &Block) {
        let Some(source) = block.body.get_attribute("source") else { return };
        let Change { from, to } = self.change;
        let Some(text) = source.value.as_str() else { return };
        let Some((host, rest)) = text.split_once('/') else { return };
        let Some((organization, rest)) = rest.split_once('/') else { return };
        if host.eq_ignore_ascii_case(&from.host) && organization == from.organization {
            self.replace(&source.value, &format!("{}/{}/{rest}", to.host, to.organization));
        }
    }

    /// The names of a place, if it is the one that changes.
    fn named(&mut self, named: &Named, around: &Around) {
        let Change { from, to } = self.change;
        let host = match named.host {
            None => HCP,
            Some(value) => match value.as_str() {
                Some(host) => host,
                None => return self.cannot(value, "the host is an expression"),
            },
        };
        if !host.eq_ignore_ascii_case(&from.host) {
            return;
        }
        let organization = match named.organization {
            None => None,
            Some((start, value)) => match value.as_str() {
                Some(name) if name == from.organization => Some((start, value)),
                Some(_) => return,
                None => return self.cannot(value, "the organization is an expression"),
            },
        };
        let Some((start, value)) = organization else {
            // The environment names it, and so it may be any.
            match (named.host, around) {
                (Some(host), _) => {
                    self.cannot(host, "only the host is named here, and was left as it is");
                }
                (None, Around::Block { inside }) => {
                    let why = "neither host nor organization are named here";
                    self.undecided.push((inside.start, why));
                }
                (None, _) => {}
            }
            return;
        };
        self.replace(value, &to.organization);
        match named.host {
            Some(value) => self.replace(value, &to.host),
            None if !to.host.eq_ignore_ascii_case(HCP) => self.insert_host(start, value, around),
            None => {}
        }
    }

    /// Before the organization, in the same manner.
    fn insert_host(&mut self, start: usize, organization: &Expression, around: &Around) {
        let host = &self.change.to.host;
        let line = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let before = &self.text[line..start];
        let newline = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
        if before.trim().is_empty() {
            let sign = self.text[start..].find(['=', ':']);
            let width = sign.unwrap_or_default().saturating_sub(1).max("hostname".len());
            let sign = sign.map_or("=", |at| &self.text[start + at..=start + at]);
            let comma = self.comma_after(organization);
            let text = format!("{:width$} {sign} \"{host}\"{comma}{newline}{before}", "hostname");
            return self.edits.push((start..start, text));
        }
        match around {
            Around::Object => {
                let sign = self.text[start..].find(['=', ':']);
                let sign = sign.map_or("=", |at| &self.text[start + at..=start + at]);
                self.edits.push((start..start, format!("hostname {sign} \"{host}\", ")));
            }
            Around::Block { inside } => {
                // A block of one line has room for one name only.
                let indent: String = before.chars().take_while(|c| c.is_whitespace()).collect();
                let name = &self.change.to.organization;
                let text = format!(
                    "{newline}{indent}  hostname     = \"{host}\"{newline}{indent}  organization = \
                     \"{name}\"{newline}{indent}"
                );
                self.edits.retain(|(range, _)| !inside.contains(&range.start));
                self.edits.push((inside.clone(), text));
            }
            Around::Lines => {}
        }
    }

    /// Members of an object may stand in lines that end in commas.
    fn comma_after(&self, value: &Expression) -> &'static str {
        let end = value.span().map_or(self.text.len(), |span| span.end);
        if self.text[end..].trim_start_matches([' ', '\t']).starts_with(',') { "," } else { "" }
    }

    fn replace(&mut self, value: &Expression, text: &str) {
        if let Some(span) = value.span()
            && value.as_str() != Some(text)
        {
            self.edits.push((span, format!("\"{text}\"")));
        }
    }

    fn cannot(&mut self, value: &Expression, why: &'static str) {
        self.undecided.push((value.span().map_or(0, |span| span.start), why));
    }

    fn done(mut self) -> Rewritten {
        self.edits.sort_by_key(|(range, _)| (range.start, range.end));
        let mut text = String::with_capacity(self.text.len() + 64);
        let mut at = 0;
        for (range, new) in self.edits {
            text.push_str(&self.text[at..range.start]);
            text.push_str(&new);
            at = range.end;
        }
        text.push_str(&self.text[at..]);
        Rewritten { text, undecided: self.undecided }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> Change {
        Change {
            from: "app.terraform.io/acme".parse().unwrap(),
            to: "tf.example.com/acme-corp".parse().unwrap(),
        }
    }

    fn after(text: &str) -> String {
        rewritten(text, &change()).unwrap().text
    }

    #[test]
    fn a_cloud_block_names_the_new_place_and_keeps_its_form() {
        let text = "# ours\nterraform {\n  cloud { # here\n    organization = \"acme\" # who\n\n    \
                    workspaces { name = \"net\" }\n  }\n}\n\nvariable \"x\" {}  // odd   spaces\n";
        let want = "# ours\nterraform {\n  cloud { # here\n    hostname     = \"tf.example.com\"\n    \
                    organization = \"acme-corp\" # who\n\n    workspaces { name = \"net\" }\n  \
                    }\n}\n\nvariable \"x\" {}  // odd   spaces\n";
        assert_eq!(after(text), want);
        assert_eq!(after(&want.replace("acme-corp", "other")), want.replace("acme-corp", "other"));
    }

    #[test]
    fn a_block_of_one_line_gets_more() {
        assert_eq!(
            after("terraform {\n  cloud { organization = \"acme\" }\n}\n"),
            "terraform {\n  cloud {\n    hostname     = \"tf.example.com\"\n    organization = \
             \"acme-corp\"\n  }\n}\n"
        );
    }

    #[test]
    fn remote_backends_states_and_modules_are_found() {
        let text = r#"
terraform {
  backend "remote" {
    hostname     = "app.terraform.io"
    organization = "acme"
  }
}
data "terraform_remote_state" "a" {
  backend = "remote"
  config  = { organization = "acme", workspaces = { name = "net" } }
}
data "terraform_remote_state" "b" {
  backend = "remote"
  config = {
    organization : "acme",
    workspaces : { name : "${var.env}-net" },
  }
}
data "terraform_remote_state" "c" {
  backend = "s3"
  config  = { organization = "acme" }
}
module "m" {
  source  = "app.terraform.io/acme/vpc/aws"
  version = "1.0.0"
}
module "n" {
  source = "app.terraform.io/acme-other/vpc/aws"
}
"#;
        let want = text
            .replace("\"app.terraform.io\"\n", "\"tf.example.com\"\n")
            .replace("    organization = \"acme\"\n", "    organization = \"acme-corp\"\n")
            .replace(
                "{ organization = \"acme\", w",
                "{ hostname = \"tf.example.com\", organization = \"acme-corp\", w",
            )
            .replace(
                "    organization : \"acme\",",
                "    hostname     : \"tf.example.com\",\n    organization : \"acme-corp\",",
            )
            .replace("app.terraform.io/acme/vpc", "tf.example.com/acme-corp/vpc");
        assert_eq!(after(text), want);
    }

    #[test]
    fn settings_of_a_backend_in_a_file_of_their_own_are_found() {
        assert_eq!(
            after("organization = \"acme\"\r\ntoken = \"x\"\r\n"),
            "hostname     = \"tf.example.com\"\r\norganization = \"acme-corp\"\r\ntoken = \"x\"\r\n"
        );
    }

    #[test]
    fn what_another_place_is_called_stays() {
        for text in [
            "terraform {\n  cloud {\n    organization = \"acme2\"\n  }\n}\n",
            "terraform {\n  cloud {\n    hostname = \"tfe.example.com\"\n    organization = \
             \"acme\"\n  }\n}\n",
            "resource \"a\" \"b\" {\n  hostname = \"app.terraform.io\"\n  organization = \"acme\"\n}\n",
        ] {
            assert_eq!(after(text), text);
        }
    }

    #[test]
    fn what_cannot_be_decided_is_said() {
        let text = "terraform {\n  cloud {\n    workspaces { name = \"a\" }\n  }\n}\n";
        let found = rewritten(text, &change()).unwrap();
        assert_eq!(found.text, text);
        assert_eq!(found.undecided.len(), 1);
        let text = "data \"terraform_remote_state\" \"a\" {\n  backend = \"remote\"\n  config = \
                    var.config\n}\n";
        assert_eq!(rewritten(text, &change()).unwrap().undecided.len(), 1);
        assert!(rewritten("terraform {", &change()).is_err());
    }
}
