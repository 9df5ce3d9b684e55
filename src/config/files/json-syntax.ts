/**
 * JSON with comments and trailing commas, and with places. `JSON.parse` alone decides whether the rest is valid. jsonc-parser
 * only finds the place of an error, duplicate keys, and the order of keys in the file.
 */
import { findNodeAtLocation, getNodePath, type Node, parseTree } from 'jsonc-parser';
import { withoutComments } from '../json/comments.ts';
import { causeOf, type Place, placeOf, tooDeep } from '../json/json-cause.ts';
import { problems } from '../problems.ts';
import type { Path } from './variables.ts';

export interface JsonDocument {
  readonly value: unknown;
  /** One message for each duplicate key, with both places. */
  readonly duplicates: readonly string[];
  /** Keys of the object at a path, in the order of the text: a JS object would move "10" to the front. */
  readonly keysAt: (path: Path) => readonly string[];
  /** Where the value at a path begins; `null` if there is none. */
  readonly placeAt: (path: Path) => Place | null;
}

export type JsonResult =
  | { readonly ok: true; readonly document: JsonDocument }
  | { readonly ok: false; readonly problem: string; readonly isEmpty: boolean };

/**
 * @param text JSON with comments; a byte order mark at its start is ignored
 * @param file its name, at the beginning of messages
 */
export function readJson(text: string, file: string): JsonResult {
  const written = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const stripped = withoutComments(written);
  if ('problem' in stripped) return failure(file, written, stripped.problem);
  const source = stripped.plain;
  if (source.trim() === '') return { ok: false, problem: problems.empty(file), isEmpty: true };
  const deep = tooDeep(source);
  if (deep !== null) return failure(file, source, deep);
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    return failure(file, source, causeOf(source, error));
  }
  const root = parseTree(source);
  return {
    ok: true,
    document: {
      value,
      duplicates: root === undefined ? [] : duplicatesIn(root, source),
      keysAt: (path) => keysOf(root === undefined ? undefined : findNodeAtLocation(root, [...path])),
      placeAt: placesIn(root, source),
    },
  };
}

/** Made at the first question, and then quick for any number of them. */
function placesIn(root: Node | undefined, source: string): JsonDocument['placeAt'] {
  let places: Map<string, Place> | null = null;
  return (path) => {
    places ??= root === undefined ? new Map() : allPlaces(root, source);
    return places.get(JSON.stringify(path)) ?? null;
  };
}

function allPlaces(root: Node, source: string): Map<string, Place> {
  const places = new Map<string, Place>();
  const lineEnd = /\r\n|\r|\n|$/g;
  let line = 1;
  let lineStart = 0;
  let nextLine = afterNext(lineEnd, source);
  // In the order of the text, so that lines need to be counted once.
  const note = (node: Node, path: Path): void => {
    while (nextLine <= node.offset) {
      line += 1;
      lineStart = nextLine;
      nextLine = afterNext(lineEnd, source);
    }
    places.set(JSON.stringify(path), { line, column: node.offset - lineStart + 1 });
    for (const [at, child] of (node.children ?? []).entries()) {
      const [key, value] = node.type === 'object' ? (child.children ?? []) : [];
      if (node.type === 'array') note(child, [...path, at]);
      else if (value !== undefined) note(value, [...path, String(key?.value)]);
    }
  };
  note(root, []);
  return places;
}

/** The index after the next match; infinite after the last one. */
function afterNext(pattern: RegExp, text: string): number {
  return pattern.exec(text)?.[0] ? pattern.lastIndex : Number.POSITIVE_INFINITY;
}

function failure(file: string, source: string, at: { offset: number; cause: string }): JsonResult {
  const problem = problems.syntax(file, placeOf(source, at.offset), at.cause);
  return { ok: false, problem, isEmpty: false };
}

/** The key of a property is its first child. */
function keyNode(property: Node): Node | undefined {
  return property.children?.[0];
}

function keysOf(node: Node | undefined): string[] {
  if (node?.type !== 'object') return [];
  return (node.children ?? []).map((property) => String(keyNode(property)?.value));
}

function duplicatesIn(node: Node, source: string): string[] {
  const found: string[] = [];
  const firsts = new Map<string, Node>();
  for (const child of node.children ?? []) {
    const key = node.type === 'object' ? keyNode(child) : undefined;
    if (key !== undefined) {
      const first = firsts.get(key.value);
      if (first === undefined) firsts.set(key.value, key);
      else {
        const places = problems.duplicate(placeOf(source, first.offset), placeOf(source, key.offset));
        found.push(problems.at(getNodePath(key), places));
      }
    }
    found.push(...duplicatesIn(child, source));
  }
  return found;
}
