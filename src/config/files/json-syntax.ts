/**
 * JSON with comments and trailing commas, and with places. `JSON.parse` alone decides whether the rest is valid. jsonc-parser
 * only finds the place of an error, duplicate keys, and the order of keys in the file.
 */
import { findNodeAtLocation, getNodePath, type Node, parseTree } from 'jsonc-parser';
import { withoutComments } from '../json/comments.ts';
import { causeOf, placeOf, tooDeep } from '../json/json-cause.ts';
import { problems } from '../problems.ts';

interface JsonDocument {
  readonly value: unknown;
  /** One message for each duplicate key, with both places. */
  readonly duplicates: readonly string[];
  /** Keys of the object at a path, in the order of the text: a JS object would move "10" to the front. */
  readonly keysAt: (path: readonly string[]) => readonly string[];
}

export type JsonResult =
  | { readonly ok: true; readonly document: JsonDocument }
  | { readonly ok: false; readonly problem: string };

/**
 * @param text JSON with comments; a byte order mark at its start is ignored
 * @param file its name, at the beginning of messages
 */
export function readJson(text: string, file: string): JsonResult {
  const written = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const stripped = withoutComments(written);
  if ('problem' in stripped) return failure(file, written, stripped.problem);
  const source = stripped.plain;
  if (source.trim() === '') return { ok: false, problem: problems.empty(file) };
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
    },
  };
}

function failure(file: string, source: string, at: { offset: number; cause: string }): JsonResult {
  return { ok: false, problem: problems.syntax(file, placeOf(source, at.offset), at.cause) };
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
