/* Limiters: made, described, refused. */
#include "test.h"

static tg_status new_limiter(const char *policy, tg_limiter **limiter) {
    return tg_limiter_new(policy, strlen(policy), NULL, limiter);
}

static void a_limiter_describes_itself(void) {
    tg_limiter *limiter = limiter_by("100 per 60s; 10/second token-bucket burst=20", NULL);
    char text[64];
    size_t len = 0;
    OK(tg_limiter_policy(limiter, text, sizeof text, &len));
    CHECK_TEXT(text, "100/minute; 10/second token-bucket burst=20");
    CHECK_EQ(len, strlen(text));
    CHECK(tg_limiter_max_keys(limiter) >= 100000);
    CHECK_EQ(tg_limiter_max_body(limiter), TG_NO_MAX_BODY);
    CHECK_EQ(tg_limiter_limits(limiter), 2);

    tg_limit limit = {.size = sizeof limit};
    OK(tg_limiter_limit(limiter, 1, &limit));
    CHECK(limit.name_len == 6 && memcmp(limit.name, "second", 6) == 0);
    CHECK(limit.unit_len == 8 && memcmp(limit.unit, "requests", 8) == 0);
    CHECK_EQ(limit.quota, 10);
    CHECK_EQ(limit.window_ns, 1000000000);
    CHECK_EQ(limit.capacity, 20);
    CHECK_EQ(limit.algorithm, TG_TOKEN_BUCKET);
    CHECK_EQ(limit.size, sizeof limit);
    CHECK_STATUS(tg_limiter_limit(limiter, 2, &limit), TG_INDEX);
    CHECK_STATUS(tg_limiter_limit(limiter, SIZE_MAX, &limit), TG_INDEX);
    tg_limiter_free(limiter);
}

/* A buffer that is too small keeps its bytes, and learns what it should have been. */
static void texts_fit_or_are_not_written(void) {
    tg_limiter *limiter = limiter_by("100/minute", NULL);
    size_t len = 0;
    CHECK_STATUS(tg_limiter_policy(limiter, NULL, 0, &len), TG_BUFFER_TOO_SMALL);
    CHECK_EQ(len, 10);
    for (size_t cap = 0; cap <= len; cap++) {
        char text[16];
        memset(text, '#', sizeof text);
        CHECK_STATUS(tg_limiter_policy(limiter, text, cap, &len), TG_BUFFER_TOO_SMALL);
        CHECK(len == 10 && text[0] == '#');
    }
    char text[12] = "###########";
    OK(tg_limiter_policy(limiter, text, 11, &len));
    CHECK_TEXT(text, "100/minute");
    CHECK_STATUS(tg_limiter_policy(limiter, NULL, 64, &len), TG_NULL);
    CHECK_STATUS(tg_limiter_policy(limiter, text, 11, NULL), TG_NULL);
    tg_limiter_free(limiter);
}

static void policies_that_are_refused(void) {
    tg_limiter *limiter = (tg_limiter *)&limiter;
    CHECK_STATUS(new_limiter("100/fortnight", &limiter), TG_NOTATION);
    CHECK(limiter == NULL);
    CHECK_STATUS(new_limiter("", &limiter), TG_NOTATION);
    CHECK_STATUS(tg_limiter_new("100/minute; a\xff", 15, NULL, &limiter), TG_UTF8);
    CHECK_STATUS(tg_limiter_new(NULL, 3, NULL, &limiter), TG_NULL);
    CHECK_STATUS(tg_limiter_new("1/minute", 8, NULL, NULL), TG_NULL);
    CHECK_STATUS(tg_limiter_new("1/minute", SIZE_MAX, NULL, &limiter), TG_LENGTH);
    CHECK(limiter == NULL);
    /* No NUL is needed: only what the length says is read. */
    OK(tg_limiter_new("1/minute/nonsense", 8, NULL, &limiter));
    tg_limiter_free(limiter);
}

static void nulls(void) {
    size_t len;
    char text[8];
    tg_limit limit = {.size = sizeof limit};
    tg_counters counters = {.size = sizeof counters};
    tg_limiter_free(NULL);
    CHECK_EQ(tg_limiter_max_keys(NULL), 0);
    CHECK_EQ(tg_limiter_limits(NULL), 0);
    CHECK_EQ(tg_limiter_max_body(NULL), TG_NO_MAX_BODY);
    CHECK_STATUS(tg_limiter_policy(NULL, text, sizeof text, &len), TG_NULL);
    CHECK_STATUS(tg_limiter_limit(NULL, 0, &limit), TG_NULL);
    CHECK_STATUS(tg_limiter_counters(NULL, &counters), TG_NULL);
    tg_limiter *limiter = limiter_by("1/minute", NULL);
    CHECK_STATUS(tg_limiter_limit(limiter, 0, NULL), TG_NULL);
    CHECK_STATUS(tg_limiter_counters(limiter, NULL), TG_NULL);
    tg_limiter_free(limiter);
}

/* A struct of an older header is shorter, one of a newer header longer. */
static void structs_of_other_versions(void) {
    tg_limiter *limiter = limiter_by("1/minute", NULL);
    struct {
        tg_counters known;
        uint64_t later[4];
    } counters;
    memset(&counters, 0xAA, sizeof counters);
    counters.known.size = sizeof counters;
    check(limiter, "alice", 1);
    OK(tg_limiter_counters(limiter, &counters.known));
    CHECK_EQ(counters.known.admitted, 1);
    CHECK(counters.later[0] == 0 && counters.later[3] == 0);
    const size_t wrong[] = {0, 1, sizeof(size_t), sizeof(tg_counters) - 1, 1 << 20, SIZE_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        counters.known.size = wrong[i];
        CHECK_STATUS(tg_limiter_counters(limiter, &counters.known), TG_STRUCT_SIZE);
    }
    tg_limiter_free(limiter);
}

static void calls_are_counted(void) {
    tg_manual_clock *clock;
    OK(tg_manual_clock_new(0, &clock));
    tg_limiter *limiter = limiter_by("3/minute; 1/second token-bucket", clock);
    for (int i = 0; i < 5; i++) check(limiter, "alice", 1);
    tg_counters counters = {.size = sizeof counters};
    OK(tg_limiter_counters(limiter, &counters));
    CHECK_EQ(counters.admitted, 1);
    CHECK_EQ(counters.denied[0], 0);
    CHECK_EQ(counters.denied[1], 4);
    CHECK_EQ(counters.overflowed + counters.reclaimed, 0);
    tg_limiter_free(limiter);
    tg_manual_clock_free(clock);
}

void test_limiter(void) {
    a_limiter_describes_itself();
    texts_fit_or_are_not_written();
    policies_that_are_refused();
    nulls();
    structs_of_other_versions();
    calls_are_counted();
}
