//go:build tidegate_gc

package tidegate

import "runtime"

// Collects at every call, so that tests see what is freed while it is still used.
func maybeGC() { runtime.GC() }
