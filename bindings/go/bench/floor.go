// Package bench compares the Go package with its peers, in a module of its own so that users don't
// get the peers.
package bench

// #cgo CFLAGS: -I${SRCDIR}/..
// #include "tidegate.h"
// #cgo noescape nothing
// #cgo nocallback nothing
// static void nothing(const char *key, size_t len) { (void)key; (void)len; }
//
// static size_t allow_in_c(tg_limiter *limiter, const char *key, size_t len, size_t times) {
//     size_t admitted = 0;
//     for (size_t i = 0; i < times; i++) {
//         bool allowed = false;
//         tg_allow(limiter, key, len, 1, &allowed);
//         admitted += allowed;
//     }
//     return admitted;
// }
//
// static size_t check_in_c(tg_limiter *limiter, const char *key, size_t len, size_t times) {
//     size_t admitted = 0;
//     for (size_t i = 0; i < times; i++) {
//         tg_decision decision;
//         tg_info info = {.size = sizeof info};
//         tg_check(limiter, key, len, 1, &decision);
//         tg_decision_info(&decision, &info);
//         admitted += info.allowed;
//     }
//     return admitted;
// }
//
// static tg_limiter *make(const char *policy, size_t len) {
//     tg_options options;
//     tg_options_init(&options);
//     options.clock = TG_CLOCK_COARSE;
//     tg_limiter *limiter = NULL;
//     tg_limiter_new(policy, len, &options, &limiter);
//     return limiter;
// }
import "C"

import (
	"unsafe"

	_ "github.com/tidegate/tidegate/bindings/go" // links the library
)

// emptyCall is what any call of C costs Go.
func emptyCall(key string) { C.nothing(chars(key)) }

// inC makes so many checks without leaving C, and says how many were admitted.
func inC(policy, key string, full bool, times int) int {
	limiter := C.make(chars(policy))
	defer C.tg_limiter_free(limiter)
	text, n := chars(key)
	if full {
		return int(C.check_in_c(limiter, text, n, C.size_t(times)))
	}
	return int(C.allow_in_c(limiter, text, n, C.size_t(times)))
}

func chars(s string) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(s))), C.size_t(len(s))
}
