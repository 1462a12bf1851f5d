// Written by scripts/build.mjs from src/*.rs: `npm run build:native` writes it anew.

declare const kind: unique symbol
/** A limiter, held by the native half. */
export interface Handle { [kind]: 'limiter' }
export interface PolicyHandle { [kind]: 'policy' }
export interface PolicyFileHandle { [kind]: 'policy-file' }
export interface ClockHandle { [kind]: 'clock' }
export interface ProxiesHandle { [kind]: 'proxies' }

