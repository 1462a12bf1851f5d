// Package darwin_amd64 has the static library for this system, as `make lib-go` puts it here. It is a
// package so that `go mod vendor` copies it.
package darwin_amd64

// #cgo LDFLAGS: ${SRCDIR}/libtidegate.a
import "C"
