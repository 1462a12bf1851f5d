package tidegate

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Wait returns when cost units for key are admitted, and taken. Who waits for one key is admitted in
// the order of the calls. Nothing polls: one sleeps until the time that its denial named, or until a
// refund or a reset by this limiter.
//
// A deadline of ctx that is nearer than the wait fails at once, and takes nothing. Then, and when ctx
// ends, the error is a [*WaitError] that wraps [context.DeadlineExceeded] or [context.Canceled] and
// has the time that was still to wait. With a [ManualClock] the wait is over when the clock has been
// moved far enough; deadlines are held against its span all the same. Other errors: as for Check.
func (l *Limiter) Wait(ctx context.Context, key string, cost uint64) error {
	if err := ctx.Err(); err != nil {
		return &WaitError{cause: err}
	}
	if l.waiters.nobody() {
		if d, err := l.Check(key, cost); err != nil || d.Allowed {
			return err
		}
	}
	turn := l.waiters.join(key)
	defer turn.leave()
	wait := time.Duration(0)
	for {
		moved := l.nextMove()
		left, done, err := l.try(turn, key, cost)
		if done || err != nil {
			return err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < left {
			return &WaitError{RetryAfter: left, cause: context.DeadlineExceeded}
		}
		wait = left
		if err := turn.sleep(ctx, wait, moved); err != nil {
			return &WaitError{RetryAfter: wait, cause: err}
		}
	}
}

// try takes the cost if it is this one's turn. If not, the wait is at least that of one unit.
func (l *Limiter) try(turn *turn, key string, cost uint64) (wait time.Duration, done bool, err error) {
	if !turn.isFirst() {
		d, err := l.Peek(key)
		return d.RetryAfter, false, err
	}
	d, err := l.Check(key, cost)
	return d.RetryAfter, d.Allowed, err
}

// nextMove is closed when the limiter's manual clock is moved; nil for a clock that moves by itself.
func (l *Limiter) nextMove() <-chan struct{} {
	if h := l.use(); h != nil && h.manual != nil {
		return h.manual.nextMove()
	}
	return nil
}

// waiters are all who wait on one limiter, by their key.
type waiters struct {
	mu     sync.Mutex
	queues map[string][]*turn
	// How many wait, so that nobody else need lock to learn that nobody does.
	count atomic.Int64
}

// turn is a place in the queue of a key.
type turn struct {
	of   *waiters
	key  string
	look chan struct{} // says: look again
}

func (w *waiters) nobody() bool { return w.count.Load() == 0 }

// join takes the last place in the queue of key.
func (w *waiters) join(key string) *turn {
	t := &turn{of: w, key: key, look: make(chan struct{}, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count.Add(1)
	if w.queues == nil {
		w.queues = make(map[string][]*turn)
	}
	w.queues[key] = append(w.queues[key], t)
	return t
}

// wake lets the first who waits for key look again.
func (w *waiters) wake(key string) {
	if w.nobody() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wakeFirst(key)
}

func (w *waiters) wakeFirst(key string) {
	if queue := w.queues[key]; len(queue) > 0 {
		queue[0].wake()
	}
}

// wakeAll lets everybody look again.
func (w *waiters) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, queue := range w.queues {
		for _, t := range queue {
			t.wake()
		}
	}
}

func (t *turn) wake() {
	select {
	case t.look <- struct{}{}:
	default: // it has been told already
	}
}

func (t *turn) isFirst() bool {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	return t.of.queues[t.key][0] == t
}

// leave gives the place up; the next becomes first.
func (t *turn) leave() {
	w := t.of
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count.Add(-1)
	rest := w.queues[t.key]
	for i := range rest {
		if rest[i] == t {
			rest = append(rest[:i:i], rest[i+1:]...)
			break
		}
	}
	if w.queues[t.key] = rest; len(rest) == 0 {
		delete(w.queues, t.key)
	}
	w.wakeFirst(t.key)
}

// sleep ends after wait, when woken, or with an error when ctx does. Who isn't first, and who waits
// for a manual clock, is woken by others.
func (t *turn) sleep(ctx context.Context, wait time.Duration, moved <-chan struct{}) error {
	var over <-chan time.Time
	if moved == nil && t.isFirst() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-over:
	case <-t.look:
	case <-moved:
	}
	return nil
}
