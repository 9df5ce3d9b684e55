/**
 * Failures in the languages' own words: what Python, Ruby, PHP, Node and Java print of an exception that nothing
 * caught. Only forms that these languages print themselves count; any other text is left as it is.
 *
 * Each reader looks at every line a fixed number of times, and no pattern begins at more than one place of a line:
 * a job may print anything. Long because it is one thing: five languages, each with a reader of its form.
 */
import { isOutputGap } from '../output/output-tail.ts';

interface Heading {
  /** As the language prints it, such as `IndexError` or `java.io.IOException`. */
  readonly exception: string;
  /** The exception's text, which may have several lines; '' if it has none. */
  readonly error: string;
}

export interface Traceback extends Heading {
  /** All other lines as printed, those of its causes too. */
  readonly backtrace: readonly string[];
}

interface Found extends Traceback {
  /** The last line that surely belongs to it. */
  readonly lastLine: number;
}

type Reader = (lines: readonly string[]) => Found | null;

/** @returns the last traceback of the text, `null` if there is none */
export function readTraceback(text: string): Traceback | null {
  const likely = readers.filter(([mark]) => text.includes(mark));
  if (likely.length === 0) return null;
  const lines = text.trimEnd().split(/\r?\n/);
  const found = likely
    .map(([, read]) => read(lines))
    // A program that prints the traceback of another one prints the end of its own later.
    .reduce((best, next) => ((next?.lastLine ?? -1) > (best?.lastLine ?? -1) ? next : best), null);
  if (found === null) return null;
  const { exception, error, backtrace } = found;
  return { exception, error, backtrace: backtrace.filter((line) => line.trim() !== '') };
}

const longestName = 256;

/** `Name: text`, or a name alone. */
function splitHeading(line: string, name: RegExp): Heading | null {
  const colon = line.indexOf(': ');
  const bare = line.endsWith(':') ? line.slice(0, -1) : line;
  const exception = colon === -1 ? bare : line.slice(0, colon);
  if (exception.length > longestName || !name.test(exception)) return null;
  return { exception, error: colon === -1 ? '' : line.slice(colon + 2) };
}

function joined(...parts: readonly string[]): string {
  return parts.join('\n').trim();
}

// Python: frames, then the exception. What caused it stands before it.

const pythonHeader = 'Traceback (most recent call last):';
const pythonName = /^[\p{L}_][\p{L}\p{N}_]*(\.([\p{L}_][\p{L}\p{N}_]*|<locals>))*$/u;
const groupHeader = `  + Exception Group ${pythonHeader}`;
const groupMargin = /^ {2}\| /;
const pythonChain = [
  'The above exception was the direct cause of the following exception:',
  'During handling of the above exception, another exception occurred:',
];

function python(lines: readonly string[]): Found | null {
  const isHeader = (line: string, at: number) =>
    (line === pythonHeader || line === groupHeader) &&
    lines[at - 1]?.startsWith('Exception ignored ') !== true;
  const header = lines.findLastIndex(isHeader);
  if (header === -1) return null;
  const isGroup = lines[header] === groupHeader;
  const own = isGroup ? lines.map((line) => line.replace(groupMargin, '')) : lines;
  if (own[header + 1]?.startsWith('  File "') !== true) return null;
  const last = afterFrames(own, header + 1, (line) => line.startsWith('  '));
  const heading = splitHeading(own[last] ?? '', pythonName);
  if (heading === null) return null;
  const { exception, error } = heading;
  const rest = lines.slice(last + 1);
  // Further lines of the text can't be told from what other parts of the program print afterwards.
  const before = [...causesBefore(lines, header), ...lines.slice(header + 1, last)];
  return isGroup
    ? { exception, error, backtrace: [...before, ...rest], lastLine: last }
    : { exception, error: joined(error, ...rest), backtrace: before, lastLine: last };
}

/** The tracebacks that lead to the one whose header is at `header`, with the lines that say so. */
function causesBefore(lines: readonly string[], header: number): readonly string[] {
  let first = header;
  for (let at = header - 1; at >= 0 && pythonChain.includes(lines[first - 2] ?? ''); at -= 1) {
    if (lines[at] === pythonHeader || lines[at] === groupHeader) first = at;
  }
  return first === header ? [] : lines.slice(first, header + 1);
}

/** @returns the first line from `start` on that is no frame */
function afterFrames(lines: readonly string[], start: number, isFrame: (line: string) => boolean): number {
  let at = start;
  while (at < lines.length && (isFrame(lines[at] ?? '') || isBesideGap(lines, at))) at += 1;
  return at;
}

/** Of an output that is too long to be kept, the middle is missing, with parts of the lines around it. */
function isBesideGap(lines: readonly string[], at: number): boolean {
  return [at - 1, at, at + 1].some((near) => isOutputGap(lines[near] ?? ''));
}

/** One that Python finds before it runs anything: a place, and no header. */
function pythonSyntax(lines: readonly string[]): Found | null {
  const at = lines.findLastIndex((line) => /^(SyntaxError|IndentationError|TabError): /.test(line));
  const heading = at === -1 ? null : splitHeading(lines[at] ?? '', pythonName);
  if (heading === null) return null;
  let first = at - 1;
  while (lines[first]?.startsWith('    ') === true) first -= 1;
  if (!/^ {2}File ".*", line \d+$/.test(lines[first] ?? '')) return null;
  const error = joined(heading.error, ...lines.slice(at + 1));
  return { exception: heading.exception, error, backtrace: lines.slice(first, at), lastLine: at };
}

// Ruby: `FILE:LINE:in 'METHOD': TEXT (CLASS)`, then frames. What caused it follows in the same form.

const rubyName = /^([A-Z]\w*(::[A-Z]\w*)*|#<Class:\w+>)$/;

function rubyHeading(line: string): (Heading & { place: string }) | null {
  const method = /:in [`']/.exec(line)?.index ?? -1;
  const end = method === -1 ? -1 : line.indexOf("': ", method);
  if (end === -1 || line.startsWith('\t') || !/:\d{1,9}$/.test(line.slice(0, method).slice(-10))) return null;
  const place = line.slice(0, end + 1);
  const text = line.slice(end + 3);
  if (text === 'unhandled exception') return { place, exception: 'RuntimeError', error: text };
  if (isRubyName(text)) return { place, exception: text, error: '' };
  const open = text.lastIndexOf(' (');
  const exception = text.slice(open + 2, -1);
  if (open === -1 || !text.endsWith(')') || !isRubyName(exception)) return null;
  return { place, exception, error: text.slice(0, open) };
}

const isRubyName = (text: string) => text.length <= longestName && rubyName.test(text);

const isRubyFrame = (line: string) =>
  line.startsWith('\t') &&
  (/^\tfrom .*:\d+(:in |$)/.test(line.slice(0, 1024)) || /^\t +\.\.\. \d+ levels\.\.\.$/.test(line));

function ruby(lines: readonly string[]): Found | null {
  let found: Found | null = null;
  let at = 0;
  while (at < lines.length) {
    const heading = rubyHeading(lines[at] ?? '');
    if (heading === null) {
      at += 1;
      continue;
    }
    const frames = textEnd(lines, at + 1);
    const error = joined(heading.error, ...lines.slice(at + 1, frames));
    let end = frames;
    let lastLine = at;
    for (;;) {
      const next = afterFrames(lines, end, isRubyFrame);
      if (next > end) lastLine = next - 1;
      end = next;
      if (rubyHeading(lines[end] ?? '') === null) break;
      lastLine = end;
      end = textEnd(lines, end + 1);
    }
    const { exception, place } = heading;
    found = { exception, error, backtrace: [place, ...lines.slice(frames, lastLine + 1)], lastLine };
    at = end;
  }
  return found;
}

/** @returns where a Ruby exception's text ends: at its first frame, the next exception, or the end */
function textEnd(lines: readonly string[], start: number): number {
  let at = start;
  while (at < lines.length && !isRubyFrame(lines[at] ?? '') && rubyHeading(lines[at] ?? '') === null) at += 1;
  return at;
}

function rubySyntax(lines: readonly string[]): Found | null {
  const pattern = /\.rb:\d{1,9}: (?=syntax error)/;
  const at = lines.findLastIndex((line) => pattern.test(line));
  const line = lines[at] ?? '';
  const match = pattern.exec(line);
  if (match === null) return null;
  const text = line.slice(match.index + match[0].length).replace(/ \(SyntaxError\)$/, '');
  const place = line.slice(0, match.index + match[0].length - 2);
  const error = joined(text, ...lines.slice(at + 1));
  return { exception: 'SyntaxError', error, backtrace: [place], lastLine: at };
}

// PHP: `Uncaught NAME: TEXT in FILE:LINE`, then frames. What caused it stands before it, and `Next ` between them.

const phpStart = /^(\[[^\]]*\] )?(PHP )?Fatal error: {1,2}Uncaught /;
const phpName = /^[\p{L}_][\p{L}\p{N}_\\]*(@anonymous)?$/u;

function php(lines: readonly string[]): Found | null {
  const lastLine = lines.findLastIndex((line) => /^ {2}thrown in .* on line \d+$/.test(line));
  if (lastLine === -1) return null;
  const start = lines.slice(0, lastLine).findLastIndex((line) => phpStart.test(line));
  if (start === -1) return null;
  const block = lines.slice(start, lastLine + 1);
  block[0] = block[0]?.replace(phpStart, '') ?? '';
  const next = block.findLastIndex(
    (line, at) => line.startsWith('Next ') && block[at - 2]?.endsWith(' {main}'),
  );
  const own = block.slice(Math.max(next, 0));
  own[0] = own[0]?.replace(/^Next /, '') ?? '';
  const frames = own.findLastIndex((line, at) => line === 'Stack trace:' && own[at + 1]?.startsWith('#0 '));
  if (frames < 1) return null;
  const text = own.slice(0, frames).join('\n');
  const place = text.lastIndexOf(' in ');
  const heading = splitHeading(place === -1 ? text : text.slice(0, place), phpName);
  if (heading === null) return null;
  const backtrace = [...block.slice(0, Math.max(next, 0)), ...own.slice(frames + 1)];
  return { ...heading, backtrace, lastLine };
}

function phpSyntax(lines: readonly string[]): Found | null {
  const pattern = /^(?:\[[^\]]*\] )?(?:PHP )?Parse error: {1,2}(.* on line \d+)$/;
  const at = lines.findLastIndex((line) => pattern.test(line));
  const error = pattern.exec(lines[at] ?? '')?.[1];
  return error === undefined ? null : { exception: 'ParseError', error, backtrace: [], lastLine: at };
}

// Node: the line of source and a caret, `NAME [CODE]: TEXT`, then frames, then the error's members, causes among them.

const nodeName = /^([\p{L}_$][\p{L}\p{N}_$.]*)( \[\w+\])?$/u;
const isNodeFrame = (line: string) =>
  line.startsWith('    at ') &&
  /(:\d{1,9}:\d{1,9}\)?|[( ]<anonymous>\)?|[( ]native\)?)( \{)?$/.test(line.slice(-32));

function node(lines: readonly string[]): Found | null {
  const last = lines.findLastIndex(isNodeFrame);
  if (last === -1) return null;
  let first = last;
  while (isNodeFrame(lines[first - 1] ?? '') || isElided(lines, first - 1)) first -= 1;
  const heading = nodeHeading(lines, first);
  if (heading === null) return null;
  const members = lines[last]?.endsWith(' {') === true ? lines.indexOf('}', last) : -1;
  const lastLine = members === -1 ? last : members;
  const { exception } = heading;
  const error = joined(heading.error, ...lines.slice(heading.at + 1, first));
  return { exception, error, backtrace: lines.slice(first, lastLine + 1), lastLine };
}

/** The one below a caret, else the nearest one above the frames that begin at `first`. */
function nodeHeading(lines: readonly string[], first: number): (Heading & { at: number }) | null {
  let nearest: (Heading & { at: number }) | null = null;
  for (let at = first - 1; at >= 0 && !isNodeFrame(lines[at] ?? ''); at -= 1) {
    const heading = splitHeading(lines[at] ?? '', nodeName);
    if (heading === null) continue;
    const [, exception = '', code] = nodeName.exec(heading.exception) ?? [];
    if (isBelowCaret(lines, at)) return { at, exception, error: heading.error };
    const isError = code !== undefined || /(Error|Exception)$/.test(exception);
    if (isError) nearest ??= { at, exception, error: heading.error };
  }
  return nearest;
}

/** `    ... 2 lines matching cause stack trace ...`, or near what output had no room for. */
function isElided(lines: readonly string[], at: number): boolean {
  return at >= 0 && (/^ {4}\.\.\. \d+ lines matching /.test(lines[at] ?? '') || isBesideGap(lines, at));
}

function isBelowCaret(lines: readonly string[], at: number): boolean {
  const above = lines[at - 1] === '' ? lines[at - 2] : lines[at - 1];
  return above?.trim() !== '' && /^\s*\^+$/.test(above ?? '');
}

// Java: `Exception in thread "…" NAME: TEXT`, or without a thread; then frames. What caused it follows.

const threadStart = 'Exception in thread "';
const javaName = /^[\p{L}_$][\p{L}\p{N}_$]*(\.[\p{L}_$][\p{L}\p{N}_$]*)*$/u;
const isJavaFrame = (line: string) =>
  /^\t+at [^\s()]+\([^()]*\)/.test(line) || /^\t+\.\.\. \d+ (more|common)/.test(line);
const isJavaCause = (line: string) => /^(Caused by: |\t+Suppressed: |\t+Caused by: )/.test(line);

interface JavaHeading extends Heading {
  readonly at: number;
  readonly hasThread: boolean;
}

function javaHeading(line: string, at: number): JavaHeading | null {
  const hasThread = line.startsWith(threadStart);
  const name = hasThread ? line.indexOf('" ', threadStart.length) + 2 : 0;
  const heading = splitHeading(line.slice(name), javaName);
  if (heading === null) return null;
  const isOne = hasThread || /\.|(Exception|Error|Throwable)$/.test(heading.exception);
  return isOne ? { ...heading, at, hasThread } : null;
}

function java(lines: readonly string[]): Found | null {
  let heading: JavaHeading | null = null;
  /** Where the heading's text ends; -1 before its first frame. */
  let bodyStart = -1;
  let found: { heading: JavaHeading; bodyStart: number; lastLine: number } | null = null;
  for (const [at, line] of lines.entries()) {
    const isFrame = isJavaFrame(line);
    if (heading !== null && (isFrame || isJavaCause(line))) {
      if (bodyStart === -1) bodyStart = at;
      if (isFrame) found = { heading, bodyStart, lastLine: at };
      continue;
    }
    const next = javaHeading(line, at);
    // Below a thread's heading everything is its text, up to the first frame.
    if (next === null || (heading?.hasThread === true && bodyStart === -1 && !next.hasThread)) continue;
    heading = next;
    bodyStart = -1;
  }
  if (found === null) return null;
  const { lastLine, bodyStart: start } = found;
  const { exception, error, at } = found.heading;
  const whole = joined(error, ...lines.slice(at + 1, start));
  return { exception, error: whole, backtrace: lines.slice(start, lastLine + 1), lastLine };
}

/** Each with what a text surely contains if there is something to read. */
const readers: readonly (readonly [mark: string, read: Reader])[] = [
  [pythonHeader, python],
  ['  File "', pythonSyntax],
  [':in ', ruby],
  ['.rb:', rubySyntax],
  ['  thrown in ', php],
  ['Parse error: ', phpSyntax],
  ['    at ', node],
  ['\tat ', java],
];
