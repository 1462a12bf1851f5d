package tidegate

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"reflect"
	"strconv"
	"testing"
	"time"
)

// The vectors are what every language must decide. They are in the repository, not in the module.
func load(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("../../tests/vectors/" + name)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the vectors are not here: this is not the repository")
	}
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// num is a 64-bit number, which the files have as a string.
type num uint64

func (n *num) UnmarshalJSON(text []byte) error {
	var digits string
	if err := json.Unmarshal(text, &digits); err != nil {
		return err
	}
	value, err := strconv.ParseUint(digits, 10, 64)
	*n = num(value)
	return err
}

func nanos(span time.Duration) num { return num(span.Nanoseconds()) }

type vectorLimit struct {
	Name         string `json:"name"`
	Quota        num    `json:"quota"`
	WindowNs     num    `json:"window_ns"`
	Algorithm    string `json:"algorithm"`
	Capacity     num    `json:"capacity"`
	Unit         string `json:"unit"`
	ResolutionNs num    `json:"resolution_ns"`
}

func TestVectorsPolicies(t *testing.T) {
	var file struct {
		Valid []struct {
			Notation, Canonical string
			Limits              []vectorLimit
		}
		Invalid []struct{ Notation string }
	}
	load(t, "policies.json", &file)
	for _, vector := range file.Valid {
		limiter := must(New(vector.Notation, WithMaxKeys(1)))(t)
		if found := limiter.Policy(); found != vector.Canonical {
			t.Errorf("%q is %q, not %q", vector.Notation, found, vector.Canonical)
		}
		var limits []vectorLimit
		for _, l := range limiter.Limits() {
			limits = append(limits, vectorLimit{l.Name, num(l.Quota), nanos(l.Window), l.Algorithm, num(l.Capacity), l.Unit, nanos(l.Resolution)})
		}
		equal(t, vector.Notation, limits, vector.Limits)
		_ = limiter.Close()
	}
	for _, vector := range file.Invalid {
		if _, err := New(vector.Notation); !errors.Is(err, ErrNotation) {
			t.Errorf("%q gives %v", vector.Notation, err)
		}
	}
}

func equal[T any](t *testing.T, place string, found, wanted T) {
	t.Helper()
	if !reflect.DeepEqual(found, wanted) {
		t.Errorf("%s:\nfound  %+v\nwanted %+v", place, found, wanted)
	}
}

type vectorState struct {
	Name              string `json:"name"`
	Violated          bool   `json:"violated"`
	Remaining         num    `json:"remaining"`
	ResetAfterNs      num    `json:"reset_after_ns"`
	RetryAfterNs      num    `json:"retry_after_ns"`
	EffectiveWindowNs num    `json:"effective_window_ns"`
}

type vectorDecision struct {
	Allowed      bool          `json:"allowed"`
	AtNs         num           `json:"at_ns"`
	Reported     string        `json:"reported"`
	Limit        num           `json:"limit"`
	Remaining    num           `json:"remaining"`
	ResetAfterNs num           `json:"reset_after_ns"`
	RetryAfterNs *num          `json:"retry_after_ns"`
	Violated     []string      `json:"violated"`
	Limits       []vectorState `json:"limits"`
}

type vectorBody struct {
	Status      int    `json:"status"`
	ContentType string `json:"content_type"`
	Body        string `json:"body"`
}

type step struct {
	NowNs    num                    `json:"now_ns"`
	Op       string                 `json:"op"`
	Key      string                 `json:"key"`
	Cost     num                    `json:"cost"`
	Costs    []num                  `json:"costs"`
	Error    string                 `json:"error"`
	Decision *vectorDecision        `json:"decision"`
	Headers  map[string][][2]string `json:"headers"`
	Bodies   map[string]vectorBody  `json:"bodies"`
}

type vectorCase struct {
	Name, Policy, Report string
	Steps                []step
}

// run makes every call of every case, and hands what came of it to look.
func run(t *testing.T, cases []vectorCase, look func(place string, s *step, d *Decision)) {
	if len(cases) == 0 {
		t.Fatal("there are no cases")
	}
	for _, c := range cases {
		report := ReportFirst
		if c.Report == "tightest" {
			report = ReportTightest
		}
		clock := NewManualClock()
		limiter := must(New(c.Policy, WithClock(clock), WithReport(report), WithMaxKeys(16)))(t)
		for i := range c.Steps {
			s := &c.Steps[i]
			place := fmt.Sprintf("%s, step %d", c.Name, i)
			clock.Set(time.Duration(s.NowNs))
			d, err := call(limiter, s)
			equal(t, place, code(err), s.Error)
			if err == nil {
				look(place, s, d)
			}
		}
		_ = limiter.Close()
	}
}

func code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func call(limiter *Limiter, s *step) (*Decision, error) {
	costs := make([]uint64, len(s.Costs))
	for i := range costs {
		costs[i] = uint64(s.Costs[i])
	}
	var d Decision
	var err error
	switch s.Op {
	case "check":
		d, err = limiter.Check(s.Key, 1)
	case "check_n":
		d, err = limiter.CheckBytes([]byte(s.Key), uint64(s.Cost))
	case "check_costs":
		d, err = limiter.CheckCosts(s.Key, costs...)
	case "peek":
		d, err = limiter.Peek(s.Key)
	case "refund":
		return nil, limiter.Refund(s.Key, uint64(s.Cost))
	case "refund_costs":
		return nil, limiter.RefundCosts(s.Key, costs...)
	case "reset":
		return nil, limiter.Reset(s.Key)
	default:
		err = errors.New("no such call: " + s.Op)
	}
	return &d, err
}

func (d *Decision) vector() *vectorDecision {
	v := &vectorDecision{
		Allowed: d.Allowed, AtNs: nanos(d.At()), Reported: d.Reported(), Limit: num(d.Limit),
		Remaining: num(d.Remaining), ResetAfterNs: nanos(d.ResetAfter), Violated: []string{},
	}
	if !d.Allowed {
		retry := nanos(d.RetryAfter)
		v.RetryAfterNs = &retry
	}
	v.Violated = append(v.Violated, d.Violated()...)
	for l := range d.Limits() {
		v.Limits = append(v.Limits, vectorState{l.Name, l.Violated, num(l.Remaining), nanos(l.ResetAfter), nanos(l.RetryAfter), nanos(l.EffectiveWindow)})
	}
	return v
}

func TestVectorsDecisions(t *testing.T) {
	var file struct{ Cases []vectorCase }
	load(t, "decisions.json", &file)
	run(t, file.Cases, func(place string, s *step, d *Decision) {
		if (d == nil) != (s.Decision == nil) {
			t.Fatalf("%s: found %v, wanted %v", place, d, s.Decision)
		}
		if d != nil {
			equal(t, place, d.vector(), s.Decision)
		}
	})
}

func TestVectorsHeaders(t *testing.T) {
	var file struct{ Cases []vectorCase }
	load(t, "headers.json", &file)
	run(t, file.Cases, func(place string, s *step, d *Decision) {
		for name, wanted := range s.Headers {
			style := must(ParseStyle(name))(t)
			header, expected := http.Header{}, http.Header{}
			d.WriteHeaders(header, style)
			for _, line := range wanted {
				expected.Add(line[0], line[1])
			}
			equal(t, place+", "+name, header, expected)
		}
	})
}

func TestVectorsBodies(t *testing.T) {
	var file struct {
		Cases           []vectorCase
		ContentTooLarge []struct {
			MaxBody  num        `json:"max_body"`
			Response vectorBody `json:"response"`
		} `json:"content_too_large"`
	}
	load(t, "bodies.json", &file)
	run(t, file.Cases, func(place string, s *step, d *Decision) {
		for kind, accept := range map[string]string{"message": "*/*", "problem": "application/problem+json"} {
			wanted, denied := s.Bodies[kind]
			body := d.Body(accept)
			equal(t, place+", "+kind, vectorBody{body.Status, body.ContentType, body.Text}, wanted)
			equal(t, place, body.CacheControl == "no-store", denied)
		}
	})
	for _, vector := range file.ContentTooLarge {
		body := ContentTooLarge(int64(vector.MaxBody))
		equal(t, "413", vectorBody{body.Status, body.ContentType, body.Text}, vector.Response)
	}
}

func TestVectorsAddresses(t *testing.T) {
	var file struct {
		Clients []struct {
			Name, Trusted, Header, Peer, Client, Key string
			IPv6Prefix                               int `json:"ipv6_prefix"`
			Lines                                    []string
		}
		InvalidTrusted []string `json:"invalid_trusted"`
		APIKeys        []struct {
			Authorization *string
			XAPIKey       *string `json:"x_api_key"`
			APIKey        *string `json:"api_key"`
		} `json:"api_keys"`
	}
	load(t, "addresses.json", &file)
	for _, vector := range file.Clients {
		opts := []ProxyOption{WithIPv6Prefix(vector.IPv6Prefix)}
		if vector.Header == "Forwarded" {
			opts = append(opts, WithForwarded())
		}
		proxies := must(TrustProxies(vector.Trusted, opts...))(t)
		peer := netip.AddrPortFrom(netip.MustParseAddr(vector.Peer), 4711)
		r := &http.Request{RemoteAddr: peer.String(), Header: http.Header{vector.Header: vector.Lines}}
		equal(t, vector.Name, proxies.Key(r), vector.Key)
		equal(t, vector.Name, proxies.Client(r).String(), vector.Client)
	}
	for _, trusted := range file.InvalidTrusted {
		_, err := TrustProxies(trusted)
		equal(t, trusted, code(err), "options")
	}
	for _, vector := range file.APIKeys {
		r := &http.Request{Header: http.Header{}}
		set(r.Header, "Authorization", vector.Authorization)
		set(r.Header, "X-Api-Key", vector.XAPIKey)
		wanted := ""
		if vector.APIKey != nil {
			wanted = *vector.APIKey
		}
		equal(t, "API key", APIKey(r), wanted)
	}
}

func set(header http.Header, name string, value *string) {
	if value != nil {
		header.Set(name, *value)
	}
}
