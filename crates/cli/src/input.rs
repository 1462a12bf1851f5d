//! Where lines come from: files and the standard input, plain or gzip, however long the lines.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, IsTerminal, Read};
use std::path::{Path, PathBuf};

use same_file::Handle;

use crate::failure::{Failure, Result};
use crate::gzip::{GZIP, Gzip, Leftover};
use crate::log::MAX_LINE_BYTES;
use crate::progress::Progress;

const BUFFER_BYTES: usize = 1 << 18;

/// What some programs put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A log to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Stdin,
    File(PathBuf),
}

impl Source {
    /// The sources that the arguments name.
    pub(crate) fn all(paths: &[PathBuf]) -> Vec<Self> {
        let source =
            |path: &PathBuf| if path == Path::new("-") { Self::Stdin } else { Self::File(path.clone()) };
        if paths.is_empty() { vec![Self::Stdin] } else { paths.iter().map(source).collect() }
    }

    /// Its size in bytes, if it is known beforehand. A file that cannot be read fails here, before
    /// an hour has gone into the files in front of it.
    pub(crate) fn size(&self) -> Result<Option<u64>> {
        let Self::File(path) = self else {
            if io::stdin().is_terminal() {
                eprintln!("reading log lines from the terminal; end with Ctrl-D");
            }
            return Ok(None);
        };
        let metadata = fs::metadata(path).map_err(self.cannot_read())?;
        if metadata.is_dir() {
            return Err(self.cannot_read()(io::ErrorKind::IsADirectory.into()));
        }
        if !metadata.is_file() {
            // Whoever writes into a pipe would take a first look for its only reader, and end.
            return Ok(None);
        }
        File::open(path).map_err(self.cannot_read())?;
        Ok(Some(metadata.len()))
    }

    /// Which file it is. Other files than regular ones are not opened for that: whoever is at the
    /// other end of a pipe would notice.
    pub(crate) fn handle(&self) -> io::Result<Handle> {
        match self {
            Self::Stdin => Handle::stdin(),
            Self::File(path) if path.is_file() => Handle::from_path(path),
            Self::File(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Opens it, and unpacks it if it starts as gzip does.
    pub(crate) fn open(&self, progress: &Progress) -> Result<Lines> {
        let raw: Box<dyn Read> = match self {
            Self::Stdin => Box::new(io::stdin().lock()),
            Self::File(path) => Box::new(File::open(path).map_err(self.cannot_read())?),
        };
        Lines::of(progress.reading(raw)).map_err(self.cannot_read())
    }

    /// For `map_err`.
    pub(crate) fn cannot_read(&self) -> impl FnOnce(io::Error) -> Failure {
        Failure::while_doing(format!("cannot read {self}"))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("<stdin>"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// What `raw` holds, unpacked if that is gzip.
fn unpacked(mut raw: impl Read + 'static, leftover: &Leftover) -> io::Result<Box<dyn BufRead>> {
    let mut magic = Vec::new();
    raw.by_ref().take(GZIP.len() as u64).read_to_end(&mut magic)?;
    if magic == GZIP {
        let packed = BufReader::with_capacity(BUFFER_BYTES, raw);
        let gzip = Gzip::behind_magic(packed, leftover.clone());
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, gzip)));
    }
    Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, Cursor::new(magic).chain(raw))))
}

/// The same text without a mark before it, which is no part of the first line.
fn without_mark(mut text: Box<dyn BufRead>) -> io::Result<Box<dyn BufRead>> {
    let mut start = Vec::new();
    text.by_ref().take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut start)?;
    if start == BYTE_ORDER_MARK {
        return Ok(text);
    }
    Ok(Box::new(Cursor::new(start).chain(text)))
}

/// The lines of a log, one at a time, in bounded memory.
pub(crate) struct Lines {
    reader: Box<dyn BufRead>,
    line: Vec<u8>,
    leftover: Leftover,
}

impl Lines {
    fn of(raw: impl Read + 'static) -> io::Result<Self> {
        let leftover = Leftover::default();
        let reader = without_mark(unpacked(raw, &leftover)?)?;
        Ok(Self { reader, line: Vec::new(), leftover })
    }

    /// Whether something stands behind the gzip that is none; to be asked at the end.
    pub(crate) fn had_leftover(&self) -> bool {
        self.leftover.get()
    }

    /// The next line, or `None` at the end. Of a line that is longer than [`MAX_LINE_BYTES`] the
    /// rest is skipped, and one byte more than that many is given.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        if self.fill()? == 0 {
            return Ok(None);
        }
        if self.line.len() > MAX_LINE_BYTES && !self.line.ends_with(b"\n") {
            self.skip_rest()?;
        }
        Ok(Some(&self.line))
    }

    /// Reads to the end of the line, but no further than it takes to see that it is too long.
    fn fill(&mut self) -> io::Result<usize> {
        self.reader.by_ref().take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut self.line)
    }

    fn skip_rest(&mut self) -> io::Result<()> {
        self.reader.skip_until(b'\n').map(|_| ())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn lines(bytes: Vec<u8>) -> Vec<Vec<u8>> {
        let mut lines = Lines::of(Cursor::new(bytes)).unwrap();
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push(line.to_owned());
        }
        all
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_lines_and_short_inputs() {
        assert_eq!(lines(b"a\nb\r\n\nc".to_vec()), [&b"a\n"[..], b"b\r\n", b"\n", b"c"]);
        assert_eq!(lines(b"\x1f".to_vec()), [b"\x1f"]);
        assert!(lines(Vec::new()).is_empty());
    }

    #[test]
    fn a_mark_is_taken_from_the_first_line_alone() {
        assert_eq!(lines("\u{feff}a\n\u{feff}b".into()), ["a\n".as_bytes(), "\u{feff}b".as_bytes()]);
        assert_eq!(lines(gzip("\u{feff}a".as_bytes())), [b"a"]);
        assert_eq!(lines(b"\xef\xbb".to_vec()), [b"\xef\xbb"]);
        assert!(lines("\u{feff}".into()).is_empty());
    }

    #[test]
    fn gzip_of_several_members() {
        let packed = [gzip(b"a\nb"), gzip(b"c\nd\n")].concat();
        assert_eq!(lines(packed), [b"a\n".to_vec(), b"bc\n".to_vec(), b"d\n".to_vec()]);
    }

    #[test]
    fn a_broken_gzip_file_is_an_error() {
        let mut packed = gzip(&[b'x'; 5000]);
        packed.truncate(packed.len() - 6);
        let mut lines = Lines::of(Cursor::new(packed)).unwrap();
        assert!(lines.next().is_err());
    }

    #[test]
    fn a_line_without_end_is_cut_and_skipped() {
        let mut bytes = vec![b'x'; 3 * MAX_LINE_BYTES];
        bytes.extend(b"\nnext");
        let lengths: Vec<_> = lines(bytes).iter().map(Vec::len).collect();
        assert_eq!(lengths, [MAX_LINE_BYTES + 1, 4]);
    }
}
