/* The options of a limiter. */
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

static tg_options defaults(void) {
    tg_options options;
    tg_options_init(&options);
    return options;
}

static tg_limiter *made(const char *policy, const tg_options *options) {
    tg_limiter *limiter = NULL;
    OK(tg_limiter_new(policy, strlen(policy), options, &limiter));
    return limiter;
}

static void refused(const tg_options *options, tg_status wanted) {
    tg_limiter *limiter = NULL;
    CHECK_STATUS(tg_limiter_new("1/minute", 8, options, &limiter), wanted);
    CHECK(limiter == NULL);
}

static void a_full_table_does_as_told(void) {
    const struct {
        uint32_t on_full;
        bool first, second;
    } wanted[] = {
        {TG_ON_FULL_OVERFLOW, true, false}, {TG_ON_FULL_DENY, false, false}, {TG_ON_FULL_ALLOW, true, true}};
    for (int i = 0; i < 3; i++) {
        tg_options options = defaults();
        options.max_keys = 1;
        options.on_full = wanted[i].on_full;
        tg_limiter *limiter = made("1/hour", &options);
        size_t room = tg_limiter_max_keys(limiter);
        char key[32];
        /* Sets of the table fill at different times: go on until one newcomer has no room. */
        tg_counters counters = {.size = sizeof counters};
        for (size_t n = 0; n < 64 * room && counters.overflowed == 0; n++) {
            snprintf(key, sizeof key, "key %zu", n);
            tg_decision decision = check(limiter, key, 1);
            OK(tg_limiter_counters(limiter, &counters));
            if (counters.overflowed == 0) continue;
            tg_info info = {.size = sizeof info};
            OK(tg_decision_info(&decision, &info));
            CHECK(!info.tracked);
            CHECK_EQ(decision.allowed, wanted[i].first);
            CHECK_EQ(check(limiter, key, 1).allowed, wanted[i].second);
        }
        CHECK_EQ(counters.overflowed, 1);
        tg_limiter_free(limiter);
    }
}

static void clocks(void) {
    for (uint32_t clock = TG_CLOCK_AUTO; clock <= TG_CLOCK_COARSE; clock++) {
        tg_options options = defaults();
        options.clock = clock;
        tg_limiter *limiter = made("2/minute", &options);
        CHECK(check(limiter, "alice", 2).allowed && !check(limiter, "alice", 1).allowed);
        tg_limiter_free(limiter);
    }
}

static void the_report_is_chosen(void) {
    const char *policy = "100/hour; 3/minute";
    const uint64_t reported[] = {100, 100, 3};
    for (uint32_t report = TG_REPORT_POLICY; report <= TG_REPORT_TIGHTEST; report++) {
        tg_options options = defaults();
        options.report = report;
        tg_limiter *limiter = made(policy, &options);
        tg_decision decision = check(limiter, "alice", 1);
        tg_info info = {.size = sizeof info};
        OK(tg_decision_info(&decision, &info));
        CHECK_EQ(info.limit, reported[report]);
        tg_limiter_free(limiter);
    }
}

static void numbers_that_mean_nothing(void) {
    tg_options options = defaults();
    options.on_full = 3;
    refused(&options, TG_OPTIONS);
    options = defaults();
    options.on_unavailable = 2;
    refused(&options, TG_OPTIONS);
    options = defaults();
    options.clock = 99;
    refused(&options, TG_OPTIONS);
    options = defaults();
    options.report = 3;
    refused(&options, TG_OPTIONS);
    tg_manual_clock *clock;
    OK(tg_manual_clock_new(0, &clock));
    options = defaults();
    options.manual_clock = clock;
    options.clock = TG_CLOCK_COARSE;
    refused(&options, TG_OPTIONS);
    tg_manual_clock_free(clock);
    options = defaults();
    options.max_keys = SIZE_MAX / 2;
    tg_limiter *limiter = NULL;
    tg_status status = tg_limiter_new("1/minute", 8, &options, &limiter);
    CHECK(status == TG_MEMORY || status == TG_OPTIONS);
}

/* An option that this library doesn't know would not happen, so it is an error unless it is off. */
static void options_of_other_versions(void) {
    struct {
        tg_options known;
        uint64_t later;
    } options = {.known = defaults(), .later = 0};
    options.known.size = sizeof options;
    tg_limiter_free(made("1/minute", &options.known));
    options.later = 1;
    refused(&options.known, TG_STRUCT_SIZE);
    const size_t wrong[] = {0, 8, sizeof(tg_options) - 1, 1 << 20};
    for (int i = 0; i < 4; i++) {
        options.known = defaults();
        options.known.size = wrong[i];
        refused(&options.known, TG_STRUCT_SIZE);
    }
}

static const char *written(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) exit(1);
    return path;
}

static void policies_from_a_file(void) {
    char path[] = "tidegate-policies.toml";
    written(path, "[free]\nlimits = \"2/minute\"\nmax_body = \"5 MB\"\n"
                  "[pro]\nlimits = \"9/minute; 3/second\"\nreport = \"tightest\"\n");
    tg_options options = defaults();
    options.policy_file = path;
    options.policy_file_len = strlen(path);
    tg_limiter *limiter = made("free", &options);
    CHECK_EQ(tg_limiter_max_body(limiter), 5000000);
    tg_limiter_free(limiter);

    limiter = made("pro", &options);
    tg_decision decision = check(limiter, "alice", 1);
    tg_info info = {.size = sizeof info};
    OK(tg_decision_info(&decision, &info));
    CHECK_EQ(info.limit, 3);
    tg_limiter_free(limiter);

    refused(&options, TG_POLICY_FILE); /* has no policy "1/minute" */
    written(path, "[free]\nlimit = 7\n");
    refused(&options, TG_POLICY_FILE);
    unlink(path);
    refused(&options, TG_POLICY_FILE);
}

/* Where segments are there they are shared; where not, the status says so. */
static void segments(void) {
    char path[64];
    snprintf(path, sizeof path, "/dev/shm/tidegate-test-c-%d", (int)getpid());
    tg_options options = defaults();
    options.segment = path;
    options.segment_len = strlen(path);
    options.max_keys = 64;
    tg_limiter *one = NULL, *other = NULL;
    tg_status status = tg_limiter_new("2/hour", 6, &options, &one);
    if (status != TG_SEGMENT_UNSUPPORTED) {
        CHECK_STATUS(status, TG_OK);
        OK(tg_limiter_new("2/hour", 6, &options, &other));
        CHECK(check(one, "alice", 1).allowed && check(other, "alice", 1).allowed);
        CHECK(!check(one, "alice", 1).allowed && !check(other, "alice", 1).allowed);
        CHECK_STATUS(tg_limiter_new("3/hour", 6, &options, &(tg_limiter *){NULL}), TG_SEGMENT_POLICY);
        tg_limiter_free(one);
        tg_limiter_free(other);
        unlink(path);
        options.segment = "/dev/shm";
        options.segment_len = 8;
        refused(&options, TG_SEGMENT_NOT_A_FILE);
    }
    options.anonymous_segment = true;
    refused(&options, TG_OPTIONS);
    options = defaults();
    options.anonymous_segment = true;
    options.on_unavailable = TG_ON_UNAVAILABLE_ALLOW;
    status = tg_limiter_new("2/hour", 6, &options, &one);
    CHECK(status == TG_OK || status == TG_SEGMENT_UNSUPPORTED);
    if (status == TG_OK) tg_limiter_free(one);
}

void test_options(void) {
    a_full_table_does_as_told();
    clocks();
    the_report_is_chosen();
    numbers_that_mean_nothing();
    options_of_other_versions();
    policies_from_a_file();
    segments();
}
