/* One limiter in many threads: no unit too many, each thread its own error, waiters woken. */
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { THREADS = 4, CALLS = 3000, QUOTA = 5000 };

static tg_limiter *shared;
static tg_key *handle;
static atomic_uint admitted, done;

static void start(pthread_t *threads, int count, void *(*run)(void *)) {
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, run, (void *)(size_t)i)) exit(1);
}

static void finish(pthread_t *threads, int count) {
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

/* By turns in all the ways there are of asking. */
static void *ask(void *index) {
    for (int i = 0; i < CALLS; i++) {
        tg_decision decision = {.allowed = false};
        bool allowed = false;
        switch ((i + (int)(size_t)index) % 4) {
        case 0: OK(tg_check(shared, "a", 1, 1, &decision)); break;
        case 1: OK(tg_allow(shared, "a", 1, 1, &allowed)); break;
        case 2: OK(tg_key_check(handle, 1, &decision)); break;
        case 3: OK(tg_key_allow(handle, 1, &allowed)); break;
        }
        admitted += decision.allowed || allowed;
    }
    return NULL;
}

static void exactly_the_quota_is_admitted(void) {
    pthread_t threads[THREADS];
    tg_manual_clock *clock;
    OK(tg_manual_clock_new(0, &clock));
    shared = limiter_by("5000/minute", clock);
    OK(tg_key_new(shared, "a", 1, &handle));
    start(threads, THREADS, ask);
    finish(threads, THREADS);
    CHECK_EQ(admitted, QUOTA);
    tg_counters counters = {.size = sizeof counters};
    OK(tg_limiter_counters(shared, &counters));
    CHECK_EQ(counters.admitted, QUOTA);
    CHECK_EQ(counters.denied[0], THREADS * CALLS - QUOTA);
    tg_key_free(handle);
    tg_limiter_free(shared);
    tg_manual_clock_free(clock);
}

static void *err(void *index) {
    char mine[64], said[256];
    int len = snprintf(mine, sizeof mine, "%d per never", (int)(size_t)index);
    for (int i = 0; i < 200; i++) {
        CHECK_STATUS(tg_limiter_new(mine, (size_t)len, NULL, &(tg_limiter *){NULL}), TG_NOTATION);
        tg_last_error(said, sizeof said);
        CHECK(strstr(said, mine) != NULL);
    }
    return NULL;
}

static void every_thread_has_its_own_error(void) {
    pthread_t threads[THREADS];
    start(threads, THREADS, err);
    finish(threads, THREADS);
}

static void *wait_for_one(void *unused) {
    (void)unused;
    tg_decision decision;
    OK(tg_acquire(shared, "a", 1, 1, UINT64_C(3600000000000), &decision));
    CHECK(decision.allowed);
    done++;
    return NULL;
}

/* Time is moved until all have had their turn; nobody sleeps by the real clock. */
static void waiters_are_woken_by_the_clock(void) {
    pthread_t threads[THREADS];
    tg_manual_clock *clock;
    OK(tg_manual_clock_new(0, &clock));
    shared = limiter_by("1/minute", clock);
    done = 0;
    start(threads, THREADS, wait_for_one);
    while (done < THREADS) OK(tg_manual_clock_advance(clock, UINT64_C(1000000000)));
    finish(threads, THREADS);
    tg_limiter_free(shared);
    tg_manual_clock_free(clock);
}

void test_threads(void) {
    exactly_the_quota_is_admitted();
    every_thread_has_its_own_error();
    waiters_are_woken_by_the_clock();
}
