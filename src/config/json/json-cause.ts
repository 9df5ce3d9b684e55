/**
 * Finds where a text is not valid JSON, and explains why. Messages never quote the text, because it may contain a password.
 */
import {
  createScanner,
  type ParseError,
  parseTree,
  printParseErrorCode,
  type SyntaxKind,
} from 'jsonc-parser';

/** A place in the text, both counted from 1; columns in UTF-16 units, as editors show them. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface SyntaxCause {
  /** Index into the text. */
  readonly offset: number;
  readonly cause: string;
}

/**
 * jsonc-parser and the walks over its tree are recursive, so hostile text could overflow the stack. A config needs 4 levels.
 */
const DEEPEST = 100;

/** Values of jsonc-parser's `SyntaxKind`: a const enum, which can't be imported with `isolatedModules`. */
export const token = {
  ...{ openBrace: 1, closeBrace: 2, openBracket: 3, closeBracket: 4, comma: 5, colon: 6 },
  ...{ lineComment: 12, blockComment: 13, lineBreak: 14, space: 15, end: 17 },
} as const;

/** The place where brackets are nested too deeply, or `null`. */
export function tooDeep(text: string): SyntaxCause | null {
  const { deepAt } = scanTo(text, text.length);
  return deepAt === null
    ? null
    : { offset: deepAt, cause: `brackets are nested more than ${DEEPEST} levels deep` };
}

/**
 * @param text invalid JSON
 * @param refusal the error of `JSON.parse`
 */
export function causeOf(text: string, refusal: unknown): SyntaxCause {
  const errors: ParseError[] = [];
  parseTree(text, errors, { disallowComments: true });
  const error = errors[0];
  // If jsonc-parser accepts the text, the engine's message has the place. Its words aren't used, because they quote the
  // text.
  if (error === undefined) return { offset: offsetIn(refusal), cause: 'this is not valid JSON' };
  const trailing = trailingComma(text, error.offset);
  if (trailing !== null) {
    return { offset: trailing, cause: 'a trailing comma; remove it' };
  }
  return { offset: error.offset, cause: wordsFor(error, text) };
}

/** Line and column, from 1, of an index into the text. */
export function placeOf(text: string, offset: number): Place {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

function wordsFor(error: ParseError, text: string): string {
  const { open, last } = scanTo(text, error.offset);
  const inArray = open.at(-1) === token.openBracket;
  const isFirst = last === token.openBrace || last === token.openBracket;
  const key = 'a key in double quotes';
  const next = isFirst ? (inArray ? 'a value' : key) : 'a comma';
  const separator = `${next} or closing ${inArray ? 'bracket' : 'brace'}`;
  const endsEarly = text.slice(error.offset).trim() === '' ? 'unexpected end of the text; ' : '';
  const here = text.slice(error.offset, error.offset + error.length);
  switch (printParseErrorCode(error.error)) {
    case 'InvalidCommentToken':
      return 'comments are not allowed in JSON';
    case 'CommaExpected':
      if (/^\d/.test(here) && text[error.offset - 1] === '0') return 'a number has a leading zero';
      return `expected ${separator}`;
    case 'CloseBraceExpected':
    case 'CloseBracketExpected':
      return `${endsEarly}expected ${separator}`;
    case 'ColonExpected':
      return `${endsEarly}expected a colon after the key`;
    case 'PropertyNameExpected':
      return `${endsEarly}expected ${key}`;
    case 'ValueExpected':
      // If an object begins with a comma, jsonc-parser expects a value.
      return `${endsEarly}expected ${here === ',' && last === token.openBrace ? key : 'a value'}`;
    case 'EndOfFileExpected':
      return 'expected nothing after the end of the object';
    case 'UnexpectedEndOfString':
      return 'a string has no closing double quote on its line';
    case 'UnexpectedEndOfNumber':
      return 'a number is incomplete';
    case 'InvalidUnicode':
      return 'a string has a "\\u" without four hex digits';
    case 'InvalidEscapeCharacter':
      return 'a string has an unknown escape; write a backslash as "\\\\"';
    case 'InvalidCharacter':
      return 'a string has a control character; write it as an escape such as "\\n" or "\\t"';
    default:
      return symbolWords(here);
  }
}

/** A symbol that is neither punctuation nor a value of JSON. */
function symbolWords(symbol: string): string {
  if (symbol.startsWith("'")) return 'strings need double quotes, not single quotes';
  if (/^[-+.\d]/.test(symbol)) return 'this is not a valid JSON number';
  if (/^[\p{L}_$]/u.test(symbol)) {
    return 'an unquoted word; only true, false and null have no quotes';
  }
  return 'an unexpected character';
}

/** The index of a comma right before the closing bracket at `offset`, or `null`. */
function trailingComma(text: string, offset: number): number | null {
  if (text[offset] !== '}' && text[offset] !== ']') return null;
  const { last, lastAt } = scanTo(text, offset);
  return last === token.comma ? lastAt : null;
}

function offsetIn(refusal: unknown): number {
  const position = refusal instanceof Error ? /at position (\d+)/.exec(refusal.message)?.[1] : undefined;
  return position === undefined ? 0 : Number(position);
}

interface Scan {
  /** The brackets that are open at the end. */
  readonly open: readonly number[];
  /** Index of the first bracket that is nested too deeply. */
  readonly deepAt: number | null;
  /** The last token before the end, and its index. */
  readonly last: number | null;
  readonly lastAt: number;
}

/** Scans the tokens that begin before `end`. */
function scanTo(text: string, end: number): Scan {
  const scanner = createScanner(text, true);
  const open: number[] = [];
  let last: number | null = null;
  let lastAt = 0;
  for (;;) {
    const kind: SyntaxKind | number = scanner.scan();
    if (kind === token.end || scanner.getTokenOffset() >= end) return { open, deepAt: null, last, lastAt };
    last = kind;
    lastAt = scanner.getTokenOffset();
    if (kind === token.openBrace || kind === token.openBracket) open.push(kind);
    else if (kind === token.closeBrace || kind === token.closeBracket) open.pop();
    if (open.length > DEEPEST) return { open, deepAt: lastAt, last, lastAt };
  }
}
