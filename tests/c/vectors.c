/* Runs all of tests/vectors, which vectors.py has made into tables. */
#include "test.h"

#include <stdlib.h>

struct limit {
    const char *name;
    uint64_t quota, window_ns;
    const char *algorithm;
    uint64_t capacity;
    const char *unit;
    uint64_t resolution_ns;
};
struct valid {
    const char *notation;
    size_t len;
    const char *canonical;
    const struct limit *limits;
    size_t limit_count;
};
struct invalid {
    const char *notation;
    size_t len;
};
struct state {
    const char *name;
    bool violated;
    uint64_t remaining, reset_after_ns, retry_after_ns, effective_window_ns;
};
struct wanted {
    bool allowed;
    uint64_t at_ns;
    const char *reported;
    uint64_t limit, remaining, reset_after_ns, retry_after_ns;
    const char *violated;
    const struct state *limits;
    size_t limit_count;
};
struct body {
    uint32_t status;
    const char *content_type, *text;
};
struct too_large {
    uint64_t max_body;
    struct body response;
};
struct step {
    uint64_t now_ns;
    const char *op, *key;
    size_t key_len;
    uint64_t cost;
    const uint64_t *costs;
    size_t cost_count;
    const char *error;
    const struct wanted *decision;
    const char *headers[3];
    bool bodies;
    const struct body *message, *problem;
};
struct kase {
    const char *name, *policy;
    size_t policy_len;
    bool tightest;
    const struct step *steps;
    size_t step_count;
};

#include "vectors.inc"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static bool same(const char *found, size_t len, const char *wanted) {
    return len == strlen(wanted) && memcmp(found, wanted, len) == 0;
}

static void check_limit(const tg_limiter *limiter, size_t index, const struct limit *wanted) {
    tg_limit found = {.size = sizeof found};
    OK(tg_limiter_limit(limiter, index, &found));
    CHECK(same(found.name, found.name_len, wanted->name) && same(found.unit, found.unit_len, wanted->unit));
    CHECK_EQ(found.quota, wanted->quota);
    CHECK_EQ(found.window_ns, wanted->window_ns);
    CHECK_EQ(found.capacity, wanted->capacity);
    CHECK_EQ(found.resolution_ns, wanted->resolution_ns);
    CHECK_EQ(found.algorithm == TG_TOKEN_BUCKET, strcmp(wanted->algorithm, "token-bucket") == 0);
    CHECK_EQ(found.algorithm == TG_SLIDING_WINDOW_LOG, strcmp(wanted->algorithm, "sliding-window-log") == 0);
}

static void check_valid(const struct valid *wanted) {
    tg_options options;
    tg_options_init(&options);
    options.max_keys = 1;
    tg_limiter *limiter = NULL;
    OK(tg_limiter_new(wanted->notation, wanted->len, &options, &limiter));
    char canonical[512];
    size_t len;
    OK(tg_limiter_policy(limiter, canonical, sizeof canonical, &len));
    CHECK_TEXT(canonical, wanted->canonical);
    CHECK_EQ(tg_limiter_limits(limiter), wanted->limit_count);
    for (size_t i = 0; i < wanted->limit_count; i++) check_limit(limiter, i, &wanted->limits[i]);
    tg_limiter_free(limiter);
}

static void check_state(const tg_decision *decision, size_t index, const struct state *wanted) {
    tg_limit_state found = {.size = sizeof found};
    OK(tg_decision_limit(decision, index, &found));
    CHECK(same(found.name, found.name_len, wanted->name));
    CHECK_EQ(found.violated, wanted->violated);
    CHECK_EQ(found.remaining, wanted->remaining);
    CHECK_EQ(found.reset_after_ns, wanted->reset_after_ns);
    CHECK_EQ(found.retry_after_ns, wanted->retry_after_ns);
    CHECK_EQ(found.effective_window_ns, wanted->effective_window_ns);
}

/* The names of the limits that deny, with spaces between them. */
static void violated_names(const tg_decision *decision, uint64_t violated, size_t count, char *names) {
    const char *separator = "";
    *names = 0;
    for (size_t i = 0; i < count; i++) {
        tg_limit_state state = {.size = sizeof state};
        OK(tg_decision_limit(decision, i, &state));
        if (!(violated >> i & 1)) continue;
        names += sprintf(names, "%s%.*s", separator, (int)state.name_len, state.name);
        separator = " ";
    }
}

static void check_decision(const tg_decision *decision, const struct wanted *wanted) {
    tg_info found = {.size = sizeof found};
    OK(tg_decision_info(decision, &found));
    CHECK_EQ(decision->allowed, wanted->allowed);
    CHECK_EQ(found.allowed, wanted->allowed);
    CHECK_EQ(found.at_ns, wanted->at_ns);
    CHECK_EQ(found.limit, wanted->limit);
    CHECK_EQ(found.remaining, wanted->remaining);
    CHECK_EQ(found.reset_after_ns, wanted->reset_after_ns);
    CHECK_EQ(found.retry_after_ns, wanted->retry_after_ns);
    CHECK_EQ(found.limit_count, wanted->limit_count);
    CHECK(found.reported < wanted->limit_count);
    CHECK_TEXT(wanted->limits[found.reported].name, wanted->reported);
    char names[512];
    violated_names(decision, found.violated, wanted->limit_count, names);
    CHECK_TEXT(names, wanted->violated);
    for (size_t i = 0; i < wanted->limit_count; i++) check_state(decision, i, &wanted->limits[i]);
}

static void check_headers(const tg_decision *decision, const char *const *wanted) {
    const uint32_t styles[] = {TG_STYLE_X_RATELIMIT, TG_STYLE_IETF, TG_STYLE_IETF_06};
    for (int i = 0; i < 3; i++) {
        char text[1024];
        size_t len;
        OK(tg_headers(decision, styles[i], 0, text, sizeof text, &len));
        CHECK_TEXT(text, wanted[i]);
    }
}

static void check_body(const tg_decision *decision, const char *accept, const struct body *wanted) {
    char text[1024];
    size_t len;
    tg_body_head head = {.size = sizeof head};
    OK(tg_body(decision, accept, strlen(accept), 0, &head, text, sizeof text, &len));
    CHECK_EQ(head.status, wanted ? wanted->status : 0);
    CHECK_TEXT(head.content_type, wanted ? wanted->content_type : NULL);
    CHECK_TEXT(text, wanted ? wanted->text : "");
}

/* Makes the call; decision stays empty for calls that give none. */
static tg_status call(const tg_limiter *limiter, const struct step *step, tg_decision *decision) {
    const char *op = step->op, *key = step->key;
    size_t len = step->key_len;
    memset(decision, 0, sizeof *decision);
    if (!strcmp(op, "check")) return tg_check(limiter, key, len, 1, decision);
    if (!strcmp(op, "check_n")) return tg_check(limiter, key, len, step->cost, decision);
    if (!strcmp(op, "check_costs"))
        return tg_check_costs(limiter, key, len, step->costs, step->cost_count, decision);
    if (!strcmp(op, "peek")) return tg_peek(limiter, key, len, decision);
    if (!strcmp(op, "refund")) return tg_refund(limiter, key, len, step->cost);
    if (!strcmp(op, "refund_costs"))
        return tg_refund_costs(limiter, key, len, step->costs, step->cost_count);
    if (!strcmp(op, "reset")) return tg_reset(limiter, key, len);
    fprintf(stderr, "no such call: %s\n", op);
    exit(1);
}

static void run_step(const tg_limiter *limiter, const struct step *step) {
    tg_decision decision;
    tg_status status = call(limiter, step, &decision);
    CHECK_TEXT(tg_status_name(status), step->error ? step->error : "ok");
    if (step->decision) check_decision(&decision, step->decision);
    if (step->headers[0]) check_headers(&decision, step->headers);
    if (step->bodies) check_body(&decision, "", step->message);
    if (step->bodies) check_body(&decision, "application/problem+json", step->problem);
}

static void run_case(const struct kase *kase) {
    int before = failures;
    tg_manual_clock *clock = NULL;
    OK(tg_manual_clock_new(0, &clock));
    tg_options options;
    tg_options_init(&options);
    options.manual_clock = clock;
    options.report = kase->tightest ? TG_REPORT_TIGHTEST : TG_REPORT_FIRST;
    tg_limiter *limiter = NULL;
    OK(tg_limiter_new(kase->policy, kase->policy_len, &options, &limiter));
    for (size_t i = 0; i < kase->step_count; i++) {
        OK(tg_manual_clock_set(clock, kase->steps[i].now_ns));
        run_step(limiter, &kase->steps[i]);
        if (failures != before) {
            fprintf(stderr, "in %s, step %zu\n", kase->name, i);
            break;
        }
    }
    tg_limiter_free(limiter);
    tg_manual_clock_free(clock);
}

void test_vectors(void) {
    size_t steps = 0;
    for (size_t i = 0; i < COUNT(VALID); i++) check_valid(&VALID[i]);
    for (size_t i = 0; i < COUNT(INVALID); i++)
        CHECK_STATUS(tg_limiter_new(INVALID[i].notation, INVALID[i].len, NULL, &(tg_limiter *){NULL}), TG_NOTATION);
    for (size_t i = 0; i < COUNT(TOO_LARGE); i++) {
        char text[128];
        size_t len;
        OK(tg_body_too_large(TOO_LARGE[i].max_body, NULL, text, sizeof text, &len));
        CHECK_TEXT(text, TOO_LARGE[i].response.text);
    }
    for (size_t i = 0; i < COUNT(CASES); i++) {
        run_case(&CASES[i]);
        steps += CASES[i].step_count;
    }
    printf("vectors: %zu policies, %zu refused, %zu cases of %zu steps\n", COUNT(VALID), COUNT(INVALID),
           COUNT(CASES), steps);
}
