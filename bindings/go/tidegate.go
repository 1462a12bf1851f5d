// Package tidegate keeps exact rate limits, decided in nanoseconds: several limits at once, per key,
// all or nothing, with the HTTP headers that clients read.
//
//	limiter, err := tidegate.New("100/minute; 10/second token-bucket")
//	…
//	decision, err := limiter.Check("api-key-1", 1)
//	if !decision.Allowed { … decision.RetryAfter … }
//
// A [Limiter] is a policy with a bounded table of keys. Keys are strings of 1 to 64 KiB, any bytes.
// Costs are whole units. A denial is a result, not an error. [Middleware] puts a limiter before an
// [net/http.Handler].
package tidegate

// #include "bridge.h"
// #cgo noescape tgo_counters
// #cgo nocallback tgo_counters
import "C"

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"
)

// MaxKeyBytes is the longest key.
const MaxKeyBytes = C.TG_MAX_KEY_BYTES

// Limiter is a policy with its table of keys. It is used by any number of goroutines at once.
type Limiter struct {
	// Nil when closed. A call works with what it has loaded, so that Close needs no lock: the
	// garbage collector knows when nobody uses the handle any more.
	open    atomic.Pointer[handle]
	waiters waiters
}

// handle owns the limiter of the C library. Decisions keep it alive, since they read from it.
type handle struct {
	c       *C.tg_limiter
	manual  *ManualClock
	limits  []Limit
	maxBody uint64
}

// Limit is one limit of a policy.
type Limit struct {
	Name string
	// Quota is the cost units per Window.
	Quota  uint64
	Window time.Duration
	// Algorithm is "sliding-window-log" or "token-bucket".
	Algorithm string
	// Capacity is the most that one call may cost: a log's quota, a bucket's burst.
	Capacity uint64
	// Unit is what is counted: "requests", "content-bytes" or "concurrent-requests".
	Unit string
	// Resolution is the tick in which the limit counts time.
	Resolution time.Duration
}

// Counters say what a limiter has done since it was made. Every check is counted once; a call of Wait
// makes one check, and another whenever it looks again.
type Counters struct {
	Admitted uint64
	// Denied has the denials by the limit that their decision reports, in the policy's order.
	Denied []uint64
	// Overflowed are the calls of keys that the table had no room for; each is admitted or denied too.
	Overflowed uint64
	// Reclaimed are the entries that had recovered and whose place a new key took.
	Reclaimed uint64
	// Unavailable are the calls whose entry could not be had (shared segments only); each is also
	// admitted or denied.
	Unavailable uint64
}

// New makes a limiter for a policy in notation, such as "100/minute; 10/second token-bucket", or for
// a name in the file of [WithPolicyFile].
//
// Errors: [ErrNotation], [ErrPolicy], [ErrPolicyFile], [ErrOptions], [ErrMemory], [ErrSegment].
func New(policy string, opts ...Option) (*Limiter, error) {
	if C.tg_abi_version() != C.TG_ABI_VERSION {
		return nil, optionsError("the static library is not the header's: run `make lib-go` again")
	}
	var o options
	for _, option := range opts {
		if err := option(&o); err != nil {
			return nil, err
		}
	}
	c, err := o.make(policy)
	if err != nil {
		return nil, err
	}
	h := &handle{c: c, manual: o.manual, maxBody: uint64(C.tg_limiter_max_body(c))}
	runtime.AddCleanup(h, func(c *C.tg_limiter) { C.tg_limiter_free(c) }, c)
	if err := h.describe(); err != nil {
		return nil, err
	}
	limiter := &Limiter{}
	limiter.open.Store(h)
	return limiter, nil
}

func (o *options) make(policy string) (*C.tg_limiter, error) {
	if o.manual != nil {
		o.c.manual_clock = o.manual.c
	}
	var c *C.tg_limiter
	text, textLen := chars(policy)
	segment, segmentLen := chars(o.segment)
	file, fileLen := chars(o.file)
	err := failed(C.tgo_limiter_new(text, textLen, &o.c, segment, segmentLen, file, fileLen, &c))
	runtime.KeepAlive(o.manual)
	return c, err
}

// describe copies what the policy says, so that nothing of Go points into the library.
func (h *handle) describe() error {
	h.limits = make([]Limit, C.tg_limiter_limits(h.c))
	for i := range h.limits {
		var c C.tg_limit
		if err := failed(C.tgo_limit(h.c, C.size_t(i), &c)); err != nil {
			return err
		}
		h.limits[i] = Limit{
			Name:       text(c.name, c.name_len),
			Quota:      uint64(c.quota),
			Window:     duration(c.window_ns),
			Algorithm:  algorithm(c.algorithm),
			Capacity:   uint64(c.capacity),
			Unit:       text(c.unit, c.unit_len),
			Resolution: duration(c.resolution_ns),
		}
	}
	return nil
}

func algorithm(number C.uint32_t) string {
	switch number {
	case C.TG_SLIDING_WINDOW_LOG:
		return "sliding-window-log"
	case C.TG_TOKEN_BUCKET:
		return "token-bucket"
	}
	return "other"
}

// Close ends the limiter: calls that begin later fail with [ErrClosed], and those that wait end with
// it. Calls that are under way, and decisions that are there, stay good; the table is given back by
// the garbage collector when the last of them is gone. Close may be called more than once, at any
// time. A limiter that is merely forgotten is given back too.
func (l *Limiter) Close() error {
	l.open.Store(nil)
	l.waiters.wakeAll()
	return nil
}

// use gives the handle, nil if the limiter is closed.
func (l *Limiter) use() *handle {
	maybeGC()
	return l.open.Load()
}

// Policy is the policy in its canonical notation; "" if the limiter is closed.
func (l *Limiter) Policy() string {
	h := l.use()
	if h == nil {
		return ""
	}
	policy, _ := filled(func(buf *C.char, size C.size_t, n *C.size_t) C.tgo_outcome {
		return C.tgo_policy(h.c, buf, size, n)
	})
	runtime.KeepAlive(h)
	return policy
}

// Limits are the limits of the policy, in its order; none if the limiter is closed.
func (l *Limiter) Limits() []Limit {
	h := l.use()
	if h == nil {
		return nil
	}
	return append([]Limit(nil), h.limits...)
}

// MaxKeys is how many keys can be counted at once, at least as many as were asked for; 0 if the
// limiter is closed.
func (l *Limiter) MaxKeys() int {
	h := l.use()
	if h == nil {
		return 0
	}
	defer runtime.KeepAlive(h)
	return int(C.tg_limiter_max_keys(h.c))
}

// MaxBody is the largest request body in bytes that the policy file allows, if it says so.
func (l *Limiter) MaxBody() (bytes int64, ok bool) {
	h := l.use()
	if h == nil || h.maxBody > 1<<63-1 {
		return 0, false
	}
	return int64(h.maxBody), true
}

// Counters say what the limiter has done so far. Errors: [ErrClosed].
func (l *Limiter) Counters() (Counters, error) {
	h := l.use()
	if h == nil {
		return Counters{}, closedError()
	}
	defer runtime.KeepAlive(h)
	var c C.tg_counters
	if err := failed(C.tgo_counters(h.c, &c)); err != nil {
		return Counters{}, err
	}
	counters := Counters{
		Admitted:    uint64(c.admitted),
		Denied:      make([]uint64, len(h.limits)),
		Overflowed:  uint64(c.overflowed),
		Reclaimed:   uint64(c.reclaimed),
		Unavailable: uint64(c.unavailable),
	}
	for i := range counters.Denied {
		counters.Denied[i] = uint64(c.denied[i])
	}
	return counters, nil
}

// Version is that of the C library.
func Version() string { return C.GoString(C.tg_version()) }

// headerVersion is that of the header; a test compares them.
const headerVersion = C.TG_VERSION

// chars lends a text to C for the duration of one call. Nothing is copied.
func chars(s string) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(s))), C.size_t(len(s))
}

func text(start *C.char, n C.size_t) string { return C.GoStringN(start, C.int(n)) }

func duration(nanos C.uint64_t) time.Duration {
	return time.Duration(min(uint64(nanos), 1<<63-1))
}

// filled calls until the buffer is large enough, and gives the text that was written to it.
func filled(call func(buf *C.char, size C.size_t, n *C.size_t) C.tgo_outcome) (string, error) {
	buf := make([]byte, 256)
	for {
		var n C.size_t
		outcome := call((*C.char)(unsafe.Pointer(&buf[0])), C.size_t(len(buf)), &n)
		err := failed(outcome)
		if outcome.status == C.TG_BUFFER_TOO_SMALL && int(n) >= len(buf) {
			buf = make([]byte, n+1)
			continue
		}
		if err != nil {
			return "", err
		}
		return string(buf[:n]), nil
	}
}
