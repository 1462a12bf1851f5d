/* What the C tests share: a check that says where it failed and goes on. */
#ifndef TIDEGATE_TEST_H
#define TIDEGATE_TEST_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tidegate.h"

extern int failures;

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) fail(__FILE__, __LINE__, #condition);                     \
    } while (0)
#define CHECK_EQ(found, wanted) check_eq(__FILE__, __LINE__, #found, (uint64_t)(found), (uint64_t)(wanted))
#define CHECK_STATUS(found, wanted) check_status(__FILE__, __LINE__, #found, (found), (wanted))
#define CHECK_TEXT(found, wanted) check_text(__FILE__, __LINE__, #found, (found), (wanted))
#define OK(call) CHECK_STATUS(call, TG_OK)

void fail(const char *file, int line, const char *what);
void check_eq(const char *file, int line, const char *what, uint64_t found, uint64_t wanted);
void check_status(const char *file, int line, const char *what, tg_status found, tg_status wanted);
void check_text(const char *file, int line, const char *what, const char *found, const char *wanted);

/* A limiter of this policy, by this clock unless it is NULL. */
tg_limiter *limiter_by(const char *policy, tg_manual_clock *clock);
/* A check of this key; an empty decision if it fails. */
tg_decision check(const tg_limiter *limiter, const char *key, uint64_t cost);

void test_status(void);
void test_limiter(void);
void test_options(void);
void test_decide(void);
void test_many(void);
void test_headers(void);
void test_address(void);
void test_segment(void);
void test_threads(void);
void test_vectors(void);

#endif
