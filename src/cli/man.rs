//! `wirestorm man`.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::error::ErrorKind;

use crate::error::{Error, Result};
use crate::report::file;

/// Print or write manual pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Man {
    /// Print one page: the whole program's (None) or a command's.
    Print(Option<String>),
    /// Write all pages into a directory.
    Write(PathBuf),
}

#[derive(Debug, Args)]
#[command(
    about = "Print a manual page, or write all of them",
    after_help = "\
Examples:
  wirestorm man | man -l -
  wirestorm man run | man -l -
  wirestorm man --dir /usr/local/share/man/man1"
)]
pub(super) struct TypedMan {
    /// Command whose page is printed; without it, the program's
    #[arg(value_name = "COMMAND")]
    command: Option<String>,

    /// Write all pages into this directory
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

impl TypedMan {
    pub(super) fn meaning(self) -> std::result::Result<Man, clap::Error> {
        match (self.dir, self.command) {
            (Some(dir), _) => Ok(Man::Write(dir)),
            (None, Some(name)) if super::definition().find_subcommand(&name).is_none() => {
                let names: Vec<String> = super::definition()
                    .get_subcommands()
                    .map(|c| c.get_name().to_owned())
                    .collect();
                let message = format!("no command '{name}'; there are {}", names.join(", "));
                Err(super::usage_error(ErrorKind::InvalidValue, &["man"], &message))
            }
            (None, command) => Ok(Man::Print(command)),
        }
    }
}

impl Man {
    /// Prints or writes the pages.
    ///
    /// # Errors
    /// Where a page cannot be written; it is named.
    pub fn execute(&self) -> Result<()> {
        match self {
            Self::Print(command) => {
                let wanted = match command {
                    None => "wirestorm".to_owned(),
                    Some(name) => format!("wirestorm-{name}"),
                };
                let pages = pages().map_err(|cause| Error::new("render", "the manual", cause))?;
                let page = pages.into_iter().find(|(name, _)| *name == wanted);
                let (_, text) =
                    page.ok_or_else(|| Error::new("print the page", &wanted, "no such command"))?;
                file::write(Path::new("-"), |out| out.write_all(&text))
            }
            Self::Write(dir) => {
                file::create_dir(dir)?;
                let pages = pages().map_err(|cause| Error::new("render", "the manual", cause))?;
                pages.iter().try_for_each(|(name, text)| {
                    file::write(&dir.join(format!("{name}.1")), |out| out.write_all(text))
                })
            }
        }
    }
}

/// Every page with its name: the program's, and one a command, `wirestorm-lab-up` among them.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    fn add(
        command: &clap::Command,
        name: &str,
        pages: &mut Vec<(String, Vec<u8>)>,
    ) -> io::Result<()> {
        let mut text = Vec::new();

        clap_mangen::Man::new(command.clone()).title(name).render(&mut text)?;
        pages.push((name.to_owned(), text));
        command
            .get_subcommands()
            .try_for_each(|sub| add(sub, &format!("{name}-{}", sub.get_name()), pages))
    }
    let mut pages = Vec::new();
    let mut root = super::definition();
    root.build();
    add(&root, "wirestorm", &mut pages)?;
    Ok(pages)
}
