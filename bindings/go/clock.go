package tidegate

// #include "bridge.h"
import "C"

import (
	"runtime"
	"sync"
	"time"
)

// ManualClock is a clock for tests: it stands still until it is moved. Give it to [WithClock]; one
// clock may drive several limiters. Its zero is the Unix epoch where headers ask for a date.
type ManualClock struct {
	c *C.tg_manual_clock

	mu sync.Mutex
	// Closed, and replaced, whenever the clock is moved.
	moved chan struct{}
}

// NewManualClock makes a clock that stands at the Unix epoch. It can only fail, and then panics, if
// there is no memory.
func NewManualClock() *ManualClock {
	clock := &ManualClock{moved: make(chan struct{})}
	if err := failed(C.tgo_clock_new(0, &clock.c)); err != nil {
		panic(err)
	}
	runtime.AddCleanup(clock, func(c *C.tg_manual_clock) { C.tg_manual_clock_free(c) }, clock.c)
	return clock
}

// Advance moves the time forward; a negative span changes nothing.
func (m *ManualClock) Advance(by time.Duration) {
	C.tg_manual_clock_advance(m.c, C.uint64_t(max(by, 0)))
	m.announce()
}

// Set sets the time since the Unix epoch, backwards too.
func (m *ManualClock) Set(since time.Duration) {
	C.tg_manual_clock_set(m.c, C.uint64_t(max(since, 0)))
	m.announce()
}

// Now is the time since the Unix epoch.
func (m *ManualClock) Now() time.Duration {
	var now C.uint64_t
	C.tg_manual_clock_now(m.c, &now)
	runtime.KeepAlive(m)
	return duration(now)
}

func (m *ManualClock) apply(o *options) { o.c.clock, o.manual = C.TG_CLOCK_AUTO, m }

// announce wakes all who wait for the clock to be moved.
func (m *ManualClock) announce() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.moved)
	m.moved = make(chan struct{})
}

// nextMove is closed when the clock is moved again.
func (m *ManualClock) nextMove() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.moved
}
