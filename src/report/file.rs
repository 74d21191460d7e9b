//! Where outputs go: a file that is whole or not there at all, or standard output.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Writes a file by `write`: to a temporary file beside it, which then takes its name, so that no
/// reader ever sees half a report and a full disk leaves the old file whole. `-` is standard
/// output; devices and pipes are written to directly, for renaming would replace them.
///
/// # Errors
/// Whatever the kernel says, with the path.
pub fn write(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    if path == Path::new("-") {
        let mut out = io::stdout().lock();
        return write(&mut out)
            .and_then(|()| out.flush())
            .map_err(|cause| Error::new("write", "standard output", cause));
    }
    let outcome = match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(found) if !found.is_file() => write_special(path, write),
        // The file that a symbolic link leads to is replaced, not the link.
        Ok(found) => fs::canonicalize(path)
            .and_then(|target| replace(&target, Some(found.permissions()), write)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => replace(path, None, write),
        Err(cause) => Err(cause),
    };
    outcome.map_err(|cause| error(path, &cause))
}

/// Makes a directory for outputs, with its parents.
///
/// # Errors
/// Whatever the kernel says, with the path.
pub fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|cause| dir_error(path, &cause))
}

/// Whether a file can be written, as far as that shows beforehand: so that a long run is not made
/// for an output that has no place to go. Leaves nothing.
///
/// # Errors
/// As [`write`] will meet them, but for a disk that fills up.
pub fn check(path: &Path) -> Result<()> {
    if path == Path::new("-") {
        return Ok(());
    }
    let outcome = match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        // Opening a pipe would wait for its reader.
        Ok(found) if !found.is_file() => Ok(()),
        Ok(_) => fs::canonicalize(path).and_then(|target| try_beside(&target)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => try_beside(path),
        Err(cause) => Err(cause),
    };
    outcome.map_err(|cause| error(path, &cause))
}

/// Whether a directory for outputs is there or can be made, and takes files. Leaves nothing.
///
/// # Errors
/// As [`create_dir`], and [`write`] in it, will meet them.
pub fn check_dir(path: &Path) -> Result<()> {
    let mut ancestors = path.ancestors();
    let outcome = loop {
        let Some(ancestor) = ancestors.next() else { break Ok(()) };
        let ancestor = if ancestor.as_os_str().is_empty() { Path::new(".") } else { ancestor };
        match fs::metadata(ancestor) {
            Ok(found) if found.is_dir() => break try_beside(&ancestor.join("output")),
            Ok(_) => break Err(io::Error::from(io::ErrorKind::NotADirectory)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => break Err(cause),
        }
    };
    outcome.map_err(|cause| dir_error(path, &cause))
}

/// Makes the temporary file of an output, and removes it.
fn try_beside(target: &Path) -> io::Result<()> {
    let path = temporary_name(target)?;
    File::create_new(&path)?;
    fs::remove_file(&path)
}

/// A device, a pipe or a socket.
fn write_special(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::new(OpenOptions::new().write(true).open(path)?);
    write(&mut out)?;
    out.flush()
}

/// The temporary file of an output; gone when dropped before it took the output's name.
struct Temporary {
    path: PathBuf,
    kept: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing more can be done, and the error that led here is the one to be told.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn temporary_name(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.tmp", std::process::id()));
    Ok(target.with_file_name(hidden))
}

fn replace(
    target: &Path,
    permissions: Option<fs::Permissions>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let path = temporary_name(target)?;
    let file = File::create_new(&path)?;
    let mut temporary = Temporary { path, kept: false };
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    // Some file systems tell of a full disk only here.
    file.sync_all()?;
    fs::rename(&temporary.path, target)?;
    temporary.kept = true;
    Ok(())
}

fn error(path: &Path, cause: &io::Error) -> Error {
    with_remedy(Error::new("write", path.display().to_string(), cause), cause)
}

fn dir_error(path: &Path, cause: &io::Error) -> Error {
    let subject = path.display().to_string();
    match cause.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            Error::new("write into the directory", subject, "it is, or lies under, a file")
                .remedy("name a directory; it is made if it is not there")
        }
        _ => with_remedy(Error::new("write into the directory", subject, cause), cause),
    }
}

fn with_remedy(error: Error, cause: &io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            error.remedy("free space, or write to another file system")
        }
        io::ErrorKind::NotFound => error.remedy("make its directory first"),
        io::ErrorKind::IsADirectory => error.remedy("name a file"),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            error.remedy("name a place that you may write to")
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .expect("the directory is readable")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_no_temporary_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("result.json");
        write(&path, |out| out.write_all(b"old")).expect("is written");
        let error = write(&path, |out| {
            out.write_all(b"half of the new")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        })
        .expect_err("the disk is full");
        assert!(error.to_string().contains("result.json"), "{error}");
        assert!(error.to_string().contains("free space"), "{error}");
        assert_eq!(fs::read(&path).expect("is there"), b"old");
        assert_eq!(names(dir.path()), ["result.json"]);
    }

    #[test]
    fn a_full_device_is_an_error_that_names_it_and_stays_a_device() {
        let error = write(Path::new("/dev/full"), |out| out.write_all(b"x")).expect_err("is full");
        assert_eq!(
            error.to_string(),
            "cannot write /dev/full: No space left on device (os error 28); \
             free space, or write to another file system"
        );
        assert!(!fs::metadata("/dev/full").expect("is there").is_file());
    }

    #[test]
    fn places_that_cannot_be_written_are_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let missing = dir.path().join("missing/result.json");
        let error = write(&missing, |_| Ok(())).expect_err("has no directory");
        assert!(error.to_string().contains("missing/result.json"), "{error}");
        assert!(error.to_string().contains("make its directory first"), "{error}");
        let error = write(dir.path(), |_| Ok(())).expect_err("is a directory");
        assert!(error.to_string().contains("name a file"), "{error}");
        fs::write(dir.path().join("file"), "").expect("is written");
        let error = create_dir(&dir.path().join("file/below")).expect_err("is no directory");
        assert!(error.to_string().contains("file/below"), "{error}");
    }

    #[test]
    fn links_and_permissions_stay() {
        let dir = tempfile::tempdir().expect("a directory");
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "old").expect("is written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("is ours");
        symlink("file", &link).expect("is linked");
        write(&link, |out| out.write_all(b"new")).expect("is written");
        assert!(fs::symlink_metadata(&link).expect("is there").is_symlink());
        assert_eq!(fs::read(&file).expect("is there"), b"new");
        let mode = fs::metadata(&file).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
}
