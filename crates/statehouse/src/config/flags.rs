//! The settings as command-line flags; `--help` is written from the catalogue.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::catalogue::{Kind, SETTINGS, Scope, Setting};

/// A command, as far as its settings go.
pub trait Takes: std::fmt::Debug + Clone + Default + Send + Sync + 'static {
    fn takes(scope: Scope) -> bool;
}

macro_rules! commands {
    ($($(#[$doc:meta])* $flags:ident $command:ident: $($scope:ident),+;)+) => {$(
        #[derive(Debug, Clone, Default)]
        pub struct $command;

        impl Takes for $command {
            fn takes(scope: Scope) -> bool {
                matches!(scope, $(Scope::$scope)|+)
            }
        }

        $(#[$doc])*
        pub type $flags = Flags<$command>;
    )+};
}
commands! {
    ServeFlags Serve: Every, Store, Serve, Reach, Releases, Work;
    /// Of the commands that only open the data.
    StoreFlags Store: Every, Store;
    /// Of `admin sync-versions`.
    ReleasesFlags Releases: Every, Store, Releases;
    /// Of `admin invite`.
    ReachFlags Reach: Every, Store, Reach;
    AgentFlags Agent: Every, Agent, Work;
}

/// What was given on the command line, by flag name.
#[derive(Debug, Clone, Default)]
pub struct Flags<C: Takes>(pub BTreeMap<String, Vec<String>>, PhantomData<C>);

impl<C: Takes> Flags<C> {
    fn settings() -> impl Iterator<Item = &'static Setting> {
        SETTINGS.iter().filter(|setting| C::takes(setting.scope))
    }
}

impl<C: Takes> Args for Flags<C> {
    fn augment_args(command: Command) -> Command {
        Self::settings().flat_map(arguments).fold(command, Command::arg)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<C: Takes> FromArgMatches for Flags<C> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let names = Self::settings().flat_map(arguments).map(|arg| arg.get_id().to_string());
        let given = names
            .filter_map(|name| {
                let values = matches.get_many::<String>(&name)?.cloned().collect();
                Some((name, values))
            })
            .collect();
        Ok(Self(given, PhantomData))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn arguments(setting: &'static Setting) -> Vec<Arg> {
    let name = setting.flag();
    let help = format!(
        "{}\n  default: {}\n  allowed: {}\n  env: {}",
        setting.about,
        setting.default,
        setting.allowed,
        setting.env()
    );
    let arg = Arg::new(name.clone()).long(name.clone()).help(setting.about).long_help(help);
    let arg = match setting.kind {
        Kind::Switch => arg
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_name("BOOL")
            .hide_possible_values(true),
        Kind::List => arg.action(ArgAction::Append).value_name(setting.value),
        Kind::Text | Kind::Secret => arg.action(ArgAction::Set).value_name(setting.value),
    };
    let mut args = vec![arg];
    if setting.kind == Kind::Secret {
        let file = format!("{name}-file");
        args.push(
            Arg::new(file.clone())
                .long(file)
                .value_name("FILE")
                .help(format!("A file that holds --{name}, which other processes could see."))
                .long_help(format!(
                    "A file that holds --{name}, which other processes could see.\n  env: {}_FILE",
                    setting.env()
                )),
        );
    }
    args
}
