//! Whether there are colours, and which.

use clap::ValueEnum;
use git_opensession::agents::Environment;
use git_opensession::git::Config;
use git_opensession::view::{Palette, Role};

use super::is_on;

/// When output has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColourChoice {
    /// Even into a pipe.
    Always,
    /// On a terminal.
    Auto,
    /// Not at all.
    Never,
}

/// What git's configuration says of colours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColourConfig {
    /// `color.opensession`, else `color.ui`.
    pub when: Option<String>,
    /// `color.opensession.<role>`: a role's name and a style in git's words, `bold red`.
    pub styles: Vec<(String, String)>,
}

impl ColourChoice {
    /// The choice for a stream, by the first that says something: the flag, `NO_COLOR`
    /// (<https://no-color.org>), `CLICOLOR_FORCE`, the configuration; else `Auto`.
    pub fn resolve(flag: Option<Self>, environment: &Environment, config: &ColourConfig) -> Self {
        if let Some(flag) = flag {
            return flag;
        }
        if environment.variable("NO_COLOR").is_some() {
            return Self::Never;
        }
        if is_on(environment, "CLICOLOR_FORCE") {
            return Self::Always;
        }
        config.when.as_deref().map_or(Self::Auto, Self::from_config)
    }

    /// git's words: `always`, `never`, `auto`, or a boolean, where true means `auto` (git-config(1), color.ui).
    fn from_config(value: &str) -> Self {
        match value.to_ascii_lowercase().as_str() {
            "always" => Self::Always,
            "never" | "false" | "no" | "off" | "0" => Self::Never,
            _ => Self::Auto,
        }
    }

    /// Whether a stream has colours.
    ///
    /// git starts its pager for external commands, too (`git -p`, `pager.opensession`), and says so: stdout is a pipe
    /// then, but a terminal is at its end.
    pub fn is_on(self, is_terminal: bool, environment: &Environment) -> bool {
        let dumb = environment.variable("TERM").is_some_and(|term| term == "dumb");
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => (is_terminal || is_on(environment, "GIT_PAGER_IN_USE")) && !dumb,
        }
    }
}

impl ColourConfig {
    /// What the configuration says.
    pub fn read(config: &Config) -> Self {
        const STYLES: &str = "color.opensession.";
        let when = config.get("color.opensession").or_else(|| config.get("color.ui"));
        let styles = config.with_prefix(STYLES).filter_map(|entry| {
            let role = entry.key.strip_prefix(STYLES)?;
            Some((role.to_owned(), entry.value.clone()?))
        });
        Self { when: when.map(str::to_owned), styles: styles.collect() }
    }

    /// The palette of a stream that has colours. A style that is none in git's words is left out.
    pub fn palette(&self) -> Palette {
        let mut palette = Palette::coloured();
        for (name, style) in &self.styles {
            let role = Role::ALL.into_iter().find(|role| role.name().eq_ignore_ascii_case(name));
            if let (Some(role), Ok(style)) = (role, anstyle_git::parse(style)) {
                palette.set(role, style);
            }
        }
        palette
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Environment { home: None, variables }
    }

    fn config(when: &str) -> ColourConfig {
        ColourConfig { when: Some(when.to_owned()), styles: Vec::new() }
    }

    #[test]
    fn the_first_that_says_something_decides() {
        use ColourChoice::{Always, Auto, Never};
        let resolve = ColourChoice::resolve;
        let all = environment(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]);
        assert_eq!(resolve(Some(Always), &all, &config("never")), Always);
        assert_eq!(resolve(None, &all, &config("always")), Never);
        assert_eq!(resolve(None, &environment(&[("CLICOLOR_FORCE", "1")]), &config("never")), Always);
        assert_eq!(resolve(None, &environment(&[("CLICOLOR_FORCE", "0")]), &config("never")), Never);
        assert_eq!(resolve(None, &environment(&[("NO_COLOR", "")]), &config("always")), Always);
        assert_eq!(resolve(None, &environment(&[]), &config("true")), Auto);
        assert_eq!(resolve(None, &environment(&[]), &config("False")), Never);
        assert_eq!(resolve(None, &environment(&[]), &ColourConfig::default()), Auto);
    }

    #[test]
    fn behind_gits_pager_colours_stay() {
        let auto = ColourChoice::Auto;
        assert!(auto.is_on(true, &environment(&[])));
        assert!(!auto.is_on(false, &environment(&[])));
        assert!(auto.is_on(false, &environment(&[("GIT_PAGER_IN_USE", "true")])));
        assert!(!auto.is_on(false, &environment(&[("GIT_PAGER_IN_USE", "false")])));
        assert!(!auto.is_on(true, &environment(&[("TERM", "dumb")])));
        assert!(ColourChoice::Always.is_on(false, &environment(&[("TERM", "dumb")])));
    }

    #[test]
    fn our_own_key_comes_before_that_of_git() {
        let listing = b"global\0color.ui\nalways\0local\0color.opensession\nfalse\0local\0color.opensession.id\nul\0";
        let config = ColourConfig::read(&Config::from_listing(listing).expect("a listing"));
        assert_eq!(config.when.as_deref(), Some("false"));
        assert_eq!(config.styles, [("id".to_owned(), "ul".to_owned())]);
        let config = ColourConfig::read(&Config::from_listing(b"global\0color.ui\nalways\0").expect("a listing"));
        assert_eq!(config.when.as_deref(), Some("always"));
    }

    #[test]
    fn a_role_takes_the_style_of_the_configuration() {
        let styles = vec![("Prompt".into(), "bold blue".into()), ("text".into(), "no such".into())];
        let palette = ColourConfig { when: None, styles }.palette();
        assert_eq!(palette.style(Role::Prompt), anstyle::AnsiColor::Blue.on_default().bold());
        assert_eq!(palette.style(Role::Text), Palette::coloured().style(Role::Text));
    }
}
