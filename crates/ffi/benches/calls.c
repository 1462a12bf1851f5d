/* What a check costs a C program that links the static library. After `make test-c`:
 *
 *   target/c/calls [ROUNDS]
 *
 * The least of many rounds of 10,000 calls, by turns, so that all meet the same machine. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tidegate.h>
#include <time.h>

enum { CALLS = 10000 };

static const char KEY[] = "203.0.113.7";

static tg_limiter *made(const char *policy) {
    tg_limiter *limiter = NULL;
    if (tg_limiter_new(policy, strlen(policy), NULL, &limiter) != TG_OK) exit(1);
    return limiter;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int check(const tg_limiter *limiter) {
    tg_decision decision;
    return tg_check(limiter, KEY, sizeof KEY - 1, 1, &decision) == TG_OK && decision.allowed;
}

static int allow(const tg_limiter *limiter) {
    bool allowed;
    return tg_allow(limiter, KEY, sizeof KEY - 1, 1, &allowed) == TG_OK && allowed;
}

int main(int count, char **arguments) {
    int rounds = count > 1 ? atoi(arguments[1]) : 500;
    tg_limiter *strict = made("100/minute; 10/second token-bucket");
    tg_limiter *generous =
        made("1000000/second token-bucket burst=9000000; 1000000/second token-bucket burst=9000000");
    struct {
        const char *name;
        int (*call)(const tg_limiter *);
        const tg_limiter *limiter;
        double least;
    } all[] = {{"check-denied", check, strict, 1e18},
               {"check-admitted", check, generous, 1e18},
               {"allow-denied", allow, strict, 1e18},
               {"allow-admitted", allow, generous, 1e18}};
    volatile int admitted = 0;
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < 4; i++) {
            double start = now();
            for (int call = 0; call < CALLS; call++) admitted += all[i].call(all[i].limiter);
            double each = (now() - start) / CALLS;
            if (each < all[i].least) all[i].least = each;
        }
    for (int i = 0; i < 4; i++) printf("%-15s %6.1f ns\n", all[i].name, all[i].least);
    tg_limiter_free(strict);
    tg_limiter_free(generous);
    return 0;
}
