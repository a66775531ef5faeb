//! Paths as they may be logged: some carry a secret.

/// Blob addresses prove themselves by what follows this, so that a log line would be a key.
const BLOBS: &str = "/_archivist/v1/object/";

/// Longer than every name and id in the API, shorter than every token in a path.
const LONGEST_NAME: usize = 90;

/// `path` without its secrets; it must come without the query. `template` is the route that took
/// it, and a parameter whose name says that it is a secret is left out. Without a template nobody
/// knows what the parts are, so that long ones are left out.
pub fn path(path: &str, template: Option<&str>) -> String {
    if path.starts_with("/_archivist") {
        return format!("{BLOBS}…");
    }
    let mut names = template.unwrap_or_default().split('/');
    let mut parts = Vec::new();
    for part in path.split('/') {
        match names.next() {
            Some(name) if name.starts_with("{*") => {
                parts.push("…");
                break;
            }
            Some(name) if is_secret(name) => parts.push("…"),
            _ if part.len() > LONGEST_NAME => parts.push("…"),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

fn is_secret(name: &str) -> bool {
    name.starts_with('{')
        && ["token", "secret", "signed", "signature", "code"]
            .iter()
            .any(|word| name.trim_matches(['{', '}']).split('_').any(|part| part == *word))
        && !name.ends_with("_id}")
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_blob_address_keeps_nothing_of_its_secret() {
        let logged = path("/_archivist/v1/object/abcdef", Some("/_archivist/v1/object/{signed}"));
        assert_eq!(logged, "/_archivist/v1/object/…");
        assert_eq!(path("/_archivist/v2/abcdef", None), "/_archivist/v1/object/…");
    }

    #[test]
    fn ids_and_names_stay_readable() {
        let template = Some("/api/v2/workspaces/{workspace_id}/runs");
        let given = "/api/v2/workspaces/ws-1234567890abcdef/runs";
        assert_eq!(path(given, template), given);
        let template = Some("/api/v2/authentication-tokens/{token_id}");
        let given = "/api/v2/authentication-tokens/at-1234567890abcdef";
        assert_eq!(path(given, template), given);
    }

    #[test]
    fn a_parameter_that_is_a_secret_is_left_out() {
        assert_eq!(path("/setup/s3cret", Some("/setup/{token}")), "/setup/…");
        assert_eq!(path("/x/s3cret/y", Some("/x/{one_time_secret}/y")), "/x/…/y");
        assert_eq!(path("/assets/a/b/c", Some("/assets/{*file}")), "/assets/…");
    }

    #[test]
    fn a_long_part_of_an_unknown_path_is_left_out() {
        let long = "a".repeat(91);
        assert_eq!(path(&format!("/_archivst/v1/object/{long}"), None), "/_archivst/v1/object/…");
    }
}
