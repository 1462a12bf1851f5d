package tidegate

// #include "bridge.h"
// #cgo noescape tgo_check_many
// #cgo nocallback tgo_check_many
// #cgo noescape tgo_check_all
// #cgo nocallback tgo_check_all
import "C"

import (
	"runtime"
	"slices"
	"strconv"
	"sync"
	"unsafe"
)

// CheckMany decides about cost units for each of keys, in order: the decisions of as many calls of
// Check at one moment, in one call of C. Keys may repeat. If any key is wrong nothing is taken.
// Errors: as for Check.
func (l *Limiter) CheckMany(keys []string, cost uint64) ([]Decision, error) {
	return l.checkMany(nil, keys, func(int) uint64 { return cost })
}

// CheckManyInto is CheckMany with the memory of earlier decisions, for those who check batch after
// batch: no more is allocated than into lacks.
func (l *Limiter) CheckManyInto(into []Decision, keys []string, cost uint64) ([]Decision, error) {
	return l.checkMany(into, keys, func(int) uint64 { return cost })
}

// CheckManyCosts is CheckMany with a cost for each key. Errors: also [ErrCostCount].
func (l *Limiter) CheckManyCosts(keys []string, costs []uint64) ([]Decision, error) {
	if len(keys) != len(costs) {
		message := strconv.Itoa(len(costs)) + " costs were given for " + strconv.Itoa(len(keys)) + " keys: give one for each"
		return nil, &Error{Code: "cost-count", Status: C.TG_COST_COUNT, Message: message, kind: ErrCostCount}
	}
	return l.checkMany(nil, keys, func(i int) uint64 { return costs[i] })
}

func (l *Limiter) checkMany(into []Decision, keys []string, cost func(int) uint64) ([]Decision, error) {
	h := l.use()
	if h == nil {
		return nil, closedError()
	}
	if len(keys) == 0 {
		return into[:0], nil
	}
	b := newBatch(len(keys), func(i int) (string, uint64) { return keys[i], cost(i) })
	defer batches.Put(b)
	outcome := C.tgo_check_many(h.c, b.text(), &b.lens[0], &b.costs[0], C.size_t(len(keys)), &b.decisions[0], &b.infos[0])
	runtime.KeepAlive(h)
	if err := failed(outcome); err != nil {
		return nil, err
	}
	return b.results(into, func(int) *handle { return h }), nil
}

// batch is what C reads and fills for several keys at once. The keys are copied one behind the other,
// since no array of pointers into Go's memory may be given to C.
type batch struct {
	keys      []byte
	lens      []C.size_t
	costs     []C.uint64_t
	decisions []C.tg_decision
	infos     []C.tg_info
}

// Batches are used again, since C's part of them is as large as what is returned.
var batches = sync.Pool{New: func() any { return new(batch) }}

func newBatch(count int, part func(int) (string, uint64)) *batch {
	b := batches.Get().(*batch)
	b.keys = b.keys[:0]
	b.lens, b.costs = sized(b.lens, count), sized(b.costs, count)
	b.decisions, b.infos = sized(b.decisions, count), sized(b.infos, count)
	for i := range count {
		key, cost := part(i)
		b.keys = append(b.keys, key...)
		b.lens[i], b.costs[i] = C.size_t(len(key)), C.uint64_t(cost)
	}
	return b
}

// sized is a slice of that length, with anything in it.
func sized[T any](slice []T, length int) []T {
	return slices.Grow(slice[:0], length)[:length]
}

func (b *batch) text() *C.char { return (*C.char)(unsafe.Pointer(unsafe.SliceData(b.keys))) }

func (b *batch) results(into []Decision, of func(int) *handle) []Decision {
	results := sized(into, len(b.infos))
	for i := range results {
		results[i].c, results[i].jitter = b.decisions[i], 0
		results[i].finish(of(i), &b.infos[i])
	}
	return results
}

// Part is a key of one limiter, and what it is to pay in [CheckAll].
type Part struct {
	Limiter *Limiter
	Key     string
	// Cost is in units of each limit of the limiter.
	Cost uint64
}

// JointDecision is what all parts of a joint check say.
type JointDecision struct {
	// Allowed says whether every part admits; only then has anything been taken.
	Allowed bool
	// Decisions has the decision of each part, in order. On a joint denial a part that would have
	// admitted is Allowed, and nothing has been taken from it.
	Decisions []Decision
	// Reported is the index of the decision to answer with: the denial with the longest wait, or
	// the first.
	Reported int
}

// CheckAll decides about several keys of different limiters at once, a user and their organisation,
// say: all admit, or nothing is taken. Errors: [ErrJoint] for no part, more than 8 or one limiter
// twice; and for each part as for [Limiter.Check].
func CheckAll(parts ...Part) (JointDecision, error) {
	handles := make([]*handle, len(parts))
	limiters := make([]*C.tg_limiter, len(parts)+1)
	for i, part := range parts {
		if part.Limiter == nil {
			message := "part " + strconv.Itoa(i) + " has no limiter"
			return JointDecision{}, &Error{Code: "joint", Status: C.TG_JOINT, Message: message, kind: ErrJoint}
		}
		if handles[i] = part.Limiter.use(); handles[i] == nil {
			return JointDecision{}, closedError()
		}
		limiters[i] = handles[i].c
	}
	return checkAll(parts, handles, limiters)
}

func checkAll(parts []Part, handles []*handle, limiters []*C.tg_limiter) (JointDecision, error) {
	b := newBatch(len(limiters), func(i int) (string, uint64) {
		if i == len(parts) {
			return "", 0 // there is an element, so that there is an address, for no parts too
		}
		return parts[i].Key, parts[i].Cost
	})
	defer batches.Put(b)
	var allowed C.bool
	var reported C.size_t
	outcome := C.tgo_check_all(&limiters[0], b.text(), &b.lens[0], &b.costs[0], C.size_t(len(parts)),
		&b.decisions[0], &b.infos[0], &allowed, &reported)
	runtime.KeepAlive(handles)
	if err := failed(outcome); err != nil {
		return JointDecision{}, err
	}
	decisions := b.results(nil, func(i int) *handle { return append(handles, nil)[i] })[:len(parts)]
	return JointDecision{Allowed: bool(allowed), Decisions: decisions, Reported: int(reported)}, nil
}
