package tidegate

// #include "bridge.h"
// #cgo noescape tgo_limit_state
// #cgo nocallback tgo_limit_state
// #cgo noescape tgo_headers
// #cgo nocallback tgo_headers
// #cgo noescape tgo_body
// #cgo nocallback tgo_body
import "C"

import (
	"iter"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// Decision is what a check says. It is a plain value and stays good when its limiter is closed.
//
// The numbers speak of one limit: on an admission of the one that [WithReport] chose, on a denial of
// the denying limit with the longest wait. What there is one of for each limit are methods, so that a
// check allocates nothing: Violated and Limits work it out when they are asked.
type Decision struct {
	// Allowed says whether the request is within every limit; only then has anything been taken.
	Allowed bool
	// Tracked is false when the table was full and [OnFull] decided instead.
	Tracked bool
	// Limit is the quota of the reported limit, in cost units per window.
	Limit uint64
	// Remaining is the whole cost units that it has left.
	Remaining uint64
	// ResetAfter is the time until it has its full quota again if nothing more is sent.
	ResetAfter time.Duration
	// RetryAfter is, on a denial, the time after which this very cost can pass; 0 when allowed.
	RetryAfter time.Duration

	of       *handle
	at       uint64
	violated uint64
	reported uint32
	jitter   uint32
	seconds  uint64 // RetryAfter, as the header has it
	c        C.tg_decision
}

// LimitState is the state of one limit after a decision.
type LimitState struct {
	Name   string
	Quota  uint64
	Window time.Duration
	// Violated says whether this limit denies.
	Violated bool
	// Remaining is the whole cost units left. A refused cost takes nothing.
	Remaining uint64
	// ResetAfter is the time until the full quota is there again if nothing more is sent.
	ResetAfter time.Duration
	// RetryAfter is the time after which this cost can pass this limit; 0 if it can now.
	RetryAfter time.Duration
	// EffectiveWindow is the time for which Remaining holds: t of the IETF headers.
	EffectiveWindow time.Duration
}

// finish takes the numbers over. After a failed call info is zero, and the decision stays empty.
func (d *Decision) finish(h *handle, info *C.tg_info) {
	d.of = h
	d.Allowed, d.Tracked = bool(info.allowed), bool(info.tracked)
	d.Limit, d.Remaining = uint64(info.limit), uint64(info.remaining)
	d.ResetAfter, d.RetryAfter = duration(info.reset_after_ns), duration(info.retry_after_ns)
	d.at, d.violated, d.reported = uint64(info.at_ns), uint64(info.violated), uint32(info.reported)
	d.seconds = uint64(info.retry_after_seconds)
}

// Violated are the names of the limits that deny, in the policy's order; none when allowed.
func (d *Decision) Violated() []string {
	var names []string
	if d.violated == 0 {
		return names
	}
	for i := range d.of.limits {
		if d.violated>>i&1 == 1 {
			names = append(names, d.of.limits[i].Name)
		}
	}
	return names
}

// Reported is the name of the limit that the numbers speak of.
func (d *Decision) Reported() string {
	if d.of == nil || int(d.reported) >= len(d.of.limits) {
		return ""
	}
	return d.of.limits[d.reported].Name
}

// Limits gives the state of every limit, in the policy's order.
func (d *Decision) Limits() iter.Seq[LimitState] {
	return func(yield func(LimitState) bool) {
		if d.of == nil {
			return
		}
		for i := range d.of.limits {
			var c C.tg_limit_state
			outcome := C.tgo_limit_state(&d.c, C.size_t(i), &c)
			runtime.KeepAlive(d.of)
			if failed(outcome) != nil || !yield(d.of.limits[i].state(&c)) {
				return
			}
		}
	}
}

func (l *Limit) state(c *C.tg_limit_state) LimitState {
	return LimitState{
		Name:            l.Name,
		Quota:           l.Quota,
		Window:          l.Window,
		Violated:        bool(c.violated),
		Remaining:       uint64(c.remaining),
		ResetAfter:      duration(c.reset_after_ns),
		RetryAfter:      duration(c.retry_after_ns),
		EffectiveWindow: duration(c.effective_window_ns),
	}
}

// At is the limiter's time of the decision, since its clock's zero.
func (d *Decision) At() time.Duration { return duration(C.uint64_t(d.at)) }

// RetryAfterSeconds is the value of Retry-After: the wait in whole seconds, rounded up, at least 1;
// 0 when allowed.
func (d *Decision) RetryAfterSeconds() uint64 {
	if d.Allowed {
		return 0
	}
	return d.seconds + uint64(d.jitter)
}

// Jittered is the same decision with a Retry-After that is longer by 0 to spread, at random and in
// whole seconds, in its headers and its body: clients that were denied together don't come back
// together. An admission stays as it is.
func (d Decision) Jittered(spread time.Duration) Decision {
	if !d.Allowed && spread >= time.Second {
		seconds := C.uint64_t(min(spread/time.Second, 1<<31))
		d.jitter = uint32(C.tg_jittered(0, seconds, C.uint64_t(rand.Uint64())))
	}
	return d
}

// WriteHeaders sets the headers of a response, in one style or several (XRateLimit | IETF), and
// Retry-After on a denial. net/http writes X-RateLimit-Limit as X-Ratelimit-Limit; names of headers
// have no case.
func (d *Decision) WriteHeaders(header http.Header, style Style) {
	var small [512]byte
	lines, large := small[:], C.size_t(0)
	for {
		start := (*C.char)(unsafe.Pointer(unsafe.SliceData(lines)))
		outcome := C.tgo_headers(&d.c, C.uint32_t(style), C.uint64_t(d.RetryAfterSeconds()), start, C.size_t(len(lines)), &large)
		runtime.KeepAlive(d.of)
		err := failed(outcome)
		if outcome.status == C.TG_BUFFER_TOO_SMALL && int(large) >= len(lines) {
			lines = make([]byte, large+1)
			continue
		}
		if err != nil {
			return // an empty decision, or a style that is none, has no headers
		}
		setLines(header, string(lines[:large]))
		return
	}
}

// setLines sets headers from lines of "Name: value" that end in CR LF.
func setLines(header http.Header, lines string) {
	for line := range strings.SplitSeq(lines, "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			header[canonical(name)] = []string{value}
		}
	}
}

// canonical spares net/http the work, and the memory, for the names that we write.
func canonical(name string) string {
	switch name {
	case "X-RateLimit-Limit":
		return "X-Ratelimit-Limit"
	case "X-RateLimit-Remaining":
		return "X-Ratelimit-Remaining"
	case "X-RateLimit-Reset":
		return "X-Ratelimit-Reset"
	case "Retry-After":
		return name
	}
	return http.CanonicalHeaderKey(name)
}

// Body is the body of a refusal, and what goes with it.
type Body struct {
	// Status is 429 or 413; 0 where there is no body, since the request was allowed.
	Status int
	// ContentType and CacheControl are the values of these headers.
	ContentType, CacheControl string
	// Text is JSON.
	Text string
}

// Body is the body of a denial: a message as JSON, or a problem (RFC 9457) if the request's Accept
// header prefers that. It is empty when allowed.
func (d *Decision) Body(accept string) Body {
	if d.Allowed || d.of == nil {
		return Body{}
	}
	var head C.tg_body_head
	start, n := chars(accept)
	text, err := filled(func(buf *C.char, size C.size_t, len *C.size_t) C.tgo_outcome {
		return C.tgo_body(&d.c, start, n, C.uint64_t(d.RetryAfterSeconds()), &head, buf, size, len)
	})
	runtime.KeepAlive(accept)
	runtime.KeepAlive(d.of)
	if err != nil {
		return Body{}
	}
	return bodyOf(&head, text)
}

// ContentTooLarge is the body for a request whose own is larger than maxBody bytes: 413.
func ContentTooLarge(maxBody int64) Body {
	var head C.tg_body_head
	text, err := filled(func(buf *C.char, size C.size_t, len *C.size_t) C.tgo_outcome {
		return C.tgo_body_too_large(C.uint64_t(max(maxBody, 0)), &head, buf, size, len)
	})
	if err != nil {
		return Body{Status: http.StatusRequestEntityTooLarge}
	}
	return bodyOf(&head, text)
}

func bodyOf(head *C.tg_body_head, text string) Body {
	return Body{
		Status:       int(head.status),
		ContentType:  C.GoString(head.content_type),
		CacheControl: C.GoString(head.cache_control),
		Text:         text,
	}
}

// Write answers with the body.
func (b Body) write(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", b.ContentType)
	header.Set("Cache-Control", b.CacheControl)
	header.Del("Content-Length")
	w.WriteHeader(b.Status)
	_, _ = w.Write([]byte(b.Text)) // a client that is gone needs no answer
}
