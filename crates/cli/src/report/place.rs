//! Where a page goes: what stands at its path decides how it gets there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use same_file::Handle;

/// A place for a page.
#[derive(Debug)]
pub(super) enum Place {
    /// A regular file, or nothing yet; behind all links. The page takes it at once.
    File(PathBuf),
    /// A device or a pipe, which stays what it is: the page is written into it.
    Stream(PathBuf),
}

impl Place {
    /// The place at `path`.
    ///
    /// # Errors
    /// It is a folder, or in one that does not exist.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(other("it is a folder; name a file in it")),
            Ok(found) if found.is_file() => fs::canonicalize(path).map(Self::File),
            Ok(_) => Ok(Self::Stream(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => vacant(path).map(Self::File),
            Err(error) => Err(error),
        }
    }

    /// Whether it is that file too, under whatever name: taking the place would be the file's end.
    pub(super) fn is(&self, file: io::Result<Handle>) -> bool {
        let Self::File(path) = self else { return false };
        matches!((Handle::from_path(path), file), (Ok(own), Ok(file)) if own == file)
    }

    /// Puts the page there. A reader of a file never sees half of it: it is written beside its
    /// place and then takes it.
    pub(super) fn put(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::File(path) => replace(path, bytes),
            Self::Stream(path) => File::options().write(true).open(path)?.write_all(bytes),
        }
    }
}

/// The path that a new file takes, where links to nothing lead.
fn vacant(path: &Path) -> io::Result<PathBuf> {
    if let Ok(target) = fs::read_link(path) {
        return vacant(&folder(path).join(target));
    }
    if folder(path).is_dir() { Ok(path.to_owned()) } else { Err(other("the folder does not exist")) }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn other(what: &'static str) -> io::Error {
    io::Error::other(what)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tidegate-report-");
    // As for any new file the umask decides; the default for temporary files is too private.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
