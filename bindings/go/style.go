package tidegate

// #include "bridge.h"
import "C"

import "runtime"

// Style says which headers a response carries. Styles are combined with |. Retry-After comes with
// every denial, in every style and in none.
type Style uint32

const (
	// XRateLimit is X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset (a Unix time) of
	// the reported limit: what most clients read.
	XRateLimit Style = C.TG_STYLE_X_RATELIMIT
	// IETF is RateLimit-Policy and RateLimit with all limits: the draft since its revision 08.
	IETF Style = C.TG_STYLE_IETF
	// IETF06 is RateLimit-Limit, -Remaining, -Reset and -Policy: the draft up to its revision 06.
	IETF06 Style = C.TG_STYLE_IETF_06
)

// ParseStyle reads names with commas between them: "x-ratelimit, ietf". Errors: [ErrStyle].
func ParseStyle(names string) (Style, error) {
	var style C.uint32_t
	text, n := chars(names)
	err := failed(C.tgo_styles_parse(text, n, &style))
	runtime.KeepAlive(names)
	return Style(style), err
}

// ExposedHeaders is the value of Access-Control-Expose-Headers that lets a script of another origin
// read every header which responses in this style carry.
func (s Style) ExposedHeaders() string {
	names, _ := filled(func(buf *C.char, size C.size_t, n *C.size_t) C.tgo_outcome {
		return C.tgo_exposed_headers(C.uint32_t(s), buf, size, n)
	})
	return names
}
