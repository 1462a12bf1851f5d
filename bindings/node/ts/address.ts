import { native } from './native.js'
import type { ProxiesHandle } from '../native.js'

export interface ProxyOptions {
  /** The header that the proxies write; the other one is never read. */
  readonly header?: 'X-Forwarded-For' | 'Forwarded'
  /** How many bits of an IPv6 address stand for one client: 64. */
  readonly ipv6Prefix?: number
}

/**
 * The proxies that are believed about whom they answer: addresses and networks with `,` or blanks
 * between them. None: the client is the other end of the connection.
 *
 * @example
 * const proxies = new Proxies('10.0.0.0/8, 2001:db8:ffff::1')
 * proxies.key('10.0.0.1', ['203.0.113.9, 198.51.100.7']) // '198.51.100.7'
 * @throws with code `options`
 */
export class Proxies {
  readonly header: 'X-Forwarded-For' | 'Forwarded'
  readonly #handle: ProxiesHandle

  constructor(trusted = '', { header = 'X-Forwarded-For', ipv6Prefix = 64 }: ProxyOptions = {}) {
    this.header = header
    this.#handle = native.createProxies(trusted, header, ipv6Prefix)
  }

  /** The client's address. `lines` are the values of all lines of the header, in order. */
  client(peer: string, lines: string[] = []): string {
    return native.clientAddress(this.#handle, peer, lines)
  }

  /** What to count the client by: its IPv4 address, or the network of its IPv6 address. */
  key(peer: string, lines: string[] = []): string {
    return native.clientKey(this.#handle, peer, lines)
  }
}

/**
 * The API key that a request shows: the token of `Authorization: Bearer …`, else the value of
 * `X-API-Key`. What reads as an address is none. It is not verified.
 */
export function apiKey(authorization?: string | null, xApiKey?: string | null): string | undefined {
  return native.apiKey(authorization, xApiKey) ?? undefined
}
