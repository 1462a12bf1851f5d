package tidegate

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
)

// Middleware puts a limiter before a handler: within the quota a request passes, with the headers
// of its decision; else it is answered with 429, Retry-After and a body.
//
// Unless told otherwise it counts by the client's address ([ClientAddress] with no trusted proxies),
// one unit a request, writes X-RateLimit headers, and keeps bodies within the max_body of the policy
// file. CORS preflights are neither counted nor decorated. The ResponseWriter that the handler gets
// is the server's own, so that flushing and hijacking work as without it.
func Middleware(limiter *Limiter, opts ...MiddlewareOption) func(http.Handler) http.Handler {
	m := newMiddleware(limiter, opts)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isPreflight(r) || m.isExempt(r) {
				next.ServeHTTP(w, r)
			} else if r := m.admit(w, r); r != nil {
				next.ServeHTTP(w, r)
			}
		})
	}
}

// isPreflight tells a browser's question from a request: what Fetch calls a CORS-preflight request.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" &&
		r.Header.Get("Access-Control-Request-Method") != ""
}

func (m *middleware) isExempt(r *http.Request) bool {
	for _, exempt := range m.paths {
		if isBelow(r.URL.Path, exempt) && !ambiguous.MatchString(r.URL.EscapedPath()) {
			return true
		}
	}
	for _, exempt := range m.exempt {
		if exempt(r) {
			return true
		}
	}
	return false
}

func isBelow(path, exempt string) bool {
	return path == exempt || strings.HasSuffix(exempt, "/") && strings.HasPrefix(path+"/", exempt)
}

// ambiguous is a path, as it was sent, that a router may read as another, before or after us:
// /static/../orders as /orders, /static%2Fx/orders as the orders of one whose name has a slash.
var ambiguous = regexp.MustCompile(`//|/\.\.?(/|$)|\\|%(25|2[Ee]|2[Ff]|5[Cc])`)

// admit gives the request to pass on; nil if it has been answered.
func (m *middleware) admit(w http.ResponseWriter, r *http.Request) *http.Request {
	if m.maxBody >= 0 && r.ContentLength > m.maxBody {
		ContentTooLarge(m.maxBody).write(w)
		return nil
	}
	cost := m.cost(r)
	if cost == 0 {
		return m.bound(w, r, nil)
	}
	parts := m.parts(r)
	d, err := decide(parts, cost)
	if err != nil {
		return m.failed(w, r, err)
	}
	m.expose(w)
	if m.jitter > 0 {
		d = d.Jittered(m.jitter)
	}
	d.WriteHeaders(w.Header(), m.style)
	if !d.Allowed {
		m.denied(w, r, d)
		return nil
	}
	return m.bound(w, r, func() { refund(parts, cost) })
}

// parts are the limiters with the key of each for a request.
func (m *middleware) parts(r *http.Request) []Part {
	parts := make([]Part, len(m.counted), 4)
	for i, by := range m.counted {
		parts[i] = Part{Limiter: by.limiter, Key: keyOf(by.key, r)}
	}
	return parts
}

// keyOf gives the client's address where a request shows no key, so that nobody escapes the limiter
// by leaving the key away or by making it too long.
func keyOf(key KeyFunc, r *http.Request) string {
	if k := key(r); k != "" && len(k) <= MaxKeyBytes {
		return k
	}
	return nobody.Key(r)
}

func decide(parts []Part, cost uint64) (Decision, error) {
	if len(parts) == 1 {
		return parts[0].Limiter.Check(parts[0].Key, cost)
	}
	for i := range parts {
		parts[i].Cost = cost
	}
	joint, err := CheckAll(parts...)
	if err != nil {
		return Decision{}, err
	}
	return joint.Decisions[joint.Reported], nil
}

func refund(parts []Part, cost uint64) {
	for _, part := range parts {
		_ = part.Limiter.Refund(part.Key, cost) // a limiter that was closed counts no more
	}
}

func (m *middleware) expose(w http.ResponseWriter) {
	if m.exposed != "" {
		w.Header().Add("Access-Control-Expose-Headers", m.exposed)
	}
}

func (m *middleware) answer(w http.ResponseWriter, r *http.Request, d Decision) {
	d.Body(strings.Join(r.Header["Accept"], ", ")).write(w)
}

// failed answers a request that nothing could be decided about. A cost that can never be admitted is
// the request's fault; everything else is ours.
func (m *middleware) failed(w http.ResponseWriter, r *http.Request, err error) *http.Request {
	if errors.Is(err, ErrCostAboveQuota) {
		message(http.StatusBadRequest, "The request costs more than its quota ever admits.").write(w)
		return nil
	}
	if m.onError != nil {
		m.onError(r, err)
	}
	if m.failOpen {
		return m.bound(w, r, nil)
	}
	message(http.StatusServiceUnavailable, "Rate limits can't be checked at the moment.").write(w)
	return nil
}

// message is a body in the shape of our others.
func message(status int, said string) Body {
	text, _ := json.Marshal(struct {
		Message string `json:"message"`
		Status  string `json:"status"`
	}{said, "error"}) // two texts are always JSON
	return Body{Status: status, ContentType: "application/json", CacheControl: "no-store", Text: string(text)}
}
