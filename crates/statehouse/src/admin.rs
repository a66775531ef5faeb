//! `statehouse admin`: people and tokens, from the server's own machine, whether or not a server runs.

use std::io::Read;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use courier::Courier;
use domain::{
    Ctx, Granted, Paging, Site,
    accounts::{self, ExposeSecret, NewUser},
    can, memberships,
    organizations::{self, Change},
    row::User,
    teams,
    tool_versions::{self, Sources},
};
use secrecy::SecretString;

use crate::config::{self, AllWrong, ReachFlags, ReleasesFlags, Store, StoreFlags};
use crate::open::{self, Absent};

#[derive(Debug, Args)]
pub struct Admin {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a user.
    CreateUser {
        /// Their name at sign-in.
        username: String,
        /// Their address; what is sent to people goes there.
        #[arg(long)]
        email: String,
        /// May manage the whole site.
        #[arg(long)]
        site_admin: bool,
        /// Read a password from standard input; without one the user only has tokens.
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        store: StoreFlags,
    },
    /// Create an organization, and make a user its owner.
    CreateOrganization {
        /// Its name, as it stands in `cloud` blocks.
        name: String,
        /// The username of its owner, who can then invite others.
        #[arg(long)]
        owner: String,
        /// Whom to reach about it; the owner's address if absent.
        #[arg(long)]
        email: Option<String>,
        #[command(flatten)]
        store: StoreFlags,
    },
    /// Invite somebody, who chooses a name and a password at the address that is sent or, without mail, printed once.
    Invite {
        /// The address of whoever is invited.
        email: String,
        /// The organization that they join; without one they get an account alone.
        #[arg(long)]
        organization: Option<String>,
        /// A team of the organization that they join; repeat it for several.
        #[arg(long, requires = "organization")]
        team: Vec<String>,
        #[command(flatten)]
        reach: ReachFlags,
    },
    /// Set a new password, read from standard input, and end the user's sessions.
    ResetPassword {
        /// Whose.
        username: String,
        #[command(flatten)]
        store: StoreFlags,
    },
    /// Print a new API token of a user, once.
    MintToken {
        /// Who then acts by it.
        username: String,
        /// What it is for, as their list of tokens shows it.
        #[arg(long)]
        description: Option<String>,
        #[command(flatten)]
        store: StoreFlags,
    },
    /// List all users.
    ListUsers {
        #[command(flatten)]
        store: StoreFlags,
    },
    /// Read the lists of Terraform's and OpenTofu's releases, and let workspaces use them.
    SyncVersions {
        /// Ask nobody: take the releases that this binary knows.
        #[arg(long)]
        built_in: bool,
        #[command(flatten)]
        releases: ReleasesFlags,
    },
}

impl Command {
    fn settings(&self) -> Result<(Store, domain::Settings), AllWrong> {
        match self {
            Self::CreateUser { store, .. }
            | Self::CreateOrganization { store, .. }
            | Self::ResetPassword { store, .. }
            | Self::MintToken { store, .. }
            | Self::ListUsers { store } => Ok((Store::load(store)?, offline())),
            Self::Invite { reach, .. } => {
                let (store, reach) = config::load_reach(reach)?;
                let url = reach.public_url_beside(&store.data_dir);
                let public_url = url.as_str().trim_end_matches('/').to_owned();
                Ok((store, domain::Settings { public_url, ..offline() }))
            }
            Self::SyncVersions { releases, .. } => {
                let (store, releases) = config::load_releases(releases)?;
                Ok((store, domain::Settings { releases, ..offline() }))
            }
        }
    }
}

pub fn run(admin: Admin) -> Result<()> {
    let (store, rules) = admin.command.settings()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let courier = Courier::new(courier::Settings::default())?;
        let app = open::open(&store, rules, courier, Absent::Refuse).await?;
        let cx = app.system("statehouse admin");
        let site = cx.check::<can::ManageSite, _>(Site::found())?;
        let outcome = execute(admin.command, &cx, &site).await;
        app.close().await;
        outcome
    })
}

/// Nobody runs anything here, so these only have to be there.
pub fn offline() -> domain::Settings {
    domain::Settings {
        public_url: String::new(),
        concurrency: 0,
        force_cancel_after: 0,
        releases: Sources::default(),
        version_sync: false,
        trusted_proxies: Vec::new(),
        site: domain::site_settings::Given::default(),
        policy_concurrency: 1,
        run_task_silence: std::time::Duration::ZERO,
        policy_program: None,
        git: domain::GitMeans::default(),
    }
}

async fn execute(command: Command, cx: &Ctx, site: &Granted<can::ManageSite>) -> Result<()> {
    match command {
        Command::CreateUser { username, email, site_admin, password_stdin, .. } => {
            let password = if password_stdin { Some(secret_from_stdin()?) } else { None };
            let new = NewUser { username, email, password, is_site_admin: site_admin };
            let user = accounts::create_user(cx, site, new).await?;
            println!("{} {}", user.id, user.username);
        }
        Command::CreateOrganization { name, owner, email, .. } => {
            let owner = named(cx, &owner).await?;
            let change =
                Change { name: Some(name), email: email.or(owner.email), ..Change::default() };
            let made = organizations::create_for(cx, site, owner.id, change).await?;
            println!("{} {}", made.id, made.name);
        }
        Command::Invite { email, organization, team, .. } => {
            match invite(cx, site, &email, organization.as_deref(), team).await? {
                Some(link) => println!("{}", link.expose_secret()),
                None => println!("The invitation leaves by mail."),
            }
        }
        Command::ResetPassword { username, .. } => {
            let user = named(cx, &username).await?;
            accounts::reset_password(cx, site, &user.id, secret_from_stdin()?).await?;
            println!("{} {}", user.id, user.username);
        }
        Command::MintToken { username, description, .. } => {
            let user = named(cx, &username).await?;
            let minted = accounts::mint_user_token(cx, site, &user.id, description).await?;
            println!("{}", minted.secret.expose());
        }
        Command::ListUsers { .. } => {
            for user in accounts::list_users(cx, site).await? {
                let role = if user.is_site_admin { "site admin" } else { "user" };
                println!(
                    "{}\t{}\t{}\t{role}",
                    user.id,
                    user.username,
                    user.email.unwrap_or_default()
                );
            }
        }
        Command::SyncVersions { built_in, .. } => sync_versions(cx, site, built_in).await?,
    }
    Ok(())
}

/// Gives the address that accepts, where no mail is set up on the site.
async fn invite(
    cx: &Ctx,
    site: &Granted<can::ManageSite>,
    email: &str,
    organization: Option<&str>,
    names: Vec<String>,
) -> Result<Option<SecretString>> {
    let Some(organization) = organization else {
        return Ok(accounts::invite_to_site(cx, site, email).await?.1);
    };
    let found = organizations::find(cx, organization).await;
    let found = found.with_context(|| format!("there is no organization {organization}"))?;
    let organization = cx.check::<can::ManageMembership, _>(found)?;
    let mut ids = Vec::new();
    if !names.is_empty() {
        let found = organizations::find(cx, &organization.name).await?;
        let readable = cx.check::<can::ReadOrganization, _>(found)?;
        let filter = teams::Filter { names: Some(names.clone()), ..teams::Filter::default() };
        let all = Paging { number: 1, size: names.len() as u64 };
        let teams = teams::list(cx, &readable, filter, all).await?.items;
        for name in names {
            match teams.iter().find(|team| team.name.eq_ignore_ascii_case(&name)) {
                Some(team) => ids.push(team.id.clone()),
                None => bail!("there is no team {name} in {}", organization.name),
            }
        }
    }
    Ok(memberships::invite(cx, &organization, email, &ids).await?.link)
}

/// What could be read is kept, whatever else could not.
async fn sync_versions(cx: &Ctx, site: &Granted<can::ManageSite>, built_in: bool) -> Result<()> {
    let outcome = if built_in {
        tool_versions::take_built_in(cx, site).await?
    } else {
        tool_versions::synchronise(cx, site).await?
    };
    for (word, versions) in [("added", &outcome.added), ("changed", &outcome.changed)] {
        for version in versions {
            println!("{word} {version}");
        }
    }
    if outcome.problems.is_empty() {
        return Ok(());
    }
    bail!("not everything could be read:\n{}", outcome.problems.join("\n"))
}

async fn named(cx: &Ctx, username: &str) -> Result<User> {
    match accounts::find_by_name(cx, username).await? {
        Some(user) => Ok(user),
        None => bail!("there is no user {username}"),
    }
}

fn secret_from_stdin() -> Result<SecretString> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("reading the password")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}
