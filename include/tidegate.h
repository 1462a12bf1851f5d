/* tidegate: exact rate limits, decided in nanoseconds.
 *
 * docs/c-api.md tells the rules. In short: every call that can fail returns a tg_status; texts and
 * keys are a pointer and a length; whatever a call makes is freed by the tg_..._free of its type;
 * structs whose first field is `size` want sizeof in it; handles may be used by any thread.
 *
 * Generated from crates/ffi by `make header`; not to be edited.
 */
#ifndef TIDEGATE_H
#define TIDEGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The version of this header; tg_version() is that of the library.
#define TG_VERSION "0.1.0"
#define TG_VERSION_MAJOR 0
#define TG_VERSION_MINOR 1
#define TG_VERSION_PATCH 0

// The proxies write X-Forwarded-For: what nearly all do.
#define TG_X_FORWARDED_FOR 0

// The proxies write Forwarded (RFC 7239).
#define TG_FORWARDED 1

// Room for the text of any client's key or address, its NUL included.
#define TG_CLIENT_KEY_BYTES 44

// X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset (a Unix time).
#define TG_STYLE_X_RATELIMIT 1

// RateLimit-Policy and RateLimit with all limits: the IETF draft since its revision 08.
#define TG_STYLE_IETF 2

// RateLimit-Limit, -Remaining, -Reset and -Policy: the IETF draft up to its revision 06.
#define TG_STYLE_IETF_06 4

// The longest key in bytes.
#define TG_MAX_KEY_BYTES 65536

// The most limits that one policy may have, and the most parts of a joint check.
#define TG_MAX_LIMITS 8

// What `tg_limiter_max_body` gives where the policy says nothing of bodies.
#define TG_NO_MAX_BODY UINT64_MAX

// The number of the binary interface, which is the SONAME's too. It changes only when a program
// that was compiled against an older header could no longer run.
#define TG_ABI_VERSION 0

// How a call went. The numbers never change, and none is used again.
//
// A denial is no failure: it is `TG_OK` with a decision that is not allowed. After anything but
// `TG_OK`, `tg_last_error` says what was wrong and what to do.
enum tg_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // All is well.
    TG_OK = 0,
    // A pointer that must not be is NULL.
    TG_NULL = 1,
    // A text is not UTF-8.
    TG_UTF8 = 2,
    // A struct's `size` was not set, or the struct has fields set that this library doesn't know.
    TG_STRUCT_SIZE = 3,
    // The buffer is too small; its length says what is needed. Nothing was written to it.
    TG_BUFFER_TOO_SMALL = 4,
    // There is no limit with this index.
    TG_INDEX = 5,
    // A length is larger than any memory.
    TG_LENGTH = 6,
    // No such header style.
    TG_STYLE = 7,
    // The decision holds nothing: the call that was to fill it failed, or was never made.
    TG_NO_DECISION = 8,
    // A fault in the library. What it was doing is undone or done; the handles are still good.
    TG_PANIC = 9,
    // An error that this version of the C interface has no number for.
    TG_OTHER = 10,
    // The key is empty.
    TG_EMPTY_KEY = 20,
    // The key is longer than `TG_MAX_KEY_BYTES`.
    TG_KEY_TOO_LONG = 21,
    // The cost is 0.
    TG_ZERO_COST = 22,
    // The cost is above what a limit ever admits at once.
    TG_COST_ABOVE_QUOTA = 23,
    // Another number of costs than the policy has limits.
    TG_COST_COUNT = 24,
    // A joint check without parts, with too many, or with one limiter twice.
    TG_JOINT = 25,
    // The policy notation can't be read.
    TG_NOTATION = 40,
    // The policy is well-formed but can't be enforced.
    TG_POLICY = 41,
    // The policy file can't be read or understood, or has no policy of that name.
    TG_POLICY_FILE = 42,
    // The options contradict each other, or can't be had.
    TG_OPTIONS = 43,
    // The memory for the table can't be had.
    TG_MEMORY = 44,
    // The table can't be had at this moment (shared segments only).
    TG_UNAVAILABLE = 45,
    // The segment's path is a symbolic link.
    TG_SEGMENT_SYMLINK = 60,
    // The segment's path is no regular file.
    TG_SEGMENT_NOT_A_FILE = 61,
    // The segment belongs to another user.
    TG_SEGMENT_OWNER = 62,
    // Others may write to the segment.
    TG_SEGMENT_MODE = 63,
    // The file is not a segment.
    TG_SEGMENT_FOREIGN = 64,
    // The segment was written on a machine of the other byte order.
    TG_SEGMENT_BYTE_ORDER = 65,
    // The segment has another version of the layout.
    TG_SEGMENT_VERSION = 66,
    // The segment counts for another policy.
    TG_SEGMENT_POLICY = 67,
    // The segment has room for another number of keys.
    TG_SEGMENT_CAPACITY = 68,
    // The segment counts by another kind of clock.
    TG_SEGMENT_CLOCK = 69,
    // The segment was filled by a library whose hash gives other values.
    TG_SEGMENT_HASH = 70,
    // The segment was cut short, or something was added to it.
    TG_SEGMENT_SIZE = 71,
    // There isn't enough space for the segment.
    TG_SEGMENT_NO_SPACE = 72,
    // As many processes as can share the segment do so already.
    TG_SEGMENT_CROWDED = 73,
    // The policy's notation is too long to be kept in a segment.
    TG_SEGMENT_LONG_POLICY = 74,
    // Segments are not supported on this system.
    TG_SEGMENT_UNSUPPORTED = 75,
    // What the system said of the segment's file.
    TG_SEGMENT_IO = 76,
    // The header of the segment is damaged.
    TG_SEGMENT_DAMAGED = 77,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tg_status tg_status;
#else
typedef int32_t tg_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What happens to a new key when the table is full of keys that still count; none of those is ever
// forgotten for another.
enum tg_on_full
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Newcomers share one entry, and so one quota, until there is room.
    TG_ON_FULL_OVERFLOW = 0,
    // Newcomers are denied.
    TG_ON_FULL_DENY = 1,
    // Newcomers are admitted without being counted.
    TG_ON_FULL_ALLOW = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tg_on_full tg_on_full;
#else
typedef uint32_t tg_on_full;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a check says when a shared segment can't be had at that moment.
enum tg_on_unavailable
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The request is denied: the quota is never exceeded.
    TG_ON_UNAVAILABLE_DENY = 0,
    // The request is admitted without being counted.
    TG_ON_UNAVAILABLE_ALLOW = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tg_on_unavailable tg_on_unavailable;
#else
typedef uint32_t tg_on_unavailable;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Which clock a limiter reads. All are monotonic.
enum tg_clock
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The coarse one where its lag doesn't matter to the policy, else the precise one.
    TG_CLOCK_AUTO = 0,
    // Exact to the nanosecond.
    TG_CLOCK_PRECISE = 1,
    // As of the last timer tick (some ms ago), and cheaper to read; nothing is admitted early.
    TG_CLOCK_COARSE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tg_clock tg_clock;
#else
typedef uint32_t tg_clock;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Which limit the single numbers of an admission are of.
enum tg_report
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // What the policy file says; else the first.
    TG_REPORT_POLICY = 0,
    // The policy's first limit, so that X-RateLimit-Limit stays the same between responses.
    TG_REPORT_FIRST = 1,
    // The limit with the smallest remaining fraction of its quota.
    TG_REPORT_TIGHTEST = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tg_report tg_report;
#else
typedef uint32_t tg_report;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How a limit counts.
enum tg_algorithm
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // At every instant the costs admitted within the last window sum to at most the quota.
    TG_SLIDING_WINDOW_LOG = 0,
    // A bucket of so many tokens, refilled evenly at quota per window.
    TG_TOKEN_BUCKET = 1,
    // One that this header doesn't know yet.
    TG_OTHER_ALGORITHM = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tg_algorithm tg_algorithm;
#else
typedef uint32_t tg_algorithm;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// A key of a limiter, for those who decide about one key again and again. It keeps its limiter
// alive. Usable from any number of threads at once.
typedef struct tg_key tg_key;

// A policy with its table of keys. Usable from any number of threads at once.
typedef struct tg_limiter tg_limiter;

// A clock for tests: it stands still until it is moved. Limiters that were made with it keep it
// alive, so it can be freed at any time.
typedef struct tg_manual_clock tg_manual_clock;

// The proxies that are believed about whom they answer. Usable from any number of threads at once.
typedef struct tg_proxies tg_proxies;

// What a check says. Read `allowed`; for everything else there are `tg_decision_info`,
// `tg_decision_limit`, `tg_headers` and `tg_body`.
//
// Plain memory of the caller's: copy it as you like, there is nothing to free. It is good until its
// limiter is freed. A call that fails leaves it not allowed, and empty.
typedef struct tg_decision {
    // Whether the request is within every limit; only then has anything been taken.
    bool allowed;
    // Not to be touched.
    uint32_t reserved_mark;
    // Not to be touched.
    uint64_t reserved[31];
} tg_decision;

// What goes with a body. The texts end in NUL and live as long as the library.
typedef struct tg_body_head {
    // sizeof(tg_body_head).
    size_t size;
    // The value of Content-Type; NULL if there is no body.
    const char *content_type;
    // The value of Cache-Control; NULL if there is no body.
    const char *cache_control;
    // The HTTP status: 429 or 413; 0 if there is no body, since the request was allowed.
    uint32_t status;
    // Zero.
    uint32_t reserved;
} tg_body_head;

// What a limiter has done since it was made. Every call is counted once, in `admitted` or in
// `denied`; the sums are exact once the calls have returned.
typedef struct tg_counters {
    // sizeof(tg_counters).
    size_t size;
    // Calls admitted.
    uint64_t admitted;
    // Calls of keys that the table had no room for; each is also admitted or denied.
    uint64_t overflowed;
    // Entries whose limits had all recovered and whose place a new key took.
    uint64_t reclaimed;
    // Calls whose entry could not be had (shared segments only); each is also admitted or denied.
    uint64_t unavailable;
    // Calls denied, by the limit that their decision reports, in the policy's order.
    uint64_t denied[TG_MAX_LIMITS];
} tg_counters;

// Gets one header. Both texts end in NUL, which their lengths do not count, and are gone after the
// call. It must return: no exception and no longjmp may leave it.
typedef void (*tg_header_fn)(void *user,
                             const char *name,
                             size_t name_len,
                             const char *value,
                             size_t value_len);

// The numbers of a decision. `limit`, `remaining` and `reset_after_ns` are of the reported limit: on
// an admission the one that the options chose, on a denial the one with the longest wait.
typedef struct tg_info {
    // sizeof(tg_info).
    size_t size;
    // The quota of the reported limit, in cost units per window.
    uint64_t limit;
    // Whole cost units that the reported limit has left.
    uint64_t remaining;
    // Nanoseconds until the reported limit has its full quota again if nothing more is sent.
    uint64_t reset_after_ns;
    // On a denial, nanoseconds after which this very cost can pass; 0 when allowed.
    uint64_t retry_after_ns;
    // The same in whole seconds, rounded up and at least 1, for Retry-After; 0 when allowed.
    uint64_t retry_after_seconds;
    // The limiter's time in nanoseconds at which this was decided.
    uint64_t at_ns;
    // Bit i: limit i denies.
    uint64_t violated;
    // The index of the reported limit.
    uint32_t reported;
    // How many limits the policy has.
    uint32_t limit_count;
    // Whether the request is within every limit.
    bool allowed;
    // Whether the key has an entry of its own; if not, the table was full and `on_full` decided.
    bool tracked;
    // Zero.
    uint8_t reserved[6];
} tg_info;

// The state of one limit after a decision.
typedef struct tg_limit_state {
    // sizeof(tg_limit_state).
    size_t size;
    // The limit's name, without a NUL; valid until the limiter is freed.
    const char *name;
    // The length of its name in bytes.
    size_t name_len;
    // Cost units per window.
    uint64_t quota;
    // The window in nanoseconds.
    uint64_t window_ns;
    // Whole cost units left. A refused cost takes nothing.
    uint64_t remaining;
    // Nanoseconds until it has its full quota again if nothing more is sent.
    uint64_t reset_after_ns;
    // Nanoseconds after which this cost can pass this limit; 0 if it can now.
    uint64_t retry_after_ns;
    // Nanoseconds for which `remaining` holds: `t` of the IETF headers.
    uint64_t effective_window_ns;
    // Whether it denies.
    bool violated;
    // Zero.
    uint8_t reserved[7];
} tg_limit_state;

// A key of one limiter, and what it is to pay.
typedef struct tg_part {
    // The limiter; each may be there once.
    const struct tg_limiter *limiter;
    // The key.
    const void *key;
    // Its length in bytes.
    size_t key_len;
    // Cost units.
    uint64_t cost;
} tg_part;

// The options of a limiter. All zero but `size` is the default: see `tg_options_init`.
typedef struct tg_options {
    // sizeof(tg_options).
    size_t size;
    // How many keys can be counted at once; 0 for 100,000. Bounds the memory, which is reserved at
    // once but used only as keys come.
    size_t max_keys;
    // A tg_on_full.
    uint32_t on_full;
    // A tg_on_unavailable.
    uint32_t on_unavailable;
    // A tg_clock; TG_CLOCK_AUTO where there is a manual clock.
    uint32_t clock;
    // A tg_report.
    uint32_t report;
    // A clock for tests, or NULL.
    const struct tg_manual_clock *manual_clock;
    // The path of a segment: the table is shared with every process that opens the same file, in
    // whatever language. The first one makes it. NULL for a table of this process.
    const char *segment;
    // Its length in bytes.
    size_t segment_len;
    // The path of a TOML policy file, or NULL; then `policy` is the name of a policy in it.
    const char *policy_file;
    // Its length in bytes.
    size_t policy_file_len;
    // Whether the table is shared with the processes forked from this one afterwards.
    bool anonymous_segment;
    // Zero.
    uint8_t reserved[7];
} tg_options;

// One limit of a policy.
typedef struct tg_limit {
    // sizeof(tg_limit).
    size_t size;
    // Its name, without a NUL; valid until the limiter is freed.
    const char *name;
    // The length of its name in bytes.
    size_t name_len;
    // Cost units per window.
    uint64_t quota;
    // The window in nanoseconds.
    uint64_t window_ns;
    // The most that one call may cost: a log's quota, a bucket's burst.
    uint64_t capacity;
    // The tick in nanoseconds in which it counts time.
    uint64_t resolution_ns;
    // What it counts: "requests", "content-bytes" or "concurrent-requests", without a NUL.
    const char *unit;
    // The length of that in bytes.
    size_t unit_len;
    // A tg_algorithm.
    uint32_t algorithm;
    // Zero.
    uint32_t reserved;
} tg_limit;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Reads the trusted proxies: addresses and networks such as "10.0.0.0/8, ::1", with commas or blanks
// between them. The empty text trusts nobody; then the client is always the peer.
//
// `header` is TG_X_FORWARDED_FOR or TG_FORWARDED: only that one is read, since a proxy passes the
// other on as the client sent it. The first `ipv6_prefix` bits of an IPv6 address (64 is usual) stand
// for one client. Errors: TG_OPTIONS.
//
// Requires: `trusted` has `trusted_len` bytes; `proxies` is valid for writing. It is set to NULL on failure.
tg_status tg_proxies_new(const char *trusted,
                         size_t trusted_len,
                         uint32_t header,
                         uint32_t ipv6_prefix,
                         struct tg_proxies **proxies);

// Gives the proxies back. NULL is nothing to do.
//
// Requires: `proxies` came from `tg_proxies_new`, and no thread uses it any more.
void tg_proxies_free(struct tg_proxies *proxies);

// The text to count a request's client by: "192.0.2.7", or "2001:db8:1:2::/64".
//
// `peer` is the address of the other end of the connection, 4 bytes of IPv4 or 16 of IPv6, as sockets
// have it. `forwarded` is the value of the chosen header, several lines joined with a comma in their
// order; it may be NULL. The client is the peer, unless that is a trusted proxy; then the first
// address from the right that is none. Where something on the way is no address, it is the peer.
//
// The buffer is filled as by `tg_limiter_policy`; TG_CLIENT_KEY_BYTES are always enough.
//
// Requires: `proxies` is valid; `peer` has `peer_len` bytes, `forwarded` has `forwarded_len`; `buf` is valid for
// writing `cap` bytes, `len` for writing.
tg_status tg_client_key(const struct tg_proxies *proxies,
                        const void *peer,
                        size_t peer_len,
                        const char *forwarded,
                        size_t forwarded_len,
                        char *buf,
                        size_t cap,
                        size_t *len);

// The address of a request's client as text, all of it: as `tg_client_key`, for logs.
//
// Requires: As for `tg_client_key`.
tg_status tg_client_address(const struct tg_proxies *proxies,
                            const void *peer,
                            size_t peer_len,
                            const char *forwarded,
                            size_t forwarded_len,
                            char *buf,
                            size_t cap,
                            size_t *len);

// The API key that a request shows: the token of "Authorization: Bearer TOKEN", else the value of
// X-API-Key. Give it the values of these headers; NULL where one is absent.
//
// `key` then points into the value that it was found in; it is NULL if there is none. A key is 1 to
// 8192 visible ASCII characters, and never reads as an address, so that no client can be counted as
// another's address. It is not verified.
//
// Requires: `authorization` and `x_api_key` have their lengths; `key` and `key_len` are valid for writing.
tg_status tg_api_key(const char *authorization,
                     size_t authorization_len,
                     const char *x_api_key,
                     size_t x_api_key_len,
                     const char **key,
                     size_t *key_len);

// Decides about each of `count` keys in order: the decisions of as many `tg_check` calls at one
// moment, several times faster where the keys are not in the processor's cache. Keys may repeat.
//
// `costs` has a cost for each key, or is NULL for 1 each. If any key or cost is wrong nothing is
// taken, and the decisions are empty. Errors: as for `tg_check`.
//
// Requires: `limiter` is a limiter; `keys`, `key_lens`, `costs` and `decisions` have `count` elements, and
// each key has its length.
tg_status tg_check_many(const struct tg_limiter *limiter,
                        const void *const *keys,
                        const size_t *key_lens,
                        const uint64_t *costs,
                        size_t count,
                        struct tg_decision *decisions);

// The body of a denial: a message as JSON, or a problem (RFC 9457) if the request's Accept header
// prefers that. `accept` may be NULL. An admission has none: `len` and `head->status` are 0.
//
// `retry_after` is what `tg_headers` was given; the message says it. The buffer is filled as by
// `tg_limiter_policy`; `head` may be NULL.
//
// Requires: `decision` was filled and its limiter is not freed; `accept` has `accept_len` bytes; `head` has
// its `size` set; `buf` is valid for writing `cap` bytes, `len` for writing.
tg_status tg_body(const struct tg_decision *decision,
                  const char *accept,
                  size_t accept_len,
                  uint64_t retry_after,
                  struct tg_body_head *head,
                  char *buf,
                  size_t cap,
                  size_t *len);

// The body for a request whose own is larger than `max_body` bytes: 413. Answer with it as soon as
// the declared Content-Length says so, or once a body without a length grows past it. Such a request
// costs no quota. The buffer is filled as by `tg_limiter_policy`; `head` may be NULL.
//
// Requires: `head` has its `size` set; `buf` is valid for writing `cap` bytes, `len` for writing.
tg_status tg_body_too_large(uint64_t max_body,
                            struct tg_body_head *head,
                            char *buf,
                            size_t cap,
                            size_t *len);

// What was wrong with this thread's last call that failed, and what to do; empty if none has. Calls
// that succeed leave it as it is.
//
// Writes at most `cap` bytes into `buf`, the NUL that ends them included, and cuts a longer text
// short between characters. Returns the length of the whole text without the NUL. `buf` may be NULL
// if `cap` is 0.
//
// Requires: `buf` is valid for writing `cap` bytes, or NULL.
size_t tg_last_error(char *buf, size_t cap);

#if defined(TG_TEST_PANIC)
// Panics, to show that no panic reaches C. In builds for tests only.
tg_status tg_test_panic(void);
#endif

// Decides about `cost` units for `key`: all are taken from every limit, or nothing is.
//
// A denial is TG_OK with `decision->allowed` false. Keys are any bytes, 1 to TG_MAX_KEY_BYTES.
// Errors: TG_EMPTY_KEY, TG_KEY_TOO_LONG, TG_ZERO_COST, TG_COST_ABOVE_QUOTA.
//
// Requires: `limiter` is a limiter; `key` has `key_len` bytes; `decision` is valid for writing.
tg_status tg_check(const struct tg_limiter *limiter,
                   const void *key,
                   size_t key_len,
                   uint64_t cost,
                   struct tg_decision *decision);

// Decides as `tg_check` does, at a time of the caller's in place of the clock's: for replaying what
// happened, and for tests. Times before the key's last admission count as that one.
//
// Requires: As for `tg_check`.
tg_status tg_check_at(const struct tg_limiter *limiter,
                      const void *key,
                      size_t key_len,
                      uint64_t cost,
                      uint64_t now_ns,
                      struct tg_decision *decision);

// Decides about a cost for each limit, in the policy's order: one request and 900 tokens, say. A
// limit whose cost is 0 has no say. Errors: also TG_COST_COUNT.
//
// Requires: As for `tg_check`; `costs` has `cost_count` numbers.
tg_status tg_check_costs(const struct tg_limiter *limiter,
                         const void *key,
                         size_t key_len,
                         const uint64_t *costs,
                         size_t cost_count,
                         struct tg_decision *decision);

// Whether `cost` units for `key` are within every limit; taken if so. The same as `tg_check` for
// those who need no more than that, in less time. `allowed` is false after an error.
//
// Requires: As for `tg_check`; `allowed` is valid for writing.
tg_status tg_allow(const struct tg_limiter *limiter,
                   const void *key,
                   size_t key_len,
                   uint64_t cost,
                   bool *allowed);

// What a check of one unit would be told, with the numbers as they are now; takes nothing.
//
// Requires: As for `tg_check`.
tg_status tg_peek(const struct tg_limiter *limiter,
                  const void *key,
                  size_t key_len,
                  struct tg_decision *decision);

// Waits until `cost` units for `key` are admitted, at most `timeout_ns` nanoseconds. The decision is
// the admission, or the denial that stood when waiting ended; a wait that can't end in time is not
// begun. Threads that wait for one key are admitted in the order of their calls.
//
// Requires: As for `tg_check`.
tg_status tg_acquire(const struct tg_limiter *limiter,
                     const void *key,
                     size_t key_len,
                     uint64_t cost,
                     uint64_t timeout_ns,
                     struct tg_decision *decision);

// Gives `cost` units back to every limit of `key`: a log forgets its newest events, a bucket gets
// its tokens back, up to full.
//
// Requires: `limiter` is a limiter; `key` has `key_len` bytes.
tg_status tg_refund(const struct tg_limiter *limiter,
                    const void *key,
                    size_t key_len,
                    uint64_t cost);

// Gives a cost for each limit back, in the policy's order.
//
// Requires: As for `tg_refund`; `costs` has `cost_count` numbers.
tg_status tg_refund_costs(const struct tg_limiter *limiter,
                          const void *key,
                          size_t key_len,
                          const uint64_t *costs,
                          size_t cost_count);

// Forgets what `key` has used.
//
// Requires: As for `tg_refund`.
tg_status tg_reset(const struct tg_limiter *limiter, const void *key, size_t key_len);

// A clock at `now_ns` nanoseconds; its zero counts as the Unix epoch where headers ask for a date.
//
// Requires: `clock` is valid for writing.
tg_status tg_manual_clock_new(uint64_t now_ns, struct tg_manual_clock **clock);

// Moves the time forward by `by_ns` nanoseconds, and wakes those who wait in `tg_acquire`.
//
// Requires: `clock` came from `tg_manual_clock_new`.
tg_status tg_manual_clock_advance(const struct tg_manual_clock *clock, uint64_t by_ns);

// Sets the time, backwards too.
//
// Requires: `clock` came from `tg_manual_clock_new`.
tg_status tg_manual_clock_set(const struct tg_manual_clock *clock, uint64_t now_ns);

// The time of the clock in nanoseconds.
//
// Requires: `clock` came from `tg_manual_clock_new`; `now_ns` is valid for writing.
tg_status tg_manual_clock_now(const struct tg_manual_clock *clock, uint64_t *now_ns);

// Gives the clock back. NULL is nothing to do.
//
// Requires: `clock` came from `tg_manual_clock_new`, and is not used afterwards.
void tg_manual_clock_free(struct tg_manual_clock *clock);

// What the limiter has done so far.
//
// Requires: `limiter` is a limiter; `counters` has its `size` set.
tg_status tg_limiter_counters(const struct tg_limiter *limiter, struct tg_counters *counters);

// Reads names of styles with commas between them, such as "x-ratelimit, ietf", into bits.
// Errors: TG_STYLE.
//
// Requires: `text` has `text_len` bytes; `styles` is valid for writing.
tg_status tg_styles_parse(const char *text, size_t text_len, uint32_t *styles);

// The headers of a response as lines of "Name: value" that end in CR LF, for servers that write
// their own head. `styles` are TG_STYLE bits; Retry-After comes with every denial, also with none.
//
// `retry_after` makes Retry-After longer, to so many seconds (see `tg_jittered`); 0 leaves it, and
// a shorter one changes nothing. The buffer is filled as by `tg_limiter_policy`.
//
// Requires: `decision` was filled and its limiter is not freed; `buf` is valid for writing `cap` bytes, `len`
// for writing.
tg_status tg_headers(const struct tg_decision *decision,
                     uint32_t styles,
                     uint64_t retry_after,
                     char *buf,
                     size_t cap,
                     size_t *len);

// The headers of a response one by one, for servers that add them singly: calls `each` with `user`
// for every header, in order. Otherwise as `tg_headers`.
//
// Requires: `decision` was filled and its limiter is not freed; `each` is a function of this type.
tg_status tg_headers_each(const struct tg_decision *decision,
                          uint32_t styles,
                          uint64_t retry_after,
                          tg_header_fn each,
                          void *user);

// The value of Access-Control-Expose-Headers that lets a script of another origin read every header
// that responses in these styles carry. The buffer is filled as by `tg_limiter_policy`.
//
// Requires: `buf` is valid for writing `cap` bytes, `len` for writing.
tg_status tg_exposed_headers(uint32_t styles, char *buf, size_t cap, size_t *len);

// A Retry-After of `seconds` made longer by 0 to `spread` whole seconds, evenly, as the 64 random
// bits of `random` have it, so that clients denied together do not come back together.
uint64_t tg_jittered(uint64_t seconds, uint64_t spread, uint64_t random);

// The numbers of a decision, worked out now from what the check read.
//
// Requires: `decision` was filled and its limiter is not freed; `info` has its `size` set.
tg_status tg_decision_info(const struct tg_decision *decision, struct tg_info *info);

// The state of the limit `index` after a decision, in the policy's order.
//
// Requires: `decision` was filled and its limiter is not freed; `state` has its `size` set.
tg_status tg_decision_limit(const struct tg_decision *decision,
                            size_t index,
                            struct tg_limit_state *state);

// Decides about several keys of different limiters at once: all admit, or nothing is taken.
//
// `decisions` gets the decision of each part, in order. On a joint denial a part that would have
// admitted is `allowed`, and nothing has been taken from it. `allowed` says whether all admit;
// `reported`, which may be NULL, which part to answer with: the denial with the longest wait, or
// the first. Errors: TG_JOINT; and for each part as for `tg_check`.
//
// Requires: `parts` and `decisions` have `count` elements; `allowed` is valid for writing, `reported` too
// unless it is NULL.
tg_status tg_check_all(const struct tg_part *parts,
                       size_t count,
                       struct tg_decision *decisions,
                       bool *allowed,
                       size_t *reported);

// Makes a handle to a key, which need not stay there. Errors: TG_EMPTY_KEY, TG_KEY_TOO_LONG.
//
// Requires: `limiter` is a limiter; `key` has `key_len` bytes; `handle` is valid for writing. It is set to
// NULL on failure.
tg_status tg_key_new(const struct tg_limiter *limiter,
                     const void *key,
                     size_t key_len,
                     struct tg_key **handle);

// As `tg_check`, for the handle's key.
//
// Requires: `handle` came from `tg_key_new`; `decision` is valid for writing. It is good until both the handle
// and the limiter are freed.
tg_status tg_key_check(const struct tg_key *handle,
                       uint64_t cost,
                       struct tg_decision *decision);

// As `tg_allow`, for the handle's key.
//
// Requires: `handle` came from `tg_key_new`; `allowed` is valid for writing.
tg_status tg_key_allow(const struct tg_key *handle, uint64_t cost, bool *allowed);

// Gives the handle back. NULL is nothing to do.
//
// Requires: `handle` came from `tg_key_new`, and no thread uses it any more.
void tg_key_free(struct tg_key *handle);

// Makes a limiter for a policy in the notation of docs/policies.md, such as
// "100/minute; 10/second token-bucket". `options` may be NULL for the defaults.
//
// Requires: `policy` has `policy_len` bytes; `options` is NULL or filled; `limiter` is valid for writing. It
// is set to NULL on failure.
tg_status tg_limiter_new(const char *policy,
                         size_t policy_len,
                         const struct tg_options *options,
                         struct tg_limiter **limiter);

// Gives the limiter back. NULL is nothing to do. Decisions that came from it are not valid any more.
// Key handles are: they keep it alive.
//
// Requires: `limiter` came from `tg_limiter_new`, and no thread uses it any more.
void tg_limiter_free(struct tg_limiter *limiter);

// The policy in its canonical notation, which reads back to the same limits.
//
// Writes the text and a NUL into `buf`, and the length without the NUL into `len`. A `cap` that
// is too small gives TG_BUFFER_TOO_SMALL and the same length; `buf` may be NULL if `cap` is 0.
//
// Requires: `limiter` is a limiter; `buf` is valid for writing `cap` bytes, `len` for writing.
tg_status tg_limiter_policy(const struct tg_limiter *limiter, char *buf, size_t cap, size_t *len);

// How many keys can be counted at once: at least as many as were asked for. 0 for NULL.
//
// Requires: `limiter` is a limiter, or NULL.
size_t tg_limiter_max_keys(const struct tg_limiter *limiter);

// The largest request body in bytes that the policy file allows, for `tg_body_too_large`;
// TG_NO_MAX_BODY, which no length exceeds, where it says none.
//
// Requires: `limiter` is a limiter, or NULL.
uint64_t tg_limiter_max_body(const struct tg_limiter *limiter);

// How many limits the policy has. 0 for NULL.
//
// Requires: `limiter` is a limiter, or NULL.
size_t tg_limiter_limits(const struct tg_limiter *limiter);

// Describes the limit `index` of the policy, counted from 0 in the policy's order.
//
// Requires: `limiter` is a limiter; `limit` has its `size` set.
tg_status tg_limiter_limit(const struct tg_limiter *limiter, size_t index, struct tg_limit *limit);

// The name of a status, such as "empty-key": the same in every language, for logs and for
// programs. "unknown" for a number that is none. It lives as long as the library.
const char *tg_status_name(int32_t status);

// The ABI version of the library that is running; compare it with `TG_ABI_VERSION`.
uint32_t tg_abi_version(void);

// The version of the library that is running, such as "1.2.3"; it lives as long as the library.
const char *tg_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/* All defaults: set what differs, and give it to tg_limiter_new. */
static inline void tg_options_init(tg_options *options) {
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
}

#endif /* TIDEGATE_H */
