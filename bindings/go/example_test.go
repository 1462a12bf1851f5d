package tidegate_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/tidegate/tidegate/bindings/go"
)

func Example() {
	limiter, err := tidegate.New("100/minute; 10/second token-bucket")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer limiter.Close()

	decision, err := limiter.Check("api-key-1", 1)
	fmt.Println(decision.Allowed, decision.Limit, decision.Remaining, err)
	// Output: true 100 99 <nil>
}

func ExampleLimiter_Check() {
	clock := tidegate.NewManualClock()
	limiter, _ := tidegate.New("2/minute", tidegate.WithClock(clock))
	for range 3 {
		decision, _ := limiter.Check("alice", 1)
		fmt.Println(decision.Allowed, decision.Remaining, decision.RetryAfter, decision.Violated())
	}
	// Output:
	// true 1 0s []
	// true 0 0s []
	// false 0 1m0s [minute]
}

func ExampleLimiter_CheckCosts() {
	limiter, _ := tidegate.New("requests: 60/minute; tokens: 40000/minute token-bucket", tidegate.WithClock(tidegate.NewManualClock()))
	decision, _ := limiter.CheckCosts("alice", 1, 900) // one request, 900 tokens
	for limit := range decision.Limits() {
		fmt.Println(limit.Name, limit.Remaining)
	}
	_ = limiter.RefundCosts("alice", 0, 250) // the answer was shorter than that
	// Output:
	// requests 59
	// tokens 39100
}

func ExampleLimiter_Wait() {
	limiter, _ := tidegate.New("1/hour")
	limiter.Allow("alice")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := limiter.Wait(ctx, "alice", 1) // says so at once: an hour is longer than a minute
	var wait *tidegate.WaitError
	fmt.Println(errors.As(err, &wait), wait.RetryAfter > 59*time.Minute)
	// Output: true true
}

func ExampleCheckAll() {
	users, _ := tidegate.New("60/minute")
	teams, _ := tidegate.New("1/day")
	for _, user := range []string{"alice", "bob"} {
		joint, _ := tidegate.CheckAll(
			tidegate.Part{Limiter: users, Key: user, Cost: 1},
			tidegate.Part{Limiter: teams, Key: "acme", Cost: 1},
		)
		fmt.Println(user, joint.Allowed, joint.Reported)
	}
	// Output:
	// alice true 0
	// bob false 1
}

func ExampleMiddleware() {
	limiter, _ := tidegate.New("1/minute", tidegate.WithClock(tidegate.NewManualClock()))
	proxies, _ := tidegate.TrustProxies("10.0.0.0/8, ::1")
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })

	handler := tidegate.Middleware(limiter,
		tidegate.WithKey(tidegate.FirstKey(tidegate.APIKey, tidegate.ClientAddress(proxies))),
		tidegate.WithExemptPaths("/healthz"),
		tidegate.WithMaxBody(5_000_000),
	)(hello)

	for range 2 {
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, httptest.NewRequest("GET", "/", nil))
		fmt.Println(response.Code, response.Body)
	}
	// Output:
	// 200 hello
	// 429 {"message":"Rate limit exceeded. Try again in 60 seconds.","status":"error"}
}

func ExampleError() {
	limiter, _ := tidegate.New("10/minute")
	_, err := limiter.Check("alice", 11)
	fmt.Println(errors.Is(err, tidegate.ErrCostAboveQuota))
	fmt.Println(err)
	// Output:
	// true
	// tidegate: cost 11 is above the 10 that the limit `minute` ever admits at once: split the work or raise the limit
}
