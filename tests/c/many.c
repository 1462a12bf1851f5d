/* Many keys at once, and several limiters at once. */
#include "test.h"

#include <stdlib.h>

enum { MANY = 1000 };

static void as_many_single_checks(void) {
    tg_limiter *limiter = limiter_by("5/hour", NULL);
    const void *keys[MANY];
    size_t lens[MANY];
    uint64_t costs[MANY];
    static char names[MANY][8];
    tg_decision *decisions = malloc(MANY * sizeof *decisions);
    if (!decisions) exit(1);
    for (int i = 0; i < MANY; i++) {
        lens[i] = (size_t)snprintf(names[i], sizeof names[i], "%d", i % 300);
        keys[i] = names[i];
        costs[i] = 1 + i % 2;
    }
    OK(tg_check_many(limiter, keys, lens, NULL, MANY, decisions));
    int allowed = 0;
    for (int i = 0; i < MANY; i++) allowed += decisions[i].allowed;
    CHECK_EQ(allowed, MANY); /* no key more than four times */
    OK(tg_check_many(limiter, keys, lens, costs, 300, decisions));
    for (int i = 0; i < 300; i++) CHECK_EQ(decisions[i].allowed, (i < 100 ? 4 : 3) + costs[i] <= 5);
    free(decisions);
    tg_limiter_free(limiter);
}

/* If one is wrong nothing is taken, and no decision is an admission. */
static void all_or_none_of_a_batch(void) {
    tg_limiter *limiter = limiter_by("5/hour", NULL);
    const void *keys[] = {"a", "b", NULL};
    const size_t lens[] = {1, 1, 0};
    const uint64_t wrong[] = {1, 6};
    tg_decision decisions[3];
    memset(decisions, 0xFF, sizeof decisions);
    CHECK_STATUS(tg_check_many(limiter, keys, lens, NULL, 3, decisions), TG_EMPTY_KEY);
    CHECK(!decisions[0].allowed && !decisions[1].allowed && !decisions[2].allowed);
    CHECK_STATUS(tg_check_many(limiter, keys, lens, wrong, 2, decisions), TG_COST_ABOVE_QUOTA);
    CHECK_STATUS(tg_check_many(limiter, NULL, lens, NULL, 2, decisions), TG_NULL);
    CHECK_STATUS(tg_check_many(limiter, keys, NULL, NULL, 2, decisions), TG_NULL);
    CHECK_STATUS(tg_check_many(limiter, keys, lens, NULL, 2, NULL), TG_NULL);
    CHECK_STATUS(tg_check_many(NULL, keys, lens, NULL, 2, decisions), TG_NULL);
    CHECK_STATUS(tg_check_many(limiter, keys, lens, NULL, SIZE_MAX, decisions), TG_LENGTH);
    OK(tg_check_many(limiter, NULL, NULL, NULL, 0, NULL));
    tg_info info = {.size = sizeof info};
    OK(tg_peek(limiter, "a", 1, decisions));
    OK(tg_decision_info(decisions, &info));
    CHECK_EQ(info.remaining, 5);
    tg_limiter_free(limiter);
}

static void all_admit_or_nothing_is_taken(void) {
    tg_limiter *users = limiter_by("9/hour", NULL), *groups = limiter_by("1/day", NULL);
    tg_part parts[] = {{users, "alice", 5, 2}, {groups, "acme", 4, 1}};
    tg_decision decisions[2], peeked;
    bool allowed = false;
    size_t reported = 9;
    OK(tg_check_all(parts, 2, decisions, &allowed, &reported));
    CHECK(allowed && decisions[0].allowed && decisions[1].allowed && reported == 0);
    OK(tg_check_all(parts, 2, decisions, &allowed, &reported));
    CHECK(!allowed && decisions[0].allowed && !decisions[1].allowed && reported == 1);
    OK(tg_check_all(parts, 2, decisions, &allowed, NULL));
    tg_info info = {.size = sizeof info};
    OK(tg_peek(users, "alice", 5, &peeked));
    OK(tg_decision_info(&peeked, &info));
    CHECK_EQ(info.remaining, 7);

    CHECK_STATUS(tg_check_all(parts, 0, decisions, &allowed, NULL), TG_JOINT);
    CHECK_STATUS(tg_check_all(NULL, 2, decisions, &allowed, NULL), TG_NULL);
    CHECK_STATUS(tg_check_all(parts, 2, NULL, &allowed, NULL), TG_NULL);
    CHECK_STATUS(tg_check_all(parts, 2, decisions, NULL, NULL), TG_NULL);
    allowed = true;
    parts[1].limiter = users;
    CHECK_STATUS(tg_check_all(parts, 2, decisions, &allowed, NULL), TG_JOINT);
    CHECK(!allowed && !decisions[0].allowed && !decisions[1].allowed);
    parts[1].limiter = NULL;
    CHECK_STATUS(tg_check_all(parts, 2, decisions, &allowed, NULL), TG_NULL);
    parts[1] = (tg_part){groups, "acme", 4, 2};
    CHECK_STATUS(tg_check_all(parts, 2, decisions, &allowed, NULL), TG_COST_ABOVE_QUOTA);
    tg_limiter_free(users);
    tg_limiter_free(groups);
}

void test_many(void) {
    as_many_single_checks();
    all_or_none_of_a_batch();
    all_admit_or_nothing_is_taken();
}
