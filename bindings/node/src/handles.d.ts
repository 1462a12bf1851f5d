// Written by scripts/build.mjs from src/*.rs: `npm run build:native` writes it anew.

declare const kind: unique symbol
/** A limiter, held by the native half. */
export interface Handle { [kind]: 'limiter' }
export interface PolicyHandle { [kind]: 'policy' }
export interface PolicyFileHandle { [kind]: 'policy-file' }
export interface ClockHandle { [kind]: 'clock' }
export interface ProxiesHandle { [kind]: 'proxies' }

// The functions that src/check.rs exports, which napi-rs does not write.
/** Text, or the length of the bytes in the shared memory. */
export type NativeKey = string | number
export declare function allow(limiter: Handle, key: NativeKey, cost?: number): boolean
export declare function check(limiter: Handle, key: NativeKey, cost?: number): number
export declare function checkCosts(limiter: Handle, key: NativeKey): number
export declare function peek(limiter: Handle, key: NativeKey): number
export declare function refund(limiter: Handle, key: NativeKey, cost: number): void
export declare function refundCosts(limiter: Handle, key: NativeKey): void
export declare function reset(limiter: Handle, key: NativeKey): void
/** Throws what a check would throw. */
export declare function validate(limiter: Handle, key: NativeKey, cost: number): void
export declare function validateCosts(limiter: Handle, key: NativeKey): void
/** The headers as lines of `Name: value` that end in CR LF. `retryAfter` makes Retry-After longer. */
export declare function headers(limiter: Handle, styleBits: number, retryAfter: number): string

