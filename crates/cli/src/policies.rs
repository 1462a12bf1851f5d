//! Which policies are meant: notation, or names in a policy file.

use std::path::Path;

use tidegate::{Policy, PolicyFile};

use crate::args::{DEFAULT_POLICY, PolicyChoice};
use crate::failure::{Failure, Result};

/// The main policy and those to compare it with.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) main: Policy,
    pub(crate) what_if: Vec<Policy>,
}

/// Finds every policy before anything is read, so that a mistake in the last one costs no time.
pub(crate) fn choose(choice: &PolicyChoice, what_if: &[String]) -> Result<Chosen> {
    let file = choice.policy_file.as_deref().map(PolicyFile::load).transpose()?;
    let main = match (&file, &choice.policy_file) {
        (Some(file), Some(path)) => in_file(file, path, choice.tier.as_deref())?.clone(),
        _ => parse("--policy", choice.policy.as_deref().unwrap_or(DEFAULT_POLICY))?,
    };
    let what_if = what_if.iter().map(|text| named_or_parsed(file.as_ref(), text)).collect::<Result<_>>()?;
    Ok(Chosen { main, what_if })
}

/// The policy of that name in the file, or the only one.
fn in_file<'a>(file: &'a PolicyFile, path: &Path, tier: Option<&str>) -> Result<&'a Policy> {
    match (tier, file.policies()) {
        (Some(name), _) => Ok(file.require(name)?),
        (None, [only]) => Ok(only),
        (None, _) => {
            let names: Vec<_> = file.names().collect();
            let names = names.join("`, `");
            Err(Failure::new(format!(
                "{} has several policies: choose one with --tier (`{names}`)",
                path.display()
            )))
        }
    }
}

/// The policy of that name, or of that notation. What can only have been meant as a name is told
/// the names that there are.
fn named_or_parsed(file: Option<&PolicyFile>, text: &str) -> Result<Policy> {
    const OPTION: &str = "--what-if";
    match file.map(|file| file.require(text)) {
        Some(Ok(policy)) => Ok(policy.clone()),
        Some(Err(unknown)) if is_name(text) => Err(Failure::while_doing(OPTION)(unknown)),
        _ => parse(OPTION, text),
    }
}

/// Whether it is one word, which no notation is, and not the beginning of one: a quota.
fn is_name(text: &str) -> bool {
    let is_of_a_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.chars().all(is_of_a_word) && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn parse(option: &str, text: &str) -> Result<Policy> {
    text.parse().map_err(Failure::while_doing(option))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(policy: Option<&str>) -> PolicyChoice {
        PolicyChoice { policy: policy.map(str::to_owned), policy_file: None, tier: None }
    }

    #[test]
    fn without_a_word_it_is_the_default() {
        let chosen = choose(&choice(None), &[]).map(|chosen| chosen.main.to_string());
        assert_eq!(chosen.ok(), DEFAULT_POLICY.parse::<Policy>().ok().map(|p| p.to_string()));
    }

    #[test]
    fn a_mistake_says_which_option_made_it() {
        let message =
            |result: Result<Chosen>| result.err().map(|f| f.message().to_owned()).unwrap_or_default();
        assert!(message(choose(&choice(Some("100")), &[])).starts_with("--policy: "));
        assert!(message(choose(&choice(None), &["1/day".into(), "x".into()])).starts_with("--what-if: "));
    }
}
