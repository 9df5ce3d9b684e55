/** Whether a line of a file is a job, and if not, why, for the author of the file. */
import { isUtf8 } from 'node:buffer';
import { causeOf, tooDeep } from '../../config/json/json-cause.ts';
import { visibleWithin } from '../../messages/visible.ts';
import { delayedItem, delayedMembers } from '../../resque/delayed/delayed-item.ts';
import { type FileLine, longestLineBytes } from './file-lines.ts';

export interface WrongLine {
  readonly line: number;
  readonly reason: string;
  /** Its beginning, safe for a terminal. */
  readonly text: string;
}

export type JobLine =
  | { readonly kind: 'job'; readonly payload: Buffer }
  | { readonly kind: 'empty' }
  | { readonly kind: 'wrong'; readonly wrong: WrongLine };

const shownLength = 60;
/** In a longer line, the place of a syntax error isn't searched. */
const longestSearched = 1_000_000;

/** @param delayedQueue the job waits for this queue; `null`: it goes to its queue as it is */
export function readJobLine({ number, bytes }: FileLine, delayedQueue: string | null): JobLine {
  const wrong = (reason: string, text: string): JobLine => ({
    kind: 'wrong',
    wrong: { line: number, reason, text },
  });
  if (bytes === null) {
    return wrong(`it is longer than ${longestLineBytes / 1e6} MB, the limit for a job in Redis`, '');
  }
  const payload = trimmed(bytes);
  if (payload.length === 0) return { kind: 'empty' };
  const shown = () => visibleWithin(payload.toString('utf8', 0, 4 * shownLength), shownLength);
  if (!isUtf8(payload)) return wrong('it is not UTF-8', shown());
  const text = payload.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return wrong(syntaxReason(text, payload.byteOffset - bytes.byteOffset, error), shown());
  }
  const reason = objection(value) ?? (delayedQueue === null ? null : delayedObjection(value));
  if (reason !== null) return wrong(reason, shown());
  if (delayedQueue === null) return { kind: 'job', payload };
  const item = delayedItem(delayedQueue, payload);
  return item === null ? wrong('"args" is missing', shown()) : { kind: 'job', payload: item };
}

/** JSON's white space; a line has no line feeds. */
function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0d || byte === 0x09;
}

function trimmed(bytes: Buffer): Buffer {
  let start = 0;
  let end = bytes.length;
  while (start < end && isSpace(bytes[start])) start += 1;
  while (end > start && isSpace(bytes[end - 1])) end -= 1;
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
}

/** @param indent characters before the text */
function syntaxReason(text: string, indent: number, error: SyntaxError): string {
  if (text.length > longestSearched) return 'it is not JSON';
  const { offset, cause } = tooDeep(text) ?? causeOf(text, error);
  return `it is not JSON: at column ${indent + offset + 1}, ${cause}`;
}

/** Why the value is not a job; `null` if it is one. */
function objection(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `it is ${typeName(value)}, not an object such as {"class": "SendMail", "args": []}`;
  }
  const { class: jobClass, args } = value as { class?: unknown; args?: unknown };
  if (jobClass === undefined) return '"class" is missing';
  if (typeof jobClass !== 'string') return `"class" is ${typeName(jobClass)}, not a string`;
  if (jobClass.trim() === '') return '"class" is empty';
  if (args !== undefined && !Array.isArray(args)) return `"args" is ${typeName(args)}, not an array`;
  return null;
}

/** Why that can't be delayed: every scheduler drops other members. */
function delayedObjection(value: unknown): string | null {
  const name = Object.keys(value ?? {}).find((each) => !delayedMembers.includes(each));
  return name === undefined
    ? null
    : `a delayed job can't have ${JSON.stringify(name)}, only "class" and "args"`;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
