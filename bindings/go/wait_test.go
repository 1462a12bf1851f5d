package tidegate

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

// until waits for what other goroutines are about to do, without a time that it depends on.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); runtime.Gosched() {
		if time.Since(start) > 20*time.Second {
			t.Fatal("in vain: ", what)
		}
	}
}

func (w *waiters) waiting(n int64) func() bool {
	return func() bool { return w.count.Load() == n }
}

func TestWaitersAreAdmittedInOrder(t *testing.T) {
	limiter, clock := manual(t, "1/second")
	limiter.Allow("k")
	admitted := make(chan int, 3)
	for i := range 3 {
		go func() {
			if err := limiter.Wait(context.Background(), "k", 1); err != nil {
				t.Error(err)
			}
			admitted <- i
		}()
		until(t, "it waits", limiter.waiters.waiting(int64(i+1)))
	}
	for i := range 3 {
		select {
		case early := <-admitted:
			t.Fatal(early, "was admitted early")
		default:
		}
		clock.Advance(time.Second)
		equal(t, "order", <-admitted, i)
	}
	until(t, "nobody waits", limiter.waiters.nobody)
	equal(t, "queues", len(limiter.waiters.queues), 0)
}

func TestADeadlineThatIsTooShortFailsAtOnce(t *testing.T) {
	limiter, _ := manual(t, "1/minute")
	limiter.Allow("k")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	start := time.Now()
	err := limiter.Wait(ctx, "k", 1)
	var wait *WaitError
	if !errors.As(err, &wait) || wait.RetryAfter != time.Minute || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if time.Since(start) > 20*time.Second {
		t.Error("it waited")
	}
	if !limiter.waiters.nobody() {
		t.Error("it is still in the queue")
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	limiter, clock := manual(t, "1/minute")
	limiter.Allow("k")
	ctx, cancel := context.WithCancel(context.Background())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- limiter.Wait(ctx, "k", 1) }()
	until(t, "one waits", limiter.waiters.waiting(1))
	go func() { second <- limiter.Wait(context.Background(), "k", 1) }()
	until(t, "two wait", limiter.waiters.waiting(2))
	cancel()
	var wait *WaitError
	if err := <-first; !errors.As(err, &wait) || !errors.Is(err, context.Canceled) || wait.RetryAfter != time.Minute {
		t.Error(err)
	}
	clock.Advance(time.Minute)
	if err := <-second; err != nil {
		t.Error("who waited behind: ", err)
	}
	if err := limiter.Wait(ctx, "other", 1); !errors.Is(err, context.Canceled) || !limiter.Allow("other") {
		t.Error("an ended context takes: ", err)
	}
}

func TestRefundsAndResetsWake(t *testing.T) {
	limiter, _ := manual(t, "1/minute")
	for name, give := range map[string]func(){
		"refund": func() { _ = limiter.Refund("k", 1) },
		"reset":  func() { _ = limiter.Reset("k") },
	} {
		_ = limiter.Reset("k")
		limiter.Allow("k")
		done := make(chan error, 1)
		go func() { done <- limiter.Wait(context.Background(), "k", 1) }()
		until(t, name, limiter.waiters.waiting(1))
		give()
		if err := <-done; err != nil {
			t.Error(name, err)
		}
	}
}

func TestCloseEndsWaiting(t *testing.T) {
	limiter, _ := manual(t, "1/minute")
	limiter.Allow("k")
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- limiter.Wait(context.Background(), "k", 1) }()
	}
	until(t, "both wait", limiter.waiters.waiting(2))
	_ = limiter.Close()
	for range 2 {
		if err := <-done; !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
}

func TestWaitFailsAsChecksDo(t *testing.T) {
	limiter, _ := manual(t, "2/minute")
	if err := limiter.Wait(context.Background(), "k", 3); !errors.Is(err, ErrCostAboveQuota) {
		t.Error(err)
	}
	if err := limiter.Wait(context.Background(), "", 1); !errors.Is(err, ErrEmptyKey) {
		t.Error(err)
	}
}

// On a real clock: a timer, and no more checks than are needed.
func TestWaitingDoesNotPoll(t *testing.T) {
	limiter := must(New("50/second token-bucket burst=1", WithClock(Precise)))(t)
	for range 5 {
		if err := limiter.Wait(context.Background(), "k", 1); err != nil {
			t.Fatal(err)
		}
	}
	counters := must(limiter.Counters())(t)
	if counters.Admitted != 5 || counters.Denied[0] > 15 {
		t.Errorf("%+v", counters)
	}
}
