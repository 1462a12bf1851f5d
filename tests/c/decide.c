/* Deciding, looking, giving back; key handles, manual clocks, decisions. */
#include "test.h"

#define MINUTE UINT64_C(60000000000)

static tg_info info_of(const tg_decision *decision) {
    tg_info info = {.size = sizeof info};
    OK(tg_decision_info(decision, &info));
    return info;
}

static void a_denial_is_no_error(void) {
    tg_manual_clock *clock;
    OK(tg_manual_clock_new(5, &clock));
    tg_limiter *limiter = limiter_by("2/minute; 9/second token-bucket", clock);
    tg_decision decision = check(limiter, "alice", 2);
    tg_info info = info_of(&decision);
    CHECK(decision.allowed && info.allowed && info.tracked);
    CHECK_EQ(info.limit, 2);
    CHECK_EQ(info.remaining, 0);
    CHECK_EQ(info.retry_after_ns, 0);
    CHECK_EQ(info.retry_after_seconds, 0);
    CHECK_EQ(info.violated, 0);
    CHECK_EQ(info.limit_count, 2);
    CHECK_EQ(info.at_ns, 5);

    decision = check(limiter, "alice", 1);
    info = info_of(&decision);
    CHECK(!decision.allowed && !info.allowed);
    CHECK_EQ(info.violated, 1);
    CHECK_EQ(info.reported, 0);
    CHECK_EQ(info.retry_after_seconds, 61); /* a tick after the whole minute */
    CHECK(info.retry_after_ns > MINUTE && info.reset_after_ns == info.retry_after_ns);

    tg_limit_state state = {.size = sizeof state};
    OK(tg_decision_limit(&decision, 1, &state));
    CHECK(state.name_len == 6 && memcmp(state.name, "second", 6) == 0);
    CHECK_EQ(state.quota, 9);
    CHECK_EQ(state.window_ns, 1000000000);
    CHECK_EQ(state.remaining, 7);
    CHECK(!state.violated && state.retry_after_ns == 0);
    CHECK_STATUS(tg_decision_limit(&decision, 2, &state), TG_INDEX);

    OK(tg_manual_clock_advance(clock, info.retry_after_ns));
    CHECK(check(limiter, "alice", 1).allowed);
    tg_limiter_free(limiter);
    tg_manual_clock_free(clock);
}

static void calls_that_are_wrong(void) {
    static char long_key[TG_MAX_KEY_BYTES + 1];
    tg_limiter *limiter = limiter_by("2/minute; 9/second token-bucket", NULL);
    tg_decision decision;
    memset(&decision, 0xFF, sizeof decision);
    CHECK_STATUS(tg_check(limiter, "", 0, 1, &decision), TG_EMPTY_KEY);
    CHECK(!decision.allowed);
    CHECK_STATUS(tg_check(limiter, NULL, 0, 1, &decision), TG_EMPTY_KEY);
    CHECK_STATUS(tg_check(limiter, NULL, 1, 1, &decision), TG_NULL);
    CHECK_STATUS(tg_check(limiter, long_key, sizeof long_key, 1, &decision), TG_KEY_TOO_LONG);
    CHECK_STATUS(tg_check(limiter, "a", SIZE_MAX, 1, &decision), TG_LENGTH);
    CHECK_STATUS(tg_check(limiter, "a", 1, 0, &decision), TG_ZERO_COST);
    CHECK_STATUS(tg_check(limiter, "a", 1, 3, &decision), TG_COST_ABOVE_QUOTA);
    CHECK_STATUS(tg_check(NULL, "a", 1, 1, &decision), TG_NULL);
    CHECK_STATUS(tg_check(limiter, "a", 1, 1, NULL), TG_NULL);
    OK(tg_check(limiter, long_key, TG_MAX_KEY_BYTES, 1, &decision));

    /* After a failure there is nothing in it. */
    CHECK_STATUS(tg_check(limiter, "a", 1, 0, &decision), TG_ZERO_COST);
    tg_info info = {.size = sizeof info};
    tg_limit_state state = {.size = sizeof state};
    CHECK_STATUS(tg_decision_info(&decision, &info), TG_NO_DECISION);
    CHECK_STATUS(tg_decision_limit(&decision, 0, &state), TG_NO_DECISION);
    CHECK_STATUS(tg_decision_info(NULL, &info), TG_NULL);
    CHECK_STATUS(tg_decision_limit(NULL, 0, &state), TG_NULL);
    decision = check(limiter, "a", 1);
    CHECK_STATUS(tg_decision_info(&decision, NULL), TG_NULL);
    CHECK_STATUS(tg_decision_limit(&decision, 0, NULL), TG_NULL);
    info.size = 3;
    CHECK_STATUS(tg_decision_info(&decision, &info), TG_STRUCT_SIZE);
    state.size = 0;
    CHECK_STATUS(tg_decision_limit(&decision, 0, &state), TG_STRUCT_SIZE);
    tg_limiter_free(limiter);
}

/* Keys are bytes: NULs and bytes that are no text are keys like others. */
static void keys_are_bytes(void) {
    tg_limiter *limiter = limiter_by("1/minute", NULL);
    const char *keys[] = {"a\0b", "a\0c", "\xff\xfe\x00", "\0\0\0"};
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 4; i++) {
            bool allowed = true;
            OK(tg_allow(limiter, keys[i], 3, 1, &allowed));
            CHECK_EQ(allowed, round == 0);
        }
    tg_limiter_free(limiter);
}

static void time_can_be_given(void) {
    tg_limiter *limiter = limiter_by("1/second", NULL);
    tg_decision decision;
    OK(tg_check_at(limiter, "a", 1, 1, 0, &decision));
    CHECK(decision.allowed);
    OK(tg_check_at(limiter, "a", 1, 1, 999999999, &decision));
    CHECK(!decision.allowed);
    OK(tg_check_at(limiter, "a", 1, 1, UINT64_MAX, &decision));
    CHECK(decision.allowed);
    CHECK_STATUS(tg_check_at(NULL, "a", 1, 1, 0, &decision), TG_NULL);
    CHECK_STATUS(tg_check_at(limiter, "a", 1, 1, 0, NULL), TG_NULL);
    CHECK_STATUS(tg_check_at(limiter, "a", 1, 0, 0, &decision), TG_ZERO_COST);
    tg_limiter_free(limiter);
}

static void costs_per_limit(void) {
    tg_limiter *limiter = limiter_by("requests: 2/hour; tokens: 900/hour token-bucket", NULL);
    const uint64_t costs[] = {1, 900}, back[] = {0, 250}, none[] = {0, 0}, much[] = {1, 901};
    tg_decision decision;
    OK(tg_check_costs(limiter, "a", 1, costs, 2, &decision));
    CHECK(decision.allowed);
    OK(tg_check_costs(limiter, "a", 1, costs, 2, &decision));
    CHECK(!decision.allowed && info_of(&decision).violated == 2);
    OK(tg_refund_costs(limiter, "a", 1, back, 2));
    OK(tg_check_costs(limiter, "a", 1, back, 2, &decision));
    CHECK(decision.allowed);
    CHECK_STATUS(tg_check_costs(limiter, "a", 1, costs, 1, &decision), TG_COST_COUNT);
    CHECK_STATUS(tg_check_costs(limiter, "a", 1, NULL, 0, &decision), TG_COST_COUNT);
    CHECK_STATUS(tg_check_costs(limiter, "a", 1, NULL, 2, &decision), TG_NULL);
    CHECK_STATUS(tg_check_costs(limiter, "a", 1, costs, SIZE_MAX, &decision), TG_LENGTH);
    CHECK_STATUS(tg_check_costs(limiter, "a", 1, none, 2, &decision), TG_ZERO_COST);
    CHECK_STATUS(tg_check_costs(limiter, "a", 1, much, 2, &decision), TG_COST_ABOVE_QUOTA);
    CHECK_STATUS(tg_check_costs(NULL, "a", 1, costs, 2, &decision), TG_NULL);
    CHECK_STATUS(tg_check_costs(limiter, "a", 1, costs, 2, NULL), TG_NULL);
    CHECK_STATUS(tg_refund_costs(limiter, "a", 1, costs, 1), TG_COST_COUNT);
    CHECK_STATUS(tg_refund_costs(limiter, "a", 1, NULL, 2), TG_NULL);
    CHECK_STATUS(tg_refund_costs(NULL, "a", 1, costs, 2), TG_NULL);
    tg_limiter_free(limiter);
}

static void yes_or_no(void) {
    tg_limiter *limiter = limiter_by("3/hour", NULL);
    bool allowed = false;
    OK(tg_allow(limiter, "a", 1, 2, &allowed));
    CHECK(allowed);
    OK(tg_allow(limiter, "a", 1, 1, &allowed));
    CHECK(allowed);
    OK(tg_allow(limiter, "a", 1, 1, &allowed));
    CHECK(!allowed);
    allowed = true;
    CHECK_STATUS(tg_allow(limiter, "a", 1, 0, &allowed), TG_ZERO_COST);
    CHECK(!allowed);
    CHECK_STATUS(tg_allow(limiter, "", 0, 1, &allowed), TG_EMPTY_KEY);
    CHECK_STATUS(tg_allow(limiter, "a", 1, 4, &allowed), TG_COST_ABOVE_QUOTA);
    CHECK_STATUS(tg_allow(NULL, "a", 1, 1, &allowed), TG_NULL);
    CHECK_STATUS(tg_allow(limiter, "a", 1, 1, NULL), TG_NULL);
    tg_limiter_free(limiter);
}

static void look_give_back_forget(void) {
    tg_limiter *limiter = limiter_by("3/hour", NULL);
    tg_decision decision;
    check(limiter, "a", 2);
    OK(tg_peek(limiter, "a", 1, &decision));
    CHECK_EQ(info_of(&decision).remaining, 1);
    OK(tg_refund(limiter, "a", 1, 1));
    OK(tg_peek(limiter, "a", 1, &decision));
    CHECK_EQ(info_of(&decision).remaining, 2);
    OK(tg_reset(limiter, "a", 1));
    OK(tg_peek(limiter, "a", 1, &decision));
    CHECK_EQ(info_of(&decision).remaining, 3);
    CHECK_STATUS(tg_peek(limiter, "", 0, &decision), TG_EMPTY_KEY);
    CHECK_STATUS(tg_peek(NULL, "a", 1, &decision), TG_NULL);
    CHECK_STATUS(tg_peek(limiter, "a", 1, NULL), TG_NULL);
    CHECK_STATUS(tg_refund(limiter, "a", 1, 0), TG_ZERO_COST);
    CHECK_STATUS(tg_refund(limiter, NULL, 1, 1), TG_NULL);
    CHECK_STATUS(tg_refund(NULL, "a", 1, 1), TG_NULL);
    CHECK_STATUS(tg_reset(limiter, "", 0), TG_EMPTY_KEY);
    CHECK_STATUS(tg_reset(NULL, "a", 1), TG_NULL);
    tg_limiter_free(limiter);
}

static void waiting(void) {
    tg_limiter *limiter = limiter_by("1/hour", NULL);
    tg_decision decision;
    OK(tg_acquire(limiter, "a", 1, 1, 0, &decision));
    CHECK(decision.allowed);
    OK(tg_acquire(limiter, "a", 1, 1, 1000000, &decision)); /* can't end in time: not begun */
    CHECK(!decision.allowed && info_of(&decision).retry_after_ns > 1000000);
    CHECK_STATUS(tg_acquire(limiter, "a", 1, 2, 0, &decision), TG_COST_ABOVE_QUOTA);
    CHECK_STATUS(tg_acquire(NULL, "a", 1, 1, 0, &decision), TG_NULL);
    CHECK_STATUS(tg_acquire(limiter, "a", 1, 1, 0, NULL), TG_NULL);
    tg_limiter_free(limiter);

    limiter = limiter_by("100/second token-bucket burst=1", NULL);
    for (int i = 0; i < 3; i++) {
        OK(tg_acquire(limiter, "a", 1, 1, UINT64_MAX, &decision)); /* a hundredth of a second each */
        CHECK(decision.allowed);
    }
    tg_limiter_free(limiter);
}

static void key_handles(void) {
    tg_limiter *limiter = limiter_by("3/hour", NULL);
    tg_key *key = NULL;
    tg_decision decision;
    bool allowed;
    OK(tg_key_new(limiter, "a", 1, &key));
    OK(tg_key_check(key, 1, &decision));
    CHECK(decision.allowed && info_of(&decision).remaining == 2);
    OK(tg_key_allow(key, 1, &allowed));
    CHECK(allowed && check(limiter, "a", 1).allowed);
    OK(tg_key_allow(key, 2, &allowed));
    CHECK(!allowed);
    CHECK_STATUS(tg_key_check(key, 0, &decision), TG_ZERO_COST);
    CHECK(!decision.allowed);
    CHECK_STATUS(tg_key_allow(key, 4, &allowed), TG_COST_ABOVE_QUOTA);
    CHECK_STATUS(tg_key_check(NULL, 1, &decision), TG_NULL);
    CHECK_STATUS(tg_key_check(key, 1, NULL), TG_NULL);
    CHECK_STATUS(tg_key_allow(NULL, 1, &allowed), TG_NULL);
    CHECK_STATUS(tg_key_allow(key, 1, NULL), TG_NULL);

    tg_limiter_free(limiter); /* the handle keeps it alive */
    OK(tg_key_check(key, 1, &decision));
    CHECK(!decision.allowed && info_of(&decision).limit == 3);
    tg_key_free(key);
    tg_key_free(NULL);

    limiter = limiter_by("3/hour", NULL);
    key = (tg_key *)&key;
    CHECK_STATUS(tg_key_new(limiter, "", 0, &key), TG_EMPTY_KEY);
    CHECK(key == NULL);
    CHECK_STATUS(tg_key_new(NULL, "a", 1, &key), TG_NULL);
    CHECK_STATUS(tg_key_new(limiter, NULL, 1, &key), TG_NULL);
    CHECK_STATUS(tg_key_new(limiter, "a", 1, NULL), TG_NULL);
    tg_limiter_free(limiter);
}

static void manual_clocks(void) {
    tg_manual_clock *clock = NULL;
    uint64_t now = 0;
    OK(tg_manual_clock_new(7, &clock));
    OK(tg_manual_clock_advance(clock, 3));
    OK(tg_manual_clock_now(clock, &now));
    CHECK_EQ(now, 10);
    OK(tg_manual_clock_set(clock, 2));
    OK(tg_manual_clock_now(clock, &now));
    CHECK_EQ(now, 2);
    OK(tg_manual_clock_advance(clock, UINT64_MAX));
    OK(tg_manual_clock_now(clock, &now));
    CHECK_EQ(now, UINT64_MAX);
    CHECK_STATUS(tg_manual_clock_new(0, NULL), TG_NULL);
    CHECK_STATUS(tg_manual_clock_advance(NULL, 1), TG_NULL);
    CHECK_STATUS(tg_manual_clock_set(NULL, 1), TG_NULL);
    CHECK_STATUS(tg_manual_clock_now(NULL, &now), TG_NULL);
    CHECK_STATUS(tg_manual_clock_now(clock, NULL), TG_NULL);
    tg_limiter *limiter = limiter_by("1/hour", clock);
    tg_manual_clock_free(clock); /* the limiter keeps it alive */
    tg_manual_clock_free(NULL);
    check(limiter, "a", 1);
    tg_limiter_free(limiter);
}

void test_decide(void) {
    a_denial_is_no_error();
    calls_that_are_wrong();
    keys_are_bytes();
    time_can_be_given();
    costs_per_limit();
    yes_or_no();
    look_give_back_forget();
    waiting();
    key_handles();
    manual_clocks();
}
