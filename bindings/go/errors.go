package tidegate

// #include "bridge.h"
import "C"

import (
	"errors"
	"time"
)

// What can be wrong, for [errors.Is]. The errors that calls return are [*Error] values, which wrap
// one of these and say what was wrong with this call and what to do.
var (
	ErrEmptyKey       = errors.New("tidegate: the key is empty")
	ErrKeyTooLong     = errors.New("tidegate: the key is too long")
	ErrZeroCost       = errors.New("tidegate: the cost is 0")
	ErrCostAboveQuota = errors.New("tidegate: the cost is above what a limit ever admits")
	ErrCostCount      = errors.New("tidegate: another number of costs than limits")
	ErrJoint          = errors.New("tidegate: a joint check of parts that don't go together")
	ErrNotation       = errors.New("tidegate: the policy can't be read")
	ErrPolicy         = errors.New("tidegate: the policy can't be enforced")
	ErrPolicyFile     = errors.New("tidegate: the policy file can't be used")
	ErrOptions        = errors.New("tidegate: the options can't be had")
	ErrMemory         = errors.New("tidegate: the memory can't be had")
	ErrUnavailable    = errors.New("tidegate: the table can't be had at this moment")
	ErrStyle          = errors.New("tidegate: no such header style")
	ErrSegment        = errors.New("tidegate: the segment can't be used") // Code says why
	ErrClosed         = errors.New("tidegate: the limiter is closed")
	ErrInternal       = errors.New("tidegate: a fault in the library")
)

// Error is what a call returns when it can't be done. A denial is no error.
type Error struct {
	// Code is a short name of what is wrong, the same in every language: "cost-above-quota".
	Code string
	// Status is its number in the C API; 0 for what only Go has.
	Status int
	// Message says what was wrong with this call, and what to do.
	Message string

	kind error
}

func (e *Error) Error() string { return "tidegate: " + e.Message }

// Unwrap gives the sentinel: errors.Is(err, tidegate.ErrEmptyKey).
func (e *Error) Unwrap() error { return e.kind }

// WaitError is what [Limiter.Wait] returns when it didn't wait to the end. It wraps the error of the
// context, or [context.DeadlineExceeded] where the deadline was too short to begin.
type WaitError struct {
	// RetryAfter is the time that was still to wait; 0 if others stood before.
	RetryAfter time.Duration

	cause error
}

func (e *WaitError) Error() string {
	if e.RetryAfter == 0 {
		return "tidegate: waiting for others ended: " + e.cause.Error()
	}
	return "tidegate: " + e.RetryAfter.String() + " still to wait: " + e.cause.Error()
}

// Unwrap gives the reason, such as [context.Canceled].
func (e *WaitError) Unwrap() error { return e.cause }

var kinds = map[C.int32_t]error{
	C.TG_EMPTY_KEY:        ErrEmptyKey,
	C.TG_KEY_TOO_LONG:     ErrKeyTooLong,
	C.TG_ZERO_COST:        ErrZeroCost,
	C.TG_COST_ABOVE_QUOTA: ErrCostAboveQuota,
	C.TG_COST_COUNT:       ErrCostCount,
	C.TG_JOINT:            ErrJoint,
	C.TG_NOTATION:         ErrNotation,
	C.TG_POLICY:           ErrPolicy,
	C.TG_POLICY_FILE:      ErrPolicyFile,
	C.TG_OPTIONS:          ErrOptions,
	C.TG_MEMORY:           ErrMemory,
	C.TG_UNAVAILABLE:      ErrUnavailable,
	C.TG_STYLE:            ErrStyle,
	C.TG_UTF8:             ErrNotation, // only a policy must be UTF-8
}

// kindOf gives the sentinel for a status; numbers from 60 to 99 are those of segments.
func kindOf(status C.int32_t) error {
	if kind, ok := kinds[status]; ok {
		return kind
	}
	if status >= C.TG_SEGMENT_SYMLINK && status < 100 {
		return ErrSegment
	}
	return ErrInternal
}

// failed gives the error of a call, nil if all went well. Small, so that it is inlined.
func failed(outcome C.tgo_outcome) error {
	if outcome.status == C.TG_OK {
		return nil
	}
	return newError(outcome)
}

func newError(outcome C.tgo_outcome) error {
	code := C.GoString(C.tg_status_name(outcome.status))
	message := code
	if outcome.text != nil {
		message = C.GoString(outcome.text)
		C.tgo_text_free(outcome.text)
	}
	return &Error{Code: code, Status: int(outcome.status), Message: message, kind: kindOf(outcome.status)}
}

func optionsError(message string) error {
	return &Error{Code: "options", Status: C.TG_OPTIONS, Message: message, kind: ErrOptions}
}

func closedError() error {
	return &Error{Code: "closed", Message: "the limiter is closed", kind: ErrClosed}
}

// outcomeOf is for tests, where there is no cgo.
func outcomeOf(status C.int32_t) C.tgo_outcome { return C.tgo_outcome{status: status} }
