package tidegate

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

// serve makes one request of a handler behind the middleware.
func serve(handler http.Handler, method, target string, body io.Reader, headers ...string) *http.Response {
	r := httptest.NewRequest(method, target, body)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, r)
	return recorder.Result()
}

func read(t *testing.T, r *http.Response) string {
	t.Helper()
	return string(must(io.ReadAll(r.Body))(t))
}

// The provider's own page: what every response says, and what a denial does.
func TestTheProvidersPage(t *testing.T) {
	limiter, clock := manual(t, "100/minute")
	handler := Middleware(limiter, WithKey(APIKey))(http.HandlerFunc(ok))
	ask := func() *http.Response { return serve(handler, "GET", "/", nil, "X-API-Key", "k") }
	for range 12 {
		ask()
	}
	r := ask()
	equal(t, "limit", r.Header.Get("X-RateLimit-Limit"), "100")
	equal(t, "remaining", r.Header.Get("X-RateLimit-Remaining"), "87")
	equal(t, "reset", r.Header.Get("X-RateLimit-Reset"), "1716984000")
	equal(t, "body", read(t, r), "hello")
	clock.Advance(30 * time.Second)
	for range 87 {
		equal(t, "status", ask().StatusCode, 200)
	}
	denied := ask()
	equal(t, "status", denied.StatusCode, 429)
	equal(t, "body", read(t, denied), `{"message":"Rate limit exceeded. Try again in 30 seconds.","status":"error"}`)
	for name, value := range map[string]string{"Retry-After": "30", "Content-Type": "application/json", "Cache-Control": "no-store", "X-RateLimit-Remaining": "0"} {
		equal(t, name, denied.Header.Get(name), value)
	}
	equal(t, "another key", serve(handler, "GET", "/", nil, "Authorization", "bearer other").StatusCode, 200)
}

func TestProblemsForThoseWhoAsk(t *testing.T) {
	limiter, _ := manual(t, "1/minute")
	handler := Middleware(limiter, WithStyle(IETF))(http.HandlerFunc(ok))
	serve(handler, "GET", "/", nil)
	r := serve(handler, "GET", "/", nil, "Accept", "text/html", "Accept", "application/problem+json")
	equal(t, "type", r.Header.Get("Content-Type"), "application/problem+json")
	equal(t, "policy", r.Header.Get("RateLimit-Policy"), `"minute";q=1;w=60`)
	equal(t, "no legacy", r.Header.Get("X-RateLimit-Limit"), "")
	if body := read(t, r); !strings.Contains(body, `"violated-policies":["minute"]`) {
		t.Error(body)
	}
}

func TestKeys(t *testing.T) {
	limiter, _ := manual(t, "1/minute")
	proxies := must(TrustProxies("192.0.2.0/24"))(t) // httptest asks from 192.0.2.1
	key := FirstKey(APIKey, ClientAddress(proxies))
	handler := Middleware(limiter, WithKey(key))(http.HandlerFunc(ok))
	long := strings.Repeat("k", MaxKeyBytes+1)
	for _, c := range []struct {
		headers []string
		status  int
	}{
		{[]string{"X-API-Key", "k"}, 200},
		{[]string{"Authorization", "Bearer k"}, 429},
		{[]string{"X-Forwarded-For", "198.51.100.7"}, 200},
		{[]string{"X-Forwarded-For", "1.2.3.4, 198.51.100.7"}, 429},
		{[]string{"X-Forwarded-For", "1.2.3.4", "X-Forwarded-For", "198.51.100.7"}, 429},
		{[]string{"X-API-Key", "198.51.100.7"}, 200}, // counted as 192.0.2.1
		{[]string{"X-API-Key", long}, 429},           // as well
		{[]string{"X-Forwarded-For", "2001:db8::1"}, 200},
		{[]string{"X-Forwarded-For", "2001:db8::2"}, 429},
		{[]string{"X-Forwarded-For", "2001:db8:0:1::2"}, 200},
	} {
		equal(t, fmt.Sprintf("%.40s", c.headers), serve(handler, "GET", "/", nil, c.headers...).StatusCode, c.status)
	}
	custom := Middleware(limiter, WithKey(func(*http.Request) string { return long }))(http.HandlerFunc(ok))
	equal(t, "too long a key of one's own", serve(custom, "GET", "/", nil).StatusCode, 429)
}

func TestPeers(t *testing.T) {
	for remote, key := range map[string]string{
		"192.0.2.7:80": "192.0.2.7", "[2001:db8::1]:80": "2001:db8::/64", "[fe80::1%eth0]:80": "fe80::/64",
		"[::ffff:192.0.2.7]:80": "192.0.2.7", "192.0.2.7": "192.0.2.7", "@": "127.0.0.1", "": "127.0.0.1",
	} {
		var none *Proxies
		equal(t, remote, none.Key(&http.Request{RemoteAddr: remote}), key)
	}
	var none *Proxies
	equal(t, "address", none.Client(&http.Request{RemoteAddr: "[2001:db8::1]:80"}).String(), "2001:db8::1")
}

func TestExemptions(t *testing.T) {
	limiter, _ := manual(t, "1/minute")
	handler := Middleware(limiter, WithExemptPaths("/healthz", "/static/"),
		WithExempt(func(r *http.Request) bool { return r.Header.Get("X-Internal") == "yes" }))(http.HandlerFunc(ok))
	serve(handler, "GET", "/", nil)
	for target, status := range map[string]int{
		"/healthz": 200, "/static/a.css": 200, "/static/": 200, "/static": 200, "/static/a%20b/..c/.d/e..": 200,
		"/healthz/": 429, "/healthzz": 429, "/statically": 429,
	} {
		r := serve(handler, "GET", "http://a.example"+target, nil)
		equal(t, target, r.StatusCode, status)
		equal(t, target, r.Header.Get("X-RateLimit-Limit") == "", status == 200)
	}
	equal(t, "by function", serve(handler, "GET", "/", nil, "X-Internal", "yes").StatusCode, 200)
	preflight := serve(handler, "OPTIONS", "/", nil, "Origin", "https://a.example", "Access-Control-Request-Method", "PUT")
	equal(t, "preflight", [2]any{preflight.StatusCode, len(preflight.Header.Get("X-RateLimit-Limit"))}, [2]any{200, 0})
	equal(t, "mere OPTIONS", serve(handler, "OPTIONS", "/", nil, "Origin", "https://a.example").StatusCode, 429)
}

func TestWhatARouterMayReadAsAnotherPathIsNotExempt(t *testing.T) {
	limiter, _ := manual(t, "1/minute")
	handler := Middleware(limiter, WithExemptPaths("/healthz", "/static/"))(http.HandlerFunc(ok))
	serve(handler, "GET", "/", nil)
	for _, target := range []string{
		"/orders/../healthz", "/orders/7/../../static/%2e./healthz", "/static/../orders", "/static/%2E%2e/orders", "/static/..",
		"/static/./orders", "/static/.", "/static//orders", "//healthz", "//static/orders", `/static/..\orders`, "/static/..%5corders",
		"/static%2Forders", "/static/..%2forders", "/static/%252e%252e/orders",
	} {
		equal(t, target, serve(handler, "GET", "http://a.example"+target, nil).StatusCode, 429)
	}
}

// The standard mux takes an encoded slash for a part of a name.
func TestAnEncodedSlashIsNoWayPastTheLimiter(t *testing.T) {
	limiter, _ := manual(t, "1/minute")
	mux := http.NewServeMux()
	mux.HandleFunc("/{customer}/orders", ok)
	handler := Middleware(limiter, WithExemptPaths("/static/"))(mux)
	equal(t, "first", serve(handler, "GET", "/static%2Fx/orders", nil).StatusCode, 200)
	equal(t, "second", serve(handler, "GET", "/static%2Fx/orders", nil).StatusCode, 429)
}

func TestCosts(t *testing.T) {
	limiter, _ := manual(t, "10/minute")
	handler := Middleware(limiter, WithCost(func(r *http.Request) uint64 { return uint64(len(r.URL.Query()["item"])) }))(http.HandlerFunc(ok))
	equal(t, "free", serve(handler, "GET", "/", nil).Header.Get("X-RateLimit-Remaining"), "")
	equal(t, "three", serve(handler, "GET", "/?item=1&item=2&item=3", nil).Header.Get("X-RateLimit-Remaining"), "7")
	r := serve(handler, "GET", "/?"+strings.Repeat("item=1&", 11), nil)
	equal(t, "never", [2]any{r.StatusCode, r.Header.Get("Retry-After")}, [2]any{400, ""})
	equal(t, "body", read(t, r), `{"message":"The request costs more than its quota ever admits.","status":"error"}`)
}

// reads answers 413 as a handler should, when the body turns out too long.
func reads(w http.ResponseWriter, r *http.Request) {
	_, err := io.ReadAll(r.Body)
	if !WriteTooLarge(w, err) {
		ok(w, r)
	}
}

func TestBodiesThatAreTooLargeCostNothing(t *testing.T) {
	limiter, _ := manual(t, "10/minute")
	handler := Middleware(limiter, WithMaxBody(5))(http.HandlerFunc(reads))
	const said = `{"message":"Request body too large. The limit is 5 bytes.","status":"error"}`
	unread := strings.NewReader("123456")
	declared := serve(handler, "POST", "/", unread)
	equal(t, "declared", [2]any{declared.StatusCode, read(t, declared)}, [2]any{413, said})
	equal(t, "read", unread.Len(), 6)
	streamed := serve(handler, "POST", "/", io.MultiReader(strings.NewReader("123"), strings.NewReader("456")))
	equal(t, "streamed", [2]any{streamed.StatusCode, read(t, streamed)}, [2]any{413, said})
	fits := serve(handler, "POST", "/", io.MultiReader(strings.NewReader("12345")))
	equal(t, "fits", [2]any{fits.StatusCode, read(t, fits)}, [2]any{200, "hello"})
	equal(t, "cost", must(limiter.Peek("192.0.2.1"))(t).Remaining, 9)
}

func TestSeveralLimiters(t *testing.T) {
	users, _ := manual(t, "10/minute")
	teams, _ := manual(t, "1/hour")
	team := func(r *http.Request) string { return r.Header.Get("X-Team") }
	handler := Middleware(users, WithKey(APIKey), WithAlso(teams, team))(http.HandlerFunc(ok))
	ask := func(key string) *http.Response {
		return serve(handler, "GET", "/", nil, "X-API-Key", key, "X-Team", "red")
	}
	equal(t, "alice", ask("alice").Header.Get("X-RateLimit-Limit"), "10")
	bob := ask("bob")
	equal(t, "bob", [3]any{bob.StatusCode, bob.Header.Get("X-RateLimit-Limit"), bob.Header.Get("Retry-After")}, [3]any{429, "1", "3600"})
	equal(t, "nothing is taken", must(users.Peek("bob"))(t).Remaining, 10)
}

func TestCORS(t *testing.T) {
	limiter, _ := manual(t, "1/minute")
	handler := Middleware(limiter, WithStyle(IETF), WithExposedHeaders())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Access-Control-Expose-Headers", "ETag")
	}))
	r := serve(handler, "GET", "/", nil)
	equal(t, "exposed", r.Header["Access-Control-Expose-Headers"], []string{"RateLimit-Policy, RateLimit, Retry-After", "ETag"})
}

func TestJitterIsUpward(t *testing.T) {
	limiter, _ := manual(t, "1/minute")
	handler := Middleware(limiter, WithRetryJitter(5*time.Second))(http.HandlerFunc(ok))
	serve(handler, "GET", "/", nil)
	seen := map[string]bool{}
	for range 200 {
		r := serve(handler, "GET", "/", nil)
		after := r.Header.Get("Retry-After")
		seen[after] = true
		equal(t, "body", read(t, r), `{"message":"Rate limit exceeded. Try again in `+after+` seconds.","status":"error"}`)
	}
	equal(t, "seconds", seen, map[string]bool{"60": true, "61": true, "62": true, "63": true, "64": true, "65": true})
}

func TestWhenNothingCanBeDecided(t *testing.T) {
	limiter, _ := manual(t, "1/minute")
	var told error
	onError := WithOnError(func(_ *http.Request, err error) { told = err })
	closed := Middleware(limiter, onError)(http.HandlerFunc(ok))
	open := Middleware(limiter, onError, WithFailOpen())(http.HandlerFunc(ok))
	_ = limiter.Close()
	equal(t, "closed", serve(closed, "GET", "/", nil).StatusCode, 503)
	equal(t, "open", serve(open, "GET", "/", nil).StatusCode, 200)
	if !errors.Is(told, ErrClosed) {
		t.Error(told)
	}
}

func TestAnswersOfOnesOwn(t *testing.T) {
	limiter, _ := manual(t, "1/minute")
	handler := Middleware(limiter, WithDenied(func(w http.ResponseWriter, _ *http.Request, d Decision) {
		http.Error(w, strings.Join(d.Violated(), " "), http.StatusTeapot)
	}))(http.HandlerFunc(ok))
	serve(handler, "GET", "/", nil)
	r := serve(handler, "GET", "/", nil)
	equal(t, "own", [3]any{r.StatusCode, read(t, r), r.Header.Get("Retry-After")}, [3]any{418, "minute\n", "60"})
}

// Over a connection: flushing, hijacking and HEAD work as without the middleware.
func TestOverTheWire(t *testing.T) {
	limiter, _ := manual(t, "2/minute")
	mux := http.NewServeMux()
	mux.HandleFunc("/flush", func(w http.ResponseWriter, r *http.Request) {
		ok(w, r)
		w.(http.Flusher).Flush()
	})
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 299 Mine\r\nContent-Length: 0\r\n\r\n")
			_ = conn.Close()
		}
	})
	server := httptest.NewServer(Middleware(limiter)(mux))
	defer server.Close()
	flushed := must(http.Get(server.URL + "/flush"))(t)
	equal(t, "flush", [2]any{read(t, flushed), flushed.Header.Get("X-RateLimit-Remaining")}, [2]any{"hello", "1"})
	hijacked := must(http.Get(server.URL + "/hijack"))(t)
	equal(t, "hijack", hijacked.StatusCode, 299)
	head := must(http.Head(server.URL + "/flush"))(t)
	equal(t, "head", [3]any{head.StatusCode, head.Header.Get("Retry-After"), read(t, head)}, [3]any{429, "60", ""})
}

// A client that waits for 100 Continue never sends a body that is too large.
func TestTooLargeIsSaidBeforeTheBody(t *testing.T) {
	limiter, _ := manual(t, "2/minute")
	server := httptest.NewServer(Middleware(limiter, WithMaxBody(5))(http.HandlerFunc(reads)))
	defer server.Close()
	conn := must(net.Dial("tcp", server.Listener.Addr().String()))(t)
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n")
	r := must(http.ReadResponse(bufio.NewReader(conn), nil))(t)
	equal(t, "status", r.StatusCode, 413)
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// What the middleware adds to a request: key, decision, headers.
func BenchmarkMiddleware(b *testing.B) {
	limiter := must(New(never))(b)
	handler := Middleware(limiter)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	w, r := discard{http.Header{}}, httptest.NewRequest("GET", "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(w, r)
	}
}
