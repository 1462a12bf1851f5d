package tidegate

import (
	"strconv"
	"testing"
)

// never is a policy that admits every call of a benchmark.
const never = "4000000000/second token-bucket; 4000000000/minute token-bucket"

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func BenchmarkAllow(b *testing.B) {
	limiter := must(New(never, WithClock(Coarse)))(b)
	b.ReportAllocs()
	for b.Loop() {
		limiter.Allow("api-key-1")
	}
}

func BenchmarkAllowDenied(b *testing.B) {
	limiter := must(New("100/hour; 10/minute token-bucket"))(b)
	b.ReportAllocs()
	for b.Loop() {
		limiter.Allow("api-key-1")
	}
}

func BenchmarkCheck(b *testing.B) {
	limiter := must(New(never, WithClock(Coarse)))(b)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = limiter.Check("api-key-1", 1)
	}
}

func BenchmarkAllowParallel(b *testing.B) {
	limiter := must(New(never, WithClock(Coarse)))(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			limiter.Allow("api-key-1")
		}
	})
}

func BenchmarkCheckMany(b *testing.B) {
	limiter := must(New(never, WithClock(Coarse)))(b)
	keys := make([]string, 64)
	for i := range keys {
		keys[i] = "api-key-" + strconv.Itoa(i)
	}
	var decisions []Decision
	b.ReportAllocs()
	for b.Loop() {
		decisions, _ = limiter.CheckManyInto(decisions, keys, 1)
	}
}

func BenchmarkCheckDenied(b *testing.B) {
	limiter := must(New("100/minute; 10/second token-bucket"))(b)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = limiter.Check("api-key-1", 1)
	}
}

func BenchmarkCheckReset(b *testing.B) {
	limiter := must(New("100/minute; 10/second token-bucket"))(b)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = limiter.Check("api-key-1", 1)
		_ = limiter.Reset("api-key-1")
	}
}

func BenchmarkReset(b *testing.B) {
	limiter := must(New("100/minute; 10/second token-bucket"))(b)
	b.ReportAllocs()
	for b.Loop() {
		_ = limiter.Reset("api-key-1")
	}
}
