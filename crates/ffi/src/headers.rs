//! The headers of a response.

use std::ffi::{c_char, c_void};

use tidegate::{Headers, Style, Styles, exposed_headers, jittered};

use crate::boundary::{Failure, Outcome, guard};
use crate::input::{self, null, place, shared};
use crate::output::Buffer;
use crate::tg_decision;
use crate::tg_status::{self, TG_STYLE};

/// X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset (a Unix time).
pub const TG_STYLE_X_RATELIMIT: u32 = 1;
/// RateLimit-Policy and RateLimit with all limits: the IETF draft since its revision 08.
pub const TG_STYLE_IETF: u32 = 2;
/// RateLimit-Limit, -Remaining, -Reset and -Policy: the IETF draft up to its revision 06.
pub const TG_STYLE_IETF_06: u32 = 4;

const STYLES: [(u32, Style); 3] = [
    (TG_STYLE_X_RATELIMIT, Style::XRateLimit),
    (TG_STYLE_IETF, Style::Ietf),
    (TG_STYLE_IETF_06, Style::Ietf06),
];

/// The set that bits stand for.
fn styles_of(bits: u32) -> Outcome<Styles> {
    let known = STYLES.iter().fold(0, |all, (bit, _)| all | bit);
    if bits & !known != 0 {
        return Err(Failure::new(TG_STYLE, format!("no header style has the bits {:#x}", bits & !known)));
    }
    Ok(STYLES.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, style)| style).collect())
}

/// Reads names of styles with commas between them, such as "x-ratelimit, ietf", into bits.
/// Errors: TG_STYLE.
///
/// # Safety
/// `text` has `text_len` bytes; `styles` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_styles_parse(
    text: *const c_char,
    text_len: usize,
    styles: *mut u32,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let (styles, text) = unsafe { (place(styles, "styles")?, input::text(text, text_len, "text")?) };
        let read: Styles = text
            .parse()
            .map_err(|error: tidegate::UnknownStyle| Failure::new(TG_STYLE, error.to_string()))?;
        let bits = STYLES.iter().filter(|(_, style)| read.contains(*style));
        styles.write(bits.fold(0, |all, (bit, _)| all | bit));
        Ok(())
    })
}

/// # Safety
/// As for [`tg_headers`].
unsafe fn headers_of<'a>(
    decision: *const tg_decision,
    styles: u32,
    retry_after: u64,
) -> Outcome<Headers<'a>> {
    // SAFETY: as the caller promises.
    let decision = unsafe { shared(decision, "decision")?.engine()? };
    Ok(decision.headers(styles_of(styles)?).with_retry_after(retry_after))
}

/// The headers of a response as lines of "Name: value" that end in CR LF, for servers that write
/// their own head. `styles` are TG_STYLE bits; Retry-After comes with every denial, also with none.
///
/// `retry_after` makes Retry-After longer, to so many seconds (see `tg_jittered`); 0 leaves it, and
/// a shorter one changes nothing. The buffer is filled as by `tg_limiter_policy`.
///
/// # Safety
/// `decision` was filled and its limiter is not freed; `buf` is valid for writing `cap` bytes, `len`
/// for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_headers(
    decision: *const tg_decision,
    styles: u32,
    retry_after: u64,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let text = unsafe { headers_of(decision, styles, retry_after) }?.to_string();
        // SAFETY: as the caller promises.
        unsafe { Buffer { start: buf, cap, len }.fill(&text) }
    })
}

/// Gets one header. Both texts end in NUL, which their lengths do not count, and are gone after the
/// call. It must return: no exception and no longjmp may leave it.
pub type tg_header_fn = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        name: *const c_char,
        name_len: usize,
        value: *const c_char,
        value_len: usize,
    ),
>;

/// The headers of a response one by one, for servers that add them singly: calls `each` with `user`
/// for every header, in order. Otherwise as `tg_headers`.
///
/// # Safety
/// `decision` was filled and its limiter is not freed; `each` is a function of this type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_headers_each(
    decision: *const tg_decision,
    styles: u32,
    retry_after: u64,
    each: tg_header_fn,
    user: *mut c_void,
) -> tg_status {
    guard(|| {
        let each = each.ok_or_else(|| null("each"))?;
        // SAFETY: as the caller promises.
        for (name, value) in unsafe { headers_of(decision, styles, retry_after) }? {
            let texts = format!("{name}\0{value}\0");
            let start = texts.as_ptr().cast::<c_char>();
            // SAFETY: both texts are in `texts`, one behind the other, and each has its NUL.
            unsafe { each(user, start, name.len(), start.add(name.len() + 1), value.len()) };
        }
        Ok(())
    })
}

/// The value of Access-Control-Expose-Headers that lets a script of another origin read every header
/// that responses in these styles carry. The buffer is filled as by `tg_limiter_policy`.
///
/// # Safety
/// `buf` is valid for writing `cap` bytes, `len` for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_exposed_headers(
    styles: u32,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
) -> tg_status {
    guard(|| {
        let text = exposed_headers(styles_of(styles)?);
        // SAFETY: as the caller promises.
        unsafe { Buffer { start: buf, cap, len }.fill(&text) }
    })
}

/// A Retry-After of `seconds` made longer by 0 to `spread` whole seconds, evenly, as the 64 random
/// bits of `random` have it, so that clients denied together do not come back together.
#[unsafe(no_mangle)]
pub extern "C" fn tg_jittered(seconds: u64, spread: u64, random: u64) -> u64 {
    jittered(seconds, spread, random)
}
