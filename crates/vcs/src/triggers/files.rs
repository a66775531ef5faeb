//! Which changed files count: `file-triggers-enabled`, `trigger-prefixes`, `trigger-patterns` and the working directory.

use globset::{GlobBuilder, GlobMatcher};

use super::Invalid;

/// How many prefixes or patterns there may be, and bytes of each.
const COUNT_LIMIT: usize = 1000;
const TEXT_LIMIT: usize = 1024;

/// What a workspace says, as its attributes have it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files<'a> {
    pub file_triggers_enabled: bool,
    pub trigger_prefixes: &'a [String],
    pub trigger_patterns: &'a [String],
    pub working_directory: &'a str,
    pub tags_regex: &'a str,
}

/// The same, ready to be asked: made once for a workspace, not for each file.
#[derive(Clone, Debug)]
pub enum FileRule {
    /// Any change counts.
    Any,
    /// Below one of these folders, each with a slash in front and none at the end.
    Below(Vec<String>),
    Patterns(Vec<Pattern>),
}

#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    glob: GlobMatcher,
}

impl FileRule {
    /// # Errors
    /// [`Invalid`] for what contradicts itself or is no pattern.
    pub fn new(files: Files<'_>) -> Result<Self, Invalid> {
        let (prefixes, patterns) = (files.trigger_prefixes, files.trigger_patterns);
        check_texts("trigger-prefixes", prefixes)?;
        check_texts("trigger-patterns", patterns)?;
        if !files.tags_regex.is_empty() {
            let refuse = |what: &str| {
                Invalid::new("tags-regex", format!("cannot be set together with {what}"))
            };
            if files.file_triggers_enabled {
                return Err(refuse("file-triggers-enabled"));
            } else if !patterns.is_empty() {
                return Err(refuse("trigger-patterns"));
            } else if !prefixes.is_empty() {
                return Err(refuse("trigger-prefixes"));
            }
        }
        if !patterns.is_empty() && !prefixes.is_empty() {
            let detail = "cannot be set together with trigger-prefixes";
            return Err(Invalid::new("trigger-patterns", detail));
        }
        // Also where they do not act: they are kept, and act when file triggers are switched on.
        let patterns =
            patterns.iter().map(|text| Pattern::new(text)).collect::<Result<Vec<_>, _>>()?;
        if !files.file_triggers_enabled {
            return Ok(Self::Any);
        }
        if !patterns.is_empty() {
            return Ok(Self::Patterns(patterns));
        }
        let mut folders: Vec<String> = prefixes.iter().map(|text| rooted(text)).collect();
        let working_directory = rooted(files.working_directory);
        // The root itself beside prefixes would make them say nothing.
        if !working_directory.is_empty() {
            folders.push(working_directory);
        }
        if folders.is_empty() || folders.iter().any(String::is_empty) {
            return Ok(Self::Any);
        }
        Ok(Self::Below(folders))
    }

    /// The first path that counts, with the rule that it meets. Paths are relative to the repository's root.
    pub fn first_match<'a>(&self, paths: &'a [String]) -> Option<(&'a str, &str)> {
        paths.iter().find_map(|path| {
            let slashed;
            let from_root = if path.starts_with('/') {
                path
            } else {
                slashed = format!("/{path}");
                &slashed
            };
            self.rule_for(from_root).map(|rule| (path.as_str(), rule))
        })
    }

    fn rule_for(&self, path: &str) -> Option<&str> {
        match self {
            Self::Any => Some(""),
            Self::Below(folders) => {
                let is_in = |folder: &&String| {
                    path.strip_prefix(folder.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                };
                folders.iter().find(is_in).map(String::as_str)
            }
            Self::Patterns(patterns) => {
                let candidate = globset::Candidate::new(path);
                let met =
                    patterns.iter().find(|pattern| pattern.glob.is_match_candidate(&candidate));
                met.map(|pattern| pattern.text.as_str())
            }
        }
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, Invalid> {
        let refuse = |why: &dyn std::fmt::Display| {
            Invalid::new("trigger-patterns", format!("“{text}” is not a usable pattern: {why}"))
        };
        if text.is_empty() {
            return Err(refuse(&"it is empty"));
        }
        let slashed = if text.starts_with('/') || text.starts_with("**/") {
            text.to_owned()
        } else {
            format!("/{text}")
        };
        let glob = GlobBuilder::new(&slashed).literal_separator(true).build();
        let glob = glob.map_err(|error| refuse(error.kind()))?;
        Ok(Self { text: text.to_owned(), glob: glob.compile_matcher() })
    }
}

fn check_texts(attribute: &'static str, texts: &[String]) -> Result<(), Invalid> {
    if texts.len() > COUNT_LIMIT {
        return Err(Invalid::new(attribute, format!("has more than {COUNT_LIMIT} entries")));
    }
    match texts.iter().find(|text| text.len() > TEXT_LIMIT) {
        Some(_) => {
            Err(Invalid::new(attribute, format!("has an entry of more than {TEXT_LIMIT} bytes")))
        }
        None => Ok(()),
    }
}

/// With a slash in front and none at the end; empty for the root.
fn rooted(folder: &str) -> String {
    let parts = folder.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.fold(String::new(), |path, part| path + "/" + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn pattern_matches(pattern: &str, path: &str) -> bool {
        let rule = FileRule::new(Files {
            file_triggers_enabled: true,
            trigger_patterns: &texts(&[pattern]),
            ..Files::default()
        });
        rule.unwrap().first_match(&texts(&[path])).is_some()
    }

    /// The table of globs, row by row.
    const GLOBS: &[(&str, &str, bool)] = &[
        ("/**/*", "/main.tf", true),
        ("/**/*", "/.github/x.yml", true),
        ("/module/**/*", "/module/a.tf", true),
        ("/module/**/*", "/module/x/y/a.tf", true),
        ("/module/**/*", "/modules/a.tf", false),
        ("/module/**", "/module/a.tf", true),
        ("/module/**", "/module/x/y/a.tf", true),
        ("/**/networking/*", "/networking/a.tf", true),
        ("/**/networking/*", "/a/networking/b.tf", true),
        ("/**/networking/*", "/a/networking/c/b.tf", false),
        ("/**/networking/**/*", "/a/networking/c/b.tf", true),
        ("/**/networking/**/*", "/networking/b.tf", true),
        ("/**/*.tf", "/main.tf", true),
        ("/**.tf", "/a/b.tf", false),
        ("/**/*.tf", "/a/b/main.tf", true),
        ("/**/*.tf", "/a/main.tf.json", false),
        ("/submodule/*.???", "/submodule/a.txt", true),
        ("/submodule/*.???", "/submodule/a.tf", false),
        ("/submodule/*.???", "/submodule/x/a.txt", false),
        ("/base/*", "/base/.env", true),
        ("/base/*", "/base/x/a.tf", false),
        ("/base", "/base/a.tf", false),
        ("/base/", "/base/a.tf", false),
        ("/BASE/*", "/base/a.tf", false),
        ("/base/*.{tf,tfvars}", "/base/a.tfvars", true),
        ("/base/[!ab].tf", "/base/c.tf", true),
        ("/a**b/*.tf", "/ax/xb/x.tf", false),
        ("**/*.tf", "/a/b.tf", true),
        ("*.tf", "/main.tf", true),
        ("main.tf", "/main.tf", true),
    ];

    #[test]
    fn globs_match_as_the_table_says() {
        for &(pattern, path, expected) in GLOBS {
            assert_eq!(pattern_matches(pattern, path), expected, "{pattern} {path}");
            let bare = path.trim_start_matches('/');
            assert_eq!(pattern_matches(pattern, bare), expected, "{pattern} {bare}");
        }
    }

    #[test]
    fn dot_files_spaces_and_names_of_other_scripts_match() {
        for (pattern, path) in [
            ("/**/*.tf", "/mein modul/größe.tf"),
            ("/a/*.tf", "/a/ß.tf"),
            ("/**/*", "/--upload-pack=x"),
            ("/**/.terraform.lock.hcl", "/.terraform.lock.hcl"),
        ] {
            assert!(pattern_matches(pattern, path), "{pattern} {path}");
        }
    }

    fn below(prefixes: &[&str], working_directory: &str, path: &str) -> bool {
        let rule = FileRule::new(Files {
            file_triggers_enabled: true,
            trigger_prefixes: &texts(prefixes),
            working_directory,
            ..Files::default()
        });
        rule.unwrap().first_match(&texts(&[path])).is_some()
    }

    #[test]
    fn prefixes_are_folders_or_whole_names_whatever_their_slashes() {
        let rows: &[(&[&str], &str, &str, bool)] = &[
            (&["modules"], "", "modules/a.tf", true),
            (&["/modules/"], "", "modules/x/a.tf", true),
            (&["./modules"], "", "modules/a.tf", true),
            (&["/mod"], "", "modules/a.tf", false),
            (&["/modules/a.tf"], "", "modules/a.tf", true),
            (&["modules"], "", "other/a.tf", false),
            (&["modules"], "app", "app/a.tf", true),
            (&["modules"], "app", "modules/a.tf", true),
            (&["modules"], "app", "apps/a.tf", false),
            // The root as working directory beside prefixes adds nothing.
            (&["modules"], "/", "main.tf", false),
            (&["/"], "app", "main.tf", true),
            (&[], "app", "app/x/a.tf", true),
            (&[], "/app/", "app/a.tf", true),
            (&[], "app", "main.tf", false),
            (&[], "", "main.tf", true),
            (&[], "./", "main.tf", true),
        ];
        for &(prefixes, folder, path, expected) in rows {
            assert_eq!(below(prefixes, folder, path), expected, "{prefixes:?} {folder} {path}");
        }
    }

    #[test]
    fn patterns_are_asked_without_the_working_directory() {
        let rule = FileRule::new(Files {
            file_triggers_enabled: true,
            trigger_patterns: &texts(&["/modules/**/*"]),
            working_directory: "app",
            ..Files::default()
        })
        .unwrap();
        assert_eq!(rule.first_match(&texts(&["app/a.tf"])), None);
        assert_eq!(
            rule.first_match(&texts(&["app/a.tf", "modules/x/b.tf"])),
            Some(("modules/x/b.tf", "/modules/**/*"))
        );
    }

    #[test]
    fn switched_off_any_change_counts() {
        let rule = FileRule::new(Files {
            trigger_patterns: &texts(&["/x/*"]),
            working_directory: "app",
            ..Files::default()
        })
        .unwrap();
        assert!(rule.first_match(&texts(&["README.md"])).is_some());
    }

    #[test]
    fn what_contradicts_itself_is_refused_by_its_name() {
        let (some, none) = (texts(&["/x"]), Vec::new());
        let refused = |enabled, prefixes, patterns, tags_regex| {
            FileRule::new(Files {
                file_triggers_enabled: enabled,
                trigger_prefixes: prefixes,
                trigger_patterns: patterns,
                tags_regex,
                working_directory: "",
            })
            .map_err(|invalid| invalid.attribute)
            .err()
        };
        assert_eq!(refused(true, &some, &some, ""), Some("trigger-patterns"));
        assert_eq!(refused(true, &none, &none, "x"), Some("tags-regex"));
        assert_eq!(refused(false, &some, &none, "x"), Some("tags-regex"));
        assert_eq!(refused(false, &none, &some, "x"), Some("tags-regex"));
        assert_eq!(refused(false, &none, &none, "x"), None);
        assert_eq!(refused(true, &some, &none, ""), None);
        assert_eq!(refused(true, &none, &some, ""), None);
    }

    #[test]
    fn what_is_no_pattern_is_refused_even_while_switched_off() {
        let long = "x".repeat(2000);
        for wrong in ["[", "{a", "/x/[z-a]", "", &long] {
            for file_triggers_enabled in [true, false] {
                let trigger_patterns = &texts(&[wrong]);
                let files = Files { file_triggers_enabled, trigger_patterns, ..Files::default() };
                let refused = FileRule::new(files).map(|_| ()).unwrap_err();
                assert_eq!(refused.attribute, "trigger-patterns", "{wrong}");
            }
        }
        let many = vec!["/x".to_owned(); 1001];
        let files = Files { trigger_prefixes: &many, ..Files::default() };
        assert_eq!(FileRule::new(files).map(|_| ()).unwrap_err().attribute, "trigger-prefixes");
    }
}
