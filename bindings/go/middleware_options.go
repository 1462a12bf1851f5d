package tidegate

import (
	"net/http"
	"time"
)

// KeyFunc says what a request is counted by. "" is the address of the other end of the connection.
type KeyFunc func(*http.Request) string

// ClientAddress counts by the client's address, an IPv6 one by its network, as [Proxies.Key] tells it.
// Give it nil if no proxy stands before this server.
func ClientAddress(trusted *Proxies) KeyFunc { return trusted.Key }

// FirstKey takes the first of these keys that a request shows: an API key, or else the address.
func FirstKey(keys ...KeyFunc) KeyFunc {
	return func(r *http.Request) string {
		for _, key := range keys {
			if k := key(r); k != "" {
				return k
			}
		}
		return ""
	}
}

// MiddlewareOption is an option of [Middleware].
type MiddlewareOption func(*middleware)

type middleware struct {
	counted  []counted
	cost     func(*http.Request) uint64
	paths    []string
	exempt   []func(*http.Request) bool
	style    Style
	exposes  bool
	exposed  string
	maxBody  int64
	jitter   time.Duration
	failOpen bool
	onError  func(*http.Request, error)
	denied   func(http.ResponseWriter, *http.Request, Decision)
}

// counted is a limiter, and what it counts a request by.
type counted struct {
	limiter *Limiter
	key     KeyFunc
}

func newMiddleware(limiter *Limiter, opts []MiddlewareOption) *middleware {
	m := &middleware{
		counted: []counted{{limiter, ClientAddress(nil)}},
		cost:    func(*http.Request) uint64 { return 1 },
		style:   XRateLimit,
		maxBody: -1,
	}
	m.denied = m.answer
	if bytes, ok := limiter.MaxBody(); ok {
		m.maxBody = bytes
	}
	for _, option := range opts {
		option(m)
	}
	if m.exposes {
		m.exposed = m.style.ExposedHeaders()
	}
	return m
}

// WithKey sets what requests are counted by: [APIKey], [ClientAddress], [FirstKey], or your own.
// A request that shows no key, or one that is too long, is counted by the address of the other end.
func WithKey(key KeyFunc) MiddlewareOption {
	return func(m *middleware) { m.counted[0].key = key }
}

// WithAlso counts requests by another limiter too: a user's and their organisation's, say. All admit
// a request, or nothing is taken from any; see [CheckAll]. Each limiter may be there once.
func WithAlso(limiter *Limiter, key KeyFunc) MiddlewareOption {
	return func(m *middleware) { m.counted = append(m.counted, counted{limiter, key}) }
}

// WithCost sets what a request costs; 0 costs nothing and is not counted. A cost above what a limit
// ever admits is answered with 400.
func WithCost(cost func(*http.Request) uint64) MiddlewareOption {
	return func(m *middleware) { m.cost = cost }
}

// WithExemptPaths lets requests for these paths through uncounted. A path begins with /, and one that
// ends in / stands for all below it too. A path that a router may read as another, such as
// /orders/../health, is never exempt: one with "." or ".." or nothing between two /, with a backslash,
// or with one of these or % encoded.
func WithExemptPaths(paths ...string) MiddlewareOption {
	return func(m *middleware) { m.paths = append(m.paths, paths...) }
}

// WithExempt lets requests through uncounted of which exempt says so.
func WithExempt(exempt func(*http.Request) bool) MiddlewareOption {
	return func(m *middleware) { m.exempt = append(m.exempt, exempt) }
}

// WithStyle sets the styles of the headers: XRateLimit | IETF. Retry-After comes with every denial.
func WithStyle(style Style) MiddlewareOption {
	return func(m *middleware) { m.style = style }
}

// WithExposedHeaders adds Access-Control-Expose-Headers, so that scripts of other origins can read
// the headers of the style.
func WithExposedHeaders() MiddlewareOption {
	return func(m *middleware) { m.exposes = true }
}

// WithMaxBody bounds requests' bodies, in bytes. A longer one that says so is answered with 413, and
// costs nothing, before it is read. One that does not fails where the handler reads it, with an
// [*http.MaxBytesError], and its cost is given back: answer with [WriteTooLarge]. A negative number
// takes away the bound that the policy file has set.
func WithMaxBody(bytes int64) MiddlewareOption {
	return func(m *middleware) { m.maxBody = bytes }
}

// WithRetryJitter makes Retry-After longer by 0 to spread, at random, so that clients that were
// denied together don't come back together.
func WithRetryJitter(spread time.Duration) MiddlewareOption {
	return func(m *middleware) { m.jitter = spread }
}

// WithFailOpen lets requests through when nothing can be decided about them, since the limiter was
// closed, say. By default they are answered with 503.
func WithFailOpen() MiddlewareOption {
	return func(m *middleware) { m.failOpen = true }
}

// WithOnError is told when nothing could be decided about a request, for logs.
func WithOnError(told func(*http.Request, error)) MiddlewareOption {
	return func(m *middleware) { m.onError = told }
}

// WithDenied answers denied requests in place of the body; the headers are set already.
func WithDenied(answer func(http.ResponseWriter, *http.Request, Decision)) MiddlewareOption {
	return func(m *middleware) { m.denied = answer }
}
