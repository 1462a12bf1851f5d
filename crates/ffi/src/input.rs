//! What C gives: pointers, lengths, structs of other versions. Here they become references, once
//! and checked; the only thing taken on trust is that a pointer that is not NULL points to what its
//! type says, for the length given, for the duration of the call.

use std::ffi::{c_char, c_void};
use std::mem::{MaybeUninit, size_of};
use std::path::PathBuf;
use std::slice;

use crate::boundary::{Failure, Outcome};
use crate::tg_status::{TG_LENGTH, TG_NULL, TG_STRUCT_SIZE, TG_UTF8};

#[cold]
pub(crate) fn null(name: &str) -> Failure {
    Failure::new(TG_NULL, format!("`{name}` is NULL"))
}

#[cold]
fn too_long(len: usize) -> Failure {
    Failure::new(TG_LENGTH, format!("a length of {len} bytes is more than any memory has"))
}

/// # Safety
/// The pointer is NULL or points to a `T` that nobody writes to during `'a`.
#[inline(always)]
pub(crate) unsafe fn shared<'a, T>(pointer: *const T, name: &str) -> Outcome<&'a T> {
    // SAFETY: as the caller promises.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(name))
}

/// A place to write a result to.
///
/// # Safety
/// The pointer is NULL or points to room for a `T` that nobody else uses during `'a`.
#[inline(always)]
pub(crate) unsafe fn place<'a, T>(pointer: *mut T, name: &str) -> Outcome<&'a mut MaybeUninit<T>> {
    // SAFETY: as the caller promises; nothing is said of the bytes that are there.
    unsafe { pointer.cast::<MaybeUninit<T>>().as_mut() }.ok_or_else(|| null(name))
}

/// Several values; NULL will do for none.
///
/// # Safety
/// The pointer is NULL or points to `len` of `T` that nobody writes to during `'a`.
#[inline(always)]
pub(crate) unsafe fn several<'a, T>(pointer: *const T, len: usize, name: &str) -> Outcome<&'a [T]> {
    if len > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(too_long(len));
    }
    match pointer.is_null() {
        true if len == 0 => Ok(&[]),
        true => Err(null(name)),
        // SAFETY: as the caller promises, and no longer than a slice can be.
        false => Ok(unsafe { slice::from_raw_parts(pointer, len) }),
    }
}

/// A key: any bytes.
///
/// # Safety
/// As for [`several`].
#[inline(always)]
pub(crate) unsafe fn key<'a>(pointer: *const c_void, len: usize) -> Outcome<&'a [u8]> {
    // SAFETY: as the caller promises.
    unsafe { several(pointer.cast(), len, "key") }
}

/// # Safety
/// As for [`several`].
pub(crate) unsafe fn text<'a>(pointer: *const c_char, len: usize, name: &str) -> Outcome<&'a str> {
    // SAFETY: as the caller promises.
    let bytes = unsafe { several(pointer.cast(), len, name) }?;
    str::from_utf8(bytes).map_err(|error| Failure::new(TG_UTF8, format!("`{name}` is not UTF-8: {error}")))
}

/// A path; none if it is NULL.
///
/// # Safety
/// As for [`several`].
pub(crate) unsafe fn path(pointer: *const c_char, len: usize, name: &str) -> Outcome<Option<PathBuf>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    let bytes = unsafe { several(pointer.cast::<u8>(), len, name) }?;
    path_of(bytes, name).map(Some)
}

#[cfg(unix)]
fn path_of(bytes: &[u8], _name: &str) -> Outcome<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Ok(std::ffi::OsStr::from_bytes(bytes).into())
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8], name: &str) -> Outcome<PathBuf> {
    let text = str::from_utf8(bytes);
    text.map(PathBuf::from).map_err(|error| Failure::new(TG_UTF8, format!("`{name}` is not UTF-8: {error}")))
}

/// A struct whose first field is its size in bytes, so that it can grow: a program compiled against
/// an older header has a shorter one, one compiled against a newer header a longer one.
///
/// # Safety
/// `repr(C)`, begins with a `usize`, and any bytes that a C program may put there are a valid value.
pub(crate) unsafe trait Growing: Copy + Default {
    /// The size that the struct had when it was first published: to the end of the field that was
    /// the last one then.
    const FIRST_SIZE: usize;
}

/// Larger than any struct will ever be: a size beyond is one that was never set.
const ABSURD_SIZE: usize = 4096;

/// The size that a struct of the caller's says it has, if that can be.
///
/// # Safety
/// The pointer is not NULL, and points to a struct that begins with its size.
pub(crate) unsafe fn size_of_growing<T: Growing>(pointer: *const T, name: &str) -> Outcome<usize> {
    // SAFETY: as the caller promises.
    let size = unsafe { pointer.cast::<usize>().read() };
    if (T::FIRST_SIZE..=ABSURD_SIZE).contains(&size) {
        return Ok(size);
    }
    let wanted = size_of::<T>();
    Err(Failure::new(
        TG_STRUCT_SIZE,
        format!(
            "`{name}` says that its size is {size}: set its field `size` to sizeof, which is {wanted} here"
        ),
    ))
}

/// A struct that the caller filled. Fields that it does not have yet are zero; fields that we do not
/// know must be, since what they ask for would not happen.
///
/// # Safety
/// The pointer is NULL or points to a `T` of the size that it says.
pub(crate) unsafe fn growing<T: Growing>(pointer: *const T, name: &str) -> Outcome<T> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: as the caller promises.
    let size = unsafe { size_of_growing(pointer, name) }?;
    let known = size.min(size_of::<T>());
    let mut value = T::default();
    // SAFETY: both have `known` bytes, and any bytes make a valid value (`Growing`).
    unsafe { pointer.cast::<u8>().copy_to_nonoverlapping((&raw mut value).cast(), known) };
    // SAFETY: the caller's struct has `size` bytes.
    let rest = unsafe { slice::from_raw_parts(pointer.cast::<u8>().add(known), size - known) };
    if rest.iter().any(|&byte| byte != 0) {
        return Err(Failure::new(
            TG_STRUCT_SIZE,
            format!("`{name}` has a field set that this library does not know yet: use a newer library"),
        ));
    }
    Ok(value)
}
