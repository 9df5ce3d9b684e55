/**
 * Parses the documents of this repository as far as tests need it: code blocks, files that a document shows, code
 * spans, links and anchors.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Folders with documents; in the deep ones, documents in subfolders count, too. */
const places = ['.', 'bench', 'chaos', 'examples', 'simulate'] as const;
const deepPlaces = ['docs'] as const;

export interface Block {
  readonly kind: 'fence' | 'indented';
  /** The word after the opening fence, or ''. */
  readonly language: string;
  /** The line number of its first line of code, from 1. */
  readonly line: number;
  readonly text: string;
  /** The file that it shows: the last code span of the line above, if that line ends with a colon. */
  readonly file: string | null;
}

/** Code between backticks. */
export interface Span {
  readonly line: number;
  readonly text: string;
  /** Whether a numbered step begins with it, which is an instruction to run it. */
  readonly isStep: boolean;
}

export interface Link {
  readonly line: number;
  readonly target: string;
}

export interface MarkdownDocument {
  /** From the repository's root, such as `docs/deploy.md`. */
  readonly path: string;
  readonly source: string;
  readonly blocks: readonly Block[];
  readonly spans: readonly Span[];
  readonly links: readonly Link[];
  /** As in links: `#the-screen`. */
  readonly anchors: readonly string[];
}

/** All documents. New ones are found without registration. */
export function allDocuments(): MarkdownDocument[] {
  const shallow = places.flatMap((folder) => markdownIn(folder, readdirSync(join(repository, folder))));
  const deep = deepPlaces.flatMap((folder) =>
    markdownIn(folder, readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })),
  );
  return [...shallow, ...deep].map(readDocument);
}

function markdownIn(folder: string, names: readonly string[]): string[] {
  const found = names.filter((name) => name.endsWith('.md')).sort();
  return found.map((name) => (folder === '.' ? name : `${folder}/${name}`));
}

function readDocument(path: string): MarkdownDocument {
  return parseDocument(path, readFileSync(join(repository, path), 'utf8'));
}

export function parseDocument(path: string, source: string): MarkdownDocument {
  const lines = source.split('\n');
  const { blocks, prose } = separate(lines);
  const { spans, links } = inlineOf(prose);
  return { path, source, blocks, spans, links, anchors: anchorsOf(prose) };
}

/** One item per line: its text, or `null` for code, comments and blank lines. */
type Prose = (string | null)[];

function separate(lines: readonly string[]): { blocks: Block[]; prose: Prose } {
  const blocks: Block[] = [];
  const prose: Prose = [];
  let isInList = false;
  let isInComment = false;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const [, indent = '', fence = '', language = ''] = /^( *)(`{3,})([^`]*)$/.exec(line) ?? [];
    if (fence !== '') {
      const end = endOfFence(lines, at, indent, fence);
      const text = lines
        .slice(at + 1, end)
        .map((code) => code.replace(new RegExp(`^ {0,${indent.length}}`), ''));
      blocks.push({
        kind: 'fence',
        language: language.trim(),
        line: at + 2,
        text: text.join('\n'),
        file: fileNamedAbove(lines, at),
      });
      while (prose.length <= end) prose.push(null);
      at = end;
      continue;
    }
    if (/^\S/.test(line)) isInList = /^([-*]|\d+\.) /.test(line);
    const isIndented = /^ {4}\S/.test(line) && !isInList && (lines[at - 1] ?? '').trim() === '';
    if (isIndented) {
      let end = at;
      while (
        /^ {4}/.test(lines[end] ?? '') ||
        ((lines[end] ?? '') === '' && /^ {4}\S/.test(lines[end + 1] ?? ''))
      )
        end += 1;
      const text = lines.slice(at, end).map((code) => code.slice(4));
      blocks.push({ kind: 'indented', language: '', line: at + 1, text: text.join('\n'), file: null });
      while (prose.length < end) prose.push(null);
      at = end - 1;
      continue;
    }
    // Comments, such as the markers of generated parts.
    const opens = line.includes('<!--');
    const closes = line.includes('-->');
    prose.push(isInComment || opens ? null : line);
    isInComment = (isInComment || opens) && !closes;
  }
  return { blocks, prose };
}

function endOfFence(lines: readonly string[], start: number, indent: string, fence: string): number {
  const end = lines.findIndex((line, at) => at > start && line.trim() === fence && line.startsWith(indent));
  return end === -1 ? lines.length : end;
}

function fileNamedAbove(lines: readonly string[], fenceAt: number): string | null {
  const above = lines.slice(0, fenceAt).findLast((line) => line.trim() !== '') ?? '';
  if (!above.trimEnd().endsWith(':')) return null;
  const name = [...above.matchAll(/`([^`]+)`/g)].at(-1)?.[1] ?? '';
  // A file name has an extension, or is one of the known names without one.
  return /^[\w@./-]*(\.[a-z]{2,10}|Dockerfile|Procfile)$/.test(name) ? name : null;
}

function inlineOf(prose: Prose): { spans: Span[]; links: Link[] } {
  const spans: Span[] = [];
  const links: Link[] = [];
  for (const { line, text } of paragraphsOf(prose)) {
    const lineOf = (offset: number) => line + (text.slice(0, offset).match(/\n/g)?.length ?? 0);
    for (const match of text.matchAll(/(`+)(?!`)([\s\S]*?[^`])\1(?!`)/g)) {
      const before = text.slice(text.lastIndexOf('\n', match.index) + 1, match.index);
      const code = (match[2] ?? '').replace(/\s+/g, ' ').trim();
      spans.push({ line: lineOf(match.index), text: code, isStep: /^\s*\d+\. $/.test(before) });
    }
    for (const match of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      links.push({ line: lineOf(match.index), target: match[1] ?? '' });
    }
  }
  return { spans, links };
}

/** Joins lines that belong together. A code span may continue on the next line, but not in the next row of a table. */
function paragraphsOf(prose: Prose): { line: number; text: string }[] {
  const paragraphs: { line: number; text: string }[] = [];
  let isOpen = false;
  for (const [at, line] of prose.entries()) {
    if (line === null || line.trim() === '') {
      isOpen = false;
      continue;
    }
    const last = paragraphs.at(-1);
    const isOwn = /^\s*(\||[-*] |\d+\. |#)/.test(line);
    if (isOpen && !isOwn && last !== undefined) last.text += `\n${line}`;
    else paragraphs.push({ line: at + 1, text: line });
    isOpen = !/^\s*(\||#)/.test(line);
  }
  return paragraphs;
}

/** The anchors that GitHub makes from headings. */
function anchorsOf(prose: Prose): string[] {
  return prose.flatMap((line) => {
    const heading = /^#{1,6} (.*)$/.exec(line ?? '')?.[1];
    if (heading === undefined) return [];
    const bare = heading.replace(/`|\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    return [`#${bare.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')}`];
  });
}

/** The commands of a shell block, without comments. Continued lines are joined. */
export function commandsOf(text: string): string[] {
  const commands: string[] = [];
  let open = '';
  for (const line of text.split('\n')) {
    const bare = withoutComment(open === '' ? line : `${open} ${line.trim()}`).trim();
    if (bare.endsWith('\\')) {
      open = bare.slice(0, -1).trimEnd();
      continue;
    }
    open = '';
    if (bare !== '') commands.push(bare);
  }
  return open === '' ? commands : [...commands, open];
}

/** Removes a shell comment. A `#` inside a word or quotes doesn't begin one. */
function withoutComment(line: string): string {
  let quote = '';
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === "'" || character === '"') quote = character;
    else if (character === '#' && /^$|\s/.test(line.charAt(at - 1))) return line.slice(0, at);
  }
  return line;
}

/** Splits a command into words, as a shell does. Understands simple quotes only. */
export function wordsOf(command: string): string[] {
  const words: string[] = [];
  for (const [, word = ''] of command.matchAll(/((?:'[^']*'|"[^"]*"|[^\s'"])+)/g)) {
    words.push(word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
  }
  return words;
}
