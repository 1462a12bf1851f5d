//go:build linux

// Command hammer is one process of several that take as much of one key as they are given. What it
// was granted it writes down in the format of tests/src/kills/record.rs.
//
//	hammer SEGMENT POLICY KEY SECONDS RECORD
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/tidegate/tidegate/bindings/go"
)

const clockMonotonic = 1

// now is the clock that all processes of the machine share, in nanoseconds.
func now() uint64 {
	var time syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&time)), 0)
	return uint64(time.Nano())
}

func admitted(record *os.File, before, after uint64) error {
	var bytes [32]byte
	for i, word := range []uint64{0, 1, before, after} {
		binary.LittleEndian.PutUint64(bytes[8*i:], word)
	}
	_, err := record.Write(bytes[:])
	return err
}

func hammer(segment, policy, key string, nanoseconds uint64, path string) (calls uint64, err error) {
	limiter, err := tidegate.New(policy, tidegate.WithSegment(segment))
	if err != nil {
		return 0, err
	}
	defer limiter.Close()
	record, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	defer record.Close()
	start := now()
	for {
		before := now()
		if before-start >= nanoseconds {
			return calls, nil
		}
		calls++
		decision, err := limiter.Check(key, 1)
		if err == nil && decision.Allowed {
			err = admitted(record, before, now())
		}
		if err != nil {
			return calls, err
		}
	}
}

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: hammer SEGMENT POLICY KEY SECONDS RECORD")
		os.Exit(2)
	}
	seconds, err := strconv.ParseFloat(os.Args[4], 64)
	if err == nil {
		var calls uint64
		calls, err = hammer(os.Args[1], os.Args[2], os.Args[3], uint64(seconds*1e9), os.Args[5])
		fmt.Printf("Go: %d calls\n", calls)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hammer:", err)
		os.Exit(1)
	}
}
