package tidegate

// #include "bridge.h"
// #cgo noescape tgo_client_key
// #cgo nocallback tgo_client_key
// #cgo noescape tgo_client_address
// #cgo nocallback tgo_client_address
// #cgo noescape tgo_api_key
// #cgo nocallback tgo_api_key
import "C"

import (
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"unsafe"
)

// Proxies are the proxies that are believed about whom they answer. The nil *Proxies trusts nobody.
type Proxies struct {
	c      *C.tg_proxies
	header string
}

// ProxyOption is an option of [TrustProxies].
type ProxyOption func(*proxyOptions)

type proxyOptions struct {
	header C.uint32_t
	prefix int
}

// WithForwarded reads the header Forwarded (RFC 7239) in place of X-Forwarded-For. Only one of them
// is ever read: a proxy that writes one passes the other on as the client sent it.
func WithForwarded() ProxyOption { return func(o *proxyOptions) { o.header = C.TG_FORWARDED } }

// WithIPv6Prefix sets how many bits of an IPv6 address stand for one client, 64 by default.
func WithIPv6Prefix(bits int) ProxyOption { return func(o *proxyOptions) { o.prefix = bits } }

// TrustProxies reads the addresses and networks of the proxies before this server, with commas or
// blanks between them: "10.0.0.0/8, ::1". Errors: [ErrOptions].
func TrustProxies(trusted string, opts ...ProxyOption) (*Proxies, error) {
	o := proxyOptions{header: C.TG_X_FORWARDED_FOR, prefix: 64}
	for _, option := range opts {
		option(&o)
	}
	proxies := &Proxies{header: "X-Forwarded-For"}
	if o.header == C.TG_FORWARDED {
		proxies.header = "Forwarded"
	}
	start, n := chars(trusted)
	prefix := C.uint32_t(min(uint(o.prefix), 1<<31)) // what is negative is too large
	if err := failed(C.tgo_proxies_new(start, n, o.header, prefix, &proxies.c)); err != nil {
		return nil, err
	}
	runtime.KeepAlive(trusted)
	runtime.AddCleanup(proxies, func(c *C.tg_proxies) { C.tg_proxies_free(c) }, proxies.c)
	return proxies, nil
}

var nobody = func() *Proxies {
	proxies, err := TrustProxies("")
	if err != nil {
		panic(err) // there was no memory
	}
	return proxies
}()

// Key is what a request's client is counted by: "192.0.2.7", or the network of an IPv6 address,
// "2001:db8:1:2::/64".
//
// The client is the other end of the connection, unless that is a trusted proxy; then the first
// address in the header, from the right, that is none. A connection through a Unix socket counts as
// from 127.0.0.1.
func (p *Proxies) Key(r *http.Request) string {
	p = p.orNobody()
	return p.key(peer(r.RemoteAddr), r.Header[p.header])
}

// Client is the whole address of a request's client, for logs.
func (p *Proxies) Client(r *http.Request) netip.Addr {
	p = p.orNobody()
	return p.client(peer(r.RemoteAddr), r.Header[p.header])
}

func (p *Proxies) orNobody() *Proxies {
	if p == nil {
		return nobody
	}
	return p
}

// peer gives the address of the other end.
func peer(remote string) netip.Addr {
	if with, err := netip.ParseAddrPort(remote); err == nil {
		return with.Addr()
	}
	if bare, err := netip.ParseAddr(remote); err == nil {
		return bare
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

func (p *Proxies) key(peer netip.Addr, lines []string) string {
	var buf [C.TG_CLIENT_KEY_BYTES]byte
	var n C.size_t
	bytes, list := peer.As16(), strings.Join(lines, ",")
	start, length := chars(list)
	outcome := C.tgo_client_key(p.c, unsafe.Pointer(&bytes), 16, start, length, (*C.char)(unsafe.Pointer(&buf)), C.size_t(len(buf)), &n)
	runtime.KeepAlive(p)
	if failed(outcome) != nil {
		return peer.String() // it can't fail: the arguments are whole, and the buffer has room
	}
	return string(buf[:n])
}

func (p *Proxies) client(peer netip.Addr, lines []string) netip.Addr {
	var buf [C.TG_CLIENT_KEY_BYTES]byte
	var n C.size_t
	bytes, list := peer.As16(), strings.Join(lines, ",")
	start, length := chars(list)
	outcome := C.tgo_client_address(p.c, unsafe.Pointer(&bytes), 16, start, length, (*C.char)(unsafe.Pointer(&buf)), C.size_t(len(buf)), &n)
	runtime.KeepAlive(p)
	if failed(outcome) != nil {
		return peer
	}
	client, err := netip.ParseAddr(string(buf[:n]))
	if err != nil {
		return peer
	}
	return client
}

// APIKey is the API key that a request shows: the token of "Authorization: Bearer TOKEN", else the
// value of X-API-Key; "" if there is none. It is 1 to 8192 visible ASCII characters, and never reads
// as an address, so that nobody is counted as another's address. It is not verified.
func APIKey(r *http.Request) string {
	authorization, key := r.Header.Get("Authorization"), r.Header.Get("X-Api-Key")
	if authorization == "" && key == "" {
		return ""
	}
	start, n := chars(authorization)
	keyStart, keyLen := chars(key)
	place := C.tgo_api_key(start, n, keyStart, keyLen)
	switch place.header {
	case 1:
		return authorization[place.start : place.start+place.len]
	case 2:
		return key[place.start : place.start+place.len]
	}
	return ""
}
