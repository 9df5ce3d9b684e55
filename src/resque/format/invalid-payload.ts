/**
 * The stand-in that failure records have instead of a payload that other clients can't put back unchanged: bytes that are
 * not a JSON object, or an object without a class or one that Ruby can't read.
 *
 *     {"class":"InvalidPayload","args":[TEXT]}                                  all of it, if it is UTF-8
 *     {"class":"InvalidPayload","args":[TEXT,{"raw_payload_base64":BASE64}]}    all of it, if it is not
 *     {"class":"InvalidPayload","args":["BEGINNING…",{"bytes":LENGTH}]}         only the beginning of more than 16 KiB
 *
 * With `null` instead, resque-web's "Retry all" answers 500, and node-resque's retry loses the entry. Any client's retry
 * can put a stand-in on a queue. It never runs: the runner records the bytes behind it as failed again.
 */
import { isUtf8 } from 'node:buffer';

/** No job of this class ever runs. */
export const invalidPayloadClass = 'InvalidPayload';

/** Longer payloads are cut: pages and queues must stay readable. */
const limitBytes = 16 * 1024;

/** Canonical JSON of the stand-in for these bytes. */
export function payloadFor(bytes: Buffer): string {
  return JSON.stringify({ class: invalidPayloadClass, args: argsFor(bytes) });
}

function argsFor(bytes: Buffer): unknown[] {
  if (bytes.length > limitBytes) {
    // Drops a character that was cut in half.
    const beginning = bytes
      .subarray(0, limitBytes - 8)
      .toString('utf8')
      .replace(/\ufffd+$/, '');
    return [`${beginning}…`, { bytes: bytes.length }];
  }
  const text = bytes.toString('utf8');
  return isUtf8(bytes) ? [text] : [text, { raw_payload_base64: bytes.toString('base64') }];
}

/**
 * The bytes behind a stand-in, or their beginning if it has no more.
 *
 * @returns `null` if the args are not those of a stand-in
 */
export function bytesFrom(args: unknown): Buffer | null {
  if (!Array.isArray(args)) return null;
  const [text, more] = args as [unknown, { readonly raw_payload_base64?: unknown } | null | undefined];
  if (typeof text !== 'string') return null;
  const base64 = more?.raw_payload_base64;
  return typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.from(text);
}

/** For records without a known payload. */
export const unknownPayload = { class: invalidPayloadClass, args: [] };
