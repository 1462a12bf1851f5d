// Package linux_arm64 has the static library for this system, as `make lib-go` puts it here. It is a
// package so that `go mod vendor` copies it.
package linux_arm64

// #cgo LDFLAGS: ${SRCDIR}/libtidegate.a -lm -lpthread -ldl
import "C"
