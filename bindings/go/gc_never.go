//go:build !tidegate_gc

package tidegate

func maybeGC() {}
