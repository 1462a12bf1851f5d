//go:build !cgo

package linux_arm64

// Whoever builds without cgo is told so here, and not by a hundred names that are missing.
var _ = tidegate_needs_cgo_set_CGO_ENABLED_1_and_install_a_C_compiler
