//! The file of a segment: found or made, and known to be one that may be used. Knows its bytes,
//! not what they say.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, MemfdFlags, Mode, OFlags, SealFlags};
use rustix::io::Errno;

use crate::error::SegmentFault;

type Result<T> = std::result::Result<T, SegmentFault>;

impl From<std::io::Error> for SegmentFault {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Errno> for SegmentFault {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

const OWNER_ONLY: Mode = Mode::RUSR.union(Mode::WUSR);

/// Opens the file if there is one, without following a link or changing anything.
pub(super) fn open(path: &Path, flags: OFlags) -> Result<Option<File>> {
    // Without waiting: the path may be a pipe's.
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => may_be_used(File::from(file)).map(Some),
        Err(Errno::NOENT) => Ok(None),
        Err(Errno::LOOP) => Err(SegmentFault::Symlink),
        Err(Errno::ISDIR | Errno::NXIO | Errno::NODEV) => Err(SegmentFault::NotAFile),
        Err(error) => Err(error.into()),
    }
}

/// A regular file of this user, to which nobody else may write.
fn may_be_used(file: File) -> Result<File> {
    let found = file.metadata()?;
    let ours = rustix::process::geteuid().as_raw();
    if FileType::from_raw_mode(found.mode()) != FileType::RegularFile {
        return Err(SegmentFault::NotAFile);
    }
    if found.uid() != ours {
        return Err(SegmentFault::Owner { uid: found.uid(), ours });
    }
    let others_may_write = Mode::WGRP.union(Mode::WOTH);
    if Mode::from_raw_mode(found.mode()).intersects(others_may_write) {
        return Err(SegmentFault::Mode { mode: found.mode() & 0o777 });
    }
    Ok(file)
}

/// Puts a new file of `len` bytes at the path, whole from the first moment on: it begins with
/// `head` and is empty behind. `false` if something is there by now.
pub(super) fn create(path: &Path, head: &[u8], len: u64) -> Result<bool> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = parent.unwrap_or(Path::new("."));
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(folder, flags | OFlags::TMPFILE, OWNER_ONLY) {
        Ok(file) => {
            let file = File::from(file);
            fill(&file, head, len)?;
            // A file without a name is given one; that fails if the name is in use.
            linked(rustix::fs::linkat(CWD, own_name(&file), CWD, path, AtFlags::SYMLINK_FOLLOW))
        }
        // Not every file system has files without a name.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => create_named(path, head, len),
        Err(error) => Err(error.into()),
    }
}

/// The same by way of a file with another name.
fn create_named(path: &Path, head: &[u8], len: u64) -> Result<bool> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let _ = rustix::fs::unlink(name.as_os_str());
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
    let file = File::from(rustix::fs::open(name.as_os_str(), flags, OWNER_ONLY)?);
    let filled = fill(&file, head, len);
    let linked = filled.and_then(|()| linked(rustix::fs::link(name.as_os_str(), path)));
    let _ = rustix::fs::unlink(name.as_os_str());
    linked
}

fn linked(linked: rustix::io::Result<()>) -> Result<bool> {
    match linked {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A file that only this process and those forked from it have, of `len` bytes that begin with
/// `head`. Nobody can cut it short.
pub(super) fn anonymous(head: &[u8], len: u64) -> Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = File::from(rustix::fs::memfd_create("tidegate", flags)?);
    fill(&file, head, len)?;
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW)?;
    Ok(file)
}

fn fill(file: &File, head: &[u8], len: u64) -> Result<()> {
    has_room(file, len)?;
    file.set_len(len).map_err(|error| no_space(error, len))?;
    file.write_all_at(head, 0).map_err(|error| no_space(error, len))?;
    // On a disk the header is there before the name is.
    file.sync_all().map_err(|error| no_space(error, len))
}

/// Whether the table could grow to its full size. It takes room only as keys come, but if that ran
/// out in the midst of it, checks would fail.
fn has_room(file: &File, needed: u64) -> Result<()> {
    let found = rustix::fs::fstatvfs(file)?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    // A file system without a size of its own says that it has none.
    if found.f_blocks != 0 && free < needed { Err(SegmentFault::NoSpace { free, needed }) } else { Ok(()) }
}

fn no_space(error: std::io::Error, needed: u64) -> SegmentFault {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            SegmentFault::NoSpace { free: 0, needed }
        }
        _ => error.into(),
    }
}

/// Another description of an open file.
pub(super) fn reopen(file: &File) -> Result<File> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    Ok(rustix::fs::open(own_name(file), flags, Mode::empty())?.into())
}

fn own_name(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}
