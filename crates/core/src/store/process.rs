//! Memory of this process alone, and this process's name in it.

use std::sync::atomic::AtomicU32;

#[cfg(not(loom))]
pub(crate) use memory::{ask_for_huge_pages, reserve};

/// This process's name in memory that no other shares. A forked child has a copy of its parent's
/// memory, but none of its threads: under a name of its own it knows the locks that those held.
static ME: AtomicU32 = AtomicU32::new(1);

/// This process's name, never 0; another one in every child.
pub(crate) fn me() -> &'static AtomicU32 {
    #[cfg(target_os = "linux")]
    forks::heed();
    &ME
}

#[cfg(target_os = "linux")]
mod forks {
    #![allow(unsafe_code)]

    use std::sync::Once;
    use std::sync::atomic::Ordering;

    use super::ME;

    /// Takes a new name in every child from now on.
    pub(super) fn heed() {
        static HEEDED: Once = Once::new();
        // SAFETY: the handler only stores to an atomic, which is safe in a child of a process with threads.
        HEEDED.call_once(|| unsafe { _ = libc::pthread_atfork(None, None, Some(in_child)) });
    }

    extern "C" fn in_child() {
        /// Names have 24 bits.
        const MOST: u32 = (1 << 24) - 1;
        ME.store(ME.load(Ordering::Relaxed) % MOST + 1, Ordering::Relaxed);
    }
}

#[cfg(not(loom))]
mod memory {
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
}
