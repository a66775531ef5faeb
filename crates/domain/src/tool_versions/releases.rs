//! Whose releases there are, and where: the projects' own addresses, or a mirror of them.

use db::entity::tool_version::{Archive, Kind};

use super::catalogue::{ARCH, OS};

/// Where official releases are. Addresses have no slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// Has `index.json`, and the files of each version in a folder `1.2.3`.
    pub terraform: String,
    /// The list of OpenTofu's versions.
    pub tofu_index: String,
    /// Has the files of each version of OpenTofu in a folder `v1.2.3`.
    pub tofu: String,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            terraform: "https://releases.hashicorp.com/terraform".into(),
            tofu_index: "https://get.opentofu.org/tofu/api.json".into(),
            tofu: "https://github.com/opentofu/opentofu/releases/download".into(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Project {
    Terraform,
    OpenTofu,
}

impl Project {
    pub const ALL: [Self; 2] = [Self::Terraform, Self::OpenTofu];

    pub const fn kind(self) -> Kind {
        match self {
            Self::Terraform => Kind::Terraform,
            Self::OpenTofu => Kind::Tofu,
        }
    }

    pub const fn title(self) -> &'static str {
        match self {
            Self::Terraform => "Terraform",
            Self::OpenTofu => "OpenTofu",
        }
    }

    /// As the binary is called, and so its archives.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Terraform => "terraform",
            Self::OpenTofu => "tofu",
        }
    }

    pub fn index(self, sources: &Sources) -> String {
        match self {
            Self::Terraform => format!("{}/index.json", sources.terraform),
            Self::OpenTofu => sources.tofu_index.clone(),
        }
    }

    /// The address of a file of a release.
    pub fn address(self, sources: &Sources, version: &str, file: &str) -> String {
        match self {
            Self::Terraform => format!("{}/{version}/{file}", sources.terraform),
            Self::OpenTofu => format!("{}/v{version}/{file}", sources.tofu),
        }
    }
}

/// What agents run on, in the words of the releases. The first is the one that every release must have.
pub(super) const PLATFORMS: [Platform; 2] = [(OS, ARCH), (OS, "arm64")];

pub(super) type Platform = (&'static str, &'static str);

/// The checksum of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    pub platform: Platform,
    /// SHA-256 in lower-case hex.
    pub sha: String,
}

/// A version with the archives that count here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Release {
    pub project: Project,
    pub version: String,
    pub sums: Vec<Sum>,
}

impl Release {
    pub fn archives(&self, sources: &Sources) -> Vec<Archive> {
        let archive = |sum: &Sum| {
            let file = archive_name(self.project, &self.version, sum.platform);
            Archive {
                url: self.project.address(sources, &self.version, &file),
                sha: sum.sha.clone(),
                os: sum.platform.0.into(),
                arch: sum.platform.1.into(),
            }
        };
        self.sums.iter().map(archive).collect()
    }
}

pub(super) fn archive_name(project: Project, version: &str, (os, arch): Platform) -> String {
    format!("{}_{version}_{os}_{arch}.zip", project.program())
}

/// `None` for what is no checksum.
pub(super) fn checksum(text: &str) -> Option<String> {
    let is_one = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then(|| text.to_ascii_lowercase())
}
