package tidegate

// #include "bridge.h"
// #cgo noescape tgo_check
// #cgo nocallback tgo_check
// #cgo noescape tgo_check_costs
// #cgo nocallback tgo_check_costs
// #cgo noescape tgo_peek
// #cgo nocallback tgo_peek
// #cgo noescape tgo_allow
// #cgo nocallback tgo_allow
// #cgo noescape tgo_refund
// #cgo nocallback tgo_refund
// #cgo noescape tgo_refund_costs
// #cgo nocallback tgo_refund_costs
// #cgo noescape tgo_reset
// #cgo nocallback tgo_reset
import "C"

import (
	"runtime"
	"unsafe"
)

// Check decides about cost units for key: all are taken from every limit, or nothing is. A denial is
// a decision with Allowed false. Nothing is allocated, and the key is not copied.
//
// Errors: [ErrEmptyKey], [ErrKeyTooLong], [ErrZeroCost], [ErrCostAboveQuota], [ErrClosed]. The
// decision is then empty: not allowed.
func (l *Limiter) Check(key string, cost uint64) (d Decision, err error) {
	h := l.use()
	if h == nil {
		return d, closedError()
	}
	var info C.tg_info
	text, n := chars(key)
	err = failed(C.tgo_check(h.c, text, n, C.uint64_t(cost), &d.c, &info))
	d.finish(h, &info)
	return d, err
}

// CheckBytes is [Limiter.Check] for a key in a byte slice, which is not copied either.
func (l *Limiter) CheckBytes(key []byte, cost uint64) (Decision, error) {
	return l.Check(unsafe.String(unsafe.SliceData(key), len(key)), cost)
}

// CheckCosts decides about a cost for each limit, in the policy's order: one request and 900 tokens,
// say. A limit whose cost is 0 has no say. Errors: as for Check, and [ErrCostCount].
func (l *Limiter) CheckCosts(key string, costs ...uint64) (d Decision, err error) {
	h := l.use()
	if h == nil {
		return d, closedError()
	}
	var info C.tg_info
	text, n := chars(key)
	err = failed(C.tgo_check_costs(h.c, text, n, numbers(costs), C.size_t(len(costs)), &d.c, &info))
	d.finish(h, &info)
	return d, err
}

// Allow says whether one unit for key is within every limit; taken if so. It is the quickest of the
// checks. It says false for what is no key (empty, or above [MaxKeyBytes]) and when the limiter is
// closed: use [Limiter.AllowN] to be told.
func (l *Limiter) Allow(key string) bool {
	allowed, err := l.AllowN(key, 1)
	return allowed && err == nil
}

// AllowN says whether cost units for key are within every limit; taken if so. Errors: as for Check.
func (l *Limiter) AllowN(key string, cost uint64) (bool, error) {
	h := l.use()
	if h == nil {
		return false, closedError()
	}
	var allowed C.bool
	text, n := chars(key)
	outcome := C.tgo_allow(h.c, text, n, C.uint64_t(cost), &allowed)
	runtime.KeepAlive(h)
	return bool(allowed), failed(outcome)
}

// Peek says what a check of one unit would be told, with the numbers as they are now; takes nothing.
func (l *Limiter) Peek(key string) (d Decision, err error) {
	h := l.use()
	if h == nil {
		return d, closedError()
	}
	var info C.tg_info
	text, n := chars(key)
	err = failed(C.tgo_peek(h.c, text, n, &d.c, &info))
	d.finish(h, &info)
	return d, err
}

// Refund gives cost units back to every limit of key: a log forgets its newest events, a bucket gets
// its tokens back, up to full. Errors: as for Check.
func (l *Limiter) Refund(key string, cost uint64) error {
	return l.giveBack(key, func(h *handle, text *C.char, n C.size_t) C.tgo_outcome {
		return C.tgo_refund(h.c, text, n, C.uint64_t(cost))
	})
}

// RefundCosts gives a cost back to each limit, in the policy's order. Errors: as for CheckCosts.
func (l *Limiter) RefundCosts(key string, costs ...uint64) error {
	return l.giveBack(key, func(h *handle, text *C.char, n C.size_t) C.tgo_outcome {
		return C.tgo_refund_costs(h.c, text, n, numbers(costs), C.size_t(len(costs)))
	})
}

// Reset forgets what key has used.
func (l *Limiter) Reset(key string) error {
	return l.giveBack(key, func(h *handle, text *C.char, n C.size_t) C.tgo_outcome {
		return C.tgo_reset(h.c, text, n)
	})
}

// giveBack makes a call after which those who wait for the key may be lucky.
func (l *Limiter) giveBack(key string, call func(*handle, *C.char, C.size_t) C.tgo_outcome) error {
	h := l.use()
	if h == nil {
		return closedError()
	}
	text, n := chars(key)
	outcome := call(h, text, n)
	runtime.KeepAlive(key)
	runtime.KeepAlive(h)
	if err := failed(outcome); err != nil {
		return err
	}
	l.waiters.wake(key)
	return nil
}

func numbers(costs []uint64) *C.uint64_t {
	return (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(costs)))
}
