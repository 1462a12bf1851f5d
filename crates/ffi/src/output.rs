//! What C gets: texts into buffers, structs of other versions.

use std::ffi::c_char;
use std::mem::size_of;

use crate::boundary::{Failure, Outcome};
use crate::input::{Growing, null, place, size_of_growing};
use crate::tg_status::TG_BUFFER_TOO_SMALL;

/// The memory that a caller gives for a text.
pub(crate) struct Buffer {
    pub(crate) start: *mut c_char,
    /// Its size in bytes.
    pub(crate) cap: usize,
    /// Where the length of the text goes.
    pub(crate) len: *mut usize,
}

impl Buffer {
    /// Writes the text and the NUL behind it, or nothing if they do not fit; its length in any case.
    ///
    /// # Safety
    /// `start` is NULL or valid for writing `cap` bytes, `len` is NULL or valid for writing.
    pub(crate) unsafe fn fill(self, text: &str) -> Outcome {
        // SAFETY: as the caller promises.
        unsafe { place(self.len, "len") }?.write(text.len());
        if text.len() >= self.cap {
            return Err(too_small(self.cap, text.len()));
        }
        if self.start.is_null() {
            return Err(null("buf"));
        }
        // SAFETY: `cap` bytes may be written there, and the text is shorter than that.
        unsafe { write_text(text, self.start) };
        Ok(())
    }
}

#[cold]
fn too_small(cap: usize, len: usize) -> Failure {
    let needed = len.saturating_add(1);
    Failure::new(
        TG_BUFFER_TOO_SMALL,
        format!("the buffer has {cap} bytes, and the text needs {needed} with its NUL"),
    )
}

/// # Safety
/// One byte more than the text has may be written to `start`.
pub(crate) unsafe fn write_text(text: &str, start: *mut c_char) {
    // SAFETY: as the caller promises; a text of ours and memory of the caller's don't overlap.
    unsafe {
        text.as_ptr().copy_to_nonoverlapping(start.cast(), text.len());
        start.add(text.len()).write(0);
    }
}

/// Fills a struct of the caller's, whose size it says itself. Fields that we do not know become
/// zero, those that it does not have are left out.
///
/// # Safety
/// The pointer is NULL or points to a `T` of the size that it says.
pub(crate) unsafe fn fill_growing<T: Growing>(pointer: *mut T, name: &str, value: T) -> Outcome {
    const SIZE_FIELD: usize = size_of::<usize>();
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: as the caller promises.
    let size = unsafe { size_of_growing(pointer, name) }?;
    let known = size.min(size_of::<T>());
    let (from, to) = ((&raw const value).cast::<u8>(), pointer.cast::<u8>());
    // SAFETY: both have `known` bytes, of which the size field is some, and the caller's has `size`.
    unsafe {
        from.add(SIZE_FIELD).copy_to_nonoverlapping(to.add(SIZE_FIELD), known - SIZE_FIELD);
        to.add(known).write_bytes(0, size - known);
    }
    Ok(())
}
