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

export declare const COSTS_AT: number

export declare const KEY_AT: number

/** As the JavaScript half has checked them. */
export interface LimiterOptions {
  maxKeys?: number
  segment?: string
  /** `coarse` or `precise`. */
  clock?: string
  /** `overflow`, `deny` or `allow`. */
  onFull?: string
  /** `deny` or `allow`. */
  onUnavailable?: string
}

export declare const MEMORY_SIZE: number

/** A body, and the head that goes with it. */
export interface NativeBody {
  status: number
  contentType: string
  cacheControl: string
  text: string
}

/** What a limiter has done since it was made. */
export interface NativeCounters {
  admitted: number
  denied: Array<number>
  overflowed: number
  reclaimed: number
  unavailable: number
}

/** A limit as JavaScript shows it; times in seconds. */
export interface NativeLimit {
  name: string
  quota: number
  window: number
  algorithm: string
  capacity: number
  unit: string
  resolution: number
}

/** A policy as JavaScript shows it. */
export interface NativePolicy {
  notation: string
  name?: string
  report: string
  maxBody?: number
  limits: Array<NativeLimit>
}

/** Where JavaScript finds what it reads and writes, in bytes. */
export declare const RECORD_SIZE: number

/** Where the engine's own numbers begin in a record. */
export declare const RECORD_WORDS: number

export declare const STATES_AT: number

/** The version that all packages of tidegate share. */
export declare const VERSION: string

export declare function advanceClock(clock: ClockHandle, seconds: number): void

/** The API key that a request shows by these headers. */
export declare function apiKey(authorization?: string | undefined | null, xApiKey?: string | undefined | null): string | null

/** The body of a denial in the form that the Accept header asks for; nothing when allowed. */
export declare function body(limiter: Handle, accept: string, retryAfter: number): NativeBody | null

/** The same policy with other choices. */
export declare function changePolicy(policy: PolicyHandle, name?: string | undefined | null, report?: string | undefined | null, maxBody?: number | undefined | null): PolicyHandle

/**
 * Decides about a key of each limiter: all admit, or nothing is taken. Gives the index of the part to
 * answer with, or -1 - index if not all admit.
 */
export declare function checkAll(limiters: Handle[], keys: Uint8Array, ends: Uint32Array, costs: Float64Array, records: Float64Array): number

/** Decides about each key, and writes the record of each decision to `records`. No costs: 1 each. */
export declare function checkMany(limiter: Handle, count: number, keys: Uint8Array, ends: Uint32Array, costs: Float64Array, records: Float64Array): void

/** The client's address. */
export declare function clientAddress(proxies: ProxiesHandle, peer: string, lines: Array<string>): string

/** The key to count the client by: its IPv4 address, or the network of its IPv6 address. */
export declare function clientKey(proxies: ProxiesHandle, peer: string, lines: Array<string>): string

/** The body for a request whose own is larger than `limit` bytes. */
export declare function contentTooLarge(limit: number): NativeBody

export declare function counters(limiter: Handle): NativeCounters

export declare function createClock(): ClockHandle

export declare function createLimiter(memory: Uint8Array, policy: PolicyHandle, options: LimiterOptions, manual?: ClockHandle | undefined): Handle

export declare function createProxies(trusted: string, header: string, ipv6Prefix: number): ProxiesHandle

export declare function describePolicy(policy: PolicyHandle): NativePolicy

/** The value of Access-Control-Expose-Headers. */
export declare function exposedHeaders(styleBits: number): string

/** Writes the state of every limit to the shared memory. */
export declare function limitStates(limiter: Handle): void

export declare function loadPolicyFile(path: string): PolicyFileHandle

export declare function maxKeys(limiter: Handle): number

/** Nanoseconds of the limiter's time. */
export declare function now(limiter: Handle): bigint

export declare function parsePolicy(notation: string): PolicyHandle

export declare function parsePolicyFile(toml: string): PolicyFileHandle

/** The names of the policies, in the file's order. */
export declare function policyNames(file: PolicyFileHandle): Array<string>

/** The time in nanoseconds. */
export declare function readClock(clock: ClockHandle): bigint

export declare function requirePolicy(file: PolicyFileHandle, name: string): PolicyHandle

/** The value of Retry-After; 0 when allowed. */
export declare function retryAfterSeconds(limiter: Handle): number

/** Sets the time in nanoseconds. */
export declare function setClock(clock: ClockHandle, nanoseconds: bigint): void

/** The bits of the styles that are named, with `,` between them. */
export declare function styleBits(names: string): number
