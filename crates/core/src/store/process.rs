//! Memory of this process alone.

use memmap2::{MmapOptions, MmapRaw};

use crate::error::{Error, Result};

/// The large pages of most processors. Where they are of another size, less is gained.
const HUGE_PAGE: usize = 2 << 20;

/// Zeroed memory of `bytes` bytes; pages count against the process only once they are written.
///
/// # Errors
/// The system has no such stretch of addresses left.
pub(crate) fn reserve(bytes: u64) -> Result<MmapRaw> {
    let failed = |source| Error::Memory { bytes, source };
    let len = usize::try_from(bytes).map_err(|_| failed(std::io::ErrorKind::OutOfMemory.into()))?;
    // Linux puts whole large pages where one can begin, anything else anywhere.
    let len = if len < HUGE_PAGE { len.max(1) } else { len.next_multiple_of(HUGE_PAGE) };
    let map = MmapOptions::new().len(len).no_reserve_swap().map_anon().map_err(failed)?;
    Ok(MmapRaw::from(map))
}

/// Asks for large pages under the first `bytes`; whether the system grants them is its affair.
pub(crate) fn ask_for_huge_pages(map: &MmapRaw, bytes: usize) {
    #[cfg(target_os = "linux")]
    {
        // The last one whole, unless it would be the only one: a small table shall stay small.
        let whole = if bytes < HUGE_PAGE { bytes } else { bytes.next_multiple_of(HUGE_PAGE) };
        let _ = map.advise_range(memmap2::Advice::HugePage, 0, whole.min(map.len()));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (map, bytes);
}
