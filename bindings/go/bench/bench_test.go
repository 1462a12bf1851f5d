package bench

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/tidegate/tidegate/bindings/go"
)

const (
	hot      = "api-key-0123456789abcdef"
	twoNever = "4000000000/second token-bucket; 4000000000/minute token-bucket"
)

func BenchmarkFloor(b *testing.B) {
	b.Run("empty-cgo-call", func(b *testing.B) {
		for b.Loop() {
			emptyCall(hot)
		}
	})
	for name, full := range map[string]bool{"allow-in-C": false, "check-in-C": true} {
		b.Run(name, func(b *testing.B) {
			if inC(twoNever, hot, full, b.N) != b.N {
				b.Error("denied")
			}
		})
	}
	// The same checks from Go, to be held against the two above.
	l, err := tidegate.New(twoNever, tidegate.WithClock(tidegate.Coarse))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	b.Run("allow-in-Go", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !l.Allow(hot) {
				b.Fatal("denied")
			}
		}
	})
}

func BenchmarkHotAdmitted(b *testing.B) { each(b, many, func(int) string { return hot }, 1, true) }
func BenchmarkHotDenied(b *testing.B)   { each(b, few, func(int) string { return hot }, 1, false) }

func Benchmark100kKeys(b *testing.B) {
	each(b, many, func(i int) string { return fmt.Sprintf("api-key-%016d", i) }, 100_000, true)
}

// each runs all contenders over keys in an order that no cache foresees.
func each(b *testing.B, q quota, key func(int) string, count int, admitted bool) {
	keys := make([]string, count)
	for i, at := range rand.New(rand.NewPCG(1, 2)).Perm(count) {
		keys[i] = key(at)
	}
	for _, c := range contenders {
		b.Run(c.name, func(b *testing.B) {
			allow, done := c.make(q)
			defer done()
			for range 10 {
				allow(keys[0]) // what few has
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if allow(keys[i]) != admitted {
					b.Fatal("not as it should be")
				}
				if i++; i == len(keys) {
					i = 0
				}
			}
		})
	}
}

// One key from all processors at once.
func BenchmarkHotParallel(b *testing.B) {
	for _, q := range []quota{many, few} {
		for _, c := range contenders {
			b.Run(fmt.Sprintf("%s/%s", map[bool]string{true: "admitted", false: "denied"}[q == many], c.name), func(b *testing.B) {
				allow, done := c.make(q)
				defer done()
				var admitted atomic.Int64
				b.RunParallel(func(pb *testing.PB) {
					n := int64(0)
					for pb.Next() {
						if allow(hot) {
							n++
						}
					}
					admitted.Add(n)
				})
			})
		}
	}
}
