//! Gzip as it is found on disks: several members one after another, and something behind them.

use std::cell::Cell;
use std::io::{self, BufRead, Chain, Read};
use std::rc::Rc;

use flate2::bufread::GzDecoder;

/// What a member starts with.
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Whether something that is no gzip stood behind the last member.
pub(crate) type Leftover = Rc<Cell<bool>>;

/// The contents of all members.
///
/// The zeros with which tapes and block devices fill up are passed over. What else stands behind
/// a member and is no further one is left alone, as the program `gzip` does, but noted.
pub(crate) struct Gzip<R> {
    /// The member that is read; none behind the last.
    member: Option<GzDecoder<Chain<&'static [u8], R>>>,
    leftover: Leftover,
}

impl<R: BufRead> Gzip<R> {
    /// Of a file whose first bytes, [`GZIP`], have been read.
    pub(crate) fn behind_magic(rest: R, leftover: Leftover) -> Self {
        Self { member: Some(member(rest)), leftover }
    }

    /// Goes on to the next member, if there is one.
    fn advance(&mut self) -> io::Result<()> {
        let Some(ended) = self.member.take() else { return Ok(()) };
        let (_, mut rest) = ended.into_inner().into_inner();
        skip_zeros(&mut rest)?;
        let mut magic = Vec::new();
        rest.by_ref().take(GZIP.len() as u64).read_to_end(&mut magic)?;
        if magic == GZIP {
            self.member = Some(member(rest));
        } else {
            self.leftover.set(!magic.is_empty());
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(into)?;
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            self.advance()?;
        }
        Ok(0)
    }
}

fn member<R: BufRead>(rest: R) -> GzDecoder<Chain<&'static [u8], R>> {
    GzDecoder::new(GZIP.as_slice().chain(rest))
}

fn skip_zeros(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let ready = reader.fill_buf()?;
        let zeros = ready.iter().take_while(|byte| **byte == 0).count();
        let is_all = zeros > 0 && zeros == ready.len();
        reader.consume(zeros);
        if !is_all {
            return Ok(());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{BufReader, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    /// The contents, and whether there was something behind them; read in small pieces, so that
    /// every part begins and ends at the edge of a buffer somewhere.
    fn read(parts: &[&[u8]], buffer: usize) -> io::Result<(String, bool)> {
        let bytes = parts.concat();
        let packed = BufReader::with_capacity(buffer, bytes.get(GZIP.len()..).unwrap());
        let leftover = Leftover::default();
        let mut text = String::new();
        Gzip::behind_magic(packed, leftover.clone()).read_to_string(&mut text)?;
        Ok((text, leftover.get()))
    }

    #[test]
    fn members_follow_each_other_and_zeros_are_nothing() {
        let (a, b) = (&gzip("a\nb")[..], &gzip("c\n")[..]);
        for buffer in 1..40 {
            let text = |parts: &[&[u8]]| read(parts, buffer).unwrap();
            assert_eq!(text(&[a]), ("a\nb".to_owned(), false));
            assert_eq!(text(&[a, b]), ("a\nbc\n".to_owned(), false));
            assert_eq!(text(&[a, &[0; 100]]), ("a\nb".to_owned(), false));
            assert_eq!(text(&[a, &[0; 7], b, &[0]]), ("a\nbc\n".to_owned(), false));
        }
    }

    #[test]
    fn what_is_no_gzip_behind_it_is_left_alone_and_noted() {
        let a = &gzip("a\n")[..];
        for behind in [&b"x"[..], b"\x1f", b"\x1fno", b"\0\0garbage", b"a longer text than a header"] {
            assert_eq!(read(&[a, behind], 3).unwrap(), ("a\n".to_owned(), true), "{behind:?}");
        }
    }

    #[test]
    fn a_member_that_was_cut_off_is_an_error() {
        let (a, b) = (&gzip("a\n")[..], gzip("b\n"));
        for end in GZIP.len()..b.len() {
            assert!(read(&[a, b.get(..end).unwrap()], 8).is_err(), "{end}");
        }
    }
}
