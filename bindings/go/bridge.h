// What cgo calls: the C API in one call for each call of Go's, with the text of an error fetched on
// the same thread. A goroutine may be on another one by its next call.
#ifndef TIDEGATE_BRIDGE_H
#define TIDEGATE_BRIDGE_H

#include "tidegate.h"

#include <stdlib.h>

// How a call went; the text is for tgo_text_free, and NULL if all is well.
typedef struct {
    char *text;
    int32_t status;
} tgo_outcome;

static char *tgo_last_error(void) {
    size_t cap = tg_last_error(NULL, 0) + 1;
    char *text = malloc(cap);
    if (text != NULL) {
        tg_last_error(text, cap);
    }
    return text;
}

static inline tgo_outcome tgo_outcome_of(tg_status status) {
    tgo_outcome outcome = {NULL, status};
    if (__builtin_expect(status != TG_OK, 0)) {
        outcome.text = tgo_last_error();
    }
    return outcome;
}

static inline void tgo_text_free(char *text) { free(text); }

// The options one by one: cgo lets no Go struct with pointers to Go's texts through.
static inline tgo_outcome tgo_limiter_new(const char *policy, size_t policy_len, tg_options *options,
                                          const char *segment, size_t segment_len, const char *file,
                                          size_t file_len, tg_limiter **limiter) {
    options->size = sizeof *options;
    options->segment = segment;
    options->segment_len = segment_len;
    options->policy_file = file;
    options->policy_file_len = file_len;
    tg_status status = tg_limiter_new(policy, policy_len, options, limiter);
    options->segment = options->policy_file = NULL;
    return tgo_outcome_of(status);
}

// The numbers of a decision, unless the call that made it failed.
static inline tgo_outcome tgo_decided(tg_status status, const tg_decision *decision, tg_info *info) {
    if (__builtin_expect(status == TG_OK, 1)) {
        info->size = sizeof *info;
        status = tg_decision_info(decision, info);
    }
    return tgo_outcome_of(status);
}

static inline tgo_outcome tgo_check(const tg_limiter *limiter, const char *key, size_t key_len,
                                    uint64_t cost, tg_decision *decision, tg_info *info) {
    return tgo_decided(tg_check(limiter, key, key_len, cost, decision), decision, info);
}

static inline tgo_outcome tgo_check_costs(const tg_limiter *limiter, const char *key, size_t key_len,
                                          const uint64_t *costs, size_t cost_count,
                                          tg_decision *decision, tg_info *info) {
    tg_status status = tg_check_costs(limiter, key, key_len, costs, cost_count, decision);
    return tgo_decided(status, decision, info);
}

static inline tgo_outcome tgo_peek(const tg_limiter *limiter, const char *key, size_t key_len,
                                   tg_decision *decision, tg_info *info) {
    return tgo_decided(tg_peek(limiter, key, key_len, decision), decision, info);
}

static inline tgo_outcome tgo_allow(const tg_limiter *limiter, const char *key, size_t key_len,
                                    uint64_t cost, bool *allowed) {
    return tgo_outcome_of(tg_allow(limiter, key, key_len, cost, allowed));
}

static inline tgo_outcome tgo_refund(const tg_limiter *limiter, const char *key, size_t key_len,
                                     uint64_t cost) {
    return tgo_outcome_of(tg_refund(limiter, key, key_len, cost));
}

static inline tgo_outcome tgo_refund_costs(const tg_limiter *limiter, const char *key, size_t key_len,
                                           const uint64_t *costs, size_t cost_count) {
    return tgo_outcome_of(tg_refund_costs(limiter, key, key_len, costs, cost_count));
}

static inline tgo_outcome tgo_reset(const tg_limiter *limiter, const char *key, size_t key_len) {
    return tgo_outcome_of(tg_reset(limiter, key, key_len));
}

static inline tgo_outcome tgo_infos(tg_status status, const tg_decision *decisions, size_t count,
                                    tg_info *infos) {
    for (size_t i = 0; status == TG_OK && i < count; i++) {
        infos[i].size = sizeof infos[i];
        status = tg_decision_info(&decisions[i], &infos[i]);
    }
    return tgo_outcome_of(status);
}

// The keys stand one behind the other in `keys`: cgo lets no array of Go's pointers through.
static inline tgo_outcome tgo_check_many(const tg_limiter *limiter, const char *keys,
                                         const size_t *key_lens, const uint64_t *costs, size_t count,
                                         tg_decision *decisions, tg_info *infos) {
    const void **starts = malloc((count + 1) * sizeof *starts);
    if (starts == NULL) {
        return (tgo_outcome){NULL, TG_MEMORY};
    }
    for (size_t i = 0; i < count; i++) {
        starts[i] = keys;
        keys += key_lens[i];
    }
    tg_status status = tg_check_many(limiter, starts, key_lens, costs, count, decisions);
    tgo_outcome outcome = tgo_infos(status, decisions, count, infos);
    free(starts);
    return outcome;
}

// The keys as above, in at most TG_MAX_LIMITS parts; one more is let through, to be refused.
static inline tgo_outcome tgo_check_all(tg_limiter *const *limiters, const char *keys,
                                        const size_t *key_lens, const uint64_t *costs, size_t count,
                                        tg_decision *decisions, tg_info *infos, bool *allowed,
                                        size_t *reported) {
    tg_part parts[TG_MAX_LIMITS + 1];
    for (size_t i = 0; i < count && i <= TG_MAX_LIMITS; i++) {
        parts[i] = (tg_part){limiters[i], keys, key_lens[i], costs[i]};
        keys += key_lens[i];
    }
    return tgo_infos(tg_check_all(parts, count, decisions, allowed, reported), decisions, count, infos);
}

static inline tgo_outcome tgo_limit_state(const tg_decision *decision, size_t index,
                                          tg_limit_state *state) {
    state->size = sizeof *state;
    return tgo_outcome_of(tg_decision_limit(decision, index, state));
}

static inline tgo_outcome tgo_limit(const tg_limiter *limiter, size_t index, tg_limit *limit) {
    limit->size = sizeof *limit;
    return tgo_outcome_of(tg_limiter_limit(limiter, index, limit));
}

static inline tgo_outcome tgo_policy(const tg_limiter *limiter, char *buf, size_t cap, size_t *len) {
    return tgo_outcome_of(tg_limiter_policy(limiter, buf, cap, len));
}

static inline tgo_outcome tgo_counters(const tg_limiter *limiter, tg_counters *counters) {
    counters->size = sizeof *counters;
    return tgo_outcome_of(tg_limiter_counters(limiter, counters));
}

static inline tgo_outcome tgo_clock_new(uint64_t now_ns, tg_manual_clock **clock) {
    return tgo_outcome_of(tg_manual_clock_new(now_ns, clock));
}

static inline tgo_outcome tgo_headers(const tg_decision *decision, uint32_t styles, uint64_t retry_after,
                                      char *buf, size_t cap, size_t *len) {
    return tgo_outcome_of(tg_headers(decision, styles, retry_after, buf, cap, len));
}

static inline tgo_outcome tgo_styles_parse(const char *text, size_t text_len, uint32_t *styles) {
    return tgo_outcome_of(tg_styles_parse(text, text_len, styles));
}

static inline tgo_outcome tgo_exposed_headers(uint32_t styles, char *buf, size_t cap, size_t *len) {
    return tgo_outcome_of(tg_exposed_headers(styles, buf, cap, len));
}

static inline tgo_outcome tgo_body(const tg_decision *decision, const char *accept, size_t accept_len,
                                   uint64_t retry_after, tg_body_head *head, char *buf, size_t cap,
                                   size_t *len) {
    head->size = sizeof *head;
    return tgo_outcome_of(tg_body(decision, accept, accept_len, retry_after, head, buf, cap, len));
}

static inline tgo_outcome tgo_body_too_large(uint64_t max_body, tg_body_head *head, char *buf, size_t cap,
                                             size_t *len) {
    head->size = sizeof *head;
    return tgo_outcome_of(tg_body_too_large(max_body, head, buf, cap, len));
}

static inline tgo_outcome tgo_proxies_new(const char *trusted, size_t trusted_len, uint32_t header,
                                          uint32_t ipv6_prefix, tg_proxies **proxies) {
    return tgo_outcome_of(tg_proxies_new(trusted, trusted_len, header, ipv6_prefix, proxies));
}

static inline tgo_outcome tgo_client_key(const tg_proxies *proxies, const void *peer, size_t peer_len,
                                         const char *forwarded, size_t forwarded_len, char *buf,
                                         size_t cap, size_t *len) {
    tg_status status = tg_client_key(proxies, peer, peer_len, forwarded, forwarded_len, buf, cap, len);
    return tgo_outcome_of(status);
}

static inline tgo_outcome tgo_client_address(const tg_proxies *proxies, const void *peer, size_t peer_len,
                                             const char *forwarded, size_t forwarded_len, char *buf,
                                             size_t cap, size_t *len) {
    tg_status status = tg_client_address(proxies, peer, peer_len, forwarded, forwarded_len, buf, cap, len);
    return tgo_outcome_of(status);
}

// Where the API key is in the header that it was found in: 1 for Authorization, 2 for X-API-Key.
typedef struct {
    size_t start, len;
    int32_t header;
} tgo_api_key_place;

static inline tgo_api_key_place tgo_api_key(const char *authorization, size_t authorization_len,
                                            const char *x_api_key, size_t x_api_key_len) {
    const char *key = NULL;
    tgo_api_key_place place = {0, 0, 0};
    tg_api_key(authorization, authorization_len, x_api_key, x_api_key_len, &key, &place.len);
    if (key == NULL) {
        return place;
    }
    uintptr_t at = (uintptr_t)key, first = (uintptr_t)authorization;
    place.header = authorization_len != 0 && at >= first && at - first < authorization_len ? 1 : 2;
    place.start = at - (place.header == 1 ? first : (uintptr_t)x_api_key);
    return place;
}

#endif
