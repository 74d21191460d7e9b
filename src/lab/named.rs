//! Labs that stay: their namespaces are mounted under /run/netns, where `ip netns exec NAME-tx`
//! finds them, and a record says which namespaces were made here. Only those are ever removed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Lab;
use crate::error::{Error, Result};
use crate::profile::model::{LabSpec, Topology};
use crate::sys::errno::words;
use crate::sys::mount;
use crate::sys::netns::Netns;

/// Longest name: `NAME-router` stays readable.
const NAME_BYTES: usize = 32;

/// A lab that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedLab {
    /// Its name.
    pub name: String,
    /// `router` or `b2b`.
    pub topology: String,
    /// Its namespaces.
    pub namespaces: Vec<NamedSpace>,
}

/// A namespace with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedSpace {
    /// `tx`, `router`, `rx`.
    pub role: String,
    /// Where it is mounted.
    pub path: PathBuf,
    /// Device number of the namespace file system.
    pub device: u64,
    /// The namespace's number.
    pub inode: u64,
}

impl NamedSpace {
    /// Whether the namespace that was made is still mounted there.
    pub fn is_there(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|is| is.dev() == self.device && is.ino() == self.inode)
    }
}

/// Where names and records are kept.
#[derive(Clone, Debug)]
pub struct Registry {
    netns: PathBuf,
    records: PathBuf,
}

impl Default for Registry {
    /// /run/netns, as `ip netns` has it, and /run/wirestorm/labs.
    fn default() -> Self {
        Self::new("/run/netns", "/run/wirestorm/labs")
    }
}

impl Registry {
    /// With folders of its own.
    pub fn new(netns: impl Into<PathBuf>, records: impl Into<PathBuf>) -> Self {
        Self { netns: netns.into(), records: records.into() }
    }

    /// Makes a lab that outlives this process.
    ///
    /// # Errors
    /// When the name is taken or not made of lower-case letters, digits and dashes, and as
    /// [`Lab::up`]. Nothing is left behind then.
    pub fn up(&self, name: &str, spec: &LabSpec, queues: u32) -> Result<NamedLab> {
        let failed = |cause: String| Error::new("make the lab", name, cause);
        check(name).map_err(|cause| {
            failed(cause).remedy("use lower-case letters, digits and dashes, at most 32")
        })?;
        let record = self.record(name);
        if record.exists() {
            return Err(failed("there is a lab of that name".into())
                .remedy(format!("wirestorm lab down {name}, or choose another name")));
        }
        let lab = Lab::up(spec, queues)?;
        let named = self.describe(name, &lab).map_err(|error| failed(words(&error)))?;
        for space in &named.namespaces {
            if space.path.exists() {
                let cause = format!("{} exists and is not wirestorm's", space.path.display());
                return Err(failed(cause).remedy("choose another name"));
            }
        }
        // The record comes first: whatever happens, `down` knows what to remove.
        self.write(&record, &named).map_err(|error| failed(words(&error)))?;
        for space in &named.namespaces {
            let Some(netns) = lab.netns(&space.role) else { continue };
            if let Err(error) = mount_on(netns, &space.path) {
                self.remove(&named);
                return Err(failed(format!("{}: {}", space.path.display(), words(&error)))
                    .remedy("run as root (sudo)"));
            }
        }
        Ok(named)
    }

    /// Removes a lab: its record and those of its namespaces that are still the ones that were
    /// made. Returns the paths that are someone else's by now, and were left alone.
    ///
    /// # Errors
    /// When there is no lab of that name, or a namespace can't be unmounted.
    pub fn down(&self, name: &str) -> Result<Vec<PathBuf>> {
        let failed = |cause: String| Error::new("remove the lab", name, cause);
        let known = self.list()?;
        let Some(named) = known.iter().find(|lab| lab.name == name) else {
            let names: Vec<_> = known.iter().map(|lab| lab.name.as_str()).collect();
            let all = if names.is_empty() { "none".into() } else { names.join(", ") };
            return Err(failed("no such lab".into()).remedy(format!("there are: {all}")));
        };
        for space in named.namespaces.iter().filter(|space| space.is_there()) {
            unmount(&space.path).map_err(|error| {
                failed(format!("{}: {}", space.path.display(), words(&error)))
                    .remedy("run as root (sudo)")
            })?;
        }
        fs::remove_file(self.record(name)).map_err(|error| failed(words(&error)))?;
        let left = named.namespaces.iter().map(|space| space.path.clone());
        Ok(left.filter(|path| path.exists()).collect())
    }

    /// All labs that stay, by name.
    ///
    /// # Errors
    /// When the records can't be read.
    pub fn list(&self) -> Result<Vec<NamedLab>> {
        let failed = |path: &Path, cause: String| {
            Error::new("read the record of labs", path.display().to_string(), cause)
        };
        let entries = match fs::read_dir(&self.records) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(&self.records, words(&error))),
        };
        let mut labs = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| failed(&self.records, words(&error)))?.path();
            if path.extension().is_some_and(|is| is == "json") {
                let text =
                    fs::read_to_string(&path).map_err(|error| failed(&path, words(&error)))?;
                let lab: NamedLab = serde_json::from_str(&text)
                    .map_err(|error| failed(&path, error.to_string()))?;
                labs.push(lab);
            }
        }
        labs.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(labs)
    }

    fn describe(&self, name: &str, lab: &Lab) -> io::Result<NamedLab> {
        let mut namespaces = Vec::new();
        for role in lab.roles() {
            let Some(netns) = lab.netns(role) else { continue };
            let is = File::from(netns.as_fd().try_clone_to_owned()?).metadata()?;
            namespaces.push(NamedSpace {
                role: (*role).to_owned(),
                path: self.netns.join(format!("{name}-{role}")),
                device: is.dev(),
                inode: is.ino(),
            });
        }
        let topology = match lab.spec().topology {
            Topology::Router => "router",
            Topology::BackToBack => "b2b",
        };
        Ok(NamedLab { name: name.to_owned(), topology: topology.to_owned(), namespaces })
    }

    fn write(&self, record: &Path, named: &NamedLab) -> io::Result<()> {
        fs::create_dir_all(&self.records)?;
        fs::create_dir_all(&self.netns)?;
        let file = OpenOptions::new().write(true).create_new(true).open(record)?;
        serde_json::to_writer_pretty(file, named).map_err(io::Error::from)
    }

    /// Takes back an `up` that failed half-way.
    fn remove(&self, named: &NamedLab) {
        for space in named.namespaces.iter().filter(|space| space.is_there()) {
            // The error that brought us here is the one to tell.
            let _ = unmount(&space.path);
        }
        let _ = fs::remove_file(self.record(&named.name));
    }

    fn record(&self, name: &str) -> PathBuf {
        self.records.join(format!("{name}.json"))
    }
}

fn mount_on(netns: &Netns, path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?;
    mount::bind_namespace(netns.as_fd(), path).inspect_err(|_| {
        // Made a moment ago, and empty.
        let _ = fs::remove_file(path);
    })
}

fn unmount(path: &Path) -> io::Result<()> {
    mount::detach(path)?;
    fs::remove_file(path)
}

fn check(name: &str) -> std::result::Result<(), String> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > NAME_BYTES || !name.chars().all(legal) {
        return Err("not a name for a lab".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_their_folder() {
        assert_eq!(check("lab-1"), Ok(()));
        for wrong in ["", "../x", "a/b", "a.b", "Lab", "a b", &"x".repeat(33)] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_folder_means_no_labs() {
        let registry = Registry::new("/nonexistent/netns", "/nonexistent/labs");
        assert_eq!(registry.list().unwrap(), []);
        assert_eq!(
            registry.down("x").unwrap_err().to_string(),
            "cannot remove the lab x: no such lab; there are: none"
        );
    }
}
