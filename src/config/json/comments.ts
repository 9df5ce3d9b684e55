/** Comments and trailing commas, which people can write in a config and `JSON.parse` doesn't accept. */
import { createScanner, type SyntaxKind } from 'jsonc-parser';
import { type SyntaxCause, token } from './json-cause.ts';

/** jsonc-parser's `ScanError.UnexpectedEndOfComment`, a const enum. */
const unclosedComment = 1;
const beforeValues: readonly number[] = [token.openBrace, token.openBracket, token.comma, token.colon];

interface Span {
  readonly start: number;
  readonly length: number;
}

/** The text with spaces instead of comments and trailing commas, so that all places stay the same. */
export function withoutComments(
  text: string,
): { readonly plain: string } | { readonly problem: SyntaxCause } {
  const scanner = createScanner(text, false);
  const spans: Span[] = [];
  let last: number | null = null;
  let commaAt: number | null = null;
  for (let kind: SyntaxKind | number = scanner.scan(); kind !== token.end; kind = scanner.scan()) {
    const start = scanner.getTokenOffset();
    if (kind === token.lineComment || kind === token.blockComment) {
      if (scanner.getTokenError() === unclosedComment) {
        return { problem: { offset: start, cause: 'a comment has no end; close it with "*/"' } };
      }
      spans.push({ start, length: scanner.getTokenLength() });
    } else if (kind !== token.lineBreak && kind !== token.space) {
      const isClosing = kind === token.closeBrace || kind === token.closeBracket;
      if (isClosing && commaAt !== null) spans.push({ start: commaAt, length: 1 });
      // Only a comma after a value: `[,]` stays a mistake.
      const isAfterValue = last !== null && !beforeValues.includes(last);
      commaAt = kind === token.comma && isAfterValue ? start : null;
      last = kind;
    }
  }
  return { plain: blanked(text, spans) };
}

function blanked(text: string, spans: readonly Span[]): string {
  let plain = '';
  let end = 0;
  for (const { start, length } of spans.toSorted((a, b) => a.start - b.start)) {
    plain += text.slice(end, start);
    end = start + length;
    plain += text.slice(start, end).replace(/[^\r\n]/g, ' ');
  }
  return plain + text.slice(end);
}
