//! The options of `modify`. Each may be there several times, some with several arguments: a shape that
//! has to be read by hand.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};
use idspool_ox::admin::mapping::{Alternatives, Edits, Set};

const SET: &str = "set";
const UNSET: &str = "unset";
const SET_ALTERNATIVES: &str = "set-alternatives";
const UNSET_ALTERNATIVES: &str = "unset-alternatives";

/// The edits that the options say.
#[derive(Debug)]
pub(super) struct EditArguments(pub(super) Edits);

impl Args for EditArguments {
    fn augment_args(command: Command) -> Command {
        let option = |name| Arg::new(name).long(name).action(ArgAction::Append);
        command
            .arg(
                option(SET).num_args(2).value_names(["OX", "UDM"]).help(
                    "Fill the OX property from this UDM property; repeatable, as all of these",
                ),
            )
            .arg(option(UNSET).value_name("OX").help("Synchronise the OX property no longer"))
            .arg(
                option(SET_ALTERNATIVES)
                    .visible_alias("set_alternatives")
                    .num_args(2..)
                    .value_names(["OX", "UDM"])
                    .help("Try these UDM properties in order when the first one has no value"),
            )
            .arg(
                option(UNSET_ALTERNATIVES)
                    .visible_alias("unset_alternatives")
                    .value_name("OX")
                    .help("Try no other UDM properties"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for EditArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let set = occurrences(matches, SET).into_iter().filter_map(|values| {
            let [property, source] = values.try_into().ok()?;
            Some(Set { property, source })
        });
        let alternatives =
            occurrences(matches, SET_ALTERNATIVES).into_iter().filter_map(|values| {
                let mut values = values.into_iter();
                Some(Alternatives { property: values.next()?, sources: values.collect() })
            });
        Ok(Self(Edits {
            set: set.collect(),
            unset: occurrences(matches, UNSET).concat(),
            set_alternatives: alternatives.collect(),
            unset_alternatives: occurrences(matches, UNSET_ALTERNATIVES).concat(),
        }))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The arguments of each time that an option is there.
fn occurrences(matches: &ArgMatches, option: &str) -> Vec<Vec<String>> {
    let occurrences = matches.get_occurrences::<String>(option).into_iter().flatten();
    occurrences.map(|values| values.cloned().collect()).collect()
}
