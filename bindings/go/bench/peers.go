package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	peer "github.com/sethvargo/go-limiter"
	"github.com/sethvargo/go-limiter/memorystore"
	tidegate "github.com/tidegate/tidegate/bindings/go"
	"golang.org/x/time/rate"
)

// quota is what every contender is to keep, for each key.
type quota struct {
	tokens uint64
	window time.Duration
}

var (
	// many is so much that every check of a benchmark is admitted.
	many = quota{4_000_000_000, time.Second}
	// few is so little that nearly every check of one key is denied.
	few = quota{10, time.Hour}
)

// contender decides about one unit for a key.
type contender struct {
	name string
	make func(quota) (allow func(key string) bool, done func())
}

var contenders = []contender{
	{"tidegate.Allow", func(q quota) (func(string) bool, func()) {
		l := limiter(fmt.Sprintf("%d/%s token-bucket", q.tokens, unit(q.window)))
		return l.Allow, func() { _ = l.Close() }
	}},
	{"tidegate.Check", func(q quota) (func(string) bool, func()) {
		l := limiter(fmt.Sprintf("%d/%s token-bucket", q.tokens, unit(q.window)))
		return checked(l), func() { _ = l.Close() }
	}},
	{"tidegate.Check-2-limits", func(q quota) (func(string) bool, func()) {
		l := limiter(fmt.Sprintf("%d/%s token-bucket; %d/day token-bucket", q.tokens, unit(q.window), q.tokens))
		return checked(l), func() { _ = l.Close() }
	}},
	{"x-time-rate-mutex-map", func(q quota) (func(string) bool, func()) {
		var mu sync.Mutex
		limiters := make(map[string]*rate.Limiter)
		return func(key string) bool {
			mu.Lock()
			l := limiters[key]
			if l == nil {
				l = q.limiter()
				limiters[key] = l
			}
			mu.Unlock()
			return l.Allow()
		}, func() {}
	}},
	{"x-time-rate-sync-map", func(q quota) (func(string) bool, func()) {
		var limiters sync.Map
		return func(key string) bool {
			l, ok := limiters.Load(key)
			if !ok {
				l, _ = limiters.LoadOrStore(key, q.limiter())
			}
			return l.(*rate.Limiter).Allow()
		}, func() {}
	}},
	{"sethvargo-memorystore", func(q quota) (func(string) bool, func()) {
		store, err := memorystore.New(&memorystore.Config{Tokens: q.tokens, Interval: q.window})
		if err != nil {
			panic(err)
		}
		return func(key string) bool { return taken(store, key) }, func() { _ = store.Close(context.Background()) }
	}},
}

func taken(store peer.Store, key string) bool {
	_, _, _, ok, err := store.Take(context.Background(), key)
	return ok && err == nil
}

func (q quota) limiter() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(float64(q.tokens)/q.window.Seconds()), int(q.tokens))
}

func unit(window time.Duration) string {
	if window == time.Hour {
		return "hour"
	}
	return "second"
}

// limiter counts by the precise clock, as the peers do.
func limiter(policy string) *tidegate.Limiter {
	l, err := tidegate.New(policy, tidegate.WithClock(tidegate.Precise))
	if err != nil {
		panic(err)
	}
	return l
}

func checked(l *tidegate.Limiter) func(string) bool {
	return func(key string) bool {
		d, err := l.Check(key, 1)
		return d.Allowed && err == nil
	}
}
