package tidegate

// #include "bridge.h"
import "C"

import "strconv"

// Option is an option of [New].
type Option func(*options) error

type options struct {
	c       C.tg_options
	manual  *ManualClock
	segment string
	file    string
}

// OnFull says what happens to a new key when the table is full of keys that still count. None of
// those is ever forgotten for another.
type OnFull uint32

const (
	// Overflow lets newcomers share one entry, and so one quota, until there is room: the default.
	Overflow OnFull = C.TG_ON_FULL_OVERFLOW
	// DenyNew denies newcomers.
	DenyNew OnFull = C.TG_ON_FULL_DENY
	// AllowNew admits newcomers without counting them.
	AllowNew OnFull = C.TG_ON_FULL_ALLOW
)

// OnUnavailable says what a check answers when a shared segment can't be had at that moment.
type OnUnavailable uint32

const (
	// Deny never lets the quota be exceeded: the default.
	Deny OnUnavailable = C.TG_ON_UNAVAILABLE_DENY
	// Allow admits without counting.
	Allow OnUnavailable = C.TG_ON_UNAVAILABLE_ALLOW
)

// Report says which limit the single numbers of an admission are of.
type Report uint32

const (
	// ReportFirst is the policy's first limit, so that X-RateLimit-Limit stays the same between
	// responses: the default, unless the policy file says otherwise.
	ReportFirst Report = C.TG_REPORT_FIRST
	// ReportTightest is the limit with the smallest remaining fraction of its quota.
	ReportTightest Report = C.TG_REPORT_TIGHTEST
)

// Clock is where a limiter has its time from: [Precise], [Coarse] or a [*ManualClock].
type Clock interface{ apply(*options) }

type systemClock uint32

const (
	// Precise is exact to the nanosecond.
	Precise systemClock = C.TG_CLOCK_PRECISE
	// Coarse is as of the last timer tick, some milliseconds ago, and cheaper to read. Nothing is
	// admitted early for that.
	Coarse systemClock = C.TG_CLOCK_COARSE
)

func (c systemClock) apply(o *options) { o.c.clock, o.manual = C.uint32_t(c), nil }

// WithMaxKeys sets how many keys can be counted at once, 100,000 by default. It bounds the memory,
// which is reserved at once but used only as keys come.
func WithMaxKeys(n int) Option {
	return func(o *options) error {
		if n < 1 {
			return optionsError("max keys is " + strconv.Itoa(n) + "; a limiter has room for at least 1 key")
		}
		o.c.max_keys = C.size_t(n)
		return nil
	}
}

// WithSegment shares the table with every process that opens the same file, in whatever language;
// the first one makes it. In /dev/shm it lasts until the machine restarts, on a disk beyond that.
// Errors: [ErrSegment].
func WithSegment(path string) Option {
	return func(o *options) error {
		if path == "" {
			return optionsError("the path of the segment is empty")
		}
		o.segment = path
		return nil
	}
}

// WithClock sets the clock. By default it is [Coarse] where its lag doesn't matter to the policy,
// else [Precise].
func WithClock(clock Clock) Option {
	return func(o *options) error {
		if clock == nil {
			return optionsError("the clock is nil")
		}
		clock.apply(o)
		return nil
	}
}

// WithOnFull sets what happens to new keys when the table is full.
func WithOnFull(choice OnFull) Option {
	return func(o *options) error {
		o.c.on_full = C.uint32_t(choice)
		return nil
	}
}

// WithOnUnavailable sets what a check answers when a shared segment can't be had.
func WithOnUnavailable(choice OnUnavailable) Option {
	return func(o *options) error {
		o.c.on_unavailable = C.uint32_t(choice)
		return nil
	}
}

// WithReport sets which limit the single numbers of an admission are of.
func WithReport(choice Report) Option {
	return func(o *options) error {
		o.c.report = C.uint32_t(choice)
		return nil
	}
}

// WithPolicyFile takes the policy from a TOML file; the first argument of [New] is then the name of
// a policy in it. Errors: [ErrPolicyFile].
func WithPolicyFile(path string) Option {
	return func(o *options) error {
		if path == "" {
			return optionsError("the path of the policy file is empty")
		}
		o.file = path
		return nil
	}
}
