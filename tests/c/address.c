/* Whose request it is: the client behind proxies, and its API key. */
#include "test.h"

#ifdef TG_CLIENT_KEY_BYTES

static const unsigned char PROXY[] = {10, 0, 0, 1}, STRANGER[] = {192, 0, 2, 7};

static tg_proxies *proxies_of(const char *trusted) {
    tg_proxies *proxies = NULL;
    OK(tg_proxies_new(trusted, strlen(trusted), TG_X_FORWARDED_FOR, 64, &proxies));
    return proxies;
}

static void client(const tg_proxies *proxies, const unsigned char *peer, const char *forwarded,
                   const char *key, const char *whole) {
    size_t forwarded_len = forwarded ? strlen(forwarded) : 0, len = 0;
    char text[TG_CLIENT_KEY_BYTES];
    OK(tg_client_key(proxies, peer, 4, forwarded, forwarded_len, text, sizeof text, &len));
    CHECK_TEXT(text, key);
    CHECK_EQ(len, strlen(key));
    OK(tg_client_address(proxies, peer, 4, forwarded, forwarded_len, text, sizeof text, &len));
    CHECK_TEXT(text, whole);
}

static void clients_behind_proxies(void) {
    tg_proxies *proxies = proxies_of("10.0.0.0/8, ::1");
    client(proxies, STRANGER, "1.2.3.4", "192.0.2.7", "192.0.2.7"); /* nobody believes a stranger */
    client(proxies, PROXY, NULL, "10.0.0.1", "10.0.0.1");
    client(proxies, PROXY, "1.2.3.4, 5.6.7.8, 10.9.9.9", "5.6.7.8", "5.6.7.8");
    client(proxies, PROXY, "2001:db8:1:2:3::4", "2001:db8:1:2::/64", "2001:db8:1:2:3::4");
    client(proxies, PROXY, "nonsense", "10.0.0.1", "10.0.0.1");

    char text[TG_CLIENT_KEY_BYTES];
    size_t len;
    CHECK_STATUS(tg_client_key(proxies, PROXY, 5, NULL, 0, text, sizeof text, &len), TG_OPTIONS);
    CHECK_STATUS(tg_client_key(proxies, NULL, 4, NULL, 0, text, sizeof text, &len), TG_NULL);
    CHECK_STATUS(tg_client_key(NULL, PROXY, 4, NULL, 0, text, sizeof text, &len), TG_NULL);
    CHECK_STATUS(tg_client_key(proxies, PROXY, 4, NULL, 0, text, 3, &len), TG_BUFFER_TOO_SMALL);
    CHECK_STATUS(tg_client_address(NULL, PROXY, 4, NULL, 0, text, sizeof text, &len), TG_NULL);
    tg_proxies_free(proxies);
    tg_proxies_free(NULL);
}

static void proxies_that_are_refused(void) {
    tg_proxies *proxies = NULL;
    CHECK_STATUS(tg_proxies_new("10.0.0.0/99", 11, TG_X_FORWARDED_FOR, 64, &proxies), TG_OPTIONS);
    CHECK_STATUS(tg_proxies_new("", 0, 7, 64, &proxies), TG_OPTIONS);
    CHECK_STATUS(tg_proxies_new("", 0, TG_FORWARDED, 1000, &proxies), TG_OPTIONS);
    CHECK_STATUS(tg_proxies_new(NULL, 1, TG_FORWARDED, 64, &proxies), TG_NULL);
    CHECK_STATUS(tg_proxies_new("", 0, TG_FORWARDED, 64, NULL), TG_NULL);
    CHECK(proxies == NULL);
}

static void keys_that_requests_show(void) {
    const char *bearer = "Bearer abc", *other = "xyz", *key = NULL;
    size_t len = 0;
    OK(tg_api_key(bearer, 10, other, 3, &key, &len));
    CHECK(key == bearer + 7 && len == 3);
    OK(tg_api_key(NULL, 0, other, 3, &key, &len));
    CHECK(key == other && len == 3);
    OK(tg_api_key(NULL, 0, NULL, 0, &key, &len));
    CHECK(key == NULL && len == 0);
    CHECK_STATUS(tg_api_key(NULL, 1, NULL, 0, &key, &len), TG_NULL);
    CHECK_STATUS(tg_api_key(NULL, 0, NULL, 0, NULL, &len), TG_NULL);
    CHECK_STATUS(tg_api_key(NULL, 0, NULL, 0, &key, NULL), TG_NULL);
}

void test_address(void) {
    clients_behind_proxies();
    proxies_that_are_refused();
    keys_that_requests_show();
}

#else

void test_address(void) {}

#endif
