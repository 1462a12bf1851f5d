// The memory that this thread shares with the native half; src/memory.rs says what is where.

import { fault } from './errors.js'
import { native } from './native.js'

/** Text or bytes, 1 to 65,536 bytes (text as UTF-8). The same bytes are the same key. */
export type Key = string | Uint8Array

export const MAX_KEY_BYTES = 65_536

// Shared with nobody but the native half, which keeps its address: memory of this kind can't be taken away.
const buffer = new SharedArrayBuffer(native.MEMORY_SIZE)
const key = new Uint8Array(buffer, native.KEY_AT, MAX_KEY_BYTES)
const costs = new Float64Array(buffer, native.COSTS_AT, 8)
const states = new Float64Array(buffer, native.STATES_AT, 32)

/** All of it, for a limiter to be made with. */
export const memory = new Uint8Array(buffer)

/** A record of a decision, or several, as numbers and as words. */
export interface Records {
  readonly numbers: Float64Array
  readonly words: Uint32Array
}

export const record: Records = {
  numbers: new Float64Array(buffer, 0, native.RECORD_SIZE / 8),
  words: new Uint32Array(buffer, 0, native.RECORD_SIZE / 4),
}

/** Where a record has its marks, and its readings: four words for each limit. */
const TIME = native.RECORD_WORDS / 4
const MARKS = TIME + 2
const READINGS = TIME + 4

const encoder = new TextEncoder()

/**
 * A key as the native half takes it: text as it is, bytes by their length when they are in the memory.
 * Nothing is written above the most that a key may have.
 */
export function given(value: Key): string | number {
  return typeof value === 'string' ? value : writeBytes(value, key, 0)
}

function writeBytes(value: unknown, place: Uint8Array, at: number): number {
  if (!(value instanceof Uint8Array)) throw fault('key-type', `a key is a string or a Uint8Array, not ${typeof value}`, TypeError)
  if (value.length <= MAX_KEY_BYTES) place.set(value, at)
  return value.length
}

/** Writes a cost for each limit. */
export function putCosts(values: readonly number[]): void {
  for (let i = 0; i < values.length; i++) costs[i] = values[i]!
}

export function marks(from: Records, at: number): number {
  return from.words[at * 2 + MARKS]!
}

/**
 * The numbers of a decision about so many limits, out of the record at `at` (in numbers): units left,
 * seconds until reset and retry, and what the engine makes the decision of again.
 */
export function keep({ numbers, words }: Records, at: number, limits: number): number[] {
  const w = at * 2
  const r = w + READINGS
  // Written out for the usual numbers of limits: an array that grows is copied.
  const kept = limits === 1
    ? [numbers[at]!, numbers[at + 1]!, numbers[at + 2]!, words[w + TIME]!, words[w + TIME + 1]!,
      words[r]!, words[r + 1]!, words[r + 2]!, words[r + 3]!]
    : [numbers[at]!, numbers[at + 1]!, numbers[at + 2]!, words[w + TIME]!, words[w + TIME + 1]!,
      words[r]!, words[r + 1]!, words[r + 2]!, words[r + 3]!, words[r + 4]!, words[r + 5]!, words[r + 6]!, words[r + 7]!]
  for (let i = 8; i < limits * 4; i++) kept.push(words[r + i]!)
  return kept
}

/** Writes a decision back, so that more can be asked about it. */
export function restore(kept: readonly number[], marks: number): void {
  const { words } = record
  words[TIME] = kept[3]!
  words[TIME + 1] = kept[4]!
  words[MARKS] = marks
  for (let i = 5; i < kept.length; i++) words[READINGS + i - 5] = kept[i]!
}

/** The state of limit `index`: units left, and seconds until reset, retry and the end of its promise. */
export function state(index: number): [number, number, number, number] {
  const at = index * 4
  return [states[at]!, states[at + 1]!, states[at + 2]!, states[at + 3]!]
}

/** What a batch is written to, kept for the next one: nothing of it is left when a call returns. */
let batch = new Uint8Array(4 * MAX_KEY_BYTES)
let ends = new Uint32Array(64)
let results = records(64)

/** Larger ones are not kept. */
const KEPT_BYTES = 2 ** 22

/** Keys one after another, each up to its end; `ends` may be longer than there are keys. */
export interface Packed {
  readonly bytes: Uint8Array
  readonly ends: Uint32Array
}

/** Packs keys that are in an array of our own, so that nobody else runs until they are used. */
export function pack(keys: readonly Key[]): Packed {
  const places = keys.length <= ends.length ? ends : new Uint32Array(keys.length)
  if (places.length * 4 <= KEPT_BYTES) ends = places
  return packText(keys, places) ?? packEach(keys, places)
}

/** All at once, if all are ASCII: then text has as many bytes as units, and a call to the encoder will do. */
function packText(keys: readonly Key[], places: Uint32Array): Packed | undefined {
  let text = ''
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!
    if (typeof key !== 'string' || text.length > batch.length) return undefined
    text += key
    places[i] = text.length
  }
  const { read, written } = encoder.encodeInto(text, batch)
  return read === text.length && written === text.length ? { bytes: batch, ends: places } : undefined
}

function packEach(keys: readonly Key[], places: Uint32Array): Packed {
  let bytes = batch
  let used = 0
  for (let i = 0; i < keys.length; i++) {
    if (used + MAX_KEY_BYTES > bytes.length) bytes = grown(bytes)
    const length = write(keys[i]!, bytes, used)
    if (length > MAX_KEY_BYTES) throw fault('key-too-long', `the key has ${length} bytes; at most ${MAX_KEY_BYTES} are allowed: hash longer ones first`)
    used += length
    places[i] = used
  }
  if (bytes.length <= KEPT_BYTES) batch = bytes
  return { bytes, ends: places }
}

/** Writes a key to `place` from `at` on, where there is room for as much as a key may have. */
function write(value: Key, place: Uint8Array, at: number): number {
  if (typeof value !== 'string') return writeBytes(value, place, at)
  const { read, written } = encoder.encodeInto(value, place.subarray(at, at + MAX_KEY_BYTES))
  return read === value.length ? written : Buffer.byteLength(value)
}

function grown(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(bytes.length * 2)
  larger.set(bytes)
  return larger
}

const RECORD_NUMBERS = native.RECORD_SIZE / 8

/** Room for so many records, at least. */
export function room(count: number): Records {
  if (results.numbers.length >= count * RECORD_NUMBERS) return results
  const larger = records(count)
  if (larger.numbers.byteLength <= KEPT_BYTES) results = larger
  return larger
}

function records(count: number): Records {
  const place = new ArrayBuffer(count * native.RECORD_SIZE)
  return { numbers: new Float64Array(place), words: new Uint32Array(place) }
}

/** Where record `index` begins, in numbers. */
export function recordAt(index: number): number {
  return index * RECORD_NUMBERS
}
