package tidegate

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// manual makes a limiter with a clock that stands at a second of the page's example.
func manual(t testing.TB, policy string, opts ...Option) (*Limiter, *ManualClock) {
	t.Helper()
	clock := NewManualClock()
	clock.Set(1_716_983_940 * time.Second)
	limiter := must(New(policy, append(opts, WithClock(clock))...))(t)
	t.Cleanup(func() { _ = limiter.Close() })
	return limiter, clock
}

func TestErrorsAreTyped(t *testing.T) {
	limiter, _ := manual(t, "requests: 10/minute; tokens: 100/minute")
	_, emptyKey := limiter.Check("", 1)
	_, longKey := limiter.Check(strings.Repeat("k", MaxKeyBytes+1), 1)
	_, zero := limiter.AllowN("k", 0)
	_, above := limiter.Check("k", 11)
	_, count := limiter.CheckCosts("k", 1)
	_, none := limiter.CheckCosts("k")
	_, joint := CheckAll()
	_, twice := CheckAll(Part{limiter, "a", 1}, Part{limiter, "b", 1})
	_, nine := CheckAll(make([]Part, 9)...)
	_, notation := New("100/fortnight")
	_, text := New("100/minute\xff")
	_, tooLarge := New("18446744073709551615/hour")
	_, keys := New("1/minute", WithMaxKeys(0))
	_, file := New("free", WithPolicyFile("/nowhere/limits.toml"))
	_, style := ParseStyle("x-limits")
	for _, c := range []struct {
		err      error
		sentinel error
		code     string
		status   int
		message  string
	}{
		{emptyKey, ErrEmptyKey, "empty-key", 20, "the key is empty"},
		{longKey, ErrKeyTooLong, "key-too-long", 21, "65537 bytes"},
		{zero, ErrZeroCost, "zero-cost", 22, "use peek"},
		{above, ErrCostAboveQuota, "cost-above-quota", 23, "cost 11 is above the 10 that the limit `requests`"},
		{count, ErrCostCount, "cost-count", 24, "1 costs were given for a policy of 2"},
		{none, ErrCostCount, "cost-count", 24, "0 costs"},
		{joint, ErrJoint, "joint", 25, "0 were given"},
		{twice, ErrJoint, "joint", 25, "names each limiter once"},
		{nine, ErrJoint, "joint", 25, "part 0 has no limiter"},
		{notation, ErrNotation, "notation", 40, "fortnight"},
		{text, ErrNotation, "utf8", 2, "not UTF-8"},
		{tooLarge, ErrNotation, "notation", 40, "use token-bucket"},
		{keys, ErrOptions, "options", 43, "max keys is 0"},
		{file, ErrPolicyFile, "policy-file", 42, "/nowhere/limits.toml"},
		{style, ErrStyle, "style", 7, "x-limits"},
	} {
		var e *Error
		if !errors.As(c.err, &e) || !errors.Is(c.err, c.sentinel) {
			t.Errorf("%v is no %v", c.err, c.sentinel)
			continue
		}
		if e.Code != c.code || e.Status != c.status || !strings.Contains(e.Message, c.message) {
			t.Errorf("%+v, expected %+v", *e, c)
		}
	}
	if limiter.Allow("") || limiter.Allow(strings.Repeat("k", MaxKeyBytes+1)) {
		t.Error("what is no key was allowed")
	}
	if !limiter.Allow(strings.Repeat("k", MaxKeyBytes)) || !limiter.Allow("\x00\xff") {
		t.Error("a key was refused")
	}
}

// Nothing may be taken by a call that fails, and its decision lets nobody through.
func TestFailedCallsGiveEmptyDecisions(t *testing.T) {
	limiter, _ := manual(t, "10/minute")
	d, err := limiter.Check("k", 11)
	if err == nil || d.Allowed || d.Body("") != (Body{}) || d.Reported() != "minute" && d.Reported() != "" {
		t.Errorf("%+v, %v", d, err)
	}
	header := http.Header{}
	d.WriteHeaders(header, XRateLimit|IETF)
	var zero Decision
	zero.WriteHeaders(header, XRateLimit)
	for range zero.Limits() {
		t.Error("a decision of nothing has limits")
	}
	if len(header) != 0 || zero.Violated() != nil || zero.Body("") != (Body{}) || zero.Reported() != "" {
		t.Error(header)
	}
	equal(t, "peek", must(limiter.Peek("k"))(t).Remaining, 10)
}

func TestChecksAllocateNothing(t *testing.T) {
	limiter, _ := manual(t, "100/minute; 10/second token-bucket")
	key, header := []byte("api-key-2"), http.Header{}
	for name, call := range map[string]func(){
		"Allow":       func() { limiter.Allow("api-key-1") },
		"AllowN":      func() { _, _ = limiter.AllowN("api-key-1", 2) },
		"Check":       func() { _, _ = limiter.Check("api-key-1", 1) },
		"CheckBytes":  func() { _, _ = limiter.CheckBytes(key, 1) },
		"CheckCosts":  func() { _, _ = limiter.CheckCosts("api-key-1", 1, 0) },
		"Peek":        func() { _, _ = limiter.Peek("api-key-1") },
		"Refund":      func() { _ = limiter.Refund("api-key-1", 1) },
		"RefundCosts": func() { _ = limiter.RefundCosts("api-key-1", 1, 1) },
		"Reset":       func() { _ = limiter.Reset("api-key-1") },
		"Limits": func() {
			d, _ := limiter.Peek("api-key-1")
			for range d.Limits() {
			}
		},
	} {
		if allocs := testing.AllocsPerRun(100, call); allocs != 0 {
			t.Errorf("%s allocates %v times", name, allocs)
		}
	}
	d := must(limiter.Check("api-key-3", 1))(t)
	if allocs := testing.AllocsPerRun(100, func() { d.WriteHeaders(header, XRateLimit) }); allocs > 4 {
		t.Errorf("WriteHeaders allocates %v times", allocs) // the lines, and a slice for each header
	}
}

func TestDecisionsOutliveTheirLimiter(t *testing.T) {
	limiter, _ := manual(t, "1/minute; 5/hour")
	limiter.Allow("alice")
	d := must(limiter.Check("alice", 1))(t)
	_ = limiter.Close()
	_ = limiter.Close()
	runtime.GC()
	runtime.GC()
	header := http.Header{}
	d.WriteHeaders(header, XRateLimit|IETF|IETF06)
	equal(t, "headers", header.Get("Retry-After"), "60")
	equal(t, "violated", d.Violated(), []string{"minute"})
	for l := range d.Limits() {
		equal(t, l.Name, l.Violated, l.Name == "minute")
	}
}

func TestAfterClose(t *testing.T) {
	limiter, _ := manual(t, "1/minute")
	_ = limiter.Close()
	_, check := limiter.Check("k", 1)
	_, costs := limiter.CheckCosts("k", 1)
	_, allow := limiter.AllowN("k", 1)
	_, peek := limiter.Peek("k")
	_, many := limiter.CheckMany([]string{"k"}, 1)
	_, joint := CheckAll(Part{limiter, "k", 1})
	_, counters := limiter.Counters()
	for _, err := range []error{check, costs, allow, peek, many, joint, counters, limiter.Refund("k", 1), limiter.Reset("k"), limiter.Wait(t.Context(), "k", 1)} {
		if !errors.Is(err, ErrClosed) || code(err) != "closed" {
			t.Error(err)
		}
	}
	if limiter.Allow("k") || limiter.Policy() != "" || limiter.Limits() != nil || limiter.MaxKeys() != 0 {
		t.Error("a closed limiter answers")
	}
}

// Run with -race, and with -tags tidegate_gc, which collects in the midst of every call.
func TestCloseWhileChecking(t *testing.T) {
	for range 20 {
		limiter := must(New("1000000/minute token-bucket", WithMaxKeys(64)))(t)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for {
					d, err := limiter.Check("alice", 1)
					if errors.Is(err, ErrClosed) {
						return
					}
					header := http.Header{}
					d.WriteHeaders(header, XRateLimit)
					if err != nil || header.Get("X-RateLimit-Limit") != "1000000" {
						t.Error(err, header)
						return
					}
				}
			})
		}
		time.Sleep(time.Millisecond)
		group.Go(func() { _ = limiter.Close() })
		_ = limiter.Close()
		group.Wait()
	}
}

func TestGoroutinesShareOneQuota(t *testing.T) {
	limiter, _ := manual(t, "1000/minute")
	var group sync.WaitGroup
	admitted := make([]int, 8)
	for i := range admitted {
		group.Go(func() {
			for range 500 {
				if limiter.Allow("alice") {
					admitted[i]++
				}
			}
		})
	}
	group.Wait()
	sum := 0
	for _, n := range admitted {
		sum += n
	}
	equal(t, "admitted", sum, 1000)
	counters := must(limiter.Counters())(t)
	equal(t, "counters", counters, Counters{Admitted: 1000, Denied: []uint64{3000}})
}

func TestManyKeysAtOnce(t *testing.T) {
	limiter, _ := manual(t, "2/minute")
	decisions := must(limiter.CheckMany([]string{"alice", "bob", "alice", "alice"}, 1))(t)
	var found [][2]any
	for i := range decisions {
		found = append(found, [2]any{decisions[i].Allowed, decisions[i].Remaining})
	}
	equal(t, "decisions", found, [][2]any{{true, uint64(1)}, {true, uint64(1)}, {true, uint64(0)}, {false, uint64(0)}})
	equal(t, "violated", decisions[3].Violated(), []string{"minute"})
	if none := must(limiter.CheckMany(nil, 1))(t); none != nil {
		t.Error(none)
	}
	if _, err := limiter.CheckMany([]string{"carol", ""}, 1); !errors.Is(err, ErrEmptyKey) {
		t.Error(err)
	}
	if _, err := limiter.CheckManyCosts([]string{"carol"}, nil); !errors.Is(err, ErrCostCount) {
		t.Error(err)
	}
	each := must(limiter.CheckManyCosts([]string{"carol", "dave"}, []uint64{2, 1}))(t)
	equal(t, "costs", [2]uint64{each[0].Remaining, each[1].Remaining}, [2]uint64{0, 1})
}

func TestJointChecksTakeAllOrNothing(t *testing.T) {
	users, _ := manual(t, "100/minute")
	organisations, _ := manual(t, "1/hour; 5/day")
	ask := func(user string) JointDecision {
		return must(CheckAll(Part{users, user, 3}, Part{organisations, "acme", 1}))(t)
	}
	first, second := ask("alice"), ask("bob")
	equal(t, "first", [3]bool{first.Allowed, first.Decisions[0].Allowed, first.Decisions[1].Allowed}, [3]bool{true, true, true})
	equal(t, "second", [3]bool{second.Allowed, second.Decisions[0].Allowed, second.Decisions[1].Allowed}, [3]bool{false, true, false})
	equal(t, "reported", [2]int{first.Reported, second.Reported}, [2]int{0, 1})
	equal(t, "violated", second.Decisions[1].Violated(), []string{"hour"})
	equal(t, "bob", must(users.Peek("bob"))(t).Remaining, 100)
	equal(t, "alice", must(users.Peek("alice"))(t).Remaining, 97)
}

func TestOptions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "limits.toml")
	if err := os.WriteFile(file, []byte("[free]\nlimits = \"20/minute\"\nmax_body = \"5 MB\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	limiter, err := New("free", WithPolicyFile(file), WithMaxKeys(5), WithOnFull(DenyNew), WithOnUnavailable(Allow))
	if err != nil {
		t.Fatal(err)
	}
	bytes, ok := limiter.MaxBody()
	equal(t, "max body", [2]any{bytes, ok}, [2]any{int64(5_000_000), true})
	if limiter.MaxKeys() < 5 || limiter.Policy() != "20/minute" {
		t.Error(limiter.MaxKeys(), limiter.Policy())
	}
	if _, err := New("paid", WithPolicyFile(file)); !errors.Is(err, ErrPolicyFile) {
		t.Error(err)
	}
	for _, bad := range []Option{WithClock(nil), WithSegment(""), WithPolicyFile(""), WithOnFull(99), WithReport(99), WithClock(systemClock(99))} {
		if _, err := New("1/minute", bad); !errors.Is(err, ErrOptions) {
			t.Error(err)
		}
	}
}

func TestSegmentsAreShared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quota")
	first, err := New("2/minute", WithSegment(path), WithMaxKeys(64))
	if code(err) == "segment-unsupported" {
		t.Skip(err)
	}
	second := must(New("2/minute", WithSegment(path), WithMaxKeys(64)))(t)
	equal(t, "shared", [3]bool{must(first, err)(t).Allow("k"), second.Allow("k"), first.Allow("k")}, [3]bool{true, true, false})
	if _, err := New("3/minute", WithSegment(path), WithMaxKeys(64)); !errors.Is(err, ErrSegment) || code(err) != "segment-policy" {
		t.Error(err)
	}
}

func TestTheHeaderIsTheRepositorys(t *testing.T) {
	wanted, err := os.ReadFile("../../include/tidegate.h")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("this is not the repository")
	}
	ours := must(os.ReadFile("tidegate.h"))(t)
	if string(ours) != string(wanted) {
		t.Error("bindings/go/tidegate.h is stale: make lib-go")
	}
}

func TestEveryKindOfErrorHasItsCode(t *testing.T) {
	for status, kind := range kinds {
		err := newError(outcomeOf(status))
		if !errors.Is(err, kind) || code(err) == "unknown" {
			t.Error(status, err)
		}
	}
	if !errors.Is(newError(outcomeOf(75)), ErrSegment) || !errors.Is(newError(outcomeOf(9)), ErrInternal) {
		t.Error("the kinds are mixed up")
	}
}

func TestTheClockIsManual(t *testing.T) {
	limiter, clock := manual(t, "1/minute")
	limiter.Allow("k")
	clock.Advance(time.Minute - 1)
	before := limiter.Allow("k")
	clock.Advance(-time.Hour)
	clock.Advance(1)
	equal(t, "a minute later", [2]bool{before, limiter.Allow("k")}, [2]bool{false, true})
	equal(t, "now", clock.Now(), 1_716_984_000*time.Second)
}
