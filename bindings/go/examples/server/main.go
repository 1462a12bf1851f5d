// Command server is a net/http server that holds every caller to a quota, which it shares with all
// servers on the same segment, in whatever language:
//
//	server --policy-file policies.toml --policy free --segment /dev/shm/quota --port 8080
//
// Each API key has a quota of its own; callers without one share that of their address.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/tidegate/tidegate/bindings/go"
)

var (
	policy  = flag.String("policy", "100/minute; 10/second token-bucket", "the limits, or the name of a policy in the file")
	file    = flag.String("policy-file", "", "a TOML file of named policies")
	segment = flag.String("segment", "", "the file through which servers share the quota")
	port    = flag.Int("port", 8080, "the port on 127.0.0.1; 0 is a free one")
)

func newLimiter() (*tidegate.Limiter, error) {
	var opts []tidegate.Option
	if *file != "" {
		opts = append(opts, tidegate.WithPolicyFile(*file))
	}
	if *segment != "" {
		opts = append(opts, tidegate.WithSegment(*segment))
	}
	return tidegate.New(*policy, opts...)
}

func welcome(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "Welcome.")
}

func main() {
	log.SetFlags(0)
	flag.Parse()
	limiter, err := newLimiter()
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", welcome)
	protect := tidegate.Middleware(limiter,
		tidegate.WithKey(tidegate.APIKey),
		tidegate.WithStyle(tidegate.XRateLimit|tidegate.IETF))

	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s/\n", listener.Addr())

	ends, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := &http.Server{Handler: protect(mux)}
	context.AfterFunc(ends, func() { server.Close() })
	if err := server.Serve(listener); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}
